/** Rewrites texts: each address and each name by its pseudonym, everything else byte by byte as it was. */
import type { Name, NameIndex } from './names.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { type Form4, type Form6, type Found, Scanner } from './scanner.ts';

/** The longest that an address or a name is rewritten to. */
const LONGEST = 512;

const DECIMALS = Array.from({ length: 256 }, (_, value) => Buffer.from(String(value)));
const POINT = 0x2e;
const DASH = 0x2d;

/** Rewrites one text after the other. */
export class Rewriter implements Found {
  readonly #pseudonyms: Pseudonyms;
  readonly #scanner: Scanner;
  readonly #images = new Map<string, Buffer>();
  #out = Buffer.allocUnsafe(1 << 16);
  #length = 0;

  constructor(pseudonyms: Pseudonyms, names: NameIndex) {
    this.#pseudonyms = pseudonyms;
    this.#scanner = new Scanner(this, names);
  }

  /** Takes the next block of a text. Returns what is rewritten so far, in memory that the next call uses again. */
  push(block: Uint8Array): Buffer {
    this.#length = 0;
    this.#scanner.push(block);
    return this.#out.subarray(0, this.#length);
  }

  /** Ends a text. Returns the rest of it, as {@link push} does. */
  finish(): Buffer {
    this.#length = 0;
    this.#scanner.finish();
    return this.#out.subarray(0, this.#length);
  }

  /** Rewrites a short text. */
  whole(text: string): string {
    const [first, last] = [Buffer.from(this.push(Buffer.from(text))), this.finish()];
    return Buffer.concat([first, last]).toString();
  }

  text(bytes: Uint8Array, from: number, to: number): void {
    this.#room(to - from);
    this.#out.set(bytes.subarray(from, to), this.#length);
    this.#length += to - from;
  }

  ipv4(address: number, form: Form4, length: number | undefined): void {
    const image = this.#pseudonyms.addresses.ipv4(address, length);
    this.#room(LONGEST);
    const out = this.#out;
    for (let n = 0; n < 4; n++) {
      if (n > 0) out[this.#length++] = form === 'dashed' ? DASH : POINT;
      const decimal = DECIMALS[(image >>> (form === 'reversed' ? 8 * n : 24 - 8 * n)) & 0xff] ?? DECIMALS[0];
      for (const digit of decimal ?? []) out[this.#length++] = digit;
    }
  }

  ipv6(words: Uint32Array, form: Form6, length: number | undefined): void {
    this.#pseudonyms.addresses.ipv6(words, length);
    const written = writtenIpv6(words, form);
    this.#room(LONGEST);
    this.#length += this.#out.write(written, this.#length, 'latin1');
  }

  mac(octets: Uint8Array, separator: number, upper: boolean): void {
    this.#pseudonyms.mac(octets);
    const written = Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join(
      String.fromCharCode(separator),
    );
    this.#write(Buffer.from(upper ? written.toUpperCase() : written));
  }

  id(id: string): void {
    this.#write(Buffer.from(this.#pseudonyms.id(id)));
  }

  name({ kind, name }: Name, written: string): void {
    if (kind === 'release') {
      this.#write(Buffer.from(written));
      return;
    }
    const key = `${kind} ${name}`;
    let image = this.#images.get(key);
    if (image === undefined) {
      image = Buffer.from(this.#pseudonyms.name(kind, name));
      // Hosts of a known domain are found by the thousand.
      if (this.#images.size > 50_000) this.#images.clear();
      this.#images.set(key, image);
    }
    this.#write(image);
  }

  #write(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#out.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#length + bytes));
    this.#out.copy(grown, 0, 0, this.#length);
    this.#out = grown;
  }
}

/** As RFC 5952 wants it, or as it was written before. */
export function writtenIpv6(words: Uint32Array, { upper, full, dotted }: Form6): string {
  const groups = Array.from({ length: 8 }, (_, n) => ((words[n >>> 1] ?? 0) >>> (n & 1 ? 0 : 16)) & 0xffff);
  let written: string;
  if (full) written = groups.map((group) => group.toString(16).padStart(4, '0')).join(':');
  else {
    const shown = groups.slice(0, dotted ? 6 : 8).map((group) => group.toString(16));
    if (dotted) {
      const last = words[3] ?? 0;
      shown.push([24, 16, 8, 0].map((shift) => (last >>> shift) & 0xff).join('.'));
    }
    written = compressed(shown);
  }
  return upper ? written.toUpperCase() : written;
}

/** The longest row of at least two groups of zeros, the first of several, becomes `::`. */
function compressed(groups: string[]): string {
  let best = { start: 0, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  const [before, after] = [groups.slice(0, best.start), groups.slice(best.start + best.length)];
  return `${before.join(':')}::${after.join(':')}`;
}
