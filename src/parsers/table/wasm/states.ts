/** Names of states, numbered as they are met. There are some 30 in all; above 62 different ones a state is `other`. */
import { zeroed } from './memory';

/** Bytes of a name; a shorter one is padded with zeros. */
const NAME_BYTES: usize = 32;

/** The number of every name beyond those that are kept. */
export const OTHER_STATE: u32 = 63;

/** Names by number; the first is none. */
export const names: usize = zeroed((OTHER_STATE as usize) * NAME_BYTES);
let known: u32 = 0;

/** Where to look first: by the last character and the length, which tell the states of TCP apart. */
const PLACES = 64;
const firstGuess: usize = memory.data(64);

/** The number of the name that the `length` characters at `p` are. */
export function stateNumber(p: usize, length: u32): u32 {
  const first = upTo(v128.load(p), length);
  const second = length < 16 ? i8x16.splat(0) : upTo(v128.load(p, 16), length - 16);
  const guess = firstGuess + (((load<u8>(p + length - 1) as usize) * 3 + length) & (PLACES - 1));
  let number: u32 = load<u8>(guess);
  if (number !== 0 && isName(number, first, second)) return number;
  for (number = 1; number <= known; number++) if (isName(number, first, second)) break;
  if (number === OTHER_STATE) return OTHER_STATE;
  if (number > known) {
    known = number;
    v128.store(nameAt(number), first);
    v128.store(nameAt(number), second, 16);
  }
  store<u8>(guess, number as u8);
  return number;
}

@inline
function nameAt(number: u32): usize {
  return names + (number as usize) * NAME_BYTES;
}

@inline
function isName(number: u32, first: v128, second: v128): bool {
  const name = nameAt(number);
  const difference = v128.or(v128.xor(v128.load(name), first), v128.xor(v128.load(name, 16), second));
  return !v128.any_true(difference);
}

/** The first bytes; the rest become zero. */
@inline
function upTo(text: v128, length: u32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(text, i8x16.lt_u(places, i8x16.splat(min<u32>(length, 16) as u8)));
}
