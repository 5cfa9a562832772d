import { describe, expect, it, test } from 'vitest';
import { parseCmdline, parseModprobeConf, parseModulesLoad, parseSysctlConf } from '../../src/parsers/persisted.ts';
import { foreignTexts } from './fixture.ts';

const file = 'etc/some.conf';

describe('sysctl.conf', () => {
  test.each([
    ['net.netfilter.nf_conntrack_max = 262144', 'net.netfilter.nf_conntrack_max', '262144'],
    ['net/netfilter/nf_conntrack_max=262144', 'net.netfilter.nf_conntrack_max', '262144'],
    ['-net.nf_conntrack_max=1', 'net.nf_conntrack_max', '1'],
    ['  net.ipv4.ip_conntrack_max\t=\t65536  ', 'net.ipv4.ip_conntrack_max', '65536'],
    ['net.netfilter.nf_conntrack_helper =', 'net.netfilter.nf_conntrack_helper', ''],
  ])('%s', (line, key, value) => {
    expect(parseSysctlConf(`\n${line}\n`, file)).toEqual({
      value: [{ file, line: 2, kind: 'sysctl', key, value }],
      problems: [],
    });
  });

  it('leaves out comments, other settings and exclusions, and keeps line numbers', () => {
    const text = `# net.netfilter.nf_conntrack_max = 1
; net.netfilter.nf_conntrack_max = 2

net.ipv4.ip_forward = 1
-net.netfilter.nf_conntrack_max
net.netfilter.nf_conntrack_max = 3
kernel.core_pattern = /tmp/conntrack
`;
    const { value, problems } = parseSysctlConf(text, file);
    expect(value).toEqual([{ file, line: 6, kind: 'sysctl', key: 'net.netfilter.nf_conntrack_max', value: '3' }]);
    expect(problems).toEqual([]);
  });

  it('quotes a line that sets nothing', () => {
    expect(parseSysctlConf('net.netfilter.nf_conntrack_max 5\n', file)).toMatchObject({
      value: [],
      problems: [{ file, line: 1, what: 'one line was not understood: line 1 "net.netfilter.nf_conntrack_max 5"' }],
    });
  });
});

describe('modprobe.conf', () => {
  const option = (key: string, value?: string, line = 1) => ({
    file,
    line,
    kind: 'module-option',
    key,
    ...(value === undefined ? {} : { value }),
  });
  test.each([
    ['options nf_conntrack hashsize=65536', [option('nf_conntrack hashsize', '65536')]],
    ['options ip_conntrack hashsize=8192', [option('ip_conntrack hashsize', '8192')]],
    [
      'options nf-conntrack hashsize="65536" acct=1 tstamp',
      [option('nf_conntrack hashsize', '65536'), option('nf_conntrack acct', '1'), option('nf_conntrack tstamp')],
    ],
    ['options nf_conntrack_ftp ports=21,2121', [option('nf_conntrack_ftp ports', '21,2121')]],
    ['install nf_conntrack /bin/true', [option('nf_conntrack install', '/bin/true')]],
    [
      'install ip_tables /sbin/modprobe -i ip_tables; sysctl -w net.netfilter.nf_conntrack_max=9',
      [option('ip_tables install', '/sbin/modprobe -i ip_tables; sysctl -w net.netfilter.nf_conntrack_max=9')],
    ],
    ['alias net-pf-10 nf_conntrack', []],
    ['blacklist nf_conntrack_ftp', []],
    ['softdep br_netfilter pre: nf_conntrack', []],
    ['options xt_conntrack_dummy a=1', []],
    ['# options nf_conntrack hashsize=1', []],
  ])('%s', (line, value) => {
    expect(parseModprobeConf(`${line}\n`, file)).toEqual({ value, problems: [] });
  });

  it('joins continued lines, which count from the first', () => {
    const text = '# x\noptions nf_conntrack \\\n  hashsize=1024 \\\n\tacct=1\noptions nf_conntrack tstamp=1\n';
    expect(parseModprobeConf(text, file).value).toEqual([
      option('nf_conntrack hashsize', '1024', 2),
      option('nf_conntrack acct', '1', 2),
      option('nf_conntrack tstamp', '1', 5),
    ]);
  });

  it('quotes an unknown directive', () => {
    const { value, problems } = parseModprobeConf('option nf_conntrack hashsize=1\n', file);
    expect(value).toEqual([]);
    expect(problems).toMatchObject([{ line: 1 }]);
  });
});

test('modules to load', () => {
  const text = '# nf_conntrack\noverlay\nnf_conntrack\n\nip_conntrack_ftp\nnf-conntrack hashsize=1024\n';
  expect(parseModulesLoad(text, file)).toEqual({
    value: [
      { file, line: 3, kind: 'module-load', key: 'nf_conntrack' },
      { file, line: 5, kind: 'module-load', key: 'ip_conntrack_ftp' },
      { file, line: 6, kind: 'module-load', key: 'nf_conntrack' },
      { file, line: 6, kind: 'module-option', key: 'nf_conntrack hashsize', value: '1024' },
    ],
    problems: [],
  });
});

describe('kernel command line', () => {
  test.each([
    ['nf_conntrack.hashsize=65536', 'nf_conntrack hashsize', '65536'],
    ['nf-conntrack.expect-hashsize=512', 'nf_conntrack expect_hashsize', '512'],
    ['nf_conntrack.acct', 'nf_conntrack acct', undefined],
    ['module_blacklist=nf_conntrack,ip_tables', 'module_blacklist', 'nf_conntrack,ip_tables'],
    ['nf_conntrack.x="a b"', 'nf_conntrack x', 'a b'],
  ])('%s', (word, key, value) => {
    expect(parseCmdline(`BOOT_IMAGE=/vmlinuz root=/dev/sda1 "a=b c" ${word} quiet\n`, file)).toEqual({
      value: [{ file, line: 1, kind: 'kernel-parameter', key, ...(value === undefined ? {} : { value }) }],
      problems: [],
    });
  });
  it('has nothing where no word names conntrack', () => {
    expect(parseCmdline('BOOT_IMAGE=/vmlinuz ro quiet\n', file)).toEqual({ value: [], problems: [] });
    expect(parseCmdline('\n', file)).toEqual({ value: [], problems: [] });
  });
});

describe.each(Object.entries({ parseSysctlConf, parseModprobeConf, parseModulesLoad, parseCmdline }))(
  '%s',
  (_n, parse) => {
    it.each(foreignTexts.filter(([, text]) => text.trim() !== ''))('refuses %s', (_what, text) => {
      expect(parse(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
    });
  },
);
