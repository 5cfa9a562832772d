/** What is said of growth, and what is refused. */
import { describe, expect, test } from 'vitest';
import { growthOf } from '../../src/timeline/growth.ts';
import { rankOfBound } from '../../src/timeline/kendall.ts';
import type { Interval, Point } from '../../src/timeline/schema.ts';
import { BOOT_B, later, type Moment, timeline } from './captures.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** A point of the timeline so many days after noon of a Friday. */
function point(days: number, entries: number, more: Partial<Point> = {}): Point {
  return {
    name: `${days}`,
    capturedAt: later(Math.round(days * DAY)).at,
    entries,
    max: 65_536,
    unlimited: false,
    classes: [],
    sources: [],
    verdict: { kind: 'healthy', severity: 'ok' },
    recommended: { action: 'leave' },
    ...more,
  };
}

/** A point at each noon. */
const daily = (entries: number[], more: Partial<Point> = {}) => entries.map((each, day) => point(day, each, more));

/** Intervals between so many points, in which this was counted and set. */
const quiet = (points: readonly Point[], more: Record<number, Partial<Interval>> = {}): Interval[] =>
  points.slice(1).map((_, at) => ({ from: at, to: at + 1, deltas: [], settings: [], ...more[at] }));

const grown = (points: readonly Point[], more: Record<number, Partial<Interval>> = {}) =>
  growthOf(points, quiet(points, more));

/** Two weeks from a Friday on, two weekends in them, with some noise. */
const NOISE = [12, -30, 4, 25, -8, 0, 17, -22, 9, 31, -15, 3, -4, 20];
const FORTNIGHT = NOISE.map((noise, day) => 20_000 + 500 * day + noise - ([1, 2].includes(day % 7) ? 6000 : 0));

/** By the book: the slopes of all pairs of a kind, by two loops, and their median. */
function theilSen(values: { day: number; entries: number; weekend: boolean }[]) {
  const slopes: number[] = [];
  for (const a of values)
    for (const b of values)
      if (a.day < b.day && a.weekend === b.weekend) slopes.push((b.entries - a.entries) / (b.day - a.day));
  slopes.sort((x, y) => x - y);
  const half = slopes.length / 2;
  const likely = Number.isInteger(half)
    ? ((slopes[half - 1] ?? 0) + (slopes[half] ?? 0)) / 2
    : slopes[Math.floor(half)];
  return { slopes, likely };
}

/** How many of all orders of n values have k pairs out of order, by writing all orders down. */
function inversionsOfAll(n: number): number[] {
  const counts: number[] = [];
  const go = (left: number[], found: number) => {
    if (left.length === 0) counts[found] = (counts[found] ?? 0) + 1;
    for (const [at, value] of left.entries()) {
      const rest = left.toSpliced(at, 1);
      go(rest, found + rest.filter((other) => other < value).length);
    }
  };
  go(
    Array.from({ length: n }, (_, i) => i),
    0,
  );
  return counts;
}

describe('Sen’s interval', () => {
  test.each([2, 3, 4, 5, 6, 7])('%i values: as counted over all their orders', (n) => {
    const counts = inversionsOfAll(n);
    const all = counts.reduce((sum, each) => sum + each, 0);
    let [rank, below] = [0, 0];
    while (2 * (below + (counts[rank] ?? 0)) <= 0.05 * all) below += counts[rank++] ?? 0;
    expect(rankOfBound([n])).toBe(rank);
  });

  // Kendall, Rank Correlation Methods, table of S: the two-sided 5 % points for 5, 6, 8 and 10 values are 10, 13, 18 and 23.
  test.each([
    [4, 0],
    [5, 1],
    [6, 2],
    [8, 6],
    [10, 12],
  ])('%i values: the published critical value', (n, rank) => {
    expect(rankOfBound([n])).toBe(rank);
  });

  test('five working days and a weekend: 6 of 240 orders on either side are 5 %', () => {
    expect(rankOfBound([5, 2])).toBe(2);
    expect(rankOfBound([3, 2])).toBe(0);
  });

  test('many values: the normal distribution goes on where the exact one ends', () => {
    const ranks = [38, 39, 40, 41, 42, 43].map((n) => rankOfBound([n]));
    const steps = ranks.slice(1).map((rank, at) => rank - (ranks[at] ?? 0));
    for (const step of steps) expect(step).toBeGreaterThanOrEqual(16);
    for (const step of steps) expect(step).toBeLessThanOrEqual(19);
  });
});

