/** How full the table is, and whether packets were refused: from counters and the log, each for what it can prove. */
import type { Fact, LogLine, Reading, Snapshot } from '../snapshot/types.ts';
import type { Analysis } from './schema.ts';

/** From this share of the limit on the table is as good as full: the count moves by more between two readings. */
export const FULL = 0.98;

/** Whether a reading shows the table at its limit. */
export function atLimit({ peakShare }: Analysis['usage']): boolean {
  return peakShare !== undefined && peakShare >= FULL;
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
  const max = snapshot.sysctls.max;
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

function duringCapture(snapshot: Snapshot): Analysis['drops']['duringCapture'] {
  const timed = readingsOf(snapshot).filter(({ counters, uptimeSeconds }) => counters && uptimeSeconds);
  const [begin, end] = [timed[0], timed.at(-1)];
  if (!begin?.counters || !end?.counters || begin === end) return undefined;
  const seconds = (end.uptimeSeconds?.value ?? 0) - (begin.uptimeSeconds?.value ?? 0);
  if (seconds <= 0) return undefined;
  const delta = (name: string) => (end.counters?.totals[name] ?? 0) - (begin.counters?.totals[name] ?? 0);
  const [drop, earlyDrop, insertFailed] = [delta('drop'), delta('early_drop'), delta('insert_failed')];
  // A counter that runs backwards was reset or wrapped around: no rate can be told.
  if (Math.min(drop, earlyDrop, insertFailed) < 0) return undefined;
  return {
    seconds,
    drop,
    earlyDrop,
    insertFailed,
    dropPerSecond: drop / seconds,
    earlyDropPerSecond: earlyDrop / seconds,
  };
}

/**
 * One message reaches dmesg, the journal and the log files alike: lines are counted in the file that has most, never
 * added up.
 */
function logEvidence({ log, logFiles, first, bundle }: Snapshot): Analysis['drops']['log'] {
  const elsewhere = ({ netns }: LogLine) => netns !== undefined && netns !== bundle.netns;
  const full = (lines: LogLine[]) => lines.filter((line) => line.kind === 'table-full' && !elsewhere(line));
  const richest = logFiles
    .map((file) => log.filter((line) => line.file === file))
    .reduce<LogLine[]>((most, lines) => (full(lines).length > full(most).length ? lines : most), []);
  const lines = full(richest);
  const stampOf = (line: LogLine | undefined): Fact<string> | undefined => {
    // Wall clock where the log has it; dmesg has only the time since boot.
    const clock = line?.stamp && !/^[\d.]+$/.test(line.stamp) ? line.stamp : undefined;
    const value =
      clock ?? (line?.uptimeSeconds === undefined ? undefined : `${line.uptimeSeconds.toFixed(1)} s after boot`);
    return line && value !== undefined ? { value, file: line.file, line: line.line } : undefined;
  };
  const [firstLine, lastLine] = [stampOf(lines[0]), stampOf(lines.at(-1))];
  // Log files reach back beyond the last boot; only what the running kernel still holds counts from this one.
  const uptimes = full(log).flatMap((line) =>
    line.uptimeSeconds === undefined || !line.file.startsWith('commands/') ? [] : [line.uptimeSeconds],
  );
  const uptime = first.uptimeSeconds?.value;
  return {
    captured: logFiles,
    tableFullLines: lines.length,
    suppressedMessages: richest.reduce((sum, line) => sum + (line.suppressed ?? 0), 0),
    namespaces: [...new Set(log.filter(elsewhere).map(({ netns }) => netns ?? ''))],
    ...(firstLine && { first: firstLine }),
    ...(lastLine && { last: lastLine }),
    ...(uptime !== undefined &&
      uptimes.length > 0 && { secondsBeforeCapture: Math.max(0, uptime - Math.max(...uptimes)) }),
  };
}
