import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { countersText, gateway, snapshotOf } from './snapshot-of.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';
const BUCKETS = 'proc/sys/net/netfilter/nf_conntrack_buckets';
const STAT = 'proc/net/stat/nf_conntrack';
const analysed = (files: Record<string, string | number>) => analyse(gateway(files), '0');

/** A line of the kernel's log, so many seconds after boot. */
const FULL_AT = (seconds: string) => `[ ${seconds}] nf_conntrack: nf_conntrack: table full, dropping packet`;

/** Counters read twice, ten seconds apart. */
const twice = (before: object, after: object) => ({
  'proc/uptime': '1000.00 1',
  [STAT]: countersText(before),
  'after/proc/uptime': '1010.00 1',
  [`after/${STAT}`]: countersText(after),
});

describe('which failure it is', () => {
  test.each<[string, Record<string, string | number>, string, string]>([
    ['room', {}, 'healthy', 'ok'],
    ['75 %', { [COUNT]: 49_152 }, 'filling', 'notice'],
    ['90 %', { [COUNT]: 59_000 }, 'near-limit', 'warning'],
    ['full', { [COUNT]: 65_536 }, 'limit-reached', 'critical'],
    ['full only in the second reading', { [`after/${COUNT}`]: 65_536 }, 'limit-reached', 'critical'],
    [
      'full, evicting, nothing refused',
      { [COUNT]: 65_536, ...twice({ earlyDrop: 5 }, { earlyDrop: 900 }) },
      'evicting',
      'critical',
    ],
    [
      'full, evicting and refusing',
      { [COUNT]: 65_536, ...twice({}, { earlyDrop: 900, drop: 3 }) },
      'limit-reached',
      'critical',
    ],
    [
      'entries refused by long chains',
      { [BUCKETS]: 1024, [STAT]: countersText({ chainTooLong: 59_438 }) },
      'long-chains',
      'warning',
    ],
    [
      'entries refused by long chains, before the buckets were raised',
      { [STAT]: countersText({ chainTooLong: 59_438 }) },
      'healthy',
      'ok',
    ],
    [
      'no limit, and entries refused by long chains',
      { [MAX]: 0, [BUCKETS]: 1024, [STAT]: countersText({ chainTooLong: 59_438 }) },
      'long-chains',
      'warning',
    ],
    ['drops with room to spare', twice({ drop: 1 }, { drop: 9 }), 'drops-now', 'warning'],
    [
      'drops with room to spare, and evictions: full between the readings',
      twice({ drop: 1 }, { drop: 9, earlyDrop: 3 }),
      'was-full',
      'warning',
    ],
    [
      'drops with room to spare, long after the table was full',
      { ...twice({ drop: 1 }, { drop: 9 }), 'commands/dmesg': FULL_AT('10.1') },
      'drops-now',
      'warning',
    ],
    [
      'drops with room to spare, a second after the table was full',
      { ...twice({ drop: 1 }, { drop: 9 }), 'commands/dmesg': FULL_AT('999.0') },
      'was-full',
      'warning',
    ],
    ['slab objects only: room is proved', { [COUNT]: 'Permission denied' }, 'healthy', 'ok'],
    [
      'slab objects only, as many as the limit: they may be of any namespace',
      { [COUNT]: 'Permission denied', [MAX]: 1000 },
      'cannot-tell',
      'unknown',
    ],
    ['a counter that only ever counted drops', { [STAT]: countersText({ drop: 9 }) }, 'healthy', 'ok'],
    ['early drops in the past', { [STAT]: countersText({ earlyDrop: 9 }) }, 'was-full', 'warning'],
    [
      'table full in the log',
      { 'commands/dmesg': '[ 10.1] nf_conntrack: nf_conntrack: table full, dropping packet' },
      'was-full',
      'warning',
    ],
    [
      'another namespace in the log',
      { 'commands/dmesg': '[ 10.1] nf_conntrack: nf_conntrack: table full in netns 4026532453, dropping packet' },
      'namespace-full',
      'warning',
    ],
    ['no limit', { [MAX]: 0 }, 'unlimited', 'notice'],
    ['a third of RAM', { 'proc/meminfo': 'MemTotal: 600 kB' }, 'memory', 'warning'],
  ])('%s', (_what, files, kind, severity) => {
    expect(analysed(files).verdict).toMatchObject({ kind, severity });
  });

  test('nothing but a page size: it cannot be told, and says what is missing', () => {
    const { verdict, recommendation } = analyse(snapshotOf({ 'commands/getconf-PAGESIZE': 4096 }), '0');
    expect(verdict).toMatchObject({ kind: 'cannot-tell', severity: 'unknown' });
    expect(verdict.missing).toEqual([
      'the number of entries',
      'nf_conntrack_max',
      'the drop counters',
      'the kernel log',
    ]);
    expect(verdict).not.toHaveProperty('memoryIsTheProblem');
    expect(recommendation).toMatchObject({ action: 'cannot-tell', ladder: [] });
  });

  test('the log of the namespace that was captured counts as its own', () => {
    const files = {
      'manifest.csv': 'key,value\nhostname,gw\nnetns,4026532453',
      'commands/dmesg': '[ 10.1] nf_conntrack: nf_conntrack: table full in netns 4026532453, dropping packet',
    };
    expect(analysed(files).verdict.kind).toBe('was-full');
  });
});

