import { readFileSync } from 'node:fs';
import { countersText, gateway, snapshotOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';
const STAT = 'proc/net/stat/nf_conntrack';
const FULL = 'nf_conntrack: nf_conntrack: table full, dropping packet';
const capture = readFileSync(new URL('../../fixtures/dmesg-table-full.txt', import.meta.url), 'utf8').trimEnd();

testRule('was-full', [
  {
    when: 'lines in dmesg, with messages suppressed, and the counter of all drops',
    snapshot: gateway({
      'commands/uname-r': '6.18.44',
      'proc/uptime': '5540.90 100.00',
      'commands/dmesg': capture,
      [STAT]: countersText({ drop: 982 }),
    }),
    severity: 'warning',
    says: '10 lines of the kernel log say that the table was full, the last one 15 s before the capture; the kernel suppressed up to 134 more, other messages included; the counters show 982 packets dropped since they began.',
    from: ['commands/dmesg:3', STAT],
    confidence: 'high',
  },
  {
    when: 'full now as well: what the log says is still said',
    snapshot: gateway({
      'commands/uname-r': '6.18.44',
      [COUNT]: 65_536,
      'proc/uptime': '5540.90 100.00',
      'commands/dmesg': `[ 5535.9] ${FULL}`,
      [STAT]: countersText({ drop: 1 }),
    }),
    severity: 'warning',
    says: '1 line of the kernel log says that the table was full, 5 s before the capture; the counters show 1 packet dropped since they began.',
    commands: {
      verify: [
        'sysctl net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_buckets net.netfilter.nf_conntrack_count',
        'sh collect.sh',
      ],
    },
  },
  {
    when: 'a kernel that does not say whose table it was, and no counters',
    snapshot: gateway({ 'proc/uptime': '1000.00 1.00', 'commands/dmesg': `[  900.000001] ${FULL}` }),
    severity: 'warning',
    says: '1 line of the kernel log says that the table was full, 100 s before the capture. Which namespace’s table it was, this kernel does not say.',
    confidence: 'medium',
  },
  {
    when: 'the same, but nothing was ever dropped in this namespace',
    snapshot: gateway({
      'proc/uptime': '1000.00 1.00',
      'commands/dmesg': `[  900.000001] ${FULL}`,
      [STAT]: countersText({}),
    }),
    severity: 'ok',
    says: '1 line of the kernel log says that a table was full, but in this namespace no packet was dropped for want of room and no entry evicted since the counters began: it was the table of another one.',
  },
  {
    when: 'nothing dropped since, because the lines are from before the restart',
    snapshot: gateway({
      'manifest.csv': 'key,value\nhostname,gw\ncaptured_at,2026-11-22T12:00:00Z',
      'proc/uptime': '1000.00 1.00',
      'var/log/messages': `Nov 20 14:03:05 gw kernel: ${FULL}\nNov 20 14:03:06 gw kernel: ${FULL}`,
      [STAT]: countersText({}),
    }),
    severity: 'warning',
    says: '2 lines of the kernel log say that the table was full, all from before the last restart, the last one at Nov 20 14:03:06.',
    from: ['var/log/messages:1'],
  },
  {
    when: 'some before the restart, some after it',
    snapshot: gateway({
      'manifest.csv': 'key,value\nhostname,gw\ncaptured_at,2026-11-22T12:00:00Z',
      'proc/uptime': '86400.00 1.00',
      'commands/dmesg': `[86390.000001] ${FULL}`,
      'var/log/kern.log': `2026-11-20T14:03:05.000001+00:00 gw kernel: ${FULL}`,
      [STAT]: countersText({ drop: 7, earlyDrop: 3 }),
    }),
    severity: 'warning',
    says: '2 lines of the kernel log say that the table was full, the last one 10 s before the capture; of these lines, 1 from before the last restart; the counters show 7 packets dropped and 3 entries evicted since they began.',
    from: ['commands/dmesg:1', 'var/log/kern.log:1'],
    confidence: 'high',
  },
  ...[
    'Nov 20 14:03:05 fw kernel: ip_conntrack: table full, dropping packet.',
    'Nov 20 14:03:05 fw kernel: nf_conntrack: table full, dropping packet.',
    'Nov 20 14:03:05 fw kernel: [4242.123456] nf_conntrack: table full, dropping packet',
    `2026-11-20T14:03:05.123456+01:00 fw kernel: [4242.123456] ${FULL}`,
    'Nov 20 14:03:05 fw kernel: ip_conntrack: CT 0: table full, dropping packet.',
  ].map((line) => ({
    when: `the wording of ${line}`,
    snapshot: gateway({
      'commands/uname-r': '2.4.32',
      'var/log/messages': `${line}\nNov 20 14:03:09 fw kernel: NET: 5 messages suppressed.`,
    }),
    severity: 'warning' as const,
    says: `1 line of the kernel log says that the table was full, at ${line.split(/ fw /)[0]}; the kernel suppressed up to 5 more, other messages included.`,
  })),
  {
    when: 'another namespace, by its inode: none of this one’s business',
    snapshot: gateway({
      'manifest.csv': 'key,value\nhostname,gw\nnetns,4026531840',
      'commands/dmesg': '[ 10.1] nf_conntrack: nf_conntrack: table full in netns 4026532453, dropping packet',
      [STAT]: countersText({}),
    }),
    severity: 'ok',
    says: 'Nothing shows that the table was full before: no entry was evicted since the counters began, and no packet was dropped for want of room; all lines of the kernel log name a namespace, and none of them this one.',
  },
  {
    when: 'a namespace by its inode, and it is not known which was captured',
    snapshot: gateway({
      'commands/dmesg': '[ 10.1] nf_conntrack: nf_conntrack: table full in netns 4026532453, dropping packet',
      [STAT]: countersText({ earlyDrop: 7 }),
    }),
    severity: 'warning',
    says: 'The table has been full: the counters show 7 entries evicted to make room since they began; the kernel log has lines that name a namespace, which may be this one.',
  },
  {
    when: 'evicted entries, which leave no line',
    snapshot: gateway({ 'commands/dmesg': '', [STAT]: countersText({ earlyDrop: 20_002 }) }),
    severity: 'warning',
    says: 'The table has been full: the counters show 20 002 entries evicted to make room since they began; the kernel log has no line about it.',
    from: [STAT],
    confidence: 'high',
  },
  {
    when: 'evicted entries and drops, without a log',
    snapshot: gateway({ [STAT]: countersText({ earlyDrop: 1, drop: 5 }) }),
    severity: 'warning',
    says: 'The table has been full: the counters show 1 entry evicted to make room, and 5 packets dropped, for this or other reasons, since they began; the kernel log was not captured.',
  },
  {
    when: 'drops beyond the clashes, and nothing else',
    snapshot: gateway({ [STAT]: countersText({ drop: 90, insertFailed: 40 }) }),
    severity: 'notice',
    says: 'The counters show 90 packets dropped since they began, more than clashes explain (insert_failed is 40); but no entry was evicted, and the kernel log was not captured: a full table is one reason of several.',
    confidence: 'low',
  },
  {
    when: 'the same, and the table is full',
    snapshot: gateway({ [COUNT]: 65_536, [STAT]: countersText({ drop: 90 }) }),
    severity: 'warning',
    says: 'The counters show 90 packets dropped since they began, more than clashes explain (insert_failed is 0); but no entry was evicted, and the kernel log was not captured: a full table is one reason of several.',
  },
  {
    when: 'drops that are clashes',
    snapshot: gateway({ [STAT]: countersText({ drop: 40, insertFailed: 41 }) }),
    severity: 'ok',
    says: 'Nothing shows that the table was full before: no entry was evicted since the counters began, and as many inserts failed as packets were dropped or more (41 and 40 packets), which is what clashes do.',
  },
  {
    when: 'a log without a line, and no counters: evictions would not be in it',
    snapshot: gateway({ 'commands/dmesg': '[    1.0] Linux' }),
    severity: 'unknown',
    says: 'the drop and eviction counters',
  },
  {
    when: 'nothing',
    snapshot: gateway({}),
    severity: 'unknown',
    says: 'the drop and eviction counters, the kernel log',
  },
  {
    when: 'counters of the first CPU only, as conntrack -S printed them before 1.4.0',
    snapshot: gateway({
      'commands/cpu-count': 4,
      'commands/conntrack-S': 'found\t\t\t12\ninsert\t\t\t0\ninsert_failed\t\t\t0\ndrop\t\t\t0\nearly_drop\t\t\t0',
    }),
    severity: 'unknown',
    says: 'the counters of all CPUs, the kernel log',
  },
  {
    when: '2.4, which counts nothing',
    snapshot: snapshotOf({ 'commands/uname-r': '2.4.32', 'commands/dmesg': 'Linux version 2.4.32', [MAX]: 65_536 }),
    severity: 'ok',
    says: 'No line of the kernel log says that the table was full; this kernel has no counters that would show it.',
    confidence: 'medium',
  },
]);
