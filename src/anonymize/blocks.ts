/**
 * The blocks of addresses that a pseudonym does not leave (IANA's registries of special-purpose addresses, RFC 6890), and the addresses
 * that stay as they are: what a report says of an address, or a reader sees in it, holds of its pseudonym too.
 */

/** Addresses that begin with these bits keep so many of them. The longest that fits counts. */
interface Block {
  /** Four words of 32 bits. */
  start: Uint32Array;
  bits: number;
  keep: number;
}

interface Block4 {
  start: number;
  bits: number;
}

/** "This network", private (RFC 1918), shared (RFC 6598), loopback, link-local, multicast and its local part, reserved. */
const BLOCKS4: readonly Block4[] = [
  { start: 0xe0000000, bits: 24 },
  { start: 0xc0a80000, bits: 16 },
  { start: 0xa9fe0000, bits: 16 },
  { start: 0xac100000, bits: 12 },
  { start: 0x64400000, bits: 10 },
  { start: 0x00000000, bits: 8 },
  { start: 0x0a000000, bits: 8 },
  { start: 0x7f000000, bits: 8 },
  { start: 0xe0000000, bits: 4 },
  { start: 0xf0000000, bits: 4 },
];

const block = (start: number[], bits: number, keep = bits): Block => ({
  start: Uint32Array.from({ length: 4 }, (_, at) => start[at] ?? 0),
  bits,
  keep,
});

/** Global unicast (RFC 4291) and what is none; a multicast address keeps its flags and its scope. */
const BLOCKS6: readonly Block[] = [
  block([0], 96),
  block([0xfe800000], 64),
  block([0xfe800000], 10),
  block([0xfec00000], 10),
  block([0xff000000], 8, 16),
  block([0], 8),
  block([0xfc000000], 7),
  block([0x20000000], 3),
];

/** `::ffff:0:0/96` (RFC 4291) and `64:ff9b::/96` (RFC 6052) hold an IPv4 address, which has a pseudonym of its own. */
export function holdsIpv4(words: Uint32Array): boolean {
  const [first, second, third] = words;
  return (first === 0 && second === 0 && third === 0xffff) || (first === 0x64ff9b && second === 0 && third === 0);
}

const mask = (bits: number) => (bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0);

/** The bits that an IPv4 address keeps: the length of its block; 0 for a public one. */
export function keptBits4(address: number): number {
  for (const { start, bits } of BLOCKS4) {
    if ((address & mask(bits)) >>> 0 === start) return bits;
  }
  return 0;
}

/** Which block an IPv6 address is in, as an index; -1: in none, and it keeps no bit. */
export function block6(words: Uint32Array): number {
  return BLOCKS6.findIndex(({ start, bits }) => sharedBits(words, start) >= bits);
}

/** How many bits the addresses of a block keep. */
export function keptBits6(index: number): number {
  return BLOCKS6[index]?.keep ?? 0;
}

/** The length of the prefix that two IPv6 addresses share. */
export function sharedBits(a: Uint32Array, b: Uint32Array): number {
  for (let at = 0; at < 4; at++) {
    const other = (a[at] ?? 0) ^ (b[at] ?? 0);
    if (other !== 0) return 32 * at + Math.clz32(other);
  }
  return 128;
}

/** `0.0.0.0`, `127.0.0.1`, `255.255.255.255`, and netmasks from `255.0.0.0` on, which are no addresses. */
export function isFixed4(address: number): boolean {
  if (address === 0 || address === 0x7f000001) return true;
  const inverse = ~address >>> 0;
  return address >= 0xff000000 && (inverse & (inverse + 1)) === 0;
}

/** `::` and `::1`. */
export function isFixed6(words: Uint32Array): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0 && (words[3] ?? 0) <= 1;
}

/**
 * Whether a network stays as it is: none of its bits could be another one.
 *
 * @param length of its prefix; undefined for the address of one host
 */
export function isWholeBlock4(address: number, length: number | undefined): boolean {
  return length !== undefined && length <= keptBits4(address) && (address & ~mask(length)) === 0;
}

/** The same of IPv6. */
export function isWholeBlock6(words: Uint32Array, length: number | undefined): boolean {
  if (length === undefined || length > keptBits6(block6(words))) return false;
  return isNetwork6(words, length);
}

/** Whether every bit behind the prefix is 0: the address names the network. */
export function isNetwork6(words: Uint32Array, length: number): boolean {
  for (let at = 0; at < 4; at++) {
    if (((words[at] ?? 0) & ~mask6(at, length)) !== 0) return false;
  }
  return true;
}

/** The bits of the word at `at` that are in a prefix. */
export function mask6(at: number, length: number): number {
  return mask(Math.min(32, Math.max(0, length - 32 * at)));
}

export { mask as mask4 };
