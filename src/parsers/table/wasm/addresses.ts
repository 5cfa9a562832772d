/**
 * Reads IP addresses as /proc and `conntrack` print them, in network order: IPv4 and the 39 characters of IPv6 in /proc by a few
 * operations on all of their characters at once, the short IPv6 of `conntrack` digit by digit.
 */
import { zeroed } from './memory';

/** What the last address was. An IPv4 address is the lowest four bytes of `high`. */
export let isIPv6: bool = false;
export let high: u64 = 0;
export let low: u64 = 0;

const BLANK: u8 = 32;
const DOT: u8 = 46;
const DIGIT_0: u8 = 48;
const COLON: u8 = 58;
const LETTER_A: u8 = 97;

/** Reads the address at `p`; returns where it ends, which is at a blank, or 0 where there is none. */
@inline
export function readAddress(p: usize): usize {
  // Of the first four characters of IPv4 one is a dot.
  return i8x16.bitmask(i8x16.eq(v128.load32_zero(p), i8x16.splat(DOT))) !== 0 ? readIPv4(p) : readIPv6(p);
}

/** Where the characters go in every shape of an address, from `1.2.3.4` to `111.222.333.444`: 4 bytes an octet, the first unused. */
const SHAPES = 81;
const moves: usize = heap.alloc((SHAPES + 1) * 16);
/** The least that each octet is in a shape: with a leading zero, which some programs read as octal, none is an address. */
const least: usize = heap.alloc((SHAPES + 1) * 16);
/** The number of a shape, from 1, by where its dots and its end are, a bit each. */
const shapes: usize = zeroed(1 << 16);
prepareShapes();

function prepareShapes(): void {
  let shape: usize = 0;
  for (let lengths = 0; lengths < SHAPES; lengths++) {
    shape++;
    let at = 0;
    let ends: u32 = 0;
    for (let octet = 0, rest = lengths; octet < 4; octet++, rest /= 3) {
      const digits = 1 + (rest % 3);
      for (let place = 0; place < 4; place++) {
        const from = at + digits - 4 + place;
        // Beyond the 16 characters is nothing, a zero.
        store<u8>(moves + shape * 16 + octet * 4 + place, from < at ? 255 : from as u8);
      }
      store<u32>(least + shape * 16 + octet * 4, digits === 1 ? 0 : digits === 2 ? 10 : 100);
      at += digits;
      ends |= 1 << at;
      at++;
    }
    store<u8>(shapes + ends, shape as u8);
  }
}

/** `10.0.0.9`. */
function readIPv4(p: usize): usize {
  const text = v128.load(p);
  const digits = i8x16.sub(text, i8x16.splat(DIGIT_0));
  const others = i8x16.bitmask(i8x16.ge_u(digits, i8x16.splat(10)));
  const behindFirst = others & (others - 1);
  const behindSecond = behindFirst & (behindFirst - 1);
  const behindThird = behindSecond & (behindSecond - 1);
  // The first four characters that are no digits: three dots and the end.
  const ends = others ^ (behindThird & (behindThird - 1));
  const shape = load<u8>(shapes + ends) as usize;
  const placed = i8x16.swizzle(digits, v128.load(moves + shape * 16));
  const weights = i8x16(0, 100, 10, 1, 0, 100, 10, 1, 0, 100, 10, 1, 0, 100, 10, 1);
  const first = i32x4.extadd_pairwise_i16x8_u(i16x8.extmul_low_i8x16_u(placed, weights));
  const last = i32x4.extadd_pairwise_i16x8_u(i16x8.extmul_high_i8x16_u(placed, weights));
  const octets = i32x4.add(
    v128.shuffle<i32>(first, last, 0, 2, 4, 6),
    v128.shuffle<i32>(first, last, 1, 3, 5, 7),
  );
  const isWrong = v128.or(
    i32x4.gt_s(octets, i32x4.splat(255)),
    i32x4.lt_s(octets, v128.load(least + shape * 16)),
  );
  const dots = i8x16.bitmask(i8x16.eq(text, i8x16.splat(DOT)));
  const end = ctz(behindThird);
  isIPv6 = false;
  low = 0;
  high = i32x4.extract_lane(i8x16.swizzle(octets, i8x16(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), 0) as u32;
  const isAddress = shape !== 0 && ctz(others & ~dots) === end && !v128.any_true(isWrong) && load<u8>(p + end) === BLANK;
  return isAddress ? p + end : 0;
}

/** `2001:0db8:0000:0000:0000:0000:0000:0001` of /proc, or else the short form. */
function readIPv6(p: usize): usize {
  isIPv6 = true;
  const colons = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(COLON)));
  const moreColons = i8x16.bitmask(i8x16.eq(v128.load(p, 16), i8x16.splat(COLON)));
  if (colons !== 0x4210 || moreColons !== 0x2108 || load<u8>(p + 34) !== COLON || load<u8>(p + 39) !== BLANK) {
    return readShortIPv6(p);
  }
  const first = fourGroups(p);
  const last = fourGroups(p + 20);
  const digits = hexDigits(first);
  const moreDigits = hexDigits(last);
  high = bytesOf(digits);
  low = bytesOf(moreDigits);
  const isWrong = v128.any_true(i8x16.gt_u(v128.or(digits, moreDigits), i8x16.splat(15)));
  return isWrong ? 0 : p + 39;
}

