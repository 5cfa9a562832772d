/** Opens an archive as a stream of unpacked bytes, packed or not, and tells what was read of it. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { type Digest, gunzip, gunzipFile } from './gunzip.ts';
import { Inflater } from './inflater.ts';

/** Packed bytes from which on a thread of its own pays. */
const LARGE = 4 << 20;

/** Bytes that are read at a time, and behind the end of a small file. */
const BLOCK = 1 << 20;
const MORE = 4096;

/** An archive's bytes. A block is to be used up by the time that the one after the next is asked for. */
export interface Unpacked {
  blocks: AsyncIterable<Uint8Array>;
  /** What was read, its sum where it could be; a stream that is damaged is read no further than that. */
  digest(): Partial<Digest> & Pick<Digest, 'bytes'>;
  /** To be called when no block is used any more. */
  close(): void;
}

/**
 * Opens a file; what takes time of that has begun when it returns.
 *
 * @param bytes size of the file
 */
export function unpackFile(file: string, bytes: number): Unpacked {
  if (bytes > 0 && bytes < LARGE) return unpackStream(readSmall(file, bytes));
  if (!startsLikeGzip(file)) return unpackStream(createReadStream(file, { highWaterMark: BLOCK }));
  let digest: Digest | undefined;
  const blocks = gunzipFile(file, (read) => {
    digest = read;
  });
  return { blocks, digest: () => digest ?? { bytes }, close: () => {} };
}

/** A file in one block: for a small one, a stream takes longer than what is made of it. */
async function* readSmall(file: string, bytes: number): AsyncGenerator<Uint8Array> {
  const descriptor = openSync(file, 'r');
  try {
    // What is behind that was added a moment ago.
    for (let size = bytes; ; size = MORE) {
      const block = Buffer.allocUnsafe(size);
      const length = readSync(descriptor, block);
      if (length === 0) return;
      yield block.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

export function unpackStream(source: AsyncIterable<Uint8Array>): Unpacked {
  const hash = createHash('sha256');
  let bytes = 0;
  async function* tapped() {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  let over: Inflater | undefined;
  const blocks = unpacked(tapped(), (inflater) => {
    over = inflater;
  });
  return { blocks, digest: () => ({ bytes, sha256: hash.digest('hex') }), close: () => over?.close() };
}

/** RFC 1952, 2.3.1. */
const isGzip = (head: Uint8Array) => head[0] === 0x1f && head[1] === 0x8b;

/** A file that cannot be read does not; whoever reads it will hear why. */
function startsLikeGzip(file: string): boolean {
  const head = new Uint8Array(2);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, head);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
  return isGzip(head);
}

/**
 * Unpacks if the first two bytes say gzip; bundles may be several gzip members in a row.
 *
 * @param over  is told, in the end, what unpacked them
 */
async function* unpacked(
  source: AsyncIterable<Uint8Array>,
  over: (inflater: Inflater) => void,
): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < 2) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* whole() {
    yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  }
  if (!isGzip(head)) {
    yield* whole();
    return;
  }
  const inflater = new Inflater();
  try {
    yield* gunzip(whole(), inflater);
  } finally {
    over(inflater);
  }
}
