/**
 * Analyses made by hand, one for each kind of host that a report has to be right for. Slab and ladder figures are worked
 * out here from a slabinfo line and independently of `src/analysis`.
 */
import { type Analysis, analysisSchema, type LadderStep, type SlabArithmetic } from '../../src/analysis/schema.ts';

const SLABINFO = 'proc/slabinfo';
const SYSCTL = 'proc/sys/net/netfilter';
const GIB = 2 ** 30;

interface SlabLine {
  name: string;
  active: number;
  total: number;
  objectBytes: number;
  perSlab: number;
  how?: SlabArithmetic['objectsPerSlabHow'];
  pages?: number;
  activeSlabs?: number;
  slabs: number;
  page?: number | undefined;
  line?: number;
}

function slabCache(given: SlabLine): SlabArithmetic {
  const { name, active, total, objectBytes, perSlab, slabs, page, pages = 1 } = given;
  const minimumSlabs = Math.ceil(active / perSlab);
  const slabBytes = page === undefined ? undefined : page * pages;
  return {
    name,
    file: SLABINFO,
    line: given.line ?? 37,
    activeObjects: active,
    totalObjects: total,
    objectBytes,
    pagesPerSlab: pages,
    activeSlabs: given.activeSlabs ?? slabs,
    totalSlabs: slabs,
    objectsPerSlab: perSlab,
    objectsPerSlabHow: given.how ?? 'column',
    inUseBytes: active * objectBytes,
    allocatedBytes: total * objectBytes,
    ...(total > 0 && { utilisation: active / total }),
    minimumSlabs,
    heldIsUpperBound: total < slabs * perSlab,
    ...(slabBytes !== undefined && {
      slabBytes,
      minimumBytes: minimumSlabs * slabBytes,
      heldBytes: slabs * slabBytes,
      activeSlabsBytes: (given.activeSlabs ?? slabs) * slabBytes,
      wastePerSlabBytes: slabBytes - perSlab * objectBytes,
      bytesPerEntryPacked: slabBytes / perSlab,
    }),
  };
}

function ladder(
  steps: [LadderStep['label'], number, number | undefined][],
  cache: SlabArithmetic,
  ram?: number,
  extension = 128,
): LadderStep[] {
  return steps.map(([label, max, buckets]) => {
    const slabs = Math.ceil(max / cache.objectsPerSlab);
    const slabBytes = slabs * (cache.slabBytes ?? 0);
    const hashBytes = buckets === undefined ? undefined : buckets * 8;
    const extensionBytes = max * extension;
    // NAT has as many buckets of its own.
    const natHashBytes = hashBytes;
    const totalBytes = slabBytes + (hashBytes ?? 0) + (natHashBytes ?? 0) + extensionBytes;
    return {
      label,
      max,
      slabs,
      slabBytes,
      totalBytes,
      ...(buckets !== undefined && { buckets }),
      ...(hashBytes !== undefined && { hashBytes, natHashBytes }),
      ...(extension > 0 && { extensionBytes }),
      ...(ram !== undefined && { shareOfRam: totalBytes / ram }),
    };
  });
}

function totalOf(caches: SlabArithmetic[]): NonNullable<Analysis['slab']['total']> {
  const sum = (pick: (cache: SlabArithmetic) => number | undefined) =>
    caches.reduce((total, cache) => total + (pick(cache) ?? 0), 0);
  return {
    activeObjects: sum((c) => c.activeObjects),
    totalObjects: sum((c) => c.totalObjects),
    totalSlabs: sum((c) => c.totalSlabs),
    inUseBytes: sum((c) => c.inUseBytes),
    minimumBytes: sum((c) => c.minimumBytes),
    heldBytes: sum((c) => c.heldBytes),
  };
}

const TIMEOUTS: Record<string, number> = {
  generic_timeout: 600,
  icmp_timeout: 30,
  tcp_timeout_close: 10,
  tcp_timeout_close_wait: 60,
  tcp_timeout_established: 432_000,
  tcp_timeout_fin_wait: 120,
  tcp_timeout_last_ack: 30,
  tcp_timeout_max_retrans: 300,
  tcp_timeout_syn_recv: 60,
  tcp_timeout_syn_sent: 120,
  tcp_timeout_time_wait: 120,
  tcp_timeout_unacknowledged: 300,
  udp_timeout: 30,
  udp_timeout_stream: 120,
};

