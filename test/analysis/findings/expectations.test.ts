import { gateway, snapshotOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const FILE = 'proc/net/nf_conntrack_expect';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_expect_max';
const DMESG = 'commands/dmesg';
const expecting = (count: number) =>
  Array.from(
    { length: count },
    (_, n) => `297 l3proto = 2 proto=17 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=${10_000 + n} sip/media`,
  ).join('\n');
const FULL = '[ 5525.877663] nf_conntrack: expectation table full';
const SLABINFO = [
  'slabinfo - version: 2.1',
  'nf_conntrack 1010 1024 256 16 1 : tunables 0 0 0 : slabdata 64 64 0',
  'nf_conntrack_expect 170 204 232 17 1 : tunables 0 0 0 : slabdata 12 12 0',
].join('\n');
const linux24 = (log: string) =>
  snapshotOf({
    'commands/uname-r': '2.4.32',
    'proc/slabinfo': 'slabinfo - version: 1.1 (SMP)\nip_conntrack 6537 16620 384 984 1662 1 : 496 124',
    ...(log === '' ? {} : { [DMESG]: log }),
  });

testRule('expectations', [
  {
    when: 'a few, and nothing in the log',
    snapshot: gateway({ [FILE]: expecting(12), [MAX]: 4096, [DMESG]: '[ 1.0] Linux version 6.6.30' }),
    severity: 'ok',
    says: 'There were 12 expectations of 4 096 allowed, and the log has no message that one was refused.',
    from: [FILE, MAX],
  },
  {
    when: 'none, and no log',
    snapshot: gateway({ [FILE]: '', [MAX]: 4096 }),
    severity: 'ok',
    says: 'There were 0 expectations of 4 096 allowed.',
  },
  {
    when: 'one',
    snapshot: gateway({ [FILE]: expecting(1), [MAX]: 4096 }),
    severity: 'ok',
    says: 'There was 1 expectation of 4 096 allowed.',
  },
  {
    when: 'none allowed, as could be set before 6.15',
    snapshot: gateway({ [FILE]: '', [MAX]: 0 }),
    severity: 'notice',
    says: 'nf_conntrack_expect_max is 0, which allows no expectation at all: helpers drop the packets that announce one.',
    commands: { apply: ['sysctl -w net.netfilter.nf_conntrack_expect_max=1024'] },
  },
  {
    when: 'a negative limit, which the kernel takes for a huge one, and which cannot be doubled',
    snapshot: gateway({ [FILE]: expecting(12), [MAX]: -1 }),
    severity: 'ok',
    says: 'There were 12 expectations of 4 294 967 295 allowed.',
    commands: 'none',
  },
  {
    when: 'the table was left out of the capture, but its cache is small',
    snapshot: gateway({ 'proc/slabinfo': SLABINFO, [MAX]: 4096 }),
    severity: 'ok',
    says: 'There were at most 170 expectations of 4 096 allowed.',
    from: ['proc/slabinfo:3'],
  },
  {
    when: 'the cache alone cannot say that they are many: it counts all namespaces and free objects',
    snapshot: gateway({ 'proc/slabinfo': SLABINFO, [MAX]: 128 }),
    severity: 'unknown',
    says: 'the table of expectations',
  },
  {
    when: 'three quarters',
    snapshot: gateway({ [FILE]: expecting(200), [MAX]: 256 }),
    severity: 'notice',
    says: 'There are 200 expectations of at most 256 (78 %): when the limit is reached, helpers drop the packets that announce further ones.',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_expect_max=512'],
      undo: ['sysctl -w net.netfilter.nf_conntrack_expect_max=256'],
    },
  },
  {
    when: 'nine tenths',
    snapshot: gateway({ [FILE]: expecting(240), [MAX]: 256 }),
    severity: 'warning',
    says: 'There are 240 expectations of at most 256 (94 %): when the limit is reached, helpers drop the packets that announce further ones.',
  },
  {
    when: 'full',
    snapshot: gateway({ [FILE]: expecting(256), [MAX]: 256, [DMESG]: FULL }),
    severity: 'critical',
    says: 'The table of expectations is full, with 256 expectations of at most 256: helpers refuse further ones, and drop the packets that announce them.',
    confidence: 'high',
  },
  {
    when: 'was full: one message in two logs is one message',
    snapshot: gateway({
      [FILE]: expecting(3),
      [MAX]: 256,
      [DMESG]: `${FULL}\n${FULL}`,
      'var/log/kern.log': `Nov 22 14:03:05 gw kernel: ${FULL}`,
    }),
    severity: 'warning',
    says: 'The table of expectations was full: 2 lines of commands/dmesg say that one was refused. At the time of the capture there were 3 expectations of at most 256. The lines are rate limited and do not count what was refused.',
    from: ['commands/dmesg:1'],
  },
  {
    when: 'was full, and nothing else was captured',
    snapshot: snapshotOf({ [DMESG]: FULL }),
    severity: 'warning',
    says: 'The table of expectations was full: 1 line of commands/dmesg says that one was refused. The lines are rate limited and do not count what was refused.',
  },
  {
    when: '2.4: the limit of one connection, not of the table',
    snapshot: linux24(
      '<4>ip_conntrack: max number of expected connections 1 of ftp reached for 10.0.0.9->198.51.100.7, reusing',
    ),
    severity: 'notice',
    says: '1 line of commands/dmesg says that a connection had as many expectations as its helper allows, and one more was refused. That limit is one of each connection, not of the table.',
  },
  {
    when: '2.4 has neither a file of them nor a limit: the log decides',
    snapshot: linux24('<4>Linux version 2.4.32'),
    severity: 'ok',
    says: 'This kernel does not limit the number of expectations, only that of each connection, and its log has no message that this was reached.',
    from: [DMESG],
  },
  { when: '2.4 without a log', snapshot: linux24(''), severity: 'unknown', says: 'the kernel log' },
  {
    when: 'neither the table nor the limit',
    snapshot: gateway({}),
    severity: 'unknown',
    says: 'the table of expectations, nf_conntrack_expect_max',
  },
]);
