/** What was counted between two captures, and what cannot be told. */
import { describe, expect, test } from 'vitest';
import type { Delta } from '../../src/timeline/schema.ts';
import { BOOT_B, capture, later, type Moment, statText, timeline } from './captures.ts';

/** One CPU short of 2³² by so much. */
const shortOf = (count: number) => 2 ** 32 - count;

function between(first: Moment, second: Moment) {
  const [interval] = timeline({ ...later(0), ...first }, { ...later(3600), ...second }).intervals;
  if (!interval) throw new Error('no interval');
  const deltas = Object.fromEntries(interval.deltas.map((delta) => [delta.name, delta] as const));
  return { ...interval, of: (name: string): Delta | undefined => deltas[name] };
}

describe('deltas', () => {
  test('counted, with the rate', () => {
    const { of, seconds, rebooted } = between(
      { cpus: [{ drop: 100 }, { drop: 20 }] },
      { cpus: [{ drop: 460 }, { drop: 20 }] },
    );
    expect({ seconds, rebooted }).toEqual({ seconds: 3600, rebooted: false });
    expect(of('drop')).toEqual({ name: 'drop', how: 'counted', delta: 360, perSecond: 0.1 });
    expect(of('early_drop')).toEqual({ name: 'early_drop', how: 'counted', delta: 0, perSecond: 0 });
    // The number of entries is no counter.
    expect(of('entries')).toBeUndefined();
  });

  test('the rate is over the time between the readings of the counters, not between the beginnings of the captures', () => {
    // The earlier capture took five minutes: what was counted in them is in its last reading.
    const { of, seconds } = between(
      { cpus: [{ drop: 0 }], end: { seconds: 300, cpus: [{ drop: 300 }] } },
      { cpus: [{ drop: 3600 }] },
    );
    expect(seconds).toBe(3600);
    expect(of('drop')).toEqual({ name: 'drop', how: 'counted', delta: 3300, perSecond: 1 });
  });

  test('one of two CPUs ran over 32 bits', () => {
    const cpus = (one: number, other: number) => ({
      cpus: [
        { drop: one, invalid: 5 },
        { drop: other, invalid: 5 },
      ],
    });
    expect(between(cpus(shortOf(1000), 3_000_000_000), cpus(600, 3_000_002_000)).of('drop')).toEqual({
      name: 'drop',
      how: 'wrapped',
      delta: 3600,
      perSecond: 1,
    });
  });

  test('CPUs that share the load run over together', () => {
    const all = (drop: number) => ({ cpus: Array.from({ length: 4 }, () => ({ drop, invalid: 5 })) });
    expect(between(all(shortOf(500)), all(400)).of('drop')).toMatchObject({ how: 'wrapped', delta: 3600 });
  });

  test('more often than there are CPUs they do not', () => {
    const cpus = (drops: number[]) => ({ cpus: drops.map((drop) => ({ drop })), files: { 'commands/cpu-count': 1 } });
    expect(between(cpus([shortOf(500), shortOf(500)]), cpus([100, 100])).of('drop')).toMatchObject({
      how: 'not known',
    });
  });

  test('a fall that would take a rate which was never seen is none of 32 bits', () => {
    // 2 294 967 296 within an hour, after 2 000 000 000 within a day.
    const { of, countersFell } = between({ cpus: [{ drop: 2e9, invalid: 5 }] }, { cpus: [{ drop: 0, invalid: 6 }] });
    expect(of('drop')).toEqual({ name: 'drop', how: 'not known', why: 'ran backwards' });
    expect(countersFell).toBe(true);
  });

  test('the module was loaded anew: all counters fell, and those that did not are no better', () => {
    const { deltas, countersFell } = between(
      { cpus: [{ drop: 500, early_drop: 70, invalid: 3 }] },
      { cpus: [{ drop: 2, early_drop: 0, invalid: 9 }] },
    );
    expect(countersFell).toBe(true);
    expect(new Set(deltas.map(({ how, delta }) => `${how} ${delta}`))).toEqual(new Set(['not known undefined']));
  });

  test('nor is it 32 bits where all of them fell at once', () => {
    const near = { drop: shortOf(10), insert_failed: shortOf(10) };
    expect(between({ cpus: [near] }, { cpus: [{ drop: 5, insert_failed: 5 }] })).toMatchObject({ countersFell: true });
  });

  test('a reboot, by the boot id: since it all counters began at 0', () => {
    const { of, rebooted, seconds } = between(
      { cpus: [{ drop: 500 }] },
      { cpus: [{ drop: 700 }], boot: BOOT_B, uptime: 700 },
    );
    expect(rebooted).toBe(true);
    expect(seconds).toBe(3600);
    expect(of('drop')).toEqual({ name: 'drop', how: 'since boot', delta: 700, perSecond: 1 });
  });

  test.each([
    { when: 'the uptime is shorter', uptime: 700, rebooted: true, how: 'since boot' },
    {
      when: 'the uptime did not go on with the clock',
      uptime: 90_000,
      seconds: 90_100,
      rebooted: true,
      how: 'since boot',
    },
    { when: 'the uptime went on with the clock', uptime: 90_000, rebooted: false, how: 'counted' },
    { when: 'NTP corrected the clock', uptime: 90_090, rebooted: false, how: 'counted' },
    // A boot in between cannot be longer ago than the earlier capture.
    { when: 'the clock was set back', uptime: 96_400, rebooted: undefined, how: 'not known' },
    { when: 'there is no uptime', uptime: null, rebooted: undefined, how: 'not known' },
  ])('a reboot without boot ids: $when', ({ uptime, seconds = 3600, rebooted, how }) => {
    const without = { boot: null };
    const { rebooted: seen, of } = between(
      { ...without, cpus: [{ drop: 1 }] },
      { ...without, ...later(seconds), uptime, cpus: [{ drop: 5 }] },
    );
    expect(seen).toBe(rebooted);
    expect(of('drop')?.how).toBe(how);
  });

  test('a new namespace in the same boot', () => {
    const { of, namespaceChanged } = between({ cpus: [{ drop: 500 }] }, { cpus: [{ drop: 7 }], netns: '4026532246' });
    expect(namespaceChanged).toBe(true);
    expect(of('drop')).toEqual({ name: 'drop', how: 'since the namespace', delta: 7 });
  });

  test('another namespace that was there before is not new', () => {
    const there = { 'netns.csv': 'inode,pids,processes,names\n4026532246,1,sleep,web' };
    const { of } = between({ cpus: [{ drop: 500 }], files: there }, { cpus: [{ drop: 7 }], netns: '4026532246' });
    expect(of('drop')).toEqual({ name: 'drop', how: 'not known', why: 'another namespace' });
  });

  test('a counter that is not in the earlier capture', () => {
    expect(between({}, { cpus: [{ drop: 7 }] }).of('drop')).toEqual({
      name: 'drop',
      how: 'not known',
      why: 'not captured',
    });
    expect(between({ cpus: [{ drop: 7 }] }, {}).deltas).toEqual([]);
  });

  test('the command, which may have printed one CPU only, and the file', () => {
    const command = { 'commands/conntrack-S': 'found\t\t\t1\ninsert\t\t\t0\ndrop\t\t\t900\nearly_drop\t\t\t0\n' };
    expect(between({ cpus: [{ drop: 7 }] }, { files: command }).of('drop')).toMatchObject({ why: 'another source' });
  });

  test('an absurd rate is refused', () => {
    const { of } = between({ cpus: [{ drop: 0 }] }, { cpus: [{ drop: 4e9 }, { drop: 4e9 }], ...later(10) });
    expect(of('drop')).toEqual({ name: 'drop', how: 'not known', why: 'absurd rate' });
  });

  test('a rate at which 32 bits run over several times a day is not compared over a week', () => {
    // A flood: a million packets a second, seen for ten seconds.
    const flood = { cpus: [{ drop: 5 }], end: { seconds: 10, cpus: [{ drop: 10_000_005 }] } };
    const { of } = between(flood, { ...later(7 * 86_400), cpus: [{ drop: 20_000_000, invalid: 4 }] });
    expect(of('drop')).toEqual({ name: 'drop', how: 'not known', why: 'may have run over' });
    expect(of('invalid')).toMatchObject({ how: 'counted', delta: 4 });
  });

  test('nor what old kernels count for each look-up', () => {
    const old = (searched: number, drop: number) =>
      statText({})
        .replace('clashres', 'searched')
        .replace(/\n.*/, `\n${hexLine({ searched, drop })}`);
    const hour = between({ files: { [STAT]: old(5000, 1) } }, { files: { [STAT]: old(9000, 3) } });
    expect(hour.of('searched')).toMatchObject({ how: 'counted', delta: 4000 });
    const day = between({ files: { [STAT]: old(5000, 1) } }, { ...later(86_400), files: { [STAT]: old(9000, 3) } });
    expect(day.of('searched')).toMatchObject({ how: 'not known', why: 'may have run over' });
    expect(day.of('drop')).toMatchObject({ how: 'counted', delta: 2 });
  });
});

