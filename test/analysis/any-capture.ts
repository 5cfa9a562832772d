/** Captures of any kind, made of real ones: files left out, numbers at their edges, other kernels, counters that run backwards. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { type Aims, DEFAULT_AIMS } from '../../src/analysis/aims.ts';
import { readBundle } from '../../src/bundle/bundle.ts';
import { TableSummariser } from '../../src/parsers/table/summariser.ts';
import { assembleSnapshot } from '../../src/snapshot/assemble.ts';
import type { Snapshot, TableSummary } from '../../src/snapshot/types.ts';

/** What a capture is before it is read: its files, and the table as it was summarised. */
export interface Capture {
  files: Map<string, string>;
  table?: TableSummary | undefined;
}

/** A capture and what is asked of the analysis. */
export interface Question {
  capture: Capture;
  aims: Aims;
  whatIf: Record<string, number>;
}

const TABLE = 'proc/net/nf_conntrack';
const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';

/** Reads the files of a capture, as readSnapshot() does for those of a bundle. */
export function snapshotOfCapture({ files, table }: Capture): Snapshot {
  const texts = [...files].map(([path, text]) => [path, { text, bytes: text.length }] as const);
  return assembleSnapshot(new Map(texts), table, []);
}

/** Everything that captures are made of: real bundles, and tables whole, cut, empty and of one kind. */
interface Material {
  captures: Map<string, string>[];
  tables: TableSummary[];
}

/** Reads the bundles of samples/ and test/fixtures/captures/. */
export async function material(): Promise<Material> {
  const folders = ['../../samples/', '../fixtures/captures/'].map((folder) =>
    fileURLToPath(new URL(folder, import.meta.url)),
  );
  const bundles = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.tar.gz'))
      .map((name) => folder + name),
  );
  const captures: Map<string, string>[] = [gatewayFiles()];
  const tables: TableSummary[] = [];
  for (const bundle of bundles) {
    const files = new Map<string, string>();
    await readBundle(bundle, async ({ path, content }) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(Buffer.from(chunk));
      files.set(path, Buffer.concat(chunks).toString());
    });
    const rows = files.get(TABLE)?.trimEnd().split('\n') ?? [];
    // A file that is changed contradicts its digest, before anything else is said of it: only the first bundles keep theirs.
    const inventory = files.get('inventory.csv');
    if (inventory && captures.length > 2) files.set('inventory.csv', inventory.replace(/,\d+,sha256:\w+$/gm, ',,'));
    // The report needs no rows: they are read here, once.
    files.delete(TABLE);
    captures.push(files);
    if (rows.length > 0) {
      tables.push(await summaryOf(rows));
      tables.push(await summaryOf(rows.slice(0, 1 + Math.floor(rows.length / 7))));
      tables.push(await summaryOf(rows.slice(-Math.floor(rows.length / 5)), true));
    }
  }
  for (const rows of oddTables()) tables.push(await summaryOf(rows));
  return { captures, tables };
}

async function summaryOf(rows: readonly string[], isTail = false): Promise<TableSummary> {
  // A table of addresses as small as these need: the full size takes long to set up.
  const summariser = new TableSummariser({ addressBits: 14 });
  async function* bytes() {
    yield Buffer.from(rows.map((row) => `${row}\n`).join(''));
  }
  await summariser.read(TABLE, bytes(), isTail ? undefined : ['ipv4', 'ipv6'], { isTail });
  return summariser.finish();
}

