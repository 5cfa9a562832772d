import { readFileSync } from 'node:fs';
import { countersText, gateway, snapshotOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';
const STAT = 'proc/net/stat/nf_conntrack';
const FULL = '[  900.000001] nf_conntrack: nf_conntrack: table full, dropping packet';
const capture = readFileSync(new URL('../../fixtures/dmesg-netns.txt', import.meta.url), 'utf8').trimEnd();
const others = (...rows: string[]) => ({ 'netns.csv': ['inode,pids,processes,names', ...rows].join('\n') });
const of = (inode: string) => `netns/${inode}/${STAT}`;
const slab = (objects: number, name = 'nf_conntrack') =>
  `slabinfo - version: 2.1\n${name} ${objects} ${objects} 256 16 1 : tunables 0 0 0 : slabdata ${objects / 16} ${objects / 16} 0`;

testRule('other-namespace', [
  {
    when: 'at the limit, and so is this one',
    snapshot: gateway({
      ...others('4026532453,3,nginx,web'),
      [of('4026532453')]: countersText({ entries: 65_536 }),
      [COUNT]: 65_536,
    }),
    severity: 'critical',
    says: 'web (netns 4026532453) holds 65 536 of at most 65 536 entries: the table there is full, as is that of this namespace.',
  },
  {
    when: 'at the limit now, by its own counters',
    snapshot: gateway({
      ...others('4026532453,3,nginx;dnsmasq,web', '4026532500,1,postgres,'),
      [of('4026532453')]: countersText({ entries: 65_536, drop: 9 }),
      [of('4026532500')]: countersText({ entries: 12 }),
    }),
    severity: 'critical',
    says: 'web (netns 4026532453) holds 65 536 of at most 65 536 entries: the table there is full, while that of this namespace is 1.5 % full.',
    from: [`${of('4026532453')}:2`, COUNT, MAX],
    confidence: 'high',
    commands: {
      apply: [],
      verify: [
        `nsenter --net --target "$(lsns -t net -n -o NS,PID | awk '$1 == 4026532453 { print $2 }')" cat /proc/sys/net/netfilter/nf_conntrack_count`,
        'cat /proc/sys/net/netfilter/nf_conntrack_max',
      ],
    },
  },
  {
    when: 'two of them',
    snapshot: gateway({
      ...others('4026532453,3,nginx;dnsmasq;cron,', '4026532500,0,,'),
      [of('4026532453')]: countersText({ entries: 65_000 }),
      [of('4026532500')]: countersText({ entries: 65_400 }),
    }),
    severity: 'critical',
    says: 'nginx, dnsmasq (netns 4026532453) and netns 4026532500 hold up to 65 400 of at most 65 536 entries: the table there is full, while that of this namespace is 1.5 % full.',
  },
  {
    when: 'named in the log, as since 6.17',
    snapshot: gateway({
      'manifest.csv': 'key,value\nhostname,gw\nnetns,4026531840',
      'commands/uname-r': '6.18.44',
      'proc/uptime': '4700.00 1.00',
      'commands/dmesg': capture,
      ...others('4026532453,3,nginx,web'),
    }),
    severity: 'warning',
    says: `${capture.split('\n').filter((line) => /table full/.test(line)).length} lines of the kernel log name another network namespace whose table was full, the last one 76 s before the capture: web (netns 4026532453). The table of this one is 1.5 % full.`,
    from: ['commands/dmesg:2'],
    confidence: 'high',
  },
  {
    when: 'named in the log, and not known which namespace was captured',
    snapshot: gateway({
      'commands/dmesg': '[ 10.1] nf_conntrack: nf_conntrack: table full in netns 4026532453, dropping packet',
    }),
    severity: 'warning',
    says: '1 line of the kernel log names a network namespace whose table was full: netns 4026532453. The table of this one is 1.5 % full; whether it is the one that is named, the capture does not tell.',
    confidence: 'medium',
    commands: { verify: ['lsns -t net', 'cat /proc/sys/net/netfilter/nf_conntrack_max'] },
  },
  {
    when: 'a container of OpenVZ',
    snapshot: gateway({
      'commands/uname-r': '2.6.18-028stab',
      'var/log/messages': 'Nov 20 14:03:05 node kernel: ip_conntrack: CT 101: table full, dropping packet.',
    }),
    severity: 'warning',
    says: '1 line of the kernel log names another network namespace whose table was full: container 101. The table of this one is 1.5 % full.',
  },
  {
    when: 'the log names the namespace that was captured',
    snapshot: gateway({
      'manifest.csv': 'key,value\nhostname,gw\nnetns,4026532453',
      'commands/uname-r': '6.18.44',
      'commands/dmesg': '[ 10.1] nf_conntrack: nf_conntrack: table full in netns 4026532453, dropping packet',
      [STAT]: countersText({ drop: 1 }),
    }),
    severity: 'ok',
    says: 'No other network namespace is seen at the limit; the slab cache of all namespaces holds 1 010 objects, and 1 000 entries were counted; the kernel log names none.',
  },
  {
    when: 'it has evicted',
    snapshot: gateway({
      ...others('4026532453,3,nginx,web'),
      [of('4026532453')]: countersText({ entries: 9, earlyDrop: 7 }),
    }),
    severity: 'warning',
    says: 'The counters of web (netns 4026532453) show 7 entries evicted to make room: the table there has been full, while that of this namespace is 1.5 % full.',
    from: [of('4026532453')],
  },
  {
    when: 'lines that name nobody, and not a packet dropped here',
    snapshot: gateway({
      'proc/uptime': '1000.00 1.00',
      'commands/dmesg': FULL,
      [STAT]: countersText({}),
      ...others('4026532453,3,nginx,web', '4026532500,1,postgres,'),
      [of('4026532453')]: countersText({ entries: 9, drop: 40 }),
      [of('4026532500')]: countersText({ entries: 12 }),
    }),
    severity: 'warning',
    says: '1 line of the kernel log says that a table was full, but this namespace dropped no packet since the counters began, and it is 1.5 % full: the table of another namespace was full; packets were dropped in web (netns 4026532453).',
    from: ['commands/dmesg:1', STAT, of('4026532453')],
    confidence: 'medium',
  },
  {
    when: 'more lines than packets dropped here',
    snapshot: gateway({
      'proc/uptime': '1000.00 1.00',
      'commands/dmesg': `${FULL}\n${FULL}\n${FULL}`,
      [STAT]: countersText({ drop: 2 }),
    }),
    severity: 'warning',
    says: '3 lines of the kernel log say that a table was full, but this namespace dropped only 2 packets since the counters began, and it is 1.5 % full: the table of another namespace was full.',
  },
  {
    when: 'lines of an earlier boot prove nothing against the counters of this one',
    snapshot: gateway({
      'manifest.csv': 'key,value\nhostname,gw\ncaptured_at,2026-11-22T12:00:00Z',
      'proc/uptime': '1000.00 1.00',
      'var/log/messages': 'Nov 20 14:03:05 gw kernel: nf_conntrack: table full, dropping packet',
      [STAT]: countersText({}),
    }),
    severity: 'ok',
    says: 'No other network namespace is seen at the limit; the slab cache of all namespaces holds 1 010 objects, and 1 000 entries were counted.',
  },
  {
    when: 'as many drops here as lines: it was this one',
    snapshot: gateway({ 'proc/uptime': '1000.00 1.00', 'commands/dmesg': FULL, [STAT]: countersText({ drop: 1 }) }),
    severity: 'ok',
    says: 'No other network namespace is seen at the limit; the slab cache of all namespaces holds 1 010 objects, and 1 000 entries were counted.',
  },
  {
    when: 'lines, and no counters',
    snapshot: gateway({ 'proc/uptime': '1000.00 1.00', 'commands/dmesg': FULL }),
    severity: 'notice',
    says: '1 line of the kernel log says that a table was full, but that of this namespace is only 1.5 % full: it may have been another namespace’s, or this one’s at another time.',
    confidence: 'low',
  },
  {
    when: 'a slab cache for each namespace, as up to 4.4: one is full',
    snapshot: gateway({
      'commands/uname-r': '3.10.0-1160.el7.x86_64',
      'proc/slabinfo': `${slab(1008, 'nf_conntrack_ffffffff81b2a920')}\n${slab(65_536, 'nf_conntrack_ffff88003d5a0000').split('\n')[1]}`,
    }),
    severity: 'warning',
    says: 'The slab cache nf_conntrack_ffff88003d5a0000 holds 65 536 objects, as many entries as nf_conntrack_max allows one namespace (65 536); this namespace is only 1.5 % full.',
    from: ['proc/slabinfo:3'],
    confidence: 'medium',
  },
  {
    when: 'the full cache is this namespace’s own',
    snapshot: gateway({
      'commands/uname-r': '3.10.0-1160.el7.x86_64',
      [COUNT]: 65_536,
      'proc/slabinfo': slab(65_536, 'nf_conntrack_ffffffff81b2a920'),
    }),
    severity: 'ok',
    says: 'No other network namespace is seen at the limit.',
  },
  {
    when: 'far more objects in the slab cache than entries were counted',
    snapshot: gateway({
      'proc/slabinfo': slab(80_000),
      ...others('4026532453,3,nginx,web'),
      [of('4026532453')]: countersText({ entries: 9000 }),
    }),
    severity: 'notice',
    says: 'The slab cache holds 80 000 entries of all namespaces, 70 000 more than those whose count was captured have (10 000): enough for another namespace to be at the limit of 65 536, though several may share them.',
    from: ['proc/slabinfo:2'],
    confidence: 'low',
  },
  {
    when: 'a small limit, and what SLUB keeps ready for the CPUs',
    snapshot: gateway({ [MAX]: 100, [COUNT]: 10, 'proc/slabinfo': slab(208), 'commands/cpu-count': 2 }),
    severity: 'ok',
    says: 'No other network namespace is seen at the limit; the slab cache of all namespaces holds 208 objects, and 10 entries were counted.',
  },
  {
    when: 'several, all with room',
    snapshot: gateway({
      'commands/dmesg': '[    1.0] Linux',
      ...others('4026532453,3,nginx,web', '4026532500,1,postgres,'),
      [of('4026532453')]: countersText({ entries: 3000 }),
      [of('4026532500')]: countersText({ entries: 9000 }),
      'proc/slabinfo': slab(13_008),
    }),
    severity: 'ok',
    says: 'No other network namespace is seen at the limit: of 2 other network namespaces the fullest holds 9 000 entries (14 %); the slab cache of all namespaces holds 13 008 objects, and 13 000 entries were counted; no line of the kernel log says that a table was full.',
    from: [`${of('4026532500')}:2`],
    confidence: 'high',
  },
  {
    when: 'no limit, and so none to be at',
    snapshot: gateway({
      [MAX]: 0,
      ...others('4026532453,3,nginx,web'),
      [of('4026532453')]: countersText({ entries: 900_000 }),
    }),
    severity: 'ok',
    says: 'No other network namespace is seen at the limit: of 1 other network namespace the fullest holds 900 000 entries; the slab cache of all namespaces holds 1 010 objects, and 901 000 entries were counted.',
  },
  {
    when: 'one count for all, as up to 2.6.31',
    snapshot: snapshotOf({ 'commands/uname-r': '2.6.24' }),
    severity: 'ok',
    says: 'This kernel has one count for all network namespaces: no other can be full by itself.',
  },
  {
    when: 'neither counters nor log nor slab',
    snapshot: gateway({ 'proc/slabinfo': '' }),
    severity: 'unknown',
    says: 'the counters of other network namespaces, the kernel log, the slab cache of connection tracking',
  },
]);
