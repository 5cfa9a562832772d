import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedTally } from '../../src/parsers/table-tally.ts';

describe('BoundedTally', () => {
  it('is exact up to its limit, and orders by entries, then by key', () => {
    const tally = new BoundedTally<string>(3);
    for (const key of ['b', 'c', 'a', 'c']) tally.add(key);
    expect(tally.topList(2)).toEqual({
      top: [
        { key: 'c', entries: 2 },
        { key: 'a', entries: 1 },
      ],
      distinct: 3,
      exact: true,
      maxError: 0,
      concentration: { top1: 2, top10: 4, top100: 4 },
    });
    expect(tally.tallies(2).at(-1)).toEqual({ key: 'other', entries: 1 });
  });

  it('orders numbers as text', () => {
    const tally = new BoundedTally<number>();
    for (const key of [9, 10]) tally.add(key);
    expect(tally.tallies(20).map(({ key }) => key)).toEqual(['10', '9']);
  });

  it('above its limit, every true count lies within the error that it states', () => {
    const keys = fc.array(fc.oneof(fc.nat(5), fc.nat(200)), { maxLength: 2000 });
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 40 }), (stream, limit) => {
        const tally = new BoundedTally<string>(limit);
        const truth = new Map<string, number>();
        for (const key of stream.map(String)) {
          tally.add(key);
          truth.set(key, (truth.get(key) ?? 0) + 1);
        }
        const { top, distinct, exact, maxError } = tally.topList(limit);
        expect(exact).toBe(truth.size <= limit);
        expect(distinct).toBeLessThanOrEqual(truth.size);
        const listed = new Map(top.map(({ key, entries }) => [key, entries]));
        for (const [key, entries] of truth) {
          const counted = listed.get(key) ?? 0;
          expect(counted).toBeLessThanOrEqual(entries);
          expect(counted + maxError).toBeGreaterThanOrEqual(entries);
        }
        const sum = tally.tallies(5).reduce((total, { entries }) => total + entries, 0);
        expect(sum).toBe(stream.length);
      }),
      { numRuns: 100 },
    );
  });
});
