/**
 * Whether the table grows, how fast, and when it would be full; or why that cannot be told.
 *
 * A table has rhythms of its own, day and night, week and weekend, and neither is growth. What grows is the daily peak: of each day only
 * that is looked at, and it is held only against the peaks of days of its kind. A day that was not looked at around the clock shows its
 * peak only if it was always looked at about the same time.
 */
import { median, medianSorted } from 'simple-statistics';
import { FULL } from '../analysis/usage.ts';
import { rankOfBound } from './kendall.ts';
import type { Interval as Between, Growth, Point as Moment } from './schema.ts';

/** What is looked at of a snapshot, and of what lies between two. */
type Point = Pick<Moment, 'capturedAt' | 'entries' | 'max' | 'unlimited' | 'lastFullAt'>;
type Interval = Pick<Between, 'to' | 'settings' | 'deltas'>;

/** Days that a trend must rest on: with four, chance alone has all in a row one time in twelve. */
const LEAST_DAYS = 5;

/** A day without a longer gap between its snapshots shows its peak: the busy part of a day is longer. */
const LONGEST_GAP_HOURS = 6;

/** Snapshots that are apart by less are of the same time of day: a time that is kept by local clocks moves by an hour in summer. */
const SAME_TIME_HOURS = 2;

/** A trend is not drawn out further than so many times the days that it was seen in: a week tells of a quarter of a year. */
const HORIZON = 13;

const DAY_MS = 86_400_000;

/** The fullest moment of a day. */
interface Peak {
  /** Number of the day since 1970, which was a Thursday. */
  day: number;
  hour: number;
  entries: number;
}

/** What the snapshots of one host tell of growth. */
export function growthOf(points: readonly Point[], intervals: readonly Interval[]): Growth {
  const begin = beginOf(points, intervals);
  const kept = { ...(begin.changed.length > 0 && { changed: begin.changed }) };
  const refuse = (refused: Growth['refused'], peaks: readonly Peak[] = []): Growth => ({
    refused,
    ...kept,
    points: peaks.length,
    days: spanOf(peaks),
  });
  const last = points.at(-1);
  if (!last || last.unlimited) return refuse('unlimited');
  const isTimed = ({ capturedAt, entries }: Point) => capturedAt !== undefined && entries !== undefined;
  if (points.filter(isTimed).length < points.length / 2) return refuse('no-times');
  const ofOneKind = points.slice(begin.at).filter(isTimed);
  const peaks = dailyPeaks(ofOneKind);
  if (peaks.length < LEAST_DAYS) return refuse(begin.at > 0 ? 'limit-changed' : 'too-few', peaks);
  if (wasFull(ofOneKind, intervals.slice(begin.at), last.max)) return refuse('cut-off', peaks);
  const perDay = slopeOf(peaks);
  if (!perDay) return refuse('too-short', peaks);
  const known = { perDay, ...kept, points: peaks.length, days: spanOf(peaks) };
  if (perDay.low <= 0 && perDay.high >= 0) return { ...known, refused: 'no-trend' };
  const daysToFull = perDay.low > 0 && last.max !== undefined ? fullIn(peaks, perDay, last.max) : undefined;
  return { ...known, ...(daysToFull && { daysToFull }) };
}

/** Where the present kind of table begins: with the last change of the limit, or of a timeout, which is what decides how long entries stay. */
function beginOf(points: readonly Point[], intervals: readonly Interval[]): { at: number; changed: string[] } {
  const max = points.findLast((point) => point.max !== undefined)?.max;
  const limit = points.findLastIndex((point) => point.max !== undefined && point.max !== max) + 1;
  const timeouts = (interval: Interval | undefined) =>
    interval?.settings.flatMap(({ name }) => (name.includes('_timeout') ? [name] : [])) ?? [];
  const last = intervals.findLast((interval) => timeouts(interval).length > 0);
  const at = Math.max(limit, last?.to ?? 0);
  return { at, changed: [...(limit === at && at > 0 ? ['max'] : []), ...(last?.to === at ? timeouts(last) : [])] };
}

/** A table that was full grew no further: what was refused or evicted is not in its peaks. */
function wasFull(points: readonly Point[], intervals: readonly Interval[], max: number | undefined): boolean {
  if (max !== undefined && points.some(({ entries = 0 }) => entries >= FULL * max)) return true;
  const counted = (name: string) =>
    intervals.some(({ deltas }) => deltas.some((delta) => delta.name === name && (delta.delta ?? 0) > 0));
  const [first = ''] = points.map(({ capturedAt }) => capturedAt);
  const wasLogged = points.some(
    ({ lastFullAt }) => lastFullAt !== undefined && Date.parse(lastFullAt) >= Date.parse(first),
  );
  // Packets are dropped for other reasons, too; and a line of the log may be of another namespace.
  return counted('early_drop') || (counted('drop') && wasLogged);
}

