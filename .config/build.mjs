// Bundles src/ into dist/: one start-up file, one of the workers of a fleet, the library, everything heavy in chunks that are loaded
// when they are needed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { forEsbuild } from './generated.mjs';

mkdirSync('dist', { recursive: true });
// The declarations are made by types.mjs, which takes longer than all of this.
for (const name of readdirSync('dist')) if (name !== 'types') rmSync(`dist/${name}`, { recursive: true });
await build({
  entryPoints: ['src/cli.ts', 'src/fleet/worker.ts', 'src/index.ts'],
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
  alias: {
    'string-width': './.config/string-width.cjs',
    // Its other form asks for its own parts at run time.
    'jsonc-parser': './node_modules/jsonc-parser/lib/esm/main.js',
  },
  plugins: [forEsbuild],
  // These find their own files beside them on disk.
  external: ['puppeteer-core', '@puppeteer/browsers', '@sparticuz/chromium', '@fontsource/*'],
  // Some of the bundled libraries are CommonJS and call require().
  banner: {
    js: "#!/usr/bin/env node\nimport{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});

// A thread starts faster with CommonJS.
await build({
  entryPoints: ['src/bundle/gunzip-worker.ts'],
  outfile: 'dist/gunzip-worker.cjs',
  bundle: true,
  minify: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  plugins: [forEsbuild],
});

mkdirSync('dist/man');
writeFileSync('dist/man/conntrack-report.1', execFileSync(process.execPath, ['dist/cli.js', 'man']));
