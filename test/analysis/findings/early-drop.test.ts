import { countersText, gateway, snapshotOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const STAT = 'proc/net/stat/nf_conntrack';
const twice = (before: object, after: object) => ({
  'proc/uptime': '1000.00 1.00',
  [STAT]: countersText(before),
  'after/proc/uptime': '1010.00 1.00',
  [`after/${STAT}`]: countersText(after),
});

testRule('early-drop', [
  {
    when: 'pinned at the limit, evicting, in silence',
    snapshot: gateway({
      [COUNT]: 65_536,
      'commands/dmesg': '[    1.0] Linux',
      ...twice({ entries: 65_536 }, { entries: 65_536, earlyDrop: 20_002 }),
    }),
    severity: 'critical',
    says: 'The kernel evicted 20 002 entries within 10 s (2 000 / s) to make room for new connections, with 65 536 of at most 65 536 entries in use. No packet was dropped for want of room, and the kernel log says nothing: the table is full without a trace.',
    from: [`after/${STAT}`, COUNT],
    confidence: 'high',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_buckets=262144', 'sysctl -w net.netfilter.nf_conntrack_max=262144'],
    },
  },
  {
    when: 'evicting between readings that show it below the limit, and no log',
    snapshot: gateway({ [COUNT]: 63_000, ...twice({}, { earlyDrop: 1 }) }),
    severity: 'critical',
    says: 'The kernel evicted 1 entry within 10 s (6.0 / min) to make room for new connections, with 63 000 of at most 65 536 entries in use. No packet was dropped for want of room: the table is full without a trace.',
  },
  {
    when: 'evicting and refusing',
    snapshot: gateway({ [COUNT]: 65_536, ...twice({}, { earlyDrop: 900, drop: 3 }) }),
    severity: 'critical',
    says: 'The kernel evicted 900 entries within 10 s (90 / s) to make room for new connections, and dropped 3 packets, as it does where it finds nothing to evict.',
  },
  {
    when: 'one reading: at the limit, and evicted before',
    snapshot: gateway({ [COUNT]: 65_536, [STAT]: countersText({ earlyDrop: 7 }) }),
    severity: 'warning',
    says: 'The table is at its limit (65 536 of 65 536 entries), and the counters show 7 entries evicted to make room since they began: probably it still evicts, but the counters were read only once.',
    confidence: 'medium',
  },
  {
    when: 'in the past',
    snapshot: gateway(twice({ earlyDrop: 7 }, { earlyDrop: 7 })),
    severity: 'notice',
    says: 'The counters show 7 entries evicted to make room since they began, none of them within the 10 s that were watched.',
  },
  {
    when: 'in the past, and at the limit again',
    snapshot: gateway({
      [COUNT]: 65_000,
      'commands/dmesg': '[  900.1] nf_conntrack: nf_conntrack: table full, dropping packet',
      ...twice({ earlyDrop: 7 }, { earlyDrop: 7 }),
    }),
    severity: 'warning',
    says: 'The counters show 7 entries evicted to make room since they began, none of them within the 10 s that were watched, though the table is at its limit; 1 line of the kernel log tells of refused packets.',
  },
  {
    when: 'a counter that ran backwards gives no rate, but a total',
    snapshot: gateway(twice({ earlyDrop: 7 }, { earlyDrop: 3 })),
    severity: 'notice',
    says: 'The counters show 3 entries evicted to make room since they began.',
  },
  {
    when: 'never',
    snapshot: gateway({ [STAT]: countersText({ drop: 5 }) }),
    severity: 'ok',
    says: 'No entry was evicted to make room since the counters began (early_drop is 0); what garbage collection evicts after a refused packet is in no counter.',
  },
  {
    when: 'never, on a kernel whose garbage collection does not evict',
    snapshot: gateway({ 'commands/uname-r': '4.4.0', [STAT]: countersText({}) }),
    severity: 'ok',
    says: 'No entry was evicted to make room since the counters began (early_drop is 0).',
  },
  {
    when: '2.4, which has no counters',
    snapshot: snapshotOf({ 'commands/uname-r': '2.4.32' }),
    severity: 'unknown',
    says: 'the early_drop counter',
  },
  {
    when: 'the first CPU only',
    snapshot: gateway({
      'commands/cpu-count': 2,
      'commands/conntrack-S': 'insert\t\t\t0\ndrop\t\t\t0\nearly_drop\t\t\t0',
    }),
    severity: 'unknown',
    says: 'the early_drop counters of all CPUs',
  },
]);
