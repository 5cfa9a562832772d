/** What follows from several snapshots of one host. No I/O, no clock: the same analyses give the same timeline. */
import type { Analysis } from '../analysis/schema.ts';
import { fillersOf, findingChanges } from './changes.ts';
import { fixOf } from './fix.ts';
import { growthOf } from './growth.ts';
import type { Host } from './hosts.ts';
import { intervalOf } from './interval.ts';
import { pointOf } from './points.ts';
import type { Interval, Timeline } from './schema.ts';

/** Settings whose change is what a fix consists of. */
const LIMITS = /^(?:max|buckets|.*_timeout.*)$/;

/**
 * Puts the snapshots of a host into one timeline.
 *
 * @param toolVersion  version of this program
 * @throws if the host has no snapshot
 */
export function timelineOf({ identifiedBy, snapshots, notes }: Host, toolVersion: string): Timeline {
  const points = snapshots.map(pointOf);
  const analyses = snapshots.map(({ analysis }) => analysis);
  const last = analyses.at(-1);
  if (!last) throw new Error('a timeline needs a snapshot');
  const intervals = analyses.slice(1).map((later, at) => intervalOf(at, at + 1, analyses[at] as Analysis, later));
  const at = comparedBy(intervals, analyses.length);
  const [before, after] = [analyses[at.before] as Analysis, analyses[at.after] as Analysis];
  return {
    schemaVersion: 1,
    tool: { name: 'conntrack-report', version: toolVersion },
    host: {
      identifiedBy,
      ...(last.host.hostname && { hostname: last.host.hostname.value }),
      ...(last.host.osName && { osName: last.host.osName.value }),
      ...(last.host.memTotalBytes && { memTotalBytes: last.host.memTotalBytes.value }),
      ...(last.host.cpus && { cpus: last.host.cpus.value }),
    },
    points,
    intervals,
    findings: findingChanges(before, after),
    fillers: fillersOf(points[at.before] as Timeline['points'][number], points[at.after] as Timeline['points'][number]),
    fix: fixOf({ before, after, points, intervals, at }),
    growth: growthOf(points),
    recommendation: recommendationOf(analyses),
    notes,
  };
}

/** The last snapshot is held against the one before the last change of a limit; where none was changed, against the first. */
function comparedBy(intervals: readonly Interval[], snapshots: number): { before: number; after: number } {
  const change = intervals.findLast(({ settings }) => settings.some(({ name }) => LIMITS.test(name)));
  return { before: change?.from ?? 0, after: snapshots - 1 };
}

/** Sized for the fullest moment that was seen: the last snapshot may be of a quiet one. */
function recommendationOf(analyses: readonly Analysis[]): Timeline['recommendation'] {
  const demandOf = ({ recommendation: { demand } }: Analysis) => Math.max(demand?.entries ?? 0, demand?.high ?? 0);
  const from = analyses.reduce((most, analysis, at) => {
    const fullest = analyses[most];
    // Of equals the later: its commands know the settings of today.
    return !fullest || demandOf(analysis) >= demandOf(fullest) ? at : most;
  }, 0);
  const { recommendation } = analyses[from] as Analysis;
  const last = analyses.at(-1) as Analysis;
  const today = last.usage.max?.value;
  const isDone =
    recommendation.action === 'raise' &&
    today !== undefined &&
    recommendation.max !== undefined &&
    today >= recommendation.max;
  const { commands, demand, max, buckets } = recommendation;
  const aim = recommendation.ladder.find((step) => step.max === max);
  return {
    from,
    action: isDone ? 'leave' : recommendation.action,
    ...((isDone ? today : max) !== undefined && { max: isDone ? today : max }),
    ...(buckets !== undefined && { buckets: isDone ? (last.hash.buckets?.value ?? buckets) : buckets }),
    ...(demand && {
      demand: {
        low: demand.low,
        isLowerBound: demand.isLowerBound,
        ...(demand.high !== undefined && { high: demand.high }),
      },
    }),
    ...(!isDone && aim?.totalBytes !== undefined && { totalBytes: aim.totalBytes }),
    ...(!isDone && aim?.shareOfRam !== undefined && { shareOfRam: aim.shareOfRam }),
    commands: isDone
      ? { apply: [], verify: commands.verify, undo: [] }
      : { apply: commands.now, verify: commands.verify, undo: commands.rollback },
  };
}
