/**
 * What `sos report` makes (https://github.com/sosreport/sos, sos/report/plugins): files of the host under their own paths, and outputs of
 * commands below `sos_commands/PLUGIN/`, called as the command with `_` for blanks. Of an output above --log-size only the end is kept, in
 * `sos_strings/PLUGIN/COMMAND.tailed` (sos/report/plugins/__init__.py, _collect_cmd_output), to which a link leads; the manifest says so too.
 * `proc/net` is a link; what it leads to is below the number of sos's own process.
 */
import { hostPlace, type Layout, placeByRules, type Rule } from './layout.ts';

const RULES: Rule[] = [
  [/^sos_commands\/kernel\/sysctl_-a$/, 'commands/sysctl-a'],
  [/^sos_commands\/kernel\/uname_-a$/, 'commands/uname-a'],
  [/^sos_commands\/kernel\/lsmod$/, 'commands/lsmod'],
  [/^sos_commands\/(?:host|general)\/hostname$/, 'commands/hostname'],
  [/^sos_commands\/(?:host|general)\/uptime$/, 'commands/uptime'],
  [/^sos_commands\/[\w-]+\/date_--utc$/, 'commands/date'],
  [/^sos_commands\/(?:date|host|general)\/date$/, 'commands/date', { rank: 1 }],
  [/^sos_commands\/systemd\/timedatectl$/, 'commands/timedatectl'],
  [/^sos_commands\/memory\/free$/, 'commands/free'],
  [/^sos_commands\/memory\/free_-([bkmgh])$/, 'commands/free-$1'],
  [/^sos_commands\/kernel\/dmesg$/, 'commands/dmesg', { isLog: true }],
  [/^sos_commands\/kernel\/dmesg_-T$/, 'commands/dmesg', { isLog: true, rank: 1 }],
  [/^sos_commands\/logs\/journalctl_--no-pager$/, 'commands/journalctl-k', { isLog: true, rank: 1 }],
  [/^sos_commands\/logs\/journalctl_--no-pager_\S*--boot$/, 'commands/journalctl-k', { isLog: true }],
  [/^sos_strings\/logs\/journalctl_--no-pager\S*\.tailed$/, 'commands/journalctl-k', { isLog: true, rank: 2 }],
  [/^sos_strings\/logs\/var\.log\.(messages|syslog|kern\.log)\.tailed$/, 'var/log/$1', { isLog: true, rank: 1 }],
  [/^sos_commands\/conntrack\/conntrack_-L(?:_-o_extended)?$/, 'commands/conntrack-L'],
  [/^sos_strings\/conntrack\/conntrack_-L(?:_-o_extended)?\.tailed$/, 'tail/commands/conntrack-L'],
  [/^sos_commands\/conntrack\/conntrack_-S$/, 'commands/conntrack-S'],
  [/^sos_commands\/conntrack\/conntrack_-C$/, 'commands/conntrack-C'],
  [
    /^sos_commands\/(?:conntrack|networking)\/(?:namespaces\/[^/]+\/)?ip_netns_exec_([^/]+)_conntrack_-L(?:_-o_extended)?$/,
    'netns/$1/commands/conntrack-L',
  ],
  [
    /^sos_strings\/(?:conntrack|networking)\/(?:namespaces\/[^/]+\/)?ip_netns_exec_([^/]+)_conntrack_-L(?:_-o_extended)?\.tailed$/,
    'tail/netns/$1/commands/conntrack-L',
  ],
  [
    /^sos_commands\/(?:conntrack|networking)\/(?:namespaces\/[^/]+\/)?ip_netns_exec_([^/]+)_conntrack_-S$/,
    'netns/$1/commands/conntrack-S',
  ],
  [/^sos_commands\/networking\/(?:namespaces\/[^/]+\/)?ip_netns_exec_([^/]+)_sysctl_-a$/, 'netns/$1/commands/sysctl-a'],
  [/^proc\/\d+\/net\/((?:nf|ip)_conntrack(?:_expect)?|stat\/(?:nf|ip)_conntrack)$/, 'proc/net/$1', { rank: 1 }],
  [/^boot\/config-[^/]+$/, 'boot/config'],
  [/^sos_reports\/manifest\.json$/, 'sos_reports/manifest.json'],
];

export const sosreport: Layout = {
  id: 'sosreport',
  title: 'sosreport',
  mark: /^(?:sos_commands|sos_strings|sos_reports|sos_logs)\//,
  placeOf: (path) => placeByRules(RULES, path) ?? hostPlace(path),
};
