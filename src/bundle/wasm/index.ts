/**
 * Inflates a raw deflate stream (RFC 1951), in AssemblyScript: compressed bytes go into {@link input}, what they stand for comes out in
 * blocks. Takes a third less of the processor than node:zlib, which fills new memory with every block; here blocks are used again.
 *
 * It can stop wherever it wants more input or room for more output, and goes on there. Steps look at 16 bytes behind what they need, so
 * that it stops that much before the end of the input; at the end of the last input it goes symbol by symbol.
 */

/** What can stop {@link inflate}. */
const WANTS_INPUT: i32 = 0;
const BLOCK_IS_FULL: i32 = 1;
const STREAM_ENDS: i32 = 2;
const INPUT_ENDS: i32 = 3;
const WRONG_BLOCK_TYPE: i32 = 4;
const WRONG_STORED_LENGTH: i32 = 5;
const WRONG_CODE_LENGTHS: i32 = 6;
const WRONG_CODE: i32 = 7;
const WRONG_DISTANCE: i32 = 8;

const INPUT_BYTES: usize = 2 << 20;
/** Steps may look at what is behind the input, and write behind a block. */
const SLACK: usize = 512;
const WINDOW: usize = 32768;
const BLOCK_BYTES: usize = 2 << 20;

export const inputBytes: usize = INPUT_BYTES;
/** Where compressed bytes are to be written. */
export const input: usize = heap.alloc(INPUT_BYTES + SLACK);

/** Blocks of output, used in turn; before each is room for the 32 KiB before it, which may be referred to. */
const BLOCKS: usize = 3;
const STRIDE: usize = WINDOW + BLOCK_BYTES + SLACK;
const blocks: usize = heap.alloc(STRIDE * BLOCKS);
let block: usize = 0;

/** What is left of the input: from here to its end. */
let next: usize = input;
let end: usize = input;
let isLast: bool = false;

/** Bits that were taken from the input, the first in the lowest place; above them may be more, which will come again. */
let bits: u64 = 0;
let count: u32 = 0;

/** Where the next byte goes, and where the oldest is that may be referred to. */
let out: usize = blocks + WINDOW;
let oldest: usize = blocks + WINDOW;

const HEADER: u32 = 0;
const STORED: u32 = 1;
const CODES: u32 = 2;
const OVER: u32 = 3;
/** What the stream goes on with. */
let phase: u32 = HEADER;
let isFinalBlock: bool = false;
let storedLeft: u32 = 0;

/** Starts another stream, whose bytes do not refer to the ones before. */
export function start(): void {
  phase = HEADER;
  bits = 0;
  count = 0;
  isFinalBlock = false;
  oldest = out;
}

/** Where the input that was not used starts. */
export function unused(): usize {
  return next;
}

/** Says what of the input is to be used, and whether that is the last of it. */
export function offer(from: usize, to: usize, last: bool): void {
  next = from;
  end = to;
  isLast = last;
  if (last) memory.fill(to, 0, 16);
}

/** The block that is being filled: where it starts, and how much of it is filled. */
export function blockStart(): usize {
  return blocks + block * STRIDE + WINDOW;
}
export function blockLength(): usize {
  return out - blockStart();
}

/** Goes on with the next block, whose content is given up. */
export function nextBlock(): void {
  const window = min(out - oldest, WINDOW);
  const from = out - window;
  block = (block + 1) % BLOCKS;
  out = blockStart();
  oldest = out - window;
  memory.copy(oldest, from, window);
}

/** Goes on until something stops it, and says what. */
export function inflate(): i32 {
  const full = blockStart() + BLOCK_BYTES - 258 - 16;
  let stop: i32 = -1;
  while (stop < 0) {
    if (phase === CODES) stop = readCodes(full);
    else if (phase === STORED) stop = readStored(full);
    else if (phase === HEADER) stop = readHeader();
    else stop = STREAM_ENDS;
  }
  giveBack();
  return stop;
}

/** Gives the bytes that were taken too early back to the input. */
function giveBack(): void {
  next -= count >> 3;
  count &= 7;
  bits &= (1 << count) - 1;
}

