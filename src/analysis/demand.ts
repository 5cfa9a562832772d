/**
 * What the table would hold if nothing were refused or evicted.
 *
 * While the limit is not reached, that is what it held at most. A table that is cut off at its limit shows only what was let in; the rest
 * follows from rates: what the kernel admits a second, by the young entries of the table, and what it drops and evicts a second, by its
 * counters. If nobody tries again, as many more entries were wanted as attempts were dropped and entries evicted; but a refused packet is
 * mostly sent again, and then each connection is counted several times. The demand lies between these two ends.
 *
 * The limit is compared with the count, and the count has expired entries in it until the kernel collects them. A capture shows one moment
 * between two collections; the higher end is the moment before one.
 */
import type { ClassTimers, Snapshot } from '../snapshot/types.ts';
import { collectionSeconds } from './kernel.ts';
import type { Analysis, Demand } from './schema.ts';
import { atLimit } from './usage.ts';

/** Attempts for one connection: a resolver asks two or three times, TCP sends up to seven SYNs. Few, so that the demand is not too low. */
const ATTEMPTS = 3;

/** Above this share of refused attempts the few that were admitted say little of the many that were not; tried against the truth up to 76 %. */
const MOST_REFUSED = 0.85;

/** Of the young entries that can be evicted, the part that must be left for them to tell how many came; tried against the truth down to 8 %. */
const LEAST_STAYED = 0.05;

/** Of fewer new entries a second, some hundred in what is looked at, a rate cannot be told. */
const LEAST_PER_SECOND = 20;

/**
 * Of the seconds that a rate is the median of, the one with the fewest arrivals has at least this part of it, or it is no rate: a burst, or
 * what got in when the kernel had collected, before the table was full again. Loads with evictions were down to 0.4 of the median.
 */
const LEAST_STEADY = 0.25;

/** What the rates are made of must be most of the table: of connections that stay open they say nothing. */
const LEAST_COUNTED = 0.5;

/** Entries that the kernel may evict when the table is full (early_drop_list() in nf_conntrack_core.c); of a class, the end of its name. */
const EVICTABLE = /(?:^| )(?:UNREPLIED|no flag)$/;

/** The age of what arrivals are counted by: one to six seconds, of which the median is taken. */
const YOUNG_SECONDS = 3.5;

/**
 * What gc_worker() makes its next interval of since 5.15: the mean of what remains of each entry's timer, none counted for more than
 * GC_SCAN_INTERVAL_CLAMP, with GC_SCAN_INITIAL_COUNT imagined entries of GC_SCAN_INTERVAL_MAX to begin with (nf_conntrack_core.c).
 */
const LONGEST_INTERVAL = 60;
const LONGEST_TIMER = 300;
const UNKNOWN_ENTRIES = 100;
/** Entries of other namespaces, by the slabs, that hardly change the mean; and what SLUB keeps ready for the CPUs of a small table. */
const LITTLE_ELSEWHERE = 0.1;
const SPARE_OBJECTS = 200;

/** Slabs keep room beyond the entries for each CPU: a slab in use, and the partial slabs that SLUB holds back. */
const SLABS_PER_CPU = 4;

/** What is measured, as far as demand follows from it. */
type Measured = Pick<Analysis, 'usage' | 'drops' | 'slab' | 'table' | 'ages' | 'namespaces'>;

/**
 * Infers the demand from all evidence there is.
 *
 * @param wasCutOff  entries were refused or evicted before or during the capture
 * @returns undefined where not even the number of entries was captured
 */
