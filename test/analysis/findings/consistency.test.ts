import type { TableSummary } from '../../../src/snapshot/types.ts';
import { countersText, gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';
const STAT = 'proc/net/stat/nf_conntrack';
const RELEASE = 'commands/uname-r';
const INVENTORY = 'path,source,status,reason,start,seconds,bytes,digest';

const row = (n: number) =>
  `ipv4     2 udp      17 25 src=10.0.${n >> 8}.${n & 255} dst=198.51.100.7 sport=40000 dport=53 src=198.51.100.7 dst=10.0.${n >> 8}.${n & 255} sport=53 dport=40000 mark=0 zone=0 use=2`;
const table = (rows: number) => tableOf(Array.from({ length: rows }, (_, n) => row(n)));
/** /proc/slabinfo of SLUB, or of SLAB where it has tunables. */
const slab = (objects: number, slabs = Math.ceil(objects / 16), tunables = '0 0 0') =>
  `slabinfo - version: 2.1\nnf_conntrack ${objects} ${16 * slabs} 256 16 1 : tunables ${tunables} : slabdata ${slabs} ${slabs} 0`;
/** A host with this many entries by every number that there is. */
const host = (entries: number, files: Record<string, string | number> = {}, rows?: TableSummary) =>
  gateway({ [COUNT]: entries, 'commands/cpu-count': 2, 'proc/slabinfo': slab(entries), ...files }, rows);

const shown = (entries: number, rows: number, file: string, damaged = 0) =>
  tableOf(
    [
      ...Array.from({ length: rows }, (_, n) => row(n)),
      ...Array.from({ length: damaged }, () => row(0).slice(0, 50)),
      `conntrack v1.4.7 (conntrack-tools): ${entries} flow entries have been shown.`,
    ],
    file,
  );

testRule('consistency', [
  {
    when: 'conntrack says that it listed more than the file holds',
    snapshot: host(3000, {}, await shown(3000, 2970, 'commands/conntrack-L')),
    severity: 'notice',
    says: 'The conntrack command says that it listed 3 000 entries, but the file holds 2 970 rows: it was cut, or something was done to it afterwards.',
    from: ['commands/conntrack-L:2971'],
  },
  {
    when: 'conntrack listed as many as there are',
    snapshot: host(2970, { 'proc/slabinfo': '' }, await shown(2970, 2970, 'commands/conntrack-L')),
    severity: 'ok',
    says: 'The numbers fit together: 2 970 entries by nf_conntrack_count, 2 970 rows read from the table.',
    from: ['commands/conntrack-L:2971'],
  },
  {
    when: 'what is missing from its list could not be read',
    snapshot: host(2975, { 'proc/slabinfo': '' }, await shown(2975, 2970, 'commands/conntrack-L', 5)),
    severity: 'ok',
    says: 'The numbers fit together: 2 975 entries by nf_conntrack_count, 2 970 rows read from the table; other rows could not be understood.',
  },
  {
    when: 'only the end of the list was kept',
    snapshot: host(3000, { 'proc/slabinfo': '' }, await shown(3000, 500, 'tail/commands/conntrack-L')),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 499 rows read from the table; the table was cut, so that its rows say nothing here.',
  },
  {
    when: 'everything fits together',
    snapshot: host(
      3000,
      { [STAT]: countersText({ entries: 3000 }), 'proc/slabinfo': slab(3100), [`after/${COUNT}`]: 2990 },
      await table(2980),
    ),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 2 980 rows read from the table, 2 990 entries after that, 3 000 in the counters’ entries column, 3 100 slab objects in use; the slab’s surplus is within what the allocator keeps ready for each CPU.',
    from: [COUNT, `after/${COUNT}`, `${STAT}:2`, 'proc/slabinfo:2', 'proc/net/nf_conntrack'],
  },
  {
    when: 'a count in the last reading only',
    snapshot: gateway({
      [COUNT]: '',
      'proc/slabinfo': '',
      [`after/${COUNT}`]: 900,
      [`after/${STAT}`]: countersText({ entries: 900 }),
    }),
    severity: 'ok',
    says: 'The numbers fit together: 900 entries by nf_conntrack_count, 900 in the counters’ entries column.',
  },
  {
    when: 'reading the table evicts what had expired: the count afterwards is lower',
    snapshot: host(3000, { [`after/${COUNT}`]: 0, 'proc/slabinfo': '' }, await table(0)),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 0 rows read from the table, 0 entries after that; reading the table removed entries that had expired, and were still counted.',
    confidence: 'medium',
  },
  {
    when: 'the same without a count afterwards, as in a plain tree',
    snapshot: host(3000, { 'proc/slabinfo': '' }, await table(750)),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 750 rows read from the table; reading the table removed entries that had expired, and were still counted.',
  },
  {
    when: 'before 4.9 no expired entry is counted: rows are skipped when entries go',
    snapshot: host(3000, { [RELEASE]: '4.4.0-210-generic', 'proc/slabinfo': '' }, await table(2000)),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 2 000 rows read from the table; this kernel skips rows when entries go while it is being read.',
  },
  {
    when: 'the entries are still there after the table was read, on a kernel that skips none',
    snapshot: host(3000, { [RELEASE]: '6.18.2', [`after/${COUNT}`]: 3010, 'proc/slabinfo': '' }, await table(1000)),
    severity: 'notice',
    says: 'The table has 1 000 rows, but 3 000 entries were counted before and 3 010 after it was read: expired entries do not explain so few.',
    confidence: 'high',
  },
  {
    when: 'the same before 6.16',
    snapshot: host(3000, { [RELEASE]: '6.12.0', [`after/${COUNT}`]: 3010, 'proc/slabinfo': '' }, await table(1000)),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 1 000 rows read from the table, 3 010 entries after that; this kernel skips rows when entries go while it is being read.',
  },
  {
    when: 'a table of IPv4 only, as conntrack -L prints it',
    snapshot: host(
      3000,
      { [`after/${COUNT}`]: 3000, 'proc/slabinfo': '' },
      { ...(await table(1000)), files: ['commands/conntrack-L-ipv4'], families: ['ipv4'] },
    ),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 1 000 rows read from the table, 3 000 entries after that; the rows are those of IPv4 only.',
  },
  {
    when: 'a table that was cut',
    snapshot: host(
      3000,
      { 'proc/slabinfo': '' },
      { ...(await table(100)), cut: 'the first 100 of about 3000 entries' },
    ),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 100 rows read from the table; the table was cut, so that its rows say nothing here.',
  },
  {
    when: 'rows that were not understood',
    snapshot: host(
      1000,
      { [RELEASE]: '6.18.2', [`after/${COUNT}`]: 1000, 'proc/slabinfo': '' },
      await tableOf([
        ...Array.from({ length: 500 }, (_, n) => row(n)),
        ...Array.from({ length: 500 }, () => 'ipv4 2 udp'),
      ]),
    ),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries by nf_conntrack_count, 500 rows read from the table, 1 000 entries after that; other rows could not be understood.',
  },
  {
    when: 'duplicates are no entries',
    snapshot: host(
      1000,
      { 'proc/slabinfo': '' },
      await tableOf([
        ...Array.from({ length: 1000 }, (_, n) => row(n)),
        ...Array.from({ length: 500 }, (_, n) => row(n)),
      ]),
    ),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries by nf_conntrack_count, 1 000 rows read from the table.',
  },
  {
    when: 'a table of another host',
    snapshot: host(1000, { [`after/${COUNT}`]: 1010, 'proc/slabinfo': '' }, await table(3000)),
    severity: 'notice',
    says: 'The table has 3 000 rows, but 1 000 entries were counted before and 1 010 after it was read: no effect of reading explains so many.',
  },
  {
    when: 'rows that were repeated further back than can be recognised, before 6.16',
    snapshot: host(
      1000,
      { [`after/${COUNT}`]: 1010, 'proc/slabinfo': '' },
      { ...(await table(3000)), duplicates: { rows: 0, window: 1000 } },
    ),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries by nf_conntrack_count, 3 000 rows read from the table, 1 010 entries after that; this kernel repeats rows when entries come and go while it is being read.',
  },
  {
    when: 'a table that grows as fast as the series shows',
    snapshot: host(
      1000,
      { [`series/01/${COUNT}`]: 2000, [`series/02/${COUNT}`]: 3000, [`after/${COUNT}`]: 5000, 'proc/slabinfo': '' },
      await table(4000),
    ),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 4 000 rows read from the table, 5 000 entries after that.',
    from: [`series/02/${COUNT}`],
  },
  {
    when: 'the entries column is of another namespace',
    snapshot: host(3000, { [STAT]: countersText({ entries: 100 }) }),
    severity: 'notice',
    says: 'The kernel has one number of entries, but nf_conntrack_count says 3 000 and the counters’ entries column 100: they are of different moments or namespaces.',
    from: [COUNT, `${STAT}:2`],
  },
  {
    when: 'the slab has the entries of other namespaces too',
    snapshot: host(1000, {
      'proc/slabinfo': slab(10_060),
      'netns.csv': 'inode,pids,processes,names\n4026532453,3,nginx,web',
      'netns/4026532453/proc/net/stat/nf_conntrack': countersText({ entries: 9000 }),
      'inventory.csv': `${INVENTORY}\nnetns.csv,/proc/*/ns/net,captured,,0,0,,`,
    }),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries by nf_conntrack_count, 10 060 slab objects in use, 9 000 entries in other namespaces; the slab’s surplus is within what the allocator keeps ready for each CPU.',
    from: ['netns/4026532453/proc/net/stat/nf_conntrack:2'],
  },
  {
    when: 'namespaces that the capture does not see',
    snapshot: host(1000, { 'proc/slabinfo': slab(10_060) }),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries by nf_conntrack_count, 10 060 slab objects in use; the 9 060 objects more can be entries of namespaces that the capture does not see.',
    confidence: 'medium',
  },
  {
    when: 'all namespaces were seen, and they are not enough',
    snapshot: host(1000, {
      'proc/slabinfo': slab(10_060),
      'netns.csv': 'inode,pids,processes,names\n4026532453,3,nginx,web',
      'netns/4026532453/proc/net/stat/nf_conntrack': countersText({ entries: 500 }),
      'inventory.csv': `${INVENTORY}\nnetns.csv,/proc/*/ns/net,captured,,0,0,,`,
    }),
    severity: 'notice',
    says: 'The slab has 10 060 objects in use, 8 560 more than this namespace’s 1 000 entries and the 500 of the others take: what the allocator keeps ready for the CPUs does not explain so many.',
  },
  {
    when: 'SLAB keeps as many as its tunables say',
    snapshot: host(1000, {
      'proc/slabinfo': slab(1300, 82, '120 60 8'),
      'netns.csv': 'inode,pids,processes,names',
      'inventory.csv': `${INVENTORY}\nnetns.csv,/proc/*/ns/net,captured,,0,0,,`,
    }),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries by nf_conntrack_count, 1 300 slab objects in use; the slab’s surplus is within what the allocator keeps ready for each CPU.',
  },
  {
    when: 'fewer objects than entries',
    snapshot: host(3000, { 'proc/slabinfo': slab(1000) }),
    severity: 'notice',
    says: 'The slab has 1 000 objects in use, but 3 000 entries were counted, which need one each: the two are not of one moment, or not of one host.',
  },
  {
    when: 'an estimate of 6.12 and later, after a burst that left 31 144 slabs',
    snapshot: host(20_000, {
      [RELEASE]: '6.18.2',
      'proc/slabinfo': slab(24_500, 31_144),
      'netns.csv': 'inode,pids,processes,names',
      'inventory.csv': `${INVENTORY}\nnetns.csv,/proc/*/ns/net,captured,,0,0,,`,
    }),
    severity: 'ok',
    says: 'The numbers fit together: 20 000 entries by nf_conntrack_count, 24 500 slab objects in use; this kernel only estimates the objects of so many slabs.',
  },
  {
    when: 'the same on a kernel that counts',
    snapshot: host(20_000, {
      [RELEASE]: '6.1.0',
      'proc/slabinfo': slab(24_500, 31_144),
      'netns.csv': 'inode,pids,processes,names',
      'inventory.csv': `${INVENTORY}\nnetns.csv,/proc/*/ns/net,captured,,0,0,,`,
    }),
    severity: 'notice',
    says: 'The slab has 24 500 objects in use, 4 500 more than this namespace’s 20 000 entries take: what the allocator keeps ready for the CPUs does not explain so many.',
  },
  {
    when: 'over the limit by what is about to be refused',
    snapshot: host(1002, { [MAX]: 1000 }),
    severity: 'ok',
    says: 'The numbers fit together: 1 002 entries by nf_conntrack_count, 1 002 slab objects in use; over the limit of 1 000 the kernel counts what it is about to refuse (1 002).',
  },
  {
    when: 'over a limit that was lowered',
    snapshot: host(3000, { [MAX]: 1000 }),
    severity: 'ok',
    says: 'The numbers fit together: 3 000 entries by nf_conntrack_count, 3 000 slab objects in use; 3 000 entries are more than the limit of 1 000, which was lowered while they were there.',
  },
  {
    when: 'sysctl -a, read at another moment',
    snapshot: host(1000, { 'commands/sysctl-a': 'net.core.message_cost = 5\nnet.netfilter.nf_conntrack_max = 4096' }),
    severity: 'notice',
    says: 'The setting nf_conntrack_max was written while the capture was made: commands/sysctl-a says 4096 where proc/sys/net/netfilter/nf_conntrack_max says 65536, though both name one setting.',
    from: [MAX, 'commands/sysctl-a:2'],
  },
  {
    when: 'two sources of one fact',
    snapshot: host(1000, { 'commands/uname-a': 'Linux gw 3.10.0 #1 SMP x86_64 GNU/Linux' }),
    severity: 'notice',
    says: 'Two files of the capture name one thing differently: commands/uname-a says that the kernel release is 3.10.0 where commands/uname-r says 6.6.30.',
    from: ['commands/uname-a'],
  },
  {
    when: 'two names of one setting',
    snapshot: host(1000, { 'proc/sys/net/nf_conntrack_max': 131_072 }),
    severity: 'notice',
    says: 'The setting nf_conntrack_max was written while the capture was made: proc/sys/net/nf_conntrack_max says 131072 where proc/sys/net/netfilter/nf_conntrack_max says 65536, though both name one setting.',
  },
  {
    when: 'a counter that went past 32 bits',
    snapshot: host(1000, {
      [STAT]: countersText({ entries: 1000, drop: 0xffff_fff0 }),
      [`after/${STAT}`]: countersText({ entries: 1000, drop: 12 }),
    }),
    severity: 'notice',
    says: 'The counter drop fell from 4 294 967 280 to 12 during the capture: on some CPU it went past the end of its 32 bits, so that totals and rates of it are not known.',
    from: [STAT, `after/${STAT}`],
  },
  {
    when: 'counters that began anew',
    snapshot: host(1000, {
      [STAT]: countersText({ entries: 1000, earlyDrop: 5000 }),
      [`after/${STAT}`]: countersText({ entries: 1000, earlyDrop: 12 }),
    }),
    severity: 'notice',
    says: 'The counter early_drop fell from 5 000 to 12 during the capture, which counters of one namespace never do: the readings are not of one boot and one namespace.',
  },
  {
    when: 'fewer CPUs in the second reading explain it',
    snapshot: host(1000, {
      [STAT]: `${countersText({ entries: 1000, drop: 5000 })}\n${countersText({ entries: 1000, drop: 7 }).split('\n')[1]}`,
      [`after/${STAT}`]: countersText({ entries: 1000, drop: 5000 }),
    }),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries by nf_conntrack_count, 1 000 in the counters’ entries column, 1 000 slab objects in use.',
  },
  {
    when: 'files of two boots',
    snapshot: host(1000, { 'proc/uptime': '5323.16 4614.20', 'after/proc/uptime': '100.00 90.00' }),
    severity: 'notice',
    says: 'The host’s uptime went back to 100 s between two readings: they are of two boots.',
    from: ['proc/uptime', 'after/proc/uptime'],
  },
  {
    when: 'a clock that was never set',
    snapshot: host(1000, { 'commands/date-utc': '1970-01-01T00:12:07Z' }),
    severity: 'notice',
    says: 'The host’s clock was not set when the capture was made: it said 1970-01-01T00:12:07Z.',
  },
  {
    when: 'a log of later than the capture; a stamp without a time zone is left alone',
    snapshot: host(1000, {
      'commands/date-utc': '2026-11-22T14:03:05Z',
      'commands/journalctl-k':
        '2026-11-23T09:00:00+0200 gw kernel: nf_conntrack: nf_conntrack: table full, dropping packet',
      'var/log/kern.log': 'Dec 24 09:00:00 gw kernel: nf_conntrack: nf_conntrack: table full, dropping packet',
    }),
    severity: 'notice',
    says: 'The log has a line of 2026-11-23T09:00:00+0200, later than the capture itself (2026-11-22T14:03:05Z): the host’s clock was set back in between.',
    from: ['commands/journalctl-k:1'],
  },
  {
    when: 'a log of the capture’s own time in another time zone',
    snapshot: host(1000, {
      'commands/date-utc': '2026-11-22T14:03:05Z',
      'commands/journalctl-k':
        '2026-11-22T19:30:00+0530 gw kernel: nf_conntrack: nf_conntrack: table full, dropping packet',
    }),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries by nf_conntrack_count, 1 000 slab objects in use.',
  },
  {
    when: 'dmesg of another boot',
    snapshot: host(1000, {
      'proc/uptime': '1000.00 900.00',
      'commands/dmesg': '[ 5525.877663] nf_conntrack: nf_conntrack: table full, dropping packet',
    }),
    severity: 'notice',
    says: 'The kernel’s log has a line stamped 92 min after boot, but the host had been up for 17 min only: they are of two boots.',
  },
  {
    when: 'a file that was changed afterwards, and a count that does not fit',
    snapshot: host(3000, {
      'proc/slabinfo': slab(100),
      'inventory.csv': `${INVENTORY}\nproc/slabinfo,/proc/slabinfo,captured,,0,0,5,`,
    }),
    severity: 'notice',
    says: 'What is in proc/slabinfo is not what the collector wrote: it was changed or damaged afterwards, and read as it is, and 1 other thing does not fit either.',
    from: ['proc/slabinfo'],
  },
  {
    when: '2.4, which has no count: its lines were counted',
    snapshot: gateway(
      {
        [RELEASE]: '2.4.21-47.ELsmp',
        [COUNT]: '',
        'proc/slabinfo': 'slabinfo - version: 1.1 (SMP)\nip_conntrack 1040 1100 384 104 110 1 : 496 124',
        'commands/wc-l-table': 1000,
      },
      { ...(await table(1000)), files: ['proc/net/ip_conntrack'], families: ['ipv4'] },
    ),
    severity: 'ok',
    says: 'The numbers fit together: 1 000 entries as lines of the table, 1 000 rows read from the table, 1 040 slab objects in use; the slab’s surplus is within what the allocator keeps ready for each CPU.',
  },
  {
    when: '2.4 has no namespaces, and keeps up to 496 objects for each of its CPUs, however many there are',
    snapshot: gateway({
      [RELEASE]: '2.4.21-47.ELsmp',
      [COUNT]: '',
      'proc/slabinfo': 'slabinfo - version: 1.1 (SMP)\nip_conntrack 6537 16620 384 984 1662 1 : 496 124',
      'commands/wc-l-table': 5602,
    }),
    severity: 'ok',
    says: 'The numbers fit together: 5 602 entries as lines of the table, 6 537 slab objects in use; the 935 objects more can be what the allocator keeps ready for CPUs, whose number was not captured.',
    confidence: 'medium',
  },
  {
    when: 'the same with two CPUs',
    snapshot: gateway({
      [RELEASE]: '2.4.21-47.ELsmp',
      [COUNT]: '',
      'commands/cpu-count': 2,
      'proc/slabinfo': 'slabinfo - version: 1.1 (SMP)\nip_conntrack 6537 16620 384 984 1662 1 : 496 124',
      'commands/wc-l-table': 5602,
    }),
    severity: 'ok',
    says: 'The numbers fit together: 5 602 entries as lines of the table, 6 537 slab objects in use; the slab’s surplus is within what the allocator keeps ready for each CPU.',
  },
  {
    when: 'only a count',
    snapshot: gateway({ 'proc/slabinfo': '' }),
    severity: 'unknown',
    says: 'the connection table, the counters, /proc/slabinfo',
  },
]);
