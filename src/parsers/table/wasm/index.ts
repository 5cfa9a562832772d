/** What ../scanner.ts calls: bytes go into the buffer, rows are counted, and lines that are no plain rows come back. */
import {
  destinations4,
  destinations6,
  natAddresses4,
  natAddresses6,
  natTargets4,
  natTargets6,
  networks4,
  networks6,
  pairs4,
  pairs6,
  sources4,
  sources6,
} from './counts';
import { increase } from './memory';
import { readRow } from './scanner';
import { ITEM_BYTES, Key4, Key8, Key16, Key20, SEEN_BITS, Tally, usableSlots } from './tally';

export {
  accountedRows,
  classCount,
  classes,
  destinations4,
  destinations6,
  finish,
  markedRows,
  marks,
  natAddresses4,
  natAddresses6,
  natTargets4,
  natTargets6,
  networks4,
  networks6,
  pairs4,
  pairs6,
  rows,
  rowsIPv6,
  services,
  sources4,
  sources6,
  traffic,
  translations,
  zones,
} from './counts';
export { repeatedRows, repetitionWindow } from './duplicates';
export { names } from './states';
export { listTimes, roundedTimes, timeEntries, timeSeconds } from './timers';

const NEWLINE: u8 = 10;

/** What the buffer can hold: the longest line, and a block of the file. */
const BUFFER_BYTES: u32 = (64 + 1024) * 1024;
/** Steps may load up to 64 bytes behind the line that they are in. */
const buffer: usize = heap.alloc(BUFFER_BYTES + 64);

/** What of the buffer is filled, and what of that was scanned. */
let filled: usize = buffer;
let scanned: usize = buffer;
/** Where the last whole line ends. */
let whole: usize = buffer;

/** Lines that were scanned. */
export let lines: u32 = 0;
/** The address of the line that {@link scan} stopped at. */
export let refused: usize = 0;

/** Where the next bytes go: behind the line that is not finished yet, which is moved to the start. */
export function room(): usize {
  const rest = filled - scanned;
  memory.copy(buffer, scanned, rest);
  scanned = buffer;
  filled = buffer + rest;
  return filled;
}

/** Takes the bytes that were written to {@link room}. */
export function fill(bytes: u32): void {
  filled += bytes;
  whole = filled;
  while (whole > scanned && load<u8>(whole - 1) !== NEWLINE) whole--;
}

/**
 * Counts rows up to the first line that is refused.
 *
 * @returns the length of that line, with its end; 0 where no whole line is left
 */
export function scan(): u32 {
  while (scanned < whole) {
    const next = readRow(scanned);
    lines++;
    if (next === 0) {
      refused = scanned;
      while (load<u8>(scanned++) !== NEWLINE) {}
      return (scanned - refused) as u32;
    }
    scanned = next;
  }
  return 0;
}

/**
 * Refuses the next whole line unread: it goes on with the one before it.
 *
 * @returns its length, as {@link scan} does
 */
export function pass(): u32 {
  if (scanned === whole) return 0;
  lines++;
  refused = scanned;
  while (load<u8>(scanned++) !== NEWLINE) {}
  return (scanned - refused) as u32;
}

/** Bytes of the line that is not finished yet. */
export function unfinished(): u32 {
  return (filled - scanned) as u32;
}

/** Gives up the line that is not finished: its address, with {@link unfinished} bytes. */
export function giveUp(): usize {
  const line = scanned;
  scanned = filled;
  lines++;
  return line;
}

/** Room for a row that is counted out of turn: one of those that came back, brought into the form that is read here. */
export const ASIDE_BYTES: u32 = 4096;
export const aside: usize = heap.alloc((ASIDE_BYTES + 64) as usize);

/** Counts the row that was written to {@link aside}; false where it is none. */
export function scanAside(): bool {
  return readRow(aside) !== 0;
}

/** Lets the tables of addresses grow to `2^bits` slots only. To be called before anything is counted. */
export function limitAddresses(bits: u32): void {
  bits -= 2;
  sources4.mostBits = bits;
  sources6.mostBits = bits;
  destinations4.mostBits = bits;
  destinations6.mostBits = bits;
  networks4.mostBits = bits;
  networks6.mostBits = bits;
  pairs4.mostBits = bits;
  pairs6.mostBits = bits;
  natTargets4.mostBits = bits;
  natTargets6.mostBits = bits;
  natAddresses4.mostBits = bits;
  natAddresses6.mostBits = bits;
}

/** Keys in a table. */
export function sizeOf(tally: usize): u32 {
  return changetype<Tally<Key4>>(tally).size;
}

/** By how much a count of a table may be too low. */
export function errorOf(tally: usize): u32 {
  return changetype<Tally<Key4>>(tally).maxError;
}

/** Keys that a table counts exactly. */
export function limitOf(tally: usize): u32 {
  const table = changetype<Tally<Key4>>(tally);
  return usableSlots(table.mostBits);
}

/** What a register holds is less. */
const REGISTER_VALUES = 64;
/** How many HyperLogLog registers hold each number, as {@link countRegisters} found them. */
export const registerCounts: usize = heap.alloc(4 * REGISTER_VALUES);

/** Fills {@link registerCounts}; false where the table has no registers, as it holds every key. */
export function countRegisters(tally: usize): bool {
  const registers = changetype<Tally<Key4>>(tally).seen;
  if (registers === 0) return false;
  memory.fill(registerCounts, 0, 4 * REGISTER_VALUES);
  for (let at: usize = 0; at < 1 << SEEN_BITS; at++) increase(registerCounts, load<u8>(registers + at));
  return true;
}

/** The largest keys, as {@link largest} found them; see Tally. */
const LIST_LENGTH: u32 = 100;
export const list: usize = heap.alloc((LIST_LENGTH as usize) * ITEM_BYTES);

/** Fills {@link list} with the largest keys of a table whose keys have so many bytes, and returns how many there are. */
export function largest(tally: usize, keyBytes: u32): u32 {
  if (keyBytes === 4) return changetype<Tally<Key4>>(tally).largest(list, LIST_LENGTH);
  if (keyBytes === 8) return changetype<Tally<Key8>>(tally).largest(list, LIST_LENGTH);
  if (keyBytes === 16) return changetype<Tally<Key16>>(tally).largest(list, LIST_LENGTH);
  return changetype<Tally<Key20>>(tally).largest(list, LIST_LENGTH);
}
