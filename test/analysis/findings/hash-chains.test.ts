import { countersText, gateway } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';
const [COUNT, MAX, BUCKETS] = [`${SYSCTL}count`, `${SYSCTL}max`, `${SYSCTL}buckets`];
const RELEASE = 'commands/uname-r';
const COUNTERS = 'proc/net/stat/nf_conntrack';

/** As 6.18 prints it with 1 024 buckets, once 100 000 entries were asked for: 40 562 are there, 59 438 were refused. */
const REFUSED = `entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
00009e72  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
00009e72  00000000 00000000 00000000 00000000 00000000 00000000 0000e82e 00000000 0000e82e 00000000 00000000 00000000  00000000 00000000 00000000 00000000`;
const FEW_BUCKETS = { [RELEASE]: '6.18.44', [COUNT]: 40_562, [MAX]: 131_072, [BUCKETS]: 1024 };

/** Of 3.10: the column has another name, and there is no limit. */
const OF_3_10 = `entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
000003e8  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`;

/** Of conntrack-tools before 1.4.7, which does not name the counter. */
const OF_OLD_TOOL =
  'cpu=0   \tfound=0 invalid=0 insert=0 insert_failed=0 drop=0 early_drop=0 error=0 search_restart=0 ';

const quiet = { [COUNTERS]: countersText({ entries: 1000 }) };

