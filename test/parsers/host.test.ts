import { describe, expect, it, test } from 'vitest';
import {
  kernelAtLeast,
  parseCpuCount,
  parseFirstLine,
  parseKernelVersion,
  parseLsmod,
  parseModules,
  parseOsRelease,
  parseUname,
  parseUptime,
  parseUptimeCommand,
} from '../../src/parsers/host.ts';
import { foreignTexts } from './fixture.ts';

const file = 'proc/some/file';
const refused = { value: undefined, problems: [{ file }] };

describe('uptime', () => {
  test.each([
    ['5323.16 4614.20\n', 5323.16],
    ['350735.47', 350735.47],
    ['12', 12],
  ])('%j', (text, value) => {
    expect(parseUptime(text, file)).toEqual({ value: { value, file }, problems: [] });
  });
  it.each(['up 5 days', '-1.0 2', '1.2.3 4'])('is not %j', (text) => {
    expect(parseUptime(text, file)).toMatchObject(refused);
  });
});

describe('the command uptime', () => {
  const [minute, hour, day] = [60, 3600, 86_400];
  test.each([
    [' 21:17:23 up 10 days,  3:04,  2 users,  load average: 0.15, 1.13, 1.51\n', 10 * day + 3 * hour + 4 * minute],
    [' 22:18:06 up  7:02,  0 user,  load average: 0.15, 1.13, 1.51\n', 7 * hour + 2 * minute],
    [' 21:17:23 up 3 min,  1 user,  load average: 0.00, 0.00, 0.00', 3 * minute],
    ['21:17:23 up 1 day, 12 min, 1 user, load average: 0.00', day + 12 * minute],
    [' 21:17pm  up 10 days  3:04,  2 users,  load average: 0.15', 10 * day + 3 * hour + 4 * minute],
    [' 21:17:23 up 0 min,  load average: 0.00, 0.00, 0.00', 0],
    ['up 1 week, 2 days, 1 hour, 4 minutes', 9 * day + hour + 4 * minute],
    ['up 1 year, 1 minute', 365 * day + minute],
  ])('%j', (text, value) => {
    expect(parseUptimeCommand(text, file)).toEqual({ value: { value, file, roundedTo: 60 }, problems: [] });
  });
  it.each([
    'up',
    ' 21:17:23 up',
    ' 21:17:23 up 10 days,  3:0',
    ' 21:17:23 up ???? days ??:??,  2 users',
    ' 21:17:23 up 2 users',
    '5323.16 4614.20',
    '10 days',
  ])('is not %j', (text) => {
    expect(parseUptimeCommand(text, file)).toMatchObject(refused);
  });
});

describe('lsmod', () => {
  const text = `Module                  Size  Used by
xt_conntrack           16384  2
nf_conntrack          176128  3 xt_conntrack,nf_nat,nf_conntrack_netlink
`;
  it('reads names', () => {
    expect(parseLsmod(text, file)).toEqual({ value: { value: ['xt_conntrack', 'nf_conntrack'], file }, problems: [] });
  });
  it('knows none by the header only', () => {
    expect(parseLsmod('Module                  Size  Used by\n', file).value).toEqual({ value: [], file });
    expect(parseLsmod('', file)).toMatchObject(refused);
  });
  it('quotes what is no module', () => {
    const { value, problems } = parseLsmod(`${text}libkmod: ERROR could not open\n`, file);
    expect(value?.value).toEqual(['xt_conntrack', 'nf_conntrack']);
    expect(problems).toMatchObject([{ line: 4 }]);
  });
});

describe('uname -a', () => {
  test.each([
    ['Linux vm 6.18.44-fc-v595 #1 SMP PREEMPT_DYNAMIC @0 x86_64 GNU/Linux\n', 'vm', '6.18.44-fc-v595', 'x86_64'],
    [
      'Linux gw.example.net 5.14.0-427.13.1.el9_4.aarch64+64k #1 SMP PREEMPT_DYNAMIC Wed Apr 10 10:29:16 EDT 2024 aarch64 aarch64 aarch64 GNU/Linux',
      'gw.example.net',
      '5.14.0-427.13.1.el9_4.aarch64+64k',
      'aarch64',
    ],
    [
      'Linux gw 5.4.0-gentoo #1 SMP Tue Mar 3 10:00:00 CET 2020 x86_64 Intel(R) Core(TM) i7-4770 CPU @ 3.40GHz GenuineIntel GNU/Linux',
      'gw',
      '5.4.0-gentoo',
      'x86_64',
    ],
    ['Linux OpenWrt 4.14.180 #0 Sat May 16 18:32:20 2020 mips', 'OpenWrt', '4.14.180', 'mips'],
    ['Linux gw 2.4.21-99.EL #1 SMP Mon Mar 1 04:03:05 GMT 2004 i686 i686 i386 GNU/Linux', 'gw', '2.4.21-99.EL', 'i686'],
    ['Linux gw 6.1.0-21-amd64 #1 SMP Debian 6.1.90-1 (2024-05-03) GNU/Linux', 'gw', '6.1.0-21-amd64', undefined],
  ])('%s', (text, hostname, release, machine) => {
    expect(parseUname(text, file)).toEqual({
      value: {
        hostname: { value: hostname, file },
        kernelRelease: { value: release, file },
        ...(machine !== undefined && { machine: { value: machine, file } }),
      },
      problems: [],
    });
  });
  it.each(['Linux', 'Linux 6.1.0', '6.1.0-18-amd64', 'Darwin gw 23.1.0 #1 x86_64', 'Linux gw six #1 x86_64'])(
    'is not %s',
    (text) => {
      expect(parseUname(text, file)).toMatchObject(refused);
    },
  );
});

