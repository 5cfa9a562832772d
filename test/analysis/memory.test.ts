import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { natHashBytes } from '../../src/analysis/kernel.ts';
import { gateway, snapshotOf, tableOf } from './snapshot-of.ts';

const SLABINFO = 'proc/slabinfo';
const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const ACCT = 'proc/sys/net/netfilter/nf_conntrack_acct';
const EVENTS = 'proc/sys/net/netfilter/nf_conntrack_events';
const MODULES = 'proc/modules';
const RELEASE = 'commands/uname-r';

const analysed = (...given: Parameters<typeof gateway>) => analyse(gateway(...given), '0');
const memoryOf = (files: Parameters<typeof gateway>[0]) => analysed(files).memory;
const slabinfo = (...lines: string[]) => ['slabinfo - version: 2.1', ...lines].join('\n');
const slub = (name: string, active: number, size: number, perSlab: number) => {
  const slabs = Math.ceil(active / perSlab);
  return `${name} ${active} ${slabs * perSlab} ${size} ${perSlab} 1 : tunables 0 0 0 : slabdata ${slabs} ${slabs} 0`;
};

describe('NAT’s own hash table', () => {
  const module = (...names: string[]) => names.map((name) => `${name} 45056 1 - Live 0x0000000000000000`).join('\n');

  test('a loaded module: it counts', () => {
    const { memory, recommendation } = analysed({ [MODULES]: module('nf_nat', 'nf_conntrack') });
    expect(memory).toMatchObject({ natIsLoaded: true, hashBytes: 524_288, natHashBytes: 524_288 });
    // 64 slabs, the two tables, and no extension for certain.
    expect(memory.totalBytes).toBe(64 * 4096 + 2 * 524_288);
    expect(recommendation.ladder.map(({ natHashBytes: bytes }) => bytes)).toEqual([524_288, 1_048_576, 2_097_152]);
  });

  test('connection tracking is a module and NAT is not loaded: there is none', () => {
    const { memory, recommendation } = analysed({ [MODULES]: module('nf_conntrack', 'xt_conntrack') });
    expect(memory.natIsLoaded).toBe(false);
    expect(memory).not.toHaveProperty('natHashBytes');
    expect(recommendation.ladder[0]).not.toHaveProperty('natHashBytes');
  });

  test.each([
    ['built in', { [MODULES]: module('ext4') }],
    ['no list of modules', {}],
  ])('%s: it may be there, and counts only towards the most', (_what, files) => {
    const { memory, recommendation } = analysed(files);
    expect(memory).not.toHaveProperty('natIsLoaded');
    expect(memory.natHashBytes).toBe(524_288);
    expect(memory.totalBytes).toBe(64 * 4096 + 524_288);
    const [today] = recommendation.ladder;
    // 4096 slabs, two tables, and 128 bytes an entry.
    expect(today?.totalBytes).toBe(16_777_216 + 2 * 524_288 + 65_536 * 128);
    expect(memory.atMaxBytes).toBe(today?.totalBytes);
  });

  test('built in, but rows are translated', async () => {
    const row =
      'ipv4     2 udp      17 25 src=10.0.0.2 dst=198.51.100.7 sport=1024 dport=53 src=198.51.100.7 dst=192.0.2.1 sport=53 dport=1024 mark=0 zone=0 use=2';
    expect(analysed({}, await tableOf([row])).memory.natIsLoaded).toBe(true);
  });

  test.each<[string, number]>([
    // Two tables of list heads; one; single pointers since 2.6.24.
    ['2.4.32', 2 * 16 * 16_384],
    ['2.6.18', 16 * 16_384],
    ['3.10.0-1160.el7.x86_64', 8 * 16_384],
    // 300 000 entries: doubled until three quarters are more than that.
    ['4.9.0-19-amd64', 8 * 524_288],
    ['4.14.0', 8 * 16_384],
    ['6.18.0', 8 * 16_384],
  ])('%s', (release, bytes) => {
    expect(natHashBytes(release, 8, 16_384, 300_000)).toBe(bytes);
  });

  test('few buckets: one for each lock at the least', () => {
    expect(natHashBytes('6.6.30', 8, 512, 100)).toBe(8 * 1024);
  });
});

describe('a hash table for each namespace', () => {
  const own = slabinfo(
    slub('nf_conntrack_ffffffff81b2a920', 1000, 320, 12),
    slub('nf_conntrack_ffff880037c8a000', 20, 320, 12),
    slub('nf_conntrack_ffff880037c8b000', 0, 320, 12),
  );

  test('2.6.33 to 4.6: the caches count them', () => {
    const { hash, memory, recommendation } = analysed({ [RELEASE]: '3.10.0-1160.el7.x86_64', [SLABINFO]: own });
    expect(hash).toMatchObject({ tables: 3, bytes: 524_288 });
    expect(memory.hashBytes).toBe(3 * 524_288);
    expect(recommendation.ladder[0]?.hashBytes).toBe(3 * 524_288);
  });

  test('one cache, one table', () => {
    expect(analysed({}).hash).not.toHaveProperty('tables');
  });
});

