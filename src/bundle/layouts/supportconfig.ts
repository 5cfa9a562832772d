/**
 * What SUSE's `supportconfig` makes (https://github.com/SUSE/supportutils): a flat folder of text files, each a row of outputs behind
 *
 *     #==[ Command ]======================================#
 *     # /sbin/sysctl -a
 *
 * where a file that is not there says so in its title, and of configuration files, to which it counts /proc/slabinfo, lines with `#` and empty
 * ones are left out.
 */
import { type Division, hostPlace, type Layout, type Place, placeByRules, type Rule } from './layout.ts';

/** By the title of a part, without what stands in front of it. */
const TITLES: Rule[] = [
  [/^\/(?:usr\/)?s?bin\/sysctl -a/, 'commands/sysctl-a'],
  [/^(?:\/(?:usr\/)?bin\/)?getconf -a$/, 'commands/getconf-a'],
  [/^\/(?:usr\/)?bin\/uname -a$/, 'commands/uname-a'],
  [/^\/(?:usr\/)?bin\/date(?: .*)?$/, 'commands/date'],
  [/^\/(?:usr\/)?bin\/hostname(?: .*)?$/, 'commands/hostname'],
  [/^\/(?:usr\/)?bin\/uptime$/, 'commands/uptime'],
  [/^\/(?:usr\/)?s?bin\/lsmod$/, 'commands/lsmod'],
  [/^\/(?:usr\/)?bin\/free$/, 'commands/free'],
  [/^\/(?:usr\/)?bin\/free -([bkmgh])$/, 'commands/free-$1'],
  [/^\/(?:usr\/)?bin\/dmesg(?: .*)?$/, 'commands/dmesg', { isLog: true }],
  [/^\/(?:usr\/)?bin\/journalctl (?:.* )?(?:-b|--boot)\b/, 'commands/journalctl-k', { isLog: true }],
  [/^\/(var\/log\/(?:messages|syslog|kern\.log))(?: - .*)?$/, '$1', { isLog: true }],
  [/^\/boot\/config-\S+$/, 'boot/config'],
];

/** Files whose parts are of interest. */
const FILES = /^(?:basic-environment|basic-health-check|boot|env|hardware|memory|messages|modules|network|proc)\.txt$/;

const PARTS: Division = {
  prefix: '#==[',
  more: 1,
  placeOf([, second]) {
    const title = second?.text.replace(/^#\s*/, '').trimEnd() ?? '';
    if (title.endsWith(' - File not found')) return undefined;
    return placeByRules(TITLES, title) ?? mirrored(title);
  },
};

function mirrored(title: string): Place | undefined {
  return /^\/\S+$/.test(title) ? hostPlace(title.slice(1)) : undefined;
}

export const supportconfig: Layout = {
  id: 'supportconfig',
  title: 'supportconfig',
  mark: /^(?:basic-environment|basic-health-check|supportconfig)\.txt$/,
  placeOf: (path) => (FILES.test(path) ? PARTS : undefined),
};