describe('drops', () => {
  test('rates come from the first and the last reading', () => {
    const { drops } = analysed(twice({ drop: 100, earlyDrop: 7 }, { drop: 350, earlyDrop: 7 }));
    expect(drops.duringCapture).toMatchObject({ seconds: 10, drop: 250, dropPerSecond: 25, earlyDropPerSecond: 0 });
  });

  test('a counter that runs backwards gives no rate', () => {
    expect(analysed(twice({ drop: 100 }, { drop: 3 })).drops).not.toHaveProperty('duringCapture');
  });

  test('one message in three logs is one message', () => {
    const line = 'nf_conntrack: nf_conntrack: table full, dropping packet';
    const { log } = analysed({
      'commands/dmesg': `[  990.5] ${line}\n[  995.5] ${line}\n[  999.0] net_ratelimit: 40 callbacks suppressed`,
      'commands/journalctl-k': `Nov 22 14:03:05 gw kernel: ${line}`,
      'var/log/kern.log': `Nov 22 14:03:05 gw kernel: [  990.5] ${line}`,
      'proc/uptime': '1000.00 1',
    }).drops;
    expect(log).toMatchObject({ tableFullLines: 2, suppressedMessages: 40 });
    expect(log.secondsBeforeCapture).toBeCloseTo(4.5, 5);
  });
});