/** Tables that no bundle at hand has. */
function oddTables(): string[][] {
  const pair = (from: string, to: string, sport: number, dport: number) =>
    `src=${from} dst=${to} sport=${sport} dport=${dport}`;
  const row = (at: number, kind: string, dport: number, flag: '' | '[UNREPLIED]' | '[ASSURED]', from: string) => {
    const [to, sport] = ['198.51.100.7', 1024 + (at % 60_000)];
    const [before, after] = flag === '[ASSURED]' ? ['', '[ASSURED] '] : [`${flag}${flag && ' '}`, ''];
    return `ipv4     2 ${kind} ${pair(from, to, sport, dport)} ${before}${pair(to, from, dport, sport)} ${after}mark=0 zone=0 use=2`;
  };
  const rows = (n: number, make: (at: number) => string) => Array.from({ length: n }, (_, at) => make(at));
  const client = (at: number) => `10.${at % 7}.${at % 13}.${1 + (at % 250)}`;
  const established = (seconds: number) => `tcp      6 ${seconds} ESTABLISHED`;
  const udp = (seconds: number) => `udp      17 ${seconds}`;
  return [
    [],
    [row(0, udp(29), 53, '', '10.0.0.1')],
    [row(0, udp(29), 53, '[UNREPLIED]', '10.0.0.1'), 'no row', ''],
    ['conntrack v1.4.5 (conntrack-tools): 1200 flow entries have been shown.'],
    [row(0, udp(29), 53, '', '10.0.0.1'), 'conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.'],
    // The table of ICMP and of a protocol without ports.
    rows(
      3,
      () =>
        'ipv4     2 icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=0 use=1',
    ),
    rows(1000, (at) => row(at, udp(at % 30), 53, '[UNREPLIED]', client(at))),
    rows(1500, (at) => row(at, `tcp      6 ${at % 120} SYN_SENT`, 1 + (at % 9000), '[UNREPLIED]', '10.0.0.1')),
    rows(1200, (at) => row(at, `tcp      6 ${at % 60} SYN_RECV`, 443, '', client(at))),
    rows(1001, (at) => row(at, established(431_999 - 400 * at), 443, '[ASSURED]', client(at))),
    rows(1001, (at) => row(at, established(86_000), 443, '[ASSURED]', '127.0.0.1')),
    rows(1300, (at) => row(at, established(at % 300), 443, at % 3 ? '[ASSURED]' : '[UNREPLIED]', client(at))),
    rows(1100, (at) => row(at, `tcp      6 ${at % 120} TIME_WAIT`, 80, '[ASSURED]', '192.168.1.9')),
    rows(1100, (at) => row(at, `tcp      6 ${at % 3600} CLOSE_WAIT`, 80, '[ASSURED]', client(at))),
    // Source NAT of many ports towards one service.
    rows(
      3000,
      (at) =>
        `ipv4     2 udp      17 ${at % 30} src=${client(at)} dst=203.0.113.9 sport=${1024 + at} dport=53 src=203.0.113.9 dst=192.0.2.1 sport=53 dport=${1024 + at} mark=0 zone=0 use=2`,
    ),
    rows(1000, (at) =>
      row(at, established(at % 2 ? 20 : 400_000), 22, '[ASSURED]', client(at)).replace(/use=2$/, 'helper=ftp use=2'),
    ),
    rows(1000, (at) => row(at, 'tcp      6', 443, '[ASSURED]', client(at)).replace('[ASSURED]', '[OFFLOAD]')),
  ];
}

/** The files of gateway() in snapshot-of.ts. */
function gatewayFiles(): Map<string, string> {
  return new Map(
    Object.entries({
      'manifest.csv': 'key,value\nformat_version,1\nhostname,gw',
      'commands/uname-r': '6.6.30',
      'commands/uname-m': 'x86_64',
      'commands/getconf-PAGESIZE': '4096',
      'proc/meminfo': `MemTotal: ${8 * 2 ** 20} kB`,
      [`${SYSCTL}max`]: '65536',
      [`${SYSCTL}buckets`]: '65536',
      [`${SYSCTL}count`]: '1000',
      'proc/slabinfo': 'slabinfo - version: 2.1\nnf_conntrack 1010 1024 256 16 1 : tunables 0 0 0 : slabdata 64 64 0',
    }).map(([path, text]) => [path, `${text}\n`]),
  );
}