function dailyPeaks(points: readonly Point[]): Peak[] {
  const days = new Map<number, Peak[]>();
  for (const { capturedAt = '', entries = 0 } of points) {
    const time = Date.parse(capturedAt) / DAY_MS;
    const day = Math.floor(time);
    days.set(day, [...(days.get(day) ?? []), { day, hour: 24 * (time - day), entries }]);
  }
  const ofWholeDays = [...days.values()].filter((day) => longestGap(day) <= LONGEST_GAP_HOURS).map(fullest);
  const comparable = ofWholeDays.length >= LEAST_DAYS ? ofWholeDays : atOneTime([...days.values()]);
  return comparable.sort((a, b) => a.day - b.day);
}

const fullest = (day: readonly Peak[]) => day.reduce((most, each) => (each.entries > most.entries ? each : most));

function longestGap(day: readonly Peak[]): number {
  const hours = day.map(({ hour }) => hour).sort((a, b) => a - b);
  return Math.max(...hours.map((hour, at) => (hours[at + 1] ?? (hours[0] ?? 0) + 24) - hour));
}

/** Of the time of day that most days have a snapshot of, the fullest of each; of times that as many have, the fullest. */
function atOneTime(days: readonly Peak[][]): Peak[] {
  const weight = (peaks: readonly Peak[]) => peaks.reduce((sum, { entries }) => sum + entries, 0);
  let best: Peak[] = [];
  for (const hour of new Set(days.flat().map((each) => Math.round(each.hour)))) {
    const near = days.map((day) => day.filter((each) => apart(each.hour, hour) <= SAME_TIME_HOURS));
    const peaks = near.filter((day) => day.length > 0).map(fullest);
    if (peaks.length > best.length || (peaks.length === best.length && weight(peaks) > weight(best))) best = peaks;
  }
  return best;
}

function apart(hour: number, other: number): number {
  const distance = Math.abs(hour - other) % 24;
  return Math.min(distance, 24 - distance);
}

function spanOf(peaks: readonly Peak[]): number {
  const [first, last] = [peaks[0], peaks.at(-1)];
  return first && last ? last.day - first.day : 0;
}

/** Days that may be held against each other: working days, and those of the weekend. */
function byKind(peaks: readonly Peak[]): Peak[][] {
  const isWeekend = ({ day }: Peak) => [2, 3].includes(day % 7);
  return [peaks.filter((peak) => !isWeekend(peak)), peaks.filter(isWeekend)].filter((each) => each.length > 0);
}

/**
 * The slope by Theil and Sen, the median of the slopes of all pairs, which a few outliers do not move, of pairs of one season each (R. M.
 * Hirsch, J. R. Slack, R. A. Smith, "Techniques of trend analysis for monthly water quality data", 1982), and its confidence interval by
 * the distribution of Kendall's S (P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968).
 *
 * @returns nothing where there are too few pairs for an interval
 */
function slopeOf(peaks: readonly Peak[]): Growth['perDay'] {
  const kinds = byKind(peaks);
  const slopes = kinds
    .flatMap((kind) =>
      kind.flatMap((a, at) => kind.slice(at + 1).map((b) => (b.entries - a.entries) / (b.day - a.day))),
    )
    .sort((a, b) => a - b);
  const rank = rankOfBound(kinds.map((kind) => kind.length));
  const [low, high] = [slopes[rank - 1], slopes[slopes.length - rank]];
  return low === undefined || high === undefined ? undefined : { low, likely: medianSorted(slopes), high };
}

/** When the limit is reached at the earliest, from the highest of the peaks on, and at the latest, from where the busier days usually are. */
function fullIn(peaks: readonly Peak[], perDay: NonNullable<Growth['perDay']>, max: number): Growth['daysToFull'] {
  const end = peaks.at(-1)?.day ?? 0;
  const today = byKind(peaks).map((kind) => kind.map(({ day, entries }) => entries + perDay.likely * (end - day)));
  const low = Math.max(0, max - Math.max(...today.flat())) / perDay.high;
  const high = Math.max(0, max - Math.max(...today.map(median))) / perDay.low;
  const horizon = HORIZON * spanOf(peaks);
  return low > horizon ? undefined : { low, ...(high <= horizon && { high }) };
}