export function demandOf(snapshot: Snapshot, measured: Measured, wasCutOff: boolean): Demand | undefined {
  const { peak, max, unlimited } = measured.usage;
  if (!peak) return undefined;
  const evidence: Demand['evidence'] = [
    { by: 'peak', entries: peak.value, file: peak.file },
    ...slabEvidence(snapshot, measured),
    ...namespaceEvidence(measured),
    ...(wasCutOff && max && !unlimited ? [{ by: 'limit' as const, entries: max.value, file: max.file }] : []),
  ];
  const rates = wasCutOff ? cutOffRates(measured) : undefined;
  if (rates) {
    evidence.push({ by: 'young', entries: rates.again.withoutEvictions, file: measured.table?.files[0] });
  }
  const seen = evidence.reduce((most, each) => (each.entries >= most.entries ? each : most));
  const low = seen.entries;
  if (!wasCutOff) {
    const uncollected = mostCounted(snapshot, measured);
    const high = Math.max(low, uncollected?.entries ?? 0);
    return {
      ...{ entries: low, low, high, isLowerBound: false, decidedBy: seen.by, evidence },
      ...(uncollected && high > low && { uncollected }),
    };
  }
  const { dropPerSecond } = measured.drops.duringCapture ?? {};
  const refused = (admitted: number) => (dropPerSecond ?? 0) / (admitted + (dropPerSecond ?? 0));
  const refusedShare = rates && refused(rates.again.admittedPerSecond);
  if (!rates || refusedShare === undefined || dropPerSecond === undefined || refusedShare > MOST_REFUSED) {
    return { entries: low, low, isLowerBound: true, decidedBy: seen.by, evidence };
  }
  // If what is refused or evicted never comes again: all of it is wanting, and expires, and waits to be collected.
  const { never, again } = rates;
  const live = never.byArrivals / (1 - refused(never.admittedPerSecond));
  const waiting = (never.admittedPerSecond + dropPerSecond) * (waitOf(snapshot, measured) ?? 0);
  const likely = Math.max(low, Math.ceil(again.withoutEvictions / (1 - refusedShare ** ATTEMPTS)));
  const high = Math.max(likely, Math.ceil(live + waiting));
  return {
    entries: likely,
    low,
    high,
    isLowerBound: false,
    decidedBy: 'drop-rate',
    evidence: [...evidence, { by: 'drop-rate', entries: high, file: measured.drops.counters?.file }],
    retries: {
      refusedShare,
      admittedPerSecond: again.admittedPerSecond,
      attempts: ATTEMPTS,
      likely,
      mostLive: Math.ceil(live),
    },
  };
}

/**
 * The most that the kernel can count of the load that the table shows: its live entries, and those that expire until the next collection.
 *
 * @returns undefined where the rate is not known, or where no expired entry is counted
 */
export function mostCounted(snapshot: Snapshot, measured: Measured): NonNullable<Demand['uncollected']> | undefined {
  const { table, ages } = measured;
  const waitSeconds = waitOf(snapshot, measured);
  if (!table || !ages || table.cut !== undefined || !waitSeconds) return undefined;
  const turnover = steadyTurnover(ages);
  if (!turnover) return undefined;
  const { admittedPerSecond } = turnover;
  const entries = Math.ceil(table.entries + admittedPerSecond * waitSeconds);
  return { entries, arrivalsPerSecond: admittedPerSecond, waitSeconds };
}

/**
 * For how long an expired entry is counted at most. Since 5.15 that follows from how long the entries of all namespaces have still to live; where the
 * slabs show that these are the ones of the table, their timers tell it.
 */
function waitOf(snapshot: Snapshot, { usage, slab }: Measured): number | undefined {
  const most = collectionSeconds(snapshot);
  const { table } = snapshot;
  const elsewhere = (slab.total?.activeObjects ?? Number.POSITIVE_INFINITY) - (usage.entries?.value ?? 0);
  if (most !== LONGEST_INTERVAL || !table || elsewhere > Math.max(SPARE_OBJECTS, LITTLE_ELSEWHERE * table.entries))
    return most;
  return Math.ceil(Math.min(LONGEST_INTERVAL, meanTimer(table.timers)));
}

/** Of a large table it takes a while, and several findings need it. */
const meanTimers = new WeakMap<readonly ClassTimers[], number>();

/** The mean of what remains of the timers, in seconds, as the kernel reckons it. */
function meanTimer(timers: readonly ClassTimers[]): number {
  const known = meanTimers.get(timers);
  if (known !== undefined) return known;
  let [entries, seconds] = [UNKNOWN_ENTRIES, UNKNOWN_ENTRIES * LONGEST_INTERVAL];
  for (const { seconds: remaining, entries: counts, withoutTimer } of timers) {
    entries += withoutTimer;
    seconds += withoutTimer * LONGEST_TIMER;
    for (let at = 0; at < counts.length; at++) {
      const count = counts[at] ?? 0;
      entries += count;
      seconds += count * Math.min(LONGEST_TIMER, Math.max(1, remaining[at] ?? 0));
    }
  }
  meanTimers.set(timers, seconds / entries);
  return seconds / entries;
}

/**
 * Empty slabs are given back at once: what is held once held entries. That is a fact of the whole machine, of all namespaces together, and
 * tells something of this one only where it is alone.
 */
