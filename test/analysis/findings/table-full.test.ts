import { countersText, gateway } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';

testRule('table-full', [
  {
    when: 'full, and packets are dropped while the collector runs',
    snapshot: gateway({
      [COUNT]: 65_530,
      'proc/uptime': '1000.00 1.00',
      'proc/net/stat/nf_conntrack': countersText({ entries: 65_530, drop: 50 }),
      'after/proc/uptime': '1004.00 1.00',
      'after/proc/net/stat/nf_conntrack': countersText({ entries: 65_535, drop: 101 }),
    }),
    severity: 'critical',
    says: 'The table held 65 535 of at most 65 536 entries (99.9 %), and the kernel dropped 51 packets within 4 s (13 / s).',
    from: ['after/proc/net/stat/nf_conntrack', MAX],
    confidence: 'high',
    commands: {
      undo: ['sysctl -w net.netfilter.nf_conntrack_max=65536', 'sysctl -w net.netfilter.nf_conntrack_buckets=65536'],
    },
  },
  {
    when: 'room to spare',
    snapshot: gateway({}),
    severity: 'ok',
    says: 'The table was never at its limit during the capture: at most 1 000 of 65 536 entries (1.5 %).',
  },
  {
    when: 'no limit',
    snapshot: gateway({ [MAX]: 0 }),
    severity: 'ok',
    says: 'There is no limit to be reached (nf_conntrack_max is 0); the table held 1 000 entries.',
  },
  {
    when: 'neither the count nor the limit could be read',
    snapshot: gateway({ [COUNT]: '', [MAX]: '', 'proc/slabinfo': '' }),
    severity: 'unknown',
    says: 'nf_conntrack_max, the number of entries',
  },
]);
