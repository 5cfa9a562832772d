/** Whether what the earlier report recommended was done, and whether it helped. */

import type { Analysis, Severity } from '../analysis/schema.ts';
import { settingNameOfKey } from '../parsers/settings-names.ts';
import { type History, severityAt } from './past.ts';
import type { Check, Fix, Interval, Point } from './schema.ts';

/** A table has its fullest moment once a day: before that has come and gone again, a fix has not been put to the test. */
const TEST_SECONDS = 86_400;

/** A loss that is larger than before by this factor is worse, not the same by another measurement. */
const WORSE = 1.2;

/** And it is more than chance: so many standard deviations of a Poisson distribution. */
const SIGMAS = 3;

/** Losses that were to be expected, and of which none came, so that it is no chance: with 3, one time in 20. */
const EXPECTED = 3;

const RANK: Record<Severity, number> = { ok: 0, unknown: 0, notice: 1, warning: 2, critical: 3 };

/** A setting that the recommendation's commands set. */
interface Wanted {
  name: string;
  value: number;
}

/** What is compared: two snapshots, with what is known of the time before and between. */
interface BeforeAndAfter extends History {
  before: Analysis;
  after: Analysis;
  /** Numbers of the two snapshots. */
  at: { before: number; after: number };
}

/** Checks each recommendation of the earlier snapshot in the later one. */
export function fixOf(history: History, at: { before: number; after: number }): Fix {
  const [before, after] = [history.analyses[at.before] as Analysis, history.analyses[at.after] as Analysis];
  const both: BeforeAndAfter = { ...history, before, after, at };
  if (at.before === at.after) {
    return isIll(before.verdict.severity)
      ? { ...at, verdict: 'too-early', undecided: 'one-snapshot', checks: [] }
      : { ...at, verdict: 'nothing-to-fix', checks: [] };
  }
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
  const testedSeconds = secondsTested(both);
  return {
    ...at,
    ...verdictOf(both, { applied: [applied, buckets], persisted, effective, testedSeconds }),
    checks,
    testedSeconds,
  };
}

const isIll = (severity: Severity) => RANK[severity] >= RANK.warning;

function verdictOf(
  both: BeforeAndAfter,
  checks: {
    applied: (Check | undefined)[];
    persisted: Check | undefined;
    effective: Effective | undefined;
    testedSeconds: number;
  },
): Pick<Fix, 'verdict' | 'undecided'> {
  const { before, at, points } = both;
  const { effective } = checks;
  const [earlier, later] = [severityAt(at.before, both), severityAt(at.after, both)];
  // A snapshot that shows too little to judge it is neither better nor worse than another.
  if (earlier === 'unknown') return { verdict: 'nothing-to-fix', undecided: 'before' };
  if (later === 'unknown' && isIll(earlier)) return { verdict: 'too-early', undecided: 'after' };
  const [was, is] = [RANK[earlier], RANK[later]];
  if (is > was || effective?.grew) return { verdict: 'worse' };
  if (!isIll(earlier)) return { verdict: 'nothing-to-fix' };
  const applied = checks.applied.filter((check) => check !== undefined).map(({ result }) => result);
  if (applied.length > 0 && applied.every((result) => result === 'no')) return { verdict: 'not-applied' };
  if (isIll(later)) {
    const wasDone = applied.includes('yes') || applied.includes('partly');
    const losesLess = effective?.check.result === 'partly' || effective?.check.result === 'yes';
    if (wasDone || losesLess || is < was) return { verdict: 'partly' };
    return applied.length > 0 ? { verdict: 'too-early', undecided: 'after' } : { verdict: 'not-applied' };
  }
  // What the old limit would have refused and the new one holds is proof; a quiet hour is none.
  const oldMax = before.usage.max?.value ?? Number.POSITIVE_INFINITY;
  const held =
    !before.usage.unlimited &&
    points.slice(at.before + 1, at.after + 1).some(({ entries = 0, max = 0 }) => entries > oldMax && max > oldMax);
  if (!held && checks.testedSeconds < TEST_SECONDS) return { verdict: 'too-early' };
  const isWhole =
    applied.every((result) => result === 'yes') &&
    ['yes', 'not known', undefined].includes(checks.persisted?.result) &&
    effective?.check.result !== 'no';
  return { verdict: isWhole ? 'fixed' : 'partly' };
}

