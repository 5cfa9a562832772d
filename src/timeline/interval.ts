/** What happened between two snapshots: what was counted, what was set, whether the host was restarted. */
import type { Analysis } from '../analysis/schema.ts';
import { type Identified, type Named, timeOf } from './hosts.ts';
import type { Delta, Interval } from './schema.ts';

/** Counters of a CPU are 32 bits wide (struct ip_conntrack_stat). */
const WRAP = 2 ** 32;

/** No kernel counts more than this many a second: a larger rate is not a rate but a mistake about what lies between. */
const MOST_PER_SECOND = 100_000_000;

/** Two clocks of one boot, wall clock − uptime, differ by at most so many seconds: NTP corrects some. */
const SAME_BOOT_SECONDS = 120;

/** A counter that fell is held to have run over only if that takes no more than this × the highest rate that is known of it. */
const LIKELY_RATE = 3;

/** Look-ups that one CPU may do in a second: what counts each of them may run over within 72 minutes. */
const LOOKUPS_PER_SECOND = 1_000_000;

/** Up to 4.4 these count each packet, or each entry that was looked at for it (nf_conntrack_core.c). */
const COUNT_LOOKUPS = ['searched', 'found', 'ignore'];

/** What of an analysis two snapshots are compared by. */
export interface Compared extends Identified {
  host: Identified['host'] & { cpus?: { value: number } | undefined };
  drops: {
    counters?: Pick<NonNullable<Analysis['drops']['counters']>, 'file' | 'totals'> | undefined;
    duringCapture?:
      | Omit<NonNullable<Analysis['drops']['duringCapture']>, 'dropPerSecond' | 'earlyDropPerSecond'>
      | undefined;
  };
  readings: { drop?: number | undefined; uptimeSeconds?: number | undefined }[];
  namespaces: { inode?: string | undefined }[];
  settings: { name: string; value: number }[];
}

/** Compares two snapshots of one host, the earlier first. */
export function intervalOf(from: number, to: number, before: Named<Compared>, after: Named<Compared>): Interval {
  const [earlier, later] = [before.analysis, after.analysis];
  const rebooted = wasRebooted(before, after);
  const namespaceChanged = rebooted === false ? changed(earlier.bundle.netns, later.bundle.netns) : undefined;
  const seconds = secondsBetween(before, after);
  const { deltas, unexplained } = deltasOf(earlier, later, { rebooted, namespaceChanged, seconds });
  return {
    from,
    to,
    ...(seconds !== undefined && { seconds }),
    ...(rebooted !== undefined && { rebooted }),
    ...(namespaceChanged !== undefined && { namespaceChanged }),
    ...(unexplained && { countersFell: true }),
    deltas,
    settings: settingsBetween(earlier, later),
  };
}

const clockOf = ({ time, analysis }: Named<Compared>) => time ?? timeOf(analysis);
const uptimeOf = ({ host }: Compared) => host.uptimeSeconds?.value;

/** Seconds between two captures: by the clocks, or within one boot by the uptime, which nobody sets. */
function secondsBetween(before: Named<Compared>, after: Named<Compared>): number | undefined {
  const [earlier, later] = [before.analysis, after.analysis];
  const [a, b] = [uptimeOf(earlier), uptimeOf(later)];
  const isOneLife =
    changed(earlier.host.bootId?.value, later.host.bootId?.value) === false &&
    changed(earlier.bundle.netns, later.bundle.netns) !== true;
  if (isOneLife && a !== undefined && b !== undefined && b >= a) return b - a;
  const [start, end] = [clockOf(before), clockOf(after)];
  return start === undefined || end === undefined || end < start ? undefined : (end - start) / 1000;
}

/** The boot id tells; without it the uptime does, which goes on with the clock unless the host was restarted. */
function wasRebooted(before: Named<Compared>, after: Named<Compared>): boolean | undefined {
  const byId = changed(before.analysis.host.bootId?.value, after.analysis.host.bootId?.value);
  if (byId !== undefined) return byId;
  const [a, b] = [uptimeOf(before.analysis), uptimeOf(after.analysis)];
  if (a === undefined || b === undefined) return undefined;
  if (b < a) return true;
  const [start, end] = [clockOf(before), clockOf(after)];
  if (start === undefined || end === undefined) return undefined;
  const passed = (end - start) / 1000;
  if (Math.abs(passed - (b - a)) <= SAME_BOOT_SECONDS) return false;
  // A boot that lies between began after the earlier capture. Another one did not, and it is a clock that was set.
  return b <= passed + SAME_BOOT_SECONDS ? true : undefined;
}

function changed(before: string | undefined, after: string | undefined): boolean | undefined {
  return before === undefined || after === undefined ? undefined : before !== after;
}

interface Between {
  rebooted: boolean | undefined;
  namespaceChanged: boolean | undefined;
  seconds: number | undefined;
}

