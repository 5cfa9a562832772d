/**
 * Unpacks bzip2, several streams in a row too: by the block decoder of the package unbzip2-stream. The stream around it is not used: it
 * takes four times as long, and keeps a block's bytes as an array of numbers, of which 50 bytes can ask for 45 million.
 */
import block from 'unbzip2-stream/lib/bzip2.js';
import { DamageError } from './damage.ts';
import { Blocks, type Decoder } from './decoder.ts';

/** A block is made of this many bytes for each level, before run lengths are undone. */
const LEVEL_BYTES = 100_000;
/** What a packed block can take more than that: its header and its tables. */
const TABLE_BYTES = 25_000;

/** Thrown where the bits at hand end. That a block cannot go on reading for ever is its decoder's concern: its tables say how often. */
const BITS_END = Symbol('the bits at hand end');

/** Unpacks one input. What is in a block is known only when all of it is there, and its check sum was right. */
export class Bzip2Decoder implements Decoder {
  readonly #blocks = new Blocks();
  readonly #input = bitReader();
  readonly #output = byteWriter();
  /** As many bytes are to be at hand before a block is tried. */
  #wanted = LEVEL_BYTES + TABLE_BYTES;
  #level = 0;
  /** Check sum of the stream so far. */
  #sum = 0;
  #streams = 0;
  #work = new Int32Array();

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    this.#input.add(chunk);
    while (this.#input.left() >= this.#wanted && (yield* this.#step(false)));
  }

  *end(): Generator<Uint8Array> {
    while (yield* this.#step(true));
    yield* this.#blocks.rest();
  }

  close(): void {}

  /** Reads a header, a block or an end, and says whether there may be more at hand. */
  *#step(isLast: boolean): Generator<Uint8Array, boolean> {
    if (this.#level === 0 && this.#streams > 0) {
      // Tapes and block devices are padded with zeros.
      if (this.#input.peek() === 0) this.#input.skipAll();
      if (this.#input.left() === 0) return false;
    }
    this.#input.mark();
    let made: Uint8Array;
    try {
      if (this.#level === 0) this.#start();
      else this.#unpack();
      made = this.#output.take();
    } catch (error) {
      this.#output.take();
      if (error === BITS_END && !isLast) {
        this.#input.goBack();
        this.#wanted = 2 * this.#input.left();
        return false;
      }
      yield* this.#blocks.rest();
      throw failure(error);
    }
    yield* this.#blocks.add(made);
    return true;
  }

  #start(): void {
    this.#level = block.header(this.#input.read);
    this.#sum = 0;
    this.#wanted = this.#level * LEVEL_BYTES + TABLE_BYTES;
    if (this.#work.length < this.#level * LEVEL_BYTES) this.#work = new Int32Array(this.#level * LEVEL_BYTES);
  }

  #unpack(): void {
    const size = this.#level * LEVEL_BYTES;
    const sum = block.decompress(this.#input.read, this.#output.put, this.#work, size, this.#sum);
    if (sum === null) {
      this.#level = 0;
      this.#streams++;
    } else {
      this.#sum = sum;
      this.#wanted = this.#level * LEVEL_BYTES + TABLE_BYTES;
    }
  }
}

/** The input that was not used. Its state is in variables, not in fields: every bit comes by here. */
function bitReader() {
  let packed: Uint8Array = Buffer.alloc(0);
  let next = 0;
  let bits = 0;
  let bitCount = 0;
  let before = { next, bits, bitCount };
  /** The next bits of the input, the first in the highest place; null: goes on with the next whole byte. */
  function read(count: number | null): number {
    if (count === null) {
      bitCount -= bitCount % 8;
      return 0;
    }
    if (count > 24) return read(count - 16) * 2 ** 16 + read(16);
    while (bitCount < count) {
      if (next === packed.length) throw BITS_END;
      bits = (bits << 8) | (packed[next++] as number);
      bitCount += 8;
    }
    bitCount -= count;
    return (bits >>> bitCount) & ((1 << count) - 1);
  }
  return {
    read,
    add: (chunk: Uint8Array) => {
      packed = Buffer.concat([packed.subarray(next), chunk]);
      next = 0;
    },
    /** Whole bytes that are left. */
    left: () => packed.length - next,
    peek: () => packed[next],
    skipAll: () => {
      next = packed.length;
    },
    mark: () => {
      before = { next, bits, bitCount };
    },
    /** Goes back to the mark. */
    goBack: () => {
      ({ next, bits, bitCount } = before);
    },
  };
}

/** What comes out of a block. */
function byteWriter() {
  let bytes = Buffer.alloc(0);
  let length = 0;
  return {
    put: (byte: number) => {
      if (length === bytes.length) {
        const larger = Buffer.allocUnsafe(Math.max(2 * length, 1 << 20));
        larger.set(bytes);
        bytes = larger;
      }
      bytes[length++] = byte;
    },
    /** Takes what was put so far. */
    take: (): Uint8Array => {
      const taken = bytes.subarray(0, length);
      length = 0;
      return taken;
    },
  };
}

function failure(error: unknown): DamageError {
  if (error === BITS_END) return new DamageError('unexpected end', true);
  const { message } = error as Error;
  if (message.includes('crc32')) return new DamageError('incorrect data check', false);
  return new DamageError('a block that cannot be', false);
}
