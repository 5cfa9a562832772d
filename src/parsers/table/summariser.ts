/**
 * The connection table, aggregated while it streams by: no row is kept, so that ten million of them take no more memory than
 * ten thousand. Plain rows are counted by the scanner; other lines are read by row.ts and counted there too, in the scanner's form.
 */

import type { TableSummary, Tally } from '../../snapshot/types.ts';
import { foreignContent, isErrorText } from '../text.ts';
import type { RowFlag } from './entry.ts';
import { LineCutter, type Piece, type Shown } from './lines.ts';
import { printRow } from './print.ts';
import { parseTableRow } from './row.ts';
import { sortTallies, TableScanner } from './scanner.ts';
import { listsBothFamilies } from './tool-version.ts';

const TOP = 20;
const EXAMPLES = 10;
const EXAMPLE_LENGTH = 160;

/** Different helpers that are counted; kernels have a dozen. */
const MOST_HELPERS = 1000;

const LINE_END = Uint8Array.of(10);

/** What stands around the entries of `conntrack -L -o xml`. */
const XML_FRAME = /^(?:<\?xml [^>]*\?>|<\/?conntrack>)+$/;

/** What a shell, timeout(1) or `conntrack` itself writes when a listing comes to an end before the table does. */
const INTERRUPTED = /^timeout: sending signal |^(?:terminated|killed)$|\(conntrack-tools\): operation failed: /i;

/** Why of a table only its end is there. */
const TAIL = 'only the end of what the command printed was kept';

type Family = 'ipv4' | 'ipv6';

interface TableSummariserOptions {
  /** Logarithm of the most slots that a table of addresses may have, six tenths of which can be used; 17 unless told. */
  addressBits?: number;
}

/** Reads the files of one connection table, one after the other, into one summary. */
export class TableSummariser {
  readonly #scanner: TableScanner;
  readonly #files: string[] = [];
  readonly #families = new Set<Family>();
  readonly #helpers = new Map<string, number>();
  readonly #malformed: TableSummary['malformed'] = { count: 0, examples: [] };
  #expectations = 0;
  #shown: TableSummary['shown'];
  #toolVersion: string | undefined;
  #cut: string | undefined;
  #hasTail = false;
  /** Of the file at hand, the first lines that are no rows, and the one that says that there are no more. */
  #odd: string[] = [];
  #end: string | undefined;

  constructor({ addressBits }: TableSummariserOptions = {}) {
    this.#scanner = new TableScanner(addressBits);
  }

