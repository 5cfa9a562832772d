import { gateway, snapshotOf, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';

const BUCKETS = 'proc/sys/net/netfilter/nf_conntrack_buckets';

const tcp = (state: string, flag: string) => (n: number) =>
  `ipv4     2 tcp      6 ${flag.includes('OFFLOAD') ? '' : `431999 ${state} `}src=10.1.50.${n % 250} dst=93.34.1.245 sport=${1024 + n} dport=443 src=93.34.1.245 dst=10.1.50.${n % 250} sport=443 dport=${1024 + n} ${flag}mark=0 zone=0 use=2`;
const dns = (n: number) =>
  `ipv4     2 udp      17 25 src=10.0.0.9 dst=198.51.100.7 sport=${1024 + n} dport=53 src=198.51.100.7 dst=10.0.0.9 sport=53 dport=${1024 + n} mark=0 zone=0 use=2`;
const established = tcp('ESTABLISHED', '[ASSURED] ');
const timeWait = tcp('TIME_WAIT', '[ASSURED] ');
const offload = tcp('', '[OFFLOAD] ');

const rows = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => row(n));
const almostAllEstablished = await tableOf([...rows(980, established), ...rows(20, dns)]);
const closing = await tableOf([...rows(900, established), ...rows(80, timeWait), ...rows(20, dns)]);

testRule('evictable', [
  {
    when: 'almost all established, at 80 %',
    snapshot: gateway({ [COUNT]: 52_429 }, almostAllEstablished),
    severity: 'notice',
    says: 'Of 1 000 entries only 20 (2.0 %) could be evicted to make room; 980 (98 %) are ASSURED and stay. At 80 % of the limit there is no other reserve: once the table is full, new connections are refused.',
    from: ['proc/net/nf_conntrack', COUNT, MAX],
    confidence: 'high',
    commands: {
      verify: [
        'sysctl net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_buckets net.netfilter.nf_conntrack_count',
        'sh collect.sh',
      ],
    },
  },
  {
    when: 'the same at the limit',
    snapshot: gateway({ [COUNT]: 65_536 }, almostAllEstablished),
    severity: 'notice',
    says: 'Of 1 000 entries only 20 (2.0 %) could be evicted to make room; 980 (98 %) are ASSURED and stay. The table is full, and there is no other reserve: new connections are refused.',
  },
  {
    when: 'the same with room to spare',
    snapshot: gateway({}, almostAllEstablished),
    severity: 'ok',
    says: 'Only 20 of 1 000 entries (2.0 %) could be evicted if the table were full; but it is no more than 1.5 % full.',
  },
  {
    when: 'closing ones count from 4.12 on',
    snapshot: gateway({ [COUNT]: 60_000, 'commands/uname-r': '4.12.14' }, closing),
    severity: 'ok',
    says: 'Once the table is full, 20 of these 1 000 entries (2.0 %) can be evicted to make room, and 80 that are closing after the first refused packet; 900 (90 %) are ASSURED and stay.',
  },
  {
    when: 'closing ones stay up to 4.10',
    snapshot: gateway({ [COUNT]: 60_000, 'commands/uname-r': '4.10.17' }, closing),
    severity: 'notice',
    says: 'Of 1 000 entries only 20 (2.0 %) could be evicted to make room; 980 (98 %) are ASSURED and stay. At 92 % of the limit there is no other reserve: once the table is full, new connections are refused.',
  },
  {
    when: 'closing ones, and a kernel that is not known',
    snapshot: gateway({ [COUNT]: 60_000, 'commands/uname-r': '' }, closing),
    severity: 'unknown',
    says: 'the kernel version',
  },
  {
    when: 'the kernel is not known, but would make no difference',
    snapshot: gateway({ [COUNT]: 60_000, 'commands/uname-r': '' }, almostAllEstablished),
    severity: 'notice',
    says: 'Of 1 000 entries only 20 (2.0 %) could be evicted to make room; 980 (98 %) are ASSURED and stay. At 92 % of the limit there is no other reserve: once the table is full, new connections are refused.',
  },
  {
    when: 'few closing ones',
    snapshot: gateway({ [COUNT]: 60_000 }, await tableOf([...rows(990, established), ...rows(10, timeWait)])),
    severity: 'notice',
    says: 'Of 1 000 entries none could be evicted to make room, and 10 that are closing, but only after a packet was refused; 990 (99 %) are ASSURED and stay. At 92 % of the limit there is no other reserve: once the table is full, new connections are refused.',
  },
  {
    when: 'offloaded ones: not known',
    snapshot: gateway({ [COUNT]: 60_000 }, await tableOf([...rows(500, established), ...rows(500, offload)])),
    severity: 'notice',
    says: 'Of 1 000 entries none could be evicted to make room; 500 (50 %) are ASSURED and stay, and 500 are offloaded, of which it is not known. At 92 % of the limit there is no other reserve: once the table is full, new connections are refused.',
    confidence: 'medium',
  },
  {
    when: 'mostly single exchanges',
    snapshot: gateway({ [COUNT]: 60_000 }, await tableOf([...rows(100, established), ...rows(300, dns)])),
    severity: 'ok',
    says: 'Once the table is full, 300 of these 400 entries (75 %) can be evicted to make room; 100 (25 %) are ASSURED and stay.',
  },
  {
    // As in a capture of 6.18 with these numbers: 60 evictions, 1340 drops.
    when: 'all could go, but the buckets are empty where the kernel looks',
    snapshot: gateway({ [COUNT]: 1000, [MAX]: 1000, [BUCKETS]: 262_144 }, await tableOf(rows(1000, dns))),
    severity: 'notice',
    says: 'Of 1 000 entries 1 000 (100 %) could be evicted, but once the table is full the kernel looks for one in only 8 of 262 144 buckets, over which at most 1 000 entries are thinly spread: about 5.9 % of these searches find one, and the others drop the packet. The table is 100 % full.',
    from: [BUCKETS],
    confidence: 'medium',
  },
  {
    when: 'the same up to 4.4, which looks on until it has seen eight entries',
    snapshot: gateway(
      { 'commands/uname-r': '4.4.0', [COUNT]: 1000, [MAX]: 1000, [BUCKETS]: 262_144 },
      await tableOf(rows(1000, dns)),
    ),
    severity: 'ok',
    says: 'Once the table is full, 1 000 of these 1 000 entries (100 %) can be evicted to make room.',
  },
  {
    when: 'enough to evict needs no limit to say so',
    snapshot: snapshotOf({ 'commands/getconf-PAGESIZE': 4096 }, await tableOf(rows(10, dns))),
    severity: 'ok',
    says: 'Once the table is full, 10 of these 10 entries (100 %) can be evicted to make room.',
  },
  {
    when: 'little to evict does',
    snapshot: gateway({ [MAX]: '' }, almostAllEstablished),
    severity: 'unknown',
    says: 'nf_conntrack_max',
  },
  {
    when: 'no limit',
    snapshot: gateway({ [MAX]: 0 }, almostAllEstablished),
    severity: 'ok',
    says: 'Nothing is ever evicted, for there is no limit (nf_conntrack_max is 0); 980 of 1 000 entries are ASSURED.',
  },
  {
    when: 'an empty table',
    snapshot: gateway({ [COUNT]: 0 }, await tableOf([])),
    severity: 'ok',
    says: 'The table has no entries, and so nothing to evict.',
  },
  { when: 'no table', snapshot: gateway({}), severity: 'unknown', says: 'the connection table' },
]);
