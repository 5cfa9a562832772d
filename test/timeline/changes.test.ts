/** What is different between two captures, and what is recommended after all of them. */
import { describe, expect, test } from 'vitest';
import type { Finding, Severity } from '../../src/analysis/schema.ts';
import { findingChanges } from '../../src/timeline/changes.ts';
import { tableOf } from '../analysis/snapshot-of.ts';
import { BOOT_B, capture, later, type Moment, SYSCTL, timeline } from './captures.ts';

const HOUR = 3600;

const base = capture({}).analysis;
const finding = (id: string, severity: Severity, more: Partial<Finding> = {}): Finding => ({
  id,
  severity,
  says: 'found',
  values: {},
  missing: [],
  evidence: [],
  ...more,
});
const changes = (before: Finding[], later: Finding[]) =>
  findingChanges({ ...base, findings: before }, { ...base, findings: later });

describe('findings', () => {
  test.each<[Severity | undefined, Severity | undefined, string]>([
    ['ok', 'warning', 'new'],
    ['notice', 'critical', 'worse'],
    ['warning', 'ok', 'gone'],
    ['critical', 'notice', 'better'],
    ['warning', 'warning', 'unchanged'],
    ['ok', 'ok', 'unchanged'],
    ['unknown', 'warning', 'not comparable'],
    ['warning', 'unknown', 'not comparable'],
    ['unknown', 'unknown', 'not comparable'],
    // Another version of this program did not know the rule.
    [undefined, 'warning', 'not comparable'],
    ['warning', undefined, 'not comparable'],
  ])('%s, then %s: %s', (before, later, change) => {
    const list = (severity: Severity | undefined) => (severity ? [finding('x', severity)] : []);
    expect(changes(list(before), list(later))).toEqual([
      { id: 'x', change, ...(before && { before }), ...(later && { after: later }) },
    ]);
  });

  test('what another finding says better counts as in order', () => {
    const covered = finding('x', 'warning', { coveredBy: 'y' });
    expect(changes([covered], [finding('x', 'warning')])).toMatchObject([{ change: 'new', before: 'ok' }]);
  });

  test('what changed comes first', () => {
    const before = [finding('a', 'ok'), finding('b', 'warning'), finding('c', 'ok'), finding('d', 'unknown')];
    const later = [finding('a', 'ok'), finding('b', 'ok'), finding('c', 'critical'), finding('d', 'ok')];
    expect(changes(before, later).map(({ id }) => id)).toEqual(['c', 'b', 'd', 'a']);
  });

  test('from whole captures: a table that fills up', () => {
    const { findings } = timeline({ ...later(0), count: 1000 }, { ...later(HOUR), count: 65_536 });
    expect(findings).toContainEqual({ id: 'table-full', change: 'new', before: 'ok', after: 'critical' });
    // Neither has a connection table.
    expect(findings).toContainEqual({ id: 'unreplied', change: 'not comparable', before: 'unknown', after: 'unknown' });
  });
});

test('who fills the table, before and after', async () => {
  const rows = (source: string, count: number) =>
    Array.from(
      { length: count },
      (_, n) =>
        `ipv4     2 udp      17 25 src=${source} dst=198.51.100.7 sport=${1024 + n} dport=53 src=198.51.100.7 dst=${source} sport=53 dport=${1024 + n} mark=0 zone=0 use=2`,
    );
  const { fillers } = timeline(
    { ...later(0), table: await tableOf([...rows('10.0.0.1', 30), ...rows('10.0.0.2', 20)]) },
    { ...later(HOUR), table: await tableOf([...rows('10.0.0.2', 50), ...rows('10.0.0.3', 5)]) },
  );
  expect(fillers).toEqual([
    { kind: 'class', key: 'udp no flag', before: 50, after: 55 },
    { kind: 'source', key: '10.0.0.2', before: 20, after: 50 },
    { kind: 'source', key: '10.0.0.1', before: 30 },
    { kind: 'source', key: '10.0.0.3', after: 5 },
  ]);
});

test('points: what was captured, in the words of the capture', () => {
  const { points, host } = timeline({ ...later(0), count: 900, cpus: [{ drop: 3 }] });
  expect(host).toMatchObject({ identifiedBy: 'machine id', hostname: 'gw', cpus: 4 });
  expect(points).toMatchObject([
    { capturedAt: '2026-11-20T12:00:00Z', uptimeSeconds: 86_400, entries: 900, max: 65_536, counters: { drop: 3 } },
  ]);
});

