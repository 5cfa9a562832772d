/**
 * Looks in a bundle for what is left of its original: addresses, compared as numbers whatever their spelling, hardware addresses, ids, and
 * names. Addresses that every pseudonym leaves as they are ({@link isFixed4}, {@link isWholeBlock4}) are none of it.
 *
 * A pseudonym may happen to be another address of the original: of a million public addresses some hundred are. So an address is left
 * unless the original has the same line in the same place, with other addresses, and another one there.
 */
import { type Member, readBundle } from '../bundle/bundle.ts';
import { Budget, DEFAULT_LIMITS, type Limits } from '../bundle/limits.ts';
import { isOpaque } from './archive.ts';
import { holdsIpv4, isFixed4, isFixed6, isWholeBlock4, isWholeBlock6 } from './blocks.ts';
import { type Name, NameIndex } from './names.ts';
import { writtenIpv6 } from './rewriter.ts';
import { type Form4, type Form6, type Found, Scanner } from './scanner.ts';
import { survey } from './survey.ts';
import { WordSet } from './word-set.ts';

/** Different addresses of each family that are looked for: 48 MiB of IPv4, and 192 MiB of IPv6 while the set grows. */
const MOST_ADDRESSES = 1 << 22;
/** Different hardware addresses and ids: some 100 MB. */
const MOST_WORDS = 1 << 20;
/** Addresses that could be chance and are compared with their lines. */
const MOST_DOUBTS = 1 << 17;
/** Leaks that are named; the others are counted. */
const NAMED = 20;

/** Something of the original that is left. */
interface Leak {
  path: string;
  /** From 1; 0: in the name of the file. */
  line: number;
  kind: 'address' | 'hardware address' | 'id' | Name['kind'];
  text: string;
}

/** What was looked for, and found. */
export interface Leaks {
  leaks: Leak[];
  count: number;
  addresses: number;
  hardwareAddresses: number;
  ids: number;
  names: number;
  /** Places where a pseudonym is an address of the original, by chance. */
  chance: number;
  /** Members of the bundle that are no text. */
  opaque: string[];
  /** More was in the original than could be kept: it was not looked for. */
  isIncomplete: boolean;
}

/**
 * Reads the original, the bundle, and the original once more where an address is in doubt.
 *
 * @throws {BundleError} if one of them cannot be read as a bundle
 */
export async function findLeaks(bundle: string, original: string, limits = DEFAULT_LIMITS): Promise<Leaks> {
  const [known, own] = [await survey(original, limits), await survey(bundle, limits)];
  const traces = new Traces(known.names);
  await readMembers(original, limits, (scanned) => scanned.open(traces, undefined));
  const names = new NameIndex();
  names.addAll(known.names);
  names.addAll(own.names);
  const search = new Search(traces);
  const opaque: string[] = [];
  let top: string | undefined;
  await readMembers(
    bundle,
    limits,
    (scanned, path, name) => {
      // The top folder is looked at once.
      const above = name.slice(0, name.length - path.length);
      search.begin(path, 0);
      for (const part of above === top ? [path] : [above, path]) {
        const inName = new Scanner(search, names);
        inName.push(Buffer.from(part));
        inName.finish();
      }
      top = above;
      search.begin(path, 1);
      scanned.open(search, names);
    },
    opaque,
  );
  search.endLine();
  await settle(original, limits, names, search);
  return {
    leaks: search.leaks,
    count: search.count,
    addresses: traces.ipv4s.size + traces.ipv6s.size,
    hardwareAddresses: traces.macs.size,
    ids: traces.ids.size,
    names: [...known.names].filter(({ kind }) => kind !== 'release').length,
    chance: search.chance,
    opaque,
    isIncomplete: traces.isFull,
  };
}

/** Lets a member be scanned. */
interface Scanned {
  open(found: Found, names: NameIndex | undefined): void;
}

/** Goes through the members that are text; `begin` opens those that are to be scanned. */
async function readMembers(
  input: string,
  limits: Limits,
  begin: (scanned: Scanned, path: string, name: string) => void,
  opaque: string[] = [],
): Promise<void> {
  const visit = async ({ path, name, content }: Member) => {
    let scanner: Scanner | undefined;
    begin(
      {
        open: (found, names) => {
          scanner = new Scanner(found, names);
        },
      },
      path,
      name,
    );
    let isFirst = true;
    for await (const block of content) {
      // What is no text is scanned as well: it may have some in it.
      if (isOpaque(block, isFirst) && opaque.at(-1) !== path) opaque.push(path);
      isFirst = false;
      scanner?.push(block);
    }
    scanner?.finish();
  };
  await readBundle(input, visit, undefined, new Budget(limits));
}

