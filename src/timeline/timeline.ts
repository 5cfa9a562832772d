/** What follows from several snapshots of one host. No I/O, no clock: the same analyses give the same timeline. */
import { keyOf } from '../analysis/kernel.ts';
import type { Analysis, Recommendation } from '../analysis/schema.ts';
import { FILLING } from '../analysis/usage.ts';
import { kernelAtLeast } from '../parsers/host.ts';
import { fillersOf, findingChanges } from './changes.ts';
import { fixOf, settingIn, settingOf, wantedBy } from './fix.ts';
import { growthOf } from './growth.ts';
import type { Host, Named } from './hosts.ts';
import { intervalOf } from './interval.ts';
import { type History, recommendationAt } from './past.ts';
import { pointOf } from './points.ts';
import type { Interval, Timeline } from './schema.ts';

/** Settings whose change is what a fix consists of. */
const LIMITS = /^(?:max|buckets|.*_timeout.*|module parameter hashsize)$/;

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
  const intervals = snapshots.slice(1).map((later, at) => intervalOf(at, at + 1, snapshots[at] as Named, later));
  const history = { analyses, points, intervals };
  const at = comparedBy(intervals, analyses);
  const [before, after] = [analyses[at.before] as Analysis, analyses[at.after] as Analysis];
  return {
    schemaVersion: 1,
    tool: { name: 'conntrack-report', version: toolVersion },
    host: {
      identifiedBy,
      ...(last.host.hostname && { hostname: last.host.hostname.value }),
      ...(last.bundle.anonymized && { anonymized: last.bundle.anonymized }),
      ...(last.host.osName && { osName: last.host.osName.value }),
      ...(last.host.memTotalBytes && { memTotalBytes: last.host.memTotalBytes.value }),
      ...(last.host.cpus && { cpus: last.host.cpus.value }),
    },
    points,
    intervals,
    findings: findingChanges(before, after),
    fillers: fillersOf(points[at.before] as Timeline['points'][number], points[at.after] as Timeline['points'][number]),
    fix: fixOf(history, at),
    growth: growthOf(points, intervals),
    recommendation: recommendationOf(history),
    notes,
  };
}

/**
 * The last snapshot is held against the one before the last change that was recommended, whatever was changed since; where none was
 * recommended, before the last change of a limit; where none was changed, against the first.
 */
function comparedBy(intervals: readonly Interval[], analyses: readonly Analysis[]): { before: number; after: number } {
  const isWanted = ({ from, settings }: Interval) => {
    const wanted = wantedBy(analyses[from] as Analysis);
    return settings.some((setting) => wanted.some(({ name }) => name === setting.name));
  };
  const change =
    intervals.findLast(isWanted) ??
    intervals.findLast(({ settings }) => settings.some(({ name }) => LIMITS.test(name)));
  return { before: change?.from ?? 0, after: analyses.length - 1 };
}

/**
 * Sized for the fullest moment that was seen: the last snapshot may be of a quiet one. A moment under other timeouts does not count, nor one
 * whose cause is not the limit: nobody sizes a table for a flood.
 */
function recommendationOf(history: History): Timeline['recommendation'] {
  const { analyses, intervals } = history;
  const end = analyses.length - 1;
  const last = analyses[end] as Analysis;
  const since = intervals.findLast(({ settings }) => settings.some(({ name }) => name.includes('_timeout')))?.to ?? 0;
  const at = (index: number) => recommendationAt(index, history) as Recommendation;
  const demandOf = ({ demand }: Recommendation) => Math.max(demand?.entries ?? 0, demand?.high ?? 0);
  const isOfTheLimit = ({ action }: Recommendation) => action !== 'fix-cause' && action !== 'cannot-tell';
  let from = end;
  for (let index = end; isOfTheLimit(at(end)) && index >= since; index--) {
    // Of equals the later: it knows the settings of today.
    if (isOfTheLimit(at(index)) && demandOf(at(index)) > demandOf(at(from))) from = index;
  }
  const recommendation = loweredSince({ ...(analyses[from] as Analysis), recommendation: at(from) }, last) ?? at(from);
  const { demand } = recommendation;
  return {
    from,
    ...asOfToday(recommendation, last),
    ...(demand && {
      demand: {
        low: demand.low,
        isLowerBound: demand.isLowerBound,
        ...(demand.high !== undefined && { high: demand.high }),
      },
    }),
  };
}

