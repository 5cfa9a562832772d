/** Whether what was recommended was done, and whether it helped. */
import { describe, expect, test } from 'vitest';
import type { Check } from '../../src/timeline/schema.ts';
import { tableOf } from '../analysis/snapshot-of.ts';
import { BOOT_B, capture, later, type Moment, SYSCTL, timeline } from './captures.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Full and dropping ten packets a second; to be raised to 16 384, as many buckets with it. */
const full: Moment = {
  ...later(0),
  max: 8192,
  buckets: 8192,
  count: 8192,
  cpus: [{ drop: 5000 }],
  end: { seconds: 10, cpus: [{ drop: 5100 }] },
};
const RAISED = { max: 16_384, buckets: 16_384 };

/** What boot reads, with these lines in /etc/sysctl.d and the module loaded early. */
const persisted = (...lines: string[]) => ({
  'inventory.csv':
    'path,source,status,reason,start,seconds,bytes,digest\netc/sysctl.d/90-conntrack.conf,/etc/sysctl.d/90-conntrack.conf,captured,,0.00,0.00,,\netc/modules-load.d/nf_conntrack.conf,/etc/modules-load.d/nf_conntrack.conf,captured,,0.00,0.00,,',
  'etc/sysctl.d/90-conntrack.conf': lines.join('\n'),
  'etc/modules-load.d/nf_conntrack.conf': 'nf_conntrack',
  'proc/modules': 'nf_conntrack 139264 2 - Live 0x0000000000000000',
});
const MAX_LINE = 'net.netfilter.nf_conntrack_max = 16384';
const BUCKETS_LINE = 'net.netfilter.nf_conntrack_buckets = 16384';
const KEPT = persisted(MAX_LINE, BUCKETS_LINE);
/** Nothing in there names what was set. */
const FORGOTTEN = persisted('# nf_conntrack');

const drops = (drop: number, during = 0) => ({
  cpus: [{ drop }],
  end: { seconds: 10, cpus: [{ drop: drop + during }] },
});

/** A capture after the change, in which nothing is wrong. */
const well = (seconds: number, more: Moment = {}): Moment => ({
  ...later(seconds),
  ...RAISED,
  count: 9000,
  ...drops(6000),
  files: KEPT,
  ...more,
});

function fixOf(...moments: Moment[]) {
  const { fix } = timeline(...moments);
  const result = (what: Check['what']) => fix.checks.find((check) => check.what === what);
  return {
    ...fix,
    results: Object.fromEntries(fix.checks.map(({ what, result: each }) => [what, each])),
    values: (what: Check['what']) => result(what)?.values,
  };
}

test('the recommendation that these cases are about', () => {
  const { recommendation, verdict } = capture(full).analysis;
  expect(verdict).toMatchObject({ kind: 'limit-reached', severity: 'critical' });
  expect(recommendation.commands.now).toEqual([
    'sysctl -w net.netfilter.nf_conntrack_buckets=16384',
    'sysctl -w net.netfilter.nf_conntrack_max=16384',
  ]);
});