describe('the recommendation', () => {
  const MAX = 'net.netfilter.nf_conntrack_max';
  const at = (hours: number, moment: Moment): Moment => ({
    ...later(hours * HOUR),
    max: 8192,
    buckets: 8192,
    ...moment,
  });

  test('is from the fullest moment, not from the last', () => {
    const { recommendation, points } = timeline(at(0, { count: 3000 }), at(1, { count: 7500 }), at(2, { count: 2000 }));
    expect(points[2]?.recommended.action).toBe('leave');
    expect(recommendation).toMatchObject({ from: 1, action: 'raise', max: 16_384, demand: { low: 7500 } });
    expect(recommendation.totalBytes).toBeGreaterThan(0);
    expect(recommendation.commands).toMatchObject({
      apply: ['sysctl -w net.netfilter.nf_conntrack_buckets=16384', `sysctl -w ${MAX}=16384`],
      undo: [`sysctl -w ${MAX}=8192`, 'sysctl -w net.netfilter.nf_conntrack_buckets=8192'],
    });
  });

  test('what has been done since is not recommended again', () => {
    const { recommendation } = timeline(at(0, { count: 7500 }), at(1, { count: 7000, max: 16_384, buckets: 16_384 }));
    expect(recommendation).toMatchObject({ from: 0, action: 'leave', max: 16_384, buckets: 16_384 });
    expect(recommendation.commands).toMatchObject({ apply: [], undo: [] });
  });

  test('what is left of it is, and is taken back to what is in force today', () => {
    const { recommendation } = timeline(at(0, { count: 7500 }), at(1, { count: 4000, max: 12_288, buckets: 16_384 }));
    expect(recommendation).toMatchObject({ from: 0, action: 'raise', max: 16_384 });
    expect(recommendation.commands).toMatchObject({
      apply: [`sysctl -w ${MAX}=16384`],
      undo: [`sysctl -w ${MAX}=12288`],
    });
    const { recommendation: buckets } = timeline(at(0, { count: 7500 }), at(1, { count: 4000, max: 16_384 }));
    expect(buckets).toMatchObject({ from: 0, action: 'raise-buckets', max: 16_384, buckets: 16_384 });
    expect(buckets.commands.apply).toEqual(['sysctl -w net.netfilter.nf_conntrack_buckets=16384']);
    expect(buckets.commands.undo).toEqual(['sysctl -w net.netfilter.nf_conntrack_buckets=8192']);
  });

  test('more buckets than it asks for are kept', () => {
    const { recommendation } = timeline(at(0, { count: 7500 }), at(1, { count: 4000, buckets: 65_536 }));
    expect(recommendation.commands.apply).toEqual([`sysctl -w ${MAX}=16384`]);
    expect(recommendation.buckets).toBe(65_536);
  });

  test('a limit that was lowered since the fullest moment is raised again', () => {
    const { recommendation } = timeline(at(0, { count: 7500, max: 32_768, buckets: 32_768 }), at(1, { count: 1000 }));
    expect(recommendation).toMatchObject({ from: 0, action: 'raise', max: 32_768, buckets: 32_768 });
    expect(recommendation.commands).toMatchObject({
      apply: ['sysctl -w net.netfilter.nf_conntrack_buckets=32768', `sysctl -w ${MAX}=32768`],
      undo: [`sysctl -w ${MAX}=8192`, 'sysctl -w net.netfilter.nf_conntrack_buckets=8192'],
    });
    // What fits into the limit of today needs no more.
    const fits = timeline(at(0, { count: 4000, max: 32_768, buckets: 32_768 }), at(1, { count: 1000 }));
    expect(fits.recommendation).toMatchObject({ from: 0, action: 'leave', max: 8192, commands: { apply: [] } });
  });

  test('a moment under other timeouts does not count', () => {
    const timeout = (seconds: number) => ({ files: { [`${SYSCTL}tcp_timeout_established`]: seconds } });
    const { recommendation } = timeline(
      at(0, { count: 7500, ...timeout(432_000) }),
      at(1, { count: 3000, ...timeout(7440) }),
    );
    expect(recommendation).toMatchObject({ from: 1, action: 'leave' });
  });

  test('nobody sizes a table for a flood', async () => {
    const unanswered = Array.from(
      { length: 7500 },
      (_, n) =>
        `ipv4     2 udp      17 25 src=10.0.${n % 200}.9 dst=198.51.100.7 sport=${1024 + n} dport=53 [UNREPLIED] src=198.51.100.7 dst=10.0.${n % 200}.9 sport=53 dport=${1024 + n} mark=0 zone=0 use=2`,
    );
    const flood = at(0, { count: 7500, table: await tableOf(unanswered) });
    expect(capture(flood).analysis.recommendation.action).toBe('fix-cause');
    expect(timeline(flood, at(1, { count: 3000 })).recommendation).toMatchObject({ from: 1, action: 'leave' });
    expect(timeline(at(-1, { count: 3000 }), flood).recommendation).toMatchObject({ from: 1, action: 'fix-cause' });
  });

  test('over a reboot, too', () => {
    const booted = at(1, { count: 100, boot: BOOT_B, uptime: 60 });
    expect(timeline(at(0, { count: 7500 }), booted).recommendation).toMatchObject({ from: 0, action: 'raise' });
  });
});
