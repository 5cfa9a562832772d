/**
 * What a host says of itself: uptime, modules, distribution, processors, time, kernel. Small files whose form has not changed
 * since 2.4; the functions below say what prints each.
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import {
  fact,
  type NumberedLine,
  numberedLines,
  oddLines,
  onlyLine,
  quote,
  refuse,
  toCount,
  unusableContent,
} from './text.ts';

/** `/proc/uptime`, fs/proc/uptime.c: seconds since boot, and seconds that the CPUs were idle: `5323.16 4614.20`. */
export function parseUptime(text: string, file: string): Parsed<Fact<number>> {
  const cost = 'How long the host has been up at this moment is unknown.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const seconds = /^(\d{1,12}(?:\.\d{1,9})?)(?:\s|$)/.exec(text.trim())?.[1];
  if (seconds === undefined) return refuse(file, `does not begin with a number: ${quote(text.trim())}`, cost);
  return { value: fact(Number(seconds), file), problems: [] };
}

/** `/proc/modules`, kernel/module.c `m_show`, name first: `nf_conntrack 139264 2 nf_nat,xt_conntrack, Live 0x…`. */
export function parseModules(text: string, file: string): Parsed<Fact<string[]>> {
  const cost = 'Which modules are loaded is unknown.';
  // A kernel without modules, or with none loaded, has an empty file.
  const unusable = text.trim() === '' ? undefined : unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const names: string[] = [];
  const odd: NumberedLine[] = [];
  for (const line of numberedLines(text)) {
    const name = /^([\w-]+)\s+\d+(?:\s|$)/.exec(line.text)?.[1];
    if (name === undefined) odd.push(line);
    else names.push(name);
  }
  const problems = oddLines(file, odd, 'Modules on these lines are missing from the list.');
  if (names.length === 0 && odd.length > 0) return { value: undefined, problems };
  return { value: fact(names, file), problems };
}

/** os-release(5): `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"`; else the one line of redhat-release or debian_version. */
export function parseOsRelease(text: string, file: string): Parsed<Fact<string>> {
  const cost = 'The distribution is unknown.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const lines = numberedLines(text);
  const isOsRelease = lines.some(({ text: content }) => /^[A-Z][A-Z0-9_]*=/.test(content));
  if (!isOsRelease) return parseFirstLine(text, file);
  for (const key of ['PRETTY_NAME', 'NAME', 'ID']) {
    for (const { text: content, line } of lines) {
      const value = content.startsWith(`${key}=`) ? unquoted(content.slice(key.length + 1)) : '';
      if (value !== '') return { value: fact(value, file, lines.length > 1 ? line : undefined), problems: [] };
    }
  }
  return refuse(file, 'names no distribution', cost);
}

/** As a shell reads a value: in quotes or not, `\"` for a quote. */
function unquoted(value: string): string {
  const inside = /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
  return inside.replace(/\\(["'`$\\])/g, '$1').trim();
}

/** The first line that is not blank. */
export function parseFirstLine(text: string, file: string): Parsed<Fact<string>> {
  const cost = 'What this file says is not in the report.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const lines = numberedLines(text);
  const [first] = lines;
  if (first === undefined) return refuse(file, 'is empty', cost);
  return { value: fact(first.text, file, lines.length > 1 ? first.line : undefined), problems: [] };
}

/** `getconf _NPROCESSORS_ONLN`, `nproc` or `grep -c ^processor /proc/cpuinfo`: `2`. */
export function parseCpuCount(text: string, file: string): Parsed<Fact<number>> {
  const cost = 'The number of CPUs is unknown.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const cpus = toCount(onlyLine(text));
  if (!cpus) return refuse(file, `is not a number of CPUs: ${quote(text.trim())}`, cost);
  return { value: fact(cpus, file), problems: [] };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `date -u`, with an ISO 8601 format (`2026-11-22T14:03:05Z`) or with none (`Sun Nov 22 14:03:05 UTC 2026`). */
export function parseDate(text: string, file: string): Parsed<Fact<string>> {
  const cost = 'When this was captured is not known from this file.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const printed = text.trim();
  const iso = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?:Z|[+-]00:?00)(?:\s|$)/.exec(printed);
  const plain = /^\w{3} (\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (?:UTC|GMT) (\d{4})$/.exec(printed);
  const date = iso
    ? utc(iso[1], iso[2], iso[3], iso[4], iso[5], iso[6])
    : plain && utc(plain[6], months.indexOf(plain[1] ?? '') + 1, plain[2], plain[3], plain[4], plain[5]);
  if (!date) return refuse(file, `is not a date in UTC: ${quote(printed)}`, cost);
  return { value: fact(date, file), problems: [] };
}

/** ISO 8601; nothing for a date that no calendar has, which Date would carry over into the next month. */
function utc(...parts: (string | number | undefined)[]): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const two = (number: number) => String(number).padStart(2, '0');
  const wanted = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`;
  const date = new Date(`${wanted}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(wanted) ? `${wanted}Z` : undefined;
}

/** The release: `uname -r` as it is, or the third word of `/proc/version` and of `uname -a`: `Linux version 6.1.0-18-amd64 (…`. */
export function parseKernelVersion(text: string, file: string): Parsed<Fact<string>> {
  const cost = 'The kernel version is not known from this file.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const [first] = numberedLines(text);
  const release = /^(?:Linux \S+ )?(\d+\.\d+\S*)(?:\s|$)/.exec(first?.text ?? '')?.[1];
  if (release === undefined) return refuse(file, `names no kernel release: ${quote(text.trim())}`, cost);
  return { value: fact(release, file), problems: [] };
}

/**
 * Whether a release, such as `3.10.0-1160.el7.x86_64`, is of a version or a later one; unknown for what is no release.
 * Distributions backport: ask this only about what the capture does not show itself.
 */
export function kernelAtLeast(release: string, major: number, minor: number, patch = 0): boolean | undefined {
  const numbers = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(release);
  if (numbers === null) return undefined;
  const [ownMajor = 0, ownMinor = 0, ownPatch = 0] = numbers.slice(1).map((number) => Number(number ?? 0));
  if (ownMajor !== major) return ownMajor > major;
  if (ownMinor !== minor) return ownMinor > minor;
  return ownPatch >= patch;
}
