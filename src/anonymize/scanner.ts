/**
 * Finds addresses, hardware addresses, ids and names in any text, byte by byte, whatever the blocks that it comes in. Time grows with the
 * size of the text, and memory does not.
 *
 * What is an address: IPv4 as four numbers below 256, but not part of a longer row of numbers (`1.2.3.4.5` is a version or an OID);
 * IPv6 as RFC 4291, 2.2 has it, the last 32 bits as IPv4 too; both with `:port`, `/length`, `%zone` and brackets around them. A time is none
 * (`12:30:45` has too few groups), and what stays as it is anyway ({@link isFixed4}) is not looked for. Six octets are a hardware address, and so are fourteen (the kernel logs a whole Ethernet header as
 * `MAC=`). Ids are UUIDs and 32 hexadecimal digits that are a word. Host names of cloud providers (`ip-10-0-0-1`) and names of the reverse
 * DNS (`1.0.0.10.in-addr.arpa`) hold an address.
 */
import { isFixed4, isFixed6 } from './blocks.ts';
import type { Name, NameIndex } from './names.ts';

/** How an IPv4 address is written. */
export type Form4 = 'plain' | 'reversed' | 'dashed';

/** How an IPv6 address is written: in capitals, in eight groups of four digits, or with IPv4 at its end. */
export interface Form6 {
  upper: boolean;
  full: boolean;
  dotted: boolean;
}

/** Is told of all bytes of a text, in order: of each piece either as it is or as what was found. */
export interface Found {
  text(bytes: Uint8Array, from: number, to: number): void;
  /** @param length of the prefix, if one stands behind it; `/length` follows as text */
  ipv4(address: number, form: Form4, length: number | undefined): void;
  /** @param words four of 32 bits, which may be written to */
  ipv6(words: Uint32Array, form: Form6, length: number | undefined): void;
  /** @param octets which may be written to; `separator` is `:` or `-` */
  mac(octets: Uint8Array, separator: number, upper: boolean): void;
  id(id: string): void;
  name(name: Name, written: string): void;
}

/** Nothing that is found is longer; whatever is decided of a byte, so many behind it are known, or the end is. */
const AHEAD = 512;
/** A run of hexadecimal digits, colons and points that is longer is no address: 20 octets of InfiniBand have 59. */
const LONGEST_RUN = 96;
/** A word that is longer is no name. */
const LONGEST_WORD = 400;

const OTHER = 0;
const DIGIT = 1;
const HEX = 2;
const LETTER = 3;
const COLON = 4;
const DOT = 5;
const DASH = 6;

const KINDS = new Uint8Array(256);
/** The value of a hexadecimal digit; 255 for what is none. */
const VALUES = new Uint8Array(256).fill(255);
for (let byte = 0; byte < 256; byte++) {
  const char = String.fromCharCode(byte);
  if (/\d/.test(char)) KINDS[byte] = DIGIT;
  else if (/[a-f]/i.test(char)) KINDS[byte] = HEX;
  else if (/[a-z]/i.test(char)) KINDS[byte] = LETTER;
  if (/[\da-f]/i.test(char)) VALUES[byte] = Number.parseInt(char, 16);
}
KINDS[0x3a] = COLON;
KINDS[0x2e] = DOT;
KINDS[0x2d] = DASH;
// Of names only.
const UNDERSCORE = 7;
KINDS[0x5f] = UNDERSCORE;

const SLASH = 0x2f;
const CAPITALS = /[A-F]/;
const IN_ADDR = Buffer.from('.in-addr.arpa');

const isWord = (kind: number) => kind >= DIGIT && kind <= LETTER;