describe('fixed', () => {
  test('all of it, kept, and the table holds what the old limit would have refused', () => {
    const fix = fixOf(full, well(HOUR), well(2 * HOUR));
    expect(fix).toMatchObject({ before: 0, after: 2, verdict: 'fixed' });
    expect(fix.results).toEqual({ applied: 'yes', buckets: 'yes', persisted: 'yes', effective: 'yes' });
    expect(fix.values('applied')).toEqual({ setting: 'max', wanted: 16_384, was: 8192, is: 16_384 });
    // Ten packets a second were lost, and none within the hour from the first capture after the change to the last.
    expect(fix.values('effective')).toEqual({ counter: 'drop', wasPerHour: 36_000, isPerHour: 0 });
    expect(fix.checks.map(({ says }) => says)).toEqual([
      'applied/yes',
      'buckets/yes',
      'persisted/yes',
      'effective/yes',
    ]);
  });

  test('a day without a loss is a test as well, with fewer entries than before', () => {
    const quiet = { count: 500 };
    expect(fixOf(full, well(HOUR, quiet), well(HOUR + DAY, quiet))).toMatchObject({
      verdict: 'fixed',
      testedSeconds: DAY,
    });
  });

  test('what boot reads was not captured: that is no reason to doubt', () => {
    const fix = fixOf(full, well(HOUR, { files: {} }));
    expect(fix.verdict).toBe('fixed');
    expect(fix.results.persisted).toBe('not known');
  });

  test('more than was recommended', () => {
    const more = well(HOUR, {
      max: 65_536,
      buckets: 65_536,
      files: persisted('net.netfilter.nf_conntrack_max = 65536', 'net.netfilter.nf_conntrack_buckets = 65536'),
    });
    const fix = fixOf(full, more);
    expect(fix.verdict).toBe('fixed');
    expect(fix.results).toMatchObject({ applied: 'yes', buckets: 'yes' });
  });

  test('a reboot that kept it: the counters began anew, and the day since was quiet', () => {
    const booted = well(2 * DAY, { boot: BOOT_B, uptime: DAY, count: 500, ...drops(0) });
    const fix = fixOf(full, booted);
    expect(fix).toMatchObject({ verdict: 'fixed', testedSeconds: DAY });
    expect(fix.values('effective')).toMatchObject({ wasPerHour: 36_000, isPerHour: 0 });
  });

  test('a later change of something else does not hide it', () => {
    const ICMP = `${SYSCTL}icmp_timeout`;
    const files = (seconds: number) => ({ files: { ...KEPT, [ICMP]: seconds } });
    const fix = fixOf(full, well(HOUR, files(30)), well(3 * DAY, files(20)));
    expect(fix).toMatchObject({ before: 0, after: 2, verdict: 'fixed' });
  });

  test('raised twice, each time as recommended: the last is what is checked', () => {
    const again = well(5 * DAY, { count: 16_384, ...drops(6000, 50) });
    const twice = well(6 * DAY, {
      max: 32_768,
      buckets: 32_768,
      count: 20_000,
      files: persisted('net.netfilter.nf_conntrack_max = 32768', 'net.netfilter.nf_conntrack_buckets = 32768'),
      ...drops(6100),
    });
    expect(fixOf(full, well(HOUR), again, twice)).toMatchObject({ before: 2, after: 3, verdict: 'fixed' });
  });
});

describe('a table that was full shows that it was until the next boot', () => {
  /** As `full`, with evictions, which stay in the counters. */
  const evicting: Moment = { ...full, cpus: [{ drop: 5000, early_drop: 70 }], end: lost(5100, 80) };
  function lost(drop: number, evicted: number) {
    return { seconds: 10, cpus: [{ drop, early_drop: evicted }] };
  }
  const since = (seconds: number, evicted: number, during = 0): Moment =>
    well(seconds, { cpus: [{ drop: 6000, early_drop: evicted }], end: lost(6000, evicted + during) });

  test('which is over, once the limit was raised and nothing was lost since', () => {
    const later = since(HOUR, 90);
    expect(capture(later).analysis.verdict).toMatchObject({ kind: 'was-full', severity: 'warning' });
    const { fix, recommendation } = timeline(evicting, later, since(2 * DAY, 90));
    expect(fix.verdict).toBe('fixed');
    expect(timeline(evicting, later).fix.verdict).toBe('fixed');
    // By itself the later capture would have the limit doubled once more.
    expect(capture(later).analysis.recommendation).toMatchObject({ action: 'raise', max: 32_768 });
    expect(recommendation).toMatchObject({ from: 2, action: 'leave', max: 16_384, demand: { low: 9000 } });
  });

  test('and is not, if it was lost since, or in the capture', () => {
    expect(timeline(evicting, since(HOUR, 90), since(2 * DAY, 91)).fix.verdict).toBe('partly');
    expect(timeline(evicting, since(HOUR, 90), since(2 * DAY, 90, 1)).fix.verdict).toBe('partly');
  });

  test('nor without a raise', () => {
    const same = {
      ...evicting,
      ...later(HOUR),
      count: 3000,
      end: lost(5100, 80),
      cpus: [{ drop: 5100, early_drop: 80 }],
    };
    expect(timeline(evicting, same).fix.verdict).toBe('not-applied');
    expect(timeline(evicting, same).recommendation.action).toBe('raise');
  });

  test('nor if a line of the log says so', () => {
    const log = (ago: number) => ({
      ...KEPT,
      'commands/dmesg': `[${(86_400 + 2 * DAY - ago).toFixed(6)}] nf_conntrack: nf_conntrack: table full, dropping packet`,
    });
    const logged = (ago: number) => timeline(evicting, since(HOUR, 90), { ...since(2 * DAY, 90), files: log(ago) });
    expect(logged(60).fix.verdict).toBe('partly');
    expect(logged(47.5 * HOUR).fix.verdict).toBe('fixed');
  });
});

