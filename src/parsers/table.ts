/**
 * The connection table, aggregated while it streams by: no row is kept, so that ten million of them take no more memory than
 * ten thousand. What prints it, in which forms, is in table-row.ts.
 */

import type { TableSummary, Tally } from '../snapshot/types.ts';
import { networkOf } from './table-address.ts';
import { DuplicateFinder } from './table-duplicates.ts';
import type { RowFlag, TableRow, Tuple } from './table-entry.ts';
import { LineCutter } from './table-lines.ts';
import { translationOf } from './table-nat.ts';
import { parseTableRow } from './table-row.ts';
import { ServiceTally, serviceOf } from './table-services.ts';
import { BoundedTally, ownCopy, sortTallies } from './table-tally.ts';
import { TimerTally, timerBudget } from './table-timers.ts';

const TOP = 20;
const EXAMPLES = 10;
const EXAMPLE_LENGTH = 160;

const FLAGS: readonly RowFlag[] = ['no flag', 'UNREPLIED', 'ASSURED', 'OFFLOAD', 'HW_OFFLOAD'];

/** Protocols, states and flags that are counted together; a kernel prints some fifty. Above it a state is `other`. */
const MOST_CLASSES = 4096;

/** Different marks, or zones, that are counted at a time. */
const MOST_MARKS = 2 ** 14;

/** A summary line of `conntrack`, which is on standard error and so is mixed in where both were captured. */
const SHOWN = /^conntrack v\S+ \(conntrack-tools\): \d+ flow entries have been shown\.$/;

/** What stands around the entries of `conntrack -L -o xml`. */
const XML_FRAME = /^(?:<\?xml [^>]*\?>|<\/?conntrack>)+$/;

interface ClassCount {
  protocol: string;
  state: string | undefined;
  flag: RowFlag;
  entries: number;
  timers: TimerTally;
}

interface TableSummariserOptions {
  /** Addresses that are counted at a time, above which the lists of addresses are no longer exact; 2^17 unless told. */
  addressLimit?: number;
}

/** Reads the files of one connection table, one after the other, into one summary. */
export class TableSummariser {
  readonly #files: string[] = [];
  readonly #families = new Set<'ipv4' | 'ipv6'>();
  readonly #byFamily = { ipv4: 0, ipv6: 0 };
  readonly #classes = new Map<number, Map<string | undefined, ClassCount>>();
  readonly #zones = new BoundedTally<string>(MOST_MARKS);
  readonly #marks = new BoundedTally<number>(MOST_MARKS);
  readonly #nat = { none: 0, source: 0, destination: 0, both: 0 };
  readonly #sources: BoundedTally<string>;
  readonly #destinations: BoundedTally<string>;
  readonly #networks: BoundedTally<string>;
  readonly #pairs: BoundedTally<string>;
  readonly #services = new ServiceTally();
  readonly #helpers = new BoundedTally<string>(MOST_MARKS);
  readonly #duplicates = new DuplicateFinder();
  readonly #traffic = { original: { packets: 0, bytes: 0 }, reply: { packets: 0, bytes: 0 } };
  readonly #timerBudget = timerBudget();
  readonly #malformed: TableSummary['malformed'] = { count: 0, examples: [] };
  #classCount = 0;
  #entries = 0;
  #expectations = 0;
  #accounted = 0;

  constructor(options: TableSummariserOptions = {}) {
    this.#sources = new BoundedTally(options.addressLimit);
    this.#destinations = new BoundedTally(options.addressLimit);
    this.#networks = new BoundedTally(options.addressLimit);
    this.#pairs = new BoundedTally(options.addressLimit);
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
    const lines = new LineCutter((line, number, whole) => {
      const row = whole ? parseTableRow(line) : undefined;
      if (row === undefined) this.#addOther(file, line, number);
      else if (row === 'expectation') this.#expectations++;
      else this.#addEntry(row);
    });
    for await (const chunk of chunks) lines.push(chunk);
    lines.end();
  }