function settings(max: number, buckets: number): Analysis['settings'] {
  const values = {
    acct: 0,
    buckets,
    checksum: 1,
    events: 2,
    expect_max: 4096,
    helper: 0,
    log_invalid: 0,
    max,
    tcp_be_liberal: 0,
    tcp_loose: 1,
    timestamp: 0,
    ...TIMEOUTS,
  };
  return Object.entries(values).map(([name, value]) => ({
    name,
    value,
    file: `${SYSCTL}/nf_conntrack_${name}`,
    persisted: name === 'max' ? [{ file: 'etc/sysctl.d/90-gateway.conf', line: 4, value: '131072' }] : [],
  }));
}

function inventory(): Analysis['inventory'] {
  const captured = (
    path: string,
    bytes: number,
    startSeconds: number,
    seconds = 0.01,
  ): Analysis['inventory'][number] => ({
    path,
    source: `/${path}`,
    status: 'captured',
    reason: '',
    startSeconds,
    seconds,
    bytes,
    digest: 'sha256:00',
  });
  const missing = (path: string, status: Analysis['inventory'][number]['status'], reason: string) => ({
    path,
    source: `/${path}`,
    status,
    reason,
  });
  return [
    ...['count', 'max', 'buckets', 'acct', 'events', 'timestamp', ...Object.keys(TIMEOUTS)].map((name) =>
      captured(`${SYSCTL}/nf_conntrack_${name}`, 7, 0.1),
    ),
    captured('proc/slabinfo', 21_400, 0.4),
    captured('proc/meminfo', 1400, 0.4),
    captured('proc/net/stat/nf_conntrack', 1400, 0.5),
    ...['getconf-PAGESIZE', 'cpu-count', 'date-utc', 'uname', 'uname-r', 'uname-m', 'dmesg'].map((name) =>
      captured(`commands/${name}`, 20, 0.6),
    ),
    ...Array.from({ length: 8 }, (_, i) => i + 1).flatMap((n) =>
      ['uptime', 'sys/net/netfilter/nf_conntrack_count', 'net/stat/nf_conntrack', 'slabinfo'].map((name) =>
        captured(`series/0${n}/proc/${name}`, 300, n),
      ),
    ),
    captured('proc/net/nf_conntrack', 9_300_000, 9, 1.4),
    missing('proc/net/ip_conntrack', 'absent', 'there is no such file'),
    missing('proc/net/stat/ip_conntrack', 'absent', 'there is no such file'),
    missing('sys/kernel/slab/nf_conntrack/slabs', 'denied', 'permission denied'),
    missing('commands/journalctl-k', 'failed', 'no result within 10 s'),
    missing('var/log/messages', 'absent', 'there is no such file'),
    missing('commands/conntrack-S', 'absent', 'conntrack is not installed'),
  ];
}

const empty = (): Analysis => ({
  schemaVersion: 1,
  tool: { name: 'conntrack-report', version: '0.1.0' },
  bundle: { name: 'empty', layout: 'tree' },
  host: {},
  verdict: {
    kind: 'cannot-tell',
    failure: 'cannot-tell',
    proof: [],
    severity: 'unknown',
    missing: ['the number of entries', 'nf_conntrack_max', 'the drop counters', 'the kernel log'],
  },
  usage: { unlimited: false },
  drops: { log: { captured: [], tableFullLines: 0, suppressedMessages: 0, namespaces: [] } },
  readings: [],
  slab: { caches: [], expectations: [] },
  hash: {},
  memory: {},
  expectations: {},
  namespaces: [],
  settings: [],
  findings: [],
  recommendation: {
    action: 'cannot-tell',
    headroom: 2,
    constraint: 'none',
    others: {},
    ladder: [],
    commands: { now: [], persist: [], verify: [], rollback: [] },
    notes: [],
  },
  inventory: [],
  problems: [],
});

/** Nothing at all was captured. */
export function nothing(): Analysis {
  return analysisSchema.parse(empty());
}