/** Makes 56 bits at least; at the end of the input they may be zeros that are not there. */
@inline
function refill(): void {
  bits |= load<u64>(next) << (count as u64);
  next += (63 - count) >> 3;
  count |= 56;
}

/** Whether more bits were used than there are. */
@inline
function isBehindEnd(): bool {
  return next - ((count >> 3) as usize) > end;
}

@inline
function take(length: u32): u32 {
  const value = (bits as u32) & ((1 << length) - 1);
  bits >>= length as u64;
  count -= length;
  return value;
}

/** The header of a block takes less than 400 bytes, with all of its code lengths. */
const LONGEST_HEADER: usize = 400;

function readHeader(): i32 {
  if (isFinalBlock) {
    phase = OVER;
    giveBack();
    return STREAM_ENDS;
  }
  if (!isLast && end - next < LONGEST_HEADER) return WANTS_INPUT;
  refill();
  isFinalBlock = take(1) !== 0;
  const type = take(2);
  let stop: i32 = -1;
  if (type === 0) stop = startStored();
  else if (type === 1) stop = setFixedCodes();
  else if (type === 2) stop = readCodeLengths();
  else stop = WRONG_BLOCK_TYPE;
  if (isLast && isBehindEnd()) return INPUT_ENDS;
  if (stop < 0) phase = type === 0 ? STORED : CODES;
  return stop;
}

function startStored(): i32 {
  take(count & 7);
  giveBack();
  storedLeft = load<u16>(next);
  const complement = load<u16>(next, 2);
  next += 4;
  return storedLeft === (complement ^ 0xffff) ? -1 : WRONG_STORED_LENGTH;
}

function readStored(full: usize): i32 {
  if (out >= full) return BLOCK_IS_FULL;
  const length = min(min(storedLeft as usize, end - next), full - out);
  memory.copy(out, next, length);
  next += length;
  out += length;
  storedLeft -= length as u32;
  if (storedLeft === 0) phase = HEADER;
  else if (next === end) return isLast ? INPUT_ENDS : WANTS_INPUT;
  return -1;
}

/**
 * A table of codes is looked up with the next bits of the stream. What it says of a code:
 *
 *     bits 0–4    how many bits it takes: the code, of a long one what is behind the first {@link ROOT}, and the bits that follow it, which
 *                 are added to its value
 *     bits 8–11   what it is
 *     bits 12–15  how many of these bits are the code; for SUBTABLE how many look the rest of it up
 *     bits 16–    its value: a byte, a length, a distance, or where the subtable is
 */
const LITERAL: u32 = 0x100;
/** No length or distance: one of the following three. */
const OTHER: u32 = 0x200;
const SUBTABLE: u32 = OTHER | 0x400;
const END_OF_BLOCK: u32 = OTHER | 0x800;
const NO_CODE: u32 = OTHER;

const LONGEST_CODE: u32 = 15;
const LITERAL_ROOT: u32 = 10;
const DISTANCE_ROOT: u32 = 8;
const PRECODE_ROOT: u32 = 7;
const LITERALS: u32 = 288;
const DISTANCES: u32 = 32;
const PRECODES: u32 = 19;

/** Tables; behind the first part a subtable for each code that is longer, at the most. */
const literals: usize = heap.alloc(4 * ((1 << LITERAL_ROOT) + LITERALS * (1 << (LONGEST_CODE - LITERAL_ROOT))));
const distances: usize = heap.alloc(4 * ((1 << DISTANCE_ROOT) + DISTANCES * (1 << (LONGEST_CODE - DISTANCE_ROOT))));
const precodes: usize = heap.alloc(4 << PRECODE_ROOT);

/** Lengths of the codes of a block: of literals and lengths, then of distances. */
const lengths: usize = memory.data(320);

