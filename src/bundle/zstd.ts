/**
 * Unpacks zstd (RFC 8878), several frames in a row too: libzstd, as the package zstddec compiles it to WebAssembly. Its JavaScript is
 * not used: that cannot wait for input, and does not look at what libzstd calls an error.
 */
import code from 'decoder:zstd';
import { DamageError, UnsupportedError } from './damage.ts';
import { Blocks, type Decoder } from './decoder.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  ZSTD_createDCtx(): number;
  ZSTD_DStreamInSize(): number;
  ZSTD_DStreamOutSize(): number;
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

/** ZSTD_inBuffer and ZSTD_outBuffer of zstd.h: where it is, its size, and how much of it is used; a word each. */
const SIZE = 1;
const USED = 2;
const WORDS = 3;

/** What a frame's header takes at least (ZSTD_FRAMEHEADERSIZE_MIN of zstd.h). */
const HEADER_BYTES = 6;

/** zstd_errors.h: errors are the highest numbers that a size can have, down from this one. */
const MAX_ERROR = 120;
const PREFIX_UNKNOWN = 10;
const FRAME_UNSUPPORTED = 14;
const WINDOW_TOO_LARGE = 16;
const DICTIONARY_WRONG = 32;
const CHECKSUM_WRONG = 22;
const OUT_OF_MEMORY = 64;

let compiled: WebAssembly.Module | undefined;

/** Unpacks one input. libzstd gives it a window of up to 128 MiB unless it is asked for more, as the command does. */
export class ZstdDecoder implements Decoder {
  readonly #wasm: Exports;
  readonly #context: number;
  readonly #from: number;
  readonly #fromBytes: number;
  readonly #to: number;
  readonly #toBytes: number;
  readonly #input: number;
  readonly #output: number;
  readonly #blocks = new Blocks();
  /** How much libzstd wants next: to the end of a block, so that one that is damaged takes no other with it. 0 between frames. */
  #wanted = 0;
  #frames = 0;
  #isPadding = false;

  constructor() {
    compiled ??= new WebAssembly.Module(code);
    const imports = { env: { emscripten_notify_memory_growth: () => {} } };
    this.#wasm = new WebAssembly.Instance(compiled, imports).exports as Exports;
    this.#context = this.#wasm.ZSTD_createDCtx();
    this.#fromBytes = this.#wasm.ZSTD_DStreamInSize();
    this.#from = this.#wasm.malloc(this.#fromBytes);
    this.#toBytes = this.#wasm.ZSTD_DStreamOutSize();
    this.#to = this.#wasm.malloc(this.#toBytes);
    this.#input = this.#wasm.malloc(4 * WORDS);
    this.#output = this.#wasm.malloc(4 * WORDS);
  }

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < chunk.length; ) {
      // Tapes and block devices are padded with zeros.
      this.#isPadding ||= this.#wanted === 0 && this.#frames > 0 && chunk[at] === 0;
      if (this.#isPadding) return;
      const piece = chunk.subarray(at, at + Math.min(this.#wanted || HEADER_BYTES, this.#fromBytes));
      at += piece.length;
      yield* this.#step(piece);
    }
  }

  *end(): Generator<Uint8Array> {
    yield* this.#blocks.rest();
    if (this.#wanted > 0) throw new DamageError('unexpected end', true);
  }

  /** The memory goes with the instance. */
  close(): void {}

  *#step(piece: Uint8Array): Generator<Uint8Array> {
    const { memory } = this.#wasm;
    new Uint8Array(memory.buffer, this.#from, piece.length).set(piece);
    this.#words(this.#input).set([this.#from, piece.length, 0]);
    for (let isOver = false; !isOver; ) {
      this.#words(this.#output).set([this.#to, this.#toBytes, 0]);
      const wanted = this.#wasm.ZSTD_decompressStream(this.#context, this.#output, this.#input) >>> 0;
      if (wanted > 2 ** 32 - MAX_ERROR) {
        yield* this.#blocks.rest();
        throw failure(2 ** 32 - wanted);
      }
      const made = this.#words(this.#output)[USED] ?? 0;
      yield* this.#blocks.add(new Uint8Array(memory.buffer, this.#to, made));
      this.#wanted = wanted;
      if (wanted === 0) this.#frames++;
      const input = this.#words(this.#input);
      // A full buffer may mean that there is more, unless the frame is over: asked again, it would be the next frame that is wanted.
      isOver = input[USED] === input[SIZE] && (wanted === 0 || made < this.#toBytes);
    }
  }

  /** Looked at anew each time: where memory grows, it is another buffer. */
  #words(at: number): Uint32Array {
    return new Uint32Array(this.#wasm.memory.buffer, at, WORDS);
  }
}

function failure(code: number): Error {
  switch (code) {
    case WINDOW_TOO_LARGE:
    case OUT_OF_MEMORY:
      return new UnsupportedError('a window of more than 128 MiB (--long)');
    case DICTIONARY_WRONG:
      return new UnsupportedError('a dictionary of its own (-D)');
    case PREFIX_UNKNOWN:
      return new DamageError('what follows is no zstd frame', false);
    case FRAME_UNSUPPORTED:
      return new DamageError('incorrect header', false);
    case CHECKSUM_WRONG:
      return new DamageError('incorrect data check', false);
    default:
      return new DamageError('incorrect data', false);
  }
}
