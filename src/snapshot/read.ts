/** Reads a bundle into a Snapshot: the table is summarised while it streams by, everything else is small and kept. */
import { createHash } from 'node:crypto';
import {
  type BundleEnd,
  BundleError,
  inputName,
  isReadError,
  type Member,
  readBundle,
  readStream,
} from '../bundle/bundle.ts';
import { type Part, Placer } from '../bundle/layouts/index.ts';
import { linesOfInterest } from '../bundle/layouts/logs.ts';
import { Budget, type Limits, limitOption } from '../bundle/limits.ts';
import { ARCHIVE, ENCRYPTED } from '../bundle/names.ts';
import type { SosManifest } from '../parsers/sos-manifest.ts';
import type { TableSummariser } from '../parsers/table/summariser.ts';
import type { TextFile } from './assemble.ts';
import type { NamespaceRows, Problem, Snapshot, TableSummary } from './types.ts';

/** The newest version of the bundle's format that this program knows; see src/bundle/README.md. */
export const FORMAT_VERSION = 1;

/** Where a table can be, and the address families that such a file covers, unless it has to tell itself. The best source comes first. */
const TABLES: { path: RegExp; familiesOf(path: string): ('ipv4' | 'ipv6')[] | undefined }[] = [
  { path: /^proc\/net\/nf_conntrack$/, familiesOf: () => ['ipv4', 'ipv6'] },
  {
    path: /^commands\/conntrack-L-(?:ipv4|ipv6)$/,
    familiesOf: (path) => [path.endsWith('6') ? 'ipv6' : 'ipv4'],
  },
  { path: /^commands\/conntrack-L$/, familiesOf: () => undefined },
  { path: /^proc\/net\/ip_conntrack$/, familiesOf: () => ['ipv4'] },
];

/** Versions of `conntrack` that list IPv4 only are run a second time for IPv6; those that list both repeat there what they have listed. */
const LISTING = 'commands/conntrack-L';
const IPV6_LISTING = 'commands/conntrack-L-ipv6';

/** The table of another network namespace, by its name. */
const NAMESPACE_TABLE = /^(tail\/)?netns\/([^/]+)\/commands\/conntrack-L$/;
/** So many of these are read row by row; of the others, of which a host can have hundreds, the lines are counted. */
const NAMESPACES_READ = 32;

/** In front of the path of a table of which only the end was kept. */
const TAIL = 'tail/';

/** What a path is as a source of the table, if it is one; the lowest rank is the best source. */
function tableAt(path: string) {
  const isTail = path.startsWith(TAIL);
  const name = isTail ? path.slice(TAIL.length) : path;
  const rank = TABLES.findIndex((table) => table.path.test(name));
  const families = TABLES[rank]?.familiesOf(name);
  return rank < 0 ? undefined : { rank: isTail ? rank + TABLES.length : rank, families, isTail };
}

/** Whether a file of this path, below the top folder, is a connection table. */
function isTablePath(path: string): boolean {
  return tableAt(path) !== undefined || NAMESPACE_TABLE.test(path);
}

/** Where in the archive of sos its manifest is. */
export const SOS_MANIFEST = 'sos_reports/manifest.json';

/** Says of the members of an archive which of them {@link readSnapshot} reads, and as what. */
export async function newPlacer(): Promise<Placer> {
  const { isKnownPath } = await import('./assemble.ts');
  return new Placer((path) => isKnownPath(path) || isTablePath(path) || path === SOS_MANIFEST);
}

/** A capture of an input, or why one that is in it cannot be read; `inner` is the archive in it that it is, unless it is the input itself. */
type Captured = { inner?: string; snapshot: Snapshot } | { inner: string; error: BundleError };

interface ReadOptions {
  /** What stands for standard input. */
  stdin?: AsyncIterable<Uint8Array>;
  /** Is told again and again how many bytes of the input were read, as far as that is known, and of the table that is being read. */
  onRead?: (packedBytes: number, tableBytes: number) => void;
  /** How much of the input is read; default: {@link DEFAULT_LIMITS}. */
  limits?: Limits | undefined;
}

/**
 * Reads the capture that an input is.
 *
 * @param input  path of an archive or a folder, or `-` for standard input
 * @throws {BundleError} if the input cannot be read as a capture at all, or holds several; anything less is listed in `problems`
 */
export async function readSnapshot(input: string, options: ReadOptions = {}): Promise<Snapshot> {
  const captured = await readCapture(input, options);
  if ('error' in captured) throw captured.error;
  return captured.snapshot;
}

