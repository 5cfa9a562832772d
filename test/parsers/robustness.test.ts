import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseInventory, parseManifest, parseNetns } from '../../src/parsers/bundle-csv.ts';
import { parseConntrackS, parseProcCounters } from '../../src/parsers/counters.ts';
import { parseCpuinfo } from '../../src/parsers/cpuinfo.ts';
import { parseDate, parseTimedatectl } from '../../src/parsers/date.ts';
import { parseFree } from '../../src/parsers/free.ts';
import { countExpectations } from '../../src/parsers/expectations.ts';
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
import { parseKernelLog } from '../../src/parsers/kernel-log.ts';
import { parseMeminfo } from '../../src/parsers/meminfo.ts';
import { parseCount, parseNumber } from '../../src/parsers/number.ts';
import {
  pageBytesFromProcess,
  parseGetconf,
  parseGetconfA,
  parseKernelPageSize,
  parsePageConfig,
} from '../../src/parsers/page-size.ts';
import type { Parsed } from '../../src/parsers/parsed.ts';
import { parseCmdline, parseModprobeConf, parseModulesLoad, parseSysctlConf } from '../../src/parsers/persisted.ts';
import { settingName, settingNameOfKey } from '../../src/parsers/settings-names.ts';
import { detectAllocator, parseSlabinfo, selectConntrackCaches } from '../../src/parsers/slabinfo.ts';
import { parseSysctlA } from '../../src/parsers/sysctl-a.ts';
import { parseSysfsSlabValue } from '../../src/parsers/sysfs-slab.ts';
import { fixture } from './fixture.ts';

const parseProcess = (text: string, file: string) =>
  pageBytesFromProcess(text.slice(0, text.length / 2), text.slice(text.length / 2), [file, file]);

