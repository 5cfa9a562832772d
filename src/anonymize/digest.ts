/** The sums that an inventory can have of a member. */
import { createHash } from 'node:crypto';
import type { Digest } from './inventory.ts';

/** CRC-32 as POSIX has it for cksum: polynomial 0x04C11DB7, the highest bit first. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** Adds up one text. */
export class Sums {
  readonly #sha256 = createHash('sha256');
  readonly #withCksum: boolean;
  #bytes = 0;
  #crc = 0;

  /** @param withCksum takes as long as everything else: only where an inventory has such sums */
  constructor(withCksum: boolean) {
    this.#withCksum = withCksum;
  }

  add(block: Uint8Array): void {
    this.#sha256.update(block);
    this.#bytes += block.length;
    if (this.#withCksum) for (const byte of block) this.#crc = next(this.#crc, byte);
  }

  digest(): Digest {
    let crc = this.#crc;
    for (let length = this.#bytes; length > 0; length = Math.floor(length / 256)) crc = next(crc, length % 256);
    return { bytes: this.#bytes, sha256: this.#sha256.digest('hex'), cksum: ~crc >>> 0 };
  }
}

const next = (crc: number, byte: number) => ((crc << 8) ^ (TABLE[(crc >>> 24) ^ byte] ?? 0)) >>> 0;
