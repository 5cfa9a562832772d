/** Chance that can be repeated: the same words give the same numbers, on every machine. */

/** A generator of numbers (sfc32), and what is asked of it. */
export class Random {
  readonly #state: Uint32Array;

  /** @param words  what it depends on, and nothing else */
  constructor(...words: readonly (string | number)[]) {
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(words.join('\0'))) hash = Math.imul(hash ^ byte, 0x01000193);
    this.#state = Uint32Array.of(hash, hash ^ 0x9e3779b9, Math.imul(hash, 0x85ebca6b), 1);
    for (let n = 0; n < 12; n++) this.#next();
  }

  #next(): number {
    const state = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const t = (a + b + d) | 0;
    state[0] = b ^ (b >>> 9);
    state[1] = (c + (c << 3)) | 0;
    state[2] = (((c << 21) | (c >>> 11)) + t) | 0;
    state[3] = (d + 1) | 0;
    return t >>> 0;
  }

  /** A whole number from 0, below the limit. */
  below(limit: number): number {
    return Math.floor((this.#next() / 2 ** 32) * limit);
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** A whole number from 0 on, each as often as all that are larger: up to 30. */
  few(): number {
    return Math.clz32(this.#next() | 2);
  }

  /** One of several. */
  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }
}