/** The 2.4 machine of the well-known article: 654 slabs are the minimum, 1662 are what is held. */
export function linux24(): Analysis {
  const cache = slabCache({
    name: 'ip_conntrack',
    active: 6537,
    total: 16_620,
    objectBytes: 384,
    perSlab: 10,
    how: 'objects ÷ slabs',
    activeSlabs: 984,
    slabs: 1662,
    page: 4096,
    line: 12,
  });
  const steps = ladder(
    [
      ['today', 65_536, undefined],
      ['×2', 131_072, undefined],
      ['×4', 262_144, undefined],
    ],
    cache,
    undefined,
    0,
  );
  return analysisSchema.parse({
    ...empty(),
    bundle: { name: 'linux-2.4', layout: 'tree' },
    verdict: {
      kind: 'healthy',
      failure: 'none',
      severity: 'ok',
      memoryIsTheProblem: false,
      proof: [],
      missing: ['the drop counters', 'the kernel log'],
    },
    usage: {
      entries: { value: 5602, file: 'proc/net/ip_conntrack' },
      entriesHow: 'table',
      peak: { value: 5602, file: 'proc/net/ip_conntrack' },
      max: { value: 65_536, file: 'proc/sys/net/ipv4/ip_conntrack_max' },
      unlimited: false,
      share: 5602 / 65_536,
      peakShare: 5602 / 65_536,
    },
    pageBytes: { value: 4096, file: 'commands/getconf-PAGESIZE' },
    slab: {
      file: SLABINFO,
      version: '1.1',
      allocator: 'SLAB',
      caches: [cache],
      expectations: [],
      total: totalOf([cache]),
    },
    memory: { slabBytes: 6_807_552, totalBytes: 6_807_552, atMaxBytes: 6554 * 4096 },
    recommendation: {
      ...empty().recommendation,
      action: 'leave',
      max: 65_536,
      demand: {
        entries: 5602,
        low: 5602,
        high: 5602,
        isLowerBound: false,
        decidedBy: 'peak',
        evidence: [{ by: 'peak', entries: 5602, file: 'proc/net/ip_conntrack' }],
      },
      constraint: 'present-limit',
      ladder: steps,
    },
  });
}

const tallies = (entries: Record<string, number>) => Object.entries(entries).map(([key, n]) => ({ key, entries: n }));

interface Shape {
  hostname: string;
  entries: number;
  max: number;
  buckets: number;
  recommended?: { max: number; buckets: number };
  dropPerReading: number;
  evictedPerReading: number;
  ram: number;
}

