import type { TableSummary } from '../../../src/snapshot/types.ts';
import { countersText, gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const HEADER = 'path,source,status,reason,start,seconds,bytes,digest';
const inventory = (...lines: string[]) => [HEADER, ...lines.map((line) => `${line},0,0,,`)].join('\n');
const NETNS = 'netns.csv,/proc/*/ns/net,captured,';
const SYSCTL_D = 'etc/sysctl.d/*.conf,/etc/sysctl.d/*.conf,absent,not needed: no line in it names conntrack';

const ROW =
  'ipv4     2 udp      17 25 src=10.0.0.1 dst=198.51.100.7 sport=40000 dport=53 src=198.51.100.7 dst=10.0.0.1 sport=53 dport=40000 mark=0 zone=0 use=2';

/** A capture that has everything, but for what a test takes away. */
const whole = (files: Record<string, string | number> = {}, table?: TableSummary) =>
  gateway(
    {
      'manifest.csv': 'key,value\nformat_version,1\nhostname,gw\nuser_id,0',
      'proc/uptime': '1000.00 900.00',
      'proc/net/stat/nf_conntrack': countersText({ entries: 1000 }),
      'after/proc/uptime': '1005.00 905.00',
      'after/proc/net/stat/nf_conntrack': countersText({ entries: 1000 }),
      'commands/dmesg': '',
      'proc/modules': 'nf_conntrack 139264 2 nf_nat, Live 0xffffffffc0a3f000',
      'proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established': 432_000,
      'inventory.csv': inventory(NETNS, SYSCTL_D),
      'netns.csv': 'inode,pids,processes,names',
      ...files,
    },
    table,
  );

const shown = (version: string, entries = 1) =>
  `conntrack v${version} (conntrack-tools): ${entries} flow entries have been shown.`;

testRule('blind-spots', [
  {
    when: 'an old conntrack listed IPv4 only',
    snapshot: whole({}, await tableOf([ROW, shown('1.4.5')], 'commands/conntrack-L')),
    severity: 'notice',
    says: 'This capture lacks the entries of IPv6; it stays open what the entries of IPv6 are.',
  },
  {
    when: 'a conntrack of unknown version listed IPv4 only',
    snapshot: whole({}, await tableOf([ROW], 'commands/conntrack-L')),
    severity: 'notice',
    says: 'This capture lacks the entries of IPv6; it stays open what the entries of IPv6 are.',
  },
  {
    when: 'a conntrack that lists both families had IPv4 only to list',
    snapshot: whole({}, await tableOf([ROW, shown('1.4.7')], 'commands/conntrack-L')),
    severity: 'ok',
    says: 'Everything that the rules ask for was captured: 1 item, 2 readings of count and counters, the whole table with 1 row.',
  },
  {
    when: 'only the end of the table was kept',
    snapshot: whole({}, await tableOf(['udp', ROW, shown('1.4.7', 900_000)], 'tail/commands/conntrack-L')),
    severity: 'notice',
    says: 'This capture lacks all but the end of the connection table; it stays open what the rest of the table is.',
  },
  {
    when: 'everything was captured',
    snapshot: whole({}, await tableOf([ROW])),
    severity: 'ok',
    says: 'Everything that the rules ask for was captured: 1 item, 2 readings of count and counters, the whole table with 1 row.',
    confidence: 'high',
  },
  {
    when: 'not root: slab and table may not be read',
    snapshot: whole({
      'manifest.csv': 'key,value\nformat_version,1\nhostname,gw\nuser_id,1000',
      'proc/slabinfo': '',
      'netns.csv': '',
      'inventory.csv': inventory(
        SYSCTL_D,
        'proc/slabinfo,/proc/slabinfo,denied,cat: /proc/slabinfo: Permission denied; run it as root',
        'proc/net/nf_conntrack,/proc/net/nf_conntrack,denied,cat: /proc/net/nf_conntrack: Permission denied; run it as root',
        'netns.csv,/proc/*/ns/net,cut,without root only the namespaces of own processes are seen',
      ),
    }),
    severity: 'notice',
    says: 'Made without root, this capture lacks the connection table, the slab and the other network namespaces; it stays open what fills the table, how much memory the entries take and whether another network namespace is full.',
    from: ['inventory.csv'],
    commands: { apply: ['sudo sh collect.sh'], undo: [] },
  },
  {
    when: 'the table was left out, and the expectations with it',
    snapshot: whole({
      'proc/sys/net/netfilter/nf_conntrack_expect_max': 4096,
      'inventory.csv': inventory(
        NETNS,
        SYSCTL_D,
        'proc/net/nf_conntrack,/proc/net/nf_conntrack,absent,--no-table was given',
        'proc/net/nf_conntrack_expect,/proc/net/nf_conntrack_expect,absent,--no-table was given',
      ),
    }),
    severity: 'notice',
    says: 'This capture lacks the connection table and the expectations; it stays open what fills the table and how many expectations there are.',
    commands: { apply: ['sh collect.sh'] },
  },
  {
    when: 'the table was cut by an option',
    snapshot: whole(
      {
        'proc/sys/net/netfilter/nf_conntrack_count': 3_000_000,
        'inventory.csv': inventory(
          NETNS,
          SYSCTL_D,
          'proc/net/nf_conntrack,/proc/net/nf_conntrack,cut,"the first 2000000 of about 3000000 entries, as --max-entries says"',
        ),
      },
      await tableOf([ROW]),
    ),
    severity: 'notice',
    says: 'This capture lacks a part of the connection table; it stays open what the rest of the table is.',
    commands: { apply: ['sh collect.sh --max-entries 6000000'] },
  },
  {
    when: 'the table was cut because it took too long: more entries would not help',
    snapshot: whole(
      {
        'inventory.csv': inventory(
          NETNS,
          SYSCTL_D,
          'proc/net/nf_conntrack,/proc/net/nf_conntrack,cut,"stopped after 300 seconds, with 1 of about 1000 entries"',
        ),
      },
      await tableOf([ROW]),
    ),
    severity: 'notice',
    says: 'This capture lacks a part of the connection table; it stays open what the rest of the table is.',
    commands: { apply: ['sh collect.sh'] },
  },
  {
    when: 'conntrack -L without IPv6',
    snapshot: whole({}, { ...(await tableOf([ROW])), files: ['commands/conntrack-L-ipv4'], families: ['ipv4'] }),
    severity: 'notice',
    says: 'This capture lacks the entries of IPv6; it stays open what the entries of IPv6 are.',
  },
  {
    when: 'one reading, and no log',
    snapshot: gateway(
      {
        'proc/net/stat/nf_conntrack': countersText({ entries: 1000 }),
        'proc/modules': 'nf_conntrack 139264 2 nf_nat, Live 0xffffffffc0a3f000',
        'proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established': 432_000,
        'inventory.csv': inventory(
          NETNS,
          SYSCTL_D,
          'commands/dmesg,dmesg,denied,dmesg: read kernel buffer failed: Operation not permitted; run it as root',
          'var/log/kern.log,/var/log/kern.log,absent,not needed: no such file',
        ),
        'netns.csv': 'inode,pids,processes,names',
      },
      await tableOf([ROW]),
    ),
    severity: 'notice',
    says: 'This capture lacks a second reading of the counters and the kernel log; it stays open how fast packets are being dropped and whether the table was full before.',
  },
  {
    when: 'a namespace that nothing runs in, and the collector enters none',
    snapshot: whole({ 'netns.csv': 'inode,pids,processes,names\n4026532453,0,,web' }, await tableOf([ROW])),
    severity: 'notice',
    says: 'This capture lacks the entries of some other network namespaces; it stays open whether another network namespace is full.',
  },
  {
    when: 'hardly anything: a count and a limit',
    snapshot: gateway({
      'commands/uname-r': '',
      'commands/uname-m': '',
      'commands/getconf-PAGESIZE': '',
      'proc/meminfo': '',
      'proc/slabinfo': '',
      'proc/sys/net/netfilter/nf_conntrack_buckets': '',
    }),
    severity: 'notice',
    says: 'This capture lacks the number of hash buckets, the counters, the kernel log, the connection table, the slab, the page size, the size of the memory, the kernel version, the other network namespaces, the persisted settings and the list of modules; it stays open how long the hash chains are, whether packets were dropped or entries evicted, whether the table was full before, what fills the table, how much memory the entries take, what share of the memory conntrack takes, what this kernel does when the table is full, whether another network namespace is full, what the next boot sets and whether the settings exist yet when boot applies them.',
  },
  {
    when: '2.4 has neither drop counters nor IPv6 nor namespaces',
    snapshot: whole(
      {
        'commands/uname-r': '2.4.21-47.ELsmp',
        'proc/net/stat/nf_conntrack': '',
        'after/proc/net/stat/nf_conntrack': '',
        'proc/sys/net/netfilter/nf_conntrack_max': '',
        'proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established': '',
        'proc/sys/net/ipv4/ip_conntrack_max': 65_536,
        'proc/slabinfo': 'slabinfo - version: 1.1 (SMP)\nip_conntrack 1040 1100 384 104 110 1 : 496 124',
        'netns.csv': '',
      },
      { ...(await tableOf([ROW])), files: ['proc/net/ip_conntrack'], families: ['ipv4'] },
    ),
    severity: 'notice',
    says: 'This capture lacks drop counters (Linux 2.4 has none); it stays open whether packets were dropped or entries evicted.',
  },
]);
