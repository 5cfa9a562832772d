import { describe, expect, test } from 'vitest';
import { hostsOf } from '../../src/timeline/hosts.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { BOOT_B, capture, later, type Moment } from './captures.ts';

/** Names of the captures of each host, in order. */
function grouped(moments: Record<string, Moment>) {
  const hosts = hostsOf(Object.entries(moments).map(([name, moment]) => capture(moment, name)));
  return hosts.map(({ identifiedBy, snapshots, notes }) => ({
    identifiedBy,
    names: snapshots.map(({ name }) => name),
    notes,
  }));
}

const OTHER = 'b'.repeat(64);
const nameless = { machine: null, hostname: null };

describe('which captures are of one host', () => {
  test('the same machine id and name, over a reboot', () => {
    expect(grouped({ a: later(0), b: { ...later(90_000), uptime: 60, boot: BOOT_B } })).toEqual([
      { identifiedBy: 'machine id', names: ['a', 'b'], notes: [] },
    ]);
  });

  test('clones share a machine id, and have names of their own', () => {
    expect(grouped({ a: later(0), b: { ...later(60), hostname: 'gw2', boot: BOOT_B } })).toEqual([
      { identifiedBy: 'machine id', names: ['a'], notes: [] },
      { identifiedBy: 'machine id', names: ['b'], notes: [] },
    ]);
  });

  test('two machines of one name', () => {
    expect(grouped({ a: later(0), b: { ...later(60), machine: OTHER, boot: BOOT_B } })).toMatchObject([
      { names: ['a'] },
      { names: ['b'] },
    ]);
  });

  test('without a machine id the name tells, over a reboot', () => {
    const reboot = { ...later(90_000), uptime: 60, boot: BOOT_B };
    expect(grouped({ a: { ...later(0), machine: null }, b: { ...reboot, machine: null } })).toEqual([
      { identifiedBy: 'host name', names: ['a', 'b'], notes: [] },
    ]);
  });

  test('without a machine id, but with the name of a machine that has one', () => {
    expect(grouped({ a: { ...later(60), machine: null }, b: later(0) })).toEqual([
      {
        identifiedBy: 'machine id',
        names: ['b', 'a'],
        notes: ['a has no machine id: taken to be of gw by its name alone'],
      },
    ]);
  });

  test('and where two machines have that name, of neither', () => {
    const two = { b: later(0), c: { ...later(0), machine: OTHER } };
    expect(grouped({ a: { ...later(60), machine: null }, ...two }).map(({ identifiedBy }) => identifiedBy)).toEqual([
      'host name',
      'machine id',
      'machine id',
    ]);
  });

  test('without a name the boot tells', () => {
    expect(grouped({ a: { ...later(0), ...nameless }, b: { ...later(60), ...nameless } })).toEqual([
      { identifiedBy: 'boot id', names: ['a', 'b'], notes: [] },
    ]);
    expect(grouped({ a: { ...later(0), ...nameless }, b: { ...later(60), ...nameless, boot: BOOT_B } })).toHaveLength(
      2,
    );
  });

  test('without anything each is for itself', () => {
    const nothing = { ...nameless, boot: null };
    expect(grouped({ a: { ...later(0), ...nothing }, b: { ...later(60), ...nothing } })).toEqual([
      { identifiedBy: 'nothing', names: ['a'], notes: [] },
      { identifiedBy: 'nothing', names: ['b'], notes: [] },
    ]);
  });

  test('hosts that are all called OpenWrt: boots that alternate are of several', () => {
    const one = (hours: number) => ({ ...later(3600 * hours), hostname: 'OpenWrt', machine: null });
    const two = (hours: number) => ({ ...one(hours), uptime: 3600 * (1 + hours), boot: BOOT_B });
    const note =
      'captures of OpenWrt alternate between boots or namespaces: several tables, told apart by boot and namespace';
    expect(grouped({ a1: one(0), b1: two(0.1), a2: one(24), b2: two(24.1) })).toEqual([
      { identifiedBy: 'boot id', names: ['a1', 'a2'], notes: [note] },
      { identifiedBy: 'boot id', names: ['b1', 'b2'], notes: [note] },
    ]);
  });

  test('two namespaces of one boot that alternate are two tables', () => {
    const other = (seconds: number) => ({ ...later(seconds), netns: '4026532246' });
    expect(grouped({ a1: later(0), b1: other(10), a2: later(86_400), b2: other(86_410) })).toMatchObject([
      { names: ['a1', 'a2'] },
      { names: ['b1', 'b2'] },
    ]);
  });

  test('a clock that is set back by less than an hour at a boot makes no second host of it', () => {
    const behind = { ...later(86_400 - 3000), uptime: 30, boot: BOOT_B };
    expect(grouped({ a: later(0), b: later(86_400), c: behind })).toHaveLength(1);
  });
});