describe('recommendation', () => {
  test('a table with room is left alone, and the ladder still says what more would cost', () => {
    const { recommendation } = analysed({});
    expect(recommendation).toMatchObject({ action: 'leave', max: 65_536, constraint: 'present-limit' });
    expect(recommendation.commands.now).toEqual([]);
    expect(recommendation.ladder.map(({ label, max }) => [label, max])).toEqual([
      ['today', 65_536],
      ['×2', 131_072],
      ['×4', 262_144],
    ]);
    // 65 536 ÷ 16 objects a slab, of 4096 bytes; 8 bytes a bucket.
    expect(recommendation.ladder[0]).toMatchObject({ slabs: 4096, slabBytes: 16_777_216, hashBytes: 524_288 });
  });

  test('near the limit: twice the peak, rounded up to a number that people recognise, and as many buckets', () => {
    const { recommendation } = analysed({ [COUNT]: 59_000 });
    expect(recommendation).toMatchObject({ action: 'raise', max: 131_072, buckets: 131_072, constraint: 'demand' });
    expect(recommendation.demand).toMatchObject({ entries: 59_000, isLowerBound: false });
    expect(recommendation.commands.now).toEqual([
      'sysctl -w net.netfilter.nf_conntrack_buckets=131072',
      'sysctl -w net.netfilter.nf_conntrack_max=131072',
    ]);
    expect(recommendation.commands.rollback).toEqual([
      'sysctl -w net.netfilter.nf_conntrack_max=65536',
      'sysctl -w net.netfilter.nf_conntrack_buckets=65536',
    ]);
  });

  test('cut off below what this kernel sets by itself on 8 GiB: that is the least to try', () => {
    const { recommendation } = analysed({ [COUNT]: 65_536 });
    expect(recommendation).toMatchObject({ action: 'raise', max: 262_144, constraint: 'kernel-default' });
    expect(recommendation.demand?.isLowerBound).toBe(true);
    expect(recommendation.notes.join(' ')).toMatch(/cut off at its limit/);
  });

  test('was full, is not now: sized for the limit that was reached, not for the count of today', () => {
    const full = { 'commands/dmesg': '[ 10.1] nf_conntrack: nf_conntrack: table full, dropping packet' };
    const { recommendation } = analysed({ ...full, [MAX]: 524_288, [COUNT]: 9000 });
    expect(recommendation).toMatchObject({ max: 1_048_576, demand: { entries: 524_288, isLowerBound: true } });
  });

  test('a small machine: the memory budget decides, and says so', () => {
    const { recommendation } = analysed({ [COUNT]: 65_000, 'proc/meminfo': `MemTotal: ${512 * 1024} kB` });
    // 5 % of 512 MiB are 25.6 MiB; 384 bytes and 8 of the bucket for each entry.
    expect(recommendation).toMatchObject({ action: 'leave', max: 65_536, constraint: 'memory-budget' });
    expect(recommendation.notes.join(' ')).toMatch(/memory budget decided/);
  });

  test.each([
    ['clashes', { drop: 500, insertFailed: 500 }, true],
    ['what is not known', { drop: 500 }, false],
  ])('near the limit, and packets dropped by %s: more room, and what that does not end', (_, lost, isNamed) => {
    const { recommendation } = analysed({ [COUNT]: 60_000, ...twice({}, lost) });
    expect(recommendation).toMatchObject({ action: 'raise', max: 131_072 });
    expect(recommendation.notes.some((note) => note.includes('does not end what the verdict names'))).toBe(isNamed);
  });

  test('the kernel’s own choice costs more than the budget: as much as fits, and no word of too little memory for the demand', () => {
    const aims = { headroom: 2, memoryBudget: 0.0031 };
    const { recommendation } = analyse(gateway({ [MAX]: 4096, [COUNT]: 4096 }), '0', { aims });
    // 0.31 % of 8 GiB are 25.4 MiB: 65 536 entries of 384 bytes and a bucket in each of two hash tables take 25 MiB.
    expect(recommendation).toMatchObject({ action: 'raise', max: 65_536, constraint: 'memory-budget' });
    expect(recommendation.notes.join(' ')).toMatch(/this is the most that the budget allows/);
    expect(recommendation.notes.join(' ')).not.toMatch(/give the machine more memory/);
  });

  test('long chains at a limit with room: buckets, not the maximum', () => {
    const { recommendation } = analysed({ [COUNT]: 20_000, [BUCKETS]: 1024 });
    expect(recommendation).toMatchObject({ action: 'raise-buckets', max: 65_536, buckets: 65_536 });
    expect(recommendation.commands.now).toEqual(['sysctl -w net.netfilter.nf_conntrack_buckets=65536']);
    expect(recommendation.ladder.map(({ label, max, hashBytes }) => [label, max, hashBytes])).toEqual([
      ['today', 65_536, 8192],
      ['recommended', 65_536, 524_288],
      ['×2', 131_072, 1_048_576],
      ['×4', 262_144, 2_097_152],
    ]);
  });

  test('chains that a full table would make too long: buckets, before it is full', () => {
    const { recommendation } = analysed({ 'commands/uname-r': '5.19.0', [BUCKETS]: 16_384 });
    expect(recommendation).toMatchObject({ action: 'raise-buckets', max: 65_536, buckets: 131_072 });
  });

  test('a limit beyond need and memory, with buckets for less: it is lowered, not the hash table raised for it', () => {
    const chains = analysed({ [MAX]: 4_000_000, [BUCKETS]: 1024, 'proc/meminfo': `MemTotal: ${1024 * 1024} kB` });
    expect(chains.recommendation).toMatchObject({ action: 'lower', max: 131_072, buckets: 131_072 });
    const finding = chains.findings.find(({ id }) => id === 'hash-chains');
    expect(finding?.commands?.apply).toEqual(chains.recommendation.commands.now);
  });

  test('chains that were too long before the buckets were raised: nothing is left to do', () => {
    const { recommendation } = analysed({ [STAT]: countersText({ chainTooLong: 9 }), [BUCKETS]: 262_144 });
    expect(recommendation).toMatchObject({ action: 'leave', buckets: 262_144 });
  });

  test('entries of other namespaces in the same table count for the buckets', () => {
    const slab = 'nf_conntrack 400000 400000 256 16 1 : tunables 0 0 0 : slabdata 25000 25000 0';
    const { recommendation } = analysed({ 'proc/slabinfo': `slabinfo - version: 2.1\n${slab}` });
    expect(recommendation).toMatchObject({ action: 'raise-buckets', max: 65_536, buckets: 400_384 });
  });

  test('buckets by the module’s parameter: a line keeps the limit, which would be eight times as many at the next boot', () => {
    const { recommendation } = analysed({ 'commands/uname-r': '3.10.0', [COUNT]: 40_000, [BUCKETS]: 8192 });
    expect(recommendation).toMatchObject({ action: 'raise-buckets', max: 65_536, buckets: 65_536 });
    expect(recommendation.commands.persist).toContainEqual({
      file: '/etc/sysctl.d/90-conntrack.conf',
      lines: ['net.netfilter.nf_conntrack_max = 65536'],
    });
  });

  test('a limit that was lowered below what is there: never less than was counted', () => {
    const small = { 'proc/meminfo': `MemTotal: ${512 * 1024} kB` };
    const { recommendation } = analysed({ ...small, [MAX]: 60_000, [COUNT]: 90_000 });
    expect(recommendation).toMatchObject({ action: 'raise', max: 98_304, constraint: 'memory-budget' });
  });

  test('only the slab tells how many entries there are, and they may be of any namespace: no limit to recommend', () => {
    const { recommendation } = analysed({ [COUNT]: 'Permission denied', [MAX]: 1000 });
    expect(recommendation.action).toBe('cannot-tell');
  });

  test('5.15 to 6.2 refuse long chains: they get twice the buckets', () => {
    const { recommendation } = analysed({ [COUNT]: 59_000, 'commands/uname-r': '5.19.0-50-generic' });
    expect(recommendation).toMatchObject({ max: 131_072, buckets: 262_144 });
  });

  test('no limit: one is set', () => {
    const { recommendation } = analysed({ [MAX]: 0, [COUNT]: 150_000 });
    expect(recommendation).toMatchObject({ action: 'set-a-limit', max: 393_216 });
  });

  test('no limit on a small machine: the memory budget bounds what is set, but not below what is there', () => {
    const small = { [MAX]: 0, 'proc/meminfo': `MemTotal: ${128 * 1024} kB` };
    const of = (entries: number) => analysed({ ...small, [COUNT]: entries }).recommendation;
    expect(of(1000)).toMatchObject({ action: 'set-a-limit', max: 16_384, constraint: 'memory-budget' });
    expect(of(40_000)).toMatchObject({ action: 'set-a-limit', max: 49_152, constraint: 'memory-budget' });
  });

  test('CentOS 7: the sysctl of the buckets cannot be written, the parameter of the module can', () => {
    const { commands } = analysed({ [COUNT]: 65_536, 'commands/uname-r': '3.10.0-1160.el7.x86_64' }).recommendation;
    expect(commands.now[0]).toBe('echo 131072 > /sys/module/nf_conntrack/parameters/hashsize');
    expect(commands.persist).toContainEqual({
      file: '/etc/modprobe.d/zz-nf_conntrack.conf',
      lines: ['options nf_conntrack hashsize=131072'],
    });
  });

  test('the same kernel with conntrack built in takes the buckets from its command line', () => {
    const { commands } = analysed({
      [COUNT]: 65_536,
      'commands/uname-r': '3.10.0',
      'proc/modules': 'ext4 1000 1 - Live 0x0',
    }).recommendation;
    expect(commands.persist).toContainEqual({
      file: 'the kernel’s command line, in the boot loader',
      lines: ['nf_conntrack.hashsize=131072'],
    });
    expect(JSON.stringify(commands.persist)).not.toMatch(/modprobe|modules-load/);
  });

  test('2.4: its own names, and buckets only when the module is loaded', () => {
    const { recommendation } = analyse(
      snapshotOf({
        'proc/slabinfo': 'slabinfo - version: 1.1 (SMP)\nip_conntrack 60000 60000 384 6000 6000 1 : 496 124',
        'proc/sys/net/ipv4/ip_conntrack_max': 65_536,
        'commands/getconf-PAGESIZE': 4096,
        'commands/wc-l-table': 60_000,
      }),
      '0',
    );
    expect(recommendation.commands.now).toEqual(['sysctl -w net.ipv4.ip_conntrack_max=131072']);
    expect(recommendation.commands.persist).toContainEqual({
      file: '/etc/sysctl.conf',
      lines: ['net.ipv4.ip_conntrack_max = 131072'],
    });
    expect(recommendation.commands.rollback).toEqual(['sysctl -w net.ipv4.ip_conntrack_max=65536']);
  });
});

