/**
 * The slow, obvious way to summarise a connection table: every line parsed by row.ts, every key in a Map. What the scanner counts has
 * to be this.
 */
import { canonicalAddress } from '../../../src/parsers/table/address.ts';
import type { TableRow, Tuple } from '../../../src/parsers/table/entry.ts';
import { parseTableRow } from '../../../src/parsers/table/row.ts';
import type { TableSummary, Tally, TopList } from '../../../src/snapshot/types.ts';

const LONGEST_LINE = 64 * 1024;

/** What `conntrack` ends with, at the end of a line that goes on in the next one. */
const SHOWN = /conntrack v\S{1,32} \(conntrack-tools\): (\d{1,10}) flow entries have been shown\.\r?$/;

/** Puts rows together that summary lines were spliced into; where that gives no row, their pieces are lines of their own. */
function withoutShown(lines: readonly string[]) {
  const whole: { at: number; line: string }[] = [];
  const shown: number[] = [];
  let held: { at: number; line: string }[] = [];
  const release = (last: { at: number; line: string } | undefined) => {
    const pieces = last === undefined || last.line === '' || last.line === '\r' ? held : [...held, last];
    const line = {
      at: held[0]?.at ?? last?.at ?? 0,
      line: [...held, ...(last ? [last] : [])].map((each) => each.line).join(''),
    };
    const isRow = (text: string) => parseTableRow(text.replace(/\r$/, '')) !== undefined;
    const hasRows = held.length > 0 && !isRow(line.line) && pieces.some((piece) => isRow(piece.line));
    whole.push(...(hasRows ? pieces : [line]));
    held = [];
  };
  for (const [at, text] of lines.entries()) {
    const summary = text.length > LONGEST_LINE ? null : SHOWN.exec(text);
    const line = { at, line: text.slice(0, summary?.index) };
    if (summary) shown.push(Number(summary[1]));
    if (summary === null || (line.line !== '' && held.length === 4)) release(line);
    else if (line.line !== '') held.push(line);
  }
  if (held.length > 0) release(undefined);
  return { lines: whole, shown };
}

class Counts {
  readonly map = new Map<string, number>();

  add(key: string | undefined): void {
    if (key !== undefined) this.map.set(key, (this.map.get(key) ?? 0) + 1);
  }

  object(): Record<string, number> {
    return Object.fromEntries(this.map);
  }
}

/** Everything that the summary tells, as Maps by key where it has lists. */
export function oracle(text: string) {
  const lists = {
    sources: new Counts(),
    destinations: new Counts(),
    networks: new Counts(),
    pairs: new Counts(),
    services: new Counts(),
    natTargets: new Counts(),
    natAddresses: new Counts(),
  };
  const tallies = {
    byFamily: new Counts(),
    byProtocol: new Counts(),
    byState: new Counts(),
    byFlag: new Counts(),
    byClass: new Counts(),
    byZone: new Counts(),
    byMark: new Counts(),
    byHelper: new Counts(),
  };
  const nat = { none: 0, source: 0, destination: 0, both: 0 };
  const traffic = { original: { packets: 0, bytes: 0 }, reply: { packets: 0, bytes: 0 } };
  const timers = new Map<string, { withoutTimer: number; seconds: Counts; shortSums: Counts }>();
  const seen = new Set<string>();
  const malformed: number[] = [];
  let [entries, expectations, accounted, repeated] = [0, 0, 0, 0];

  const { lines, shown } = withoutShown(text.split('\n'));
  for (const { at, line: whole } of lines) {
    if (whole.length > LONGEST_LINE) {
      malformed.push(at + 1);
      continue;
    }
    const line = whole.replace(/\r$/, '');
    const row = parseTableRow(line);
    if (row === 'expectation') expectations++;
    else if (row === undefined) {
      if (line.trim() !== '') malformed.push(at + 1);
    } else {
      entries++;
      const service = serviceOf(row, row.original.dport);
      const key = [row.protocol, row.state, row.flag].filter((part) => part !== undefined).join(' ');
      tallies.byFamily.add(row.family);
      tallies.byProtocol.add(row.protocol);
      tallies.byState.add(row.state && `${row.protocol} ${row.state}`);
      tallies.byFlag.add(row.flag);
      tallies.byClass.add(key);
      tallies.byZone.add(zoneOf(row));
      tallies.byMark.add(row.mark === undefined ? undefined : String(row.mark));
      tallies.byHelper.add(row.helper);
      const translation = translationOf(row);
      nat[translation]++;
      if (translation === 'source' || translation === 'both') {
        lists.natTargets.add(`${row.reply.src} ${serviceOf(row, row.reply.sport)}`);
        lists.natAddresses.add(row.reply.dst);
      }
      if (row.original.packets !== undefined) accounted++;
      for (const direction of ['original', 'reply'] as const) {
        traffic[direction].packets += row[direction].packets ?? 0;
        traffic[direction].bytes += row[direction].bytes ?? 0;
      }
      lists.sources.add(row.original.src);
      lists.destinations.add(row.original.dst);
      lists.networks.add(networkOf(row.original.src));
      lists.pairs.add(`${row.original.src} ${service}`);
      lists.services.add(service);
      const { src, dst, sport, dport, type, code, id, srckey, dstkey } = row.original;
      // An entry of DCCP that the kernel does not track has no ports in /proc, and ports of 0 in `conntrack -L`.
      const ends = [sport ?? type ?? srckey ?? 0, dport ?? code ?? dstkey ?? 0, id ?? 0];
      const tuple = [row.protocolNumber, zoneOf(row), src, dst, ...ends].join();
      if (seen.has(tuple)) repeated++;
      seen.add(tuple);
      const times = timers.get(key) ?? { withoutTimer: 0, seconds: new Counts(), shortSums: new Counts() };
      timers.set(key, times);
      const { timeoutSeconds: left, deltaTimeSeconds: age } = row;
      if (left === undefined) times.withoutTimer++;
      else {
        times.seconds.add(String(told(left)));
        if (age !== undefined && left <= 300) times.shortSums.add(String(told(left + age)));
      }
    }
  }
  return { entries, expectations, accounted, repeated, malformed, shown, nat, traffic, tallies, lists, timers };
}

