/**
 * The table's fast lane: rows are scanned and counted in WebAssembly (wasm/README.md), and this hands bytes in, lines that are no
 * plain rows out, and reads the counts in the end.
 */
import type { Tally, TopList } from '../../snapshot/types.ts';
import { WasmProgram } from '../../wasm.ts';
import { addressOf } from './address.ts';
import type { RowFlag } from './entry.ts';
import { estimateDistinct, STANDARD_ERROR } from './hyperloglog.ts';
import { LONGEST_LINE } from './lines.ts';
import { protocolName } from './protocols.ts';
import code from './wasm/index.wasm';

type Global =
  | 'accountedRows'
  | 'aside'
  | 'ASIDE_BYTES'
  | 'classCount'
  | 'classes'
  | 'lines'
  | 'list'
  | 'markedRows'
  | 'names'
  | 'refused'
  | 'registerCounts'
  | 'roundedTimes'
  | 'rows'
  | 'rowsIPv6'
  | 'timeEntries'
  | 'timeSeconds'
  | 'traffic'
  | 'translations';

type TallyName =
  | 'destinations4'
  | 'destinations6'
  | 'marks'
  | 'natAddresses4'
  | 'natAddresses6'
  | 'natTargets4'
  | 'natTargets6'
  | 'networks4'
  | 'networks6'
  | 'pairs4'
  | 'pairs6'
  | 'services'
  | 'sources4'
  | 'sources6'
  | 'zones';

/** What wasm/index.ts exports; numbers are addresses unless they say otherwise. */
type Exports = Record<Global | TallyName, WebAssembly.Global> & {
  room(): number;
  fill(bytes: number): void;
  scan(): number;
  pass(): number;
  scanAside(): number;
  unfinished(): number;
  giveUp(): number;
  finish(): void;
  limitAddresses(bits: number): void;
  sizeOf(tally: number): number;
  limitOf(tally: number): number;
  errorOf(tally: number): number;
  countRegisters(tally: number): number;
  largest(tally: number, keyBytes: number): number;
  listTimes(series: number): number;
  repeatedRows(): number;
  repetitionWindow(): number;
};

/** Bytes that are handed in at a time; the buffer has room for an unfinished line besides. */
const BLOCK = 1024 * 1024;

/** Keys of a list that are told. */
const TOP = 20;

const NEWLINE = 10;
const ENCODER = new TextEncoder();

/** See wasm/row.ts. */
const FLAGS: readonly RowFlag[] = ['no flag', 'UNREPLIED', 'ASSURED', 'OFFLOAD', 'HW_OFFLOAD'];
const ZONE_KINDS = ['', 'zone-orig=', 'zone-reply='];

/** See wasm/states.ts. */
const NAME_BYTES = 32;
const OTHER_STATE = 63;

/** See wasm/counts.ts. */
const CLASS_BYTES = 12;

/** See wasm/tally.ts and wasm/index.ts. */
const REGISTER_VALUES = 64;
const ITEM_BYTES = 24;

/** How many entries have each number of seconds; both ascending by the seconds. */
export interface Times {
  seconds: Uint32Array;
  entries: Uint32Array;
}

/** Entries of one protocol, state and flag, with their timers. */
export interface ClassCount {
  protocol: string;
  state: string | undefined;
  flag: RowFlag;
  entries: number;
  withoutTimer: number;
  /** What remains. */
  timers: Times;
  /** What remains and the age together; see ClassTimers in snapshot/types.ts. */
  shortTimers: Times;
}

/** What the rows of a table were counted as. */
export interface Counts {
  rows: number;
  rowsIPv6: number;
  accountedRows: number;
  classes: ClassCount[];
  zones: Tally[];
  marks: { top: Tally[]; rows: number };
  nat: { none: number; source: number; destination: number; both: number };
  traffic: { original: { packets: number; bytes: number }; reply: { packets: number; bytes: number } };
  duplicates: { rows: number; window?: number };
  sources: TopList;
  destinations: TopList;
  networks: TopList;
  pairs: TopList;
  services: TopList;
  natTargets: TopList;
  natAddresses: TopList;
}

const program = new WasmProgram<Exports>(code, 'the table needs more memory than WebAssembly can have');

/** Scans and counts the rows of one connection table. */
export class TableScanner {
  readonly #running = program.start();
  readonly #wasm = this.#running.exports;
  #linesBefore = 0;
  #inLongLine = false;
  #passes = false;

  /** @param addressBits logarithm of the most slots that a table of addresses may have; see wasm/counts.ts */
  constructor(addressBits?: number) {
    if (addressBits !== undefined) this.#wasm.limitAddresses(addressBits);
  }

