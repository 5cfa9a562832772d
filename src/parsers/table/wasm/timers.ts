/**
 * Counts the times of a class of entries to the second, in pages of 1024 seconds that are made when the first time falls into
 * them: entries that were refreshed lately share a few. Where there is no page, beyond 97 days or once there are {@link MOST_PAGES},
 * times are rounded down, by less than an eighth.
 */
import { increase, zeroed } from './memory';

const PAGE_BITS = 10;
/** Pages of a series, 97 days. */
const PAGES: u32 = 8192;
/** Pages of all series together. */
const MOST_PAGES: u32 = 4096;
/** Series that have pages; a kernel prints some fifty classes, with two series each. */
const MOST_TABLES: u32 = 256;
/** Series, whose numbers the caller keeps below this. */
export const SERIES: u32 = 16384;

/** The table of a series' pages, {@link PAGES} addresses, and the page of its rounded times; 0 where there is none. */
const tables: usize = zeroed(sizeof<usize>() * SERIES);
const roundedPages: usize = zeroed(sizeof<usize>() * SERIES);
let tablesMade: u32 = 0;
let pagesMade: u32 = 0;

/** Rounded times, eight to each power of two. */
const ROUNDED_TIMES: u32 = 256;

/** Counts a time in seconds. */
export function countTime(series: u32, seconds: u32): void {
  const table = load<usize>(addressAt(tables, series));
  const number = seconds >> PAGE_BITS;
  const page = table !== 0 && number < PAGES ? load<usize>(addressAt(table, number)) : 0;
  if (page === 0) {
    countNewTime(series, seconds);
    return;
  }
  store<usize>(waitingEnd, addressAt(page, seconds & ((1 << PAGE_BITS) - 1)));
  waitingEnd += sizeof<usize>();
  if (waitingEnd === waiting + WAITING * sizeof<usize>()) flushTimes();
}

/** Counters that wait to be increased, many at a time: the waits for memory overlap. */
const WAITING: usize = 512;
const waiting: usize = memory.data(4 * 512, 16);
let waitingEnd: usize = waiting;
let touched: u32 = 0;

/** Increases the counters that still wait. */
export function flushTimes(): void {
  for (let at = waiting; at < waitingEnd; at += sizeof<usize>()) touched += load<u32>(load<usize>(at));
  for (let at = waiting; at < waitingEnd; at += sizeof<usize>()) increase(load<usize>(at), 0);
  waitingEnd = waiting;
}

/** Counts a time that there is no page for yet, or never. */
function countNewTime(series: u32, seconds: u32): void {
  const number = seconds >> PAGE_BITS;
  if (number >= PAGES || pagesMade === MOST_PAGES || !hasTable(series)) {
    increase(made(addressAt(roundedPages, series), 4 * ROUNDED_TIMES), rounded(seconds));
    return;
  }
  pagesMade++;
  const page = made(addressAt(load<usize>(addressAt(tables, series)), number), 4 << PAGE_BITS);
  increase(page, seconds & ((1 << PAGE_BITS) - 1));
}

/** Whether a series has a table, which it gets unless there are too many. */
function hasTable(series: u32): bool {
  const place = addressAt(tables, series);
  if (load<usize>(place) !== 0) return true;
  if (tablesMade === MOST_TABLES) return false;
  tablesMade++;
  made(place, sizeof<usize>() * PAGES);
  return true;
}

/** The memory that an address points to, made if there is none yet. */
function made(place: usize, bytes: usize): usize {
  if (load<usize>(place) === 0) store<usize>(place, zeroed(bytes));
  return load<usize>(place);
}

@inline
function addressAt(addresses: usize, index: u32): usize {
  return addresses + (index as usize) * sizeof<usize>();
}

/** Times of a series that occur, and how many entries have each, as {@link listTimes} found them. */
export let timeSeconds: usize = 0;
export let timeEntries: usize = 0;
/** How many of them are rounded: these come last, and can be less than those before. */
export let roundedTimes: u32 = 0;
let listed: u32 = 0;

/**
 * Fills {@link timeSeconds} and {@link timeEntries}; the seconds ascend, but for rounded ones.
 *
 * @returns how many there are
 */
export function listTimes(series: u32): u32 {
  const table = load<usize>(addressAt(tables, series));
  const roundedPage = load<usize>(addressAt(roundedPages, series));
  const most = (pagesMade << PAGE_BITS) + ROUNDED_TIMES;
  if (timeSeconds === 0) {
    timeSeconds = heap.alloc(sizeof<u32>() * most);
    timeEntries = heap.alloc(sizeof<u32>() * most);
  }
  listed = 0;
  for (let number: u32 = 0; table !== 0 && number < PAGES; number++) {
    const page = load<usize>(addressAt(table, number));
    for (let at: u32 = 0; page !== 0 && at < 1 << PAGE_BITS; at++) listTime((number << PAGE_BITS) + at, countAt(page, at));
  }
  const exact = listed;
  for (let at: u32 = 0; roundedPage !== 0 && at < ROUNDED_TIMES; at++) listTime(unrounded(at), countAt(roundedPage, at));
  roundedTimes = listed - exact;
  return listed;
}

function listTime(seconds: u32, entries: u32): void {
  if (entries === 0) return;
  store<u32>(timeSeconds + ((listed as usize) << 2), seconds);
  store<u32>(timeEntries + ((listed as usize) << 2), entries);
  listed++;
}

@inline
function countAt(page: usize, index: u32): u32 {
  return load<u32>(page + ((index as usize) << 2));
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