  /**
   * Reads one file to its end.
   *
   * An error of `chunks` (a gzip member that ends early) is passed on to the caller, and everything up to the last whole line
   * before it stays counted: {@link finish} then describes that part.
   *
   * @param file     path in the bundle
   * @param chunks   its bytes, in blocks of any size
   * @param families that the file covers: both for /proc/net/nf_conntrack, IPv4 for ip_conntrack; absent for what `conntrack -L` lists
   *   without `-f`: then its rows and the tool's version tell
   * @param options.isTail whether the file is the end of a longer one, so that its first line is not whole
   * @returns why the file is no table, if it is none: it is then as if it had not been read. Where the families are absent, an
   *   empty file is none: `conntrack` would have said that it listed nothing
   */
  async read(
    file: string,
    chunks: AsyncIterable<Uint8Array>,
    families?: readonly Family[],
    { isTail = false }: { isTail?: boolean } = {},
  ): Promise<string | undefined> {
    const before = this.#progress;
    this.#odd = [];
    this.#end = undefined;
    const shown: Shown[] = [];
    const others = new LineCutter({
      line: (line, whole, pieces) => {
        if (!isTail || line.number > 1) this.#addOther(file, line, whole, pieces);
      },
      shown: (summary) => shown.push(summary),
    });
    const push = (block: Uint8Array) => this.#scanner.push(block, (line, number) => others.push(line, number));
    let isBroken = true;
    let failure: string | undefined;
    if (isTail) this.#scanner.passFirstLine();
    try {
      for await (const chunk of chunks) push(chunk);
      // A last line without a line end is one all the same.
      push(LINE_END);
      others.end();
      isBroken = false;
    } finally {
      this.#scanner.endFile();
      const rows = this.#scanner.rows - before.rows;
      const isEmpty = rows === 0 && this.#expectations === before.expectations && shown.length === 0;
      if (!isBroken && isEmpty) failure = whyNone(this.#end, this.#odd, families === undefined);
      if (failure !== undefined) {
        this.#malformed.count = before.malformed;
        this.#malformed.examples.length = before.examples;
      } else {
        this.#files.push(file);
        this.#hasTail ||= isTail;
        this.#addShown(file, shown, rows);
        const ipv6 = this.#scanner.rowsIPv6 - before.rowsIPv6;
        for (const family of families ?? familiesOf(rows - ipv6, ipv6, shown[0]?.toolVersion))
          this.#families.add(family);
        if (shown.length === 0 && this.#end !== undefined) this.#cut ??= `the command ended early: “${this.#end}”`;
      }
    }
    return failure;
  }

  /** To be called where it is known only now that what was read is the end of a longer text, so that its first line is not whole. */
  noteTail(): void {
    this.#hasTail = true;
    if (this.#malformed.examples[0]?.line !== 1) return;
    this.#malformed.examples.shift();
    this.#malformed.count--;
  }

  /** Whether any file was a table. */
  get hasTable(): boolean {
    return this.#files.length > 0;
  }

  /** Families that they cover. */
  get families(): ReadonlySet<Family> {
    return this.#families;
  }

  /** Those that were. */
  get files(): readonly string[] {
    return this.#files;
  }

  get #progress() {
    const { rows, rowsIPv6 } = this.#scanner;
    const { count, examples } = this.#malformed;
    return { rows, rowsIPv6, expectations: this.#expectations, malformed: count, examples: examples.length };
  }

  /**
   * The summary of everything that was read. To be called once.
   *
   * @param cut why the end of the table is missing, if it is
   */
  finish(cut?: string): TableSummary {
    const counts = this.#scanner.finish();
    const { classes } = counts;
    const reasons = [this.#hasTail ? TAIL : undefined, cut ?? this.#cut].filter((reason) => reason !== undefined);
    return {
      files: [...this.#files],
      families: [...this.#families].sort(),
      entries: counts.rows,
      expectations: this.#expectations,
      malformed: { count: this.#malformed.count, examples: [...this.#malformed.examples] },
      cut: reasons.length > 0 ? reasons.join('; ') : undefined,
      part: this.#hasTail ? 'tail' : reasons.length > 0 ? 'head' : undefined,
      shown: this.#shown,
      toolVersion: this.#toolVersion,
      byFamily: talliesBy([
        ['ipv4', counts.rows - counts.rowsIPv6],
        ['ipv6', counts.rowsIPv6],
      ]),
      byProtocol: talliesBy(classes.map(({ protocol, entries }) => [protocol, entries])),
      byState: talliesBy(
        classes.flatMap(({ protocol, state, entries }) =>
          state === undefined ? [] : [[`${protocol} ${state}`, entries] as const],
        ),
      ),
      byFlag: talliesBy(classes.map(({ flag, entries }) => [flag, entries])),
      byClass: talliesBy(
        classes.map(({ protocol, state, flag, entries }) => [className(protocol, state, flag), entries]),
      ),
      byZone: firstOf(counts.zones, counts.rows),
      byMark: firstOf(counts.marks.top, counts.marks.rows),
      nat: counts.nat,
      accounted: counts.accountedRows,
      byHelper: talliesBy(this.#helpers).slice(0, TOP),
      traffic: counts.traffic,
      duplicates: counts.duplicates,
      timers: classes
        .map(({ entries: _, timers, shortTimers, ...each }) => ({
          key: className(each.protocol, each.state, each.flag),
          ...each,
          ...timers,
          shortTimers: { sums: shortTimers.seconds, entries: shortTimers.entries },
        }))
        .sort((a, b) => (a.key < b.key ? -1 : 1)),
      sources: counts.sources,
      destinations: counts.destinations,
      networks: counts.networks,
      pairs: counts.pairs,
      services: counts.services,
      natTargets: counts.natTargets,
      natAddresses: counts.natAddresses,
    };
  }

  /** A line that the scanner does not read: a row in another form, an expectation, blank, or not understood. */
  #addOther(file: string, line: Piece, whole: boolean, pieces: readonly Piece[]): void {
    if (whole && this.#addRow(line.text)) return;
    // What a summary line parts need not be one row: the next one may be missing.
    const rest = pieces.filter(({ text }) => !this.#addRow(text));
    for (const piece of rest.length < pieces.length ? rest : [line]) this.#addMalformed(file, piece);
  }

  /** Counts a line, if it is a row. */
  #addRow(line: string): boolean {
    const row = parseTableRow(line);
    if (row === undefined) return false;
    if (row === 'expectation') this.#expectations++;
    else {
      this.#scanner.count(printRow(row));
      if (row.helper !== undefined) this.#countHelper(row.helper);
    }
    return true;
  }

  /** What the tool said that it showed, beside the rows that were read of the same file. */
  #addShown(file: string, shown: readonly Shown[], rows: number): void {
    const [first] = shown;
    if (first === undefined) return;
    this.#toolVersion ??= ownCopy(first.toolVersion);
    this.#shown ??= { entries: 0, rows: 0, file, line: first.number };
    this.#shown.entries += shown.reduce((sum, { entries }) => sum + entries, 0);
    this.#shown.rows += rows;
  }

  #countHelper(helper: string): void {
    const key = this.#helpers.size < MOST_HELPERS || this.#helpers.has(helper) ? ownCopy(helper) : 'other';
    this.#helpers.set(key, (this.#helpers.get(key) ?? 0) + 1);
  }

  #addMalformed(file: string, { text: line, number }: Piece): void {
    const text = line.trim();
    if (text === '' || XML_FRAME.test(text)) return;
    if (INTERRUPTED.test(text)) {
      this.#end ??= ownCopy(quotable(text));
      return;
    }
    this.#malformed.count++;
    if (this.#odd.length < EXAMPLES) this.#odd.push(ownCopy(quotable(text)));
    if (this.#malformed.examples.length < EXAMPLES) {
      this.#malformed.examples.push({ file, line: number, text: ownCopy(quotable(line)) });
    }
  }
}

/** Why a file without a row is no table, if it is none: whatever else is in it, or nothing at all. */
function whyNone(end: string | undefined, lines: readonly string[], isToldIfEmpty: boolean): string | undefined {
  const error = lines.find(isErrorText) ?? end;
  if (error !== undefined) return `holds an error message: “${error}”`;
  const [first] = lines;
  if (first !== undefined) return foreignContent(first) ?? `holds no row of the table, but “${first}”`;
  return isToldIfEmpty ? 'is empty: neither a row nor how many there are' : undefined;
}

/** The families that a listing of no family in particular covers: those that are in it, and both where the tool lists both. */
function familiesOf(rowsIPv4: number, rowsIPv6: number, toolVersion: string | undefined): Family[] {
  if (toolVersion === undefined)
    return [...(rowsIPv4 > 0 ? ['ipv4' as const] : []), ...(rowsIPv6 > 0 ? ['ipv6' as const] : [])];
  return rowsIPv6 > 0 || listsBothFamilies(toolVersion) ? ['ipv4', 'ipv6'] : ['ipv4'];
}

/** How a class is called: `tcp ESTABLISHED ASSURED`, `udp no flag`. */
function className(protocol: string, state: string | undefined, flag: RowFlag): string {
  return state === undefined ? `${protocol} ${flag}` : `${protocol} ${state} ${flag}`;
}

/** Adds up what has the same key; keys without entries are left out. */
function talliesBy(counts: Iterable<readonly [string, number]>): Tally[] {
  const sums = new Map<string, number>();
  for (const [key, entries] of counts) if (entries > 0) sums.set(key, (sums.get(key) ?? 0) + entries);
  return sortTallies(Array.from(sums, ([key, entries]) => ({ key, entries })));
}

/** The largest, and last, where there are more, all others under `other`. */
function firstOf(tallies: readonly Tally[], entries: number): Tally[] {
  const top = tallies.slice(0, TOP);
  const other = entries - top.reduce((sum, tally) => sum + tally.entries, 0);
  return other === 0 ? top : [...top, { key: 'other', entries: other }];
}

/** A part of a string keeps the whole of it alive: what is stored must be its own. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** The start of a line that can be shown: bytes that are not printable ASCII become `\x00`. */
function quotable(line: string): string {
  return line
    .slice(0, EXAMPLE_LENGTH)
    .replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .slice(0, EXAMPLE_LENGTH);
}