describe('partly', () => {
  test('not persisted', () => {
    const fix = fixOf(full, well(HOUR, { files: FORGOTTEN }));
    expect(fix.verdict).toBe('partly');
    expect(fix.results).toMatchObject({ applied: 'yes', buckets: 'yes', persisted: 'no' });
  });

  test('the limit is persisted and the buckets are not', () => {
    const fix = fixOf(full, well(HOUR, { files: persisted(MAX_LINE) }));
    expect(fix.verdict).toBe('partly');
    expect(fix.results.persisted).toBe('partly');
  });

  test('what is wrong with another setting is not held against it', () => {
    const other = persisted(MAX_LINE, BUCKETS_LINE, 'net.netfilter.nf_conntrack_tcp_loose = 0');
    const loose = { ...other, [`${SYSCTL}tcp_loose`]: 1 };
    const later = well(HOUR, { files: loose });
    expect(capture(later).analysis.findings.find(({ id }) => id === 'persistence')?.severity).toBe('notice');
    const fix = fixOf(full, later);
    expect(fix.results.persisted).toBe('yes');
    expect(fix.verdict).toBe('fixed');
  });

  test('buckets not', () => {
    const fix = fixOf(full, well(HOUR, { buckets: 8192, files: persisted(MAX_LINE) }));
    expect(fix.verdict).toBe('partly');
    expect(fix.results).toMatchObject({ applied: 'yes', buckets: 'no' });
    expect(fix.values('buckets')).toEqual({ wanted: 16_384, was: 8192, is: 8192 });
  });

  test('half of the way', () => {
    const half = { max: 12_288, buckets: 12_288 };
    const fix = fixOf(full, well(HOUR, { ...half, count: 8900, files: {} }));
    expect(fix.results).toMatchObject({ applied: 'partly', buckets: 'partly' });
    expect(fix.verdict).toBe('partly');
  });

  test('still losing, less than before', () => {
    const fix = fixOf(full, well(HOUR, { count: 16_384, ...drops(6000, 20) }));
    expect(fix.verdict).toBe('partly');
    expect(fix.values('effective')).toEqual({ counter: 'drop', wasPerHour: 36_000, isPerHour: 7200 });
    expect(fix.results.effective).toBe('partly');
  });
});

describe('not applied', () => {
  test('everything is as it was', () => {
    const fix = fixOf(full, { ...full, ...later(HOUR), ...drops(41_000, 100) });
    expect(fix.verdict).toBe('not-applied');
    expect(fix.results).toEqual({ applied: 'no', buckets: 'no', persisted: 'not known', effective: 'no' });
  });

  test('even if the table has room today', () => {
    const quiet = { ...full, ...later(HOUR), count: 100, ...drops(5100) };
    expect(fixOf(full, quiet).verdict).toBe('not-applied');
  });

  test('it was done, and taken back', () => {
    const back = { ...full, ...later(3 * DAY), count: 3000, ...drops(6000) };
    expect(fixOf(full, well(DAY), back)).toMatchObject({ before: 0, after: 2, verdict: 'not-applied' });
  });

  test('the other way', () => {
    const lower = { ...full, ...later(HOUR), max: 4096, count: 3000, ...drops(5100) };
    expect(fixOf(full, lower).results.applied).toBe('no');
  });
});

