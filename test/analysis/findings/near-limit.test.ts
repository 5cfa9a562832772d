import { gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';

/** Answered UDP, as many in each second of its 30. */
const steady = (perSecond: number) =>
  Array.from(
    { length: 30 * perSecond },
    (_, n) =>
      `ipv4     2 udp      17 ${n % 30} src=10.0.${n >> 8}.${n & 255} dst=198.51.100.7 sport=40000 dport=53 src=198.51.100.7 dst=10.0.${n >> 8}.${n & 255} sport=53 dport=40000 mark=0 zone=0 use=2`,
  );

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
  {
    when: 'room in every reading, and the count reaches the limit before a collection',
    snapshot: gateway({ [MAX]: 1400, [COUNT]: 1000 }, await tableOf(steady(30))),
    severity: 'notice',
    says: 'The table held at most 1 000 of 1 400 entries in any reading (71 %); but 30 come a second, and each is still counted for up to 20 s after it expired: the count can reach 1 500.',
    from: ['proc/net/nf_conntrack', COUNT, MAX],
    commands: { undo: ['sysctl -w net.netfilter.nf_conntrack_max=1400'] },
  },
  {
    when: 'the same on a kernel that frees each entry on time',
    snapshot: gateway({ [MAX]: 1400, [COUNT]: 1000, 'commands/uname-r': '4.4.0-210' }, await tableOf(steady(30))),
    severity: 'ok',
    says: 'The table has room: at most 1 000 of 1 400 entries were in use (71 %).',
  },
]);
