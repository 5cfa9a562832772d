/**
 * Counters count from the boot, and lines stay in the log: a snapshot that was taken after the limit was raised still shows that the table
 * was full, and by itself it cannot tell that this has ended. With the snapshots before it, it can.
 */
import type { Analysis, Recommendation, Severity } from '../analysis/schema.ts';
import { FILLING, NEAR } from '../analysis/usage.ts';
import type { Interval, Point } from './schema.ts';

/** All that is known of one host. */
export interface History {
  analyses: readonly Analysis[];
  points: readonly Point[];
  intervals: readonly Interval[];
}

/** Whether all that a snapshot shows of a full table was before the last raise of the limit, as far as can be told. */
function isOver(at: number, { analyses, points, intervals }: History): boolean {
  const [analysis, point] = [analyses[at], points[at]];
  if (analysis?.verdict.kind !== 'was-full') return false;
  const raised = intervals.findLast(
    ({ to, settings }) =>
      to <= at && settings.some(({ name, before = 0, after = 0 }) => name === 'max' && after > before),
  );
  if (!raised) return false;
  const { dropPerSecond = 0, earlyDropPerSecond = 0 } = point ?? {};
  const since = Date.parse(points[raised.to]?.capturedAt ?? '');
  const wasLogged = point?.lastFullAt !== undefined && !(Date.parse(point.lastFullAt) < since);
  const later = intervals.filter(({ from, to }) => from >= raised.to && to <= at);
  return dropPerSecond === 0 && earlyDropPerSecond === 0 && !wasLogged && later.every(lostNothing);
}

function lostNothing({ deltas }: Interval): boolean {
  const counted = (name: string) => deltas.find((delta) => delta.name === name)?.delta;
  const [drop, evicted] = [counted('drop'), counted('early_drop')];
  // A clash counts as a drop and as a failed insert.
  return evicted === 0 && drop !== undefined && drop <= (counted('insert_failed') ?? 0);
}

/** How bad it is, what is over left aside. */
export function severityAt(at: number, history: History): Severity {
  const analysis = history.analyses[at];
  if (!analysis) return 'unknown';
  if (!isOver(at, history)) return analysis.verdict.severity;
  return (analysis.usage.peakShare ?? 0) >= NEAR ? 'warning' : 'ok';
}

/**
 * What is recommended, what is over left aside: a table that was full is to get more than its limit of today, and that one has been raised
 * since. Where it has room it stays.
 */
export function recommendationAt(at: number, history: History): Recommendation | undefined {
  const analysis = history.analyses[at];
  const peak = analysis?.usage.peak?.value;
  if (!analysis || peak === undefined) return analysis?.recommendation;
  const { recommendation, usage, hash } = analysis;
  if (!isOver(at, history) || (usage.peakShare ?? 1) > FILLING) return recommendation;
  return {
    ...recommendation,
    action: 'leave',
    max: usage.max?.value,
    buckets: hash.buckets?.value,
    demand: { entries: peak, low: peak, isLowerBound: false, decidedBy: 'peak', evidence: [] },
    commands: { ...recommendation.commands, now: [], persist: [], rollback: [] },
    notes: [],
  };
}