/** RFC 1951, 3.2.5: from 257 on, the lengths and how many bits are added to them; the same of distances. */
const LENGTH_BASES: u16[] = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_BITS: u8[] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASES: u16[] = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const DISTANCE_BITS: u8[] = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** RFC 1951, 3.2.7. */
const PRECODE_ORDER: u8[] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** What the table says of a symbol, but for its code: see {@link entryOf}. */
function meaningOf(symbol: u32, table: usize): u32 {
  if (table === distances) {
    if (symbol >= 30) return NO_CODE;
    return ((unchecked(DISTANCE_BASES[symbol]) as u32) << 16) | unchecked(DISTANCE_BITS[symbol]);
  }
  if (table === precodes || symbol < 256) return (symbol << 16) | LITERAL;
  if (symbol === 256) return END_OF_BLOCK;
  if (symbol > 285) return NO_CODE;
  const at = symbol - 257;
  return ((unchecked(LENGTH_BASES[at]) as u32) << 16) | unchecked(LENGTH_BITS[at]);
}

/** The same with a code of so many bits. */
function entryOf(meaning: u32, length: u32): u32 {
  return meaning + length + (length << 12);
}

const numbers: usize = memory.data(2 * 16);
const codes: usize = memory.data(4 * 16);

/**
 * Makes the table of the codes that have these lengths (RFC 1951, 3.2.2).
 *
 * @returns whether such codes can be: not too many, nor too few, unless it is a single one of length 1, or none
 */
function makeTable(table: usize, root: u32, from: usize, symbols: u32): bool {
  memory.fill(numbers, 0, 2 * 16);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const number = numbers + ((load<u8>(from + symbol) as usize) << 1);
    store<u16>(number, load<u16>(number) + 1);
  }
  store<u16>(numbers, 0);
  let free: i32 = 1;
  let longest: u32 = 0;
  let code: u32 = 0;
  for (let length: u32 = 1; length <= LONGEST_CODE; length++) {
    const number: u32 = load<u16>(numbers + (length << 1));
    free = (free << 1) - (number as i32);
    if (free < 0) return false;
    if (number > 0) longest = length;
    code <<= 1;
    store<u32>(codes + (length << 2), code);
    code += number;
  }
  if (free > 0 && (longest > 1 || table === precodes)) return false;
  for (let at: u32 = 0; at < 1 << root; at++) store<u32>(table + (at << 2), NO_CODE);

  const more = longest > root ? longest - root : 0;
  let end: u32 = 1 << root;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length: u32 = load<u8>(from + symbol);
    if (length === 0) continue;
    const place = codes + (length << 2);
    const reversed = reverse(load<u32>(place), length);
    store<u32>(place, load<u32>(place) + 1);
    const meaning = meaningOf(symbol, table);
    if (length <= root) {
      fill(table, reversed, length, root, entryOf(meaning, length));
      continue;
    }
    const link = table + ((reversed & ((1 << root) - 1)) << 2);
    if ((load<u32>(link) & SUBTABLE) !== SUBTABLE) {
      store<u32>(link, (end << 16) | (more << 12) | SUBTABLE | root);
      for (let at: u32 = 0; at < 1 << more; at++) store<u32>(table + ((end + at) << 2), NO_CODE);
      end += 1 << more;
    }
    const subtable = table + ((load<u32>(link) >> 16) << 2);
    fill(subtable, reversed >> root, length - root, more, entryOf(meaning, length - root));
  }
  return true;
}

/** Fills every place that a code of so many bits can be looked up at, whatever comes behind it. */
function fill(table: usize, code: u32, length: u32, root: u32, entry: u32): void {
  for (let at = code; at < 1 << root; at += 1 << length) store<u32>(table + (at << 2), entry);
}

/** Codes come with their highest bit first, everything else with its lowest. */
function reverse(code: u32, length: u32): u32 {
  let reversed: u32 = 0;
  for (let bit: u32 = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
  return reversed;
}

/** RFC 1951, 3.2.6. */
function setFixedCodes(): i32 {
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, 8);
  makeTable(literals, LITERAL_ROOT, lengths, LITERALS);
  memory.fill(lengths, 5, DISTANCES);
  makeTable(distances, DISTANCE_ROOT, lengths, DISTANCES);
  return -1;
}

