/**
 * What the table would hold if nothing were refused or evicted.
 *
 * While the limit is not reached, that is what it held at most. A table that is cut off at its limit shows only what was let in; the rest
 * follows from rates: what the kernel admits a second, by the young entries of the table, and what it drops and evicts a second, by its
 * counters. If nobody tries again, as many more entries were wanted as attempts were dropped and entries evicted; but a refused packet is
 * mostly sent again, and then each connection is counted several times. The demand lies between these two ends.
 */
import type { Snapshot } from '../snapshot/types.ts';
import type { Analysis, Demand } from './schema.ts';
import { atLimit } from './usage.ts';

/** Attempts for one connection: a resolver asks two or three times, TCP sends up to seven SYNs. Few, so that the demand is not too low. */
const ATTEMPTS = 3;

/** Above this share of refused attempts the few that were admitted say little of the many that were not; tried against the truth up to 76 %. */
const MOST_REFUSED = 0.85;

/** Of fewer new entries a second, some hundred in what is looked at, a rate cannot be told. */
const LEAST_PER_SECOND = 20;

/** What the rates are made of must be most of the table: of connections that stay open they say nothing. */
const LEAST_COUNTED = 0.5;

/** Entries that the kernel may evict when the table is full (early_drop_list() in nf_conntrack_core.c); of a class, the end of its name. */
const EVICTABLE = /(?:^| )(?:UNREPLIED|no flag)$/;

/** The age of what arrivals are counted by: one to six seconds, of which the median is taken. */
const YOUNG_SECONDS = 3.5;

/** Slabs keep room beyond the entries for each CPU: a slab in use, and the partial slabs that SLUB holds back. */
const SLABS_PER_CPU = 4;

/**
 * Infers the demand from all evidence there is.
 *
 * @param wasCutOff  entries were refused or evicted before or during the capture
 * @returns undefined where not even the number of entries was captured
 */
export function demandOf(
  snapshot: Snapshot,
  {
    usage,
    drops,
    slab,
    table,
    ages,
    namespaces,
  }: Pick<Analysis, 'usage' | 'drops' | 'slab' | 'table' | 'ages' | 'namespaces'>,
  wasCutOff: boolean,
): Demand | undefined {
  const { peak, max, unlimited } = usage;
  if (!peak) return undefined;
  const limit = max && !unlimited ? max : undefined;
  const evidence: Demand['evidence'] = [{ by: 'peak', entries: peak.value, file: peak.file }];

  // Empty slabs are given back at once: what is held once held entries. That is a fact of the whole machine, of all namespaces together.
  const alone = namespaces.length === 0 && snapshot.inventory.some(({ path }) => path === 'netns.csv');
  const cache = slab.caches[0];
  if (alone && slab.total && cache) {
    const spare = SLABS_PER_CPU * cache.objectsPerSlab * (snapshot.host.cpus?.value ?? 1);
    const once = slab.total.totalObjects - spare;
    // More than the limit allows was before the limit was lowered, or of namespaces that are gone.
    if (once > peak.value && once <= (limit?.value ?? Number.POSITIVE_INFINITY)) {
      evidence.push({ by: 'slab', entries: once, file: cache.file });
    }
  }
  // The limit is one number, which each namespace reaches by itself.
  const fullest = namespaces
    .flatMap(({ entries }) => (entries ? [entries] : []))
    .reduce<typeof peak | undefined>((most, each) => (most && most.value >= each.value ? most : each), undefined);
  if (fullest && fullest.value > peak.value) {
    evidence.push({ by: 'namespace', entries: fullest.value, file: fullest.file });
  }
  if (wasCutOff && limit) evidence.push({ by: 'limit', entries: limit.value, file: limit.file });

  const lost = drops.duringCapture;
  const cutOffNow = atLimit(usage) && (!lost || lost.drop + lost.earlyDrop > 0);
  let retries: Demand['retries'];
  let isBounded = !wasCutOff;
  if (cutOffNow && table && ages && table.cut === undefined) {
    // What is evicted may come again, and then takes a place that is counted already; or not, and then a place is missing.
    const again = turnoverOf(ages, 1);
    const never = turnoverOf(ages, stayedOf(table, lost?.earlyDropPerSecond ?? 0));
    const dropPerSecond = lost?.dropPerSecond;
    const refused = (admitted: number) => (dropPerSecond ?? 0) / (admitted + (dropPerSecond ?? 0));
    if (again.admittedPerSecond >= LEAST_PER_SECOND && again.counted >= LEAST_COUNTED * table.entries) {
      evidence.push({ by: 'young', entries: again.withoutEvictions, file: table.files[0] });
      const refusedShare = refused(again.admittedPerSecond);
      if (dropPerSecond !== undefined && refusedShare <= MOST_REFUSED) {
        isBounded = true;
        evidence.push({
          by: 'drop-rate',
          entries: Math.ceil(never.withoutEvictions / (1 - refused(never.admittedPerSecond))),
          file: drops.counters?.file,
        });
        retries = {
          refusedShare,
          admittedPerSecond: again.admittedPerSecond,
          attempts: ATTEMPTS,
          likely: Math.ceil(again.withoutEvictions / (1 - refusedShare ** ATTEMPTS)),
        };
      }
    }
  }

  const decided = evidence.reduce((most, each) => (each.entries >= most.entries ? each : most));
  const low = evidence.filter(({ by }) => by !== 'drop-rate').reduce((most, { entries }) => Math.max(most, entries), 0);
  return {
    entries: Math.max(retries?.likely ?? decided.entries, low),
    low,
    ...(isBounded && { high: Math.max(decided.entries, low) }),
    isLowerBound: !isBounded,
    decidedBy: decided.by,
    evidence,
    ...(retries && { retries }),
  };
}

/** What comes and goes. */
interface Turnover {
  /** Entries that the kernel lets in a second. */
  admittedPerSecond: number;
  /** Entries that there would be if none had been evicted. */
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
 * How many entries the kernel lets in a second, and how many there would be if none were evicted. Of a class which nothing refreshes, as many as come
 * in one second, by the young ones, are there for each second of its timeout. Connections that stay open are in neither; they are few among
 * those that come and go.
 *
 * @param stayed  the part of the young entries that was not evicted yet, of the classes that are
 */
function turnoverOf({ classes }: NonNullable<Analysis['ages']>, stayed: number): Turnover {
  const turnover: Turnover = { admittedPerSecond: 0, withoutEvictions: 0, counted: 0 };
  for (const { key, entries, timeoutSeconds = 0, arrivalsPerSecond, turnoverPerSecond } of classes) {
    const perSecond = (turnoverPerSecond ?? 0) / (EVICTABLE.test(key) ? stayed : 1);
    turnover.admittedPerSecond += perSecond;
    turnover.withoutEvictions +=
      arrivalsPerSecond === undefined ? entries : Math.max(entries, Math.round(perSecond * timeoutSeconds));
    if (turnoverPerSecond !== undefined) turnover.counted += entries;
  }
  return turnover;
}
