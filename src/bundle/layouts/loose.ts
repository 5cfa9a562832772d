/** Files that somebody put into one folder by hand, called as the file of the host or the command that they are of. */
import { type Layout, placeByRules, type Rule } from './layout.ts';

const RULES: Rule[] = [
  [/^(?:proc[_-])?slabinfo(?:\.txt)?$/, 'proc/slabinfo'],
  [/^(?:proc[_-])?meminfo(?:\.txt)?$/, 'proc/meminfo'],
  [/^(?:proc[_-](?:net[_-])?)?(nf_conntrack|ip_conntrack)(?:\.txt)?$/, 'proc/net/$1'],
  [/^(?:proc[_-]net[_-])?stat[_-](nf_conntrack|ip_conntrack)(?:\.txt)?$/, 'proc/net/stat/$1'],
  [/^(nf_conntrack_(?:count|max|buckets))(?:\.txt)?$/, 'proc/sys/net/netfilter/$1'],
  [/^hashsize(?:\.txt)?$/, 'sys/module/nf_conntrack/parameters/hashsize'],
  [/^sysctl(?:[_-]+a(?:ll)?)?(?:\.txt)?$/, 'commands/sysctl-a'],
  [/^conntrack[_-]+L(?:[_-]+o[_-]extended)?(?:\.txt)?$/, 'commands/conntrack-L'],
  [/^conntrack(?:\.txt|\.out)?$/, 'commands/conntrack-L', { rank: 1 }],
  [/^conntrack[_-]+S(?:\.txt)?$/, 'commands/conntrack-S'],
  [/^conntrack[_-]+C(?:\.txt)?$/, 'commands/conntrack-C'],
  [/^uname(?:[_-]+a)?(?:\.txt)?$/, 'commands/uname-a'],
  [/^getconf[_-]+(?:PAGESIZE|PAGE_SIZE)(?:\.txt)?$/, 'commands/getconf-PAGESIZE'],
  [/^(?:page_?size|PAGESIZE)(?:\.txt)?$/, 'commands/getconf-PAGESIZE', { rank: 1 }],
  [/^getconf[_-]+a(?:\.txt)?$/, 'commands/getconf-a'],
  [/^date(?:[_-]+u(?:tc)?)?(?:\.txt)?$/, 'commands/date'],
  [/^hostname(?:\.txt)?$/, 'commands/hostname'],
  [/^uptime(?:\.txt)?$/, 'commands/uptime'],
  [/^lsmod(?:\.txt)?$/, 'commands/lsmod'],
  [/^(?:proc[_-])?modules$/, 'proc/modules'],
  [/^free(?:\.txt)?$/, 'commands/free'],
  [/^free[_-]+([bkmgh])(?:\.txt)?$/, 'commands/free-$1'],
  [/^os-release(?:\.txt)?$/, 'etc/os-release'],
  [/^dmesg(?:[_-]+T)?(?:\.txt|\.log)?$/, 'commands/dmesg', { isLog: true }],
  [/^journalctl(?:[_-]+k)?(?:\.txt|\.log)?$/, 'commands/journalctl-k', { isLog: true }],
  [/^(messages|syslog|kern\.log)(?:\.txt)?$/, 'var/log/$1', { isLog: true }],
];

export const loose: Layout = {
  id: 'loose',
  title: 'loose files',
  // Nothing but the files themselves tells: see index.ts.
  mark: /^(?:slabinfo|nf_conntrack|ip_conntrack|sysctl[_-]+a|conntrack[_-]+[LS])(?:\.txt)?$/,
  placeOf: (path) => placeByRules(RULES, path),
};