  /**
   * Counts the rows of the next block of a file.
   *
   * @param refused is given every line that is no plain row, with its end, and its number in the file; a line above 64 KiB in
   *   parts. The bytes are gone when it returns. Where it returns true it is given the next line as well, whatever that is.
   */
  push(block: Uint8Array, refused: (line: Uint8Array, number: number) => boolean): void {
    for (let at = 0; at < block.length; ) {
      let part = block.subarray(at, at + BLOCK);
      if (this.#inLongLine) {
        const length = part.indexOf(NEWLINE) + 1 || part.length;
        this.#passes = refused(part.subarray(0, length), this.#line);
        this.#inLongLine = part[length - 1] !== NEWLINE;
        part = part.subarray(0, length);
      } else {
        this.#bytes(this.#wasm.room(), part.length).set(part);
        this.#wasm.fill(part.length);
        const next = () => (this.#passes ? this.#wasm.pass() : this.#wasm.scan());
        for (let length = next(); length > 0; length = next()) {
          this.#passes = refused(this.#bytes(this.#value('refused'), length), this.#line);
        }
        const unfinished = this.#wasm.unfinished();
        this.#inLongLine = unfinished > LONGEST_LINE;
        if (this.#inLongLine) this.#passes = refused(this.#bytes(this.#wasm.giveUp(), unfinished), this.#line);
      }
      at += part.length;
    }
  }

  /** Refuses the first line of the file that begins now, whatever it is. */
  passFirstLine(): void {
    this.#passes = true;
  }

  /** Rows that were counted so far. */
  get rows(): number {
    return this.#value('rows');
  }

  get rowsIPv6(): number {
    return this.#value('rowsIPv6');
  }

  /** Ends a file; what is left of a last line without a line end is dropped. */
  endFile(): void {
    if (this.#wasm.unfinished() > 0) this.#wasm.giveUp();
    this.#linesBefore = this.#value('lines');
    this.#inLongLine = false;
    this.#passes = false;
  }

  /** Counts a row that was refused, in the form of /proc/net/nf_conntrack, with its end. */
  count(row: string): void {
    const { written } = ENCODER.encodeInto(row, this.#bytes(this.#value('aside'), this.#value('ASIDE_BYTES')));
    if (written !== row.length || this.#wasm.scanAside() === 0)
      throw new Error(`the scanner refuses its own form: ${row}`);
  }

  /** Everything that was counted. To be called once, at the end: another scanner may have the memory then. */
  finish(): Counts {
    this.#wasm.finish();
    const counts = this.#counts();
    program.end(this.#running);
    return counts;
  }

  #counts(): Counts {
    const [none = 0, source = 0, destination = 0, both = 0] = this.#array(Uint32Array, 'translations', 4);
    const [packets = 0, bytes = 0, replyPackets = 0, replyBytes = 0] = this.#array(Float64Array, 'traffic', 4);
    const window = this.#wasm.repetitionWindow();
    return {
      rows: this.#value('rows'),
      rowsIPv6: this.#value('rowsIPv6'),
      accountedRows: this.#value('accountedRows'),
      classes: this.#classes(),
      zones: this.#topList(['zones', 4, (key) => `${ZONE_KINDS[key.getUint16(0)]}${key.getUint16(2)}`]).top,
      marks: {
        top: this.#topList(['marks', 4, (key) => String(key.getUint32(0))]).top,
        rows: this.#value('markedRows'),
      },
      nat: { none, source, destination, both },
      traffic: { original: { packets, bytes }, reply: { packets: replyPackets, bytes: replyBytes } },
      duplicates: { rows: this.#wasm.repeatedRows(), ...(window > 0 && { window }) },
      sources: this.#addresses('sources4', 'sources6'),
      destinations: this.#addresses('destinations4', 'destinations6'),
      networks: this.#topList(
        ['networks4', 4, (key) => `${address(key, 4)}/24`],
        [
          'networks6',
          8,
          (key) => `${addressOf(Uint8Array.from({ length: 16 }, (_, at) => (at < 8 ? key.getUint8(at) : 0)))}/64`,
        ],
      ),
      pairs: this.#pairs('pairs4', 'pairs6'),
      services: this.#topList(['services', 4, (key) => service(key.getUint32(0))]),
      natTargets: this.#pairs('natTargets4', 'natTargets6'),
      natAddresses: this.#addresses('natAddresses4', 'natAddresses6'),
    };
  }

  #addresses(of4: TallyName, of6: TallyName): TopList {
    return this.#topList([of4, 4, (key) => address(key, 4)], [of6, 16, (key) => address(key, 16)]);
  }

  /** `10.0.0.1 tcp/443`: an address and a service. */
  #pairs(of4: TallyName, of6: TallyName): TopList {
    return this.#topList(
      [of4, 8, (key) => `${address(key, 4)} ${service(key.getUint32(4))}`],
      [of6, 20, (key) => `${address(key, 16)} ${service(key.getUint32(16))}`],
    );
  }

  #classes(): ClassCount[] {
    // Copies: listing times can take more memory, and then what points into it points nowhere.
    const names = this.#bytes(this.#value('names'), OTHER_STATE * NAME_BYTES).slice();
    const counts = this.#array(Uint32Array, 'classes', (this.#value('classCount') * CLASS_BYTES) / 4).slice();
    const classes: ClassCount[] = [];
    for (let at = 0; at < counts.length; at += CLASS_BYTES / 4) {
      const [key = 0, entries = 0, withoutTimer = 0] = counts.subarray(at);
      const state = key >> 11;
      const number = classes.length + 1;
      classes.push({
        protocol: protocolName((key >> 3) & 255) ?? '',
        state: state === 0 ? undefined : state === OTHER_STATE ? 'other' : stateName(names, state),
        flag: FLAGS[key & 7] ?? 'no flag',
        entries,
        withoutTimer,
        timers: this.#times(2 * number),
        shortTimers: this.#times(2 * number + 1),
      });
    }
    return classes;
  }

  /** The times of a class; see countClass() in wasm/counts.ts for the numbers of the series. */
  #times(series: number): Times {
    const length = this.#wasm.listTimes(series);
    const seconds = this.#array(Uint32Array, 'timeSeconds', length).slice();
    const entries = this.#array(Uint32Array, 'timeEntries', length).slice();
    if (this.#value('roundedTimes') === 0) return { seconds, entries };
    const order = Uint32Array.from({ length }, (_, at) => at).sort((a, b) => (seconds[a] ?? 0) - (seconds[b] ?? 0));
    return { seconds: order.map((at) => seconds[at] ?? 0), entries: order.map((at) => entries[at] ?? 0) };
  }

  /** One list of what is counted in one table for each address family. */
  #topList(...tables: [name: TallyName, keyBytes: number, nameOf: (key: DataView) => string][]): TopList {
    const merged: { entries: number; name: () => string }[] = [];
    const list = { distinct: 0, distinctError: 0, exactUpTo: 0, maxError: 0 };
    for (const [name, keyBytes, nameOf] of tables) {
      const tally = this.#value(name);
      const length = this.#wasm.largest(tally, keyBytes);
      // A copy, as the next table is listed in the same place.
      const items = new DataView(this.#bytes(this.#value('list'), length * ITEM_BYTES).slice().buffer);
      for (let at = 0; at < items.byteLength; at += ITEM_BYTES) {
        const name = () => nameOf(new DataView(items.buffer, at, keyBytes));
        merged.push({ entries: items.getUint32(at + keyBytes, true), name });
      }
      const isEstimated = this.#wasm.countRegisters(tally) !== 0;
      list.distinct += isEstimated
        ? estimateDistinct(this.#array(Uint32Array, 'registerCounts', REGISTER_VALUES))
        : this.#wasm.sizeOf(tally);
      if (isEstimated) list.distinctError = STANDARD_ERROR;
      list.exactUpTo = this.#wasm.limitOf(tally);
      list.maxError = Math.max(list.maxError, this.#wasm.errorOf(tally));
    }
    merged.sort((a, b) => b.entries - a.entries);
    const top = merged.slice(0, TOP).map(({ entries, name }) => ({ key: name(), entries }));
    return { top, exact: list.maxError === 0, ...list, concentration: concentrationOf(merged) };
  }

  /** The number of the line in the file that was scanned last. */
  get #line(): number {
    return this.#value('lines') - this.#linesBefore;
  }

  #value(name: Global | TallyName): number {
    return this.#wasm[name].value;
  }

  #array<T>(type: new (buffer: ArrayBuffer, at: number, length: number) => T, name: Global, length: number): T {
    return new type(this.#running.memory.buffer, this.#value(name), length);
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#running.memory.buffer, at, length);
  }
}

function address(key: DataView, bytes: 4 | 16): string {
  return addressOf(new Uint8Array(key.buffer, key.byteOffset, bytes));
}

/** `tcp/443`; `icmp` and `protocol 50`, which have no ports, by protocol. See service() in wasm/counts.ts. */
function service(packed: number): string {
  const protocol = protocolName(packed >> 17) ?? '';
  return (packed & 0x10000) === 0 ? protocol : `${protocol}/${packed & 0xffff}`;
}

function stateName(names: Uint8Array, state: number): string {
  const name = names.subarray(state * NAME_BYTES, (state + 1) * NAME_BYTES);
  return Buffer.from(name.subarray(0, name.indexOf(0) === -1 ? NAME_BYTES : name.indexOf(0))).toString('latin1');
}

/** Sorts in place by entries, the largest first, then by key. */
export function sortTallies(tallies: Tally[]): Tally[] {
  return tallies.sort((a, b) => b.entries - a.entries || (a.key < b.key ? -1 : 1));
}

/** Entries of the 1, 10 and 100 first of a sorted list together. */
function concentrationOf(sorted: readonly { entries: number }[]): TopList['concentration'] {
  const first = (length: number) => sorted.slice(0, length).reduce((sum, tally) => sum + tally.entries, 0);
  return { top1: first(1), top10: first(10), top100: first(100) };
}
