/**
 * Counts entries by a key of which there may be more than fit into memory.
 *
 * Keys lie in buckets of four, so that one is found, or known to be missing, by one comparison of four numbers at once:
 *
 *     tags: 4 × u32 │ counts: 4 × u32 │ keys: 4 × K; with keys of 4 bytes the tags are the keys
 *
 * A table grows as long as it may, and up to there every count is exact: a bucket fills from the left, a count of 0 marks a free slot, and
 * what no longer fits goes into the next bucket. Then the table is crowded: a key is in its own bucket or nowhere. Where that is full of
 * others, the least of their counts is taken off each of them, which frees a place (J. Misra, D. Gries, "Finding repeated elements",
 * 1982, bucket by bucket). A count is then too low by at most what was taken off in its bucket, and a key that is held by more entries
 * than that is never lost.
 *
 * The type of the key tells its length. Its bytes are in network order: comparing memory compares what they stand for.
 */
import { mixed, recycle, zeroed } from './memory';

/** An IPv4 address or network, a service, a mark. */
@unmanaged
export class Key4 {
  a: u32;
}
/** An IPv6 network; an IPv4 address and a service. */
@unmanaged
export class Key8 {
  a: u32;
  b: u32;
}
/** An IPv6 address. */
@unmanaged
export class Key16 {
  a: u64;
  b: u64;
}
/** An IPv6 address and a service. */
@unmanaged
export class Key20 {
  a: u32;
  b: u32;
  c: u32;
  d: u32;
  e: u32;
}

/** Logarithm of the registers that tell how many keys there were once some were dropped, each a byte. */
export const SEEN_BITS = 14;

const SLOTS: u32 = 4;
const COUNTS_AT: usize = 16;
const KEYS_AT: usize = 32;

/** A half, one or two lines of the processor's cache. */
@inline
function bucketBytes<K>(): usize {
  return offsetof<K>() === 4 ? 32 : offsetof<K>() === 8 ? 64 : 128;
}

@inline
function countAt(bucket: usize, slot: u32): usize {
  return bucket + COUNTS_AT + ((slot as usize) << 2);
}

@inline
function keyAt<K>(bucket: usize, slot: u32): usize {
  return offsetof<K>() === 4 ? bucket + ((slot as usize) << 2) : bucket + KEYS_AT + (slot as usize) * offsetof<K>();
}

/** The higher half is the better one: multiplication carries upwards. */
@inline
function hashOf<K>(key: usize): u64 {
  if (offsetof<K>() === 4) return (load<u32>(key) as u64) * 0x9e3779b97f4a7c15;
  if (offsetof<K>() === 8) return scattered(load<u64>(key));
  const sum = load<u64>(key) * 0xd6e8feb86659fd93 + load<u64>(key, 8);
  if (offsetof<K>() === 16) return scattered(sum);
  return scattered(sum + (load<u32>(key, 16) as u64) * 0xa0761d6478bd642f);
}

@inline
function scattered(value: u64): u64 {
  return (value ^ (value >> 32)) * 0x9e3779b97f4a7c15;
}

@inline
function tagOf<K>(key: usize, hash: u64): u32 {
  return offsetof<K>() === 4 ? load<u32>(key) : ((hash >> 16) as u32);
}

@inline
function isSame<K>(key: usize, other: usize): bool {
  if (offsetof<K>() === 4) return true;
  if (offsetof<K>() === 8) return load<u64>(key) === load<u64>(other);
  if (load<u64>(key) !== load<u64>(other) || load<u64>(key, 8) !== load<u64>(other, 8)) return false;
  return offsetof<K>() === 16 || load<u32>(key, 16) === load<u32>(other, 16);
}

/** memory.copy() would be a call. */
@inline
function copy<K>(to: usize, key: usize): void {
  if (offsetof<K>() === 4) {
    store<u32>(to, load<u32>(key));
    return;
  }
  store<u64>(to, load<u64>(key));
  if (offsetof<K>() === 8) return;
  store<u64>(to, load<u64>(key, 8), 8);
  if (offsetof<K>() === 20) store<u32>(to, load<u32>(key, 16), 16);
}

@unmanaged
export class Tally<K> {
  buckets: usize;
  /** Logarithm of the buckets, and the most that it may become. */
  bits: u32;
  mostBits: u32;
  /** Keys in the table. */
  size: u32;
  limit: u32;
  /** By how much any count may be too low. */
  maxError: u32;
  /** Of each bucket, how much was taken off its counts; made when the table becomes crowded, 0 before. */
  errors: usize;
  /** Registers of the keys that were seen, made when the table becomes crowded. */
  seen: usize;
  /** The table of networks that addresses are counted under when they leave this one; see {@link countNetwork}. */
  networks: usize;

  /** Where the buckets end. */
  get end(): usize {
    return this.buckets + (bucketBytes<K>() << this.bits);
  }