/** Reads one text, block by block. */
export class Scanner {
  readonly #found: Found;
  readonly #names: NameIndex | undefined;
  readonly #words = new Uint32Array(4);
  readonly #groups = new Uint16Array(9);
  readonly #groupEnds = new Int32Array(9);
  #bytes: Buffer = Buffer.alloc(0);
  /** Where the bytes at hand end, and up to where they were told. */
  #end = 0;
  #told = 0;
  /** The kinds of the two bytes before those at hand. */
  #before = OTHER;
  #beforeThat = OTHER;
  /** In a word, or in a row of numbers, that is too long for what is looked for. */
  #skipping: 'word' | 'run' | undefined;
  /** What is before this is no IPv6 address. */
  #noIpv6Before = 0;

  constructor(found: Found, names?: NameIndex) {
    this.#found = found;
    this.#names = names;
  }

  /** Reads the next block, which is not kept. */
  push(block: Uint8Array): void {
    const left = this.#end;
    const size = left + block.length;
    if (this.#bytes.length < size) {
      const grown = Buffer.allocUnsafe(size + AHEAD);
      this.#bytes.copy(grown, 0, 0, left);
      this.#bytes = grown;
    }
    this.#bytes.set(block, left);
    this.#end = size;
    if (size > AHEAD) this.#scan(size - AHEAD);
  }

  /** Reads what is left; another text may follow. */
  finish(): void {
    this.#scan(this.#end);
    this.#end = 0;
    this.#before = OTHER;
    this.#beforeThat = OTHER;
    this.#skipping = undefined;
    this.#noIpv6Before = 0;
  }

  /** Reads up to a place, or to the end of what begins before it, and keeps the rest. */
  #scan(limit: number): void {
    const bytes = this.#bytes;
    this.#told = 0;
    let at = 0;
    while (at < limit) {
      if (this.#skipping !== undefined) {
        at = this.#skip(at);
        continue;
      }
      const kind = KINDS[bytes[at] ?? 0] ?? OTHER;
      if (isWord(kind)) at = this.#word(at);
      else if (kind === COLON) at = this.#colon(at);
      else at++;
    }
    this.#tellUpTo(at);
    [this.#beforeThat, this.#before] = [this.#kindBefore(at - 1), this.#kindBefore(at)];
    bytes.copyWithin(0, at, this.#end);
    this.#end -= at;
    this.#noIpv6Before -= at;
  }

  #kindAt(at: number): number {
    return at < this.#end ? (KINDS[this.#bytes[at] ?? 0] ?? OTHER) : OTHER;
  }

