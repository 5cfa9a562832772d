/**
 * Recognises tuples that were seen before. Two generations are kept: when the younger is full the older is forgotten. So a
 * repetition is recognised anywhere in a table of up to twice {@link GENERATION} entries, and in a larger one at least {@link GENERATION}
 * rows back.
 *
 * A bucket holds four numbers of the younger generation and, behind them, four of the older. The bucket and the number are 46 bits of
 * the tuple's hash together: that one of ten million rows is taken for a repetition by mistake has a chance of one in fifty.
 */
import { zeroed } from './memory';

const GENERATION_BITS = 15;
const GENERATION: u32 = 1 << GENERATION_BITS;
/** Half of the places are used, so that few numbers do not fit into their own bucket. */
const BUCKET_BITS = GENERATION_BITS - 1;
const BUCKET_BYTES: usize = 32;
const OLDER: usize = 16;
const SET_BYTES: usize = BUCKET_BYTES << BUCKET_BITS;

const buckets: usize = zeroed(SET_BYTES);
let generations: u32 = 0;
let size: u32 = 0;
let repeated: u32 = 0;

let touched: u32 = 0;

/** Looks at the hashes of tuples that are `step` bytes apart. */
export function countTuples(from: usize, to: usize, step: usize): void {
  for (let at = from; at < to; at += step) touched += load<u32>(buckets + placeOf(load<u64>(at)));
  for (let at = from; at < to; at += step) countTuple(load<u64>(at));
}

@inline
function countTuple(hash: u64): void {
  // 0 marks a free place.
  const number = max<u32>(hash as u32, 1);
  const place = placeOf(hash);
  const isRemembered = holds(place + OLDER, number);
  if (holds(place, number)) {
    repeated++;
    return;
  }
  if (isRemembered) repeated++;
  store<u32>(free, number);
  if (++size === GENERATION) age();
}

/** The younger generation becomes the older one. */
function age(): void {
  for (let bucket = buckets; bucket < buckets + SET_BYTES; bucket += BUCKET_BYTES) {
    v128.store(bucket + OLDER, v128.load(bucket));
    v128.store(bucket, i32x4.splat(0));
  }
  generations++;
  size = 0;
}

/** Rows that repeat another. */
export function repeatedRows(): u32 {
  return repeated;
}

/** How many rows back a repetition is recognised at least; 0 where it is recognised anywhere. */
export function repetitionWindow(): u32 {
  return generations < 2 ? 0 : GENERATION;
}

@inline
function placeOf(hash: u64): usize {
  return ((hash >> (64 - BUCKET_BITS)) as usize) * BUCKET_BYTES;
}

/** Where a number that is not there would go. */
let free: usize = 0;

@inline
function holds(place: usize, number: u32): bool {
  while (true) {
    const numbers = v128.load(buckets + place);
    if (v128.any_true(i32x4.eq(numbers, i32x4.splat(number)))) return true;
    const places = i32x4.bitmask(i32x4.eq(numbers, i32x4.splat(0)));
    if (places !== 0) {
      free = buckets + place + ((ctz(places) as usize) << 2);
      return false;
    }
    place = (place + BUCKET_BYTES) & (SET_BYTES - 1);
  }
}
