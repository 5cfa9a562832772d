/**
 * Rows that repeat an entry. A table is read in pieces while it changes, and a reader that goes on at a position, or at an entry
 * that has gone meanwhile, can be given an entry twice (ct_seq_next() before 6.16, ctnetlink_dump_table()).
 */

import type { TableSummary } from '../snapshot/types.ts';
import type { TableRow } from './table-entry.ts';

/** Tuples in one generation; see {@link DuplicateFinder}. */
const GENERATION = 2 ** 19;

/**
 * Recognises original tuples that were seen before. Two generations of tuples are kept, 16 MiB at the most: when the younger is
 * full the older is forgotten. So a repetition is recognised anywhere in a table of up to {@link GENERATION} entries, and in a
 * larger one at least that many rows back.
 */
export class DuplicateFinder {
  readonly #generation: number;
  #younger: TupleSet;
  #older: TupleSet | undefined;
  #rows = 0;

  /** @param generation tuples to keep in one generation, a power of two */
  constructor(generation: number = GENERATION) {
    this.#generation = generation;
    this.#younger = new TupleSet(generation);
  }

  /** Looks at one entry; the same tuple in another zone is another entry. */
  add(row: TableRow, zone: string): void {
    const { src, dst, sport, dport, type, code, id, srckey, dstkey } = row.original;
    const tuple = `${row.protocolNumber} ${zone} ${src} ${dst} ${sport ?? type ?? srckey} ${dport ?? code ?? dstkey} ${id}`;
    const [high, low] = hashes(tuple);
    if (this.#older?.has(high, low) || !this.#younger.add(high, low)) this.#rows++;
    if (this.#younger.size < this.#generation) return;
    this.#older = this.#younger;
    this.#younger = new TupleSet(this.#generation);
  }

  summary(): TableSummary['duplicates'] {
    return this.#older ? { rows: this.#rows, window: this.#generation } : { rows: this.#rows };
  }
}

/** A set of pairs of hashes, 64 bits together: open addressing, at most half full. */
class TupleSet {
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  size = 0;

  constructor(most: number) {
    this.#high = new Uint32Array(2 * most);
    this.#low = new Uint32Array(2 * most);
  }

  has(high: number, low: number): boolean {
    return this.#high[this.#slotOf(high, low)] !== 0;
  }

  /** Whether it is new. `high` is never 0, which marks a free slot. */
  add(high: number, low: number): boolean {
    const slot = this.#slotOf(high, low);
    if (this.#high[slot] !== 0) return false;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.size++;
    return true;
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#high.length - 1;
    let slot = low & mask;
    while (this.#high[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low)) slot = (slot + 1) & mask;
    return slot;
  }
}

/** Two hashes in one pass: FNV-1a with two multipliers, each with the final mix of MurmurHash3. The first is never 0. */
function hashes(text: string): [number, number] {
  let first = 0x811c9dc5;
  let second = 0x9e3779b9;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    first = Math.imul(first ^ code, 0x01000193);
    second = Math.imul(second ^ code, 0x85ebca6b);
  }
  return [mixed(first) || 1, mixed(second)];
}

function mixed(hash: number): number {
  let value = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