/** Where the fullest moment fitted into a limit that has been lowered since, that limit is what it takes. */
function loweredSince({ recommendation, usage, hash }: Analysis, last: Analysis): Recommendation | undefined {
  const [before, today] = [usage.max?.value, last.usage.max?.value];
  const key = keyOf(last.usage.max);
  const entries = Math.max(recommendation.demand?.entries ?? 0, recommendation.demand?.high ?? 0);
  if (recommendation.action !== 'leave' || !before || !today || key === undefined) return undefined;
  if (before <= today || entries <= FILLING * today) return undefined;
  const buckets = [hash.buckets?.value, last.hash.buckets?.value];
  const bucketsKey = keyOf(last.hash.buckets);
  // Before 4.9 that key cannot be written.
  const canGrow = kernelAtLeast(last.host.kernelRelease?.value ?? '', 4, 9) === true && bucketsKey !== undefined;
  const set = (max: number, size: number | undefined) => [
    ...(canGrow && size !== undefined ? [`sysctl -w ${bucketsKey}=${size}`] : []),
    `sysctl -w ${key}=${max}`,
  ];
  return {
    ...recommendation,
    action: 'raise',
    commands: {
      ...recommendation.commands,
      now: set(before, buckets[0]),
      verify: [`sysctl ${key}`, 'sh collect.sh'],
      rollback: set(today, buckets[1]).toReversed(),
    },
  };
}

/** What is left to be done of an earlier recommendation, and what takes that back to what is in force today. */
function asOfToday(
  { action, max, buckets, ladder, commands }: Recommendation,
  last: Analysis,
): Omit<Timeline['recommendation'], 'from' | 'demand'> {
  const isLeft = (command: string) => {
    const wanted = settingOf(command);
    const today = wanted && settingIn(last, wanted.name);
    if (!wanted || today === undefined) return true;
    // More than what was recommended is not taken back, but where less was recommended.
    return action === 'lower' && wanted.name === 'max' ? today > wanted.value : today < wanted.value;
  };
  const sizes = ['raise', 'raise-buckets', 'lower', 'set-a-limit'].includes(action);
  const apply = sizes && !last.usage.unlimited ? commands.now.filter(isLeft) : commands.now;
  const left = new Set(apply.map((command) => settingOf(command)?.name));
  const today = { max: last.usage.max?.value, buckets: last.hash.buckets?.value };
  const isDone = sizes && commands.now.length > 0 && apply.length === 0;
  const undo = commands.rollback.flatMap((command) => {
    const setting = settingOf(command);
    const value = setting && settingIn(last, setting.name);
    if (sizes && setting && !left.has(setting.name)) return [];
    return value === undefined ? [command] : [command.replace(/\d+(?=$| > )/, String(value))];
  });
  const target = {
    max: left.has('max') || max === undefined || action === 'fix-cause' ? max : (today.max ?? max),
    buckets: left.has('buckets') || buckets === undefined ? buckets : (today.buckets ?? buckets),
  };
  const steps = [...ladder, ...last.recommendation.ladder];
  const aim = steps.find((step) => step.max === target.max);
  return {
    action: isDone ? 'leave' : action === 'raise' && !left.has('max') && left.has('buckets') ? 'raise-buckets' : action,
    ...(target.max !== undefined && { max: target.max }),
    ...(target.buckets !== undefined && { buckets: target.buckets }),
    ...(aim?.totalBytes !== undefined && { totalBytes: aim.totalBytes }),
    ...(aim?.shareOfRam !== undefined && { shareOfRam: aim.shareOfRam }),
    commands: { apply, verify: commands.verify, undo: isDone ? [] : undo },
  };
}
