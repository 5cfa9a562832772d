import { countersText, gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNTERS = 'proc/net/stat/nf_conntrack';
const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const RELEASE = 'commands/uname-r';

type Counted = Parameters<typeof countersText>[0];

/** Two readings, 4 seconds apart, after so many seconds since boot. */
const between = (first: Counted, last: Counted, uptime = 100_000) => ({
  'proc/uptime': `${uptime}.00 1.00`,
  [COUNTERS]: countersText(first),
  'after/proc/uptime': `${uptime + 4}.00 1.00`,
  [`after/${COUNTERS}`]: countersText(last),
});
const once = (counted: Counted, uptime = 100_000) => ({
  'proc/uptime': `${uptime}.00 1.00`,
  [COUNTERS]: countersText(counted),
});

const dns = (n: number) =>
  `ipv4     2 udp      17 25 src=10.0.0.${n % 250} dst=198.51.100.7 sport=${1024 + n} dport=53 src=198.51.100.7 dst=10.0.0.${n % 250} sport=53 dport=${1024 + n} mark=0 zone=0 use=2`;
const web = (n: number) =>
  `ipv4     2 tcp      6 431990 ESTABLISHED src=10.0.0.${n % 250} dst=198.51.100.7 sport=${1024 + n} dport=443 src=198.51.100.7 dst=10.0.0.${n % 250} sport=443 dport=${1024 + n} [ASSURED] mark=0 zone=0 use=2`;
const translated = (n: number) =>
  `ipv4     2 udp      17 25 src=10.77.${(n >> 8) & 255}.${n & 255} dst=198.51.100.5 sport=5000 dport=53 src=198.51.100.5 dst=203.0.113.1 sport=53 dport=${1024 + n} mark=0 zone=0 use=2`;
const rows = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => row(n));

