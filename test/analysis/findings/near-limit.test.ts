import { gateway } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';

testRule('near-limit', [
  {
    when: 'from 90 % on',
    snapshot: gateway({ [COUNT]: 58_983 }),
    severity: 'warning',
    says: 'The table held 58 983 of at most 65 536 entries (90 %): 6 553 more would fill it.',
    from: [COUNT, MAX],
    confidence: 'high',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_buckets=131072', 'sysctl -w net.netfilter.nf_conntrack_max=131072'],
    },
  },
  {
    when: 'just below 90 %',
    snapshot: gateway({ [COUNT]: 58_982 }),
    severity: 'notice',
    says: 'The table held 58 982 of at most 65 536 entries (90 %): 6 554 more would fill it.',
  },
  {
    when: '75 %, in a later reading only',
    snapshot: gateway({ [`series/02/${COUNT}`]: 49_152 }),
    severity: 'notice',
    says: 'The table held 49 152 of at most 65 536 entries (75 %): 16 384 more would fill it.',
    from: [`series/02/${COUNT}`],
  },
  {
    when: 'just below 75 %',
    snapshot: gateway({ [COUNT]: 49_151 }),
    severity: 'ok',
    says: 'The table has room: at most 49 151 of 65 536 entries were in use (75 %).',
  },
  {
    when: 'full: another finding',
    snapshot: gateway({ [COUNT]: 64_226 }),
    severity: 'unknown',
    says: 'covered by table-full',
  },
  {
    when: 'no count but the objects of the slab cache, which are too many',
    snapshot: gateway({
      [COUNT]: '',
      'proc/slabinfo':
        'slabinfo - version: 2.1\nnf_conntrack 60000 60000 256 16 1 : tunables 0 0 0 : slabdata 3750 3750 0',
    }),
    severity: 'warning',
    says: 'The table holds up to 60 000 of at most 65 536 entries (92 %): only the objects in the slab cache were captured, which include those of other network namespaces and some that are free.',
    from: ['proc/slabinfo:2'],
    confidence: 'low',
  },
  {
    when: 'no count, and few objects in the slab cache',
    snapshot: gateway({ [COUNT]: '' }),
    severity: 'ok',
    says: 'The table has room: at most 1 010 of 65 536 entries were in use (1.5 %).',
    confidence: 'high',
  },
  {
    when: 'no limit',
    snapshot: gateway({ [MAX]: 0 }),
    severity: 'ok',
    says: 'There is no limit to come near to (nf_conntrack_max is 0); the table held 1 000 entries.',
  },
  {
    when: 'a negative limit, which the kernel compares as a number without sign',
    snapshot: gateway({ [MAX]: -1 }),
    severity: 'ok',
    says: 'The table has room: at most 1 000 of 4 294 967 295 entries were in use (under 0.01 %).',
  },
  { when: 'no limit captured', snapshot: gateway({ [MAX]: '' }), severity: 'unknown', says: 'nf_conntrack_max' },
]);
