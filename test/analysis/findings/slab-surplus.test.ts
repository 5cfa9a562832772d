import { countersText, gateway, snapshotOf, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const SLABINFO = 'proc/slabinfo';
const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const RELEASE = 'commands/uname-r';
const slub = (active: number, total = active) => ({
  [SLABINFO]: `slabinfo - version: 2.1\nnf_conntrack ${active} ${total} 256 16 1 : tunables 0 0 0 : slabdata ${Math.ceil(total / 16)} ${Math.ceil(total / 16)} 0`,
});
const cpus = (n: number) => ({ 'commands/cpu-count': n });
const listed = {
  'inventory.csv':
    'path,source,status,reason,start,seconds,bytes,digest\nnetns.csv,/proc/*/ns/net,captured,,0.1,0.1,60,',
};
const namespace = (inode: number, names: string) => `${inode},${names === '' ? 2 : 0},nginx,${names}`;
const namespaces = (...rows: string[]) => ({ 'netns.csv': ['inode,pids,processes,names', ...rows].join('\n') });
const counted = (inode: number, entries: number) => ({
  [`netns/${inode}/proc/net/stat/nf_conntrack`]: countersText({ entries }),
});

const row = (n: number) =>
  `ipv4     2 udp      17 25 src=10.0.0.2 dst=198.51.100.7 sport=${1024 + n} dport=53 src=198.51.100.7 dst=10.0.0.2 sport=53 dport=${1024 + n} mark=0 zone=0 use=2`;

testRule('slab-surplus', [
  {
    when: 'more entries than objects, which are not of one moment',
    snapshot: gateway({ [COUNT]: 262_142, ...slub(1010, 1024), ...cpus(2) }),
    severity: 'ok',
    says: 'The slabs hold 1 010 objects in use, fewer than the 262 142 entries that were counted: there is no surplus.',
  },
  {
    when: 'a quiet cache (measured on 6.18)',
    snapshot: gateway({ [COUNT]: 262_142, ...slub(262_150, 262_160), ...cpus(2) }),
    severity: 'ok',
    says: 'The slabs hold 262 150 objects in use, and 262 142 entries were counted: no more than the free objects that the allocator counts as in use can explain.',
    from: ['proc/slabinfo:2', COUNT],
  },
  {
    when: '90 % expired at random: lists of CPUs count as in use (measured on 6.18)',
    snapshot: gateway({ [COUNT]: 50_042, ...slub(51_093, 407_568), ...cpus(2) }),
    severity: 'ok',
    says: 'The slabs hold 51 093 objects in use, and 50 042 entries were counted: no more than the free objects that the allocator counts as in use can explain.',
  },
  {
    when: 'an estimate of slabs that is below the count',
    snapshot: gateway({ [COUNT]: 537_915, ...slub(536_880, 544_000), ...cpus(2) }),
    severity: 'ok',
    says: 'The slabs hold 536 880 objects in use, and 537 915 entries were counted: these agree.',
  },
  {
    when: 'the count of another namespace explains it',
    snapshot: gateway({
      ...listed,
      ...namespaces(namespace(4_026_532_446, '')),
      ...counted(4_026_532_446, 40_000),
      ...slub(41_100),
    }),
    severity: 'ok',
    says: 'The slabs hold 41 100 objects in use, and 41 000 entries were counted, 40 000 of them in other network namespaces: no more than the free objects that the allocator counts as in use can explain.',
    from: ['netns/4026532446/proc/net/stat/nf_conntrack:2'],
  },
  {
    when: 'namespaces that nobody is in have no count',
    snapshot: gateway({
      ...listed,
      ...namespaces(namespace(4_026_532_446, 'blue'), namespace(4_026_532_510, 'a b$(x)')),
      ...slub(41_100),
      ...cpus(4),
    }),
    severity: 'notice',
    says: 'The cache of entries, which all network namespaces share, holds 41 100 objects in use, 40 100 more than the 1 000 entries that were counted; of 2 other network namespaces the count was not captured, and they are most likely entries of these.',
    confidence: 'medium',
    commands: { verify: ['ip netns exec blue cat /proc/sys/net/netfilter/nf_conntrack_count'] },
  },
  {
    when: 'nothing is known of other namespaces',
    snapshot: gateway({ ...slub(41_100), ...cpus(4) }),
    severity: 'notice',
    says: 'The cache of entries, which all network namespaces share, holds 41 100 objects in use, 40 100 more than the 1 000 entries that were counted. Which other namespaces this host has was not captured: most likely they are entries of containers or other namespaces.',
  },
  {
    when: 'all namespaces have a count, and it is not enough',
    snapshot: gateway({
      ...listed,
      ...namespaces(namespace(4_026_532_446, '')),
      ...counted(4_026_532_446, 500),
      ...slub(41_100),
      ...cpus(4),
    }),
    severity: 'notice',
    says: 'The cache of entries holds 41 100 objects in use, 39 600 more than the 1 500 entries that were counted in all namespaces known: they belong to a namespace that is being removed or that no process is in, or they have leaked.',
    confidence: 'low',
  },
  {
    when: 'a burst between the count and slabinfo: the next reading has no gap',
    snapshot: gateway({
      ...slub(41_100),
      ...cpus(4),
      [`series/01/${COUNT}`]: 41_000,
      'series/01/proc/slabinfo': slub(41_200)[SLABINFO] ?? '',
    }),
    severity: 'ok',
    says: 'The slabs hold 41 200 objects in use, and 41 000 entries were counted: no more than the free objects that the allocator counts as in use can explain.',
  },
  {
    when: 'a large machine: the lists of 128 CPUs hold thousands of free objects',
    snapshot: gateway({ ...slub(16_000), ...cpus(128) }),
    severity: 'ok',
    says: 'The slabs hold 16 000 objects in use, and 1 000 entries were counted: no more than the free objects that the allocator counts as in use can explain.',
  },
  {
    when: 'a cache for each namespace (2.6.33 to 4.6)',
    snapshot: gateway({
      [RELEASE]: '3.10.0-1160.el7.x86_64',
      [SLABINFO]: [
        'slabinfo - version: 2.1',
        'nf_conntrack_ffffffff81b2a920 1010 1020 320 12 1 : tunables 0 0 0 : slabdata 85 85 0',
        'nf_conntrack_ffff880037c8a000 24000 24000 320 12 1 : tunables 0 0 0 : slabdata 2000 2000 0',
      ].join('\n'),
      ...cpus(4),
    }),
    severity: 'notice',
    says: 'The caches of entries hold 25 010 objects in use, 24 010 more than the 1 000 entries that were counted: this kernel keeps a cache for each of 2 network namespaces, and they are entries of the others.',
    confidence: 'high',
  },
  {
    when: 'SLAB on 2.4: the arrays of two CPUs hold free objects',
    snapshot: snapshotOf({
      [SLABINFO]: 'slabinfo - version: 1.1 (SMP)\nip_conntrack 6537 16620 384 984 1662 1 : 496 124',
      'commands/wc-l-table': 5602,
      'commands/cpu-count': 2,
    }),
    severity: 'ok',
    says: 'The slabs hold 6 537 objects in use, and 5 602 entries were counted: no more than the free objects that the allocator counts as in use can explain.',
  },
  {
    when: 'rows of a kernel that keeps expired entries say too little',
    snapshot: gateway({ [COUNT]: '', ...slub(30_100) }, await tableOf([row(1), row(2)])),
    severity: 'unknown',
    says: 'the number of entries',
  },
  {
    when: 'rows of a kernel with a timer for each entry are the count',
    snapshot: gateway(
      { [RELEASE]: '3.2.0-4-amd64', [COUNT]: '', ...slub(60), ...cpus(2) },
      await tableOf([row(1), row(2)]),
    ),
    severity: 'ok',
    says: 'The slabs hold 60 objects in use, and 2 entries were counted: no more than the free objects that the allocator counts as in use can explain.',
  },
  {
    when: 'rows of one address family are not all',
    snapshot: gateway(
      { [RELEASE]: '3.2.0-4-amd64', [COUNT]: '', ...slub(60) },
      { ...(await tableOf([row(1), row(2)])), families: ['ipv4'] },
    ),
    severity: 'unknown',
    says: 'the number of entries',
  },
  {
    when: 'no slabinfo',
    snapshot: gateway({ [SLABINFO]: '' }),
    severity: 'unknown',
    says: 'the slab lines of connection tracking',
  },
]);
