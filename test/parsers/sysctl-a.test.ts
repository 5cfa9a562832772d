import { describe, expect, it, test } from 'vitest';
import { parseSysctlA } from '../../src/parsers/sysctl-a.ts';
import { fixture, foreignTexts } from './fixture.ts';

const file = 'commands/sysctl-a';
const text = fixture('sysctl-a-6.18.txt');

describe('sysctl -a', () => {
  it('reads what the report asks for, and passes over errors of other keys', () => {
    const { value, problems } = parseSysctlA(text, file);
    expect(problems).toEqual([]);
    expect(value?.hostname).toEqual({ value: 'gw', file, line: 8 });
    expect(value?.bootId).toEqual({ value: '0f9a8d6c-1b2e-4c3d-8e5f-7a6b5c4d3e2f', file, line: 10 });
    expect(value?.settings).toHaveLength(44);
    const max = text.split('\n').indexOf('net.netfilter.nf_conntrack_max = 262144') + 1;
    expect(value?.settings).toContainEqual({ value: 262_144, file, line: max, key: 'net.netfilter.nf_conntrack_max' });
    expect(value?.settings.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['net.core.message_cost', 'net.nf_conntrack_max', 'net.netfilter.nf_conntrack_count']),
    );
    expect(value?.settings.some(({ key }) => key.includes('ip_local_port_range'))).toBe(false);
  });

  test.each([
    ['net.netfilter.nf_conntrack_max=65536\r\n', 65_536],
    ["sysctl: permission denied on key 'kernel.cad_pid'\nnet.netfilter.nf_conntrack_max = 65536\n", 65_536],
    ['net.netfilter.nf_conntrack_max = -1\n', -1],
    ['net.netfilter.nf_conntrack_max = 65536\nnet.netfilter.nf_conntrack_max = 65536\n', 65_536],
  ])('%j', (printed, value) => {
    expect(parseSysctlA(printed, file)).toMatchObject({ value: { settings: [{ value }] }, problems: [] });
  });

  it.each([
    "sysctl: permission denied on key 'net.netfilter.nf_conntrack_max'",
    'sysctl: reading key "net.netfilter.nf_conntrack_max"',
    'sysctl: cannot stat /proc/sys/net/netfilter/nf_conntrack_max: No such file or directory',
    'error: "net.netfilter.nf_conntrack_max" is an unknown key',
  ])('quotes %s, and takes no number from it', (error) => {
    const { value, problems } = parseSysctlA(`fs.aio-nr = 0\n${error}\n`, file);
    expect(value).toEqual({ settings: [] });
    expect(problems).toMatchObject([{ line: 2, what: expect.stringContaining(error.slice(0, 60)) }]);
  });

  it.each([
    'net.netfilter.nf_conntrack_max = ',
    'net.netfilter.nf_conntrack_max = 1 2',
    'net.netfilter.nf_conntrack_max = 99999999999999999999',
    'kernel.hostname = two words',
    'kernel.random.boot_id = none',
  ])('does not understand %s', (line) => {
    const { value, problems } = parseSysctlA(`fs.aio-nr = 0\n${line}\n`, file);
    expect(value).toEqual({ settings: [] });
    expect(problems).toMatchObject([{ line: 2, what: expect.stringContaining('one line was not understood') }]);
  });

  it('takes the first of two values of one key, and says so', () => {
    const { value, problems } = parseSysctlA('net.nf_conntrack_max = 1\nnet.nf_conntrack_max = 2\n', file);
    expect(value?.settings.map(({ value: max }) => max)).toEqual([1]);
    expect(problems).toMatchObject([{ line: 2 }]);
  });

  it.each([...foreignTexts, ['a shell', 'bash: sysctl: command not found\n'] as const])(
    'refuses %s',
    (_what, foreign) => {
      expect(parseSysctlA(foreign, file)).toMatchObject({ value: undefined, problems: [{ file }] });
    },
  );
});
