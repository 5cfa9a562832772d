import { describe, expect, it, test } from 'vitest';
import {
  kernelAtLeast,
  parseCpuCount,
  parseDate,
  parseFirstLine,
  parseKernelVersion,
  parseModules,
  parseOsRelease,
  parseUptime,
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

describe('date', () => {
  test.each([
    ['2026-11-22T14:03:05Z\n', '2026-11-22T14:03:05Z'],
    ['2026-11-22T21:23:23.808779963+00:00 1795382603.808779963\n', '2026-11-22T21:23:23Z'],
    ['2026-11-22 14:03:05+0000', '2026-11-22T14:03:05Z'],
    ['Sun Nov 22 14:03:05 UTC 2026\n', '2026-11-22T14:03:05Z'],
    ['Mon Mar  1 04:03:05 GMT 2004\n', '2004-03-01T04:03:05Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00Z'],
  ])('%j', (text, value) => {
    expect(parseDate(text, file)).toEqual({ value: { value, file }, problems: [] });
  });
  it.each([
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-22T25:03:05Z',
    '2026-11-22T14:03:05+02:00',
    'Sun Nov 22 14:03:05 CET 2026',
    'Sun Foo 22 14:03:05 UTC 2026',
    'yesterday',
  ])('is not %s', (text) => {
    expect(parseDate(text, file)).toMatchObject({
      ...refused,
      problems: [{ what: expect.stringContaining('is not a date in UTC') }],
    });
  });
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
  const parsers = { parseUptime, parseOsRelease, parseFirstLine, parseCpuCount, parseDate, parseKernelVersion };
  describe.each(Object.entries(parsers))('%s', (_name, parse) => {
    it.each(foreignTexts)('refuses %s', (_what, text) => {
      expect(parse(text, file)).toMatchObject(refused);
    });
  });
  it.each(foreignTexts.filter(([, text]) => text.trim() !== ''))('modules: refuses %s', (_what, text) => {
    expect(parseModules(text, file)).toMatchObject(refused);
  });
});
