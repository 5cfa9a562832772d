/** Whatever the captures of a gateway say, a timeline says nothing absurd. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostsOf } from '../../src/timeline/hosts.ts';
import { timelineSchema } from '../../src/timeline/schema.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { BOOT_B, capture, type Moment } from './captures.ts';

const counter = fc.oneof(fc.nat(1000), fc.integer({ min: 2 ** 32 - 5000, max: 2 ** 32 - 1 }), fc.nat(2 ** 31 - 1));
const cpu = fc.record(
  { drop: counter, early_drop: counter, insert_failed: counter, invalid: counter, found: counter, clashres: counter },
  { requiredKeys: [] },
);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 8 });
const time = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2037-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().replace(/\.\d+Z$/, 'Z'));
const sometimes = { requiredKeys: [] };

const moment: fc.Arbitrary<Moment> = fc.record(
  {
    at: orNull(
      fc.oneof(
        time,
        fc.nat(23).map((hour) => `2026-11-2${hour % 9}T${String(hour).padStart(2, '0')}:00:00Z`),
      ),
    ),
    uptime: orNull(fc.nat(10_000_000)),
    boot: orNull(fc.constantFrom('11111111-1111-4111-8111-111111111111', BOOT_B)),
    netns: orNull(fc.constantFrom('4026531840', '4026532246')),
    machine: orNull(fc.constantFrom('a'.repeat(64), 'b'.repeat(64))),
    hostname: orNull(fc.constantFrom('gw', 'gw2', '=cmd()')),
    count: fc.nat(70_000),
    max: fc.constantFrom(0, 1, 8192, 65_536, 2 ** 31 - 1),
    buckets: fc.constantFrom(0, 1, 1024, 65_536),
    cpus: fc.array(cpu, { minLength: 1, maxLength: 4 }),
    end: fc.record({ seconds: fc.nat(400), cpus: fc.array(cpu, { minLength: 1, maxLength: 4 }) }),
    files: fc.constantFrom<Record<string, string | number>>(
      {},
      { 'proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established': 7440 },
      { 'proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established': 432_000 },
      { 'proc/meminfo': '' },
    ),
  },
  sometimes,
);

/** Every number in it, by path. */
function numbers(value: unknown, at = ''): [string, number][] {
  if (typeof value === 'number') return [[at, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => numbers(each, `${at}.${key}`));
}

test('any captures in any order', () => {
  fc.assert(
    fc.property(fc.array(moment, { minLength: 1, maxLength: 9 }), (moments) => {
      const inputs = moments.map((each, at) => capture(each, `capture ${at}`));
      const hosts = hostsOf(inputs);
      const kept = hosts.flatMap(({ snapshots }) => snapshots.map(({ name }) => name));
      const left = hosts.flatMap(({ notes }) => notes.filter((note) => note.endsWith('left out')));
      // Each input is in one timeline, or said to be left out.
      expect(new Set(kept).size).toBe(kept.length);
      expect(kept.length + left.length).toBe(inputs.length);
      for (const host of hosts) {
        const timeline = timelineOf(host, '0');
        for (const [at, number] of numbers(timeline)) {
          expect(Number.isFinite(number), `${at} is ${number}`).toBe(true);
          // A table may shrink; everything else counts or lasts.
          if (!at.startsWith('.growth.perDay')) expect(number, at).toBeGreaterThanOrEqual(0);
        }
        for (const { deltas } of timeline.intervals) {
          for (const { how, delta, perSecond = 0, why } of deltas) {
            expect(perSecond).toBeLessThanOrEqual(1e8);
            expect(how === 'not known', `${how} ${delta} ${why}`).toBe(delta === undefined);
            expect(why === undefined).toBe(how !== 'not known');
          }
        }
        const written = JSON.parse(JSON.stringify(timeline));
        expect(timelineSchema.parse(written)).toEqual(written);
        expect(written).toEqual(timeline);
      }
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000 },
  );
});

test('the order of the arguments plays no part', () => {
  fc.assert(
    fc.property(
      fc
        .uniqueArray(fc.nat(1_000_000), { minLength: 2, maxLength: 6 })
        .chain((seconds) =>
          fc.tuple(
            fc.constant(seconds),
            fc.shuffledSubarray(seconds, { minLength: seconds.length, maxLength: seconds.length }),
          ),
        ),
      ([seconds, shuffled]) => {
        const of = (all: number[]) => {
          const [host] = hostsOf(
            all.map((second) => {
              const at = new Date(Date.UTC(2026, 10, 1) + 1000 * second).toISOString().replace('.000Z', 'Z');
              return capture({ at, uptime: second, count: second % 60_000, cpus: [{ drop: second }] });
            }),
          );
          return host && timelineOf(host, '0');
        };
        expect(of(shuffled)).toEqual(of(seconds));
      },
    ),
    { numRuns: 30, interruptAfterTimeLimit: 20_000 },
  );
});
