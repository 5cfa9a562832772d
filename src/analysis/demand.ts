/**
 * What the table would hold if nothing were refused or evicted.
 *
 * While the limit is not reached, that is what it held at most. A table that is cut off at its limit shows only what was let in; the rest
 * follows from two rates: what the kernel admits a second, by the young entries of the table, and what it drops a second, by its counter. If nobody
 * tries again, as many more entries were wanted as attempts were dropped; but a refused packet is mostly sent again, and then each connection is
 * dropped several times. The demand lies between these two ends.
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
  const turnover = table?.cut === undefined ? ages?.turnover : undefined;
  const usable =
    cutOffNow &&
    table !== undefined &&
    turnover !== undefined &&
    turnover.admittedPerSecond >= LEAST_PER_SECOND &&
    turnover.counted >= LEAST_COUNTED * table.entries;
  let retries: Demand['retries'];
  let isBounded = !wasCutOff;
  if (usable) {
    evidence.push({ by: 'young', entries: turnover.withoutEvictions, file: table.files[0] });
    const refusedShare = lost ? lost.dropPerSecond / (turnover.admittedPerSecond + lost.dropPerSecond) : undefined;
    isBounded ||= refusedShare === 0;
    if (refusedShare && refusedShare <= MOST_REFUSED) {
      evidence.push({
        by: 'drop-rate',
        entries: Math.ceil(turnover.withoutEvictions / (1 - refusedShare)),
        file: drops.counters?.file,
      });
      isBounded = true;
      retries = {
        refusedShare,
        admittedPerSecond: turnover.admittedPerSecond,
        attempts: ATTEMPTS,
        likely: Math.ceil(turnover.withoutEvictions / (1 - refusedShare ** ATTEMPTS)),
      };
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