/** A present-day gateway with everything captured; the others below differ from it. */
function gateway({
  hostname,
  entries,
  max,
  buckets,
  recommended,
  dropPerReading,
  evictedPerReading,
  ram,
}: Shape): Analysis {
  const page = 4096;
  const slabs = Math.ceil((entries * 1.12) / 16);
  const cache = slabCache({
    name: 'nf_conntrack',
    active: entries + 48,
    total: slabs * 16,
    objectBytes: 256,
    perSlab: 16,
    slabs,
    page,
  });
  const share = (n: number) => Math.round(entries * n);
  const isLowerBound = dropPerReading + evictedPerReading > 0;
  const demand: NonNullable<Analysis['recommendation']['demand']> = {
    entries,
    low: entries,
    ...(!isLowerBound && { high: entries }),
    isLowerBound,
    decidedBy: 'peak',
    evidence: [{ by: 'peak', entries, file: `${SYSCTL}/nf_conntrack_count` }],
  };
  const rungs: [LadderStep['label'], number, number][] = [
    ['today', max, buckets],
    ['×2', max * 2, Math.max(buckets, max * 2)],
    ['×4', max * 4, Math.max(buckets, max * 4)],
  ];
  if (recommended) rungs.push(['recommended', recommended.max, recommended.buckets]);
  const steps = ladder(
    rungs.filter(([label, m]) => label === 'recommended' || m !== recommended?.max),
    cache,
    ram,
  );
  const full = steps.find((step) => step.label === 'today');
  const seconds = 7;
  const [drop, earlyDrop] = [dropPerReading * seconds, evictedPerReading * seconds];
  const slabBytes = cache.heldBytes ?? 0;
  const low = 128 * entries;
  const totalBytes = slabBytes + 2 * buckets * 8 + low;
  return {
    ...empty(),
    bundle: {
      name: `conntrack-${hostname}-20261120T140211Z.tar.gz`,
      layout: 'bundle',
      formatVersion: 1,
      collectorVersion: '0.1.0',
      commandLine: '--series 8',
      userId: 0,
      sha256: '9f2c41d0a7be5518c3f02a6b7d94e1f0837a5c26d4b1e9f08c7732a6540b71ab',
      bytes: 1_480_221,
    },
    host: {
      hostname: { value: hostname, file: 'proc/sys/kernel/hostname' },
      kernelRelease: { value: '6.1.0-28-amd64', file: 'commands/uname-r' },
      machine: { value: 'x86_64', file: 'commands/uname-m' },
      osName: { value: 'Debian GNU/Linux 12 (bookworm)', file: 'etc/os-release', line: 1 },
      cpus: { value: 8, file: 'commands/cpu-count' },
      memTotalBytes: { value: ram, file: 'proc/meminfo', line: 1 },
      memAvailableBytes: { value: ram * 0.6, file: 'proc/meminfo', line: 3 },
      uptimeSeconds: { value: 4_812_345.67, file: 'proc/uptime', line: 1 },
      capturedAt: { value: '2026-11-20T14:02:11Z', file: 'commands/date-utc' },
      bootId: { value: '0f3a2d7e-7b51-4c9e-9a3e-5c2f1d8b6a40', file: 'proc/sys/kernel/random/boot_id' },
    },
    usage: {
      entries: { value: entries, file: `${SYSCTL}/nf_conntrack_count` },
      entriesHow: 'count',
      peak: { value: entries, file: `${SYSCTL}/nf_conntrack_count` },
      max: { value: max, file: `${SYSCTL}/nf_conntrack_max` },
      unlimited: false,
      share: entries / max,
      peakShare: entries / max,
    },
    drops: {
      counters: {
        file: 'proc/net/stat/nf_conntrack',
        totals: {
          found: 0,
          invalid: 18_204,
          insert: 0,
          insert_failed: 311,
          drop: drop * 40 + 12,
          early_drop: earlyDrop * 40,
          icmp_error: 911,
          expect_new: 0,
          expect_create: 0,
          expect_delete: 0,
          clash_resolve: 86,
          chaintoolong: 0,
          search_restart: 4,
        },
      },
      duringCapture: {
        seconds,
        drop,
        earlyDrop,
        insertFailed: 2,
        dropPerSecond: drop / seconds,
        earlyDropPerSecond: earlyDrop / seconds,
      },
      log: { captured: ['commands/dmesg'], tableFullLines: 0, suppressedMessages: 0, namespaces: [] },
    },
    readings: Array.from({ length: 8 }, (_, i) => ({
      uptimeSeconds: 4_812_345.67 + i,
      count: Math.min(max, Math.round(entries * (0.997 + (0.003 * ((i * 37) % 11)) / 10))),
      drop: drop * 40 + 12 - (7 - i) * dropPerReading,
      earlyDrop: earlyDrop * 40 - (7 - i) * evictedPerReading,
      insertFailed: 309 + (i > 3 ? 2 : 0),
      slabObjects: entries + 48,
    })),
    pageBytes: { value: page, file: 'commands/getconf-PAGESIZE' },
    pointerBytes: 8,
    slab: {
      file: SLABINFO,
      version: '2.1',
      allocator: 'SLUB',
      caches: [cache],
      expectations: [],
      total: totalOf([cache]),
    },
    hash: {
      buckets: { value: buckets, file: `${SYSCTL}/nf_conntrack_buckets` },
      entries: { value: entries, file: `${SYSCTL}/nf_conntrack_count` },
      linksPerBucket: (2 * entries) / buckets,
      linksPerBucketAtMax: (2 * max) / buckets,
      bytesPerBucket: 8,
      bytes: buckets * 8,
    },
    memory: {
      slabBytes,
      hashBytes: buckets * 8,
      natIsLoaded: true,
      natHashBytes: buckets * 8,
      extensions: {
        bytesPerEntry: { low: 128, high: 128 },
        bytes: { low, high: low },
        reasons: [
          'events are on (nf_conntrack_events = 1)',
          'masquerading, labels, helpers and listeners cannot be seen from outside the kernel',
        ],
      },
      totalBytes,
      shareOfRam: totalBytes / ram,
      ...(full?.totalBytes !== undefined && { atMaxBytes: full.totalBytes, atMaxShareOfRam: full.totalBytes / ram }),
    },
    table: {
      files: ['proc/net/nf_conntrack'],
      families: ['ipv4', 'ipv6'],
      entries: share(0.96),
      expectations: 0,
      malformed: { count: 0, examples: [] },
      byFamily: tallies({ ipv4: share(0.9), ipv6: share(0.06) }),
      byProtocol: tallies({ udp: share(0.7), tcp: share(0.24), icmp: share(0.015), 'protocol 103': share(0.005) }),
      byState: tallies({ 'tcp ESTABLISHED': share(0.14), 'tcp TIME_WAIT': share(0.06), 'tcp SYN_SENT': share(0.04) }),
      byFlag: tallies({ UNREPLIED: share(0.6), ASSURED: share(0.26), 'no flag': share(0.1) }),
      byClass: tallies({
        'udp UNREPLIED': share(0.55),
        'tcp ESTABLISHED ASSURED': share(0.14),
        'udp no flag': share(0.09),
        'udp ASSURED': share(0.06),
        'tcp TIME_WAIT ASSURED': share(0.06),
        'tcp SYN_SENT UNREPLIED': share(0.04),
        'icmp no flag': share(0.01),
        'icmp UNREPLIED': share(0.005),
        'protocol 103 UNREPLIED': share(0.005),
      }),
      byZone: tallies({ '0': share(0.96) }),
      byMark: tallies({ '0': share(0.96) }),
      nat: { none: share(0.26), source: share(0.66), destination: share(0.04), both: 0 },
      accounted: 0,
      byHelper: [],
      traffic: { original: { packets: 0, bytes: 0 }, reply: { packets: 0, bytes: 0 } },
      duplicates: { rows: 0 },
      networks: {
        top: [
          { key: '10.20.0.0/24', entries: share(0.3) },
          { key: '2001:db8:41a2:7731::/64', entries: share(0.1) },
        ],
        distinct: 210,
        distinctError: 0,
        exact: true,
        exactUpTo: 49_152,
        maxError: 0,
        concentration: { top1: share(0.3), top10: share(0.6), top100: share(0.9) },
      },
      pairs: {
        top: [
          { key: '10.20.0.3 udp/53', entries: share(0.1) },
          { key: '2001:db8:41a2:7731:9c0e:52ff:fe81:20b4 tcp/443', entries: share(0.05) },
        ],
        distinct: 70_210,
        distinctError: 0.008125,
        exact: false,
        exactUpTo: 49_152,
        maxError: 12,
        concentration: { top1: share(0.1), top10: share(0.3), top100: share(0.5) },
      },
      sources: {
        top: Array.from({ length: 12 }, (_, i) => ({
          key: i === 3 ? '2001:db8:41a2:7731:9c0e:52ff:fe81:20b4' : `10.20.${i}.${17 * i + 3}`,
          entries: share(0.2 / (i + 1)),
        })),
        distinct: 4102,
        distinctError: 0,
        exact: true,
        exactUpTo: 49_152,
        maxError: 0,
        concentration: { top1: share(0.2), top10: share(0.5), top100: share(0.8) },
      },
      destinations: {
        top: Array.from({ length: 12 }, (_, i) => ({ key: `198.51.100.${11 * i + 4}`, entries: share(0.3 / (i + 1)) })),
        distinct: 31_870,
        distinctError: 0.008125,
        exact: false,
        exactUpTo: 49_152,
        maxError: 24,
        concentration: { top1: share(0.2), top10: share(0.5), top100: share(0.8) },
      },
      services: {
        top: [
          'udp/53',
          'tcp/443',
          'udp/443',
          'udp/123',
          'tcp/80',
          'tcp/22',
          'udp/5060',
          'icmp',
          'tcp/993',
          'udp/1194',
        ].map((key, i) => ({ key, entries: share(0.5 / 2 ** i) })),
        distinct: 911,
        distinctError: 0,
        exact: true,
        exactUpTo: 49_152,
        maxError: 0,
        concentration: { top1: share(0.2), top10: share(0.5), top100: share(0.8) },
      },
      natTargets: {
        top: [
          { key: '198.51.100.4 udp/53', entries: share(0.1) },
          { key: '198.51.100.15 tcp/443', entries: share(0.02) },
        ],
        distinct: 40_350,
        distinctError: 0.008125,
        exact: false,
        exactUpTo: 24_576,
        maxError: 12,
        concentration: { top1: share(0.1), top10: share(0.3), top100: share(0.5) },
      },
      natAddresses: {
        top: [
          { key: '203.0.113.7', entries: share(0.6) },
          { key: '203.0.113.8', entries: share(0.06) },
        ],
        distinct: 2,
        distinctError: 0,
        exact: true,
        exactUpTo: 24_576,
        maxError: 0,
        concentration: { top1: share(0.6), top10: share(0.66), top100: share(0.66) },
      },
    },
    ages: entries === 0 ? undefined : agesFixture(share),
    expectations: {
      count: { value: 0, file: 'proc/net/nf_conntrack_expect' },
      max: { value: 4096, file: `${SYSCTL}/nf_conntrack_expect_max` },
    },
    settings: settings(max, buckets),
    findings: findingsFixture(entries, max),
    recommendation: {
      action: recommended ? 'raise' : 'leave',
      max: recommended?.max ?? max,
      buckets: recommended?.buckets ?? buckets,
      demand,
      others: { kernelDefault: 262_144, ramRule: 1_043_333, kubeProxy: 131_072 },
      headroom: 2,
      constraint: recommended ? 'demand' : 'present-limit',
      memoryBudgetBytes: ram * 0.05,
      ladder: steps.sort((a, b) => a.max - b.max),
      commands: recommended
        ? {
            now: [
              `sysctl -w net.netfilter.nf_conntrack_buckets=${recommended.buckets}`,
              `sysctl -w net.netfilter.nf_conntrack_max=${recommended.max}`,
            ],
            persist: [
              {
                file: '/etc/sysctl.d/90-conntrack.conf',
                lines: [
                  `net.netfilter.nf_conntrack_buckets = ${recommended.buckets}`,
                  `net.netfilter.nf_conntrack_max = ${recommended.max}`,
                ],
              },
              { file: '/etc/modules-load.d/nf_conntrack.conf', lines: ['nf_conntrack'] },
            ],
            verify: ['sysctl net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_buckets'],
            rollback: [
              `sysctl -w net.netfilter.nf_conntrack_max=${max}`,
              `sysctl -w net.netfilter.nf_conntrack_buckets=${buckets}`,
            ],
          }
        : { now: [], persist: [], verify: [], rollback: [] },
      notes: demand.isLowerBound
        ? [
            'The table was cut off at its limit, so that the true demand can be higher than any number in this capture. Collect again under load after the change: if the table fills up again, double it once more.',
          ]
        : [],
    },
    inventory: inventory(),
  };
}

