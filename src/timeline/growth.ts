/**
 * Whether the table grows, how fast, and when it would be full; or why that cannot be told.
 *
 * A table has a rhythm of its own: day and night, week and weekend. What grows is its daily peak, and of each day only that is looked at.
 */
import { median, medianSorted, quantileSorted } from 'simple-statistics';
import { FULL } from '../analysis/usage.ts';
import type { Growth, Point as WholePoint } from './schema.ts';

/** What is looked at of a snapshot. */
type Point = Pick<WholePoint, 'capturedAt' | 'entries' | 'max' | 'unlimited'>;

/** Days that a trend must rest on: with four, chance alone has all in a row one time in twelve. */
const LEAST_DAYS = 5;

/** And the time between the first and the last of them. */
const LEAST_SPAN_DAYS = 4;

/** Of the normal distribution, for 95 of 100. */
const Z_95 = 1.96;

const DAY_MS = 86_400_000;

/** The fullest moment of a day. */
interface Peak {
  day: number;
  entries: number;
}

/** What the snapshots of one host tell of growth. */
export function growthOf(points: readonly Point[]): Growth {
  const refuse = (refused: Growth['refused'], days: readonly Peak[] = []): Growth => ({
    refused,
    points: days.length,
    days: spanOf(days),
  });
  const last = points.at(-1);
  if (!last || last.unlimited) return refuse('unlimited');
  const timed = points.filter(({ capturedAt, entries }) => capturedAt !== undefined && entries !== undefined);
  if (timed.length < points.length / 2) return refuse('no-times');
  // Under another limit the table was another one: only what came after the last change is of one kind.
  const since = points.findLastIndex(({ max }) => max !== last.max) + 1;
  const ofOneKind = timed.filter((point) => points.indexOf(point) >= since);
  const peaks = dailyPeaks(ofOneKind);
  const isShort = peaks.length < LEAST_DAYS || spanOf(peaks) < LEAST_SPAN_DAYS;
  if (isShort && since > 0) return refuse('limit-changed', peaks);
  if (peaks.length < LEAST_DAYS) return refuse('too-few', peaks);
  if (isShort) return refuse('too-short', peaks);
  if (last.max !== undefined && ofOneKind.some(({ entries = 0 }) => entries >= FULL * (last.max ?? 0))) {
    return refuse('cut-off', peaks);
  }
  const perDay = slopeOf(peaks);
  const known = { perDay, points: peaks.length, days: spanOf(peaks) };
  if (perDay.low <= 0 && perDay.high >= 0) return { ...known, refused: 'no-trend' };
  if (perDay.high < 0 || last.max === undefined) return known;
  const left = Math.max(0, last.max - levelOf(peaks, perDay.likely));
  return { ...known, daysToFull: { low: left / perDay.high, ...(perDay.low > 0 && { high: left / perDay.low }) } };
}

function dailyPeaks(points: readonly Point[]): Peak[] {
  const peaks = new Map<number, Peak>();
  for (const { capturedAt = '', entries = 0 } of points) {
    const day = Date.parse(capturedAt) / DAY_MS;
    const peak = peaks.get(Math.floor(day));
    if (!peak || entries > peak.entries) peaks.set(Math.floor(day), { day, entries });
  }
  return [...peaks.values()].sort((a, b) => a.day - b.day);
}

function spanOf(peaks: readonly Peak[]): number {
  const [first, last] = [peaks[0], peaks.at(-1)];
  return first && last ? last.day - first.day : 0;
}

/**
 * The slope by Theil and Sen, the median of the slopes of all pairs, which a few outliers do not move, with its confidence interval by the
 * distribution of Kendall's S (P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968).
 */
function slopeOf(peaks: readonly Peak[]): NonNullable<Growth['perDay']> {
  const slopes = peaks
    .flatMap((a, at) => peaks.slice(at + 1).map((b) => (b.entries - a.entries) / (b.day - a.day)))
    .sort((a, b) => a - b);
  const n = peaks.length;
  const spread = (Z_95 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)) / slopes.length;
  return {
    low: quantileSorted(slopes, Math.max(0, (1 - spread) / 2)),
    likely: medianSorted(slopes),
    high: quantileSorted(slopes, Math.min(1, (1 + spread) / 2)),
  };
}

/** Where the trend stands on the last day; a single quiet or busy day does not move it. */
function levelOf(peaks: readonly Peak[], perDay: number): number {
  const end = peaks.at(-1)?.day ?? 0;
  return median(peaks.map(({ day, entries }) => entries + perDay * (end - day)));
}
