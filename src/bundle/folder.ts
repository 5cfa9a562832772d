/** Reads the folder that a bundle was unpacked into, or a plain tree that mirrors absolute paths. */
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { RawMember } from './bundle.ts';

/**
 * Yields the regular files below a folder, in the order of their names. Links, devices and FIFOs are passed over: a
 * bundle has none, and following one could leave the folder or never end.
 */
export async function* readFolder(folder: string, below = ''): AsyncGenerator<RawMember> {
  const entries = await readdir(path.join(folder, below), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* readFolder(folder, name);
    else if (entry.isFile()) {
      const file = path.join(folder, name);
      const { size } = await lstat(file);
      yield { name, bytes: size, content: opened(file) };
    }
  }
}

/** Opens the file when its first byte is asked for: members that nobody reads cost no descriptor. */
async function* opened(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file, { highWaterMark: 1 << 20 });
}
