/** Reads the folder that a bundle was unpacked into, or a plain tree that mirrors absolute paths. */
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { RawMember } from './bundle.ts';
import { RefusedError } from './damage.ts';
import { Budget } from './limits.ts';

/**
 * Yields the regular files below a folder, in the order of their names. Links, devices and FIFOs are passed over: a
 * bundle has none, and following one could leave the folder or never end.
 *
 * @param damaged  called with the reason when a folder below cannot be listed; the others are
 * @throws the error of the file system if the folder itself cannot be listed
 */
export async function* readFolder(
  folder: string,
  damaged: (why: string, error?: unknown) => void,
  budget = new Budget(),
): AsyncGenerator<RawMember> {
  try {
    yield* readBelow(folder, '', damaged, budget);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    damaged(error.message, error);
  }
}

async function* readBelow(
  folder: string,
  below: string,
  damaged: (why: string, error?: unknown) => void,
  budget: Budget,
): AsyncGenerator<RawMember> {
  const entries = await readdir(path.join(folder, below), { withFileTypes: true }).catch((error: Error) => {
    if (below === '') throw error;
    damaged(`the folder ${below} cannot be listed: ${error.message}`);
    return [];
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    budget.member();
    if (entry.isDirectory()) yield* readBelow(folder, name, damaged, budget);
    else if (entry.isFile()) {
      const file = path.join(folder, name);
      const { size, mtime } = await lstat(file);
      yield { name, file, bytes: size, modified: mtime, content: opened(file, damaged, budget) };
    }
  }
}

/** Opens the file when its first byte is asked for: members that nobody reads cost no descriptor. */
async function* opened(
  file: string,
  damaged: (why: string, error?: unknown) => void,
  budget: Budget,
): AsyncGenerator<Uint8Array> {
  for await (const block of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    try {
      // A file may be nothing but a hole.
      budget.unpack(block.length);
    } catch (error) {
      damaged((error as Error).message, error);
      return;
    }
    yield block;
  }
}