/**
 * How long what is in force has been put to the test. When within an interval a setting was changed nobody knows: that one counts only if
 * nothing was lost in all of it.
 */
function secondsTested({ before, points, intervals, at }: BeforeAndAfter): number {
  const counter = lossCounter(before);
  return intervals
    .filter(({ from, to }) => from >= at.before && to <= at.after)
    .reduce((sum, interval) => {
      if (interval.from > at.before) return sum + (interval.seconds ?? 0);
      const loss = lossIn(interval, counter, points);
      return sum + (loss?.count === 0 ? loss.seconds : 0);
    }, 0);
}

/** What `sysctl -w` and the module parameter of the buckets were to set. */
export function wantedBy({ recommendation }: Analysis): Wanted[] {
  return recommendation.commands.now.flatMap((command) => settingOf(command) ?? []);
}

/** The setting that a command of ours sets. */
export function settingOf(command: string): Wanted | undefined {
  const [, key, value] = /^sysctl -w ([\w.]+)=(\d+)$/.exec(command) ?? [];
  const [, hashsize] = /^echo (\d+) > \S+\/hashsize$/.exec(command) ?? [];
  if (hashsize !== undefined) return { name: 'buckets', value: Number(hashsize) };
  const name = key === undefined ? undefined : settingNameOfKey(key);
  return name === undefined ? undefined : { name, value: Number(value) };
}

/** The value of a setting; buckets are known by more than one name. */
export function settingIn({ settings, hash }: Analysis, name: string): number | undefined {
  return name === 'buckets' ? hash.buckets?.value : settings.find((setting) => setting.name === name)?.value;
}

/** How far a setting has come from what it was to what it should be. */
function reached({ name, value: wanted }: Wanted, from: number | undefined, now: number | undefined): Check['result'] {
  if (now === undefined) return 'not known';
  if (now === wanted) return 'yes';
  if (from === undefined || now === from) return 'no';
  // More than what was recommended, in its direction, is done as well; but a limit that was to be lowered may be too low.
  const isBeyond = wanted > from ? now > wanted : now < wanted && name.includes('_timeout');
  if (isBeyond && wanted !== from) return 'yes';
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
    wanted.map((each) => reached(each, settingIn(before, each.name), settingIn(after, each.name))),
  );
  const [was, is] = [settingIn(before, first.name), settingIn(after, first.name)];
  return check('applied', result, { setting: first.name, wanted: first.value, was, is });
}

function bucketsCheck(before: Analysis, after: Analysis, wanted: Wanted | undefined): Check | undefined {
  if (!wanted) return undefined;
  const [was, is] = [settingIn(before, 'buckets'), settingIn(after, 'buckets')];
  return check('buckets', reached(wanted, was, is), { wanted: wanted.value, was, is });
}

/** Whether boot brings back what is in force: as the rule says of these settings, whatever it says of others. */
function persistedCheck(after: Analysis, wanted: readonly Wanted[]): Check | undefined {
  if (wanted.length === 0) return undefined;
  const finding = after.findings.find(({ id }) => id === 'persistence');
  if (!finding || finding.severity === 'unknown') return check('persisted', 'not known', {});
  if (finding.severity === 'ok') return check('persisted', 'yes', {});
  const results = wanted.map(({ name }): Check['result'] => {
    const lines = after.settings.find((setting) => setting.name === name)?.persisted ?? [];
    const isThere = lines.some(({ value }) => Number(value) === settingIn(after, name));
    if (!finding.evidence.some(({ what }) => what.endsWith(`conntrack_${name}`))) return isThere ? 'yes' : 'not known';
    // A line that is there, and about which the rule has a doubt: it may come before the module, or another one after it.
    return isThere ? 'partly' : 'no';
  });
  return check('persisted', together(results), { settings: wanted.map(({ name }) => name) });
}

