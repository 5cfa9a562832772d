/** Whether what the earlier report recommended was done, and whether it helped. */

import type { Analysis, Severity } from '../analysis/schema.ts';
import { settingNameOfKey } from '../parsers/settings-names.ts';
import type { Check, Fix, Interval, Point } from './schema.ts';

/** A table has its fullest moment once a day: before that has come and gone again, a fix has not been put to the test. */
const TEST_SECONDS = 86_400;

/** A loss that is larger than before by this factor is worse, not the same by another measurement. */
const WORSE = 1.2;

const RANK: Record<Severity, number> = { ok: 0, unknown: 0, notice: 1, warning: 2, critical: 3 };

/** A setting that the recommendation's commands set. */
interface Wanted {
  name: string;
  value: number;
}

/** What is compared: two snapshots, with what is known of the time before and between. */
export interface BeforeAndAfter {
  before: Analysis;
  after: Analysis;
  points: readonly Point[];
  intervals: readonly Interval[];
  /** Numbers of the two snapshots. */
  at: { before: number; after: number };
}

/** Checks each recommendation of the earlier snapshot in the later one. */
export function fixOf(both: BeforeAndAfter): Fix {
  const { before, after, at } = both;
  const wanted = wantedBy(before);
  const applied = appliedCheck(
    before,
    after,
    wanted.filter(({ name }) => name !== 'buckets'),
  );
  const buckets = bucketsCheck(
    before,
    after,
    wanted.find(({ name }) => name === 'buckets'),
  );
  const persisted = persistedCheck(after, wanted);
  const effective = effectiveCheck(both);
  const checks = [applied, buckets, persisted, effective?.check].filter((check) => check !== undefined);
  return { ...at, verdict: verdictOf(both, { applied: [applied, buckets], persisted, effective }), checks };
}

function verdictOf(
  { before, after, at, points, intervals }: BeforeAndAfter,
  checks: { applied: (Check | undefined)[]; persisted: Check | undefined; effective: Effective | undefined },
): Fix['verdict'] {
  const [was, is] = [RANK[before.verdict.severity], RANK[after.verdict.severity]];
  const { effective } = checks;
  const lossesGrew =
    effective?.after !== undefined && effective.after > WORSE * (effective.before ?? Number.POSITIVE_INFINITY);
  if (is > was || lossesGrew) return 'worse';
  if (was < RANK.warning) return 'nothing-to-fix';
  const applied = checks.applied.filter((check) => check !== undefined).map(({ result }) => result);
  if (applied.length > 0 && applied.every((result) => result === 'no')) return 'not-applied';
  if (is >= RANK.warning) return applied.length > 0 || is < was ? 'partly' : 'not-applied';
  // What the old limit would have refused and the new one holds is proof; a quiet hour is none.
  const held = (after.usage.peak?.value ?? 0) > (before.usage.max?.value ?? Number.POSITIVE_INFINITY);
  const seconds = intervals
    .filter(({ from, to }) => from >= at.before && to <= at.after)
    .reduce((sum, interval) => sum + (interval.seconds ?? 0), 0);
  const heldBetween = points
    .slice(at.before + 1, at.after + 1)
    .some(({ entries = 0 }) => entries > (before.usage.max?.value ?? Number.POSITIVE_INFINITY));
  if (!held && !heldBetween && seconds < TEST_SECONDS) return 'too-early';
  const isWhole = applied.every((result) => result === 'yes') && checks.persisted?.result !== 'no';
  return isWhole ? 'fixed' : 'partly';
}

/** What `sysctl -w` and the module parameter of the buckets were to set. */
function wantedBy({ recommendation }: Analysis): Wanted[] {
  return recommendation.commands.now.flatMap((command) => {
    const [, key, value] = /^sysctl -w ([\w.]+)=(\d+)$/.exec(command) ?? [];
    const [, hashsize] = /^echo (\d+) > \S+\/hashsize$/.exec(command) ?? [];
    if (hashsize !== undefined) return [{ name: 'buckets', value: Number(hashsize) }];
    const name = key === undefined ? undefined : settingNameOfKey(key);
    return name === undefined ? [] : [{ name, value: Number(value) }];
  });
}

/** The value of a setting; buckets are known by more than one name. */
function settingIn({ settings, hash }: Analysis, name: string): number | undefined {
  return name === 'buckets' ? hash.buckets?.value : settings.find((setting) => setting.name === name)?.value;
}

/** How far a setting has come from what it was to what it should be. */
function reached(from: number | undefined, now: number | undefined, wanted: number): Check['result'] {
  if (now === undefined) return 'not known';
  // More than what was recommended, in the direction in which it lies, is done as well.
  if (now === wanted || (from !== undefined && wanted > from && now > wanted)) return 'yes';
  if (from === undefined || now === from) return 'no';
  return Math.sign(now - from) === Math.sign(wanted - from) ? 'partly' : 'no';
}