const RELEASES = [
  '2.4.37.11',
  '2.6.9-103.EL',
  '2.6.18-398.el5',
  '2.6.26-2-686',
  '2.6.32-754.el6.x86_64',
  '2.6.32-042stab145.3',
  '3.2.0-4-amd64',
  '3.10.0-1160.el7.x86_64',
  '4.1.52',
  '4.4.0-210-generic',
  '4.8.17',
  '4.9.0-12-amd64',
  '4.14.336',
  '4.18.0-553.el8_10.x86_64',
  '5.4.0-150-generic',
  '5.10.110-g3a5b',
  '5.13.19-2-pve',
  '5.14.0-427.13.1.el9_4.x86_64',
  '5.15.0-76-generic',
  '5.15.103',
  '6.1.0-18-amd64',
  '6.1.19-v8+',
  '6.2.7',
  '6.8.0-41-generic',
  '6.12.1',
  '6.14.0-rc3',
  '6.16.3-1-default',
  '6.17.0-5-generic',
  '6.18.0',
  '6.19.1',
  'linux-next',
];
const MACHINES = ['x86_64', 'i686', 'armv7l', 'aarch64', 'mips', 'mips64', 'ppc64le', 'riscv64', 's390x', 'e2k'];
const TIMEOUTS = [
  'tcp_timeout_established',
  'tcp_timeout_close_wait',
  'tcp_timeout_syn_sent',
  'tcp_timeout_syn_recv',
  'tcp_timeout_time_wait',
  'tcp_timeout_max_retrans',
  'tcp_timeout_unacknowledged',
  'udp_timeout',
  'udp_timeout_stream',
  'icmp_timeout',
  'generic_timeout',
];
const COUNTERS =
  'entries searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error expect_new expect_create expect_delete search_restart';
const LATE_COUNTERS = COUNTERS.replace('searched', 'clashres').replace('delete_list', 'chainlength');

/** Numbers as the kernel keeps them, with those at which something changes more often than others. */
const number = fc.oneof(
  fc.constantFrom(0, 1, 2, 7, 8, 999, 1000, 1024, 1536, 65_536, 262_144, 1_048_576, 40_000_000),
  fc.nat(5000),
  fc.nat({ max: 3_000_000 }),
);

/** Numbers around that of the table's rows or of the limit. */
const share = fc.constantFrom(0, 0.01, 0.5, 0.74, 0.75, 0.89, 0.9, 0.95, 0.979, 0.98, 0.999, 1, 1.0001, 1.2, 3);

const seconds = fc.constantFrom(
  0,
  1,
  2,
  29,
  30,
  60,
  119,
  120,
  180,
  600,
  3600,
  7439,
  7440,
  86_400,
  432_000,
  2 ** 31 - 1,
);

/** A rise between two readings. */
const rise = fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 40, 5000, 2 ** 31), fc.constantFrom(-1, -300));

const MESSAGES = [
  'nf_conntrack: nf_conntrack: table full, dropping packet',
  'nf_conntrack: table full, dropping packet.',
  'ip_conntrack: table full, dropping packet.',
  'nf_conntrack: nf_conntrack: table full in netns 4026532834, dropping packet',
  'nf_conntrack: nf_conntrack: table full in netns 4026531840, dropping packet',
  'nf_conntrack: CT 101: table full, dropping packet.',
  'net_ratelimit: 1 callbacks suppressed',
  'net_ratelimit: 134 callbacks suppressed',
  'nf_conntrack: expectation table full',
  'nf_conntrack version 0.5.0 (16384 buckets, 65536 max)',
  'ip_conntrack: max number of expected connections 1 of ftp reached for 10.0.0.1->10.0.0.2',
];
const STAMPS = [
  '[    1.000001] ',
  '[ 5525.877657] ',
  '[99999999.000000] ',
  'Nov 22 14:03:05 gw kernel: ',
  'Feb 30 99:99:99 gw kernel: ',
  '2026-11-22T23:55:00+02:00 gw kernel: [  100.5] ',
  '2031-01-01T00:00:00Z gw kernel: ',
  '[Sun Nov 22 20:11:00 2026] ',
  '',
];
const PERSISTED: [string, string][] = [
  ['etc/sysctl.conf', 'net.netfilter.nf_conntrack_max = 262144'],
  ['etc/sysctl.conf', 'net.ipv4.ip_conntrack_max = 1'],
  ['etc/sysctl.d/10-a.conf', 'net.netfilter.nf_conntrack_max = 0\nnet.netfilter.nf_conntrack_buckets = 1'],
  ['etc/sysctl.d/zzzz.conf', 'net/netfilter/nf_conntrack_max=many\n-net.netfilter.nf_conntrack_buckets=65536'],
  ['usr/lib/sysctl.d/50-x.conf', 'net.netfilter.nf_conntrack_tcp_timeout_established = 3600'],
  ['etc/sysctl.d/50-x.conf', '# nothing\nnet.netfilter.nf_conntrack_udp_timeout = 10'],
  ['etc/modprobe.d/ct.conf', 'options nf_conntrack hashsize=8192'],
  ['etc/modprobe.d/ip.conf', 'options ip_conntrack hashsize=1'],
  ['etc/modules-load.d/ct.conf', 'nf_conntrack'],
  ['proc/cmdline', 'ro quiet nf_conntrack.hashsize=16384'],
];
const MODULES = ['nf_conntrack', 'ip_conntrack', 'nf_nat', 'iptable_nat', 'nf_conntrack_ftp', 'veth', 'overlay'];