describe('worse', () => {
  test('from a healthy table to a full one', () => {
    const healthy: Moment = { ...later(-DAY), max: 8192, buckets: 8192, count: 3000, ...drops(5000) };
    expect(fixOf(healthy, full).verdict).toBe('worse');
  });

  test('more is lost than before', () => {
    const fix = fixOf(full, well(HOUR, { count: 16_384, ...drops(6000, 400) }));
    expect(fix.verdict).toBe('worse');
    expect(fix.values('effective')).toMatchObject({ wasPerHour: 36_000, isPerHour: 144_000 });
  });

  test('a few packets more within seconds are chance', () => {
    const few = { ...full, ...drops(5000, 2) };
    const fix = fixOf(few, well(HOUR, { count: 16_384, ...drops(6000, 4) }));
    expect(fix.values('effective')).toMatchObject({ wasPerHour: 720, isPerHour: 1440 });
    expect(fix.verdict).toBe('partly');
  });
});

describe('too early to tell', () => {
  test('all is done, and an hour of few entries went by', () => {
    const fix = fixOf(full, well(HOUR, { count: 900 }), well(2 * HOUR, { count: 950 }));
    expect(fix).toMatchObject({ verdict: 'too-early', testedSeconds: HOUR });
    expect(fix).not.toHaveProperty('undecided');
  });

  test('a week went by, in which packets were lost: nobody knows how long ago the change was', () => {
    const fix = fixOf(full, well(7 * DAY, { count: 900, ...drops(9000) }));
    expect(fix).toMatchObject({ verdict: 'too-early', testedSeconds: 0 });
    // Ten seconds without a loss do tell, where a hundred were to be expected.
    expect(fix.results.effective).toBe('yes');
  });

  test('a week without any loss: whenever it was changed', () => {
    expect(fixOf(full, well(7 * DAY, { count: 900, ...drops(5100) }))).toMatchObject({
      verdict: 'fixed',
      testedSeconds: 7 * DAY,
    });
  });

  test('seconds without a loss say nothing where one in a while was lost', () => {
    const rare = { ...full, ...drops(2400) };
    const fix = fixOf(rare, well(7 * DAY, { count: 900, ...drops(9000) }));
    // 2 400 in a day since the boot, and none while the later capture was taken.
    expect(fix.values('effective')).toEqual({ counter: 'drop', wasPerHour: 100, isPerHour: 0, tooShort: true });
    expect(fix.results.effective).toBe('not known');
  });

  test('the later capture shows too little to judge it', () => {
    const blind = { ...well(DAY), files: { [`${SYSCTL}max`]: '', [`${SYSCTL}count`]: '' } };
    expect(capture(blind).analysis.verdict.severity).toBe('unknown');
    expect(fixOf(full, blind)).toMatchObject({ verdict: 'too-early', undecided: 'after' });
  });

  test('one capture only', () => {
    expect(fixOf(full)).toEqual(
      expect.objectContaining({ before: 0, after: 0, verdict: 'too-early', undecided: 'one-snapshot', checks: [] }),
    );
  });
});

describe('nothing to fix', () => {
  const healthy: Moment = { ...later(-DAY), count: 3000, ...drops(5000) };

  test('before and after', () => {
    expect(fixOf(healthy, { ...healthy, ...later(0) })).toMatchObject({ verdict: 'nothing-to-fix', checks: [] });
    expect(fixOf(healthy)).toMatchObject({ verdict: 'nothing-to-fix' });
  });

  test('an earlier capture that shows too little is no base to get worse from', () => {
    const blind = { ...later(-DAY), files: { [`${SYSCTL}max`]: '', [`${SYSCTL}count`]: '' } };
    expect(fixOf(blind, full)).toMatchObject({ verdict: 'nothing-to-fix', undecided: 'before' });
  });
});