/** The same, where the capture may be in another archive, and damaged. */
export async function readCapture(input: string, options: ReadOptions = {}): Promise<Captured> {
  const [first, ...others] = await readSnapshots(input, options);
  if (first === undefined || others.length > 0)
    throw new BundleError(`${inputName(input)} holds ${others.length + 1} captures. Expected one.`);
  return first;
}

/**
 * Reads an input: one capture, or an archive of archives with several, each called as the archive that it is.
 *
 * @param input  path of an archive or a folder, or `-` for standard input
 * @throws {BundleError} if there is no capture in it
 */
export async function readSnapshots(input: string, options: ReadOptions = {}): Promise<Captured[]> {
  const inner: Captured[] = [];
  const budget = new Budget(options.limits);
  const capture = new Capture(inputName(input), [], options, inner, budget);
  const end = await readBundle(input, (member) => capture.visit(member), options.stdin, budget);
  return capture.isEmpty && inner.length > 0 ? inner : [{ snapshot: await capture.finish(end) }, ...inner];
}

/** What must be another capture even where the archive, or the folder, that it is in is itself one. */
const SURELY_INNER = /(?:^|\/)(?:(?:secured-)?sosreport|scc_|nts_|insights-|conntrack-|eks_i-|must-gather)[^/]*$/;

/** One capture while its members come by. */
class Capture {
  readonly #name: string;
  readonly #options: ReadOptions;
  readonly #inner: Captured[];
  /** Archives that it is in, the outermost left out. */
  readonly #within: readonly string[];
  readonly #files = new Map<string, TextFile>();
  readonly #tables = new Map<number, TableSummariser>();
  readonly #cuts = new Map<number, string>();
  /** What lists IPv6, as long as it is not known whether another listing has that already. */
  #ipv6: Uint8Array[] | undefined;
  /** By their paths. */
  readonly #namespaceTables = new Map<
    string,
    { name: string; rows: NamespaceRows; whole?: NamespaceRows | undefined }
  >();
  readonly #problems: Problem[] = [];
  readonly #passedOver: Snapshot['passedOver'] = [];
  readonly #parsers = loadParsers();
  readonly #budget: Budget;
  #placer: Placer | undefined;
  #kept = 0;

  /**
   * @param name    how messages call it
   * @param within  archives that it is in, the outermost left out, and itself
   * @param inner   what it holds besides
   * @param budget  of the outermost
   */
  constructor(name: string, within: readonly string[], options: ReadOptions, inner: Captured[], budget: Budget) {
    this.#budget = budget;
    this.#name = name;
    this.#within = within;
    this.#options = options;
    this.#inner = inner;
  }

  /** Whether nothing in it meant anything so far. */
  get isEmpty(): boolean {
    return this.#files.size === 0;
  }