  /** Where a key is looked for first. */
  @inline
  bucketOf(hash: u64): usize {
    return this.buckets + ((hash >> (64 - this.bits)) as usize) * bucketBytes<K>();
  }

  /** Loads the buckets of the keys that are `step` bytes apart, so that {@link addAll} need not wait for memory. */
  touchAll(from: usize, to: usize, step: usize): u32 {
    let sum: u32 = 0;
    for (let key = from; key < to; key += step) {
      const bucket = this.bucketOf(hashOf<K>(key));
      sum += load<u32>(bucket);
      if (bucketBytes<K>() > 64) sum += load<u32>(bucket, 64);
    }
    return sum;
  }

  /** Counts one more of each of the keys that are `step` bytes apart. */
  addAll(from: usize, to: usize, step: usize): void {
    for (let key = from; key < to; key += step) this.add(key, 1);
  }

  /** Counts `entries` more of a key. */
  @inline
  add(key: usize, entries: u32): void {
    const hash = hashOf<K>(key);
    const tag = tagOf<K>(key, hash);
    let bucket = this.bucketOf(hash);
    while (true) {
      // The counts one by one: what was stored alone a moment ago is not there yet when four are loaded at once.
      let same = i32x4.bitmask(i32x4.eq(v128.load(bucket), i32x4.splat(tag)));
      while (same !== 0) {
        const slot = ctz(same) as u32;
        const at = countAt(bucket, slot);
        const count = load<u32>(at);
        if (count !== 0 && isSame<K>(keyAt<K>(bucket, slot), key)) {
          store<u32>(at, count + entries);
          return;
        }
        same &= same - 1;
      }
      const free = i32x4.bitmask(i32x4.eq(v128.load(bucket, COUNTS_AT), i32x4.splat(0)));
      if (free !== 0) {
        this.insert(bucket, ctz(free) as u32, key, hash, entries);
        return;
      }
      if (this.errors !== 0) {
        this.displace(bucket, key, hash, entries);
        return;
      }
      bucket += bucketBytes<K>();
      if (bucket === this.end) bucket = this.buckets;
    }
  }

  insert(bucket: usize, slot: u32, key: usize, hash: u64, entries: u32): void {
    this.put(bucket, slot, key, hash, entries);
    this.size++;
    if (this.errors !== 0) this.see(hash);
    else if (this.size > this.limit) {
      if (this.bits === this.mostBits) this.crowd();
      this.rebuild(min(this.bits + 1, this.mostBits));
    }
  }

  @inline
  put(bucket: usize, slot: u32, key: usize, hash: u64, entries: u32): void {
    store<u32>(bucket + ((slot as usize) << 2), tagOf<K>(key, hash));
    store<u32>(countAt(bucket, slot), entries);
    if (offsetof<K>() !== 4) copy<K>(keyAt<K>(bucket, slot), key);
  }