function together(results: readonly Check['result'][]): Check['result'] {
  const known = results.filter((result) => result !== 'not known');
  if (known.length === 0) return 'not known';
  if (known.every((result) => result === 'yes')) return 'yes';
  return known.every((result) => result === 'no') ? 'no' : 'partly';
}

function appliedCheck(before: Analysis, after: Analysis, wanted: readonly Wanted[]): Check | undefined {
  const [first] = wanted;
  if (!first) return undefined;
  const result = together(
    wanted.map(({ name, value }) => reached(settingIn(before, name), settingIn(after, name), value)),
  );
  const [was, is] = [settingIn(before, first.name), settingIn(after, first.name)];
  return check('applied', result, { setting: first.name, wanted: first.value, was, is });
}

function bucketsCheck(before: Analysis, after: Analysis, wanted: Wanted | undefined): Check | undefined {
  if (!wanted) return undefined;
  const [was, is] = [settingIn(before, 'buckets'), settingIn(after, 'buckets')];
  return check('buckets', reached(was, is, wanted.value), { wanted: wanted.value, was, is });
}

/** Whether boot brings back what is in force: as the rule says, or, where it also judges other settings, by the lines themselves. */
function persistedCheck(after: Analysis, wanted: readonly Wanted[]): Check | undefined {
  if (wanted.length === 0) return undefined;
  const finding = after.findings.find(({ id }) => id === 'persistence');
  if (!finding || finding.severity === 'unknown') return check('persisted', 'not known', {});
  if (finding.severity === 'ok') return check('persisted', 'yes', {});
  const results = wanted.map(({ name }): Check['result'] => {
    const lines = after.settings.find((setting) => setting.name === name)?.persisted ?? [];
    return lines.some(({ value }) => Number(value) === settingIn(after, name)) ? 'yes' : 'no';
  });
  // The lines are there, and the rule has a doubt about them: they may come before the module.
  return check('persisted', together(results) === 'yes' ? 'partly' : together(results), {
    settings: wanted.map(({ name }) => name),
  });
}

/** Losses an hour, with the counter that they are counted by. */
interface Effective {
  check: Check;
  before?: number | undefined;
  after?: number | undefined;
}

function effectiveCheck({ before, after, intervals, at }: BeforeAndAfter): Effective | undefined {
  const counter = lossCounter(before);
  const [was, is] = [lossBefore(before, counter, intervals, at), lossAfter(after, counter, intervals, at)];
  const values = { counter, wasPerHour: was, isPerHour: is };
  if (was === undefined || is === undefined) return { check: check('effective', 'not known', values) };
  const result = is === 0 && was > 0 ? 'yes' : is < was ? 'partly' : 'no';
  return was === 0 && is === 0 ? undefined : { check: check('effective', result, values), before: was, after: is };
}

/** What a failure loses is counted by one counter: packets, entries that were evicted, or chains that were too long. */
function lossCounter({ verdict }: Analysis): string {
  if (verdict.failure === 'hash-chains') return 'chaintoolong';
  return verdict.kind === 'evicting' ? 'early_drop' : 'drop';
}

function lossBefore(
  before: Analysis,
  counter: string,
  intervals: readonly Interval[],
  at: BeforeAndAfter['at'],
): number | undefined {
  const known =
    perHour(
      intervals.find(({ to }) => to === at.before),
      counter,
    ) ?? duringPerHour(before, counter);
  const [total, uptime] = [before.drops.counters?.totals[counter], before.host.uptimeSeconds?.value];
  // The average since boot, where nothing tells of now.
  return known ?? (total !== undefined && uptime ? (3600 * total) / uptime : undefined);
}

/** What lies between the two snapshots was lost before the change or after it, which nobody knows: only what came later counts. */
function lossAfter(
  after: Analysis,
  counter: string,
  intervals: readonly Interval[],
  at: BeforeAndAfter['at'],
): number | undefined {
  const later = intervals.find(({ from, to }) => to === at.after && from > at.before);
  return perHour(later, counter) ?? duringPerHour(after, counter);
}

function perHour(interval: Interval | undefined, counter: string): number | undefined {
  const perSecond = interval?.deltas.find(({ name }) => name === counter)?.perSecond;
  return perSecond === undefined ? undefined : 3600 * perSecond;
}

function duringPerHour({ drops }: Analysis, counter: string): number | undefined {
  const during = drops.duringCapture;
  if (!during || during.seconds <= 0) return undefined;
  const counted = { drop: during.drop, early_drop: during.earlyDrop, chaintoolong: during.chainTooLong }[counter];
  return counted === undefined ? undefined : (3600 * counted) / during.seconds;
}

function check(
  what: Check['what'],
  result: Check['result'],
  values: Record<string, number | string | boolean | string[] | undefined>,
): Check {
  const known = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { what, result, says: `${what}/${result.replace(' ', '-')}`, values: Object.fromEntries(known) };
}
