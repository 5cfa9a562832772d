import { countersText, gateway } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNTERS = 'proc/net/stat/nf_conntrack';
const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';

/** Two readings, 10 seconds apart, 100 000 s after boot. */
const between = (first: number, last: number) => ({
  'proc/uptime': '100000.00 1.00',
  [COUNTERS]: countersText({ invalid: first }),
  'after/proc/uptime': '100010.00 1.00',
  [`after/${COUNTERS}`]: countersText({ invalid: last }),
});

testRule('invalid', [
  {
    when: 'more than connections can leave behind, now',
    snapshot: gateway({ [COUNT]: 8000, ...between(5000, 6010) }),
    severity: 'notice',
    says: 'Within 10 s 1 010 packets fitted no connection (invalid, 101 / s), more than the new connections that 8 000 entries stand for (about 100 / s).',
    from: [`after/${COUNTERS}`, COUNT],
    confidence: 'medium',
  },
  {
    when: 'as many as connections can leave behind',
    snapshot: gateway({ [COUNT]: 8000, ...between(5000, 6000) }),
    severity: 'ok',
    says: 'So far 6 000 packets fitted no connection (invalid), 3.6 / min on average since boot, and 1 000 packets within the 10 s that were watched: no more than late packets of closed connections explain.',
  },
  {
    when: 'more since boot, less now',
    snapshot: gateway({ [COUNT]: 800, ...between(2_000_000, 2_000_050) }),
    severity: 'notice',
    says: 'Since boot 2 000 050 packets fitted no connection (invalid), 20 / s on average, more than the new connections that the 800 entries of now stand for (about 10 / s); within the 10 s that were watched it was 50 packets.',
    from: ['proc/uptime'],
  },
  {
    when: 'one reading of the counters',
    snapshot: gateway({
      [COUNT]: 800,
      'proc/uptime': '100000.00 1.00',
      [COUNTERS]: countersText({ invalid: 2_000_000 }),
    }),
    severity: 'notice',
    says: 'Since boot 2 000 000 packets fitted no connection (invalid), 20 / s on average, more than the new connections that the 800 entries of now stand for (about 10 / s).',
  },
  {
    when: 'more than its connections, on a table that is next to empty',
    snapshot: gateway({ [COUNT]: 8, ...between(0, 9) }),
    severity: 'ok',
    says: 'So far 9 packets fitted no connection (invalid), 0.3 / h on average since boot, and 9 packets within the 10 s that were watched: no more than late packets of closed connections explain.',
  },
  {
    when: 'errors of ICMP are not among them',
    snapshot: gateway({
      'proc/uptime': '100000.00 1.00',
      // As 6.18 counts ordinary "port unreachable" packets: under icmp_error.
      [COUNTERS]: `${countersText({}).split('\n')[0]}\n000003e8  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 000f4240  00000000 00000000 00000000 00000000`,
    }),
    severity: 'ok',
    says: 'No packet was found that fits no connection (invalid is 0).',
  },
  {
    when: 'counters without a time',
    snapshot: gateway({ [COUNTERS]: countersText({ invalid: 2_000_000 }) }),
    severity: 'unknown',
    says: 'the uptime',
  },
  {
    when: 'no number of entries',
    snapshot: gateway({
      [COUNT]: '',
      'proc/slabinfo': '',
      'proc/uptime': '100.00 1.00',
      'commands/conntrack-S':
        'cpu=0   \tfound=0 invalid=7 insert=0 insert_failed=0 drop=0 early_drop=0 error=0 search_restart=0 ',
    }),
    severity: 'unknown',
    says: 'the number of entries',
  },
  { when: 'no counters', snapshot: gateway({}), severity: 'unknown', says: 'the counter invalid' },
]);
