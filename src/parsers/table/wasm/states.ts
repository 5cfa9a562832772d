/** Names of states, numbered as they are met. There are some 30 in all; above 62 different ones a state is `other`. */
import { zeroed } from './memory';

/** Bytes of a name; a shorter one is padded with zeros. */
const NAME_BYTES: usize = 32;

/** The number of every name beyond those that are kept. */
export const OTHER_STATE: u32 = 63;

/** Names by number; the first is none. */
export const names: usize = zeroed((OTHER_STATE as usize) * NAME_BYTES);
let known: u32 = 0;

/** The number of the name that the `length` characters at `p` are. */
export function stateNumber(p: usize, length: u32): u32 {
  const first = upTo(v128.load(p), length);
  const second = length < 16 ? i8x16.splat(0) : upTo(v128.load(p, 16), length - 16);
  let at = names;
  for (let number: u32 = 1; number <= known; number++) {
    at += NAME_BYTES;
    const difference = v128.or(v128.xor(v128.load(at), first), v128.xor(v128.load(at, 16), second));
    if (!v128.any_true(difference)) return number;
  }
  if (known === OTHER_STATE - 1) return OTHER_STATE;
  v128.store(at + NAME_BYTES, first);
  v128.store(at + NAME_BYTES, second, 16);
  return ++known;
}

/** The first bytes; the rest become zero. */
@inline
function upTo(text: v128, length: u32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(text, i8x16.lt_u(places, i8x16.splat(min<u32>(length, 16) as u8)));
}