describe('modules', () => {
  it('reads names, of 2.6 and of 2.4', () => {
    const text = `nf_conntrack 139264 2 nf_nat,xt_conntrack, Live 0xffffffffc0a51000
ip_conntrack           21764   2 (autoclean) [ip_nat_ftp iptable_nat]
`;
    expect(parseModules(text, file)).toEqual({
      value: { value: ['nf_conntrack', 'ip_conntrack'], file },
      problems: [],
    });
  });
  it('knows a kernel without any', () => {
    expect(parseModules('', file)).toEqual({ value: { value: [], file }, problems: [] });
  });
  it('quotes what is no module', () => {
    const { value, problems } = parseModules('Module Size Used by\nnf_nat 57344 1\n', file);
    expect(value?.value).toEqual(['nf_nat']);
    expect(problems).toMatchObject([{ line: 1 }]);
    expect(parseModules('what is this?', file)).toMatchObject(refused);
  });
});

describe('distribution', () => {
  test.each([
    ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n', 'Debian GNU/Linux 12 (bookworm)', 1],
    ['NAME=Alpine\nID=alpine\nPRETTY_NAME=\'Alpine "3.20"\'\n', 'Alpine "3.20"', 3],
    ['ID=buildroot\nNAME=Buildroot\n', 'Buildroot', 2],
    ['PRETTY_NAME="A \\"B\\""\n', 'A "B"', undefined],
    [
      'Red Hat Enterprise Linux ES release 3 (Taroon Update 8)\n',
      'Red Hat Enterprise Linux ES release 3 (Taroon Update 8)',
      undefined,
    ],
    ['12.5\n', '12.5', undefined],
  ])('%j', (text, value, line) => {
    expect(parseOsRelease(text, file)).toEqual({
      value: line === undefined ? { value, file } : { value, file, line },
      problems: [],
    });
  });
  it('refuses a file that names none', () => {
    expect(parseOsRelease('HOME_URL="https://example.org/"\n', file)).toMatchObject(refused);
  });
});

test('the first line', () => {
  expect(parseFirstLine('\ngateway-1\n', file)).toEqual({ value: { value: 'gateway-1', file }, problems: [] });
  expect(parseFirstLine('\na\nb\n', file).value).toEqual({ value: 'a', file, line: 2 });
});

describe('number of CPUs', () => {
  it('reads it', () => expect(parseCpuCount('16\n', file).value).toEqual({ value: 16, file }));
  it.each(['0', '-2', 'two', '2\n2'])('is not %j', (text) => expect(parseCpuCount(text, file)).toMatchObject(refused));
});

describe('kernel', () => {
  test.each([
    ['6.18.44-fc-v782\n', '6.18.44-fc-v782'],
    ['2.4.21-99.EL', '2.4.21-99.EL'],
    ['Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP', '6.1.0-18-amd64'],
    ['Linux vm 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0 x86_64 GNU/Linux', '6.18.44-fc-v782'],
  ])('%s', (text, value) => {
    expect(parseKernelVersion(text, file)).toEqual({ value: { value, file }, problems: [] });
  });
  it.each(['Darwin host 23.1.0', 'six', 'FreeBSD'])('is not %s', (text) => {
    expect(parseKernelVersion(text, file)).toMatchObject(refused);
  });

  test.each<[release: string, version: [number, number, number?], expected: boolean | undefined]>([
    ['2.4.21-99.EL', [2, 4, 21], true],
    ['2.4.21-99.EL', [2, 4, 22], false],
    ['2.4.21-99.EL', [2, 6], false],
    ['3.10.0-1160.el7', [3, 10], true],
    ['3.10.0-1160.el7', [3, 9, 99], true],
    ['3.10.0-1160.el7', [3, 10, 1], false],
    ['6.18.44-fc-v782', [6, 9], true],
    ['6.18.44-fc-v782', [6, 19], false],
    ['6.18.44-fc-v782', [5, 99], true],
    ['6.1', [6, 1], true],
    ['6.1', [6, 1, 1], false],
    ['unknown', [2, 6], undefined],
    ['', [2, 6], undefined],
  ])('%s is at least %j: %s', (release, version, expected) => {
    expect(kernelAtLeast(release, ...version)).toBe(expected);
  });
});

describe('what is no such file', () => {
  const parsers = {
    parseUptime,
    parseOsRelease,
    parseFirstLine,
    parseCpuCount,
    parseKernelVersion,
    parseUname,
    parseUptimeCommand,
    parseLsmod,
  };
  describe.each(Object.entries(parsers))('%s', (_name, parse) => {
    it.each(foreignTexts)('refuses %s', (_what, text) => {
      expect(parse(text, file)).toMatchObject(refused);
    });
  });
  it.each(foreignTexts.filter(([, text]) => text.trim() !== ''))('modules: refuses %s', (_what, text) => {
    expect(parseModules(text, file)).toMatchObject(refused);
  });
});