/** What was lost, and in which time. */
interface Loss {
  count: number;
  seconds: number;
}

interface Effective {
  check: Check;
  /** Clearly more is lost than before. */
  grew?: boolean;
}

const perHour = ({ count, seconds }: Loss) => (3600 * count) / seconds;

function effectiveCheck({ before, after, intervals, points, at }: BeforeAndAfter): Effective | undefined {
  const counter = lossCounter(before);
  const losses = (from: number, to: number) =>
    lossOfADay(
      intervals.filter((interval) => interval.from >= from && interval.to <= to),
      counter,
      points,
    );
  const seen = [lossDuring(before, counter), losses(0, at.before)];
  // A capture takes seconds, in which by chance nothing was lost: then the average since boot says more.
  const was = seen[1] ?? (seen[0]?.count ? seen[0] : (lossSinceBoot(before, counter) ?? seen[0]));
  // What lies between the two snapshots was lost before the change or after it, which nobody knows; unless nothing was lost in all of it.
  const between = losses(at.before, at.before + 1);
  const is = losses(at.before + 1, at.after) ?? (between?.count === 0 ? between : lossDuring(after, counter));
  const values = { counter, wasPerHour: was && perHour(was), isPerHour: is && perHour(is) };
  if (!was || !is) return { check: check('effective', 'not known', values) };
  if (was.count === 0 && is.count === 0) return undefined;
  const expected = (was.count / was.seconds) * is.seconds;
  const grew = perHour(is) > WORSE * perHour(was) && is.count > expected + SIGMAS * Math.sqrt(Math.max(expected, 1));
  if (is.count === 0 && expected < EXPECTED) {
    return { check: check('effective', 'not known', { ...values, tooShort: true }) };
  }
  const result = is.count === 0 ? 'yes' : perHour(is) < perHour(was) ? 'partly' : 'no';
  return { check: check('effective', result, values), grew };
}

/** What a failure loses is counted by one counter: packets, entries that were evicted, or chains that were too long. */
function lossCounter({ verdict }: Analysis): string {
  if (verdict.failure === 'hash-chains') return 'chaintoolong';
  return verdict.kind === 'evicting' ? 'early_drop' : 'drop';
}

/** The last day of these intervals, so that it has its busy hours in it; or as much of one as is known. */
function lossOfADay(intervals: readonly Interval[], counter: string, points: readonly Point[]): Loss | undefined {
  const sum = { count: 0, seconds: 0 };
  for (const interval of intervals.toReversed()) {
    const loss = lossIn(interval, counter, points);
    if (!loss) continue;
    sum.count += loss.count;
    sum.seconds += loss.seconds;
    if (sum.seconds >= TEST_SECONDS) break;
  }
  return sum.seconds > 0 ? sum : undefined;
}

function lossIn(interval: Interval, counter: string, points: readonly Point[]): Loss | undefined {
  const delta = interval.deltas.find(({ name }) => name === counter);
  if (delta?.delta === undefined) return undefined;
  const uptime = delta.how === 'since boot' ? points[interval.to]?.uptimeSeconds : undefined;
  const seconds = delta.how === 'since the namespace' ? undefined : (uptime ?? interval.seconds);
  return seconds === undefined || seconds <= 0 ? undefined : { count: delta.delta, seconds };
}

function lossDuring({ drops }: Analysis, counter: string): Loss | undefined {
  const during = drops.duringCapture;
  if (!during || during.seconds <= 0) return undefined;
  const count = { drop: during.drop, early_drop: during.earlyDrop, chaintoolong: during.chainTooLong }[counter];
  return count === undefined ? undefined : { count, seconds: during.seconds };
}

function lossSinceBoot({ drops, host }: Analysis, counter: string): Loss | undefined {
  const [count, seconds] = [drops.counters?.totals[counter], host.uptimeSeconds?.value];
  return count === undefined || !seconds ? undefined : { count, seconds };
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
