/** What a timeline keeps of each snapshot. */
import type { Analysis } from '../analysis/schema.ts';
import type { Named } from './hosts.ts';
import type { Point } from './schema.ts';

/** Classes and sources that are kept of each snapshot. */
const LARGEST = 8;

/** The figures of one snapshot that are followed over time. */
export function pointOf({ name, analysis }: Named): Point {
  const { bundle, host, usage, hash, memory, drops, table, verdict, recommendation } = analysis;
  const during = drops.duringCapture;
  const point: Point = {
    name,
    sha256: bundle.sha256,
    capturedAt: host.capturedAt?.value,
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
    counters: drops.counters?.totals,
    dropPerSecond: during?.dropPerSecond,
    earlyDropPerSecond: during?.earlyDropPerSecond,
    lastFullAt: lastFullAt(analysis),
    classes: table?.byClass.slice(0, LARGEST) ?? [],
    sources: table?.sources.top.slice(0, LARGEST) ?? [],
    verdict: { kind: verdict.kind, severity: verdict.severity },
    recommended: { action: recommendation.action, max: recommendation.max, buckets: recommendation.buckets },
  };
  return Object.fromEntries(Object.entries(point).filter(([, value]) => value !== undefined)) as Point;
}

/** The time of the last “table full” line, from how long before the capture it was logged. */
function lastFullAt({ host, drops }: Analysis): string | undefined {
  const captured = Date.parse(host.capturedAt?.value ?? '');
  const before = drops.log.secondsBeforeCapture;
  if (Number.isNaN(captured) || before === undefined) return undefined;
  return new Date(captured - 1000 * before).toISOString().replace(/\.\d+Z$/, 'Z');
}