/** RFC 1951, 3.2.7. */
function readCodeLengths(): i32 {
  const literalCodes = take(5) + 257;
  const distanceCodes = take(5) + 1;
  const precodeCodes = take(4) + 4;
  if (literalCodes > 286 || distanceCodes > 30) return WRONG_CODE_LENGTHS;
  memory.fill(lengths, 0, PRECODES);
  for (let at: u32 = 0; at < precodeCodes; at++) {
    refill();
    store<u8>(lengths + unchecked(PRECODE_ORDER[at]), take(3) as u8);
  }
  if (!makeTable(precodes, PRECODE_ROOT, lengths, PRECODES)) return WRONG_CODE_LENGTHS;

  const all = literalCodes + distanceCodes;
  let last: u32 = 0;
  for (let at: u32 = 0; at < all; ) {
    refill();
    const entry = load<u32>(precodes + (peek(PRECODE_ROOT) << 2));
    if ((entry & LITERAL) === 0) return WRONG_CODE_LENGTHS;
    take(entry & 31);
    const symbol = entry >> 16;
    let repeat: u32 = 1;
    if (symbol < 16) last = symbol;
    else if (symbol === 16) {
      if (at === 0) return WRONG_CODE_LENGTHS;
      repeat = 3 + take(2);
    } else {
      last = 0;
      repeat = symbol === 17 ? 3 + take(3) : 11 + take(7);
    }
    if (at + repeat > all) return WRONG_CODE_LENGTHS;
    memory.fill(lengths + at, last as u8, repeat);
    at += repeat;
  }
  const isComplete =
    load<u8>(lengths, 256) !== 0 &&
    makeTable(literals, LITERAL_ROOT, lengths, literalCodes) &&
    makeTable(distances, DISTANCE_ROOT, lengths + literalCodes, distanceCodes);
  return isComplete ? -1 : WRONG_CODE_LENGTHS;
}

/** The next bits, which stay. */
@inline
function peek(length: u32): u32 {
  return (bits as u32) & ((1 << length) - 1);
}

/** Literals and matches, up to the end of the block, of the input, or until the output is full. */
function readCodes(full: usize): i32 {
  let stop = readManyCodes(full);
  if (stop >= 0) return stop;
  while (phase === CODES) {
    if (out >= full) return BLOCK_IS_FULL;
    if (!isLast) return WANTS_INPUT;
    stop = readLastCode();
    if (stop >= 0) return stop;
  }
  return -1;
}

/** As long as there is more input than two steps can look at. The state is in variables here, which are registers. */
function readManyCodes(full: usize): i32 {
  const last = end - 16;
  let held = bits;
  let length = count;
  let from = next;
  let to = out;
  let stop: i32 = -1;
  while (from <= last && to < full) {
    held |= load<u64>(from) << (length as u64);
    from += (63 - length) >> 3;
    length |= 56;
    let entry = load<u32>(literals + ((held as usize & ((1 << LITERAL_ROOT) - 1)) << 2));
    // A length and a distance take 48 bits at the most: together, but not behind a literal.
    if ((entry & LITERAL) !== 0) {
      held >>= (entry & 31) as u64;
      length -= entry & 31;
      store<u8>(to++, entry >> 16);
      entry = load<u32>(literals + ((held as usize & ((1 << LITERAL_ROOT) - 1)) << 2));
      if ((entry & LITERAL) !== 0) {
        held >>= (entry & 31) as u64;
        length -= entry & 31;
        store<u8>(to++, entry >> 16);
        entry = load<u32>(literals + ((held as usize & ((1 << LITERAL_ROOT) - 1)) << 2));
        if ((entry & LITERAL) !== 0) {
          held >>= (entry & 31) as u64;
          length -= entry & 31;
          store<u8>(to++, entry >> 16);
          continue;
        }
      }
      held |= load<u64>(from) << (length as u64);
      from += (63 - length) >> 3;
      length |= 56;
    }
    if ((entry & OTHER) !== 0) {
      if ((entry & SUBTABLE) === SUBTABLE) {
        held >>= LITERAL_ROOT as u64;
        length -= LITERAL_ROOT;
        const at = (entry >> 16) + ((held as u32) & ((1 << ((entry >> 12) & 15)) - 1));
        entry = load<u32>(literals + ((at as usize) << 2));
        if ((entry & LITERAL) !== 0) {
          held >>= (entry & 31) as u64;
          length -= entry & 31;
          store<u8>(to++, entry >> 16);
          continue;
        }
      }
      if ((entry & OTHER) !== 0) {
        if ((entry & END_OF_BLOCK) === END_OF_BLOCK) {
          held >>= (entry & 31) as u64;
          length -= entry & 31;
          phase = HEADER;
        } else stop = WRONG_CODE;
        break;
      }
    }
    const matched = valueOf(entry, held as u32);
    held >>= (entry & 31) as u64;
    length -= entry & 31;
    entry = load<u32>(distances + ((held as usize & ((1 << DISTANCE_ROOT) - 1)) << 2));
    if ((entry & OTHER) !== 0) {
      if ((entry & SUBTABLE) === SUBTABLE) {
        held >>= DISTANCE_ROOT as u64;
        length -= DISTANCE_ROOT;
        const at = (entry >> 16) + ((held as u32) & ((1 << ((entry >> 12) & 15)) - 1));
        entry = load<u32>(distances + ((at as usize) << 2));
      }
      if ((entry & OTHER) !== 0) {
        stop = WRONG_CODE;
        break;
      }
    }
    const distance = valueOf(entry, held as u32) as usize;
    held >>= (entry & 31) as u64;
    length -= entry & 31;
    if (distance > to - oldest) {
      stop = WRONG_DISTANCE;
      break;
    }
    copyMatch(to, distance, matched);
    to += matched;
  }
  bits = held;
  count = length;
  next = from;
  out = to;
  return stop;
}