/** The 16 digits of `2001:0db8:0000:0000`. */
@inline
function fourGroups(p: usize): v128 {
  return v128.shuffle<u8>(v128.load(p), v128.load(p + 4), 0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 27, 28, 29, 30);
}

/** The values of hexadecimal digits; above 15 where a character is none. */
@inline
function hexDigits(text: v128): v128 {
  const decimal = i8x16.sub(text, i8x16.splat(DIGIT_0));
  const letter = i8x16.sub(v128.or(text, i8x16.splat(0x20)), i8x16.splat(LETTER_A));
  const ten = i8x16.add_sat_u(letter, i8x16.splat(10));
  return v128.bitselect(decimal, ten, i8x16.lt_u(decimal, i8x16.splat(10)));
}

/** Two digits make a byte. */
@inline
function bytesOf(digits: v128): u64 {
  const pairs = v128.or(i16x8.shl(digits, 4), i16x8.shr_u(digits, 8));
  const bytes = v128.and(pairs, i16x8.splat(0xff));
  return i64x2.extract_lane(i8x16.narrow_i16x8_u(bytes, bytes), 0);
}

const groups: usize = memory.data(16, 16);

/** `2001:db8::1` of `conntrack`; one with dots at its end is left to the other parser. */
function readShortIPv6(p: usize): usize {
  let count: usize = 0;
  let gap: usize = 8;
  if (load<u8>(p) === COLON) {
    if (load<u8>(p + 1) !== COLON) return 0;
    gap = 0;
    p += 2;
  }
  while (load<u8>(p) !== BLANK) {
    if (count === 8) return 0;
    let group: u32 = hexDigit(load<u8>(p));
    if (group > 15) return 0;
    p++;
    for (let digits = 1; digits < 4 && hexDigit(load<u8>(p)) < 16; digits++) group = (group << 4) | hexDigit(load<u8>(p++));
    store<u16>(groups + (count << 1), bswap(group as u16));
    count++;
    if (load<u8>(p) === BLANK) break;
    if (load<u8>(p++) !== COLON) return 0;
    if (load<u8>(p) === COLON) {
      if (gap !== 8) return 0;
      gap = count;
      p++;
    } else if (load<u8>(p) === BLANK) return 0;
  }
  if (gap === 8 ? count !== 8 : count > 7) return 0;
  if (gap !== 8) {
    const behind = (count - gap) << 1;
    memory.copy(groups + 16 - behind, groups + (gap << 1), behind);
    memory.fill(groups + (gap << 1), 0, 16 - (count << 1));
  }
  high = load<u64>(groups);
  low = load<u64>(groups, 8);
  return p;
}

/** The value of a hexadecimal digit; 16 or more where it is none. */
export function hexDigit(character: u8): u8 {
  if (character - DIGIT_0 < 10) return character - DIGIT_0;
  const letter = (character | 0x20) - LETTER_A;
  return letter < 6 ? letter + 10 : 255;
}
