// Bundles src/ into dist/: one start-up file, everything heavy in chunks that are loaded when they are needed.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';
import { templatesForEsbuild } from './templates.mjs';
import { scannerForEsbuild } from './wasm.mjs';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/cli.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
  alias: { 'string-width': './.config/string-width.mjs' },
  plugins: [scannerForEsbuild, templatesForEsbuild],
  // These find their own files beside them on disk.
  external: ['puppeteer-core', '@puppeteer/browsers', '@sparticuz/chromium', 'tar-stream', '@fontsource/*'],
  // Some of the bundled libraries are CommonJS and call require().
  banner: {
    js: "#!/usr/bin/env node\nimport{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});