/** Files that a host, or a collector, may lack together. */
const GROUPS = [
  /slabinfo$/,
  /^sys\/kernel\/slab\//,
  /stat\/nf_conntrack$|conntrack-S$/,
  /^proc\/net\/stat\//,
  /_count$/,
  /^proc\/sys\/net\/netfilter\/nf_conntrack_(?:count|max)$/,
  /_max$/,
  /_buckets$|hashsize$/,
  /timeout/,
  /^proc\/sys\//,
  /^proc\/meminfo$/,
  /uname|^proc\/version$/,
  /uname-m$/,
  /PAGESIZE$/,
  /cpu-count$/,
  /dmesg$|^var\/log\//,
  /^netns/,
  /^inventory\.csv$/,
  /^manifest\.csv$/,
  /^series\//,
  /^after\//,
  /uptime$/,
  /^etc\//,
  /date-utc$/,
  /^proc\/modules$/,
  /_expect$/,
  /wc-l-table$/,
];

/** What is done to the files of a real capture. */
type Change = (capture: Capture) => void;

const put = (path: string, text: string | number): Change => {
  return ({ files }) => void files.set(path, `${text}\n`);
};

/** One line of /proc/net/stat/nf_conntrack for each CPU, hexadecimal. */
function counters(header: string, values: Record<string, number>, cpus: number): string {
  const names = header.split(' ');
  const hex = (value: number) => (Math.max(0, value) % 2 ** 32).toString(16).padStart(8, '0');
  const line = (cpu: number) =>
    names.map((name) => hex(name === 'entries' || cpu === 0 ? (values[name] ?? 0) : 0)).join(' ');
  return [names.join('  '), ...Array.from({ length: cpus }, (_, cpu) => line(cpu))].join('\n');
}

