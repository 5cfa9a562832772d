/**
 * How long entries have been idle, how many arrive, and what lower timeouts would change.
 *
 * A packet sets an entry's timer to the timeout in force, so that what is gone of it is how long no packet came: idle = timeout −
 * remaining. That holds only where it is known which timeout was in force; where it is not, the entry counts as "not known" for
 * the reason at hand, and never as young.
 */
import type { ClassTimers, Snapshot } from '../snapshot/types.ts';
import type { Ages, SlabArithmetic, WhatIf } from './schema.ts';
import { RFC_4787_SECONDS, RFC_5382_SECONDS, type Rule, ruleOf, type Timeout, timeoutOf } from './timeouts.ts';

/**
 * TCP with data that nobody acknowledged, with retransmissions, with a closed window, or picked up in mid-stream runs on a timer
 * of at most this many seconds, whatever its state's timeout is (proto_tcp.c: tcp_timeout_unacknowledged,
 * tcp_timeout_max_retrans).
 */
const SHORT_TCP_TIMER = 300;

/** Edges of the histograms: seconds, minutes, hours, days, each a few times the one before. */
const EDGES = [
  0, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 259_200, 345_600,
  432_000,
];

/** Seconds over which comings and goings are averaged. */
const RECENT_SECONDS = 5;

/** For how long entries have been idle is told for these. */
const IDLE_FOR = [60, 3600, 86_400];

/** Values that are in use, or that a standard names; those that are no lower than today's are left out. */
const SENSIBLE: Record<string, number[]> = {
  tcp_timeout_established: [86_400, RFC_5382_SECONDS, 3600],
  tcp_timeout_close_wait: [60, 30],
  tcp_timeout_fin_wait: [60, 30],
  tcp_timeout_time_wait: [60, 30],
  tcp_timeout_syn_sent: [60, 30],
  tcp_timeout_syn_recv: [30],
  udp_timeout_stream: [120, 60],
  udp_timeout: [15],
  generic_timeout: [120, 60],
};

/** How long entries have been idle, from what remains of their timer: a busy gateway has half a million different times. */
class IdleTimes {
  readonly #timeout: number;
  readonly #remaining: Uint32Array;
  /** Entries with so much left at the most: those that have been idle for so long at least. */
  readonly #upTo: Float64Array;

  /**
   * @param timeout   in force, in seconds
   * @param remaining seconds, ascending, none above the timeout
   * @param entries   how many have each
   */
  constructor(timeout: number, remaining: Uint32Array, entries: Uint32Array) {
    this.#timeout = timeout;
    this.#remaining = remaining;
    this.#upTo = new Float64Array(entries.length);
    let sum = 0;
    for (let at = 0; at < entries.length; at++) {
      sum += entries[at] ?? 0;
      this.#upTo[at] = sum;
    }
  }

  get total(): number {
    return this.#upTo.at(-1) ?? 0;
  }

  /** Entries that have been idle for so long, or longer. */
  atLeast(seconds: number): number {
    return this.#upTo[firstAtLeast(this.#remaining, this.#timeout - seconds + 1) - 1] ?? 0;
  }

  /** Entries that have been idle for `from` seconds or longer, but less than `to`. */
  between(from: number, to: number): number {
    return this.atLeast(from) - this.atLeast(to);
  }

