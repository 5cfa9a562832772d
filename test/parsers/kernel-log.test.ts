import { describe, expect, it, test } from 'vitest';
import { parseKernelLog } from '../../src/parsers/kernel-log.ts';
import type { LogLine } from '../../src/snapshot/types.ts';
import { fixture, foreignTexts } from './fixture.ts';

const file = 'commands/dmesg';

function lines(text: string): LogLine[] {
  const { value, problems } = parseKernelLog(text, file);
  expect(problems).toEqual([]);
  return value ?? [];
}

describe('captured', () => {
  test('a full table, with what was not printed', () => {
    const found = lines(fixture('dmesg-table-full.txt'));
    expect(found).toHaveLength(11);
    expect(found[0]).toEqual({
      file,
      line: 2,
      kind: 'suppressed',
      suppressed: 134,
      uptimeSeconds: 5525.877657,
      stamp: '5525.877657',
      text: '[ 5525.877657] net_ratelimit: 134 callbacks suppressed',
    });
    expect(found[1]).toEqual({
      file,
      line: 3,
      kind: 'table-full',
      uptimeSeconds: 5525.877663,
      stamp: '5525.877663',
      text: '[ 5525.877663] nf_conntrack: nf_conntrack: table full, dropping packet',
    });
  });

  test('a full table of another namespace', () => {
    const found = lines(fixture('dmesg-netns.txt'));
    expect(found.filter(({ netns }) => netns === '4026532453')).toHaveLength(36);
    expect(found.filter(({ suppressed }) => suppressed !== undefined).map(({ suppressed }) => suppressed)).toEqual([
      42, 2332, 3612, 5209,
    ]);
  });
});

describe('wordings', () => {
  test.each<[message: string, expected: Partial<LogLine>]>([
    ['ip_conntrack: table full, dropping packet.', { kind: 'table-full' }],
    ['nf_conntrack: table full, dropping packet.', { kind: 'table-full' }],
    ['nf_conntrack: table full, dropping packet', { kind: 'table-full' }],
    ['nf_conntrack: nf_conntrack: table full, dropping packet', { kind: 'table-full' }],
    [
      'nf_conntrack: nf_conntrack: table full in netns 4026532246, dropping packet',
      { kind: 'table-full', netns: '4026532246' },
    ],
    ['ip_conntrack: VPS 101 table full, dropping packet.', { kind: 'table-full' }],
    ['ip_conntrack: CT 101 table full, dropping packet.', { kind: 'table-full' }],
    ['nf_conntrack: CT 101: table full, dropping packet.', { kind: 'table-full' }],
    ['NET: 12 messages suppressed.', { kind: 'suppressed', suppressed: 12 }],
    ['printk: 34 messages suppressed.', { kind: 'suppressed', suppressed: 34 }],
    ['__ratelimit: 56 callbacks suppressed', { kind: 'suppressed', suppressed: 56 }],
    ['net_ratelimit: 78 callbacks suppressed', { kind: 'suppressed', suppressed: 78 }],
    ['nf_conntrack: expectation table full', { kind: 'expectation-full' }],
    [
      'ip_conntrack: max number of expected connections 1 of ftp reached for 192.0.2.1->198.51.100.7',
      { kind: 'expectation-full' },
    ],
    ['nf_conntrack version 0.5.0 (16384 buckets, 65536 max)', { kind: 'boot' }],
    ['ip_conntrack version 2.1 (8192 buckets, 65536 max) - 228 bytes per conntrack', { kind: 'boot' }],
  ])('%s', (message, expected) => {
    expect(lines(`${message}\n`)).toEqual([{ file, line: 1, text: message, ...expected }]);
  });

  it.each([
    'audit: rate limit exceeded',
    'printk: console messages suppressed',
    'btrfs_printk: 5 callbacks suppressed',
    'nf_conntrack: default automatic helper assignment has been turned off',
    'neighbour: arp_cache: neighbor table overflow!',
    'nf_ct_ftp: dropping packet: cannot add expectation',
  ])('nothing in: %s', (message) => {
    expect(lines(message)).toEqual([]);
  });

  it('finds both messages where 2.6.24 forgot the newline between them', () => {
    const joined = 'nf_conntrack: expectation table full<4>nf_conntrack: table full, dropping packet.';
    expect(lines(joined).map(({ kind, line }) => [kind, line])).toEqual([
      ['table-full', 1],
      ['expectation-full', 1],
    ]);
  });

  it('keeps only the beginning of an endless line', () => {
    const [found] = lines(`nf_conntrack: table full, dropping packet${'x'.repeat(10_000)}`);
    expect(found?.text).toHaveLength(500);
  });
});

describe('time stamps', () => {
  test.each<[front: string, expected: Pick<LogLine, 'stamp' | 'uptimeSeconds'>]>([
    ['', {}],
    ['[  123.456789] ', { stamp: '123.456789', uptimeSeconds: 123.456789 }],
    ['<4>[  123.456789] ', { stamp: '123.456789', uptimeSeconds: 123.456789 }],
    ['<4>', {}],
    ['[  123.456789][    T1] ', { stamp: '123.456789', uptimeSeconds: 123.456789 }],
    ['Nov 22 14:03:05 host kernel: ', { stamp: 'Nov 22 14:03:05' }],
    ['Nov  2 14:03:05 host kernel: [  123.456789] ', { stamp: 'Nov  2 14:03:05', uptimeSeconds: 123.456789 }],
    ['Nov 22 14:03:05.123456 host kernel: ', { stamp: 'Nov 22 14:03:05.123456' }],
    ['2026-11-22T14:03:05.123456+00:00 host kernel: ', { stamp: '2026-11-22T14:03:05.123456+00:00' }],
    ['2026-11-22T14:03:05+0000 host kernel: ', { stamp: '2026-11-22T14:03:05+0000' }],
    ['2026-11-22T14:03:05,123456+01:00 ', { stamp: '2026-11-22T14:03:05,123456+01:00' }],
    ['Sun 2026-11-22 14:03:05 UTC host kernel: ', { stamp: 'Sun 2026-11-22 14:03:05 UTC' }],
    ['[Sat Nov 22 20:11:00 2025] ', { stamp: 'Sat Nov 22 20:11:00 2025' }],
    // dmesg -d: seconds since the line before, no time at all.
    ['[  +0.003210] ', {}],
  ])('%s', (front, expected) => {
    const [found] = lines(`${front}nf_conntrack: table full, dropping packet\n`);
    expect({ stamp: found?.stamp, uptimeSeconds: found?.uptimeSeconds }).toEqual({
      stamp: undefined,
      uptimeSeconds: undefined,
      ...expected,
    });
  });
});

describe('what is no log', () => {
  it('takes an empty one for what it is', () => {
    expect(parseKernelLog('', file)).toEqual({ value: [], problems: [] });
  });

  it.each(foreignTexts.filter(([, text]) => text.trim() !== ''))('refuses %s', (_what, text) => {
    expect(parseKernelLog(text, file)).toMatchObject({
      value: undefined,
      problems: [{ cost: 'Messages about a full table in this log are unknown.' }],
    });
  });

  it('is not put off by a message about a refusal', () => {
    expect(lines('Nov 22 14:03:05 host audit: open: Permission denied\n')).toEqual([]);
    expect(lines('[  123.456789] ima: Permission denied\n')).toEqual([]);
  });
});