/** An address as a number, or several: in a form that does not depend on how it was written. */
function normal4(words: Uint32Array): number | undefined {
  return holdsIpv4(words) ? words[3] : undefined;
}

/** What an original says. */
class Traces implements Found {
  readonly ipv4s = new WordSet(1, MOST_ADDRESSES);
  readonly ipv6s = new WordSet(4, MOST_ADDRESSES);
  readonly macs = new Set<string>();
  readonly ids = new Set<string>();
  readonly names: NameIndex;
  readonly #one = new Uint32Array(1);
  #wordsAreFull = false;

  constructor(names: NameIndex) {
    this.names = names;
  }

  get isFull(): boolean {
    return this.ipv4s.isFull || this.ipv6s.isFull || this.#wordsAreFull;
  }

  text(): void {}

  ipv4(address: number, _form: Form4, length: number | undefined): void {
    if (isFixed4(address) || isWholeBlock4(address, length)) return;
    this.#one[0] = address;
    this.ipv4s.add(this.#one);
  }

  ipv6(words: Uint32Array, _form: Form6, length: number | undefined): void {
    const inside = normal4(words);
    if (inside !== undefined) this.ipv4(inside, 'plain', undefined);
    else if (!isFixed6(words) && !isWholeBlock6(words, length)) this.ipv6s.add(words);
  }

  hasIpv4(address: number, length: number | undefined): boolean {
    if (isFixed4(address) || isWholeBlock4(address, length)) return false;
    this.#one[0] = address;
    return this.ipv4s.has(this.#one);
  }

  hasIpv6(words: Uint32Array, length: number | undefined): boolean {
    return !isFixed6(words) && !isWholeBlock6(words, length) && this.ipv6s.has(words);
  }

  mac(octets: Uint8Array): void {
    if (!isNobodys(octets)) this.#keep(this.macs, Buffer.from(octets).toString('hex'));
  }

  id(id: string): void {
    const digits = digitsOf(id);
    if (!/^(?:0+|f+)$/.test(digits)) this.#keep(this.ids, digits);
  }

  name(): void {}

  #keep(set: Set<string>, text: string): void {
    if (set.size < MOST_WORDS) set.add(text);
    else if (!set.has(text)) this.#wordsAreFull = true;
  }
}

const digitsOf = (id: string) => id.replaceAll('-', '').toLowerCase();
const isNobodys = (octets: Uint8Array) =>
  octets.every((octet) => octet === octets[0] && (octet === 0 || octet === 0xff));

/** What a line is like without its addresses and names, and which addresses are in it. */
class Line {
  #hash = 0;
  readonly addresses: string[] = [];

  clear(): void {
    this.#hash = 0;
    this.addresses.length = 0;
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    let hash = this.#hash;
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 0x01000193) ^ (bytes[at] ?? 0)) | 0;
    this.#hash = hash;
  }

  /** Something that is another one in the other bundle. */
  addOther(): void {
    this.#hash = Math.imul(this.#hash, 0x01000193) ^ 0x1ff;
  }

  get hash(): number {
    return this.#hash;
  }
}

/** An address of the original in the bundle, until its line is known. */
interface Doubt {
  leak: Leak;
  /** Which of its line's addresses. */
  place: number;
  hash: number;
}

/** Cuts what is found into lines. */
abstract class Lines implements Found {
  protected readonly current = new Line();
  protected path = '';
  protected line = 1;

  begin(path: string, line: number): void {
    this.endLine();
    this.path = path;
    this.line = line;
  }

  /** The line is known. */
  abstract endLine(): void;
  protected abstract address(text: () => string, isKnown: boolean): void;
  protected abstract isKnown4(address: number, length: number | undefined): boolean;
  protected abstract isKnown6(words: Uint32Array, length: number | undefined): boolean;

  text(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; ) {
      const end = bytes.indexOf(0x0a, at);
      const until = end < 0 || end >= to ? to : end;
      this.current.add(bytes, at, until);
      at = until;
      if (until === to) return;
      this.endLine();
      this.line++;
      at++;
    }
  }

  ipv4(address: number, _form: Form4, length: number | undefined): void {
    this.current.addOther();
    this.address(() => writtenIpv4(address), this.isKnown4(address, length));
  }

  ipv6(words: Uint32Array, _form: Form6, length: number | undefined): void {
    const inside = normal4(words);
    if (inside !== undefined) {
      this.ipv4(inside, 'plain', undefined);
      return;
    }
    this.current.addOther();
    const copy = Uint32Array.from(words);
    this.address(() => writtenIpv6(copy, { upper: false, full: false, dotted: false }), this.isKnown6(words, length));
  }

  mac(_octets: Uint8Array): void {
    this.current.addOther();
  }

  id(_id: string): void {
    this.current.addOther();
  }

  name(_name: Name, _written: string): void {
    this.current.addOther();
  }
}