describe('what depended on a file is absent without it, and nothing else', () => {
  test('no slabinfo', () => {
    const { slab, usage, hash, memory } = analysed({ 'proc/slabinfo': '' });
    expect(slab.caches).toEqual([]);
    expect(memory).not.toHaveProperty('slabBytes');
    expect(usage.share).toBeCloseTo(1000 / 65_536);
    expect(hash.bytes).toBe(524_288);
  });

  test('no slabinfo, but sysfs: the same arithmetic', () => {
    const sysfs = {
      objects: 1000,
      total_objects: 1024,
      slab_size: '256',
      objs_per_slab: 16,
      order: 0,
      slabs: '64 N0=64',
    };
    const files = Object.entries(sysfs).map(([name, value]) => [`sys/kernel/slab/nf_conntrack/${name}`, value]);
    const { slab } = analysed({ 'proc/slabinfo': 'cat: Permission denied', ...Object.fromEntries(files) });
    expect(slab).toMatchObject({ file: 'sys/kernel/slab/nf_conntrack', allocator: 'SLUB' });
    expect(slab.caches[0]).toMatchObject({ minimumSlabs: 63, heldBytes: 262_144, wastePerSlabBytes: 0 });
  });

  test('no count: the counters, then the slab, which is more', () => {
    const without = { [COUNT]: 'Permission denied' };
    expect(analysed({ ...without, [STAT]: countersText({ entries: 990 }) }).usage).toMatchObject({
      entries: { value: 990 },
      entriesHow: 'counters',
    });
    const { usage } = analysed(without);
    expect(usage).toMatchObject({ entries: { value: 1010, file: 'proc/slabinfo' }, entriesHow: 'slab' });
  });

  test('per-namespace caches of 2.6.39 to 4.4 are added up, expectations are not', () => {
    const { slab } = analysed({
      'proc/slabinfo': [
        'slabinfo - version: 2.1',
        'nf_conntrack_ffffffff81b2a920 100 120 320 12 1 : tunables 0 0 0 : slabdata 10 10 0',
        'nf_conntrack_ffff880037c8a000 20 24 320 12 1 : tunables 0 0 0 : slabdata 2 2 0',
        'nf_conntrack_expect 5 18 224 18 1 : tunables 0 0 0 : slabdata 1 1 0',
      ].join('\n'),
    });
    expect(slab.total).toMatchObject({ activeObjects: 120, totalSlabs: 12, heldBytes: 12 * 4096 });
    expect(slab.expectations).toHaveLength(1);
  });
});