/** Every parser, with a file that it understands. */
const parsers: Record<string, [parse: (text: string, file: string) => Parsed<unknown>, example: string]> = {
  parseSlabinfo: [parseSlabinfo, fixture('slabinfo-6.18.txt').split('\n').slice(0, 30).join('\n')],
  'parseSlabinfo of 2.4': [
    parseSlabinfo,
    fixture('slabinfo-2.4-smp-statistics.txt').split('\n').slice(0, 8).join('\n'),
  ],
  'parseSlabinfo of 2.6.18': [
    parseSlabinfo,
    fixture('slabinfo-2.6.18-statistics.txt').split('\n').slice(0, 8).join('\n'),
  ],
  parseProcCounters: [parseProcCounters, fixture('stat-nf_conntrack-6.18.txt')],
  parseConntrackS: [parseConntrackS, fixture('conntrack-S-1.4.7.txt')],
  'parseConntrackS of 1.2': [parseConntrackS, 'entries\t\t\t5\nfound\t\t\t7\ndrop\t\t\t2\n'],
  parseKernelLog: [parseKernelLog, fixture('dmesg-table-full.txt')],
  parseMeminfo: [parseMeminfo, fixture('meminfo-6.18.txt')],
  parseNumber: [parseNumber, '262144\n'],
  parseCount: [parseCount, '40704\n'],
  parseGetconf: [parseGetconf, '4096\n'],
  parseKernelPageSize: [parseKernelPageSize, 'KernelPageSize:        4 kB\n'],
  parseUptime: [parseUptime, '5323.16 4614.20\n'],
  parseModules: [parseModules, 'nf_conntrack 139264 2 nf_nat,xt_conntrack, Live 0xffffffffc0a51000\n'],
  parseOsRelease: [parseOsRelease, 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'],
  parseFirstLine: [parseFirstLine, 'gateway\n'],
  parseCpuCount: [parseCpuCount, '16\n'],
  parseDate: [parseDate, '2026-11-22T14:03:05Z\n'],
  parseUname: [parseUname, 'Linux gw 6.1.0-18-amd64 #1 SMP Debian 6.1.76-1 (2024-02-01) x86_64 GNU/Linux\n'],
  parseUptimeCommand: [parseUptimeCommand, ' 21:17:23 up 10 days,  3:04,  2 users,  load average: 0.15, 1.13, 1.51\n'],
  parseLsmod: [parseLsmod, 'Module                  Size  Used by\nnf_conntrack 139264 2 nf_nat,xt_conntrack\n'],
  parseTimedatectl: [parseTimedatectl, '  Local time: n/a\n  Universal time: Wed 2026-11-25 21:17:23 UTC\n'],
  'parseDate in words': [parseDate, 'Wed 25 Nov 2026 09:17:23 PM UTC\n'],
  parseCpuinfo: [parseCpuinfo, fixture('cpuinfo-x86-2.txt')],
  parseFree: [parseFree, ' total used free\nMem:        24684096      456872    23510636\n'],
  parseSysctlA: [parseSysctlA, fixture('sysctl-a-6.18.txt').split('\n').slice(6, 20).join('\n')],
  parseGetconfA: [parseGetconfA, fixture('getconf-a.txt')],
  parsePageConfig: [parsePageConfig, '# Linux/arm64 6.6.30 Kernel Configuration\nCONFIG_ARM64_64K_PAGES=y\n'],
  parseKernelVersion: [parseKernelVersion, 'Linux version 6.1.0-18-amd64 (gcc-12) #1 SMP\n'],
  parseSysctlConf: [parseSysctlConf, 'net.netfilter.nf_conntrack_max = 262144\n-net/nf_conntrack_max=1\n'],
  parseModprobeConf: [
    parseModprobeConf,
    'options nf_conntrack hashsize=1024 \\\n acct=1\ninstall nf_conntrack /bin/true\n',
  ],
  parseModulesLoad: [parseModulesLoad, 'nf_conntrack\nip_conntrack hashsize=12\n'],
  parseCmdline: [parseCmdline, 'ro nf_conntrack.hashsize=65536 quiet\n'],
  countExpectations: [countExpectations, '180 proto=17 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=69\n'],
  parseSysfsSlabValue: [parseSysfsSlabValue, '40704 N0=40704\n'],
  parseManifest: [parseManifest, 'key,value\nformat,conntrack-report bundle\ncommand_line,"a ""b"""\n'],
  parseInventory: [
    parseInventory,
    'path,source,status,reason,start,seconds,bytes,digest\na,/a,cut,"so, so",1.5,2,3,cksum:1\n',
  ],
  parseNetns: [parseNetns, 'inode,pids,processes,names\n4026532453,3,nginx;dnsmasq,web\n'],
  pageBytesFromProcess: [parseProcess, '2598 1013 712 10 0 VmSize:\t   10392 kB\n'],
};

/** Numbers anywhere in a value; a report with NaN or Infinity in it would be wrong without saying so. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (value instanceof Map) return numbersIn([...value]);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

function expectSane({ value, problems }: Parsed<unknown>): void {
  expect(numbersIn({ value, problems }).every(Number.isFinite)).toBe(true);
  if (value === undefined) expect(problems.length).toBeGreaterThan(0);
  // However long a file is, its reader gets a few sentences.
  expect(problems.length).toBeLessThanOrEqual(3);
  for (const { what, cost } of problems) {
    expect(what.length).toBeLessThan(500);
    expect(cost).toMatch(/^[\w/.].*\.$/);
  }
}

/** A file with a piece cut out, repeated, or replaced by something else. */
function damaged(text: string): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      '',
      ' ',
      '\n',
      ' : ',
      '-1',
      '\0',
      '"',
      '99999999999999999999',
      'NaN',
      '1e400',
      '__proto__',
      '\r',
      '=',
    ),
  );
  const position = fc.nat({ max: text.length });
  return fc
    .tuple(position, position, piece)
    .map(([one, other, middle]) => text.slice(0, Math.min(one, other)) + middle + text.slice(Math.max(one, other)))
    .chain((once) => fc.constantFrom(once, once + once, once.replaceAll('\n', '\r\n')));
}