const readings = fc
  .record({
    cpus: fc.constantFrom(1, 2, 16),
    header: fc.constantFrom(COUNTERS, LATE_COUNTERS),
    column: fc.boolean(),
    first: number,
    start: fc.record({
      drop: fc.constantFrom(0, 0, 1, 250, 2 ** 32 - 10),
      early_drop: fc.constantFrom(0, 0, 1, 99_999),
      insert_failed: fc.constantFrom(0, 0, 1, 250, 1_000_000),
      chainlength: fc.constantFrom(0, 0, 1, 77),
      clashres: fc.constantFrom(0, 1, 30),
      invalid: fc.constantFrom(0, 1, 9, 10_000_000),
      insert: fc.constantFrom(0, 0, 1, 2000),
    }),
    uptime: fc.constantFrom(0.5, 60, 4770.12, 90_000, 31_536_000),
    later: fc.array(
      fc.record({
        seconds: fc.constantFrom(-5, 0, 0.01, 1, 10, 59.4),
        count: fc.oneof(share, fc.constant(1)),
        drop: rise,
        early_drop: rise,
        insert_failed: rise,
        chainlength: rise,
        clashres: rise,
        invalid: rise,
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ cpus, header, column, first, start, uptime, later }): Change => {
    return ({ files }) => {
      for (const path of files.keys()) {
        if (/^(?:series|after)\//.test(path)) files.delete(path);
      }
      const values: Record<string, number> = { ...start };
      let now = uptime;
      const folders = ['', ...later.map((_, at) => (at === later.length - 1 ? 'after/' : `series/0${at + 1}/`))];
      for (const [at, folder] of folders.entries()) {
        const step = later[at - 1];
        if (step) {
          for (const name of Object.keys(start)) values[name] = (values[name] ?? 0) + (step[name as 'drop'] ?? 0);
          now += step.seconds;
        }
        const count = Math.floor(first * (step?.count ?? 1));
        files.set(`${folder}proc/uptime`, `${now.toFixed(2)} 1.00\n`);
        files.set(`${folder}${SYSCTL}count`, `${count}\n`);
        const entries = column ? count : 0;
        files.set(`${folder}proc/net/stat/nf_conntrack`, `${counters(header, { ...values, entries }, cpus)}\n`);
      }
    };
  });

const slab = fc
  .record({
    names: fc.constantFrom(
      ['nf_conntrack'],
      ['ip_conntrack'],
      ['nf_conntrack_ffffffff81a2d0c0', 'nf_conntrack_ffff880036bb8000'],
      ['nf_conntrack', 'nf_conntrack_expect'],
    ),
    slabs: fc.oneof(fc.constantFrom(0, 1, 64, 4096), fc.nat(40_000)),
    perSlab: fc.constantFrom(1, 12, 16, 25, 51),
    active: fc.constantFrom(0, 0.01, 0.5, 0.99, 1),
    pages: fc.constantFrom(1, 2, 4),
    kmalloc: fc.option(fc.nat(4_000_000)),
    version: fc.constantFrom('2.1', '2.0'),
  })
  .map(({ names, slabs, perSlab, active, pages, kmalloc, version }) => {
    const bytes = Math.floor((pages * 4096) / perSlab / 8) * 8;
    const line = (name: string, objects: number) =>
      `${name} ${Math.floor(objects * active)} ${objects} ${bytes} ${perSlab} ${pages} : tunables 0 0 0 : slabdata ${slabs} ${slabs} 0`;
    const lines = names.map((name) => line(name, slabs * perSlab));
    if (kmalloc !== null) lines.push(line('kmalloc-128', kmalloc).replace(/ \d+ (\d+) (\d+) :/, ' 128 32 1 :'));
    return put('proc/slabinfo', [`slabinfo - version: ${version}`, ...lines].join('\n'));
  });

const memory = fc
  .record({
    total: fc.constantFrom(0, 4096, 65_536, 1_048_576, 16_777_216, 6_442_450_944),
    available: fc.option(fc.constantFrom(0, 0.01, 0.5, 1)),
    low: fc.option(fc.constantFrom(0, 0.1, 0.9)),
  })
  .map(({ total, available, low }) =>
    put(
      'proc/meminfo',
      [
        `MemTotal: ${total} kB`,
        ...(available === null ? [] : [`MemAvailable: ${Math.floor(total * available)} kB`]),
        ...(low === null
          ? []
          : [`HighTotal: ${Math.ceil(total * (1 - low))} kB`, `LowTotal: ${Math.floor(total * low)} kB`]),
      ].join('\n'),
    ),
  );

const log = fc
  .record({
    file: fc.constantFrom('commands/dmesg', 'commands/journalctl-k', 'var/log/kern.log', 'var/log/messages'),
    lines: fc.array(
      fc.tuple(fc.constantFrom(...STAMPS), fc.constantFrom(...MESSAGES)).map(([stamp, message]) => stamp + message),
      { maxLength: 6 },
    ),
  })
  .map(({ file, lines }) => put(file, lines.join('\n')));

const namespaces = fc
  .uniqueArray(
    fc.record({
      inode: fc.constantFrom('4026532834', '4026532999', '4026531840'),
      pids: fc.constantFrom(0, 1, 3),
      processes: fc.constantFrom('', 'nginx', '"nginx;dnsmasq"'),
      names: fc.constantFrom('', 'web', '"web;db"'),
      values: fc.option(
        fc.record({ entries: number, drop: number, early_drop: number, chainlength: fc.constantFrom(0, 0, 3) }),
      ),
    }),
    { maxLength: 3, selector: ({ inode }) => inode },
  )
  .map((all): Change => {
    return ({ files }) => {
      for (const path of files.keys()) if (path.startsWith('netns')) files.delete(path);
      const rows = all.map(({ inode, pids, processes, names }) => [inode, pids, processes, names].join(','));
      files.set('netns.csv', `${['inode,pids,processes,names', ...rows].join('\n')}\n`);
      for (const { inode, values } of all) {
        const text = values && counters(LATE_COUNTERS, values, 1);
        if (text) files.set(`netns/${inode}/proc/net/stat/nf_conntrack`, `${text}\n`);
      }
    };
  });

/** `max` against what is counted: the cases in which a rule says one thing or another lie there. */
const limit = fc.tuple(share, fc.constantFrom(0.001, 0.125, 0.5, 1, 2)).map(([full, perEntry]): Change => {
  return ({ files, table }) => {
    const counted = Number(files.get(`${SYSCTL}count`)) || table?.entries || 1000;
    const max = Math.max(1, Math.floor(counted / (full || 1)));
    files.set(`${SYSCTL}max`, `${max}\n`);
    files.set(`${SYSCTL}buckets`, `${Math.max(1, Math.floor(max * perEntry))}\n`);
  };
});

/** The names of ip_conntrack, as 2.4 and 2.6 have them. */
const oldNames: Change = ({ files }) => {
  for (const [path, text] of [...files]) {
    const old = path
      .replace(/net\/netfilter\/nf_conntrack_(max|count)$/, 'net/ipv4/netfilter/ip_conntrack_$1')
      .replace(/net\/netfilter\/nf_(conntrack_\w*timeout)/, 'net/ipv4/netfilter/ip_$1')
      .replace(/net\/stat\/nf_/, 'net/stat/ip_');
    files.delete(path);
    files.set(old, text);
  }
};

const inventory = fc
  .array(
    fc.tuple(
      fc.constantFrom(TABLE, 'proc/slabinfo', 'proc/modules', 'netns.csv', 'commands/dmesg', `${SYSCTL}max`),
      fc.constantFrom('captured', 'absent', 'denied', 'cut', 'failed'),
    ),
    { maxLength: 4 },
  )
  .map((rows) =>
    put(
      'inventory.csv',
      [
        'path,source,status,reason,start,seconds,bytes,digest',
        ...rows.map(([path, status]) => `${path},/${path},${status},${status === 'cut' ? 'it is long' : ''},0.1,0.1,,`),
      ].join('\n'),
    ),
  );

const rows = (count: number) =>
  Array.from({ length: count }, (_, at) => `180 proto=6 src=10.0.0.1 dst=10.0.0.2 sport=0 dport=${at}`);

/** What other collectors have in place of files, whole and not, of this host and of another. */
const STAND_INS: [path: string, text: string][] = [
  ['commands/uname-a', 'Linux gw 6.6.30 #1 SMP PREEMPT_DYNAMIC Debian x86_64 GNU/Linux'],
  ['commands/uname-a', 'Linux other 3.10.0-1160.el7.ppc64le #1 SMP ppc64le ppc64le ppc64le GNU/Linux'],
  ['commands/hostname', 'gw.example.net'],
  ['commands/date', 'Wed 25 Nov 2026 09:17:23 PM CET'],
  ['commands/date', 'Wed, 25 Nov 2026 21:17:23 +0100'],
  ['commands/uptime', ' 21:17:23 up 10 days,  3:04,  2 users,  load average: 0.15, 1.13, 1.51'],
  ['commands/uptime', 'up 0 min'],
  ['commands/lsmod', 'Module                  Size  Used by\nnf_conntrack 139264 1 nf_nat'],
  ['commands/free', 'Mem:        24684096      456872    23510636        8788     1034684    24227224'],
  ['commands/free-h', 'Mem:            23Gi       446Mi        22Gi'],
  ['commands/getconf-a', 'PAGESIZE                           65536'],
  ['boot/config', 'CONFIG_ARM64_64K_PAGES=y'],
  ['boot/config', 'CONFIG_X86_64=y'],
  ['proc/cpuinfo', 'processor\t: 0\nCPU implementer\t: 0x41\nprocessor\t: 1\nCPU implementer\t: 0x41'],
  ['proc/slabinfo', 'cat: /proc/slabinfo: Permission denied'],
  ['proc/slabinfo', 'slabinfo - version: 2.1'],
  ['commands/sysctl-a', "sysctl: permission denied on key 'net.netfilter.nf_conntrack_max'\nkernel.hostname = gw"],
  ['commands/sysctl-a', 'net.netfilter.nf_conntrack_count = 5\nnet.netfilter.nf_conntrack_max = 4096'],
];

/** Every setting in what `sysctl -a` prints, and not in its own file. */
const asSysctlA: Change = ({ files }) => {
  const settings = [...files].filter(([path]) => /^proc\/sys\/net\//.test(path));
  for (const [path] of settings) files.delete(path);
  const lines = settings.map(
    ([path, text]) => `${path.slice('proc/sys/'.length).replaceAll('/', '.')} = ${text.trim()}`,
  );
  files.set('commands/sysctl-a', `${lines.join('\n')}\n`);
};

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: readings },
  { weight: 4, arbitrary: limit },
  { weight: 2, arbitrary: slab },
  { weight: 1, arbitrary: memory },
  { weight: 3, arbitrary: log },
  { weight: 2, arbitrary: namespaces },
  { weight: 1, arbitrary: inventory },
  { weight: 1, arbitrary: fc.constant(oldNames) },
  { weight: 1, arbitrary: fc.constant(asSysctlA) },
  { weight: 3, arbitrary: fc.constantFrom(...STAND_INS).map(([path, text]) => put(path, text)) },
  { weight: 3, arbitrary: fc.constantFrom(...RELEASES).map((release) => put('commands/uname-r', release)) },
  { weight: 1, arbitrary: fc.constantFrom(...MACHINES).map((machine) => put('commands/uname-m', machine)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 4096, 16_384, 65_536).map((bytes) => put('commands/getconf-PAGESIZE', bytes)),
  },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 4, 128).map((cpus) => put('commands/cpu-count', cpus)) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...TIMEOUTS), seconds).map(([name, value]) => put(SYSCTL + name, value)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom('max', 'buckets', 'expect_max'),
        fc.oneof(number, fc.constantFrom(-1, 2 ** 31 - 1, 2 ** 32 - 1)),
      )
      .map(([name, value]) => put(SYSCTL + name, value)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('acct', 'timestamp', 'events', 'tcp_loose', 'tcp_be_liberal'), fc.nat(2))
      .map(([name, value]) => put(SYSCTL + name, value)),
  },
  { weight: 1, arbitrary: number.map((size) => put('sys/module/nf_conntrack/parameters/hashsize', size)) },
  { weight: 2, arbitrary: fc.constantFrom(...PERSISTED).map(([path, text]) => put(path, text)) },
  {
    weight: 1,
    arbitrary: fc
      .subarray(MODULES)
      .map((names) => put('proc/modules', names.map((name) => `${name} 1 0 - Live 0x0`).join('\n'))),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(0, 1, 3, 4, 200)
      .map((count) => put('proc/net/nf_conntrack_expect', rows(count).join('\n'))),
  },
  { weight: 1, arbitrary: number.map((lines) => put('commands/wc-l-table', lines)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('2026-11-22T23:56:00Z', '1970-01-01T00:01:00Z')
      .map((date) => put('commands/date-utc', date)),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...GROUPS).map((group): Change => {
      return ({ files }) => {
        for (const path of files.keys()) if (group.test(path)) files.delete(path);
      };
    }),
  },
  {
    weight: 1,
    arbitrary: fc.nat().map((which): Change => {
      return ({ files }) => void files.delete([...files.keys()][which % files.size] ?? '');
    }),
  },
  // A file that ends early, or that holds an error.
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(), fc.constantFrom(0, 0.3, 0.9)).map(([which, part]): Change => {
      return ({ files }) => {
        const path = [...files.keys()][which % files.size] ?? '';
        files.set(path, files.get(path)?.slice(0, Math.floor(part * (files.get(path)?.length ?? 0))) ?? '');
      };
    }),
  },
);

/** Any capture made of this material, with what may be asked of its analysis. */
export function anyQuestion({ captures, tables }: Material): fc.Arbitrary<Question> {
  const table = fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: fc.constantFrom(...tables) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...tables).map((whole): TableSummary => ({ ...whole, cut: 'it is long' })),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...tables).map((whole): TableSummary => ({ ...whole, families: ['ipv4'] })),
    },
  );
  const capture = fc
    .tuple(fc.constantFrom(...captures), table, fc.array(change, { maxLength: 14 }))
    .map(([files, rows, changes]): Capture => {
      const made: Capture = { files: new Map(files), table: rows };
      for (const apply of changes) apply(made);
      if (rows) made.files.set(TABLE, '');
      return made;
    });
  return fc.record({
    capture,
    aims: fc.oneof(
      { weight: 3, arbitrary: fc.constant(DEFAULT_AIMS) },
      {
        weight: 1,
        arbitrary: fc.record({
          headroom: fc.constantFrom(1.05, 1.3, 10),
          memoryBudget: fc.constantFrom(0.0001, 0.01, 1),
        }),
      },
    ),
    whatIf: fc.dictionary(fc.constantFrom(...TIMEOUTS), seconds, { maxKeys: 2 }),
  });
}