  /** Takes the least count of a full bucket off all, and puts a key into a place that frees, unless it has no entries left. */
  displace(bucket: usize, key: usize, hash: u64, entries: u32): void {
    this.see(hash);
    const counts = v128.load(bucket, COUNTS_AT);
    const pairs = i32x4.min_u(counts, v128.shuffle<i32>(counts, counts, 2, 3, 0, 1));
    const least = i32x4.min_u(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
    const off = min(i32x4.extract_lane(least, 0) as u32, entries);
    if (this.networks !== 0) this.countNetworksOf(bucket, off, key);
    const left = i32x4.sub(counts, i32x4.splat(off));
    v128.store(bucket, left, COUNTS_AT);
    const error = this.errors + (((bucket - this.buckets) / bucketBytes<K>()) << 2);
    store<u32>(error, load<u32>(error) + off);
    this.maxError = max(this.maxError, load<u32>(error));
    const free = i32x4.bitmask(i32x4.eq(left, i32x4.splat(0)));
    this.size -= popcnt(free);
    if (entries === off) return;
    this.put(bucket, ctz(free) as u32, key, hash, entries - off);
    this.size++;
  }

  /** Counts what is taken off a bucket's keys, and off one that does not get into it, under the networks. */
  countNetworksOf(bucket: usize, off: u32, key: usize): void {
    for (let slot: u32 = 0; slot < SLOTS; slot++) countNetwork<K>(this.networks, keyAt<K>(bucket, slot), off);
    countNetwork<K>(this.networks, key, off);
  }

  /** From now on a key is in its own bucket or nowhere. */
  crowd(): void {
    this.errors = zeroed((4 as usize) << this.bits);
    this.seen = zeroed((1 as usize) << SEEN_BITS);
  }

  /** Moves the keys to a new table. */
  rebuild(bits: u32): void {
    const old = this.buckets;
    const end = this.end;
    this.allocate(bits);
    for (let bucket = old; bucket < end; bucket += bucketBytes<K>()) {
      for (let slot: u32 = 0; slot < SLOTS; slot++) {
        const count = load<u32>(countAt(bucket, slot));
        if (count !== 0) this.add(keyAt<K>(bucket, slot), count);
      }
    }
    recycle(old, end - old);
  }

  allocate(bits: u32): void {
    this.bits = bits;
    this.buckets = zeroed(bucketBytes<K>() << bits);
    this.size = 0;
    this.limit = usableSlots(bits);
  }

  /** HyperLogLog: of the keys that share a register, the most leading zeros that a hash has. */
  see(hash: u64): void {
    hash = mixed(hash);
    const register = this.seen + ((hash & ((1 << SEEN_BITS) - 1)) as usize);
    const zeros = (clz(hash | (1 << SEEN_BITS)) + 1) as u8;
    if (load<u8>(register) < zeros) store<u8>(register, zeros);
  }

  /** Counts what is left in the table under the networks. */
  countNetworks(): void {
    for (let bucket = this.buckets; bucket < this.end; bucket += bucketBytes<K>()) {
      for (let slot: u32 = 0; slot < SLOTS; slot++) {
        const count = load<u32>(countAt(bucket, slot));
        if (count !== 0) countNetwork<K>(this.networks, keyAt<K>(bucket, slot), count);
      }
    }
  }

  /**
   * The keys with the most entries, the most first, then by key.
   *
   * @param list where they are written to, {@link ITEM_BYTES} each: the key and, behind it, its count
   * @returns how many there are, at most `length`
   */
  largest(list: usize, length: u32): u32 {
    let found: u32 = 0;
    let least: u32 = 1;
    for (let bucket = this.buckets; bucket < this.end; bucket += bucketBytes<K>()) {
      if (!v128.any_true(i32x4.ge_u(v128.load(bucket, COUNTS_AT), i32x4.splat(least)))) continue;
      for (let slot: u32 = 0; slot < SLOTS; slot++) {
        const count = load<u32>(countAt(bucket, slot));
        const key = keyAt<K>(bucket, slot);
        if (count === 0 || (found === length && !isLarger<K>(key, count, itemAt(list, length - 1)))) continue;
        let place = found === length ? length - 1 : found++;
        for (; place > 0 && isLarger<K>(key, count, itemAt(list, place - 1)); place--) {
          memory.copy(itemAt(list, place), itemAt(list, place - 1), ITEM_BYTES);
        }
        copy<K>(itemAt(list, place), key);
        store<u32>(itemAt(list, place) + offsetof<K>(), count);
        if (found === length) least = load<u32>(itemAt(list, length - 1) + offsetof<K>());
      }
    }
    return found;
  }
}

/** A key, at most 20 bytes, and its count. */
export const ITEM_BYTES: usize = 24;

@inline
function itemAt(list: usize, place: u32): usize {
  return list + (place as usize) * ITEM_BYTES;
}

function isLarger<K>(key: usize, count: u32, item: usize): bool {
  const other = load<u32>(item + offsetof<K>());
  return count > other || (count === other && memory.compare(key, item, offsetof<K>()) < 0);
}

/** A tally that may grow to `2^mostBits` slots. */
export function tally<K>(mostBits: u32, networks: usize = 0): Tally<K> {
  const made = changetype<Tally<K>>(zeroed(offsetof<Tally<K>>()));
  made.mostBits = mostBits - 2;
  made.networks = networks;
  made.allocate(6);
  return made;
}

/** Counts numbers of which one is mostly the same as the one before: zones, marks. */
@unmanaged
export class Run {
  tally: Tally<Key4>;
  key: u32;
  rows: u32;

  @inline
  add(number: u32): void {
    const key = bswap(number);
    if (key !== this.key) this.flush();
    this.key = key;
    this.rows++;
  }

  flush(): void {
    if (this.rows === 0) return;
    this.tally.add(changetype<usize>(this) + offsetof<Run>('key'), this.rows);
    this.rows = 0;
  }
}

/** A run that is counted in `tally`. */
export function run(tally: Tally<Key4>): Run {
  const made = changetype<Run>(zeroed(offsetof<Run>()));
  made.tally = tally;
  return made;
}

/** Three quarters of the slots of so many buckets, so that few keys do not fit into their own. */
export function usableSlots(bits: u32): u32 {
  return (3 << bits) as u32;
}

const network: usize = heap.alloc(offsetof<Key8>());

/** Counts entries of an address under its network: /24 of IPv4, /64 of IPv6. */
function countNetwork<K>(networks: usize, address: usize, entries: u32): void {
  if (offsetof<K>() === 4) {
    store<u32>(network, load<u32>(address) & 0x00ffffff);
    changetype<Tally<Key4>>(networks).add(network, entries);
  } else {
    store<u64>(network, load<u64>(address));
    changetype<Tally<Key8>>(networks).add(network, entries);
  }
}
