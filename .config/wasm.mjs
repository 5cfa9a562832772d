// Compiles the scanner of connection tables (src/parsers/table/wasm/, AssemblyScript) where `index.wasm` is imported.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const folder = fileURLToPath(new URL('../src/parsers/table/wasm/', import.meta.url));
const OPTIONS = [
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '-O3',
  '--noAssert',
  ...(process.env.WDEBUG ? ['--debug'] : []),
];

let compiled;

/** The module's bytes, compiled once a process. */
export function compileScanner() {
  compiled ??= compile();
  return compiled;
}

async function compile() {
  let bytes;
  const { error, stderr } = await asc.main(['index.ts', '--outFile', 'index.wasm', '--baseDir', folder, ...OPTIONS], {
    writeFile: (name, contents) => {
      if (name === 'index.wasm') bytes = contents;
    },
  });
  if (error) throw new Error(`the scanner does not compile: ${error.message}\n${stderr}`);
  return bytes;
}

const isScanner = (name, importer) => path.resolve(path.dirname(importer), name) === path.join(folder, 'index.wasm');

/** For esbuild: the module becomes a Uint8Array. */
export const scannerForEsbuild = {
  name: 'scanner',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wasm$/ }, ({ path: name, importer }) =>
      isScanner(name, importer) ? { path: name, namespace: 'scanner' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'scanner' }, async () => ({
      contents: await compileScanner(),
      loader: 'binary',
    }));
  },
};

/** For Vite, which runs the tests: the same. */
export const scannerForVite = {
  name: 'scanner',
  enforce: 'pre',
  resolveId: (name, importer) =>
    importer && name.endsWith('.wasm') && isScanner(name, importer) ? '\0scanner' : undefined,
  load: async (id) => {
    if (id !== '\0scanner') return undefined;
    const text = Buffer.from(await compileScanner()).toString('base64');
    return `export default new Uint8Array(Buffer.from('${text}', 'base64'));`;
  },
};
