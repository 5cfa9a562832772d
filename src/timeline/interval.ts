/** What happened between two snapshots: what was counted, what was set, whether the host was restarted. */
import type { Analysis } from '../analysis/schema.ts';
import { timeOf } from './hosts.ts';
import type { Delta, Interval } from './schema.ts';

/** Counters of a CPU are 32 bits wide (struct ip_conntrack_stat). */
const WRAP = 2 ** 32;

/** No kernel counts more than this many a second: a larger rate is not a rate but a mistake about what lies between. */
const MOST_PER_SECOND = 100_000_000;

/** Two clocks of one boot, wall clock − uptime, differ by at most so many seconds: NTP corrects some. */
const SAME_BOOT_SECONDS = 120;

/** Compares two snapshots of one host, the earlier first. */
export function intervalOf(from: number, to: number, earlier: Analysis, later: Analysis): Interval {
  const rebooted = wasRebooted(earlier, later);
  const namespaceChanged = rebooted === false ? changed(earlier.bundle.netns, later.bundle.netns) : undefined;
  const seconds = secondsBetween(earlier, later);
  return {
    from,
    to,
    ...(seconds !== undefined && { seconds }),
    ...(rebooted !== undefined && { rebooted }),
    ...(namespaceChanged !== undefined && { namespaceChanged }),
    deltas: deltasOf(earlier, later, { rebooted, namespaceChanged, seconds }),
    settings: settingsBetween(earlier, later),
  };
}

/** Seconds between two captures: by the clocks, or within one boot by the uptime, which nobody sets. */
function secondsBetween(earlier: Analysis, later: Analysis): number | undefined {
  const [a, b] = [earlier.host.uptimeSeconds?.value, later.host.uptimeSeconds?.value];
  const sameBoot = changed(earlier.host.bootId?.value, later.host.bootId?.value) === false;
  if (sameBoot && a !== undefined && b !== undefined && b >= a) return b - a;
  const [start, end] = [timeOf(earlier), timeOf(later)];
  return start === undefined || end === undefined || end < start ? undefined : (end - start) / 1000;
}

/** The boot id tells; without it the uptime does, which goes on with the clock unless the host was restarted. */
function wasRebooted(earlier: Analysis, later: Analysis): boolean | undefined {
  const byId = changed(earlier.host.bootId?.value, later.host.bootId?.value);
  if (byId !== undefined) return byId;
  const [a, b] = [earlier.host.uptimeSeconds?.value, later.host.uptimeSeconds?.value];
  if (a === undefined || b === undefined) return undefined;
  if (b < a) return true;
  const [start, end] = [timeOf(earlier), timeOf(later)];
  if (start === undefined || end === undefined) return undefined;
  return Math.abs((end - start) / 1000 - (b - a)) > SAME_BOOT_SECONDS;
}

function changed(before: string | undefined, after: string | undefined): boolean | undefined {
  return before === undefined || after === undefined ? undefined : before !== after;
}

function deltasOf(
  earlier: Analysis,
  later: Analysis,
  {
    rebooted,
    namespaceChanged,
    seconds,
  }: { rebooted: boolean | undefined; namespaceChanged: boolean | undefined; seconds: number | undefined },
): Delta[] {
  const [before, after] = [earlier.drops.counters?.totals, later.drops.counters?.totals];
  if (!after) return [];
  const uptime = later.host.uptimeSeconds?.value;
  return Object.entries(after)
    .filter(([name]) => name !== 'entries')
    .map(([name, total]) => {
      // After a boot, and in a new namespace, all counters begin at 0.
      if (rebooted) return rated(name, 'since boot', total, uptime);
      if (namespaceChanged) return { name, how: 'since the namespace', delta: total };
      const start = before?.[name];
      if (start === undefined || rebooted === undefined) return { name, how: 'not known' };
      if (total >= start) return rated(name, 'counted', total - start, seconds);
      // The sum over the CPUs falls by 2³² when one of them wraps, which it can only do near its end.
      return start >= WRAP / 2 && start - total <= WRAP
        ? rated(name, 'wrapped', total - start + WRAP, seconds)
        : { name, how: 'not known' };
    });
}

function rated(name: string, how: Delta['how'], delta: number, seconds: number | undefined): Delta {
  if (seconds === undefined || seconds <= 0) return { name, how, delta };
  const perSecond = delta / seconds;
  return perSecond > MOST_PER_SECOND ? { name, how: 'not known' } : { name, how, delta, perSecond };
}

/** Settings that have another value than before; one that was not captured in either is none. */
function settingsBetween(earlier: Analysis, later: Analysis): Interval['settings'] {
  const before = new Map(earlier.settings.map(({ name, value }) => [name, value]));
  const after = new Map(later.settings.map(({ name, value }) => [name, value]));
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    return was === undefined || is === undefined || was === is ? [] : [{ name, before: was, after: is }];
  });
}
