/** Reads the folder that a bundle was unpacked into, or a plain tree that mirrors absolute paths. */
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { RawMember } from './bundle.ts';

/**
 * Yields the regular files below a folder, in the order of their names. Links, devices and FIFOs are passed over: a
 * bundle has none, and following one could leave the folder or never end.
 *
 * @param damaged  called with the reason when a folder below cannot be listed; the others are
 * @throws the error of the file system if the folder itself cannot be listed
 */
export async function* readFolder(
  folder: string,
  damaged: (why: string) => void,
  below = '',
): AsyncGenerator<RawMember> {
  const entries = await readdir(path.join(folder, below), { withFileTypes: true }).catch((error: Error) => {
    if (below === '') throw error;
    damaged(`the folder ${below} cannot be listed: ${error.message}`);
    return [];
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* readFolder(folder, damaged, name);
    else if (entry.isFile()) {
      const file = path.join(folder, name);
      const { size, mtime } = await lstat(file);
      yield { name, bytes: size, modified: mtime, content: opened(file) };
    }
  }
}

/** Opens the file when its first byte is asked for: members that nobody reads cost no descriptor. */
async function* opened(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file, { highWaterMark: 1 << 20 });
}