describe('extensions', () => {
  const estimate = (files: Parameters<typeof gateway>[0]) => memoryOf(files).extensions?.bytesPerEntry;

  test.each<[string, Record<string, string | number>, { low: number; high: number }]>([
    ['nothing is known to be on', { [ACCT]: 0, [EVENTS]: 2 }, { low: 0, high: 128 }],
    ['accounting', { [ACCT]: 1 }, { low: 128, high: 128 }],
    ['events of a kernel before 5.19', { [EVENTS]: 1, [RELEASE]: '5.15.0' }, { low: 128, high: 128 }],
    ['as long as needed before 4.12', { [ACCT]: 1, [RELEASE]: '4.9.0' }, { low: 64, high: 256 }],
    [
      'NAT before 4.12: every entry',
      { [RELEASE]: '4.4.0', [MODULES]: 'nf_nat 1 0 - Live 0x0\nnf_conntrack 1 0 - Live 0x0' },
      { low: 64, high: 256 },
    ],
    ['NAT since then: those that are masqueraded', { [MODULES]: 'nf_nat 1 0 - Live 0x0' }, { low: 0, high: 128 }],
    ['in the object before 2.6.24', { [RELEASE]: '2.6.18' }, { low: 0, high: 0 }],
  ])('%s', (_what, files, bytes) => {
    expect(estimate(files)).toEqual(bytes);
  });

  const many = slub('nf_conntrack', 100_000, 256, 16);
  test.each<[string, Record<string, string | number>, { low: number; high: number }]>([
    [
      'fewer objects of 128 bytes than entries',
      { [SLABINFO]: slabinfo(many, slub('kmalloc-128', 10_000, 128, 32)) },
      { low: 0, high: 14 },
    ],
    [
      'sixteen caches of them (CONFIG_RANDOM_KMALLOC_CACHES)',
      {
        [SLABINFO]: slabinfo(
          many,
          slub('kmalloc-128', 10_000, 128, 32),
          slub('kmalloc-rnd-03-128', 20_000, 128, 32),
          // Not charged to control groups, not for DMA: these hold none.
          slub('kmalloc-cg-128', 90_000, 128, 32),
          slub('dma-kmalloc-128', 90_000, 128, 32),
        ),
      },
      { low: 0, high: 41 },
    ],
    [
      'enough objects: all may have one',
      { [SLABINFO]: slabinfo(many, slub('kmalloc-128', 120_000, 128, 32)) },
      { low: 0, high: 128 },
    ],
    [
      'the entries of other namespaces say nothing of these',
      { [COUNT]: 5000, [SLABINFO]: slabinfo(many, slub('kmalloc-128', 10_000, 128, 32)) },
      { low: 0, high: 128 },
    ],
    [
      'accounting is on: all have one, whatever else is there',
      { [ACCT]: 1, [SLABINFO]: slabinfo(many, slub('kmalloc-128', 10_000, 128, 32)) },
      { low: 128, high: 128 },
    ],
  ])('%s', (_what, files, bytes) => {
    expect(estimate({ [COUNT]: 100_000, ...files })).toEqual(bytes);
  });

  test('accounting shows in the rows where the setting was not captured', async () => {
    const row =
      'ipv4     2 udp      17 25 src=10.0.0.2 dst=198.51.100.7 sport=1024 dport=53 packets=1 bytes=60 src=198.51.100.7 dst=10.0.0.2 sport=53 dport=1024 packets=1 bytes=90 mark=0 zone=0 use=2';
    const { extensions } = analysed({}, await tableOf([row])).memory;
    expect(extensions?.bytesPerEntry).toEqual({ low: 128, high: 128 });
    expect(extensions?.reasons[0]).toBe('accounting is on (every row has packets= and bytes=)');
  });

  test('half of the rows have a helper: their extension may be twice as long', async () => {
    const row = (n: number, helper: string) =>
      `tcp      6 431999 ESTABLISHED src=10.0.0.2 dst=198.51.100.7 sport=${n} dport=21 src=198.51.100.7 dst=10.0.0.2 sport=21 dport=${n} [ASSURED] mark=0${helper} use=1`;
    const table = await tableOf([row(1024, ' helper=ftp'), row(1025, '')]);
    expect(analysed({ [ACCT]: 1 }, table).memory.extensions?.bytesPerEntry).toEqual({ low: 128, high: 192 });
  });

  test('an unknown kernel: no estimate', () => {
    expect(analyse(snapshotOf({ [COUNT]: 5 }), '0').memory).not.toHaveProperty('extensions');
  });
});
