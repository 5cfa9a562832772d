/**
 * What the captured logs say of full tables, each message once. One message reaches the kernel's ring buffer, the journal and
 * the log files alike; but the ring buffer forgets, log files are rotated, and they reach back to boots before this one, so that
 * each can hold what the others lack.
 */
import type { Fact, LogLine, Snapshot } from '../snapshot/types.ts';
import { isSince } from './kernel.ts';
import type { Analysis, Evidence } from './schema.ts';

/** Seconds, counted from the capture: negative before it. A stamp without time zone leaves a day open. */
interface Span {
  from: number;
  to: number;
}

/** A message, and what is known of its time. */
export interface Message extends LogLine {
  when?: Span | undefined;
  boot: 'this' | 'earlier' | 'unknown';
}

/** What the logs say, taken together. */
export interface Log {
  /** "Table full" of this namespace, or of one that the kernel does not name. */
  full: Message[];
  /** "Table full" that names another namespace, or another container (OpenVZ). */
  elsewhere: Message[];
  /** Messages that were not printed: an upper bound, the rate limit is shared with all messages about networking. */
  suppressed: number;
}

/**
 * The clocks of two logs differ: the ring buffer's runs apart from wall-clock time (local_clock() is not corrected by NTP),
 * and a daemon stamps when it reads. Messages of two logs within a minute are taken for one: that may count too few, never
 * too many.
 */
const SAME_SECONDS = 60;

/** Local time is UTC − 12 h to UTC + 14 h. */
const ZONES = { west: 12 * 3600, east: 14 * 3600 };

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The inode of the namespace, or `container 101`, that a line names as not the captured one. */
export function namedElsewhere({ netns, text }: LogLine, own: string | undefined): string | undefined {
  if (netns !== undefined) return netns === own ? undefined : netns;
  // OpenVZ keeps a table for each container, and names it; 0 is the host.
  const container = /(?:VPS|CT):? ([^\s:]{1,40}):? table full/.exec(text)?.[1];
  return container === undefined || container === '0' ? undefined : `container ${container}`;
}

/** Merges what was captured. */
export function logOf(snapshot: Snapshot): Log {
  const own = snapshot.bundle.netns;
  const messages = dated(snapshot);
  const full = messages.filter(({ kind }) => kind === 'table-full');
  return {
    full: merged(full.filter((line) => namedElsewhere(line, own) === undefined)),
    elsewhere: merged(full.filter((line) => namedElsewhere(line, own) !== undefined)),
    suppressed: merged(messages.filter(({ kind }) => kind === 'suppressed')).reduce(
      (sum, line) => sum + (line.suppressed ?? 0),
      0,
    ),
  };
}

/**
 * Whether a line that names no namespace may be about any: from 2.6.32 on each has a count of its own, and up to 6.16 all of
 * them log in the same words.
 */
export function namesNobody(snapshot: Snapshot): boolean {
  return countsEachNamespace(snapshot) && isSince(snapshot, 6, 17) !== true;
}

/** Whether each namespace has a count of its own; before 2.6.32 there is one for all (nf_conntrack_core.c, net->ct.count). */
export function countsEachNamespace(snapshot: Snapshot): boolean {
  return isSince(snapshot, 2, 6, 32) !== false;
}

/** Evidence from the logs: how many lines each file contributes, and where they begin. */
export function seenMessages(messages: readonly Message[]): Evidence[] {
  const files = [...new Set(messages.map(({ file }) => file))];
  return files.map((file) => {
    const lines = messages.filter((message) => message.file === file);
    return {
      what: 'table full, dropping packet',
      value: { count: lines.length, one: 'line', many: 'lines' },
      file,
      line: Math.min(...lines.map(({ line }) => line)),
    };
  });
}

/** How long before the capture the last of these messages was printed, if one of them is dated to the second. */
export function secondsSince(messages: readonly Message[]): number | undefined {
  const exact = messages.flatMap(({ when }) => (when && when.from === when.to ? [when.to] : []));
  return exact.length > 0 ? Math.max(0, Math.round(-10 * latest(exact)) / 10) : undefined;
}

/** The log as the analysis reports it. */
export function logEvidence(snapshot: Snapshot): Analysis['drops']['log'] {
  const { full, elsewhere, suppressed } = logOf(snapshot);
  const [firstLine, lastLine] = [stampOf(full[0]), stampOf(full.at(-1))];
  const since = secondsSince(full);
  return {
    captured: snapshot.logFiles,
    tableFullLines: full.length,
    suppressedMessages: suppressed,
    namespaces: [...new Set(elsewhere.flatMap(({ netns }) => netns ?? []))],
    ...(firstLine && { first: firstLine }),
    ...(lastLine && { last: lastLine }),
    ...(since !== undefined && { secondsBeforeCapture: since }),
  };
}

/** When a message was printed, in the log's own words: by the clock where the log has it; dmesg has the time since boot. */
export function stampOf(message: Message | undefined): Fact<string> | undefined {
  if (!message) return undefined;
  const { stamp, uptimeSeconds, file, line } = message;
  const clock = stamp !== undefined && !/^[\d.]+$/.test(stamp) ? stamp : undefined;
  const value = clock ?? (uptimeSeconds === undefined ? undefined : `${uptimeSeconds.toFixed(1)} s after boot`);
  return value === undefined ? undefined : { value, file, line };
}