/** The summary in the oracle's form, so that the two can be compared; lists are compared by {@link isTopOf}. */
export function comparable(summary: TableSummary) {
  const { entries, expectations, accounted, duplicates, malformed, nat, traffic } = summary;
  return { entries, expectations, accounted, repeated: duplicates.rows, malformed: malformed.count, nat, traffic };
}

/** What is wrong with a list of the largest; where several keys have as many entries, any of them may be in it. */
export function wrongsOf(list: TopList, truth: ReadonlyMap<string, number>): string[] {
  const wrongs: string[] = [];
  const counts = [...truth.values()].sort((a, b) => b - a);
  const total = (length: number) => counts.slice(0, length).reduce((sum, count) => sum + count, 0);
  if (new Set(list.top.map(({ key }) => key)).size !== list.top.length) wrongs.push('a key is in it twice');
  if (list.top.length !== Math.min(20, counts.length)) wrongs.push(`it has ${list.top.length} keys`);
  for (const [at, { key, entries }] of list.top.entries()) {
    if (entries !== counts[at]) wrongs.push(`place ${at} has ${entries} entries, not ${counts[at]}`);
    if (truth.get(key) !== entries) wrongs.push(`${key} has ${truth.get(key)} entries, not ${entries}`);
  }
  if (list.distinct !== truth.size) wrongs.push(`${list.distinct} different keys, not ${truth.size}`);
  const { top1, top10, top100 } = list.concentration;
  if (top1 !== total(1) || top10 !== total(10) || top100 !== total(100)) wrongs.push('the concentration');
  return wrongs;
}

export function objectOf(tallies: readonly Tally[]): Record<string, number> {
  return Object.fromEntries(tallies.map(({ key, entries }) => [key, entries]));
}

/** Times beyond 97 days, which no kernel sets by itself, are told to an eighth of a power of two. */
function told(seconds: number): number {
  const step = 2 ** (Math.floor(Math.log2(seconds)) - 3);
  return seconds < 8192 * 1024 ? seconds : Math.floor(seconds / step) * step;
}

function zoneOf(row: TableRow): string {
  if (row.zoneOrig !== undefined) return `zone-orig=${row.zoneOrig}`;
  if (row.zoneReply !== undefined) return `zone-reply=${row.zoneReply}`;
  return String(row.zone ?? 0);
}

function serviceOf({ protocol, protocolNumber, original }: TableRow, port: number | undefined): string {
  const isUntracked = [33, 136].includes(protocolNumber) && original.sport === 0 && original.dport === 0;
  return port === undefined || isUntracked ? protocol : `${protocol}/${port}`;
}

function networkOf(address: string): string {
  if (!address.includes(':')) return address.replace(/\d+$/, '0/24');
  // The URL parser knows where the groups are.
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const [head = '', tail] = groups;
  const before = head.split(':').filter(Boolean);
  const behind = (tail ?? '').split(':').filter(Boolean);
  const all =
    tail === undefined ? before : [...before, ...Array(8 - before.length - behind.length).fill('0'), ...behind];
  return `${canonicalAddress(`${all.slice(0, 4).join(':')}::`)}/64`;
}

function translationOf({ original, reply }: TableRow): 'none' | 'source' | 'destination' | 'both' {
  const ends = ({ sport, dport, srckey, dstkey }: Tuple) => [sport ?? srckey, dport ?? dstkey];
  const [first, second] = ends(original);
  const [replyFirst, replySecond] = ends(reply);
  const isOtherId = reply.id !== undefined && reply.id !== original.id;
  const source = reply.dst !== original.src || replySecond !== first || isOtherId;
  const destination = reply.src !== original.dst || replyFirst !== second;
  if (source) return destination ? 'both' : 'source';
  return destination ? 'destination' : 'none';
}