/** The length or distance that an entry stands for, with the bits that follow its code. */
@inline
function valueOf(entry: u32, held: u32): u32 {
  return (entry >> 16) + ((held & ((1 << (entry & 31)) - 1)) >> ((entry >> 12) & 15));
}

/**
 * Copies what was written `distance` before; where that is less than the length, it repeats. Always writes 48 bytes: few lengths are more,
 * and a loop whose end cannot be foretold would take longer.
 */
@inline
function copyMatch(to: usize, distance: usize, length: u32): void {
  const end = to + length;
  let from = to - distance;
  if (distance >= 16) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32);
    for (to += 48; to < end; to += 16) v128.store(to, v128.load(to - distance));
  } else if (distance === 1) {
    const same = i8x16.splat(load<u8>(from));
    for (; to < end; to += 16) v128.store(to, same);
  } else {
    for (; to < end; to++) store<u8>(to, load<u8>(from++));
  }
}

/** One literal or match, where the input may end within it: then nothing of it is written. */
function readLastCode(): i32 {
  refill();
  const entry = nextCode(literals, LITERAL_ROOT);
  const matched = valueOf(entry, bits as u32);
  take(entry & 31);
  if (isBehindEnd()) return INPUT_ENDS;
  if ((entry & LITERAL) !== 0) {
    store<u8>(out++, entry >> 16);
    return -1;
  }
  if ((entry & END_OF_BLOCK) === END_OF_BLOCK) {
    phase = HEADER;
    return -1;
  }
  if ((entry & OTHER) !== 0) return WRONG_CODE;
  refill();
  const far = nextCode(distances, DISTANCE_ROOT);
  const distance = valueOf(far, bits as u32) as usize;
  take(far & 31);
  if (isBehindEnd()) return INPUT_ENDS;
  if ((far & OTHER) !== 0) return WRONG_CODE;
  if (distance > out - oldest) return WRONG_DISTANCE;
  copyMatch(out, distance, matched);
  out += matched;
  return -1;
}

/** What a table says of the next code; of a long one the first bits are taken. */
function nextCode(table: usize, root: u32): u32 {
  const entry = load<u32>(table + (peek(root) << 2));
  if ((entry & SUBTABLE) !== SUBTABLE) return entry;
  take(root);
  return load<u32>(table + (((entry >> 16) + peek((entry >> 12) & 15)) << 2));
}