  /** The idle time that half of the entries do not exceed. */
  median(): number | undefined {
    const half = firstAtLeast(this.#upTo, Math.floor(this.total / 2) + 1);
    const remaining = this.#remaining[half];
    return remaining === undefined ? undefined : this.#timeout - remaining;
  }
}

/** The first place of an ascending list that holds `least` or more. */
function firstAtLeast(ascending: Uint32Array | Float64Array, least: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A class with every entry dated that can be. */
interface DatedClass {
  timers: ClassTimers;
  rule: Rule;
  entries: number;
  known: IdleTimes;
  notKnown: Ages['classes'][number]['notKnown'];
  contradictions: number;
}

/**
 * Dates the entries of the captured table.
 *
 * @param cache  the slab cache that entries come from, for the price of the table that would be left
 * @param asked  timeouts that the user wants to know about, in seconds by the setting's name
 * @returns undefined where there is no table
 */
export function agesOf(
  snapshot: Snapshot,
  cache: SlabArithmetic | undefined,
  asked: Readonly<Record<string, number>> = {},
): Ages | undefined {
  const { table } = snapshot;
  if (!table || table.timers.length === 0) return undefined;
  const classes = table.timers.map((timers) => dated(timers, ruleOf(timers, snapshot)));
  const price = (entries: number) =>
    cache?.slabBytes !== undefined && cache.objectsPerSlab > 0
      ? Math.ceil(entries / cache.objectsPerSlab) * cache.slabBytes
      : undefined;

  const askedFor = Object.entries(asked).flatMap(([setting, seconds]) => {
    const today = timeoutOf(setting, snapshot);
    return today ? [whatIf(classes, today, seconds, true, table.entries, price)] : [];
  });
  const sensible = Object.entries(SENSIBLE).flatMap(([setting, values]) => {
    const today = timeoutOf(setting, snapshot);
    if (!today || setting in asked) return [];
    return values
      .filter((seconds) => seconds < today.seconds)
      .map((seconds) => whatIf(classes, today, seconds, false, table.entries, price))
      .filter(({ entriesGoverned }) => entriesGoverned > 0);
  });
  return {
    classes: classes.map(classRow).sort((a, b) => b.entries - a.entries || (a.key < b.key ? -1 : 1)),
    idle: IDLE_FOR.map((seconds) => {
      const entries = classes.reduce((sum, each) => sum + each.known.atLeast(seconds), 0);
      return { seconds, entries, share: table.entries > 0 ? entries / table.entries : 0 };
    }),
    contradictions: classes.reduce((sum, each) => sum + each.contradictions, 0),
    whatIf: [...askedFor, ...sensible],
    together: together(bestOf(sensible), table.entries, price),
    asked: together(askedFor, table.entries, price),
  };
}

function dated(timers: ClassTimers, rule: Rule): DatedClass {
  const { seconds, entries: counts, withoutTimer } = timers;
  const notKnown = { clamped: 0, custom: 0, offloaded: 0, ambiguous: 0 };
  const sum = (from: number, to: number) => counts.subarray(from, to).reduce((total, count) => total + count, 0);
  const timed = sum(0, counts.length);
  const timeout = rule.timeout?.seconds;
  let [from, to] = [0, 0];
  if (rule.unknown === 'offloaded') notKnown.offloaded = timed + withoutTimer;
  else if (timeout === undefined) notKnown.ambiguous = timed + withoutTimer;
  else {
    notKnown.ambiguous = withoutTimer;
    const mayBeShort = timers.protocol === 'tcp' && timeout > SHORT_TCP_TIMER;
    from = mayBeShort ? firstAtLeast(seconds, SHORT_TCP_TIMER + 1) : 0;
    to = firstAtLeast(seconds, timeout + 1);
    notKnown.clamped = sum(0, from);
    notKnown.custom = sum(to, counts.length);
  }
  const contradictions = timeout !== undefined && timeout <= SHORT_TCP_TIMER ? contradicting(timers, timeout) : 0;
  const known = new IdleTimes(timeout ?? 0, seconds.subarray(from, to), counts.subarray(from, to));
  return { timers, rule, entries: timed + withoutTimer, known, notKnown, contradictions };
}

/**
 * Entries whose age (delta-time) is less than the idle time that their timer would mean: something else than the setting of today
 * set it. A second of leeway covers the rounding of both numbers.
 */
function contradicting({ shortTimers }: ClassTimers, timeout: number): number {
  let entries = 0;
  for (let at = 0; at < shortTimers.sums.length; at++) {
    if ((shortTimers.sums[at] ?? 0) + 1 < timeout) entries += shortTimers.entries[at] ?? 0;
  }
  return entries;
}

function classRow(each: DatedClass): Ages['classes'][number] {
  const { timers, rule, entries, known, notKnown } = each;
  const { timeout } = rule;
  const perSecond = rule.neverRefreshed && timeout ? arrivals(known) : undefined;
  return {
    key: timers.key,
    entries,
    setting: timeout?.setting,
    timeoutSeconds: timeout?.seconds,
    timeoutFile: timeout?.file,
    known: known.total,
    notKnown,
    histogram: timeout && known.total > 0 ? histogram(known, timeout.seconds) : [],
    arrivalsPerSecond: perSecond?.median,
    leastArrivalsPerSecond: perSecond?.least,
    turnoverPerSecond: perSecond?.median ?? leavingOf(each),
    // Little's law: as many are there as arrive while one stays.
    lifetimeSeconds: perSecond?.median ? entries / perSecond.median : undefined,
    medianIdleSeconds: known.median(),
  };
}

function histogram(known: IdleTimes, timeout: number): Ages['classes'][number]['histogram'] {
  // Even of a timeout of 0 there is a first second.
  const edges = [0, ...EDGES.filter((edge) => edge > 0 && edge < timeout), timeout + 1];
  const idle = edges.map((edge) => known.atLeast(edge));
  return edges.slice(1).map((toSeconds, index) => ({
    fromSeconds: edges[index] ?? 0,
    toSeconds,
    entries: (idle[index] ?? 0) - (idle[index + 1] ?? 0),
  }));
}

/**
 * New entries a second: of a class that nothing refreshes, those that are a to a + 1 s old all came within one second. The
 * median of five such seconds is not led astray when the clock or the load hiccups; the least of them tells whether it does more than that.
 */
function arrivals(known: IdleTimes): { median: number; least: number } {
  const perSecond = [1, 2, 3, 4, 5].map((age) => known.between(age, age + 1)).sort((a, b) => a - b);
  return { median: perSecond[2] ?? 0, least: perSecond[0] ?? 0 };
}

/**
 * Entries that leave a class which packets refresh in a second, where that can be told: those whose timer runs out, or, after a reset, has
 * just begun to. In a level table as many leave as come.
 */
function leavingOf({ timers, rule, known }: DatedClass): number | undefined {
  const timeout = rule.timeout?.seconds;
  if (timeout === undefined) return undefined;
  if (timers.state === 'CLOSE') return known.between(0, RECENT_SECONDS) / RECENT_SECONDS;
  return timers.protocol === 'udp' && timers.flag === 'ASSURED'
    ? known.atLeast(timeout - RECENT_SECONDS + 1) / RECENT_SECONDS
    : undefined;
}

/**
 * What another value of one timeout would leave of today's table once every entry lives by it: an entry that has been idle for
 * longer would be gone. Entries whose idle time is not known count as staying. Not modelled: a connection that loses its entry and
 * then speaks again comes back as a new one.
 */
function whatIf(
  classes: DatedClass[],
  today: Timeout,
  proposedSeconds: number,
  asked: boolean,
  tableEntries: number,
  price: (entries: number) => number | undefined,
): WhatIf {
  const governed = classes.filter(({ rule }) => rule.timeout?.setting === today.setting);
  const gone = governed.reduce((sum, each) => sum + each.known.atLeast(proposedSeconds), 0);
  return {
    setting: today.setting,
    todaySeconds: today.seconds,
    todayFile: today.file,
    proposedSeconds,
    asked,
    entriesGoverned: governed.reduce((sum, { entries }) => sum + entries, 0),
    gone,
    notKnown: governed.reduce((sum, { notKnown }) => sum + Object.values(notKnown).reduce((a, b) => a + b, 0), 0),
    steadyEntries: tableEntries - gone,
    steadySlabBytes: price(tableEntries - gone),
    risk: riskOf(today.setting, proposedSeconds, today.seconds),
  };
}

function riskOf(setting: string, proposed: number, today: number): WhatIf['risk'] {
  if (proposed >= today) return 'none';
  if (setting === 'tcp_timeout_established') {
    return proposed < RFC_5382_SECONDS ? 'below-rfc-5382' : 'breaks-idle-connections';
  }
  if (setting.startsWith('udp_')) return proposed < RFC_4787_SECONDS ? 'below-rfc-4787' : 'breaks-idle-connections';
  if (setting.startsWith('tcp_timeout_syn_')) return 'breaks-slow-handshakes';
  if (setting === 'tcp_timeout_time_wait') return 'reuse-of-ports';
  return 'breaks-idle-connections';
}

/** Of each setting the lowest value that breaks no standard and frees something. */
function bestOf(sensible: WhatIf[]): WhatIf[] {
  const best = new Map<string, WhatIf>();
  for (const each of sensible) {
    if (each.gone === 0 || each.risk === 'below-rfc-5382' || each.risk === 'below-rfc-4787') continue;
    const before = best.get(each.setting);
    if (!before || each.proposedSeconds < before.proposedSeconds) best.set(each.setting, each);
  }
  return [...best.values()];
}

/** Several changes at once: each rules entries of its own, so that what they free adds up. */
function together(
  changes: WhatIf[],
  tableEntries: number,
  price: (entries: number) => number | undefined,
): Ages['together'] {
  if (changes.length === 0) return undefined;
  const gone = changes.reduce((sum, change) => sum + change.gone, 0);
  return {
    settings: changes.map(({ setting, proposedSeconds }) => ({ setting, seconds: proposedSeconds })),
    gone,
    steadyEntries: tableEntries - gone,
    steadySlabBytes: price(tableEntries - gone),
  };
}
