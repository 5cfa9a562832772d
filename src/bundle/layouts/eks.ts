/**
 * What the EKS log collector makes (https://github.com/awslabs/amazon-eks-ami, log-collector-script): `networking/conntrack.txt` holds the
 * counters and the table, each behind `*** Output of COMMAND ***`.
 */
import { type Division, type Layout, placeByRules, type Rule } from './layout.ts';

const BANNERS: Rule[] = [
  [/conntrack -S\b/, 'commands/conntrack-S'],
  [/conntrack -L -f ipv6\b/, 'commands/conntrack-L-ipv6'],
  [/conntrack -L\b/, 'commands/conntrack-L'],
];

const CONNTRACK: Division = {
  prefix: '*** Output of ',
  more: 0,
  placeOf: ([first]) => placeByRules(BANNERS, first?.text ?? ''),
};

const CONNTRACK_6: Division = {
  ...CONNTRACK,
  placeOf: ([first]) => (first?.text.includes('conntrack -L') ? { path: 'commands/conntrack-L-ipv6' } : undefined),
};

const RULES: Rule[] = [
  [/^sysctls\/sysctl_all\.txt$/, 'commands/sysctl-a'],
  [/^kernel\/uname\.txt$/, 'commands/uname-a'],
  [/^kernel\/dmesg\.current$/, 'commands/dmesg', { isLog: true }],
  [/^kernel\/dmesg\.human\.current$/, 'commands/dmesg', { isLog: true, rank: 1 }],
  [/^kernel\/lsmod\.txt$/, 'commands/lsmod'],
  [/^system\/(free(?:-m)?)\.txt$/, 'commands/$1'],
  [/^var_log\/(messages|syslog|kern\.log)$/, 'var/log/$1', { isLog: true }],
];

export const eks: Layout = {
  id: 'eks',
  title: 'EKS log bundle',
  timeInName: /_(\d{4})-(\d\d)-(\d\d)_(\d\d)(\d\d)-UTC_/,
  mark: /^(?:networking\/conntrack6?\.txt|sysctls\/sysctl_all\.txt|system\/instance-id\.txt)$/,
  placeOf(path) {
    if (path === 'networking/conntrack.txt') return CONNTRACK;
    if (path === 'networking/conntrack6.txt') return CONNTRACK_6;
    return placeByRules(RULES, path);
  },
};