testRule('hash-chains', [
  {
    when: 'connections are refused while the collector runs',
    snapshot: gateway({
      ...FEW_BUCKETS,
      'proc/uptime': '1000.00 1.00',
      [COUNTERS]: countersText({ entries: 40_562, chainTooLong: 100, insertFailed: 100 }),
      'after/proc/uptime': '1004.00 1.00',
      [`after/${COUNTERS}`]: countersText({ entries: 40_570, chainTooLong: 300, insertFailed: 300 }),
    }),
    severity: 'critical',
    says: 'Within 4 s the kernel dropped 200 packets of new connections (50 / s) because a hash chain was too long (chaintoolong), while 40 570 of at most 131 072 entries were in use: 1 024 buckets are too few.',
    from: [`after/${COUNTERS}`, BUCKETS],
    confidence: 'high',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_buckets=131072'],
      undo: ['sysctl -w net.netfilter.nf_conntrack_buckets=1024'],
    },
  },
  {
    when: 'connections were refused before',
    snapshot: gateway({ ...FEW_BUCKETS, [COUNTERS]: REFUSED }),
    severity: 'warning',
    says: 'So far the kernel dropped 59 438 packets of new connections because a hash chain was too long (chaintoolong); now the 1 024 buckets hold chains of 79.22 links on average.',
    from: [COUNTERS, BUCKETS, COUNT, MAX],
  },
  {
    when: 'before, and none of them while the collector ran',
    snapshot: gateway({
      'proc/uptime': '1000.00 1.00',
      [COUNTERS]: countersText({ entries: 1000, chainTooLong: 1, insertFailed: 1 }),
      'after/proc/uptime': '1004.00 1.00',
      [`after/${COUNTERS}`]: countersText({ entries: 1000, chainTooLong: 1, insertFailed: 1 }),
    }),
    severity: 'warning',
    says: 'So far the kernel dropped 1 packet of new connections because a hash chain was too long (chaintoolong), none of them within the 4 s that were watched; now the 65 536 buckets hold chains of 0.03 links on average.',
  },
  {
    when: 'refused before, in a capture of the counters alone',
    snapshot: gateway({ [COUNTERS]: countersText({ chainTooLong: 7, insertFailed: 7 }), [BUCKETS]: '' }),
    severity: 'warning',
    says: 'So far the kernel dropped 7 packets of new connections because a hash chain was too long (chaintoolong).',
  },
  {
    when: 'refused in another namespace, which shares the table',
    snapshot: gateway({
      ...quiet,
      'netns.csv': 'inode,pids,processes,names\n4026532453,2,nginx,',
      [`netns/4026532453/${COUNTERS}`]: countersText({ entries: 20_000, chainTooLong: 12, insertFailed: 12 }),
    }),
    severity: 'warning',
    says: 'In another network namespace the kernel dropped 12 packets of new connections because a hash chain was too long (chaintoolong), and all namespaces share the 65 536 buckets.',
    from: [`netns/4026532453/${COUNTERS}`],
  },
  {
    when: 'the maximum was raised without the buckets on a kernel with the short limit',
    snapshot: gateway({ [RELEASE]: '5.15.60', ...quiet, [MAX]: 262_144 }),
    severity: 'warning',
    says: 'At the limit of 262 144 entries the 65 536 buckets would hold chains of 8 links on average, and since this kernel adds to no chain that is longer than a random number from 8 to 31, it would drop about 5.8 % of the new connections.',
    confidence: 'medium',
    // Twice the maximum: an average of 1.
    commands: { apply: ['sysctl -w net.netfilter.nf_conntrack_buckets=524288'] },
  },
  {
    when: 'the same by half',
    snapshot: gateway({ [RELEASE]: '5.17.9', ...quiet, [MAX]: 98_304 }),
    severity: 'warning',
    says: 'At the limit of 98 304 entries the 65 536 buckets would hold chains of 3 links on average, and since this kernel adds to no chain that is longer than a random number from 8 to 31, it would drop about 1 in 8 100 new connections.',
  },
  {
    when: 'the short limit with as many buckets as entries, as these kernels come',
    snapshot: gateway({ [RELEASE]: '5.15.60', ...quiet }),
    severity: 'ok',
    says: 'No new connection was refused because of a long hash chain (chaintoolong is 0); the 65 536 buckets hold chains of 0.03 links on average, 2 at the limit.',
  },
  ...['5.15.0-76-generic', '6.1.0-18-amd64', '5.14.0-362.8.1.el9_3.x86_64', '6.2.0-26-generic'].map((release) => ({
    when: `${release} does not tell which limit it has`,
    snapshot: gateway({ [RELEASE]: release, ...quiet, [MAX]: 262_144 }),
    severity: 'notice' as const,
    says: 'At the limit of 262 144 entries the 65 536 buckets would hold chains of 8 links on average; if this kernel lacks the change of March 2023, it adds to no chain that is longer than a random number from 8 to 31, and would drop about 5.8 % of the new connections.',
    confidence: 'low' as const,
  })),
  ...['5.15.103', '5.15.135-custom', '6.1.20', '6.2.7', '6.3.0-rc1', '6.8.0-31-generic'].map((release) => ({
    when: `${release} has the higher limit`,
    snapshot: gateway({ [RELEASE]: release, ...quiet, [MAX]: 262_144 }),
    severity: 'ok' as const,
    says: 'No new connection was refused because of a long hash chain (chaintoolong is 0); the 65 536 buckets hold chains of 0.03 links on average, 8 at the limit.',
  })),
  {
    when: 'the higher limit, and buckets that are too few even for that',
    snapshot: gateway({ ...FEW_BUCKETS, ...quiet, [COUNT]: 1000 }),
    severity: 'warning',
    says: 'At the limit of 131 072 entries the 1 024 buckets would hold chains of 256 links on average, and since this kernel adds to no chain that is longer than a random number from 50 to 79, it would drop most new connections long before that limit.',
  },
  {
    when: 'chains so long that no number can be put on the shortest',
    snapshot: gateway({ ...quiet, 'proc/sys/net/netfilter/nf_conntrack_max': 4_000_000, [BUCKETS]: 1024 }),
    severity: 'warning',
    says: 'At the limit of 4 000 000 entries the 1 024 buckets would hold chains of 7 812.5 links on average, and since this kernel adds to no chain that is longer than a random number from 50 to 79, it would drop most new connections long before that limit.',
  },
  {
    when: 'chains are long, on a kernel that refuses none',
    snapshot: gateway({ [RELEASE]: '3.10.0-1160.el7.x86_64', [COUNT]: 60_000, [BUCKETS]: 8192, [COUNTERS]: OF_3_10 }),
    severity: 'notice',
    says: 'The 8 192 buckets hold chains of 14.65 links on average (60 000 entries, each linked once for each direction): every packet takes a longer look-up.',
    // The table is nearly full: the commands are those of the recommendation.
    commands: {
      apply: [
        'echo 131072 > /sys/module/nf_conntrack/parameters/hashsize',
        'sysctl -w net.netfilter.nf_conntrack_max=131072',
      ],
      undo: [
        'sysctl -w net.netfilter.nf_conntrack_max=65536',
        'echo 8192 > /sys/module/nf_conntrack/parameters/hashsize',
      ],
    },
  },
  {
    when: 'the entries of other namespaces, which only the slab shows, make chains long',
    snapshot: gateway({
      ...quiet,
      'proc/slabinfo':
        'slabinfo - version: 2.1\nnf_conntrack 400000 400000 256 16 1 : tunables 0 0 0 : slabdata 25000 25000 0',
    }),
    severity: 'notice',
    says: 'The 65 536 buckets hold chains of 12.21 links on average (400 000 entries of all network namespaces, each linked once for each direction): every packet takes a longer look-up.',
    from: ['proc/slabinfo:2'],
  },
  {
    when: 'the entries of other namespaces are in other tables up to 4.4',
    snapshot: gateway({
      [RELEASE]: '4.4.0-21-generic',
      [COUNTERS]: OF_3_10,
      'proc/slabinfo':
        'slabinfo - version: 2.1\nnf_conntrack_1 400000 400000 256 16 1 : tunables 0 0 0 : slabdata 25000 25000 0',
    }),
    severity: 'ok',
    says: 'The 65 536 buckets hold chains of 0.03 links on average, 2 at the limit; this kernel refuses no entry because of a long chain.',
  },
  {
    when: 'a kernel before 5.15, with no counters captured',
    snapshot: gateway({ [RELEASE]: '5.4.0-125-generic' }),
    severity: 'ok',
    says: 'The 65 536 buckets hold chains of 0.03 links on average, 2 at the limit; this kernel refuses no entry because of a long chain.',
  },
  {
    when: 'no limit of the table',
    snapshot: gateway({ ...quiet, [MAX]: 0 }),
    severity: 'ok',
    says: 'No new connection was refused because of a long hash chain (chaintoolong is 0); the 65 536 buckets hold chains of 0.03 links on average.',
  },
  {
    when: 'counters of a tool that does not know of chaintoolong',
    snapshot: gateway({ 'commands/conntrack-S': OF_OLD_TOOL }),
    severity: 'unknown',
    says: 'the counter chaintoolong',
  },
  { when: 'no counters', snapshot: gateway({}), severity: 'unknown', says: 'the drop counters' },
  {
    when: 'neither buckets nor entries',
    snapshot: gateway({ [BUCKETS]: '', [COUNT]: '', 'proc/slabinfo': '', [COUNTERS]: '' }),
    severity: 'unknown',
    says: 'the number of buckets, the number of entries, the drop counters',
  },
]);