describe('recommendations other than the limit', () => {
  const TIMEOUT = `${SYSCTL}tcp_timeout_established`;
  const row = (n: number, remaining: number) =>
    `ipv4     2 tcp      6 ${remaining} ESTABLISHED src=10.0.0.${n % 250} dst=198.51.100.${n % 99} sport=${1024 + n} dport=443 src=198.51.100.${n % 99} dst=10.0.0.${n % 250} sport=443 dport=${1024 + n} [ASSURED] mark=0 zone=0 use=2`;
  const rows = (idle: number, fresh: number, timeout: number) => [
    ...Array.from({ length: idle }, (_, n) => row(n, timeout - 172_800)),
    ...Array.from({ length: fresh }, (_, n) => row(idle + n, timeout - 60)),
  ];
  const hoarding = async (): Promise<Moment> => ({
    ...later(0),
    uptime: 10 * DAY,
    max: 2000,
    buckets: 2048,
    count: 1900,
    files: { [TIMEOUT]: 432_000 },
    table: await tableOf(rows(1600, 300, 432_000)),
    ...drops(0),
  });
  const freed = async (seconds: number, timeout: number, count: number): Promise<Moment> => ({
    ...later(seconds),
    uptime: 10 * DAY + seconds,
    max: 2000,
    buckets: 2048,
    count,
    files: {
      ...persisted(
        `net.netfilter.nf_conntrack_tcp_timeout_established = ${timeout}`,
        'net.netfilter.nf_conntrack_max = 2000',
        'net.netfilter.nf_conntrack_buckets = 2048',
      ),
      [TIMEOUT]: timeout,
    },
    table: await tableOf(rows(0, count, timeout)),
    ...drops(0),
  });

  test('a hoard of idle entries: the timeout as recommended, and lower', async () => {
    const before = await hoarding();
    expect(capture(before).analysis.recommendation).toMatchObject({
      action: 'fix-cause',
      commands: { now: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=7440'] },
    });
    const fix = fixOf(before, await freed(HOUR, 7440, 200), await freed(2 * DAY, 7440, 210));
    expect(fix).toMatchObject({ before: 0, after: 2, verdict: 'fixed' });
    expect(fix.results).toEqual({ applied: 'yes', persisted: 'yes' });
    expect(fix.values('applied')).toEqual({ setting: 'tcp_timeout_established', wanted: 7440, was: 432_000, is: 7440 });
    const lower = fixOf(before, await freed(HOUR, 3600, 200), await freed(2 * DAY, 3600, 210));
    expect(lower.results.applied).toBe('yes');
  });

  test('the timeout half of the way', async () => {
    const fix = fixOf(await hoarding(), await freed(2 * DAY, 86_400, 300));
    expect(fix.results.applied).toBe('partly');
    expect(fix.verdict).toBe('partly');
  });

  test('the timeout as it was', async () => {
    const before = await hoarding();
    expect(fixOf(before, { ...before, ...later(HOUR), uptime: 10 * DAY + HOUR }).verdict).toBe('not-applied');
  });

  /** Room in the limit, and chains of 79 entries. */
  const chained: Moment = {
    ...later(0),
    buckets: 512,
    count: 20_000,
    cpus: [{ chaintoolong: 0 }],
    files: {
      'proc/net/stat/nf_conntrack': chains(500),
      'after/proc/net/stat/nf_conntrack': chains(600),
      'after/proc/uptime': '86410.00 1.00',
    },
  };

  test('more buckets', () => {
    expect(capture(chained).analysis.recommendation).toMatchObject({
      action: 'raise-buckets',
      commands: { now: ['sysctl -w net.netfilter.nf_conntrack_buckets=65536'] },
    });
    const more = (seconds: number): Moment => ({
      ...later(seconds),
      buckets: 65_536,
      count: 20_000,
      boot: BOOT_B,
      uptime: seconds,
      files: { 'proc/net/stat/nf_conntrack': chains(0) },
    });
    const fix = fixOf(chained, more(HOUR), more(2 * DAY));
    expect(fix).toMatchObject({ before: 0, after: 2, verdict: 'fixed' });
    expect(fix.results).toMatchObject({ buckets: 'yes', effective: 'yes' });
    expect(fix.values('effective')?.counter).toBe('chaintoolong');
    expect(fix.results).not.toHaveProperty('applied');
  });
});

function chains(refused: number): string {
  const header =
    'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error expect_new expect_create expect_delete search_restart';
  const values = [20_000, 0, 0, 0, 0, 0, 0, refused, 0, refused, refused, 0, 0, 0, 0, 0, 0];
  return `${header}\n${values.map((value) => value.toString(16).padStart(8, '0')).join(' ')}`;
}