/** A gateway with room to spare. */
export function healthy(): Analysis {
  return analysisSchema.parse({
    ...gateway({
      hostname: 'gw-branch-07.example.net',
      entries: 38_214,
      max: 262_144,
      buckets: 262_144,
      dropPerReading: 0,
      evictedPerReading: 0,
      ram: 16 * GIB - 310 * 2 ** 20,
    }),
    verdict: {
      kind: 'healthy',
      failure: 'none',
      severity: 'ok',
      memoryIsTheProblem: false,
      proof: proof(),
      missing: [],
    },
  });
}

/** Nine tenths full. */
export function nearLimit(): Analysis {
  return analysisSchema.parse({
    ...gateway({
      hostname: 'gw-core-02',
      entries: 236_800,
      max: 262_144,
      buckets: 65_536,
      recommended: { max: 524_288, buckets: 524_288 },
      dropPerReading: 0,
      evictedPerReading: 0,
      ram: 4 * GIB,
    }),
    verdict: {
      kind: 'near-limit',
      failure: 'limit',
      severity: 'warning',
      memoryIsTheProblem: false,
      proof: proof(),
      missing: [],
    },
  });
}

/** Full, and dropping. */
export function full(): Analysis {
  const made = gateway({
    hostname: 'gw-edge-03.example.net',
    entries: 65_536,
    max: 65_536,
    buckets: 16_384,
    recommended: { max: 196_608, buckets: 196_608 },
    dropPerReading: 302,
    evictedPerReading: 0,
    ram: 16 * GIB - 310 * 2 ** 20,
  });
  return analysisSchema.parse({
    ...made,
    verdict: {
      kind: 'limit-reached',
      failure: 'limit',
      severity: 'critical',
      memoryIsTheProblem: false,
      proof: proof(),
      missing: [],
    },
    drops: {
      ...made.drops,
      log: {
        captured: ['commands/dmesg'],
        tableFullLines: 412,
        suppressedMessages: 83_117,
        namespaces: [],
        first: { value: '4809901.1 s after boot', file: 'commands/dmesg', line: 3 },
        last: { value: '4812343.9 s after boot', file: 'commands/dmesg', line: 871 },
        secondsBeforeCapture: 1.77,
      },
    },
    namespaces: [
      {
        inode: '4026532446',
        pids: 14,
        processes: ['dockerd', 'nginx'],
        names: ['blue'],
        entries: { value: 1204, file: 'netns/4026532446/proc/net/stat/nf_conntrack' },
        drop: 0,
        earlyDrop: 0,
      },
      { inode: '4026532510', pids: 1, processes: ['pause'], names: [] },
    ],
    problems: [
      {
        file: 'proc/net/nf_conntrack',
        line: 8123,
        what: 'row ends in the middle: “ipv4 2 tcp 6 4319”',
        cost: 'This entry is not in the tables.',
      },
    ],
  });
}

