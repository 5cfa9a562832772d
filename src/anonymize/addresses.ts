/** Pseudonyms of IP addresses: Crypto-PAn inside each block, and out of none. */
import { block6, holdsIpv4, isFixed4, isFixed6, isNetwork6, keptBits4, keptBits6, mask4, mask6 } from './blocks.ts';
import { CryptoPan } from './crypto-pan.ts';

/** Pseudonyms that are at hand, of each family: a table has far fewer busy addresses, and 2^18 of them are 2 MiB. */
const CACHED4 = 1 << 18;
const CACHED6 = 1 << 15;

/**
 * Maps addresses of one key, each to another one and no two to the same.
 *
 * An address stays in its block ({@link keptBits4}, {@link block6}). Where the image of one that keeps no bits lies in a block, or is an
 * address that stays as it is, the image is mapped again until it does not (cycle walking: J. Black, P. Rogaway, "Ciphers with Arbitrary
 * Finite Domains", CT-RSA 2002). Addresses that share at least 16 bits of IPv4, or that keep some, are walked alike, so that
 * their prefix survives. Of those that share fewer, and of the one in 2^24 whose image is `127.0.0.1` or another fixed one, it may not.
 */
export class AddressPseudonyms {
  readonly #pan4: CryptoPan;
  readonly #pan6: CryptoPan;
  /** Address and image; the image of an address that was never asked for is 0, which is that of no address that is looked up. */
  readonly #cache4 = new Uint32Array(2 * CACHED4);
  readonly #cache6 = new Uint32Array(8 * CACHED6);
  readonly #flips = new Uint32Array(4);
  readonly #image = new Uint32Array(4);

  /** @param keys of 16 bytes each */
  constructor(keys: { ipv4: Uint8Array; ipv6: Uint8Array }) {
    this.#pan4 = new CryptoPan(keys.ipv4);
    this.#pan6 = new CryptoPan(keys.ipv6);
  }

  /**
   * The pseudonym of an IPv4 address. That of a network is a network, the one that holds the pseudonyms of its addresses.
   *
   * @param length of the prefix that stands behind the address, if one does
   */
  ipv4(address: number, length?: number): number {
    if (isFixed4(address)) return address;
    const at = 2 * (Math.imul(address, 0x9e3779b1) >>> 14);
    let image = this.#cache4[at + 1] ?? 0;
    if (image === 0 || this.#cache4[at] !== address) {
      image = this.#walk4(address);
      this.#cache4[at] = address;
      this.#cache4[at + 1] = image;
    }
    const isNetwork = length !== undefined && (address & ~mask4(length)) === 0;
    return isNetwork ? (image & mask4(length)) >>> 0 : image;
  }

  #walk4(address: number): number {
    const kept = keptBits4(address);
    let image = address;
    do {
      image = (image ^ (this.#pan4.flips4(image) & ~mask4(kept))) >>> 0;
    } while (keptBits4(image) !== kept || isFixed4(image));
    return image;
  }

  /**
   * The same of IPv6.
   *
   * @param words four of 32 bits; the image takes their place
   */
  ipv6(words: Uint32Array, length?: number): void {
    if (isFixed6(words)) return;
    const isNetwork = length !== undefined && isNetwork6(words, length);
    this.#mapped6(words);
    if (!isNetwork) return;
    for (let at = 0; at < 4; at++) words[at] = (words[at] ?? 0) & mask6(at, length);
  }

  #mapped6(words: Uint32Array): void {
    if (holdsIpv4(words)) {
      words[3] = this.ipv4(words[3] ?? 0);
      return;
    }
    const [a = 0, b = 0, c = 0, d = 0] = words;
    const mixed = Math.imul(Math.imul(Math.imul(a, 31) + b, 0x85ebca6b) ^ (Math.imul(c, 31) + d), 0x9e3779b1);
    const at = 8 * (mixed >>> 17);
    const cache = this.#cache6;
    const known = cache[at] === a && cache[at + 1] === b && cache[at + 2] === c && cache[at + 3] === d;
    if (!known) {
      this.#walk6(words);
      cache[at] = a;
      cache[at + 1] = b;
      cache[at + 2] = c;
      cache[at + 3] = d;
      cache.set(this.#image, at + 4);
    }
    for (let word = 0; word < 4; word++) words[word] = cache[at + 4 + word] ?? 0;
  }

  #walk6(words: Uint32Array): void {
    const image = this.#image;
    image.set(words);
    const block = block6(words);
    const kept = keptBits6(block);
    do {
      this.#pan6.flips6(image, this.#flips);
      for (let at = 0; at < 4; at++) {
        image[at] = (image[at] ?? 0) ^ ((this.#flips[at] ?? 0) & ~mask6(at, kept));
      }
    } while (block6(image) !== block || holdsIpv4(image) || isFixed6(image));
  }
}