  #onRead(tableBytes: number): void {
    this.#options.onRead?.(this.#budget.packedBytes(), tableBytes);
  }

  async visit(member: Member): Promise<void> {
    this.#onRead(0);
    this.#placer ??= await newPlacer();
    let isOurs = false;
    for await (const part of this.#placer.partsOf(member)) {
      isOurs = true;
      await this.#take(part);
    }
    if (!isOurs && this.#isInner(member.path)) await this.#visitInner(member);
  }

  #isInner(path: string): boolean {
    if (!ARCHIVE.test(path) && !ENCRYPTED.test(path)) return false;
    return SURELY_INNER.test(path) || (this.isEmpty && this.#placer?.layout === 'tree');
  }

  async #visitInner({ path, content, file }: Member): Promise<void> {
    const name = `${this.#name}: ${path}`;
    const within = [...this.#within, path];
    const inner = within.join(': ');
    const { limits } = this.#budget;
    if (this.#inner.length > limits.captures) return;
    if (this.#inner.length === limits.captures) {
      const what = `is not read, nor what comes after it: there are more captures than ${limitOption(limits, 'captures')}.`;
      this.#inner.push({ inner, error: new BundleError(`${name} ${what}`) });
      return;
    }
    const capture = new Capture(name, within, this.#options, this.#inner, this.#budget);
    try {
      if (this.#within.length >= limits.nesting) {
        throw new BundleError(
          `${name} is not read: it lies deeper in archives than ${limitOption(limits, 'nesting')} allows.`,
        );
      }
      const end = await readStream(name, content, (member) => capture.visit(member), this.#budget, file);
      if (!capture.isEmpty) this.#inner.push({ inner, snapshot: await capture.finish(end) });
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      this.#inner.push({ inner, error });
    }
  }

  /** Reads what belongs to a path of our own bundle. */
  async #take({ place, file: from, linesBefore, bytes, content }: Part): Promise<void> {
    const { newSummariser } = await this.#parsers;
    const { path, rank = 0 } = place;
    const known = this.#files.get(path);
    if (known !== undefined && known.origin === undefined && from === path) {
      throw new BundleError(
        `${this.#name} holds ${path} twice. Expected one capture of one host; pack the captures one by one.`,
      );
    }
    if (known !== undefined && (known.rank ?? 0) <= rank) {
      this.#passedOver.push({ file: from, path });
      return;
    }
    const source = tableAt(path);
    const [namespace, tail, namespaceName = ''] = NAMESPACE_TABLE.exec(path) ?? [];
    // A table that was read stays read.
    if (known !== undefined && (source ?? namespace) !== undefined) return;
    if (known !== undefined) this.#passedOver.push({ file: known.origin?.file ?? path, path });
    const { limits } = this.#budget;
    const limit = Math.min(limits.file, limits.kept - this.#kept);
    const origin = path === from && linesBefore === 0 ? {} : { origin: { file: from, linesBefore } };
    try {
      let read: TextFile;
      if (source !== undefined) {
        read = { text: '', bytes: 0 };
        const blocks = sized(content, read, (bytes) => this.#onRead(bytes));
        const isOpen = path === IPV6_LISTING && !this.#tables.has(source.rank);
        const { held, all } = isOpen ? await heldUpTo(limit, blocks) : { held: undefined, all: blocks };
        this.#ipv6 ??= held;
        if (held === undefined) {
          const summariser = this.#tables.get(source.rank) ?? newSummariser();
          this.#tables.set(source.rank, summariser);
          await this.#readTable(summariser, path, all);
        } else this.#kept += read.bytes;
      } else if (namespace !== undefined) {
        read = { text: '', bytes: 0 };
        await this.#readNamespace(namespaceName, path, sized(content, read), tail !== undefined);
      } else {
        read = await readWhole(place.isLog ? linesOfInterest(content, limits) : content, limit);
        this.#kept += read.text.length;
      }
      if (read.bytes > limit && source === undefined && namespace === undefined) {
        this.#problems.push({
          file: path,
          what: `is larger than ${limit} bytes (${limitOption(limits, limit === limits.file ? 'file' : 'kept')})`,
          cost: 'Only its beginning was read.',
        });
      } else if (bytes !== undefined && read.bytes < bytes && !place.isLog) {
        if (source !== undefined)
          this.#cuts.set(source.rank, `the bundle holds only ${read.bytes} of its ${bytes} bytes`);
        // The first digits of a number are another number.
        read.text = read.text.slice(0, read.text.lastIndexOf('\n') + 1);
        this.#problems.push({
          file: path,
          what: `ends after ${read.bytes} of ${bytes} bytes`,
          cost: 'What came after that is missing.',
        });
      }
      this.#files.set(path, { ...read, ...origin, rank, ...(place.isFiltered && { isFiltered: true }) });
    } catch (error) {
      if (!isReadError(error)) throw error;
      this.#problems.push({ file: path, what: `cannot be read: ${error.message}`, cost: 'What it holds is missing.' });
    }
  }

  /** Counts the rows of the table of another namespace; of one that was cut, what the command says of them is what there is to know. */
  async #readNamespace(name: string, path: string, content: AsyncIterable<Uint8Array>, isTail: boolean): Promise<void> {
    const { countRowLines, newSummariser } = await this.#parsers;
    if (!isTail && this.#namespaceTables.size >= NAMESPACES_READ) {
      this.#namespaceTables.set(path, {
        name,
        rows: { value: await countRowLines(content), file: path, how: 'lines' },
      });
      return;
    }
    const summariser = newSummariser();
    const failure = await summariser.read(path, content, undefined, { isTail });
    const { entries, shown } = summariser.finish();
    if (failure !== undefined) {
      this.#problems.push({ file: path, what: failure, cost: 'How many entries this namespace has is not known.' });
      return;
    }
    const whole = shown && { value: shown.entries, file: shown.file, line: shown.line, how: 'shown' as const };
    this.#namespaceTables.set(path, { name, rows: { value: entries, file: path, how: 'rows' }, whole });
  }

  #namespaceRows(truncated: ReadonlySet<string>): Map<string, NamespaceRows> {
    const known = new Map<string, NamespaceRows>();
    for (const [path, { name, rows, whole }] of this.#namespaceTables) {
      const isPart = path.startsWith(TAIL) || truncated.has(this.#placeOf(path));
      const found = isPart ? whole : rows;
      if (found !== undefined && known.get(name)?.how !== 'rows') known.set(name, found);
      if (found === undefined) {
        const cost = 'How many entries this namespace has is not known from it.';
        this.#problems.push({ file: path, what: 'is only the end of what the command printed', cost });
      }
    }
    return known;
  }

  async #readTable(summariser: TableSummariser, path: string, blocks: AsyncIterable<Uint8Array>): Promise<void> {
    const { families, isTail = false } = tableAt(path) ?? {};
    const failure = await summariser.read(path, blocks, families, { isTail });
    if (failure === undefined) return;
    this.#problems.push({ file: path, what: failure, cost: 'The table that it should hold is missing.' });
  }

  /** Adds what lists IPv6 to a listing that has none of it; otherwise it is a listing of its own. */
  async #readIpv6(): Promise<void> {
    const blocks = this.#ipv6;
    const [own, other] = [IPV6_LISTING, LISTING].map((path) => tableAt(path)?.rank ?? 0);
    if (blocks === undefined || own === undefined || other === undefined) return;
    const listing = this.#tables.get(other);
    const isMissing = listing?.hasTable === true && !listing.families.has('ipv6');
    const { newSummariser } = await this.#parsers;
    const summariser = isMissing ? listing : newSummariser();
    this.#tables.set(isMissing ? other : own, summariser);
    const cut = this.#cuts.get(own);
    if (isMissing && cut !== undefined) this.#cuts.set(other, cut);
    await this.#readTable(summariser, IPV6_LISTING, inTurn(blocks));
  }

  /** @throws {BundleError} if there was nothing in it, or more than one host */
  async finish(end: BundleEnd): Promise<Snapshot> {
    if (this.isEmpty) {
      const damage = end.damage === undefined ? '' : ` (${end.damage})`;
      throw new BundleError(
        `${this.#name} is no bundle${damage}: it holds neither manifest.csv nor any file such as proc/slabinfo or ` +
          'proc/sys/net/netfilter/nf_conntrack_count. Expected what collect.sh wrote, or what another collector did.',
      );
    }
    if (end.damage !== undefined) {
      this.#problems.unshift({
        file: this.#name,
        what: end.damage,
        cost: 'Everything before the damage was read; what came after it is missing.',
      });
    }
    const { assembleSnapshot, parseManifest } = await this.#parsers;
    const sos = await this.#sosManifest();
    await this.#readIpv6();
    const truncated = sos?.truncated ?? new Set<string>();
    const [table, ...otherTables] = this.#finishedTables(truncated);
    const snapshot = assembleSnapshot(this.#files, table, this.#problems, this.#namespaceRows(truncated));
    const inName = snapshot.host.capturedAt ? undefined : this.#placer?.timeIn(this.#name);
    if (inName !== undefined) snapshot.host.capturedAt = { value: inName, file: baseName(this.#name) };
    const named = parseManifest(this.#files.get('manifest.csv')?.text ?? '', 'manifest.csv').value?.get('hostname');
    refuseMixture(this.#name, named, snapshot);
    const { formatVersion } = snapshot.bundle;
    if (formatVersion !== undefined && formatVersion > FORMAT_VERSION) {
      throw new BundleError(
        `${this.#name} has format version ${formatVersion}; this program reads up to ${FORMAT_VERSION}. ` +
          'Expected an older bundle, or install a newer conntrack-report.',
      );
    }
    const origins = Object.fromEntries(
      [...this.#files].flatMap(([path, { origin }]) => (origin === undefined ? [] : [[path, origin] as const])),
    );
    return {
      ...snapshot,
      bundle: {
        ...snapshot.bundle,
        layout: this.#placer?.layout ?? 'tree',
        name: baseName(this.#name),
        sha256: end.sha256,
        bytes: end.bytes,
      },
      origins,
      otherTables: otherTables.map(({ files, families, entries, byFamily, cut, shown }) => ({
        files,
        families,
        entries,
        byFamily,
        cut,
        shown,
      })),
      times: Object.fromEntries(
        [...this.#files.keys()].flatMap((path) => {
          const place = this.#placeOf(path);
          // sos names what it asked for, which is a link to the files of its own process.
          const span = sos?.times.get(place) ?? sos?.times.get(place.replace(/^proc\/\d+\/net\//, 'proc/net/'));
          return span === undefined ? [] : [[path, span] as const];
        }),
      ),
      truncated: [...this.#files.keys()].filter(
        (path) => isTablePath(path) && !path.startsWith(TAIL) && truncated.has(this.#placeOf(path)),
      ),
      passedOver: this.#passedOver,
    };
  }

  /** Where in the archive it is that a path stands for. */
  #placeOf(path: string): string {
    return this.#files.get(path)?.origin?.file ?? path;
  }

  async #sosManifest(): Promise<SosManifest | undefined> {
    const text = this.#files.get(SOS_MANIFEST)?.text;
    if (text === undefined || this.#placer?.layout !== 'sosreport') return undefined;
    const { parseSosManifest } = await import('../parsers/sos-manifest.ts');
    const { value, problems } = parseSosManifest(text, SOS_MANIFEST);
    this.#problems.push(...problems);
    return value;
  }

  /** The tables, the best one first: those that are whole, by their place or by what sos says of them, then those of both families. */
  #finishedTables(truncated: ReadonlySet<string>): TableSummary[] {
    return [...this.#tables]
      .filter(([, summariser]) => summariser.hasTable)
      .map(([rank, summariser]) => {
        if (summariser.files.some((path) => truncated.has(this.#placeOf(path)))) summariser.noteTail();
        const table = summariser.finish(this.#cuts.get(rank));
        return { missing: table.part === 'tail' ? 2 : 2 - table.families.length, rank, table };
      })
      .sort((one, other) => one.missing - other.missing || one.rank - other.rank)
      .map(({ table }) => table);
  }
}

async function loadParsers() {
  const [{ assembleSnapshot }, { countRowLines }, { TableSummariser }, { parseManifest }] = await Promise.all([
    import('./assemble.ts'),
    import('../parsers/table/count.ts'),
    import('../parsers/table/summariser.ts'),
    import('../parsers/bundle-csv.ts'),
  ]);
  // One is made now: nearly every bundle has a table.
  let ready: TableSummariser | undefined = new TableSummariser();
  const newSummariser = () => {
    const summariser = ready ?? new TableSummariser();
    ready = undefined;
    return summariser;
  };
  return { assembleSnapshot, countRowLines, parseManifest, newSummariser };
}

/**
 * Two captures unpacked into one folder overwrite each other's files: what is left describes no machine at all.
 *
 * @param named the host that the manifest is of
 */
function refuseMixture(name: string, named: string | undefined, snapshot: Snapshot): void {
  const { hostname } = snapshot.host;
  // collect.sh writes the name as it stands in the bundle's own name.
  const inName = hostname?.value
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 60);
  if (named && hostname && inName !== named) {
    throw new BundleError(
      `${name} mixes files of two hosts: manifest.csv is of ${named}, ${hostname.file} of ${hostname.value}. ` +
        'Expected one capture of one host; unpack each bundle into a folder of its own, or name the archives.',
    );
  }
}

/** The name that a report shows: reports are read where the folder of the input means nothing. */
function baseName(name: string): string {
  return (
    name
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .pop() ?? name
  );
}

/** Passes blocks on, and adds up their bytes. */
async function* sized(
  content: AsyncIterable<Uint8Array>,
  read: { bytes: number },
  onBytes?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    read.bytes += chunk.length;
    onBytes?.(read.bytes);
    yield chunk;
  }
}

/** What is up to so many bytes, in memory of its own, or, of what is more, all of it; `all` is to be used up where nothing is held. */
async function heldUpTo(limit: number, blocks: AsyncIterable<Uint8Array>) {
  const rest = blocks[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= limit) {
    const next = await rest.next();
    if (next.done) return { held, all: inTurn(held) };
    held.push(Uint8Array.from(next.value));
    bytes += next.value.length;
  }
  async function* all() {
    yield* held;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  }
  return { held: undefined, all: all() };
}

async function* inTurn(blocks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* blocks;
}

async function readWhole(content: AsyncIterable<Uint8Array>, limit: number) {
  const chunks: Uint8Array[] = [];
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of content) {
    hash.update(chunk);
    if (bytes < limit) chunks.push(Buffer.from(chunk.subarray(0, limit - bytes)));
    bytes += chunk.length;
  }
  return { text: Buffer.concat(chunks).toString('utf8'), bytes, sha256: hash.digest('hex') };
}
