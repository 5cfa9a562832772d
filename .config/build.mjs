// Bundles src/ into dist/: the program, the library included, as one file and what starts it, and a thread; and the manual page, which the
// program prints.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
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
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  define: { PROGRAM: JSON.stringify(`./${program}`) },
});

// The library is a part of the program; its names are written out, as an importer of a module needs them.
const names = Object.keys(createRequire(import.meta.url)(`../dist/${program}`).parts.library());
writeFileSync(
  'dist/index.js',
  `import{createRequire}from'node:module';\nexport const{${names}}=createRequire(import.meta.url)('./${program}').parts.library();\n`,
);

// A thread starts faster with CommonJS.
await build({
  ...shared,
  entryPoints: ['src/bundle/gunzip-worker.ts'],
  outfile: 'dist/gunzip-worker.cjs',
  format: 'cjs',
});

mkdirSync('dist/man');
writeFileSync('dist/man/conntrack-report.1', execFileSync(process.execPath, ['dist/cli.cjs', 'man']));
