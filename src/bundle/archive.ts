/** Reads tar archives. Whatever comes before a damage is handed out whole. */
import { setImmediate } from 'node:timers/promises';
import { extract } from 'tar-stream';
import type { RawMember } from './bundle.ts';
import { DamageError } from './damage.ts';
import { Budget } from './limits.ts';

/** The longest path that Linux has (PATH_MAX): what is longer names no file of a host. */
const LONGEST_NAME = 4096;

/**
 * Yields the regular files of an archive. Links, devices and folders are passed over. A member that the damage falls
 * into ends early: its content is shorter than its `bytes`.
 *
 * The bytes of a member are to be used up, or copied, by the time that the next are asked for.
 *
 * @param source   the archive's bytes, unpacked
 * @param damaged  called with the reason, and the error, when the archive ends early or is corrupt; the first call is the cause
 */
export async function* readArchive(
  source: AsyncIterable<Uint8Array>,
  damaged: (why: string, error: unknown) => void,
  budget = new Budget(),
): AsyncGenerator<RawMember> {
  const unpacker = extract();
  let waiting = false;
  let over = false;
  /** The next item, with a note that somebody waits for it: whoever waits has had all that came before. */
  async function pull<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
    waiting = true;
    try {
      return await iterator.next();
    } finally {
      waiting = false;
    }
  }
  async function* contentOf(chunks: AsyncIterator<unknown>): AsyncGenerator<Uint8Array> {
    try {
      for (let next = await pull(chunks); !next.done; next = await pull(chunks)) yield next.value as Uint8Array;
    } catch (error) {
      damaged(reasonOf(error), error);
    }
  }
  let drained = () => {};
  unpacker.on('drain', () => drained());
  unpacker.on('close', () => drained());
  /** Feeds the unpacker until the source fails; then reports why, waits until all is consumed, and ends as if whole. */
  async function feed(): Promise<void> {
    try {
      for await (const block of source) {
        if (over) return;
        const room = new Promise<void>((resolve) => {
          drained = resolve;
        });
        if (!unpacker.write(block)) await room;
      }
    } catch (error) {
      damaged(reasonOf(error), error);
    }
    // Ending inside an entry makes the unpacker throw away what it has not handed out yet.
    for (let quiet = 0; quiet < 3 && !over; quiet = waiting ? quiet + 1 : 0) await setImmediate();
    unpacker.end(undefined);
  }
  void feed();
  try {
    const entries = unpacker[Symbol.asyncIterator]();
    for (let next = await pull(entries); !next.done; next = await pull(entries)) {
      const { header } = next.value;
      budget.member();
      if (header.type === 'file' && header.name.length <= LONGEST_NAME) {
        yield {
          name: header.name,
          bytes: header.size,
          modified: header.mtime ?? new Date(0),
          content: contentOf(next.value[Symbol.asyncIterator]()),
        };
      }
      next.value.resume();
    }
  } catch (error) {
    damaged(reasonOf(error), error);
  } finally {
    over = true;
    // The source may be waiting for somebody who never writes: it ends with its next block.
    unpacker.destroy();
  }
}

function reasonOf(error: unknown): string {
  const { message } = error as Error;
  if (error instanceof DamageError) {
    return error.isCut ? 'the compressed data end too early' : `the compressed data are damaged: ${message}`;
  }
  if (message === 'Unexpected end of data') return 'the archive ends too early';
  if (message.startsWith('Invalid tar header')) return 'it is no tar archive, or a damaged one';
  return message;
}
