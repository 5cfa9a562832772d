import { describe, expect, it, test } from 'vitest';
import { parseCount, parseNumber } from '../../src/parsers/number.ts';
import { settingName, settingNameOfKey } from '../../src/parsers/settings-names.ts';
import { foreignTexts } from './fixture.ts';

const file = 'proc/sys/net/netfilter/nf_conntrack_max';

describe('a number', () => {
  test.each([
    ['262144\n', 262144],
    ['0', 0],
    [' 65536 \r\n', 65536],
    // Written before 6.15, when the kernel took it for a huge unsigned number.
    ['-1\n', -1],
    ['4294967295\n', 4294967295],
    ['Y\n', 1],
    ['N\n', 0],
  ])('%j', (text, value) => {
    expect(parseNumber(text, file)).toEqual({ value: { value, file }, problems: [] });
  });

  it.each(['12 34', '1\n2\n', '0x10', '1.5', '1e5', 'yes', '99999999999999999999'])('is not %j', (text) => {
    expect(parseNumber(text, file)).toEqual({
      value: undefined,
      problems: [
        {
          file,
          what: expect.stringContaining('is not one integer'),
          cost: 'The value of nf_conntrack_max is not in the report.',
        },
      ],
    });
  });

  it.each(foreignTexts)('is not %s', (_what, text) => {
    expect(parseNumber(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});

test('a count is never negative', () => {
  expect(parseCount('0\n', file)).toEqual({ value: { value: 0, file }, problems: [] });
  expect(parseCount('-1\n', file)).toMatchObject({ value: undefined, problems: [{ file, what: 'is no count: "-1"' }] });
});

describe('names', () => {
  test.each([
    ['proc/sys/net/netfilter/nf_conntrack_max', 'max'],
    ['proc/sys/net/nf_conntrack_max', 'max'],
    ['proc/sys/net/ipv4/ip_conntrack_max', 'max'],
    ['proc/sys/net/ipv4/netfilter/ip_conntrack_max', 'max'],
    ['proc/sys/net/ipv4/netfilter/ip_conntrack_count', 'count'],
    ['proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established', 'tcp_timeout_established'],
    ['proc/sys/net/ipv4/netfilter/ip_conntrack_tcp_timeout_established', 'tcp_timeout_established'],
    ['series/03/proc/sys/net/netfilter/nf_conntrack_count', 'count'],
    ['/proc/sys/net/netfilter/nf_conntrack_buckets', 'buckets'],
    ['proc/sys/net/core/message_burst', 'message_burst'],
    ['net/core/message_cost', 'message_cost'],
    ['proc/sys/net/core/somaxconn', undefined],
    ['proc/sys/net/ipv4/ip_local_port_range', undefined],
    ['proc/sys/net/netfilter/nf_log/0', undefined],
    ['proc/sys/net/netfilter/nf_conntrack_', undefined],
    ['proc/net/stat/nf_conntrack', undefined],
  ])('%s is %s', (path, name) => {
    expect(settingName(path)).toBe(name);
  });

  test.each([
    ['net.netfilter.nf_conntrack_max', 'max'],
    ['net/netfilter/nf_conntrack_max', 'max'],
    ['-net.netfilter.nf_conntrack_udp_timeout', 'udp_timeout'],
    ['- net/nf_conntrack_max', 'max'],
    ['net.ipv4.ip_conntrack_max', 'max'],
    ['net.ipv4.netfilter.ip_conntrack_tcp_timeout_close', 'tcp_timeout_close'],
    ['net.ipv4.ip_forward', undefined],
    ['net.netfilter.nf_conntrack_*', undefined],
  ])('key %s is %s', (key, name) => {
    expect(settingNameOfKey(key)).toBe(name);
  });
});
