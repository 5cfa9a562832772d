/** What Rancher's log collectors make (https://github.com/rancherlabs/support-tools): outputs of commands below `systeminfo/`. */
import { type Layout, placeByRules, type Rule } from './layout.ts';

const RULES: Rule[] = [
  [/^systeminfo\/conntrack$/, 'commands/conntrack-S'],
  [/^networking\/conntrack\.out$/, 'commands/conntrack-S'],
  [/^systeminfo\/sysctla$/, 'commands/sysctl-a'],
  [/^systeminfo\/uname$/, 'commands/uname-a'],
  [/^systeminfo\/hostname$/, 'commands/hostname'],
  [/^systeminfo\/date$/, 'commands/date'],
  [/^systeminfo\/uptime$/, 'commands/uptime'],
  [/^systeminfo\/lsmod$/, 'commands/lsmod'],
  [/^systeminfo\/freeh$/, 'commands/free-h'],
  [/^systeminfo\/cpuinfo$/, 'proc/cpuinfo'],
  [/^systeminfo\/dmesg$/, 'commands/dmesg', { isLog: true }],
  [/^systeminfo\/osrelease$/, 'etc/os-release'],
  [/^networking\/nf_conntrack_(max|count)$/, 'proc/sys/net/netfilter/nf_conntrack_$1'],
  [/^systemlogs\/(messages|syslog|kern\.log)$/, 'var/log/$1', { isLog: true }],
];

export const rancher: Layout = {
  id: 'rancher',
  title: 'Rancher log bundle',
  mark: /^(?:systeminfo\/|networking\/(?:conntrack\.out|nf_conntrack_(?:max|count))$)/,
  placeOf: (path) => placeByRules(RULES, path),
};