function deltasOf(earlier: Compared, later: Compared, between: Between): { deltas: Delta[]; unexplained?: boolean } {
  const { rebooted, namespaceChanged } = between;
  const [before, after] = [earlier.drops.counters, later.drops.counters];
  if (!after) return { deltas: [] };
  const totals = Object.entries(after.totals).filter(([name]) => name !== 'entries');
  const each = (how: (name: string, total: number) => Delta) => ({
    deltas: totals.map(([name, total]) => how(name, total)),
  });
  // After a boot, and in a new namespace, all counters begin at 0.
  if (rebooted) {
    const uptime = uptimeOfCounters(later);
    return each((name, total) =>
      mayHaveRunOver(name, uptime, later)
        ? { name, how: 'not known', why: 'may have run over' }
        : rated(name, 'since boot', total, uptime),
    );
  }
  if (rebooted === undefined || !before) return each((name) => ({ name, how: 'not known', why: 'not captured' }));
  if (namespaceChanged) {
    // One that was there before is not new: its counters began at a time that nobody knows.
    const isNew = !earlier.namespaces.some(({ inode }) => inode === later.bundle.netns);
    return each((name, delta) =>
      isNew ? { name, how: 'since the namespace', delta } : { name, how: 'not known', why: 'another namespace' },
    );
  }
  if (isCommand(before.file) !== isCommand(after.file)) {
    // Old versions of the command print the first CPU only: sums of different CPUs have no difference.
    return each((name) => ({ name, how: 'not known', why: 'another source' }));
  }
  const counted = totals.map(([name, total]) =>
    counterDelta(name, before.totals[name], total, earlier, later, between),
  );
  const alive = totals.filter(([name]) => (before.totals[name] ?? 0) > 0);
  const all = alive.filter(([name, total]) => total < (before.totals[name] ?? 0)).length === alive.length;
  // All counters of a table are reset together; that all of them run over at once is not to be expected.
  const unexplained = counted.some(({ why }) => why === 'ran backwards') || (alive.length > 1 && all);
  if (!unexplained) return { deltas: counted };
  return { ...each((name) => ({ name, how: 'not known', why: 'ran backwards' })), unexplained };
}

/** Whether counters are what `conntrack -S` printed, wherever an archive has that. */
const isCommand = (file: string) => !file.includes('net/stat/');

/** What one counter counted in a table that lived on. */
function counterDelta(
  name: string,
  start: number | undefined,
  total: number,
  earlier: Compared,
  later: Compared,
  { seconds }: Between,
): Delta {
  if (start === undefined) return { name, how: 'not known', why: 'not captured' };
  const between = secondsOfCounters(earlier, later) ?? seconds;
  if (mayHaveRunOver(name, between, earlier, later)) return { name, how: 'not known', why: 'may have run over' };
  if (total >= start) return rated(name, 'counted', total - start, between);
  // The sum over the CPUs falls by 2³² for each of them that ran over; CPUs that share the load do so at about the same time.
  const times = Math.ceil((start - total) / WRAP);
  const delta = total - start + times * WRAP;
  const known = Math.max(
    ...[earlier, later].flatMap((analysis) => rateDuring(name, analysis) ?? []),
    averageRate(name, earlier),
  );
  const isLikely = between !== undefined && between > 0 && delta / between <= LIKELY_RATE * known;
  return isLikely && times <= (later.host.cpus?.value ?? 1)
    ? rated(name, 'wrapped', delta, between)
    : { name, how: 'not known', why: 'ran backwards' };
}

function rated(name: string, how: Delta['how'], delta: number, seconds: number | undefined): Delta {
  if (seconds === undefined || seconds <= 0) return { name, how, delta };
  const perSecond = delta / seconds;
  return perSecond > MOST_PER_SECOND ? { name, how: 'not known', why: 'absurd rate' } : { name, how, delta, perSecond };
}

/** Whether a counter counts so fast that one CPU's may have run over, once or more, without a trace. */
function mayHaveRunOver(name: string, seconds: number | undefined, ...analyses: Compared[]): boolean {
  if (seconds === undefined) return false;
  const countsLookups = analyses.some(({ drops }) => (drops.counters?.totals.searched ?? 0) > 0);
  const rates = analyses.flatMap((analysis) => rateDuring(name, analysis) ?? []);
  if (countsLookups && COUNT_LOOKUPS.includes(name)) rates.push(LOOKUPS_PER_SECOND);
  return Math.max(0, ...rates) * seconds >= WRAP;
}

/** The rate of a counter while a snapshot was taken. */
function rateDuring(name: string, { drops: { duringCapture: during } }: Compared): number | undefined {
  if (!during || during.seconds <= 0) return undefined;
  const counted = {
    drop: during.drop,
    early_drop: during.earlyDrop,
    insert_failed: during.insertFailed,
    chaintoolong: during.chainTooLong,
    clash_resolve: during.clashResolve,
    invalid: during.invalid,
  }[name];
  return counted === undefined ? undefined : counted / during.seconds;
}

/** And on average since the boot. */
function averageRate(name: string, analysis: Compared): number {
  const [total, uptime] = [analysis.drops.counters?.totals[name], uptimeOfCounters(analysis)];
  return total !== undefined && uptime ? total / uptime : 0;
}

/** The counters are of the last reading, which is later than the start of the capture by as long as that took. */
function uptimeOfCounters({ readings, host }: Compared): number | undefined {
  const last = readings.findLast(({ drop, uptimeSeconds }) => drop !== undefined && uptimeSeconds !== undefined);
  return last?.uptimeSeconds ?? host.uptimeSeconds?.value;
}

function secondsOfCounters(earlier: Compared, later: Compared): number | undefined {
  const [a, b] = [uptimeOfCounters(earlier), uptimeOfCounters(later)];
  return a === undefined || b === undefined || b < a ? undefined : b - a;
}

/** Settings that have another value than before; one that was not captured in either is none. */
function settingsBetween(earlier: Compared, later: Compared): Interval['settings'] {
  const before = new Map(earlier.settings.map(({ name, value }) => [name, value]));
  const after = new Map(later.settings.map(({ name, value }) => [name, value]));
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    return was === undefined || is === undefined || was === is ? [] : [{ name, before: was, after: is }];
  });
}