  /**
   * The summary of everything that was read so far.
   *
   * @param cut why the table is not whole, if it is not
   */
  finish(cut?: string): TableSummary {
    const classes = [...this.#classes.values()].flatMap((states) => [...states.values()]);
    return {
      files: [...this.#files],
      families: [...this.#families].sort(),
      entries: this.#entries,
      expectations: this.#expectations,
      malformed: { count: this.#malformed.count, examples: [...this.#malformed.examples] },
      cut,
      byFamily: talliesBy(Object.entries(this.#byFamily)),
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
      byZone: this.#zones.tallies(TOP),
      byMark: this.#marks.tallies(TOP),
      nat: { ...this.#nat },
      accounted: this.#accounted,
      byHelper: this.#helpers.tallies(TOP),
      traffic: structuredClone(this.#traffic),
      duplicates: this.#duplicates.summary(),
      timers: classes
        .map(({ protocol, state, flag, timers }) => ({
          key: className(protocol, state, flag),
          protocol,
          state,
          flag,
          ...timers.summary(),
        }))
        .sort((a, b) => (a.key < b.key ? -1 : 1)),
      sources: this.#sources.topList(TOP),
      destinations: this.#destinations.topList(TOP),
      networks: this.#networks.topList(TOP),
      pairs: this.#pairs.topList(TOP),
      services: this.#services.topList(TOP),
    };
  }

  #addEntry(row: TableRow): void {
    this.#entries++;
    this.#byFamily[row.family]++;
    this.#countClass(row);
    const zone = zoneOf(row);
    this.#zones.add(zone);
    this.#duplicates.add(row, zone);
    if (row.mark !== undefined) this.#marks.add(row.mark);
    this.#nat[translationOf(row)]++;
    if (row.original.packets !== undefined) this.#accounted++;
    addTraffic(this.#traffic.original, row.original);
    addTraffic(this.#traffic.reply, row.reply);
    if (row.helper !== undefined) this.#helpers.add(row.helper);
    this.#networks.add(networkOf(row.original.src));
    this.#pairs.add(`${row.original.src} ${serviceOf(row)}`);
    this.#sources.add(row.original.src);
    this.#destinations.add(row.original.dst);
    this.#services.add(row);
  }

  /** Protocol, state and flag are counted together once, and added up in {@link finish} by each of them. */
  #countClass(row: TableRow): void {
    const { protocol, protocolNumber, state, flag } = row;
    const key = protocolNumber * FLAGS.length + FLAGS.indexOf(flag);
    let states = this.#classes.get(key);
    if (states === undefined) {
      states = new Map();
      this.#classes.set(key, states);
    }
    let count = states.get(state);
    if (count === undefined) {
      const known = state === undefined || this.#classCount < MOST_CLASSES;
      const name = state === undefined ? undefined : known ? ownCopy(state) : 'other';
      count = states.get(name) ?? {
        protocol,
        state: name,
        flag,
        entries: 0,
        timers: new TimerTally(this.#timerBudget),
      };
      if (count.entries === 0) this.#classCount++;
      states.set(name, count);
    }
    count.entries++;
    count.timers.add(row);
  }

  /** A line that is no row: blank, the tool's own, or not understood. */
  #addOther(file: string, line: string, number: number): void {
    const text = line.trim();
    if (text === '' || SHOWN.test(text) || XML_FRAME.test(text)) return;
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

function addTraffic(sum: { packets: number; bytes: number }, { packets, bytes }: Tuple): void {
  sum.packets += packets ?? 0;
  sum.bytes += bytes ?? 0;
}

/** Where no zone is printed the entry is in the default zone, 0; one for a single direction is printed instead of it. */
function zoneOf(row: TableRow): string {
  if (row.zoneOrig !== undefined) return `zone-orig=${row.zoneOrig}`;
  if (row.zoneReply !== undefined) return `zone-reply=${row.zoneReply}`;
  return row.zone === undefined ? '0' : String(row.zone);
}

/** Adds up what has the same key; keys without entries are left out. */
function talliesBy(counts: Iterable<readonly [string, number]>): Tally[] {
  const sums = new Map<string, number>();
  for (const [key, entries] of counts) if (entries > 0) sums.set(key, (sums.get(key) ?? 0) + entries);
  return sortTallies(Array.from(sums, ([key, entries]) => ({ key, entries })));
}

/** The start of a line that can be shown: bytes that are not printable ASCII become `\x00`. */
function quotable(line: string): string {
  return line
    .slice(0, EXAMPLE_LENGTH)
    .replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .slice(0, EXAMPLE_LENGTH);
}
