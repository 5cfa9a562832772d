/**
 * Crypto-PAn: J. Xu, J. Fan, M. H. Ammar, S. B. Moon, "Prefix-Preserving IP Address Anonymization: Measurement-based Security
 * Evaluation and a New Cryptography-based Scheme", ICNP 2002, with AES-128 as in the authors' implementation, and the same over the 128
 * bits of IPv6. Bit n of an address is flipped or not by what AES makes of the n bits before it, padded to a block: two addresses that
 * share a prefix of n bits share one of n bits afterwards, and no more.
 *
 * The authors' implementation pads every prefix with the bits of one secret block. Where the next bit of the address is that of the padding
 * too, which it is half of the time, two prefixes make one block, and two bits share one decision: one octet in fifteen stays as it was,
 * in place of one in 256. Here a prefix is padded with a one and zeros (ISO/IEC 9797-1, padding method 2), and no two make the same.
 */
import { type Cipher, createCipheriv } from 'node:crypto';

const BLOCK = 16;

/** What stands behind a prefix of so many bits; what it says of the bits of the prefix itself does not matter. */
type Padding = (bits: number) => Uint8Array;

/** A one, and zeros. */
const oneAndZeros: Padding = (bits) => {
  const block = new Uint8Array(BLOCK);
  block[bits >>> 3] = 0x80 >>> (bits & 7);
  return block;
};

/** The flips that one key decides. */
export class CryptoPan {
  readonly #cipher: Cipher;
  /** The padding of a prefix of each length, one after the other. */
  readonly #padding = Buffer.alloc(128 * BLOCK);
  /** A block for each bit, of IPv4 in front. */
  readonly #blocks = Buffer.alloc(128 * BLOCK);
  readonly #address = new Uint8Array(BLOCK);

  /** @param key 16 bytes */
  constructor(key: Uint8Array, padding = oneAndZeros) {
    this.#cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    for (let bits = 0; bits < 128; bits++) this.#padding.set(padding(bits), bits * BLOCK);
  }

  /** The bits of an IPv4 address that are flipped, as a number of 32 bits. */
  flips4(address: number): number {
    const bytes = this.#address;
    for (let at = 0; at < 4; at++) bytes[at] = address >>> (24 - 8 * at);
    const encrypted = this.#encrypted(32);
    let flips = 0;
    for (let bit = 0; bit < 32; bit++) flips = (flips << 1) | ((encrypted[bit * BLOCK] ?? 0) >>> 7);
    return flips >>> 0;
  }

  /** The bits of an IPv6 address, four words of 32 bits, that are flipped; written to `flips`. */
  flips6(address: Uint32Array, flips: Uint32Array): void {
    const bytes = this.#address;
    for (let at = 0; at < BLOCK; at++) bytes[at] = (address[at >>> 2] ?? 0) >>> (24 - 8 * (at & 3));
    const encrypted = this.#encrypted(128);
    for (let word = 0; word < 4; word++) {
      let bits = 0;
      for (let bit = 32 * word; bit < 32 * word + 32; bit++) bits = (bits << 1) | ((encrypted[bit * BLOCK] ?? 0) >>> 7);
      flips[word] = bits;
    }
  }

  /** What AES makes of each prefix that is shorter than `bits`. */
  #encrypted(bits: number): Uint8Array {
    const blocks = this.#blocks;
    const bytes = this.#address;
    const padding = this.#padding;
    padding.copy(blocks, 0, 0, bits * BLOCK);
    for (let bit = 0; bit < bits; bit++) {
      const start = bit * BLOCK;
      const whole = bit >>> 3;
      for (let at = 0; at < whole; at++) blocks[start + at] = bytes[at] ?? 0;
      const kept = 0xff00 >>> (bit & 7);
      blocks[start + whole] = ((bytes[whole] ?? 0) & kept) | ((padding[start + whole] ?? 0) & ~kept);
    }
    return this.#cipher.update(blocks.subarray(0, bits * BLOCK));
  }
}