describe('a trend', () => {
  test('its slope and interval are those of an independent computation', () => {
    const { perDay, refused, points, days } = grown(daily(FORTNIGHT));
    const { slopes, likely } = theilSen(
      FORTNIGHT.map((entries, day) => ({ day, entries, weekend: [1, 2].includes(day % 7) })),
    );
    expect(refused).toBeUndefined();
    expect({ points, days }).toEqual({ points: 14, days: 13 });
    // Ten working days and four of the weekends: 45 + 6 pairs.
    expect(slopes).toHaveLength(51);
    expect(perDay?.likely).toBeCloseTo(likely ?? 0, 9);
    const rank = rankOfBound([10, 4]);
    expect([perDay?.low, perDay?.high]).toEqual([slopes[rank - 1], slopes[slopes.length - rank]]);
    expect(perDay?.low).toBeLessThan(500);
    expect(perDay?.high).toBeGreaterThan(500);
  });

  test('the time to full is a range that has the truth in it', () => {
    const { daysToFull } = grown(daily(FORTNIGHT));
    // Working days stand at 26 500, and 39 036 more are to come at 500 a day.
    expect(daysToFull?.low).toBeGreaterThan(70);
    expect(daysToFull?.low).toBeLessThan(78.07);
    expect(daysToFull?.high).toBeGreaterThan(78.07);
    expect(daysToFull?.high).toBeLessThan(85);
  });

  test('a day that is out of line moves it little', () => {
    const odd = FORTNIGHT.with(6, 60_000);
    expect(Math.abs((grown(daily(odd)).perDay?.likely ?? 0) - 500)).toBeLessThan(20);
  });

  test('it falls: no time to full', () => {
    const growth = grown(daily(FORTNIGHT.toReversed()));
    expect(growth.perDay?.high).toBeLessThan(0);
    expect(growth).not.toHaveProperty('daysToFull');
    expect(growth).not.toHaveProperty('refused');
  });

  test('it is not drawn out for years: of two weeks, over half a year', () => {
    const slow = FORTNIGHT.map((_, day) => 1000 + 10 * day);
    const growth = grown(daily(slow));
    expect(growth.perDay).toMatchObject({ likely: 10 });
    expect(growth).not.toHaveProperty('daysToFull');
  });

  test('without a limit that is known there is a trend and no time to full', () => {
    const growth = grown(daily(FORTNIGHT).map(({ max: _, ...rest }) => rest));
    expect(growth.perDay?.low).toBeGreaterThan(0);
    expect(growth).not.toHaveProperty('daysToFull');
  });
});

describe('day and night, week and weekend', () => {
  /** Hourly, over seven days from Friday noon on: least at night, most in the afternoon. */
  const hourly = (perDay: number, more: (day: number) => number = () => 0) =>
    Array.from({ length: 7 * 24 }, (_, hour) => {
      const rhythm = 12_000 * Math.sin((2 * Math.PI * (hour + 3)) / 24);
      const jitter = 40 * ((hour * 7919) % 11);
      return point(
        hour / 24,
        Math.round(20_000 + rhythm + jitter + perDay * (hour / 24) + more(Math.floor(hour / 24))),
      );
    });

  test('an hourly rhythm without growth is none', () => {
    expect(grown(hourly(0))).toMatchObject({ refused: 'no-trend' });
  });

  test('the same with growth is found', () => {
    const { refused, perDay } = grown(hourly(900));
    expect(refused).toBeUndefined();
    // The jitter is up to 400.
    expect(Math.abs((perDay?.likely ?? 0) - 900)).toBeLessThan(100);
    expect(perDay?.low).toBeLessThanOrEqual(900);
    expect(perDay?.high).toBeGreaterThanOrEqual(900);
  });

  test('a week from one weekend to the next is no growth', () => {
    // Saturday and Sunday are quiet, Monday to Friday are busy, and no day is like another.
    const week = [9100, 9050, 30_000, 30_300, 30_100, 30_200, 30_050];
    expect(grown(week.map((entries, day) => point(1 + day, entries)))).toMatchObject({ refused: 'no-trend' });
  });

  test('five days with a weekend among them are too short to tell', () => {
    expect(grown(daily([30_000, 9000, 9100, 30_100, 30_200]))).toMatchObject({
      refused: 'too-short',
      points: 5,
      days: 4,
    });
  });

  test('captures that wander from night to day are not growth', () => {
    // One each day, three hours later than that of the day before, of a table that is the same each day.
    const wandering = Array.from({ length: 7 }, (_, day) => {
      const hour = 2 + 3 * day;
      return point(day - 0.5 + hour / 24, Math.round(20_000 - 12_000 * Math.cos((2 * Math.PI * hour) / 24)));
    });
    expect(grown(wandering)).toMatchObject({ refused: 'too-few' });
  });

  test('and at about the same time each day they are compared', () => {
    const shifted = [20, 21, 22, 23, 24, 25, 26, 27].map((thousand, day) =>
      point(3 + day + (day % 3) / 24, 1000 * thousand),
    );
    expect(grown(shifted).perDay).toMatchObject({ likely: 1000 });
  });

  test('of two captures a day those at the busy time are compared', () => {
    const both = Array.from({ length: 7 }, (_, day) => [
      point(3 + day - 0.4, 5000 + 7 * ((day * 5) % 7)),
      point(3 + day, 20_000 + 800 * day),
    ]).flat();
    expect(grown(both).perDay?.likely).toBe(800);
  });
});

