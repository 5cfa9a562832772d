/**
 * `sysctl -a` (procps sysctl.c, BusyBox sysctl.c): a line for each file below /proc/sys, with errors of single keys among them where
 * standard error went to the same file:
 *     net.netfilter.nf_conntrack_max = 262144
 *     sysctl: permission denied on key 'net.ipv4.tcp_fastopen_key'
 *     sysctl: reading key "net.ipv6.conf.all.stable_secret"
 * A value of several lines is printed as several; those without a `=` belong to a key that nobody asks for here.
 */
import type { Fact, Problem } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { settingNameOfKey, sysctlKey } from './settings-names.ts';
import { fact, foreignContent, type NumberedLine, oddLines, quote, refuse, toInteger } from './text.ts';

/** The keys that the report asks for, as far as they were printed. */
export interface SysctlValues {
  hostname?: Fact<string> | undefined;
  bootId?: Fact<string> | undefined;
  /** Settings of connection tracking, and how many entries there are, each with its key. */
  settings: (Fact<number> & { key: string })[];
}

const HOSTNAME = 'kernel.hostname';
const BOOT_ID = 'kernel.random.boot_id';

const isWanted = (key: string) => key === HOSTNAME || key === BOOT_ID || settingNameOfKey(key) !== undefined;

/** Reads the keys that the report asks for, and the errors that name one of them. */
export function parseSysctlA(text: string, file: string): Parsed<SysctlValues> {
  const cost = 'What sysctl says of connection tracking is not in the report.';
  const values: SysctlValues = { settings: [] };
  const seen = new Map<string, string>();
  const errors: NumberedLine[] = [];
  const odd: NumberedLine[] = [];
  let line = 0;
  let printed = 0;
  for (const raw of text.split('\n')) {
    line++;
    const [, name, value] = /^([a-z][\w./:@*-]*) ?= ?(.*)$/.exec(raw.trimEnd()) ?? [];
    if (name === undefined) {
      // Where a key cannot be read, its name stands in the error, in quotes or as a path.
      const named = /^(?:sysctl|error|warning|cat)\b.*?(?:\/proc\/sys\/|["'])([a-z][\w./-]*)/i.exec(raw)?.[1];
      if (named !== undefined && isWanted(named.replaceAll('/', '.'))) errors.push({ text: raw.trim(), line });
      continue;
    }
    printed++;
    const key = sysctlKey(name);
    if (!isWanted(key)) continue;
    const content = (value ?? '').trim();
    if (seen.has(key)) {
      if (seen.get(key) !== content) odd.push({ text: raw.trim(), line });
      continue;
    }
    const number = toInteger(content);
    if (key === HOSTNAME && /^\S+$/.test(content)) values.hostname = fact(content, file, line);
    else if (key === BOOT_ID && /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(content)) {
      values.bootId = fact(content, file, line);
    } else if (number !== undefined && settingNameOfKey(key) !== undefined) {
      values.settings.push({ ...fact(number, file, line), key });
    } else {
      odd.push({ text: raw.trim(), line });
      continue;
    }
    seen.set(key, content);
  }
  const problems: Problem[] = [
    ...oddLines(file, odd, 'The settings on these lines are not in the report.'),
    ...unreadable(file, errors),
  ];
  if (printed > 0) return { value: values, problems };
  const what =
    foreignContent(text) ?? (text.trim() === '' ? 'is empty' : `is not what sysctl -a prints: ${quote(text.trim())}`);
  return refuse(file, what, cost);
}

function unreadable(file: string, errors: readonly NumberedLine[]): Problem[] {
  const [first] = errors;
  if (first === undefined) return [];
  const more = errors.length > 1 ? ` and ${errors.length - 1} more` : '';
  return [
    {
      file,
      line: first.line,
      what: `holds an error message in place of a setting: ${quote(first.text)}${more}`,
      cost: 'What could not be read is not in the report from this file.',
    },
  ];
}
