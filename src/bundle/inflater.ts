/** Unpacks gzip (RFC 1952) in this thread: the frame of a member here, what is in it in WebAssembly (wasm/index.ts). */
import { crc32 } from 'node:zlib';
import { WasmProgram } from '../wasm.ts';
import { DamageError } from './damage.ts';
import type { Decoder } from './decoder.ts';
import code from './wasm/index.wasm';

interface Exports {
  readonly input: WebAssembly.Global;
  readonly inputBytes: WebAssembly.Global;
  start(): void;
  offer(from: number, to: number, isLast: boolean): void;
  unused(): number;
  inflate(): number;
  nextBlock(): void;
  blockStart(): number;
  blockLength(): number;
}

/** See wasm/index.ts for these. */
const WANTS_INPUT = 0;
const BLOCK_IS_FULL = 1;
const STREAM_ENDS = 2;
const INPUT_ENDS = 3;
const REASONS: Readonly<Record<number, string>> = {
  4: 'a block of an unknown type',
  5: 'a stored block with two lengths',
  6: 'code lengths that cannot be',
  7: 'a code that is none',
  8: 'a reference to before the beginning',
};

/** Bits of the header's fourth byte. */
const HAS_HEADER_CRC = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;
const RESERVED = 0xe0;

const program = new WasmProgram<Exports>(code, 'the inflater needs more memory than it was given');

/** Unpacks one input, piece by piece. */
export class Inflater implements Decoder {
  readonly #running = program.start();
  readonly #wasm = this.#running.exports;
  readonly #bytes: Uint8Array;
  readonly #input: number;
  #phase: 'header' | 'body' | 'trailer' | 'padding' = 'header';
  #members = 0;
  /** Where the input that was not used starts, and where it ends. */
  #next: number;
  #end: number;
  /** CRC-32 and size of what came out of the member, and how much of the block at hand is in them. */
  #crc = 0;
  #size = 0;
  #counted = 0;

  constructor() {
    this.#bytes = new Uint8Array(this.#running.memory.buffer);
    this.#input = this.#wasm.input.value;
    this.#next = this.#input;
    this.#end = this.#input;
  }

  /** Where the next of the input can be written to, for {@link take}. */
  space(): Uint8Array {
    this.#bytes.copyWithin(this.#input, this.#next, this.#end);
    this.#end -= this.#next - this.#input;
    this.#next = this.#input;
    return this.#bytes.subarray(this.#end, this.#input + this.#wasm.inputBytes.value);
  }

  /**
   * Takes the bytes that were written to {@link space}, and yields the blocks that are full. Their memory is used
   * again: one is to be used up by the time that the one after the next is asked for.
   *
   * @throws {DamageError} after a block with everything before the damage
   */
  *take(length: number): Generator<Uint8Array> {
    this.#end += length;
    yield* this.#unpack(false);
    if (this.space().length === 0) yield* this.#fail('a header without an end', false);
  }

  /** Takes the next piece of the input, as {@link take} does. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < chunk.length; ) {
      const space = this.space();
      const part = chunk.subarray(at, at + space.length);
      space.set(part);
      at += part.length;
      yield* this.take(part.length);
    }
  }

  /** Ends the input, and yields what is left. */
  *end(): Generator<Uint8Array> {
    yield* this.#unpack(true);
    yield* this.#rest();
  }

  /** Lets another inflater have the memory: none of the blocks may be used any more. */
  close(): void {
    program.end(this.#running);
  }

  *#unpack(isLast: boolean): Generator<Uint8Array> {
    for (;;) {
      if (this.#phase === 'body') {
        const stop = yield* this.#inflate(isLast);
        if (stop === WANTS_INPUT) return;
        this.#phase = 'trailer';
      } else if (this.#phase === 'trailer') {
        if (this.#left < 8) {
          if (isLast) yield* this.#fail('unexpected end', true);
          return;
        }
        const trailer = new DataView(this.#bytes.buffer, this.#next, 8);
        if (trailer.getUint32(0, true) !== this.#crc) yield* this.#fail('incorrect data check', false);
        if (trailer.getUint32(4, true) !== this.#size % 2 ** 32) yield* this.#fail('incorrect length check', false);
        this.#next += 8;
        this.#members++;
        this.#phase = 'header';
      } else if (this.#phase === 'header') {
        if (this.#left === 0 && (!isLast || this.#members > 0)) return;
        // Tapes and block devices are padded with zeros.
        if (this.#members > 0 && this.#bytes[this.#next] === 0) {
          this.#phase = 'padding';
          continue;
        }
        const length = headerLength(this.#bytes.subarray(this.#next, this.#end));
        if (length === 'wrong') yield* this.#fail('incorrect header check', false);
        else if (length === 'cut') {
          if (isLast) yield* this.#fail('unexpected end', true);
          return;
        } else {
          this.#next += length;
          this.#crc = 0;
          this.#size = 0;
          this.#wasm.start();
          this.#phase = 'body';
        }
      } else {
        this.#next = this.#end;
        return;
      }
    }
  }

  *#inflate(isLast: boolean): Generator<Uint8Array, number> {
    for (;;) {
      this.#wasm.offer(this.#next, this.#end, isLast);
      const stop = this.#wasm.inflate();
      this.#next = this.#wasm.unused();
      this.#count();
      if (stop === WANTS_INPUT || stop === STREAM_ENDS) return stop;
      if (stop === BLOCK_IS_FULL) yield* this.#rest();
      else yield* this.#fail(REASONS[stop] ?? 'unexpected end', stop === INPUT_ENDS);
    }
  }

  get #left(): number {
    return this.#end - this.#next;
  }

  /** Counts what was added to the block at hand. */
  #count(): void {
    const start = this.#wasm.blockStart();
    const length = this.#wasm.blockLength();
    this.#crc = crc32(this.#bytes.subarray(start + this.#counted, start + length), this.#crc);
    this.#size += length - this.#counted;
    this.#counted = length;
  }

  /** Yields the block at hand, unless it is empty. */
  *#rest(): Generator<Uint8Array> {
    const length = this.#wasm.blockLength();
    if (length === 0) return;
    yield Buffer.from(this.#bytes.buffer, this.#wasm.blockStart(), length);
    this.#wasm.nextBlock();
    this.#counted = 0;
  }

  *#fail(message: string, isCut: boolean): Generator<Uint8Array> {
    yield* this.#rest();
    throw new DamageError(message, isCut);
  }
}

/** The length of a member's header (RFC 1952, 2.3), `cut` where there is more of it than is there. */
function headerLength(bytes: Uint8Array): number | 'cut' | 'wrong' {
  const magic = [0x1f, 0x8b, 8];
  if (magic.some((byte, at) => at < bytes.length && bytes[at] !== byte)) return 'wrong';
  const flags = bytes[3] ?? 0;
  if ((flags & RESERVED) !== 0) return 'wrong';
  let length = 10;
  if ((flags & HAS_EXTRA) !== 0) length += 2 + (bytes[length] ?? 0) + 256 * (bytes[length + 1] ?? 0);
  for (const flag of [HAS_NAME, HAS_COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, length);
    if (end === -1) return 'cut';
    length = end + 1;
  }
  if ((flags & HAS_HEADER_CRC) === 0) return length > bytes.length ? 'cut' : length;
  if (length + 2 > bytes.length) return 'cut';
  const check = (bytes[length] ?? 0) + 256 * (bytes[length + 1] ?? 0);
  return check === (crc32(bytes.subarray(0, length)) & 0xffff) ? length + 2 : 'wrong';
}
