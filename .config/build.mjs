// Bundles src/ into dist/: the program as one file and what starts it, the library with chunks that are loaded when they are needed, and a
// thread; and the manual page, which the program prints.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { forEsbuild } from './generated.mjs';

mkdirSync('dist', { recursive: true });
// The declarations are made by types.mjs, which takes longer than all of this.
for (const name of readdirSync('dist')) if (name !== 'types') rmSync(`dist/${name}`, { recursive: true });

const shared = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  alias: {
    'string-width': './.config/string-width.cjs',
    // Its other form asks for its own parts at run time.
    'jsonc-parser': './node_modules/jsonc-parser/lib/esm/main.js',
  },
  plugins: [forEsbuild],
  // These find their own files beside them on disk.
  external: ['puppeteer-core', '@puppeteer/browsers', '@sparticuz/chromium', '@fontsource/*'],
};

// ASCII only, which esbuild writes unless told otherwise, is what V8 reads fastest.
const { outputFiles } = await build({
  ...shared,
  entryPoints: ['src/program.ts'],
  format: 'cjs',
  write: false,
  banner: { js: "const __url=require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': '__url' },
  // What start.ts starts is no module: packages on disk are loaded by require().
  supported: { 'dynamic-import': false },
});
const [{ contents }] = outputFiles;
const program = `program-${createHash('sha256').update(contents).digest('hex').slice(0, 16)}.cjs`;
writeFileSync(`dist/${program}`, contents);

await build({
  ...shared,
  entryPoints: ['src/start/cli.ts', 'src/start/fleet-worker.ts'],
  outdir: 'dist',
  format: 'esm',
  define: { PROGRAM: JSON.stringify(`./${program}`) },
});

await build({
  ...shared,
  entryPoints: ['src/index.ts'],
  outdir: 'dist',
  splitting: true,
  format: 'esm',
  chunkNames: 'chunks/[name]-[hash]',
  // Some of the bundled libraries are CommonJS and call require().
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});

// A thread starts faster with CommonJS.
await build({
  ...shared,
  entryPoints: ['src/bundle/gunzip-worker.ts'],
  outfile: 'dist/gunzip-worker.cjs',
  format: 'cjs',
});

mkdirSync('dist/man');
writeFileSync('dist/man/conntrack-report.1', execFileSync(process.execPath, ['dist/cli.js', 'man']));