describe('duplicates', () => {
  test('the same archive under two names', () => {
    expect(grouped({ a: { ...later(0), sha256: 'f' }, b: { ...later(0), sha256: 'f' } })).toEqual([
      { identifiedBy: 'machine id', names: ['a'], notes: ['b is the same capture as a: left out'] },
    ]);
  });

  test('a bundle and its analysis, or the same bundle unpacked: the same moment of the same boot', () => {
    expect(grouped({ 'a.tar.gz': { ...later(0), sha256: 'f' }, 'a.json': later(0) })).toMatchObject([
      { names: ['a.tar.gz'], notes: ['a.json is the same capture as a.tar.gz: left out'] },
    ]);
  });

  test('two captures within one second are two', () => {
    expect(grouped({ a: later(0), b: { ...later(0), uptime: 86_400.3 } })).toMatchObject([{ names: ['a', 'b'] }]);
  });

  test('without an uptime nothing says that two are the same', () => {
    expect(grouped({ a: { ...later(0), uptime: null }, b: { ...later(0), uptime: null } })).toMatchObject([
      { names: ['a', 'b'] },
    ]);
  });
});

describe('order', () => {
  test('by the time of the capture, not by argument or name', () => {
    expect(grouped({ a: later(7200), b: later(0), c: later(3600) })).toMatchObject([{ names: ['b', 'c', 'a'] }]);
  });

  test('what has no time comes last, and says so', () => {
    const moments = { a: { ...later(0), at: null, boot: null }, b: later(3600), c: later(0) };
    expect(grouped(moments)).toMatchObject([
      { names: ['c', 'b', 'a'], notes: ['a does not tell when it was captured: it was put last'] },
    ]);
  });

  test('but within a boot that another capture knows the time of, the uptime tells it', () => {
    const [host] = hostsOf([
      capture({ ...later(60), at: null }, 'a'),
      capture(later(3600), 'b'),
      capture(later(0), 'c'),
    ]);
    expect(host?.snapshots.map(({ name }) => name)).toEqual(['c', 'a', 'b']);
    expect(host && timelineOf(host, '0').points[1]?.capturedAt).toBe(later(60).at);
  });

  test('without any time, within one boot, by uptime', () => {
    expect(grouped({ a: { ...later(3600), at: null }, b: { ...later(0), at: null } })).toEqual([
      { identifiedBy: 'machine id', names: ['b', 'a'], notes: [] },
    ]);
  });

  test('a clock that was set after the boot: the uptime puts the first capture right', () => {
    // No battery: each boot begins in 2024, until NTP sets the clock.
    const early = { at: '2024-01-01T00:00:30Z', uptime: 30, boot: BOOT_B };
    const second = { ...later(90_000), uptime: 3630, boot: BOOT_B };
    const [host] = hostsOf([capture(early, 'early'), capture(later(0), 'before'), capture(second, 'later')]);
    expect(host?.snapshots.map(({ name }) => name)).toEqual(['before', 'early', 'later']);
    expect(host?.notes).toEqual([
      'the clock of early was wrong: its time is taken from a later capture of the same boot',
    ]);
    const { points, intervals } = timelineOf(host ?? { identifiedBy: 'nothing', snapshots: [], notes: [] }, '0');
    expect(points[1]).toMatchObject({ capturedAt: later(86_400).at, clockSaid: '2024-01-01T00:00:30Z' });
    expect(points[2]).not.toHaveProperty('clockSaid');
    expect(intervals.map(({ seconds, rebooted }) => [seconds, rebooted])).toEqual([
      [86_400, true],
      [3600, false],
    ]);
  });

  test('a clock that was never set says no time', () => {
    const moments = { a: { at: '1970-01-01T00:01:00Z', uptime: 60, boot: BOOT_B }, b: later(0) };
    expect(grouped(moments)).toMatchObject([
      { names: ['b', 'a'], notes: ['a comes from a clock that was not set: it was put last'] },
    ]);
  });
});

test('no input, no host; and a timeline needs a snapshot', () => {
  expect(hostsOf([])).toEqual([]);
  expect(() => timelineOf({ identifiedBy: 'nothing', snapshots: [], notes: [] }, '0')).toThrow(
    'a timeline needs a snapshot',
  );
});