/** An empty table. */
/** One finding of each kind: what is wrong, what is in order, and what could not be assessed. */
function findingsFixture(entries: number, max: number): Analysis['findings'] {
  return [
    {
      id: 'table-full',
      severity: 'critical',
      says: 'found',
      values: {
        entries,
        max,
        share: entries / max,
        dropped: { count: 1, one: 'packet', many: 'packets' },
        during: true,
        watchedSeconds: 4.2,
        droppedPerSecond: 0.24,
      },
      missing: [],
      evidence: [
        { what: 'nf_conntrack_count', value: entries, file: `${SYSCTL}/nf_conntrack_count` },
        { what: 'nf_conntrack_max', value: max, file: `${SYSCTL}/nf_conntrack_max` },
      ],
      confidence: 'high',
      commands: { apply: ['sysctl -w a=1'], verify: ['sysctl a'], undo: ['sysctl -w a=0'] },
    },
    {
      id: 'unreplied',
      severity: 'ok',
      says: 'ok',
      values: { unreplied: 0, rows: entries, share: 0 },
      missing: [],
      evidence: [],
      confidence: 'high',
    },
    {
      id: 'was-full',
      severity: 'unknown',
      says: 'unknown',
      values: {},
      missing: ['the kernel log'],
      evidence: [],
    },
  ];
}