const STAT = 'proc/net/stat/nf_conntrack';
function hexLine({ searched, drop }: { searched: number; drop: number }): string {
  const values = [1000, searched, 0, 0, 0, 0, 0, 0, 0, 0, drop, 0, 0, 0, 0, 0, 0];
  return values.map((value) => value.toString(16).padStart(8, '0')).join(' ');
}

describe('settings', () => {
  test('those that changed, with both values; what was not captured in one of them is none', () => {
    const { settings } = between(
      { max: 65_536, files: { 'proc/sys/net/netfilter/nf_conntrack_tcp_loose': 1 } },
      { max: 131_072, files: { 'proc/sys/net/netfilter/nf_conntrack_udp_timeout': 30 } },
    );
    expect(settings).toEqual([{ name: 'max', before: 65_536, after: 131_072 }]);
  });

  test('changed and changed back: each interval tells its own', () => {
    const { intervals } = timeline({ ...later(0), max: 100 }, { ...later(60), max: 200 }, { ...later(120), max: 100 });
    expect(intervals.map(({ settings }) => settings)).toEqual([
      [{ name: 'max', before: 100, after: 200 }],
      [{ name: 'max', before: 200, after: 100 }],
    ]);
  });
});

test('captures of one boot whose clock was set back keep their time between', () => {
  const { intervals } = timeline(capture(later(0)), capture({ ...later(-7200), uptime: 90_000 }));
  expect(intervals).toMatchObject([{ seconds: 3600, rebooted: false }]);
});
