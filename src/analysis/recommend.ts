/** What to set, what that is sized for, and what it costs. */
import type { Snapshot } from '../snapshot/types.ts';
import type { Aims } from './aims.ts';
import { commandsFor } from './commands.ts';
import { bucketsFor } from './kernel.ts';
import { ladderOf, type Prices, priceOf } from './memory.ts';
import { othersOf } from './others.ts';
import type { Analysis, Recommendation, Verdict } from './schema.ts';

/** Below this share of the limit a maximum is left alone. */
const ENOUGH_ROOM = 0.75;
/** Average entries in a hash bucket from which look-ups are slow enough to act; kube-proxy's own sizing allows 8. */
const LONG_CHAINS = 8;

/** Recommends a maximum and a number of buckets; that things stay as they are is a recommendation too. */
export function recommend(
  snapshot: Snapshot,
  analysis: Pick<Analysis, 'usage' | 'drops' | 'hash'> & { verdict: Verdict },
  prices: Prices,
  { headroom, memoryBudget }: Aims,
): Recommendation {
  const { usage, hash, verdict } = analysis;
  const { max, peak } = usage;
  const buckets = hash.buckets?.value;
  const base: Recommendation = {
    action: 'cannot-tell',
    headroom,
    constraint: 'none',
    others: othersOf(snapshot),
    ladder: [],
    commands: { now: [], persist: [], verify: [], rollback: [] },
    notes: [],
  };
  if (!max || !peak) return base;

  // Once entries were refused or evicted the table no longer shows how many there would have been.
  const cutOff = ['limit-reached', 'evicting', 'was-full'].includes(verdict.kind);
  const demand: NonNullable<Recommendation['demand']> =
    cutOff && !usage.unlimited && peak.value < max.value
      ? { entries: max.value, from: 'the limit, which was reached', file: max.file, isLowerBound: true }
      : { entries: peak.value, from: 'the most entries in any reading', file: peak.file, isLowerBound: cutOff };

  if (usage.unlimited) {
    const limit = readable(Math.max(headroom * peak.value, 65_536));
    const newBuckets = Math.max(buckets ?? 0, bucketsFor(limit, snapshot));
    return {
      ...base,
      action: 'set-a-limit',
      max: limit,
      buckets: newBuckets,
      demand,
      constraint: 'demand',
      ladder: [priceOf('recommended', limit, newBuckets, prices)],
      commands: commandsFor(snapshot, { max: limit, buckets: newBuckets }),
      notes: ['Without a limit a flood can take all memory. Linux 6.19 and later no longer accept 0.'],
    };
  }

  const enough = !cutOff && peak.value <= ENOUGH_ROOM * max.value;
  if (enough) {
    const load = hash.entriesPerBucket;
    if (verdict.kind === 'long-chains' || (load !== undefined && load > LONG_CHAINS)) {
      const more = bucketsFor(max.value, snapshot);
      return {
        ...base,
        action: 'raise-buckets',
        max: max.value,
        buckets: more,
        demand,
        constraint: 'present-limit',
        ladder: ladderOf(snapshot, prices, max.value, buckets, undefined),
        commands: commandsFor(snapshot, { buckets: more }),
        notes: ['The limit has room; the hash table is what is too small: look-ups walk long chains.'],
      };
    }
    return {
      ...base,
      action: 'leave',
      max: max.value,
      ...(buckets !== undefined && { buckets }),
      demand,
      constraint: 'present-limit',
      ladder: ladderOf(snapshot, prices, max.value, buckets, undefined),
    };
  }

  const budget = prices.memTotalBytes === undefined ? undefined : memoryBudget * prices.memTotalBytes;
  // Of a table that was cut off only a lower bound is known. The kernel's own choice for this machine is the least to try.
  const floor = demand.isLowerBound ? (base.others.kernelDefault ?? 0) : 0;
  const byDemand = Math.max(readable(headroom * demand.entries), max.value);
  const wanted = Math.max(byDemand, floor);
  const affordable = budget === undefined ? wanted : affordableMax(snapshot, wanted, budget, prices);
  const raised = Math.max(affordable, max.value);
  const newBuckets = Math.max(buckets ?? 0, bucketsFor(raised, snapshot));
  const notes: string[] = [];
  if (demand.isLowerBound) {
    notes.push(
      'The table was cut off at its limit, so that the true demand can be higher than any number in this capture. ' +
        'Collect again under load after the change: if the table fills up again, double it once more.',
    );
  }
  if (budget === undefined) {
    notes.push(
      'The size of RAM was not captured: compare the cost below with what the machine has before you raise the limit.',
    );
  }
  if (affordable < wanted) {
    notes.push(
      'The memory budget decided, not the demand: give the machine more memory, or shorten the timeouts of what fills the table.',
    );
  }
  const settled = {
    demand,
    constraint:
      affordable < wanted
        ? ('memory-budget' as const)
        : floor > byDemand
          ? ('kernel-default' as const)
          : ('demand' as const),
    ...(budget !== undefined && { memoryBudgetBytes: Math.floor(budget) }),
    notes,
  };
  if (raised === max.value) {
    return {
      ...base,
      ...settled,
      action: 'leave',
      max: max.value,
      ...(buckets !== undefined && { buckets }),
      ladder: ladderOf(snapshot, prices, max.value, buckets, undefined),
    };
  }
  return {
    ...base,
    ...settled,
    action: 'raise',
    max: raised,
    buckets: newBuckets,
    ladder: ladderOf(snapshot, prices, max.value, buckets, { max: raised, buckets: newBuckets }),
    commands: commandsFor(snapshot, {
      max: raised,
      ...(buckets === newBuckets ? {} : { buckets: newBuckets }),
    }),
  };
}

/** The next number that people recognise: a power of two, or one and a half of it. */
function readable(atLeast: number): number {
  const power = 2 ** Math.floor(Math.log2(Math.max(1, atLeast)));
  return [power, 1.5 * power].find((number) => number >= atLeast) ?? 2 * power;
}

/** The largest readable maximum, up to the one that is wanted, whose full table stays within the budget. */
function affordableMax(snapshot: Snapshot, wanted: number, budget: number, prices: Prices): number {
  let max = wanted;
  while (max > 1024) {
    const { totalBytes } = priceOf('recommended', max, bucketsFor(max, snapshot), prices);
    if (totalBytes === undefined || totalBytes <= budget) break;
    max = readable(max / 2 + 1) < max ? readable(max / 2 + 1) : max / 2;
  }
  return max;
}
