/** The names that a capture says, and where they are in its texts. */
import type { NameKind } from './pseudonyms.ts';
import { canonicalName, isOrdinary, isOrdinaryDomain } from './words.ts';

/** A name to be found. */
export interface Name {
  kind: NameKind;
  name: string;
}

/** Names of one capture, at most: a central log has thousands of hosts. */
const MOST_NAMES = 20_000;
/** RFC 1035 has 255 bytes. */
const LONGEST_NAME = 255;

/** Lower case, by byte; 0 for what stands in no name. */
const LOWER = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const char = String.fromCharCode(byte);
  if (/[A-Za-z\d._-]/.test(char)) LOWER[byte] = char.toLowerCase().charCodeAt(0);
}
const DOT = 0x2e;

const isAlphanumeric = (byte: number) => byte !== 0 && byte !== DOT && byte !== 0x2d && byte !== 0x5f;

/** Finds names in bytes, in whatever case, between bytes that are neither letters nor digits. */
export class NameIndex {
  /** Names that were said, and cannot be told from other words. */
  readonly passedOver = new Set<string>();
  readonly #names = new Map<string, Name>();
  /** Which first two bytes a name has. */
  readonly #starts = new Uint8Array(1 << 16);
  /** Which lengths there are. */
  readonly #lengths = new Uint8Array(LONGEST_NAME + 1);
  #longest = 0;
  hasDomains = false;

  /** All names, in the order in which they were said. */
  [Symbol.iterator](): IterableIterator<Name> {
    return this.#names.values();
  }

  /** Whether a name is known. */
  has(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  /** Adds all names of another index. */
  addAll(others: NameIndex): void {
    for (const { kind, name } of others) this.#add(kind, name);
    this.hasDomains ||= others.hasDomains;
  }

  /** Adds a host, with its domain; what is no name is left out. */
  addHost(written: string): void {
    const name = written.replace(/\.+$/, '');
    if (!/^[A-Za-z\d][A-Za-z\d._-]*$/.test(name) || name.length > LONGEST_NAME || /^[\d.]+$/.test(name)) {
      if (name !== '' && name.length <= LONGEST_NAME && !/^[\d.:]+$|^\(none\)$/.test(name)) this.passedOver.add(name);
      return;
    }
    const [label = '', ...domain] = name.split('.');
    if (domain.length > 0 && !isOrdinary(name)) this.#add('host', name);
    if (isOrdinary(label)) {
      if (!/^localhost/i.test(label)) this.passedOver.add(label);
    } else this.#add('host', label);
    this.addDomain(domain.join('.'));
  }

  /** Adds a domain of two labels or more, and those that it is in. */
  addDomain(written: string): void {
    const labels = written
      .toLowerCase()
      .replace(/^\.+|\.+$/g, '')
      .split('.');
    for (let at = 0; at < labels.length - 1; at++) {
      const domain = labels.slice(at).join('.');
      if (isOrdinaryDomain(domain) || !/^[a-z\d][a-z\d._-]*$/.test(domain) || /^[\d.]+$/.test(domain)) return;
      // What everybody's domains end with (`co.uk`) is nobody's name.
      if (at > 0 && domain.length < 7) return;
      this.#add('domain', domain);
      this.hasDomains = true;
    }
  }

  addUser(name: string): void {
    if (isOrdinary(name) || !/^[A-Za-z\d][\w.-]*$/.test(name)) return;
    this.#add('user', name);
  }

  /** Adds an id of 64 hexadecimal digits: such as stands for itself is found without. */
  addId(id: string): void {
    if (/^[\da-f]{64}$/i.test(id)) this.#add('id', id);
  }

  /** Adds the release of a kernel where it begins like an address: `2.6.16.60-0.21-smp`. */
  addRelease(release: string): void {
    if (/^\d+\.\d+\.\d+\.\d+(?!\d|\.\d)/.test(release)) this.#add('release', release);
  }

  #add(kind: NameKind, name: string): void {
    const key = name.toLowerCase();
    if (this.#names.has(key) || this.#names.size >= MOST_NAMES || key.length < 2 || key.length > LONGEST_NAME) return;
    this.#names.set(key, { kind, name: kind === 'id' || kind === 'release' ? name : key });
    this.#starts[(key.charCodeAt(0) << 8) | key.charCodeAt(1)] = 1;
    this.#lengths[key.length] = 1;
    this.#longest = Math.max(this.#longest, key.length);
    // A name that the collector wrote into the name of the bundle may look another way there.
    const canonical = canonicalName(name);
    if (kind === 'host' && canonical !== key) this.#add(kind, canonical);
  }

  /** The longest name that begins at a place. */
  match(bytes: Buffer, from: number, end: number): { name: Name; end: number } | undefined {
    const first = LOWER[bytes[from] ?? 0] ?? 0;
    const second = from + 1 < end ? (LOWER[bytes[from + 1] ?? 0] ?? 0) : 0;
    if (this.#starts[(first << 8) | second] === 0) return undefined;
    // One byte more tells where the last one ends.
    const limit = this.#runEnd(bytes, from, Math.min(end, from + this.#longest + 1));
    const written = bytes.toString('latin1', from, limit).toLowerCase();
    for (let at = Math.min(limit, from + this.#longest); at > from + 1; at--) {
      if (this.#lengths[at - from] === 0) continue;
      if (at < limit && isAlphanumeric(LOWER[bytes[at] ?? 0] ?? 0)) continue;
      const name = this.#names.get(written.slice(0, at - from));
      if (name !== undefined) return { name, end: at };
    }
    return undefined;
  }

  /** A host that is not known, of a domain that is, in a row of labels that begins at a place. */
  matchHost(bytes: Buffer, from: number, end: number): { name: Name; end: number } | undefined {
    const limit = this.#runEnd(bytes, from, end);
    for (let at = from; at < limit; at++) {
      if (at > from && !isAlphanumeric(LOWER[bytes[at - 1] ?? 0] ?? 0)) {
        const known = this.match(bytes, at, end);
        if (known?.name.kind === 'domain' && bytes[at - 1] === DOT) {
          return {
            name: { kind: 'host', name: bytes.toString('latin1', from, known.end).toLowerCase() },
            end: known.end,
          };
        }
        // What is known by itself is replaced by itself.
        if (known !== undefined) return undefined;
      }
    }
    return undefined;
  }

  #runEnd(bytes: Buffer, from: number, end: number): number {
    const most = Math.min(end, from + LONGEST_NAME);
    let at = from;
    while (at < most && LOWER[bytes[at] ?? 0] !== 0) at++;
    return at;
  }
}
