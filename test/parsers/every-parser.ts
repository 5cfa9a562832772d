/** Every parser of a file that is kept whole, with a file that it understands, and what is wrong with whatever one makes of any text. */
import * as bundleCsv from '../../src/parsers/bundle-csv.ts';
import * as counters from '../../src/parsers/counters.ts';
import * as cpuinfo from '../../src/parsers/cpuinfo.ts';
import * as date from '../../src/parsers/date.ts';
import * as expectations from '../../src/parsers/expectations.ts';
import * as free from '../../src/parsers/free.ts';
import * as host from '../../src/parsers/host.ts';
import * as kernelLog from '../../src/parsers/kernel-log.ts';
import * as meminfo from '../../src/parsers/meminfo.ts';
import * as number from '../../src/parsers/number.ts';
import * as pageSize from '../../src/parsers/page-size.ts';
import type { Parsed } from '../../src/parsers/parsed.ts';
import * as persisted from '../../src/parsers/persisted.ts';
import * as slabinfo from '../../src/parsers/slabinfo.ts';
import * as sosManifest from '../../src/parsers/sos-manifest.ts';
import * as sysctlA from '../../src/parsers/sysctl-a.ts';
import * as sysfsSlab from '../../src/parsers/sysfs-slab.ts';
import { fixture } from './fixture.ts';

type Parse = (text: string, file: string) => Parsed<unknown>;

/** What the modules export, a parser under its name. */
const EXPORTS: Record<string, unknown> = {
  ...bundleCsv,
  ...counters,
  ...cpuinfo,
  ...date,
  ...expectations,
  ...free,
  ...host,
  ...kernelLog,
  ...meminfo,
  ...number,
  ...pageSize,
  ...persisted,
  ...slabinfo,
  ...sosManifest,
  ...sysctlA,
  ...sysfsSlab,
  pageBytesFromProcess: (text: string, file: string) =>
    pageSize.pageBytesFromProcess(text.slice(0, text.length / 2), text.slice(text.length / 2), [file, file]),
};

/** The names of all parsers. */
export const PARSER_NAMES = Object.keys(EXPORTS).filter((name) => /^(?:parse|count|pageBytes)/.test(name));

/** A file that each understands, by the parser’s name and, where there are several forms, that of the form. */
const EXAMPLES: Record<string, string> = {
  parseSlabinfo: fixture('slabinfo-6.18.txt').split('\n').slice(0, 30).join('\n'),
  'parseSlabinfo of 2.4': fixture('slabinfo-2.4-smp-statistics.txt').split('\n').slice(0, 8).join('\n'),
  'parseSlabinfo of 2.6.18': fixture('slabinfo-2.6.18-statistics.txt').split('\n').slice(0, 8).join('\n'),
  parseProcCounters: fixture('stat-nf_conntrack-6.18.txt'),
  parseConntrackS: fixture('conntrack-S-1.4.7.txt'),
  'parseConntrackS of 1.2': 'entries\t\t\t5\nfound\t\t\t7\ndrop\t\t\t2\n',
  parseKernelLog: fixture('dmesg-table-full.txt'),
  parseMeminfo: fixture('meminfo-6.18.txt'),
  parseNumber: '262144\n',
  parseCount: '40704\n',
  parseGetconf: '4096\n',
  parseKernelPageSize: 'KernelPageSize:        4 kB\n',
  parseUptime: '5323.16 4614.20\n',
  parseModules: 'nf_conntrack 139264 2 nf_nat,xt_conntrack, Live 0xffffffffc0a51000\n',
  parseOsRelease: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
  parseFirstLine: 'gateway\n',
  parseCpuCount: '16\n',
  parseDate: '2026-11-22T14:03:05Z\n',
  parseUname: 'Linux gw 6.1.0-18-amd64 #1 SMP Debian 6.1.76-1 (2024-02-01) x86_64 GNU/Linux\n',
  parseUptimeCommand: ' 21:17:23 up 10 days,  3:04,  2 users,  load average: 0.15, 1.13, 1.51\n',
  parseLsmod: 'Module                  Size  Used by\nnf_conntrack 139264 2 nf_nat,xt_conntrack\n',
  parseTimedatectl: '  Local time: n/a\n  Universal time: Wed 2026-11-25 21:17:23 UTC\n',
  'parseDate in words': 'Wed 25 Nov 2026 09:17:23 PM UTC\n',
  parseCpuinfo: fixture('cpuinfo-x86-2.txt'),
  parseFree: ' total used free\nMem:        24684096      456872    23510636\n',
  parseSysctlA: fixture('sysctl-a-6.18.txt').split('\n').slice(6, 20).join('\n'),
  parseGetconfA: fixture('getconf-a.txt'),
  parsePageConfig: '# Linux/arm64 6.6.30 Kernel Configuration\nCONFIG_ARM64_64K_PAGES=y\n',
  parseKernelVersion: 'Linux version 6.1.0-18-amd64 (gcc-12) #1 SMP\n',
  parseSysctlConf: 'net.netfilter.nf_conntrack_max = 262144\n-net/nf_conntrack_max=1\n',
  parseModprobeConf: 'options nf_conntrack hashsize=1024 \\\n acct=1\ninstall nf_conntrack /bin/true\n',
  parseModulesLoad: 'nf_conntrack\nip_conntrack hashsize=12\n',
  parseCmdline: 'ro nf_conntrack.hashsize=65536 quiet\n',
  countExpectations: '180 proto=17 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=69\n',
  parseSysfsSlabValue: '40704 N0=40704\n',
  parseManifest: 'key,value\nformat,conntrack-report bundle\ncommand_line,"a ""b"""\n',
  parseInventory: 'path,source,status,reason,start,seconds,bytes,digest\na,/a,cut,"so, so",1.5,2,3,cksum:1\n',
  parseNetns: 'inode,pids,processes,names\n4026532453,3,nginx;dnsmasq,web\n',
  pageBytesFromProcess: '2598 1013 712 10 0 VmSize:\t   10392 kB\n',
  parseSosManifest:
    '{"start_time": "2026-11-25 22:33:31", "components": {"report": {"plugins": {"kernel": {"files": [{"files_copied": ["a"]}]}}}}}',
};

/** Every parser, with a file that it understands. */
export const PARSERS: Record<string, [parse: Parse, example: string]> = Object.fromEntries(
  Object.entries(EXAMPLES).map(([name, example]) => {
    const parse = EXPORTS[name.split(' ')[0] ?? ''];
    if (typeof parse !== 'function') throw new Error(`there is no parser ${name}`);
    return [name, [parse as Parse, example]];
  }),
);

/** Numbers anywhere in a value; a report with NaN or Infinity in it would be wrong without saying so. */
export function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (value instanceof Map) return numbersIn([...value]);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

/** Everything that is wrong with what a parser returns. */
export function faultsOf({ value, problems }: Parsed<unknown>): string[] {
  const faults: string[] = [];
  if (!numbersIn({ value, problems }).every(Number.isFinite)) faults.push('a number is none');
  if (value === undefined && problems.length === 0) faults.push('nothing is understood, and nobody is told');
  // However long a file is, its reader gets a few sentences.
  if (problems.length > 3) faults.push(`${problems.length} problems`);
  for (const { what, cost } of problems) {
    if (what.length >= 500) faults.push('a problem is longer than a sentence');
    if (!/^[\w/.].*\.$/.test(cost)) faults.push(`no sentence: ${cost}`);
  }
  return faults;
}
