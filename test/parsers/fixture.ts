import { readFileSync } from 'node:fs';

/** The text of a file in test/fixtures. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
}

/** What a collector without care stores instead of the file that it wanted. */
export const foreignTexts: [what: string, text: string][] = [
  ['nothing', ''],
  ['blank lines', ' \n\n\t\n'],
  ['an error of cat', 'cat: /proc/slabinfo: Permission denied\n'],
  ['a missing file', 'cat: /proc/net/ip_conntrack: No such file or directory\n'],
  ['a refused operation', 'Operation not permitted\n'],
  ['a missing command', 'sh: 1: getconf: not found\n'],
  [
    'an error of conntrack',
    'conntrack v1.4.5 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this\n',
  ],
  ['a refusal of bash', 'bash: conntrack: command not found...\n'],
  ['a suggestion of Ubuntu', "Command 'conntrack' not found, but can be installed with:\napt install conntrack\n"],
  ['a key that cannot be read', "sysctl: permission denied on key 'net.netfilter.nf_conntrack_max'\n"],
  [
    'a key that is not there',
    'sysctl: cannot stat /proc/sys/net/netfilter/nf_conntrack_max: No such file or directory\n',
  ],
  ['a page of HTML', '<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n'],
  ['something binary', '\u001f\ufffd\u0008\0\0\0\0\0\ufffd\u0003\ufffd\ufffd'],
];
