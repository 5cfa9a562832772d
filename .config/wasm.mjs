// Compiles what is written in AssemblyScript (the folders `wasm` in src/) where its `index.wasm` is imported.
import path from 'node:path';
import asc from 'assemblyscript/asc';

const OPTIONS = ['--runtime', 'stub', '--enable', 'simd', '-O3', '--noAssert'];

const compiled = new Map();

/** The bytes of a folder's module, compiled once a process. */
function compile(file) {
  if (!compiled.has(file)) compiled.set(file, compileNow(path.dirname(file)));
  return compiled.get(file);
}

async function compileNow(folder) {
  let bytes;
  const { error, stderr } = await asc.main(['index.ts', '--outFile', 'index.wasm', '--baseDir', folder, ...OPTIONS], {
    writeFile: (name, contents) => {
      if (name === 'index.wasm') bytes = contents;
    },
  });
  if (error) throw new Error(`${folder} does not compile: ${error.message}\n${stderr}`);
  return bytes;
}

/** For esbuild: a module becomes a Uint8Array. */
export const wasmForEsbuild = {
  name: 'wasm',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/index\.wasm$/ }, ({ path: name, resolveDir }) => ({
      path: path.join(resolveDir, name),
      namespace: 'wasm',
    }));
    onLoad({ filter: /.*/, namespace: 'wasm' }, async ({ path: file }) => ({
      contents: await compile(file),
      loader: 'binary',
    }));
  },
};

const PREFIX = '\0wasm:';

/** For Vite, which runs the tests: the same. */
export const wasmForVite = {
  name: 'wasm',
  enforce: 'pre',
  resolveId: (name, importer) =>
    importer && name.endsWith('/index.wasm') ? `${PREFIX}${path.join(path.dirname(importer), name)}.js` : undefined,
  load: async (id) => {
    if (!id.startsWith(PREFIX)) return undefined;
    const text = Buffer.from(await compile(id.slice(PREFIX.length, -'.js'.length))).toString('base64');
    return `export default new Uint8Array(Buffer.from('${text}', 'base64'));`;
  },
};