testRule('clashes', [
  {
    when: 'packets are lost while the collector runs, on a resolver’s way',
    snapshot: gateway(
      between({ insertFailed: 1000, drop: 1000 }, { insertFailed: 1020, drop: 1020, clashResolve: 90 }),
      await tableOf([...rows(30, dns), ...rows(70, web)]),
    ),
    severity: 'critical',
    says: 'Within 4 s the kernel dropped up to 20 packets of new connections (5.0 / s) because an entry with their addresses and ports was there already (insert_failed); DNS over UDP, where that is common, is 30 % of the table.',
    from: [`after/${COUNTERS}`, 'proc/net/nf_conntrack'],
    confidence: 'medium',
  },
  {
    when: 'a single packet',
    snapshot: gateway(
      between({ insertFailed: 7, drop: 7 }, { insertFailed: 8, drop: 8 }),
      await tableOf(rows(70, web)),
    ),
    severity: 'warning',
    says: 'Within 4 s the kernel dropped up to 1 packet of new connections (15 / min) because an entry with their addresses and ports was there already (insert_failed).',
  },
  {
    when: 'source NAT has few ports left',
    snapshot: gateway(
      { [COUNT]: 58_000, ...between({}, { insertFailed: 20, drop: 20 }) },
      await tableOf(rows(58_000, translated)),
    ),
    severity: 'critical',
    says: 'Within 4 s the kernel dropped up to 20 packets of new connections (5.0 / s) because an entry with their addresses and ports was there already (insert_failed); source NAT, which has few ports left towards 198.51.100.5 udp/53, is the likelier reason than chance.',
    confidence: 'low',
  },
  {
    when: 'often since boot',
    snapshot: gateway(once({ insertFailed: 50_000, drop: 50_000 })),
    severity: 'warning',
    says: 'So far the kernel dropped up to 50 000 packets of new connections because an entry with their addresses and ports was there already (insert_failed), 30 / min on average since boot.',
    from: [COUNTERS, 'proc/uptime'],
  },
  {
    when: 'often since boot, not now',
    snapshot: gateway(between({ insertFailed: 50_000, drop: 50_000 }, { insertFailed: 50_000, drop: 50_000 })),
    severity: 'warning',
    says: 'So far the kernel dropped up to 50 000 packets of new connections because an entry with their addresses and ports was there already (insert_failed), 30 / min on average since boot, but none within the 4 s that were watched.',
  },
  {
    when: 'before, for a time that is not known',
    snapshot: gateway({ [COUNTERS]: countersText({ insertFailed: 3, drop: 3 }) }),
    severity: 'warning',
    says: 'So far the kernel dropped up to 3 packets of new connections because an entry with their addresses and ports was there already (insert_failed).',
  },
  {
    when: 'now and then',
    snapshot: gateway(once({ insertFailed: 300, drop: 300 })),
    severity: 'ok',
    says: 'So far clashes of new connections cost up to 300 packets (insert_failed), 11 / h on average since boot: too few to be noticed.',
  },
  {
    when: 'hardly ever',
    snapshot: gateway(once({ insertFailed: 1, drop: 1 }, 1_000_000)),
    severity: 'ok',
    says: 'So far clashes of new connections cost up to 1 packet (insert_failed): too few to be noticed.',
  },
  {
    when: 'never; drop alone is of the limit, before',
    snapshot: gateway(once({ drop: 5000, clashResolve: 12 })),
    severity: 'ok',
    says: 'No packet was lost in a clash of new connections: insert_failed is 0, and 12 clashes were solved without a loss (clash_resolve).',
  },
  {
    when: 'insert_failed is for hash chains, within which it is counted too',
    snapshot: gateway(once({ insertFailed: 59_438, chainTooLong: 59_438 })),
    severity: 'ok',
    says: 'No packet was lost in a clash of new connections: insert_failed is 59 438, which is for long hash chains (chaintoolong).',
  },
  {
    when: 'what drop does not count cost no packet: solved clashes of 4.7 to 5.9, or entries that a program made twice',
    snapshot: gateway({ [RELEASE]: '5.4.0-125-generic', ...once({ insertFailed: 90_000, drop: 0 }) }),
    severity: 'ok',
    says: 'No packet was lost in a clash of new connections: insert_failed is 90 000, and drop, which counts what is lost, is 0.',
  },
  {
    when: 'of those of 4.7 to 5.9, what drop counts too',
    snapshot: gateway({ [RELEASE]: '5.4.0-125-generic', ...once({ insertFailed: 90_000, drop: 30_000 }) }),
    severity: 'warning',
    says: 'So far the kernel dropped up to 30 000 packets of new connections because an entry with their addresses and ports was there already (insert_failed), 18 / min on average since boot.',
  },
  {
    when: 'before 4.7 a clash is in insert_failed alone',
    snapshot: gateway({ [RELEASE]: '3.10.0-1160.el7.x86_64', ...once({ insertFailed: 50_000 }) }),
    severity: 'warning',
    says: 'So far the kernel dropped up to 50 000 packets of new connections because an entry with their addresses and ports was there already (insert_failed), 30 / min on average since boot.',
  },
  {
    when: 'packets are dropped, with room to spare, and not in clashes',
    snapshot: gateway(between({ drop: 10 }, { drop: 14 })),
    severity: 'warning',
    says: 'Within 4 s the kernel dropped 4 packets (1.0 / s) though the table had room, and not in clashes (insert_failed): the table may have been full between two readings, memory short, or a helper unable to handle them.',
    confidence: 'low',
  },
  {
    when: 'packets are dropped by a table that is full for moments, as its evictions show',
    snapshot: gateway(between({ drop: 10 }, { drop: 14, earlyDrop: 3 })),
    severity: 'ok',
    says: 'No packet was lost in a clash of new connections: insert_failed is 0.',
  },
  {
    when: 'the table is full, which drops packets too',
    snapshot: gateway({ [COUNT]: 65_536, ...between({}, { insertFailed: 20, drop: 220 }) }),
    severity: 'unknown',
    says: 'counters of a time when the table was not full',
  },
  {
    when: 'the table is full, and nothing clashed',
    snapshot: gateway({ [COUNT]: 65_536, ...between({}, { drop: 220 }) }),
    severity: 'ok',
    says: 'No packet was lost in a clash of new connections: insert_failed is 0.',
  },
  { when: 'no counters', snapshot: gateway({}), severity: 'unknown', says: 'the drop counters' },
]);