/** Looks for traces in a bundle. */
class Search extends Lines {
  readonly leaks: Leak[] = [];
  count = 0;
  chance = 0;
  readonly doubts = new Map<string, Doubt[]>();
  #doubtful = 0;
  #place = 0;
  readonly #ofLine: Doubt[] = [];
  readonly #traces: Traces;

  constructor(traces: Traces) {
    super();
    this.#traces = traces;
  }

  leak(leak: Leak): void {
    this.count++;
    if (this.leaks.length < NAMED) this.leaks.push(leak);
  }

  endLine(): void {
    for (const doubt of this.#ofLine) {
      doubt.hash = this.current.hash;
      const { path } = doubt.leak;
      const doubts = this.doubts.get(path) ?? [];
      doubts.push(doubt);
      this.doubts.set(path, doubts);
    }
    this.#ofLine.length = 0;
    this.#place = 0;
    this.current.clear();
  }

  protected isKnown4(address: number, length: number | undefined): boolean {
    return this.#traces.hasIpv4(address, length);
  }

  protected isKnown6(words: Uint32Array, length: number | undefined): boolean {
    return this.#traces.hasIpv6(words, length);
  }

  protected address(text: () => string, isKnown: boolean): void {
    const place = this.#place++;
    if (!isKnown) return;
    const leak: Leak = { path: this.path, line: this.line, kind: 'address', text: text() };
    if (this.line === 0 || this.#doubtful >= MOST_DOUBTS) this.leak(leak);
    else {
      this.#doubtful++;
      this.#ofLine.push({ leak, place, hash: 0 });
    }
  }

  override mac(octets: Uint8Array): void {
    super.mac(octets);
    const digits = Buffer.from(octets).toString('hex');
    if (this.#traces.macs.has(digits)) this.#found('hardware address', digits.replace(/..(?=.)/g, '$&:'));
  }

  override id(id: string): void {
    super.id(id);
    if (this.#traces.ids.has(digitsOf(id))) this.#found('id', id);
  }

  override name(name: Name, written: string): void {
    super.name(name, written);
    if (name.kind === 'release') return;
    // A host that is not known was found by its domain.
    const isOriginal = this.#traces.names.has(name.name) || hasDomainOf(name.name, this.#traces.names);
    if (isOriginal) this.#found(name.kind, written);
  }

  #found(kind: Leak['kind'], text: string): void {
    this.leak({ path: this.path, line: this.line, kind, text });
  }
}

function hasDomainOf(name: string, names: NameIndex): boolean {
  const labels = name.split('.');
  return labels.some((_, at) => at > 0 && names.has(labels.slice(at).join('.')));
}

/** Looks at the lines of the original that addresses in doubt would be on. */
class Settlement extends Lines {
  #left: Doubt[] = [];
  readonly #search: Search;

  constructor(search: Search) {
    super();
    this.#search = search;
  }

  override begin(path: string, line: number): void {
    super.begin(path, line);
    this.#left = (this.#search.doubts.get(path) ?? []).reverse();
    this.#search.doubts.delete(path);
  }

  endLine(): void {
    for (let doubt = this.#left.at(-1); doubt?.leak.line === this.line; doubt = this.#left.at(-1)) {
      this.#left.pop();
      const there = this.current.addresses[doubt.place];
      const isChance = doubt.hash === this.current.hash && there !== undefined && there !== doubt.leak.text;
      if (isChance) this.#search.chance++;
      else this.#search.leak(doubt.leak);
    }
    this.current.clear();
  }

  /** The original is shorter than the bundle. */
  endMember(): void {
    this.endLine();
    for (const { leak } of this.#left.reverse()) this.#search.leak(leak);
    this.#left = [];
  }

  protected isKnown4(): boolean {
    return this.#left.at(-1)?.leak.line === this.line;
  }

  protected isKnown6(): boolean {
    return this.isKnown4();
  }

  protected address(text: () => string, isWanted: boolean): void {
    if (isWanted) this.current.addresses.push(text());
  }
}

async function settle(original: string, limits: Limits, names: NameIndex, search: Search): Promise<void> {
  if (search.doubts.size > 0) {
    const settlement = new Settlement(search);
    await readMembers(original, limits, (scanned, path) => {
      settlement.endMember();
      if (!search.doubts.has(path)) return;
      settlement.begin(path, 1);
      scanned.open(settlement, names);
    });
    settlement.endMember();
  }
  // The original has no such file.
  for (const doubts of search.doubts.values()) for (const { leak } of doubts) search.leak(leak);
}

const writtenIpv4 = (address: number) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
