/**
 * Unpacks xz (https://tukaani.org/xz/xz-file-format.txt), several streams in a row too: XZ Embedded, as the package xz-decompress
 * compiles it to WebAssembly. Its JavaScript is not used: that loses what comes before a damage, and unpacks one file at a time, so that
 * xz within xz would wait for itself.
 */
import code from 'decoder:xz';
import { DamageError, UnsupportedError } from './damage.ts';
import { Blocks, type Decoder } from './decoder.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  create_context(): number;
  supply_input(context: number, bytes: number): void;
  get_next_output(context: number): number;
}

/** Where what is in the context: words, as src/native/xz-decompress.h of the package has them. */
const INPUT = 1;
const OUTPUT_BYTES = 5;
const WORDS = 6;

/** enum xz_ret of linux/include/linux/xz.h in XZ Embedded. */
const OK = 0;
const STREAM_END = 1;
const OUT_OF_MEMORY = 3;
const ABOVE_MEMORY_LIMIT = 4;
const NO_STREAM = 5;
const OPTIONS = 6;
const NO_PROGRESS = 8;

/** A step that meets a damage loses what it has unpacked: small steps lose little. */
const STEP_BYTES = 1024;

const NOTHING = new Uint8Array();

let compiled: WebAssembly.Module | undefined;

/** Unpacks one input. The package gives it up to 64 MiB for the dictionary, as much as `xz -9` takes. */
export class XzDecoder implements Decoder {
  readonly #wasm: Exports;
  readonly #context: number;
  readonly #blocks = new Blocks();

  constructor() {
    compiled ??= new WebAssembly.Module(code);
    this.#wasm = new WebAssembly.Instance(compiled, {}).exports as Exports;
    this.#context = this.#wasm.create_context();
  }

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < chunk.length; at += STEP_BYTES) yield* this.#step(chunk.subarray(at, at + STEP_BYTES));
  }

  *end(): Generator<Uint8Array> {
    yield* this.#step(NOTHING);
    yield* this.#blocks.rest();
  }

  /** The memory goes with the instance. */
  close(): void {}

  /** Unpacks a piece of the input; an empty one is its end. */
  *#step(piece: Uint8Array): Generator<Uint8Array> {
    new Uint8Array(this.#wasm.memory.buffer, this.#words()[INPUT], piece.length).set(piece);
    this.#wasm.supply_input(this.#context, piece.length);
    for (;;) {
      const result = this.#wasm.get_next_output(this.#context);
      const words = this.#words();
      const [room = 0, , used, given, output, made = 0] = words;
      words[OUTPUT_BYTES] = 0;
      yield* this.#blocks.add(new Uint8Array(this.#wasm.memory.buffer, output, made));
      if (result === STREAM_END) return;
      if (result !== OK) {
        yield* this.#blocks.rest();
        throw failure(result);
      }
      if (piece.length > 0 && used === given && made < room) return;
    }
  }

  /** Looked at anew each time: where memory grows, it is another buffer. */
  #words(): Uint32Array {
    return new Uint32Array(this.#wasm.memory.buffer, this.#context, WORDS);
  }
}

function failure(result: number): Error {
  switch (result) {
    case OUT_OF_MEMORY:
    case ABOVE_MEMORY_LIMIT:
      return new UnsupportedError('a dictionary of more than 64 MiB');
    case OPTIONS:
      return new UnsupportedError('a check (such as --check=sha256) or a filter');
    case NO_PROGRESS:
      return new DamageError('unexpected end', true);
    case NO_STREAM:
      return new DamageError('what follows is no xz stream', false);
    default:
      return new DamageError('incorrect data', false);
  }
}
