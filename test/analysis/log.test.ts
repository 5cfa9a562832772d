import { describe, expect, test } from 'vitest';
import { logOf, secondsSince } from '../../src/analysis/log.ts';
import { gateway } from './snapshot-of.ts';

const FULL = 'nf_conntrack: nf_conntrack: table full, dropping packet';
/** A host that has been up for 100 000 s at noon. */
const logged = (files: Record<string, string>) =>
  logOf(
    gateway({
      'manifest.csv': 'key,value\nhostname,gw\ncaptured_at,2026-11-22T12:00:00Z\nnetns,4026531840',
      'proc/uptime': '100000.00 1.00',
      ...files,
    }),
  );
const lines = (...each: string[]) => each.join('\n');

test('an uptime in whole minutes dates no line to the second', () => {
  const at = (uptime: Record<string, string>) =>
    logOf(gateway({ ...uptime, 'commands/dmesg': `[86390.000000] ${FULL}` })).full;
  const exact = at({ 'proc/uptime': '86400.00 1.00' });
  expect([exact[0]?.when, secondsSince(exact)]).toEqual([{ from: -10, to: -10 }, 10]);
  const coarse = at({ 'commands/uptime': 'up 1 day, 0 min' });
  expect([coarse[0]?.when, coarse[0]?.boot, secondsSince(coarse)]).toEqual([{ from: -70, to: -10 }, 'this', undefined]);
});

describe('one message in several logs', () => {
  test('the kernel’s own stamp tells', () => {
    const { full } = logged({
      'commands/dmesg': lines(`[99990.000001] ${FULL}`, `[99990.000002] ${FULL}`),
      'var/log/kern.log': lines(
        `Nov 22 11:59:50 gw kernel: [99990.000001] ${FULL}`,
        `Nov 22 11:59:50 gw kernel: [99990.000002] ${FULL}`,
      ),
    });
    expect(full).toHaveLength(2);
  });

  test('the journal has no stamp of the kernel, and its clock differs by seconds', () => {
    const { full } = logged({
      'commands/dmesg': lines(`[99900.000001] ${FULL}`, `[99990.000002] ${FULL}`),
      'commands/journalctl-k': lines(
        `2026-11-22T13:58:18+0200 gw kernel: ${FULL}`,
        `2026-11-22T13:59:53+0200 gw kernel: ${FULL}`,
      ),
    });
    expect(full).toHaveLength(2);
  });

  test('a log of local time without a year can only be compared by the day: what may be the same is the same', () => {
    const { full } = logged({
      'commands/dmesg': `[99990.000001] ${FULL}`,
      'var/log/messages': lines(
        `Nov 20 08:00:00 gw kernel: ${FULL}`,
        `Nov 22 06:59:50 gw kernel: ${FULL}`,
        `Nov 22 06:59:51 gw kernel: ${FULL}`,
      ),
    });
    expect(full).toHaveLength(3);
  });
});

describe('messages that one log alone has', () => {
  test('the ring buffer forgot the older, rotation took them from the file: both are counted', () => {
    const { full } = logged({
      'commands/dmesg': lines(`[50000.000001] ${FULL}`, `[50000.000002] ${FULL}`),
      'var/log/kern.log': `2026-11-22T11:59:50.000000+00:00 gw kernel: [99990.000001] ${FULL}`,
    });
    expect(full.map(({ file, line }) => `${file}:${line}`)).toEqual([
      'commands/dmesg:1',
      'commands/dmesg:2',
      'var/log/kern.log:1',
    ]);
    expect(secondsSince(full)).toBe(10);
  });

  test('messages of an earlier boot, by their date', () => {
    const { full } = logged({
      'commands/journalctl-k': `2026-11-22T11:00:00+0000 gw kernel: ${FULL}`,
      'var/log/kern.log': lines(
        `Oct 30 11:00:00 gw kernel: ${FULL}`,
        `Nov 21 07:00:00 gw kernel: ${FULL}`,
        `Nov 22 11:00:00 gw kernel: ${FULL}`,
      ),
    });
    // 100 000 s before noon of the 22nd is the morning of the 21st: whether 07:00 is of this boot depends on the time zone.
    expect(full.map(({ boot }) => boot)).toEqual(['earlier', 'unknown', 'this']);
  });

  test('a stamp that this boot has not reached is of an earlier one', () => {
    const { full } = logged({ 'var/log/syslog': `kernel: [234567.000001] ${FULL}\nkernel: [   67.000001] ${FULL}` });
    expect(full.map(({ boot }) => boot)).toEqual(['earlier', 'unknown']);
  });

  test('December is of the year before', () => {
    const { full } = logOf(
      gateway({
        'manifest.csv': 'key,value\nhostname,gw\ncaptured_at,2026-01-02T12:00:00Z',
        'proc/uptime': '1000.00 1.00',
        'var/log/messages': `Dec 31 23:00:00 gw kernel: ip_conntrack: table full, dropping packet.`,
      }),
    );
    expect(full).toMatchObject([{ boot: 'earlier' }]);
    expect(full[0]?.when?.to).toBeLessThan(-86_400);
  });
});

test('suppressed messages are counted once, too', () => {
  const { suppressed } = logged({
    'commands/dmesg': lines('[99990.1] net_ratelimit: 40 callbacks suppressed', `[99990.2] ${FULL}`),
    'var/log/kern.log': lines(
      'Nov 22 11:59:50 gw kernel: [99990.1] net_ratelimit: 40 callbacks suppressed',
      'Nov 22 11:59:55 gw kernel: [99995.1] net_ratelimit: 2 callbacks suppressed',
    ),
  });
  expect(suppressed).toBe(42);
});

test('lines that name another namespace or container are not this one’s', () => {
  const { full, elsewhere } = logged({
    'commands/dmesg': lines(
      '[1.000001] nf_conntrack: nf_conntrack: table full in netns 4026532453, dropping packet',
      '[1.000002] nf_conntrack: nf_conntrack: table full in netns 4026531840, dropping packet',
      '[1.000003] ip_conntrack: CT 101: table full, dropping packet.',
      '[1.000004] ip_conntrack: VPS 0 table full, dropping packet.',
    ),
  });
  expect(full.map(({ line }) => line)).toEqual([2, 4]);
  expect(elsewhere.map(({ line }) => line)).toEqual([1, 3]);
});