function proof(): Analysis['verdict']['proof'] {
  return [
    { what: 'nf_conntrack_count', value: 38_214, file: `${SYSCTL}/nf_conntrack_count` },
    { what: 'nf_conntrack_max', value: 262_144, file: `${SYSCTL}/nf_conntrack_max` },
  ];
}

/** Ages with every reason for not knowing, and what lower timeouts would change. */
function agesFixture(share: (part: number) => number): Analysis['ages'] {
  const none = { clamped: 0, custom: 0, offloaded: 0, ambiguous: 0 };
  const [timeWait, established] = [share(0.06), share(0.14)];
  const gone = share(0.05);
  return {
    classes: [
      {
        key: 'tcp ESTABLISHED ASSURED',
        entries: established,
        setting: 'tcp_timeout_established',
        timeoutSeconds: 432_000,
        timeoutFile: `${SYSCTL}/nf_conntrack_tcp_timeout_established`,
        known: established - 9,
        notKnown: { clamped: 5, custom: 4, offloaded: 0, ambiguous: 0 },
        histogram: [
          { fromSeconds: 0, toSeconds: 1800, entries: established - 9 - gone },
          { fromSeconds: 86_400, toSeconds: 172_800, entries: gone },
        ],
        medianIdleSeconds: 900,
      },
      {
        key: 'tcp TIME_WAIT ASSURED',
        entries: timeWait,
        setting: 'tcp_timeout_time_wait',
        timeoutSeconds: 120,
        known: timeWait,
        notKnown: none,
        histogram: [{ fromSeconds: 30, toSeconds: 121, entries: timeWait }],
        medianIdleSeconds: 64,
        arrivalsPerSecond: 12.5,
        lifetimeSeconds: timeWait / 12.5,
      },
      { key: 'tcp OFFLOAD', entries: 3, known: 0, notKnown: { ...none, offloaded: 3 }, histogram: [] },
      { key: 'udp ASSURED', entries: 7, known: 0, notKnown: { ...none, ambiguous: 7 }, histogram: [] },
    ],
    idle: [
      { seconds: 60, entries: gone + timeWait, share: 0.11 },
      { seconds: 3600, entries: gone, share: 0.05 },
      { seconds: 86_400, entries: gone, share: 0.05 },
    ],
    contradictions: 2,
    whatIf: [
      {
        setting: 'tcp_timeout_established',
        todaySeconds: 432_000,
        proposedSeconds: 1800,
        asked: true,
        entriesGoverned: established,
        gone,
        notKnown: 9,
        steadyEntries: established,
        steadySlabBytes: 4096 * 900,
        risk: 'below-rfc-5382',
      },
    ],
    together: {
      settings: [{ setting: 'tcp_timeout_time_wait', seconds: 30 }],
      gone,
      steadyEntries: established,
      steadySlabBytes: 4096 * 900,
    },
  };
}

