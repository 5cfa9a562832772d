/** Reads `.tar` and `.tar.gz`, recognised by content. Whatever comes before a damage is handed out whole. */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { RawMember } from './bundle.ts';

/** Bytes that are inflated at a time: small blocks cost twice the time. */
const BLOCK = 1 << 20;

/**
 * Yields the regular files of an archive. Links, devices and folders are passed over. A member that the damage falls
 * into ends early: its content is shorter than its `bytes`.
 *
 * @param source   the archive's bytes
 * @param damaged  called with the reason when the archive ends early or is corrupt; the first call is the cause
 */
export async function* readArchive(
  source: AsyncIterable<Uint8Array>,
  damaged: (why: string) => void,
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
      damaged(reasonOf(error));
    }
  }
  let drained = () => {};
  unpacker.on('drain', () => drained());
  unpacker.on('close', () => drained());
  /** Feeds the unpacker until the source fails; then reports why, waits until all is consumed, and ends as if whole. */
  async function feed(): Promise<void> {
    try {
      for await (const block of inflated(source)) {
        if (over) return;
        const room = new Promise<void>((resolve) => {
          drained = resolve;
        });
        if (!unpacker.write(block)) await room;
      }
    } catch (error) {
      damaged(reasonOf(error));
    }
    // Ending inside an entry makes the unpacker throw away what it has not handed out yet.
    for (let quiet = 0; quiet < 3 && !over; quiet = waiting ? quiet + 1 : 0) await setImmediate();
    unpacker.end(undefined);
  }
  const fed = feed();
  try {
    const entries = unpacker[Symbol.asyncIterator]();
    for (let next = await pull(entries); !next.done; next = await pull(entries)) {
      const { header } = next.value;
      if (header.type === 'file') {
        yield { name: header.name, bytes: header.size, content: contentOf(next.value[Symbol.asyncIterator]()) };
      }
      next.value.resume();
    }
  } catch (error) {
    damaged(reasonOf(error));
  } finally {
    over = true;
    unpacker.destroy();
    await fed;
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'the compressed data end too early';
  if (code === 'Z_DATA_ERROR') return `the compressed data are damaged: ${message}`;
  if (message === 'Unexpected end of data') return 'the archive ends too early';
  if (message.startsWith('Invalid tar header')) return 'it is no tar archive, or a damaged one';
  return message;
}

/** Inflates if the first two bytes say gzip (RFC 1952); bundles may be several gzip members in a row. */
async function* inflated(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* whole() {
    yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  }
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip({ chunkSize: BLOCK });
  const compressed = Readable.from(whole(), { objectMode: false });
  compressed.on('error', (error) => gunzip.destroy(error));
  yield* ahead(compressed.pipe(gunzip));
}

/**
 * Yields a stream's blocks, and lets it make the next one meanwhile. As an async iterator it would wait until it is asked, and zlib,
 * which has a thread of its own, would idle while a block is being parsed.
 */
async function* ahead(stream: Readable): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  let failure: Error | undefined;
  let wake = () => {};
  stream.on('data', (block: Uint8Array) => {
    ready.push(block);
    stream.pause();
    wake();
  });
  stream.on('error', (error) => {
    failure = error;
    wake();
  });
  stream.on('close', () => wake());
  try {
    for (;;) {
      const block = ready.shift();
      if (block !== undefined) {
        stream.resume();
        yield block;
      } else if (failure !== undefined) {
        throw failure;
      } else if (stream.closed) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stream.destroy();
  }
}
