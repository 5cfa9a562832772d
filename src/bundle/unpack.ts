/**
 * Opens an archive as a stream of unpacked bytes, whatever it is packed with, and tells what was read of it. What comes out is looked at
 * again: archives are packed twice by accident.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { RefusedError, UnsupportedError } from './damage.ts';
import { type Decoder, decoded } from './decoder.ts';
import { gunzipFile } from './gunzip.ts';
import { Inflater } from './inflater.ts';
import { Budget, limitOption } from './limits.ts';
import { type Foreign, foreignOf, HEAD_BYTES, type Packing, packingOf } from './recognise.ts';
import { type Digest, LARGE, startsLikeGzip } from './unpacker.ts';

/** Bytes that are read at a time, and behind the end of a small file. */
const BLOCK = 1 << 20;
const MORE = 4096;

/** An archive's bytes. A block is to be used up by the time that the one after the next is asked for. */
export interface Unpacked {
  /** Throw {@link RefusedError} where the input is not read, or not to its end. */
  blocks: AsyncIterable<Uint8Array>;
  /** How many bytes were read of it so far. */
  bytes(): number;
  /** What was read, its sum where it could be. A file is read to its end for that; a stream that is damaged no further than that. */
  digest(): Promise<Partial<Digest> & Pick<Digest, 'bytes'>>;
  /** To be called when no block is used any more. */
  close(): void;
}

/**
 * Opens a file; what takes time of that has begun when it returns.
 *
 * @param bytes size of the file
 */
