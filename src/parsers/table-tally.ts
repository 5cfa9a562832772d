/**
 * Counting entries by a key of which there may be more than fit into memory.
 *
 * Up to {@link LIMIT} different keys every count is exact. Then, whenever they exceed it, the median count is taken off every
 * key and what reaches zero is dropped (J. Misra, D. Gries, "Finding repeated elements", 1982; the median as in Apache
 * DataSketches' frequent items). A count is then too low by at most the sum of what was taken off, and a key that is held
 * by more entries than that is never lost.
 */

import type { Tally, TopList } from '../snapshot/types.ts';

/** Keys that are counted at a time: some 15 MiB of addresses. */
const LIMIT = 2 ** 17;

/** Bits of the map that keeps `distinct` honest once keys were dropped: 8 MiB. */
const SEEN_BITS = 2 ** 26;

/** A bounded count of entries by key. */
export class BoundedTally<Key extends string | number> {
  readonly #limit: number;
  #counts = new Map<Key, { entries: number }>();
  #entries = 0;
  #maxError = 0;
  #seen: SeenKeys | undefined;

  /** @param limit how many keys to count at a time */
  constructor(limit: number = LIMIT) {
    this.#limit = limit;
  }

  /** Counts one entry. */
  add(key: Key): void {
    this.#entries++;
    const count = this.#counts.get(key);
    if (count === undefined) this.#insert(key);
    else count.entries++;
  }

  /** The `length` largest keys. */
  topList(length: number): TopList {
    const sorted = this.#sorted();
    return {
      top: sorted.slice(0, length),
      distinct: this.#seen?.atLeast() ?? this.#counts.size,
      exact: this.#maxError === 0,
      maxError: this.#maxError,
      concentration: concentrationOf(sorted),
    };
  }

  /** The `length` largest keys, and last, where there are more, all other entries under `other`. */
  tallies(length: number): Tally[] {
    const top = this.#sorted().slice(0, length);
    const other = this.#entries - top.reduce((sum, tally) => sum + tally.entries, 0);
    return other === 0 ? top : [...top, { key: 'other', entries: other }];
  }

  #insert(key: Key): void {
    const own = ownCopy(key);
    this.#counts.set(own, { entries: 1 });
    this.#seen?.add(String(own));
    if (this.#counts.size > this.#limit) this.#purge();
  }

  #purge(): void {
    if (this.#seen === undefined) {
      this.#seen = new SeenKeys();
      for (const key of this.#counts.keys()) this.#seen.add(String(key));
    }
    const counts = Uint32Array.from(this.#counts.values(), (count) => count.entries).sort();
    const median = counts[counts.length >> 1] ?? 1;
    const kept = new Map<Key, { entries: number }>();
    for (const [key, count] of this.#counts) {
      if (count.entries <= median) continue;
      count.entries -= median;
      kept.set(key, count);
    }
    this.#counts = kept;
    this.#maxError += median;
  }

  #sorted(): Tally[] {
    return sortTallies(Array.from(this.#counts, ([key, count]) => ({ key: String(key), entries: count.entries })));
  }
}

/** Sorts in place by entries, the largest first, then by key. */
export function sortTallies(tallies: Tally[]): Tally[] {
  return tallies.sort((a, b) => b.entries - a.entries || (a.key < b.key ? -1 : 1));
}

/** Entries of the 1, 10 and 100 first of a sorted list together. */
export function concentrationOf(sorted: readonly Tally[]): TopList['concentration'] {
  const first = (length: number) => sorted.slice(0, length).reduce((sum, tally) => sum + tally.entries, 0);
  return { top1: first(1), top10: first(10), top100: first(100) };
}

/** A copy of a key. A part of a string keeps the whole of it alive, here a block of the table: what is stored must be its own. */
export function ownCopy<Key extends string | number>(key: Key): Key {
  return typeof key === 'string' ? (Buffer.from(key, 'latin1').toString('latin1') as Key) : key;
}

/** One bit for each hash that was seen. Two keys can share a bit, so the bits that are set are a lower bound of the keys. */
class SeenKeys {
  readonly #bits = new Uint32Array(SEEN_BITS / 32);
  #set = 0;

  add(key: string): void {
    const bit = hash(key) % SEEN_BITS;
    const mask = 1 << (bit & 31);
    const word = this.#bits[bit >>> 5] ?? 0;
    if ((word & mask) !== 0) return;
    this.#bits[bit >>> 5] = word | mask;
    this.#set++;
  }

  atLeast(): number {
    return this.#set;
  }
}

/** FNV-1a with the final mix of MurmurHash3: addresses differ in few characters, and all bits must feel each. */
function hash(key: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) value = Math.imul(value ^ key.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
