/** How full the table is, and whether packets were refused: from counters and the log, each for what it can prove. */
import type { Fact, Namespace, Reading, Snapshot } from '../snapshot/types.ts';
import { logEvidence } from './log.ts';
import type { Analysis } from './schema.ts';

/** From this share of the limit on the table is as good as full: the count moves by more between two readings. */
export const FULL = 0.98;
/** From this share on netdata and node-problem-detector warn. */
export const NEAR = 0.9;
/** From this share on node-mixin alerts (NodeHighNumberConntrackEntriesUsed). */
export const FILLING = 0.75;

/** Whether a reading shows the table at its limit. Slab objects are an upper bound, and those of all namespaces: they do not show it. */
export function atLimit({ peakShare, entriesHow }: Analysis['usage']): boolean {
  return peakShare !== undefined && peakShare >= FULL && entriesHow !== 'slab';
}

/** Entries of another namespace: its count, or else the rows of its table, which leave out what has expired. */
export function entriesIn({ count, counters, rows }: Namespace): Fact<number> | undefined {
  return count ?? counters?.entries ?? (rows && { value: rows.value, file: rows.file });
}

/** All readings in the order in which they were taken. */
export function readingsOf(snapshot: Snapshot): Reading[] {
  return [snapshot.first, ...snapshot.series, ...(snapshot.last ? [snapshot.last] : [])];
}

/**
 * Entries against the limit. The count was read before the table: reading the table evicts expired entries, so that its
 * rows are fewer. Kernels without a count (2.4) keep no expired entries, and their rows are exact.
 *
 * @param slabEntries  active objects of all conntrack caches, the last resort: they include free objects that SLAB and SLUB
 *                     keep ready for each CPU, and the entries of all namespaces
 */
export function usageOf(snapshot: Snapshot, slabEntries: Fact<number> | undefined): Analysis['usage'] {
  const { first, table } = snapshot;
  const max = unsigned(snapshot.sysctls.max);
  const rows: Fact<number> | undefined =
    table && table.cut === undefined ? { value: table.entries, file: table.files[0] ?? '' } : undefined;
  const [entries, entriesHow] = first.count
    ? ([first.count, 'count'] as const)
    : first.counters?.entries
      ? ([first.counters.entries, 'counters'] as const)
      : rows
        ? ([rows, 'table'] as const)
        : snapshot.tableLines
          ? ([snapshot.tableLines, 'lines'] as const)
          : slabEntries
            ? ([slabEntries, 'slab'] as const)
            : [];
  const seen = [entries, rows, ...readingsOf(snapshot).flatMap(({ count, counters }) => [count, counters?.entries])];
  const peak = seen
    .filter((fact) => fact !== undefined)
    .reduce<Fact<number> | undefined>((most, fact) => (most && most.value >= fact.value ? most : fact), undefined);
  const limit = max && max.value > 0 ? max.value : undefined;
  return {
    ...(entries && { entries, entriesHow }),
    ...(peak && { peak }),
    ...(max && { max }),
    unlimited: max?.value === 0,
    ...(limit !== undefined && entries && { share: entries.value / limit }),
    ...(limit !== undefined && peak && { peakShare: peak.value / limit }),
  };
}

/**
 * A limit as the kernel compares with it: unsigned. Before 6.15 a negative number could be written (proc_dointvec()), and
 * is printed as such.
 */
export function unsigned(limit: Fact<number> | undefined): Fact<number> | undefined {
  return limit && limit.value < 0 ? { ...limit, value: limit.value + 2 ** 32 } : limit;
}

/** Refused packets, evicted entries and the log. */
export function dropsOf(snapshot: Snapshot): Analysis['drops'] {
  // The latest reading has counted everything up to the end of the capture.
  const counters = readingsOf(snapshot).findLast((reading) => reading.counters)?.counters;
  const during = duringCapture(snapshot);
  return {
    ...(counters && { counters: { file: counters.file, totals: counters.totals } }),
    ...(during && { duringCapture: during }),
    log: logEvidence(snapshot),
  };
}

/**
 * Packets of new connections that were dropped. `drop` leaves out those that a long hash chain refused: of these
 * __nf_conntrack_confirm() counts a failed insert and, since 5.15, `chaintoolong`.
 */
export function droppedPackets({
  drop,
  chainTooLong = 0,
}: {
  drop: number;
  chainTooLong?: number | undefined;
}): number {
  return drop + chainTooLong;
}

/** A line of the log from so short a time before the capture tells of the same load. */
const JUST_NOW_SECONDS = 60;

/**
 * Whether a table that no reading shows at its limit was there all the same between two of them: one that is full for moments says so by
 * what it evicts, or in the log. A line whose time is not known may be of that moment.
 */
export function wasFullJustNow({ duringCapture, log }: Analysis['drops']): boolean {
  const logged = log.tableFullLines > 0 && (log.secondsBeforeCapture ?? 0) < JUST_NOW_SECONDS;
  return logged || (duringCapture?.earlyDrop ?? 0) > 0;
}

/**
 * Whether the counters are of all CPUs, so that a zero is one: `conntrack -S` before 1.4.0 prints the first CPU only, and
 * damaged lines are left out.
 */
export function countersAreWhole(snapshot: Snapshot): boolean {
  const counters = readingsOf(snapshot).findLast((reading) => reading.counters)?.counters;
  return counters !== undefined && counters.cpus >= (snapshot.host.cpus?.value ?? 1);
}

function duringCapture(snapshot: Snapshot): Analysis['drops']['duringCapture'] {
  const timed = readingsOf(snapshot).filter(({ counters, uptimeSeconds }) => counters && uptimeSeconds);
  const [begin, end] = [timed[0], timed.at(-1)];
  if (!begin?.counters || !end?.counters || begin === end) return undefined;
  const seconds = (end.uptimeSeconds?.value ?? 0) - (begin.uptimeSeconds?.value ?? 0);
  if (seconds <= 0) return undefined;
  const delta = (name: string) => (end.counters?.totals[name] ?? 0) - (begin.counters?.totals[name] ?? 0);
  const [drop, earlyDrop, insertFailed] = [delta('drop'), delta('early_drop'), delta('insert_failed')];
  const counted = (name: string) => (end.counters?.totals[name] === undefined ? undefined : delta(name));
  const others = {
    chainTooLong: counted('chaintoolong'),
    clashResolve: counted('clash_resolve'),
    invalid: counted('invalid'),
  };
  // A counter that runs backwards was reset or wrapped around: no rate can be told.
  if (Math.min(drop, earlyDrop, insertFailed, ...Object.values(others).map((each) => each ?? 0)) < 0) return undefined;
  return {
    seconds,
    drop,
    earlyDrop,
    insertFailed,
    ...others,
    dropPerSecond: drop / seconds,
    earlyDropPerSecond: earlyDrop / seconds,
  };
}
