/**
 * What Red Hat's insights-client makes (https://github.com/RedHatInsights/insights-core, insights/specs/default.py): the host's files below
 * `data/`, outputs of commands below `data/insights_commands/`; old archives have both at the top. Of logs it keeps only lines that some rule
 * asks for. Neither the table nor its counters are captured.
 */
import { HOST_PATHS, type Layout, placeByRules, type Rule } from './layout.ts';

const RULES: Rule[] = [
  [/^insights_commands\/sysctl_-a$/, 'commands/sysctl-a'],
  [/^insights_commands\/uname_-a$/, 'commands/uname-a'],
  [/^insights_commands\/getconf_PAGE_SIZE$/, 'commands/getconf-PAGESIZE'],
  [/^insights_commands\/date_--utc$/, 'commands/date'],
  [/^insights_commands\/date$/, 'commands/date', { rank: 1 }],
  [/^insights_commands\/hostname$/, 'commands/hostname'],
  [/^insights_commands\/hostname_-f$/, 'commands/hostname', { rank: 1 }],
  [/^insights_commands\/uptime$/, 'commands/uptime'],
  [/^insights_commands\/lsmod$/, 'commands/lsmod'],
  [/^insights_commands\/(?:dmesg|journalctl)[^/]*$/, 'commands/dmesg', { isLog: true, isFiltered: true }],
  [/^(var\/log\/(?:messages|syslog|kern\.log))$/, '$1', { isLog: true, isFiltered: true }],
];

export const insights: Layout = {
  id: 'insights',
  title: 'insights archive',
  mark: /^(?:(?:data\/)?insights_commands\/|insights_archive\.txt$|meta_data\/)/,
  placeOf(path) {
    const below = path.replace(/^data\//, '');
    return placeByRules(RULES, below) ?? (HOST_PATHS.test(below) ? { path: below } : undefined);
  },
};