function emptyTable(): Analysis {
  const made = gateway({
    hostname: 'idle',
    entries: 0,
    max: 262_144,
    buckets: 262_144,
    dropPerReading: 0,
    evictedPerReading: 0,
    ram: 2 * GIB,
  });
  const none = {
    top: [],
    distinct: 0,
    distinctError: 0,
    exact: true,
    exactUpTo: 49_152,
    maxError: 0,
    concentration: { top1: 0, top10: 0, top100: 0 },
  };
  return analysisSchema.parse({
    ...made,
    verdict: {
      kind: 'healthy',
      failure: 'none',
      severity: 'ok',
      memoryIsTheProblem: false,
      proof: proof(),
      missing: [],
    },
    table: made.table && {
      ...made.table,
      byFamily: [],
      byProtocol: [],
      byState: [],
      byFlag: [],
      byClass: [],
      byZone: [],
      byMark: [],
      nat: { none: 0, source: 0, destination: 0, both: 0 },
      sources: none,
      destinations: none,
      services: none,
      networks: none,
      pairs: none,
      natTargets: none,
      natAddresses: none,
    },
  });
}

/** Ten million entries, and names as long as the system allows. */
export function huge(): Analysis {
  const label = 'a-very-long-label-of-a-gateway-in-some-data-centre-somewhere';
  const hostname = Array(4).fill(label).join('.');
  return analysisSchema.parse({
    ...gateway({
      hostname,
      entries: 10_412_377,
      max: 16_777_216,
      buckets: 4_194_304,
      recommended: { max: 25_165_824, buckets: 25_165_824 },
      dropPerReading: 0,
      evictedPerReading: 81_204,
      ram: 256 * GIB,
    }),
    verdict: {
      kind: 'was-full',
      failure: 'limit',
      severity: 'warning',
      memoryIsTheProblem: false,
      proof: proof(),
      missing: [],
    },
  });
}

/** What a hostile host would put in every string: markup, Markdown, terminal escapes, bidirectional overrides. */
export const HOSTILE =
  "\"><script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)> | `code` [link](https://evil.example) **b** \u001b[31mred\u001b]0;title\u0007 \u009b2J \u202egnp.exe 'q' www.evil.example @someone {{verdict}} \\";

/** Every captured string is hostile. */
export function hostile(): Analysis {
  const poison = (value: unknown, key = ''): unknown => {
    if (Array.isArray(value)) return value.map((inner) => poison(inner, key));
    if (value && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)]));
    const captured = [
      'value',
      'file',
      'reason',
      'path',
      'key',
      'name',
      'text',
      'what',
      'cost',
      'bundle',
      'inode',
      'processes',
      'names',
      'cut',
      'from',
      'missing',
      'reasons',
      'notes',
      'commandLine',
      'captured',
      'now',
      'lines',
      'verify',
      'rollback',
      'apply',
      'undo',
    ];
    return typeof value === 'string' && captured.includes(key) ? `${value} ${HOSTILE}` : value;
  };
  const made = full();
  const { tool, schemaVersion, ...rest } = made;
  const poisoned = poison(rest) as Omit<Analysis, 'tool' | 'schemaVersion'>;
  return analysisSchema.parse({
    ...poisoned,
    tool,
    schemaVersion,
    drops: { ...poisoned.drops, counters: { file: HOSTILE, totals: { ...made.drops.counters?.totals, [HOSTILE]: 3 } } },
    table: poisoned.table && {
      ...poisoned.table,
      cut: HOSTILE,
      malformed: { count: 1, examples: [{ file: HOSTILE, line: 3, text: HOSTILE }] },
    },
  });
}

/** Every fixture, by name. */
export const ALL: Record<string, () => Analysis> = {
  nothing,
  'linux-2.4': linux24,
  healthy,
  'near-limit': nearLimit,
  full,
  'empty table': emptyTable,
  huge,
  hostile,
};
