/**
 * What the kernel logs about conntrack, from dmesg(1), journalctl(1) or a syslog file. The message and its time stamp both
 * vary; each line of the tables below says since when. Printed by `__nf_conntrack_alloc` and `nf_conntrack_init` (core.c),
 * `nf_ct_expect_alloc` (expect.c), `ip_conntrack_expect_related` (2.4), and lib/ratelimit.c:
 *     [ 5525.877657] net_ratelimit: 134 callbacks suppressed
 *     [ 5525.877663] nf_conntrack: nf_conntrack: table full, dropping packet
 */
import type { LogLine } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { foreignContent, numberedLines, refuse } from './text.ts';

/** Messages of interest. Lines were joined where a kernel forgot the newline (2.6.24), so one line may hold several. */
const messages: { kind: LogLine['kind']; pattern: RegExp }[] = [
  // `ip_conntrack: …packet.` in 2.4 and 2.6; `nf_conntrack: …packet.` 2.6.18–2.6.39; without full stop since 3.10; the name
  // twice since 4.9; `in netns` since 6.17, in namespaces other than the first. OpenVZ names the container: `CT 101`.
  {
    kind: 'table-full',
    pattern:
      /(?:ip|nf)_conntrack: (?:(?:VPS|CT):? \S{1,40} )?table full(?: in netns (?<netns>\d+))?, dropping packet\.?/,
  },
  { kind: 'expectation-full', pattern: /nf_conntrack: expectation table full/ },
  {
    kind: 'expectation-full',
    pattern: /ip_conntrack: max number of expected connections -?\d+ of .{0,40}? reached for /,
  },
  // 2.4 says `NET:`, 2.6 until 2.6.24 `printk:`, 2.6.32 `__ratelimit:`, later kernels `net_ratelimit:`. The number is an int.
  { kind: 'suppressed', pattern: /(?:NET|printk): (?<suppressed>\d{1,10}) messages suppressed/ },
  { kind: 'suppressed', pattern: /(?:__|net_)ratelimit: (?<suppressed>\d{1,10}) callbacks suppressed/ },
  // Until 4.12; `ip_conntrack` adds ` - 228 bytes per conntrack`.
  { kind: 'boot', pattern: /(?:ip|nf)_conntrack version \S+ \(\d+ buckets, \d+ max\)/ },
];

const month = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const weekday = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';

/** Time stamps, without what stands around them. */
const stamps: RegExp[] = [
  // dmesg -T: [Sat Nov 22 20:11:00 2025]
  new RegExp(`^\\[(${weekday} ${month} +\\d+ \\d+:\\d+:\\d+ \\d+)\\]`),
  // syslog, journalctl -o short and short-precise: Nov 22 14:03:05.123456 host kernel:
  new RegExp(`^(${month} +\\d+ \\d+:\\d+:\\d+(?:\\.\\d+)?)\\s`),
  // journalctl -o short-full: Sun 2026-11-22 14:03:05 UTC host kernel:
  new RegExp(`^(${weekday} \\d{4}-\\d+-\\d+ \\d+:\\d+:\\d+(?:\\.\\d+)? \\S+)\\s`),
  // rsyslog, journalctl -o short-iso, dmesg --time-format iso: 2026-11-22T14:03:05.123456+00:00 host kernel:
  /^(\d{4}-\d+-\d+T\d+:\d+:\d+(?:[.,]\d+)?(?:Z|[+-]\d+:?\d*)?)\s/,
];

/** Seconds since boot, in front of the message or behind a syslog's own stamp: `[ 5525.877663]`. */
const uptimeStamp = /\[ *(\d{1,12}\.\d{1,9})\]/;

/** A log is somebody else's file: no line of it may be of any length. */
const longestText = 500;

/** Finds the lines that concern conntrack; every other line is none of our business, and a log without them is fine. */
export function parseKernelLog(text: string, file: string): Parsed<LogLine[]> {
  const foreign = foreignContent(text);
  if (foreign !== undefined) return refuse(file, foreign, 'Messages about a full table in this log are unknown.');
  const found: LogLine[] = [];
  for (const { text: content, line } of numberedLines(text)) {
    for (const { kind, pattern } of messages) {
      const match = pattern.exec(content);
      if (match !== null) found.push({ file, line, kind, ...details(match), ...timeOf(content, match.index) });
    }
  }
  return { value: found, problems: [] };
}

function details({ input, groups }: RegExpExecArray): Pick<LogLine, 'suppressed' | 'netns' | 'text'> {
  const { suppressed, netns } = groups ?? {};
  return {
    ...(suppressed === undefined ? {} : { suppressed: Number(suppressed) }),
    ...(netns === undefined ? {} : { netns }),
    text: input.slice(0, longestText),
  };
}

/** The stamp in front of a message that begins at `end`. */
function timeOf(content: string, end: number): Pick<LogLine, 'uptimeSeconds' | 'stamp'> {
  // `<4>`, the priority of a message, as klogd and dmesg -r leave it.
  const front = content.slice(0, end).replace(/^<\d+>\s*/, '');
  const uptime = uptimeStamp.exec(front)?.[1];
  const stamp = stamps.map((pattern) => pattern.exec(front)?.[1]).find((match) => match !== undefined) ?? uptime;
  return {
    ...(uptime === undefined ? {} : { uptimeSeconds: Number(uptime) }),
    ...(stamp === undefined ? {} : { stamp }),
  };
}