/** Messages of one kind from all files: those of the richest, and of the others what cannot be one of them. */
function merged(messages: readonly Message[]): Message[] {
  const files = [...new Set(messages.map(({ file }) => file))]
    .map((file) => messages.filter((message) => message.file === file))
    .sort((a, b) => b.length - a.length);
  const taken: { lines: Message[]; holds(message: Message): boolean }[] = [];
  for (const lines of files) {
    const added = lines.filter((line) => !taken.some(({ holds }) => holds(line)));
    taken.push({ lines: added, holds: holderOf(lines) });
  }
  const all = taken.flatMap(({ lines }) => lines);
  return all.every(({ when }) => when) ? all.sort((a, b) => middleOf(a) - middleOf(b)) : all;
}

function middleOf({ when }: Message): number {
  return when ? (when.from + when.to) / 2 : 0;
}

/** Whether a message of another file may be one of these. */
function holderOf(lines: readonly Message[]): (message: Message) => boolean {
  const uptimes = new Set(lines.flatMap(({ uptimeSeconds }) => uptimeSeconds ?? []));
  const spans = lines.flatMap(({ when }) => when ?? []).sort((a, b) => a.from - b.from);
  const united: Span[] = [];
  for (const { from, to } of spans) {
    const last = united.at(-1);
    if (last && from - SAME_SECONDS <= last.to) last.to = Math.max(last.to, to + SAME_SECONDS);
    else united.push({ from: from - SAME_SECONDS, to: to + SAME_SECONDS });
  }
  return ({ uptimeSeconds, when }) => {
    // The kernel's own stamp, in microseconds, is the same wherever a message goes.
    if (uptimeSeconds !== undefined && uptimes.size > 0) return uptimes.has(uptimeSeconds);
    if (!when || spans.length < lines.length) return true;
    return united.some(({ from, to }) => when.from <= to && when.to >= from);
  };
}

/** Dates what can be dated, and tells boots apart. */
function dated({ log, first, host }: Snapshot): Message[] {
  const { value: uptime, roundedTo = 0 } = first.uptimeSeconds ?? {};
  const captured = host.capturedAt ? Date.parse(host.capturedAt.value) / 1000 : Number.NaN;
  const ofThisBoot = new Set(log.filter(isOfThisBoot).flatMap(({ uptimeSeconds }) => uptimeSeconds ?? []));
  return log.map((line) => {
    const since = line.uptimeSeconds;
    const certain = isOfThisBoot(line) || (since !== undefined && ofThisBoot.has(since));
    const clock = Number.isNaN(captured) ? undefined : clockOf(line.stamp ?? '', captured);
    const when: Span | undefined =
      certain && since !== undefined && uptime !== undefined
        ? { from: since - uptime - roundedTo, to: since - uptime }
        : clock;
    return {
      ...line,
      when,
      boot: certain ? 'this' : bootOf(when, since, uptime === undefined ? undefined : uptime + roundedTo),
    };
  });
}

/** `dmesg` reads the running kernel's own buffer, and `journalctl -k` implies `--boot` (journalctl(1)). */
function isOfThisBoot({ file }: LogLine): boolean {
  return file.startsWith('commands/');
}

function bootOf(when: Span | undefined, since: number | undefined, uptime: number | undefined): Message['boot'] {
  if (uptime === undefined) return 'unknown';
  if (since !== undefined && since > uptime + SAME_SECONDS) return 'earlier';
  if (!when) return 'unknown';
  if (when.to < -uptime - SAME_SECONDS) return 'earlier';
  return when.from >= -uptime - SAME_SECONDS ? 'this' : 'unknown';
}

/** A wall-clock stamp as seconds from the capture. */
function clockOf(stamp: string, captured: number): Span | undefined {
  const iso = /^(?:\w{3} )?(\d{4})-(\d+)-(\d+)[T ](\d+):(\d+):(\d+)(?:[.,]\d+)?\s?(Z|UTC|[+-]\d\d:?(?:\d\d)?)?/.exec(
    stamp,
  );
  if (iso) {
    const [year = 0, month = 0, ...rest] = iso.slice(1, 7).map(Number);
    const at = Date.UTC(year, month - 1, ...rest) / 1000 - captured;
    const zone = zoneSeconds(iso[7]);
    return zone === undefined ? local(at) : { from: at - zone, to: at - zone };
  }
  // Syslog leaves out the year; dmesg -T has it at the end.
  const plain = /^(?:\w{3} )?([A-Z][a-z]{2}) +(\d+) (\d+):(\d+):(\d+)(?:\.\d+)?(?: (\d{4}))?/.exec(stamp);
  const month = MONTHS.indexOf(plain?.[1] ?? '');
  if (!plain || month < 0) return undefined;
  const [day = 0, hour = 0, minute = 0, second = 0] = plain.slice(2, 6).map(Number);
  const inYear = (year: number) => Date.UTC(year, month, day, hour, minute, second) / 1000 - captured;
  if (plain[6] !== undefined) return local(inYear(Number(plain[6])));
  const year = new Date(captured * 1000).getUTCFullYear();
  // Nothing was logged after the capture: the latest year that time zones allow.
  const past = [year + 1, year, year - 1].map(inYear).find((at) => at <= ZONES.east);
  return past === undefined ? undefined : local(past);
}

function local(at: number): Span {
  return { from: at - ZONES.east, to: at + ZONES.west };
}

/** `Z`, `UTC`, `+0200`, `-03:30`: seconds east of Greenwich. */
function zoneSeconds(zone: string | undefined): number | undefined {
  if (zone === undefined) return undefined;
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (sign === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes ?? 0) * 60);
}

function latest(seconds: readonly number[]): number {
  return seconds.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY);
}
