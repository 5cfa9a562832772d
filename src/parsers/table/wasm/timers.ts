/**
 * Counts the times of a class of entries to the second, in pages of 1024 seconds that are made when the first time falls into
 * them: entries that were refreshed lately share a few. Once there are {@link MOST_PAGES}, which takes timeouts that span 48 days,
 * times that no page is there for are rounded down, by less than an eighth.
 */
import { increase, zeroed } from './memory';

const PAGE_BITS = 10;
const MOST_PAGES: u32 = 4096;

/** The number of the page that holds the rounded times of a series, eight to each power of two. */
const ROUNDED: u32 = 0xffffffff;
const ROUNDED_TIMES: u32 = 256;

/** Where the pages are: open addressing; the series, the number of the page and its address, which is 0 in a free slot. */
const INDEX_BITS = 16;
const STRIDE: usize = 12;
const index: usize = zeroed(STRIDE << INDEX_BITS);
let pages: u32 = 0;
/** The slots that are used, in the order in which they were filled. */
const used: usize = heap.alloc((sizeof<usize>() as usize) << INDEX_BITS);
let usedEnd: usize = used;

/** Counts a time in seconds; series are numbered by the caller, who keeps them few. */
export function countTime(series: u32, seconds: u32): void {
  const number = seconds >> PAGE_BITS;
  const page = pageOf(series, number);
  if (page !== 0) increase(page, seconds & ((1 << PAGE_BITS) - 1));
  else increase(pageOf(series, ROUNDED), rounded(seconds));
}

/** The page, made if it is not there yet; 0 where there are too many. */
@inline
function pageOf(series: u32, number: u32): usize {
  let slot = (series * 0x9e3779b1 + number) & ((1 << INDEX_BITS) - 1);
  while (true) {
    const at = index + (slot as usize) * STRIDE;
    const page = load<u32>(at, 8) as usize;
    if (page === 0) {
      if (number !== ROUNDED && pages === MOST_PAGES) return 0;
      const made = zeroed(4 * timesIn(number));
      if (number !== ROUNDED) pages++;
      store<usize>(usedEnd, at);
      usedEnd += sizeof<usize>();
      store<u32>(at, series);
      store<u32>(at, number, 4);
      store<u32>(at, made as u32, 8);
      return made;
    }
    if (load<u32>(at) === series && load<u32>(at, 4) === number) return page;
    slot = (slot + 1) & ((1 << INDEX_BITS) - 1);
  }
}

/** How many times a page counts. */
@inline
function timesIn(page: u32): u32 {
  return page === ROUNDED ? ROUNDED_TIMES : 1 << PAGE_BITS;
}

/** The slots of a series' pages in the order of their numbers: {@link ROUNDED} comes last. */
const found = new StaticArray<usize>(MOST_PAGES + 1);

/** Times of a series that occur, as {@link listTimes} found them: seconds and entries, each a u32. */
export let times: usize = 0;

/**
 * Fills {@link times}; the seconds ascend, but for rounded ones, which come last.
 *
 * @returns how many there are
 */
export function listTimes(series: u32): u32 {
  let length = 0;
  for (let at = used; at < usedEnd; at += sizeof<usize>()) {
    const slot = load<usize>(at);
    if (load<u32>(slot) !== series) continue;
    let place = length++;
    for (; place > 0 && load<u32>(found[place - 1], 4) > load<u32>(slot, 4); place--) found[place] = found[place - 1];
    found[place] = slot;
  }
  if (times !== 0) heap.free(times);
  times = heap.alloc((length as usize) << (PAGE_BITS + 3));
  let end = times;
  for (let place = 0; place < length; place++) {
    const number = load<u32>(found[place], 4);
    const page = load<u32>(found[place], 8) as usize;
    for (let at: u32 = 0; at < timesIn(number); at++) {
      const entries = load<u32>(page + ((at as usize) << 2));
      if (entries === 0) continue;
      store<u32>(end, number === ROUNDED ? unrounded(at) : (number << PAGE_BITS) + at);
      store<u32>(end, entries, 4);
      end += 8;
    }
  }
  return ((end - times) >> 3) as u32;
}

/** Below 8 as it is; from there on the power of two and the three bits below it. */
function rounded(seconds: u32): u32 {
  if (seconds < 8) return seconds;
  const power = 31 - clz(seconds);
  return ((power - 2) << 3) | ((seconds >> (power - 3)) & 7);
}

/** The least time that becomes this number. */
function unrounded(number: u32): u32 {
  return number < 8 ? number : (8 | (number & 7)) << ((number >> 3) - 1);
}