  /** Whether a slash is there; behind the end are bytes of earlier texts. */
  #isSlash(at: number): boolean {
    return at < this.#end && this.#bytes[at] === SLASH;
  }

  #kindBefore(at: number): number {
    if (at > 0) return KINDS[this.#bytes[at - 1] ?? 0] ?? OTHER;
    return at === 0 ? this.#before : this.#beforeThat;
  }

  #tellUpTo(at: number): void {
    if (at > this.#told) this.#found.text(this.#bytes, this.#told, at);
    this.#told = at;
  }

  #skip(from: number): number {
    let at = from;
    const word = this.#skipping === 'word';
    for (; at < this.#end; at++) {
      const kind = KINDS[this.#bytes[at] ?? 0] ?? OTHER;
      const goesOn = word ? isWord(kind) : kind === DIGIT || kind === HEX || kind === COLON || kind === DOT;
      if (!goesOn) {
        this.#skipping = undefined;
        break;
      }
    }
    return at;
  }

  /** A colon where no word begins: two may begin an IPv6 address. Returns where to go on. */
  #colon(at: number): number {
    if (this.#kindAt(at + 1) !== COLON || at < this.#noIpv6Before) return at + 1;
    if (isWord(this.#kindBefore(at))) {
      // The first of three ends a label (`addr:::1`); two are of a program (`std::dead`).
      return this.#kindAt(at + 2) === COLON ? at + 1 : at + 2;
    }
    return this.#colons(at) || at + 2;
  }

  /** A word, as far as it has letters and digits only, and what begins with it. Returns where to go on. */
  #word(from: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    if (this.#names !== undefined) {
      const named = this.#name(from, this.#names);
      if (named > 0) return named;
    }
    let at = from;
    let isHex = true;
    let digits = from;
    for (; at < end; at++) {
      const kind = KINDS[bytes[at] ?? 0] ?? OTHER;
      if (kind === DIGIT) continue;
      if (kind !== HEX && kind !== LETTER) break;
      if (kind === LETTER) isHex = false;
      digits = at + 1;
      if (at - from > LONGEST_WORD) break;
    }
    if (at - from > LONGEST_WORD) {
      this.#skipping = 'word';
      return at;
    }
    const length = at - from;
    const next = this.#kindAt(at);
    if (next === DOT) {
      return digits < at && this.#kindAt(at + 1) === DIGIT ? this.#numbers(digits) : at;
    }
    if (next === COLON) {
      return isHex && length <= 4 && from >= this.#noIpv6Before ? this.#colons(from) || at : at;
    }
    if (next === DASH) {
      if (length === 2 && isHex) return this.#dashedMac(from) || at;
      if (length === 8 && isHex) return this.#uuid(from) || at;
      if (length === 2 && !isHex) return this.#dashedAddress(from) || at;
    }
    if (length === 32 && isHex) {
      this.#tellUpTo(from);
      this.#found.id(bytes.toString('latin1', from, at));
      this.#told = at;
    }
    return at;
  }

  /** A name that is known, or a host of a domain that is. Returns where it ends; 0: there is none. */
  #name(from: number, names: NameIndex): number {
    const bytes = this.#bytes;
    const known = names.match(bytes, from, this.#end);
    if (known !== undefined) {
      this.#tellUpTo(from);
      this.#found.name(known.name, bytes.toString('latin1', from, known.end));
      this.#told = known.end;
      return known.end;
    }
    if (!names.hasDomains) return 0;
    const before = this.#kindBefore(from);
    if (isWord(before) || before === DOT || before === DASH || before === UNDERSCORE) return 0;
    const host = names.matchHost(bytes, from, this.#end);
    if (host === undefined) return 0;
    this.#tellUpTo(from);
    this.#found.name(host.name, bytes.toString('latin1', from, host.end));
    this.#told = host.end;
    return host.end;
  }

  /** A row of numbers with points between them. Returns where to go on. */
  #numbers(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    let parts = 0;
    let address = 0;
    let isAddress = true;
    let reversed = 0;
    for (;;) {
      let value = 0;
      const start = at;
      for (; this.#kindAt(at) === DIGIT; at++) {
        if (at - start < 4) value = value * 10 + (VALUES[bytes[at] ?? 0] ?? 0);
      }
      if (at - start > 3 || value > 255) isAddress = false;
      reversed = ((value << 24) | (reversed >>> 8)) >>> 0;
      address = ((address << 8) | value) >>> 0;
      parts++;
      if (at - from > LONGEST_RUN) {
        this.#skipping = 'run';
        return at;
      }
      if (this.#kindAt(at) !== DOT || this.#kindAt(at + 1) !== DIGIT) break;
      at++;
    }
    const before = this.#kindBefore(from);
    if (isFixed4(address)) return at;
    if (!isAddress || parts !== 4 || (before === DOT && this.#kindBefore(from - 1) === DIGIT)) return at;
    this.#tellUpTo(from);
    this.#told = at;
    const behind = bytes.subarray(at, Math.min(at + IN_ADDR.length, this.#end));
    if (behind.equals(IN_ADDR)) this.#found.ipv4(reversed, 'reversed', undefined);
    else this.#found.ipv4(address, 'plain', this.#prefixLength(at, 32));
    return at;
  }

  /** The number behind `/`, where it can be the length of a prefix. */
  #prefixLength(at: number, most: number): number | undefined {
    if (!this.#isSlash(at)) return undefined;
    let value = 0;
    let end = at + 1;
    for (; this.#kindAt(end) === DIGIT && end - at <= 4; end++)
      value = value * 10 + (VALUES[this.#bytes[end] ?? 0] ?? 0);
    return end > at + 1 && end - at <= 4 && value <= most && !isWord(this.#kindAt(end)) ? value : undefined;
  }

  /** What has colons in it: a hardware address, an IPv6 address, or neither. Returns where to go on; 0: behind the first word. */
  #colons(from: number): number {
    const bytes = this.#bytes;
    let end = from;
    for (; end < this.#end && end - from <= LONGEST_RUN; end++) {
      const kind = KINDS[bytes[end] ?? 0] ?? OTHER;
      if (kind !== DIGIT && kind !== HEX && kind !== COLON && kind !== DOT) break;
    }
    if (end - from > LONGEST_RUN) {
      this.#skipping = 'run';
      return end;
    }
    const mac = this.#mac(from, end, COLON);
    if (mac > 0) return mac;
    const form = { upper: false, full: false, dotted: false };
    const address = this.#ipv6(from, end, form);
    if (address > 0 && isFixed6(this.#words)) return address;
    if (address > 0) {
      form.upper = CAPITALS.test(bytes.toString('latin1', from, address));
      this.#tellUpTo(from);
      this.#told = address;
      this.#found.ipv6(this.#words, form, this.#prefixLength(address, 128));
      return address;
    }
    this.#noIpv6Before = end;
    return 0;
  }

  /** Octets of two digits each, at least six. Returns where they end; 0: they are something else. */
  #mac(from: number, limit: number, separatorKind: number): number {
    const bytes = this.#bytes;
    let at = from;
    let count = 0;
    for (;;) {
      if (limit - at < 2 || VALUES[bytes[at] ?? 0] === 255 || VALUES[bytes[at + 1] ?? 0] === 255) return 0;
      at += 2;
      count++;
      if (at >= limit || KINDS[bytes[at] ?? 0] !== separatorKind) break;
      // A separator that nothing follows is punctuation.
      if (at + 1 >= limit || VALUES[bytes[at + 1] ?? 0] === 255) break;
      at++;
    }
    // Eight groups of two digits are IPv6 as much as they are EUI-64.
    if (count < 6 || count > 32 || (count === 8 && separatorKind === COLON) || isWord(this.#kindAt(at))) return 0;
    if (count > 6 && separatorKind === DASH) return 0;
    const written = bytes.toString('latin1', from, at);
    const octets = Uint8Array.from({ length: count }, (_, n) => Number.parseInt(written.slice(3 * n, 3 * n + 2), 16));
    const separator = written.charCodeAt(2);
    const upper = CAPITALS.test(written);
    this.#tellUpTo(from);
    this.#told = at;
    // An Ethernet header: to, from, and a type.
    const ends = count === 14 ? [6, 12] : [count];
    let start = 0;
    for (const end of ends) {
      if (start > 0) this.#found.text(bytes, from + 3 * start - 1, from + 3 * start);
      this.#found.mac(octets.subarray(start, end), separator, upper);
      start = end;
    }
    if (start < count) this.#found.text(bytes, from + 3 * start - 1, at);
    return at;
  }

  #dashedMac(from: number): number {
    return this.#mac(from, Math.min(this.#end, from + LONGEST_RUN), DASH);
  }

  /** Reads an IPv6 address into the words. Returns where it ends; 0: it is none. */
  #ipv6(from: number, limit: number, form: Form6): number {
    const bytes = this.#bytes;
    const groups = this.#groups;
    let at = from;
    let count = 0;
    let gap = -1;
    let isFull = true;
    if (KINDS[bytes[at] ?? 0] === COLON) {
      gap = 0;
      at += 2;
      if (at < limit && KINDS[bytes[at] ?? 0] === COLON) return 0;
    }
    while (at < limit) {
      const start = at;
      let value = 0;
      for (; at < limit && VALUES[bytes[at] ?? 0] !== 255; at++) {
        if (at - start === 4) return 0;
        value = value * 16 + (VALUES[bytes[at] ?? 0] ?? 0);
      }
      if (at === start) break;
      if (at < limit && KINDS[bytes[at] ?? 0] === DOT) {
        const tail = count <= 6 ? this.#quad(start, limit) : 0;
        if (tail > 0) {
          groups[count++] = this.#words[0] === undefined ? 0 : this.#words[0] >>> 16;
          groups[count++] = (this.#words[0] ?? 0) & 0xffff;
          form.dotted = true;
          at = tail;
          this.#groupEnds[count - 1] = at;
          break;
        }
      }
      if (count === 9) return 0;
      if (at - start !== 4) isFull = false;
      this.#groupEnds[count] = at;
      groups[count++] = value;
      if (at >= limit || KINDS[bytes[at] ?? 0] !== COLON) break;
      const next = at + 1 < limit ? (KINDS[bytes[at + 1] ?? 0] ?? OTHER) : OTHER;
      if (next === COLON) {
        if (gap >= 0) return 0;
        gap = count;
        at += 2;
        if (at < limit && KINDS[bytes[at] ?? 0] === COLON) return 0;
      } else if (next === DIGIT || next === HEX) at++;
      else break;
    }
    // Eight groups and a port.
    if (gap < 0 && count === 9) {
      if (!/^:\d{1,5}$/.test(bytes.toString('latin1', this.#groupEnds[7] ?? 0, at))) return 0;
      count = 8;
      at = this.#groupEnds[7] ?? 0;
    } else if (gap < 0 ? count !== 8 : count > 7) return 0;
    if (isWord(this.#kindAt(at)) || this.#kindAt(at) === UNDERSCORE) return 0;
    // `1001:1001::/home/…` is a line of passwd(5).
    if (KINDS[bytes[at - 1] ?? 0] === COLON && this.#isSlash(at) && this.#kindAt(at + 1) !== DIGIT) return 0;
    form.full = isFull && gap < 0 && !form.dotted;
    const words = this.#words;
    words.fill(0);
    for (let n = 0; n < count; n++) {
      const place = gap >= 0 && n >= gap ? n + 8 - count : n;
      words[place >>> 1] = (words[place >>> 1] ?? 0) | ((groups[n] ?? 0) << (place & 1 ? 0 : 16));
    }
    return at;
  }

  /** Four numbers, into the first word. Returns where they end; 0: they are something else. */
  #quad(from: number, limit: number): number {
    const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?!\d|\.\d)/.exec(
      this.#bytes.toString('latin1', from, Math.min(limit, from + 18)),
    );
    if (match === null) return 0;
    const octets = match.slice(1).map(Number);
    if (octets.some((octet) => octet > 255)) return 0;
    this.#words[0] = octets.reduce((address, octet) => address * 256 + octet, 0);
    return from + match[0].length;
  }

  #uuid(from: number): number {
    const written = this.#bytes.toString('latin1', from, Math.min(this.#end, from + 36));
    if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(written) || isWord(this.#kindAt(from + 36))) return 0;
    this.#tellUpTo(from);
    this.#found.id(written);
    this.#told = from + 36;
    return from + 36;
  }

  /** `ip-10-0-0-1`: as Amazon calls its machines. */
  #dashedAddress(from: number): number {
    const match = /^ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(?![\da-z_]|-\d)/i.exec(
      this.#bytes.toString('latin1', from, Math.min(this.#end, from + 20)),
    );
    const octets = match?.slice(1).map(Number);
    if (match === null || octets === undefined || octets.some((octet) => octet > 255)) return 0;
    const end = from + match[0].length;
    this.#tellUpTo(from + 3);
    this.#told = end;
    this.#found.ipv4(
      octets.reduce((address, octet) => address * 256 + octet, 0),
      'dashed',
      undefined,
    );
    return end;
  }
}
