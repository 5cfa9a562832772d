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
    'conntrack v1.4.7 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN\n',
  ],
  ['a page of HTML', '<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n'],
  ['something binary', '\u001f\ufffd\u0008\0\0\0\0\0\ufffd\u0003\ufffd\ufffd'],
];
