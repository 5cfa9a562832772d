/** What a timeline keeps of each snapshot. */
import type { Analysis } from '../analysis/schema.ts';
import { type Named, timeOf, WRONG_CLOCK_MS } from './hosts.ts';
import type { Point } from './schema.ts';

/** Classes and sources that are kept of each snapshot. */
const LARGEST = 8;

/** The figures of one snapshot that are followed over time. */
export function pointOf({ name, analysis, time }: Named): Point {
  const { bundle, host, usage, hash, memory, drops, table, verdict, recommendation, pageBytes } = analysis;
  const during = drops.duringCapture;
  const point: Point = {
    name,
    sha256: bundle.sha256,
    ...momentOf(analysis, time),
    uptimeSeconds: host.uptimeSeconds?.value,
    bootId: host.bootId?.value,
    netns: bundle.netns,
    kernelRelease: host.kernelRelease?.value,
    entries: usage.peak?.value,
    max: usage.max?.value,
    unlimited: usage.unlimited,
    buckets: hash.buckets?.value,
    share: usage.peakShare,
    slabBytes: memory.slabBytes,
    memoryBytes: memory.totalBytes,
    pageInferred: memory.slabBytes !== undefined && pageBytes?.inferred !== undefined ? true : undefined,
    counters: drops.counters?.totals,
    dropPerSecond: during?.dropPerSecond,
    earlyDropPerSecond: during?.earlyDropPerSecond,
    lastFullAt: lastFullAt(time ?? timeOf(analysis), drops.log.secondsBeforeCapture),
    classes: table?.byClass.slice(0, LARGEST) ?? [],
    sources: table?.sources.top.slice(0, LARGEST) ?? [],
    verdict: { kind: verdict.kind, severity: verdict.severity },
    recommended: { action: recommendation.action, max: recommendation.max, buckets: recommendation.buckets },
  };
  return Object.fromEntries(Object.entries(point).filter(([, value]) => value !== undefined)) as Point;
}

/** The time as captured; where that is none, or wrong, what is known from other captures of the boot. */
function momentOf(analysis: Analysis, time = timeOf(analysis)): Pick<Point, 'capturedAt' | 'clockSaid'> {
  const said = analysis.host.capturedAt?.value;
  if (time === undefined) return said === undefined ? {} : { clockSaid: said };
  if (said === undefined) return { capturedAt: iso(time) };
  const isWrong = !(Math.abs(Date.parse(said) - time) <= WRONG_CLOCK_MS);
  return isWrong ? { capturedAt: iso(time), clockSaid: said } : { capturedAt: said };
}

/** The time of the last “table full” line, from how long before the capture it was logged. */
function lastFullAt(captured: number | undefined, before: number | undefined): string | undefined {
  return captured === undefined || before === undefined ? undefined : iso(captured - 1000 * before);
}

function iso(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