function slabEvidence(snapshot: Snapshot, { usage, slab, namespaces }: Measured): Demand['evidence'] {
  const cache = slab.caches[0];
  const isAlone = namespaces.length === 0 && snapshot.inventory.some(({ path }) => path === 'netns.csv');
  if (!isAlone || !slab.total || !cache) return [];
  const spare = SLABS_PER_CPU * cache.objectsPerSlab * (snapshot.host.cpus?.value ?? 1);
  const once = slab.total.totalObjects - spare;
  // More than the limit allows was before the limit was lowered, or of namespaces that are gone.
  const most = usage.max && !usage.unlimited ? usage.max.value : Number.POSITIVE_INFINITY;
  return once > (usage.peak?.value ?? 0) && once <= most ? [{ by: 'slab', entries: once, file: cache.file }] : [];
}

/** The limit is one number, which each namespace reaches by itself. */
function namespaceEvidence({ usage, namespaces }: Measured): Demand['evidence'] {
  return namespaces
    .flatMap(({ entries }) => (entries ? [entries] : []))
    .filter(({ value }) => value > (usage.peak?.value ?? 0))
    .map(({ value, file }) => ({ by: 'namespace' as const, entries: value, file }));
}

/** What a table that is cut off now lets in, twice: if what it evicts comes again, and if it never does. */
function cutOffRates({ usage, drops, table, ages }: Measured): { again: Turnover; never: Turnover } | undefined {
  const lost = drops.duringCapture;
  const isCutOff = atLimit(usage) && (!lost || lost.drop + lost.earlyDrop > 0);
  if (!isCutOff || !table || !ages || table.cut !== undefined) return undefined;
  const again = steadyTurnover(ages);
  if (!again || again.counted < LEAST_COUNTED * table.entries) return undefined;
  const stayed = stayedOf(table, lost?.earlyDropPerSecond ?? 0);
  return stayed < LEAST_STAYED ? undefined : { again, never: turnoverOf(ages, stayed) };
}

/** What comes and goes, where that is a rate: enough come in a second, and about as many in each of the last ones. */
function steadyTurnover(ages: NonNullable<Analysis['ages']>): Turnover | undefined {
  const turnover = turnoverOf(ages, 1);
  const sum = (one: 'arrivalsPerSecond' | 'leastArrivalsPerSecond') =>
    ages.classes.reduce((total, each) => total + (each[one] ?? 0), 0);
  const isSteady = sum('leastArrivalsPerSecond') >= LEAST_STEADY * sum('arrivalsPerSecond');
  return isSteady && turnover.admittedPerSecond >= LEAST_PER_SECOND ? turnover : undefined;
}

/** What comes and goes. */
interface Turnover {
  /** Entries that the kernel lets in a second. */
  admittedPerSecond: number;
  /** Entries that as many a second make, of the classes that nothing refreshes; of the others what there is. */
  byArrivals: number;
  /** The same, and no class less than there is of it. */
  withoutEvictions: number;
  /** Entries of the classes that the rate is made of. */
  counted: number;
}

/**
 * The part of the entries that can be evicted which is left after {@link YOUNG_SECONDS}. Eviction takes what it finds in a few buckets
 * (early_drop() in nf_conntrack_core.c), so that of all that can be evicted the same part goes each second, whatever its age.
 */
function stayedOf({ byFlag }: NonNullable<Analysis['table']>, evictedPerSecond: number): number {
  const evictable = byFlag.filter(({ key }) => EVICTABLE.test(key)).reduce((sum, { entries }) => sum + entries, 0);
  return evictable > 0 ? Math.exp((-evictedPerSecond / evictable) * YOUNG_SECONDS) : 1;
}

/**
 * How many entries the kernel lets in a second, and how many there would be if none were evicted. Of a class which nothing refreshes, as
 * many as come in one second, by the young ones, are there for each second of its timeout. Connections that stay open are in neither; they
 * are few among those that come and go.
 *
 * @param stayed  the part of the young entries that was not evicted yet, of the classes that are
 */
function turnoverOf({ classes }: NonNullable<Analysis['ages']>, stayed: number): Turnover {
  const turnover: Turnover = { admittedPerSecond: 0, byArrivals: 0, withoutEvictions: 0, counted: 0 };
  for (const { key, entries, timeoutSeconds = 0, arrivalsPerSecond, turnoverPerSecond } of classes) {
    const perSecond = (turnoverPerSecond ?? 0) / (EVICTABLE.test(key) ? stayed : 1);
    const there = arrivalsPerSecond === undefined ? entries : Math.round(perSecond * timeoutSeconds);
    turnover.admittedPerSecond += perSecond;
    turnover.byArrivals += there;
    turnover.withoutEvictions += Math.max(entries, there);
    if (turnoverPerSecond !== undefined) turnover.counted += entries;
  }
  return turnover;
}
