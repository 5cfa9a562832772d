/** WebAssembly modules whose instances use memory again: new memory would have V8 collect garbage with every bundle. */

/** An instance with the memory that it works in. */
export interface Running<Exports> {
  readonly exports: Exports;
  readonly memory: WebAssembly.Memory;
}

/** Memory to begin with, in pages of 64 KiB: more than any module asks for. It grows. */
const PAGES = 16;

/** A module that takes its memory from outside, as `env.memory`, and whose instances expect nothing of what is in it. */
export class WasmProgram<Exports> {
  readonly #code: Uint8Array<ArrayBuffer>;
  readonly #exhausted: string;
  readonly #free: WebAssembly.Memory[] = [];
  #compiled: WebAssembly.Module | undefined;

  /**
   * @param code       the module; compiled when it is first started
   * @param exhausted  message of the error where an instance needs more memory than there can be
   */
  constructor(code: Uint8Array<ArrayBuffer>, exhausted: string) {
    this.#code = code;
    this.#exhausted = exhausted;
  }

  /** A new instance, in memory that another one had, if there is any. */
  start(): Running<Exports> {
    this.#compiled ??= new WebAssembly.Module(this.#code);
    const memory = this.#free.pop() ?? new WebAssembly.Memory({ initial: PAGES });
    const abort = () => {
      throw new Error(this.#exhausted);
    };
    const { exports } = new WebAssembly.Instance(this.#compiled, { env: { abort, memory } });
    return { exports: exports as Exports, memory };
  }

  /** Takes the memory of an instance back, which nobody may use any more, nor anything that points into it. */
  end({ memory }: Running<Exports>): void {
    this.#free.push(memory);
  }
}