describe.each(Object.entries(parsers))('%s', (_name, [parse, example]) => {
  test('its example is understood', () => {
    expect(parse(example, 'a/file').value).toBeDefined();
  });

  it('survives any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => expectSane(parse(text, 'a/file'))));
  });

  it('survives a damaged file', () => {
    fc.assert(fc.property(damaged(example), (text) => expectSane(parse(text, 'a/file'))));
  });
});

it('says little about five thousand odd lines', () => {
  const lines = Array.from({ length: 5_000 }, (_, index) => `odd line ${index}`).join('\n');
  const { value, problems } = parseSlabinfo(`${fixture('slabinfo-6.18.txt')}${lines}`, 'proc/slabinfo');
  expect(value?.caches).toHaveLength(235);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.what).toMatch(/^5000 lines were not understood: line 238 "odd line 0", .*, …$/);
});

/** Long runs of what patterns repeat: a pattern that tries every split of them would take minutes. */
const runs = [
  'nf_conntrack: ',
  'nf_conntrack: CT ',
  'options nf_conntrack',
  '_',
  '-',
  ' ',
  '\t',
  '[ ',
  '"',
  '9',
  ': ',
  '\\\n',
  '\n',
  'a,',
];

it.each(Object.entries(parsers))('%s reads endless repetition in good time', (_name, [parse, example]) => {
  for (const run of runs) {
    // Rows of unequal length are slow by themselves: these would only measure that.
    const repeated = run.repeat((run.endsWith('\n') ? 500 : 20_000) / run.length);
    for (const text of [repeated, `${example}${repeated}!`, `options nf_conntrack${repeated}!`]) {
      const start = performance.now();
      expectSane(parse(text, 'a/file'));
      expect(performance.now() - start).toBeLessThan(1000);
    }
  }
});

it('refuses a table longer than any host has', () => {
  const [header = '', cpu = ''] = fixture('stat-nf_conntrack-6.18.txt').split('\n');
  expect(parseProcCounters(`${header}\n${`${cpu}\n`.repeat(20_000)}`, 'proc/net/stat/nf_conntrack')).toMatchObject({
    value: undefined,
    problems: [{ what: 'has more than 20000 lines' }],
  });
});

it('reads a file of very many CPUs', () => {
  const [header = '', cpu = ''] = fixture('stat-nf_conntrack-6.18.txt').split('\n');
  const { value } = parseProcCounters(`${header}\n${`${cpu}\n`.repeat(10_000)}`, 'proc/net/stat/nf_conntrack');
  expect(value).toMatchObject({ cpus: 10_000, totals: { drop: 10_000 * 0x26c } });
});

it('takes no name for a property that every object has', () => {
  const counters = parseConntrackS('cpu=0 found=1 constructor=2 __proto__=3\n', 'a/file').value;
  expect(Object.entries(counters?.totals ?? {})).toEqual([
    ['found', 1],
    ['constructor', 2],
    ['__proto__', 3],
  ]);
  const meminfo = parseMeminfo('MemTotal: 1 kB\n__proto__: 2 kB\n', 'a/file').value ?? {};
  expect(Object.keys(meminfo)).toEqual(['MemTotal', '__proto__']);
});

it('selects and detects in whatever was parsed', () => {
  fc.assert(
    fc.property(damaged(fixture('slabinfo-2.4-smp-statistics.txt').split('\n').slice(0, 6).join('\n')), (text) => {
      const { value } = parseSlabinfo(text, 'proc/slabinfo');
      if (value === undefined) return;
      const { entries, expectations } = selectConntrackCaches(value);
      expect(value.caches).toEqual(expect.arrayContaining([...entries, ...expectations]));
      expect(['SLAB', 'SLUB', undefined]).toContain(detectAllocator(value));
    }),
  );
});

it('names settings and compares kernels whatever they are called', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, number) => {
      for (const name of [settingName(text), settingNameOfKey(text)]) expect(name ?? 'none').toMatch(/^\w+$/);
      expect([true, false, undefined]).toContain(kernelAtLeast(text, number, number));
    }),
  );
});
