/**
 * What a host says of itself: uptime, modules, distribution, processors, kernel. Small files whose form has not changed
 * since 2.4, and the commands that say the same; the functions below say what prints each.
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

/**
 * `uptime` (procps uptime.c, coreutils uptime.c, BusyBox uptime.c) and `uptime -p`, in whole minutes, which are the resolution of the value:
 * ` 21:17:23 up 10 days,  3:04,  2 users, …`, `up 3 min`, `up 1 day, 12 min`, coreutils `up 10 days  3:04`, `up 1 week, 2 hours`.
 */
export function parseUptimeCommand(text: string, file: string): Parsed<Fact<number>> {
  const cost = 'How long the host has been up at this moment is unknown.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const printed = onlyLine(text) ?? '';
  const since = /^(?:[\d:]+(?: ?[ap]m)?\s+)?up\s+(\d.*)$/i.exec(printed)?.[1] ?? '';
  let minutes = 0;
  let rest = since;
  let parts = 0;
  for (;;) {
    const [whole, number = '', unit = '', hours = '', ofHour = ''] =
      /^(?:(\d{1,5}) (year|week|day|hour|minute|min)s?|(\d{1,2}):(\d\d))(?:,?\s+|,?$)/.exec(rest) ?? [];
    if (whole === undefined) break;
    minutes += unit === '' ? Number(hours) * 60 + Number(ofHour) : Number(number) * (MINUTES[unit] ?? 0);
    rest = rest.slice(whole.length);
    parts++;
  }
  // What follows counts users, or nothing does.
  if (parts === 0 || !/^(?:$|\d+ users?\b|load average)/.test(rest)) {
    return refuse(file, `is not what uptime prints: ${quote(text.trim())}`, cost);
  }
  return { value: { ...fact(60 * minutes, file), roundedTo: 60 }, problems: [] };
}

const MINUTES: Record<string, number> = { year: 525_600, week: 10_080, day: 1440, hour: 60, minute: 1, min: 1 };

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

/** lsmod(8), the same as a table with a header, which is there even where no module is: `Module                  Size  Used by`. */
export function parseLsmod(text: string, file: string): Parsed<Fact<string[]>> {
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, 'Which modules are loaded is unknown.');
  return parseModules(text.replace(/^\s*Module\s+Size\s+Used by.*/, ''), file);
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

/** What `uname -a` says of the host. */
export interface Uname {
  hostname: Fact<string>;
  kernelRelease: Fact<string>;
  machine?: Fact<string> | undefined;
}

/** Names of machines, UTS_MACHINE of arch/…/Makefile. */
const MACHINE =
  /^(?:x86_64|i[3-6]86|aarch64(?:_be)?|armv\d\w*|ppc(?:64)?(?:le)?|s390x?|riscv(?:32|64)|mips(?:64)?|loongarch(?:32|64)|ia64|sparc(?:64)?|alpha|parisc(?:64)?|m68k|sh\d\w*)$/;

/**
 * `uname -a` (coreutils uname.c, BusyBox uname.c): name of the kernel, of the host, release, version, machine, and where they are known
 * processor and platform, which a distribution may give as the words of a model:
 * `Linux gw 5.14.0-427.13.1.el9_4.x86_64 #1 SMP PREEMPT_DYNAMIC Wed Apr 10 10:29:16 EDT 2024 x86_64 x86_64 x86_64 GNU/Linux`.
 */
export function parseUname(text: string, file: string): Parsed<Uname> {
  const cost = 'Host name, kernel and machine are not known from this file.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const lines = numberedLines(text);
  const [first] = lines;
  const [, hostname, release, version = ''] = /^Linux (\S+) (\d+\.\d+\S*) (#.*)$/.exec(first?.text ?? '') ?? [];
  if (hostname === undefined || release === undefined) {
    return refuse(file, `is not what uname -a prints: ${quote(text.trim())}`, cost);
  }
  const line = lines.length > 1 ? first?.line : undefined;
  const machine = version.split(/\s+/).find((word) => MACHINE.test(word));
  return {
    value: {
      hostname: fact(hostname, file, line),
      kernelRelease: fact(release, file, line),
      ...(machine === undefined ? {} : { machine: fact(machine, file, line) }),
    },
    problems: [],
  };
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
