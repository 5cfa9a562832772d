/** A set of numbers of 32 bits, or of rows of several, in two to three times the memory of the numbers themselves. */
export class WordSet {
  readonly #width: number;
  readonly #most: number;
  /** Rows; one of zeros is free. */
  #slots: Uint32Array;
  size = 0;
  /** Something was not added: there are as many as may be. */
  isFull = false;

  /**
   * @param width numbers in a row
   * @param most  rows that are kept
   */
  constructor(width: number, most: number) {
    this.#width = width;
    this.#most = most;
    this.#slots = new Uint32Array(width << 10);
  }

  /** Adds a row that is not all zeros. */
  add(row: Uint32Array): void {
    const at = this.#place(this.#slots, row);
    if (this.#isTaken(this.#slots, at)) return;
    if (this.size >= this.#most) {
      this.isFull = true;
      return;
    }
    this.#slots.set(row.subarray(0, this.#width), at);
    this.size++;
    if (3 * this.size * this.#width > 2 * this.#slots.length) this.#grow();
  }

  has(row: Uint32Array): boolean {
    return this.#isTaken(this.#slots, this.#place(this.#slots, row));
  }

  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    for (let at = 0; at < this.#slots.length; at += this.#width) {
      if (!this.#isTaken(this.#slots, at)) continue;
      const row = this.#slots.subarray(at, at + this.#width);
      slots.set(row, this.#place(slots, row));
    }
    this.#slots = slots;
  }

  #isTaken(slots: Uint32Array, at: number): boolean {
    for (let n = 0; n < this.#width; n++) if (slots[at + n] !== 0) return true;
    return false;
  }

  /** Where a row is, or would be. */
  #place(slots: Uint32Array, row: Uint32Array): number {
    const width = this.#width;
    let hash = 0;
    for (let n = 0; n < width; n++) {
      hash = Math.imul(hash ^ (row[n] ?? 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const count = slots.length / width;
    for (let slot = hash & (count - 1); ; slot = (slot + 1) & (count - 1)) {
      const at = slot * width;
      let isSame = true;
      for (let n = 0; n < width && isSame; n++) isSame = slots[at + n] === row[n];
      if (isSame || !this.#isTaken(slots, at)) return at;
    }
  }
}