export function unpackFile(file: string, bytes: number, budget = new Budget()): Unpacked {
  if (bytes > 0 && bytes < LARGE) return unpackAll(readSmall(file, bytes), file, budget);
  if (!startsLikeGzip(file)) return unpackAll(createReadStream(file, { highWaterMark: BLOCK }), file, budget);
  let packedBytes = 0;
  let digest: Digest | undefined;
  budget.packedBytes = () => packedBytes;
  const layers = new Layers(file, budget);
  const blocks = gunzipFile(
    file,
    (reached) => {
      packedBytes = reached;
    },
    (read) => {
      digest = read;
    },
  );
  return {
    blocks: layers.within(blocks, 'gzip'),
    bytes: () => bytes,
    digest: async () => digest ?? { bytes },
    close: () => layers.close(),
  };
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

/** Opens standard input, or what stands for it. */
export function unpackStream(source: AsyncIterable<Uint8Array>, budget = new Budget()): Unpacked {
  return unpackAll(source, undefined, budget);
}

/** Opens an archive that another one, or a folder, holds, of whose budget it is a part; `file` is its path, if it is a file of its own. */
export function unpackInner(source: AsyncIterable<Uint8Array>, budget: Budget, file?: string): Unpacked {
  const { packedBytes } = budget;
  const unpacked = unpackAll(source, file, budget);
  budget.packedBytes = packedBytes;
  return unpacked;
}

/** @param file undefined: the source is a stream, which is not read on behind a damage: it may never end */
function unpackAll(source: AsyncIterable<Uint8Array>, file: string | undefined, budget: Budget): Unpacked {
  const hash = createHash('sha256');
  let bytes = 0;
  const chunks = source[Symbol.asyncIterator]();
  const next = async () => {
    const result = await chunks.next();
    if (!result.done) {
      hash.update(result.value);
      bytes += result.value.length;
    }
    return result;
  };
  budget.packedBytes = () => bytes;
  const layers = new Layers(file, budget);
  return {
    // Without an end before the end: a file is read on by digest().
    blocks: layers.of({ [Symbol.asyncIterator]: () => ({ next }) }),
    bytes: () => bytes,
    digest: async () => {
      // What cannot be read was reported when it was first tried.
      while (file !== undefined && !(await next().catch(() => ({ done: true }))).done);
      return { bytes, sha256: hash.digest('hex') };
    },
    close: () => {
      layers.close();
      // A stream that stalls would keep whoever waits for this.
      void chunks.return?.().catch(() => {});
    },
  };
}

/** Takes off, one after the other, what an input is packed with. */
class Layers {
  readonly #file: string | undefined;
  readonly #budget: Budget;
  readonly #over: Decoder[] = [];

  /**
   * @param file  undefined for standard input
   */
  constructor(file: string | undefined, budget: Budget) {
    this.#file = file;
    this.#budget = budget;
  }

  /**
   * Yields what is packed, with what, in a source.
   *
   * @param outer  what the source itself was packed in
   * @throws {RefusedError} where the input is not read, or no further
   * @throws {DamageError} where it is damaged
   */
  async *of(source: AsyncIterable<Uint8Array>, outer: readonly Packing[] = []): AsyncGenerator<Uint8Array> {
    const { head, whole } = await peek(source);
    const packing = packingOf(head);
    if (packing === undefined) {
      const foreign = foreignOf(head);
      if (foreign) throw new RefusedError(refusal(foreign, this.#file, outer));
      // What is not packed is counted as well: a file may be nothing but a hole.
      yield* outer.length > 0 ? whole : counted(whole, this.#budget);
      return;
    }
    const layers = [...outer, packing];
    const { limits } = this.#budget;
    if (layers.length > limits.nesting) {
      throw new RefusedError(
        `is packed more than ${limits.nesting} times (${layers.join(', ')}), as ${limitOption(limits, 'nesting')} allows. Unpack it first: ${pipe(this.#file, outer)} > ${unpackedName(this.#file)}`,
      );
    }
    const decoder = await DECODERS[packing]();
    try {
      yield* this.#bounded(decoded(whole, decoder), layers);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      throw new RefusedError(
        `is packed by ${packing} with ${error.message}, which this program cannot unpack. Unpack it on the way: ` +
          `${pipe(this.#file, layers)} | conntrack-report report -`,
      );
    } finally {
      this.#over.push(decoder);
    }
  }

  /** The same of what came out of one packing. */
  within(unpacked: AsyncIterable<Uint8Array>, packing: Packing): AsyncGenerator<Uint8Array> {
    return this.#bounded(unpacked, [packing]);
  }

  /** To be called when no block is used any more. */
  close(): void {
    for (const decoder of this.#over) decoder.close();
  }

  #bounded(unpacked: AsyncIterable<Uint8Array>, layers: readonly Packing[]): AsyncGenerator<Uint8Array> {
    return this.of(counted(unpacked, this.#budget), layers);
  }
}

/** Loaded when they are needed: nearly every bundle is gzip. */
const DECODERS: Readonly<Record<Packing, () => Promise<Decoder>>> = {
  gzip: async () => new Inflater(),
  xz: async () => new (await import('./xz.ts')).XzDecoder(),
  bzip2: async () => new (await import('./bzip2.ts')).Bzip2Decoder(),
  zstd: async () => new (await import('./zstd.ts')).ZstdDecoder(),
};

/**
 * Passes blocks on until they are too many.
 *
 * @throws {RefusedError} in place of the block that is too much
 */
async function* counted(blocks: AsyncIterable<Uint8Array>, budget: Budget): AsyncGenerator<Uint8Array> {
  for await (const block of blocks) {
    budget.unpack(block.length);
    yield block;
  }
}

/** The first bytes of a source, as many as are needed to tell what it is, and all of it. */
async function peek(source: AsyncIterable<Uint8Array>) {
  const chunks = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < HEAD_BYTES) {
    const next = await chunks.next();
    if (next.done) break;
    head = head.length === 0 && next.value.length >= HEAD_BYTES ? next.value : Buffer.concat([head, next.value]);
  }
  async function* whole() {
    try {
      yield head;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  return { head, whole: whole() };
}

/** What an input is, and how it is opened. */
function refusal({ what, decrypt, advice }: Foreign, file: string | undefined, outer: readonly Packing[]): string {
  const inside = outer.length > 0 ? ` (within ${outer.join(', ')})` : '';
  const sentences = [`${what}${inside}.`];
  if (advice !== undefined) sentences.push(advice);
  if (decrypt !== undefined) {
    const command = decryption(decrypt, file, outer);
    sentences.push(
      file === undefined
        ? `Decrypt it on the way: ${command} | conntrack-report report -`
        : `Decrypt it first: ${command} > ${unpackedName(file)}`,
    );
  }
  return sentences.join(' ');
}

function decryption(command: string, file: string | undefined, outer: readonly Packing[]): string {
  if (outer.length > 0) return `${pipe(file, outer)} | ${command.replace(/ -in$/, '')}`;
  return file === undefined ? command.replace(/ -in$/, '') : `${command} ${quoted(file)}`;
}

/** The commands that take off what a file is packed with. */
function pipe(file: string | undefined, layers: readonly Packing[]): string {
  const commands = layers.map((packing) => `${packing} -dc`);
  if (file !== undefined) commands[0] += ` ${quoted(file)}`;
  return commands.join(' | ');
}

/** What a file may be called once it is decrypted or unpacked. */
function unpackedName(file: string | undefined): string {
  const name = path.basename(file ?? 'archive');
  const [, inner] = /^(.+)\.(?:gpg|pgp|asc|enc|gz|xz|bz2|zst)$/i.exec(name) ?? [];
  return quoted(inner ?? `${name}.unpacked`);
}

/** A name as a shell takes it. */
function quoted(name: string): string {
  const plain = name.startsWith('-') ? `./${name}` : name;
  return /^[\w./:@%+,-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", "'\\''")}'`;
}
