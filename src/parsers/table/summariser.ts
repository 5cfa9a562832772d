/**
 * The connection table, aggregated while it streams by: no row is kept, so that ten million of them take no more memory than
 * ten thousand. Plain rows are counted by the scanner; other lines are read by row.ts and counted there too, in the scanner's form.
 */

import type { TableSummary, Tally } from '../../snapshot/types.ts';
import type { RowFlag } from './entry.ts';
import { LineCutter, type Piece, type Shown } from './lines.ts';
import { printRow } from './print.ts';
import { parseTableRow } from './row.ts';
import { sortTallies, TableScanner } from './scanner.ts';

const TOP = 20;
const EXAMPLES = 10;
const EXAMPLE_LENGTH = 160;

/** Different helpers that are counted; kernels have a dozen. */
const MOST_HELPERS = 1000;

const LINE_END = Uint8Array.of(10);

/** What stands around the entries of `conntrack -L -o xml`. */
const XML_FRAME = /^(?:<\?xml [^>]*\?>|<\/?conntrack>)+$/;

interface TableSummariserOptions {
  /** Logarithm of the most slots that a table of addresses may have, six tenths of which can be used; 17 unless told. */
  addressBits?: number;
}

/** Reads the files of one connection table, one after the other, into one summary. */
export class TableSummariser {
  readonly #scanner: TableScanner;
  readonly #files: string[] = [];
  readonly #families = new Set<'ipv4' | 'ipv6'>();
  readonly #helpers = new Map<string, number>();
  readonly #malformed: TableSummary['malformed'] = { count: 0, examples: [] };
  #expectations = 0;
  #shown: TableSummary['shown'];
  #toolVersion: string | undefined;

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
   * @param families that the file covers: both for /proc/net/nf_conntrack, IPv4 for ip_conntrack
   */
  async read(file: string, chunks: AsyncIterable<Uint8Array>, families: ('ipv4' | 'ipv6')[]): Promise<void> {
    this.#files.push(file);
    for (const family of families) this.#families.add(family);
    const before = this.#scanner.rows;
    const shown: Shown[] = [];
    const others = new LineCutter({
      line: (line, whole, pieces) => this.#addOther(file, line, whole, pieces),
      shown: (summary) => shown.push(summary),
    });
    const push = (block: Uint8Array) => this.#scanner.push(block, (line, number) => others.push(line, number));
    try {
      for await (const chunk of chunks) push(chunk);
      // A last line without a line end is one all the same.
      push(LINE_END);
      others.end();
    } finally {
      this.#addShown(file, shown, this.#scanner.rows - before);
      this.#scanner.endFile();
    }
  }

  /**
   * The summary of everything that was read. To be called once.
   *
   * @param cut why the table is not whole, if it is not
   */
  finish(cut?: string): TableSummary {
    const counts = this.#scanner.finish();
    const { classes } = counts;
    return {
      files: [...this.#files],
      families: [...this.#families].sort(),
      entries: counts.rows,
      expectations: this.#expectations,
      malformed: { count: this.#malformed.count, examples: [...this.#malformed.examples] },
      cut,
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
    this.#malformed.count++;
    if (this.#malformed.examples.length < EXAMPLES) {
      this.#malformed.examples.push({ file, line: number, text: ownCopy(quotable(line)) });
    }
  }
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