describe('refused', () => {
  test('too few', () => {
    expect(grown(daily([1, 2, 3, 4]))).toEqual({ refused: 'too-few', points: 4, days: 3 });
  });

  test('many captures of two days are two days', () => {
    const dense = Array.from({ length: 48 }, (_, hour) => point(0.5 + hour / 24, 1000 + hour));
    expect(grown(dense)).toMatchObject({ refused: 'too-few', points: 2 });
  });

  test('the limit was changed in between, and since then there is too little', () => {
    const points = [...daily(FORTNIGHT.slice(0, 8), { max: 32_768 }), ...[8, 9, 10].map((day) => point(day, 25_000))];
    expect(grown(points)).toEqual({ refused: 'limit-changed', changed: ['max'], points: 3, days: 2 });
  });

  test('a limit that was changed and changed back', () => {
    const points = daily(FORTNIGHT).with(10, point(10, 20_000, { max: 100_000 }));
    expect(grown(points)).toMatchObject({ refused: 'limit-changed', points: 3 });
  });

  test('a limit that was not captured once was not changed', () => {
    const { max: _, ...rest } = point(10, FORTNIGHT[10] ?? 0);
    expect(grown(daily(FORTNIGHT).with(10, rest))).not.toHaveProperty('refused');
  });

  test('a timeout was changed: entries stay for another time, and the table is another one', () => {
    const settings = [{ name: 'tcp_timeout_established', before: 432_000, after: 7440 }];
    expect(grown(daily(FORTNIGHT), { 10: { settings } })).toEqual({
      refused: 'limit-changed',
      changed: ['tcp_timeout_established'],
      points: 3,
      days: 2,
    });
  });

  test('what came since a change is looked at, if it is enough', () => {
    const points = [...daily([1, 2, 3], { max: 1000 }), ...FORTNIGHT.map((entries, day) => point(3 + day, entries))];
    expect(grown(points)).toMatchObject({ changed: ['max'], points: 14 });
  });

  test('no trend', () => {
    const flat = NOISE.map((noise) => 20_000 + noise);
    const { refused, perDay } = grown(daily(flat));
    expect(refused).toBe('no-trend');
    expect(perDay?.low).toBeLessThan(0);
    expect(perDay?.high).toBeGreaterThan(0);
  });

  test('a constant table', () => {
    expect(grown(daily(NOISE.map(() => 500)))).toMatchObject({
      refused: 'no-trend',
      perDay: { low: 0, likely: 0, high: 0 },
    });
  });

  test('no times', () => {
    expect(grown(daily(FORTNIGHT).map(({ capturedAt: _, ...rest }) => rest))).toEqual({
      refused: 'no-times',
      points: 0,
      days: 0,
    });
  });

  test('unlimited', () => {
    expect(grown(daily(FORTNIGHT, { unlimited: true, max: 0 }))).toMatchObject({ refused: 'unlimited' });
    expect(growthOf([], [])).toMatchObject({ refused: 'unlimited' });
  });

  test('cut off at the limit', () => {
    const points = daily(
      FORTNIGHT.map((entries) => Math.min(entries, 26_000)),
      { max: 26_000 },
    );
    expect(grown(points)).toMatchObject({ refused: 'cut-off' });
  });

  test('full between two captures: the counters tell', () => {
    const evicted = (delta: number): Interval['deltas'] => [{ name: 'early_drop', how: 'counted', delta }];
    expect(grown(daily(FORTNIGHT), { 5: { deltas: evicted(3) } })).toMatchObject({ refused: 'cut-off' });
    expect(grown(daily(FORTNIGHT), { 5: { deltas: evicted(0) } })).not.toHaveProperty('refused');
  });

  test('packets that were dropped need a line of the log: others drop, too', () => {
    const dropped: Interval['deltas'] = [{ name: 'drop', how: 'counted', delta: 3 }];
    const points = daily(FORTNIGHT);
    expect(grown(points, { 5: { deltas: dropped } })).not.toHaveProperty('refused');
    const logged = points.with(6, point(6, FORTNIGHT[6] ?? 0, { lastFullAt: later(5.5 * DAY).at }));
    expect(grown(logged, { 5: { deltas: dropped } })).toMatchObject({ refused: 'cut-off' });
    const before = points.with(0, point(0, FORTNIGHT[0] ?? 0, { lastFullAt: later(-DAY).at }));
    expect(grown(before, { 5: { deltas: dropped } })).not.toHaveProperty('refused');
  });
});

test('from whole captures: over a reboot, and with the clock put right', () => {
  const moments: Moment[] = FORTNIGHT.map((count, day) => ({ ...later(day * DAY), count }));
  const reboot = moments.map((moment, day) =>
    day < 7 ? moment : { ...moment, boot: BOOT_B, uptime: (day - 6) * DAY },
  );
  // The clock of the first capture after the reboot was not set yet.
  const wrong = reboot.with(7, { ...reboot[7], at: '2025-01-01T00:00:00Z' });
  expect(timeline(...wrong).growth).toEqual(timeline(...moments).growth);
});
