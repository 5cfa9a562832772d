/** What to set, what that is sized for, and what it costs. */
import type { Snapshot } from '../snapshot/types.ts';
import type { Aims } from './aims.ts';
import { bucketsNeeded, commandsFor } from './commands.ts';
import { demandOf } from './demand.ts';
import type { Findings } from './findings/index.ts';
import type { Measured } from './findings/rule.ts';
import { bucketsFor } from './kernel.ts';
import { ladderOf, memoryForSlabs, type Prices, priceOf } from './memory.ts';
import { othersOf } from './others.ts';
import type { Demand, Recommendation, Verdict } from './schema.ts';
import { atLimit, FILLING, NEAR } from './usage.ts';
import { causeOf, fixFor } from './verdict.ts';

/** The least limit to set where there is none: what kernels from 2.6.24 on set by themselves on a machine of more than 1 GiB. */
const LEAST_LIMIT = 65_536;

/** Least maximum ÷ the most that can be counted: loads of real flows lost nothing with 1.05 × the peak of the count. Measured on 6.18. */
const LEAST_HEADROOM = 1.05;

/** The table does not always tell one busy machine from many behind one address. */
const ONE_OR_MANY =
  'If this source is a NAT, proxy or resolver with many users behind it, that is no fault: then the table has to be as large as they need, and the limit to be raised.';
/** The limit is an int for sysctl, though unsigned for the kernel (nf_conntrack_standalone.c; bounded since 6.15). */
const MOST = 2 ** 31 - 1;

/** Recommends a maximum and a number of buckets; that things stay as they are is a recommendation too. */
export function recommend(
  snapshot: Snapshot,
  measured: Measured,
  findings: Findings,
  verdict: Verdict,
  prices: Prices,
  { headroom, memoryBudget }: Aims,
): Recommendation {
  const { usage, hash } = measured;
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
  if (!max || !peak || verdict.kind === 'cannot-tell') return base;
  const wasCutOff = cutOff(measured, verdict);
  const demand = demandOf(snapshot, measured, wasCutOff);
  if (!demand) return base;

  const ram = memoryForSlabs(snapshot)?.from.value;
  const budget = ram === undefined ? undefined : memoryBudget * ram;
  if (usage.unlimited) {
    const wanted = readable(Math.max(sizeFor(demand, headroom), LEAST_LIMIT));
    const affordable = budget === undefined ? wanted : affordableMax(snapshot, wanted, budget, prices);
    const limit = Math.max(affordable, readable(LEAST_HEADROOM * peak.value));
    const newBuckets = Math.max(buckets ?? 0, bucketsFor(limit, snapshot));
    return {
      ...base,
      action: 'set-a-limit',
      max: limit,
      buckets: newBuckets,
      demand,
      constraint: affordable < wanted ? 'memory-budget' : 'demand',
      ...(budget !== undefined && { memoryBudgetBytes: Math.floor(budget) }),
      ladder: [priceOf('recommended', limit, newBuckets, prices)],
      commands: commandsFor(snapshot, { max: limit, buckets: newBuckets }),
      notes: ['Without a limit a flood can take all memory. Linux 6.19 and later no longer accept 0.'],
    };
  }

  const asItIs = {
    ...base,
    max: max.value,
    ...(buckets !== undefined && { buckets }),
    demand,
    ...(budget !== undefined && { memoryBudgetBytes: Math.floor(budget) }),
    ladder: ladderOf(snapshot, prices, max.value, buckets, undefined),
  };

  const cause = causeOf(verdict.kind, (id) => findings.get(id));
  // Where both fail, one does not wait for the other.
  const isNearToo = cause !== undefined && verdict.failure === 'nat-or-clash' && (usage.peakShare ?? 0) >= NEAR;
  if (cause !== undefined && !isNearToo) {
    const fix = fixFor(verdict.kind, measured, findings);
    const remedy = cause.commands;
    return {
      ...asItIs,
      action: 'fix-cause',
      constraint: 'cause',
      ...(fix && { fix }),
      ...(remedy && {
        commands: { now: remedy.apply, persist: [], verify: remedy.verify, rollback: remedy.undo },
      }),
      notes: verdict.kind === 'one-source' ? [ONE_OR_MANY] : [],
    };
  }

  const enough = !wasCutOff && peak.value <= FILLING * max.value && (demand.high ?? 0) <= max.value;
  if (enough) {
    // Where chains are too long, or would be in a full table.
    const bucketsWith = (limit: number) =>
      findings.get('hash-chains')?.commands === undefined
        ? buckets
        : Math.max(buckets ?? 0, bucketsNeeded(snapshot, measured, limit));
    const lower = lowered(snapshot, { ...asItIs, action: 'lower' }, max.value, bucketsWith, budget, prices);
    if (lower) return lower;
    const more = bucketsWith(max.value);
    if (more !== undefined && more !== buckets) {
      return {
        ...asItIs,
        action: 'raise-buckets',
        buckets: more,
        constraint: 'present-limit',
        ladder: ladderOf(snapshot, prices, max.value, buckets, { max: max.value, buckets: more }),
        commands: commandsFor(snapshot, { buckets: more }),
        notes: ['The limit has room; it is the hash table that is too small for so many entries.'],
      };
    }
    return { ...asItIs, action: 'leave', constraint: 'present-limit' };
  }

  // Of a table that was cut off only a lower bound is known. The kernel's own choice for this machine is the least to try.
  const floor = demand.isLowerBound ? (base.others.kernelDefault ?? 0) : 0;
  const byDemand = Math.max(readable(sizeFor(demand, headroom)), max.value);
  const wanted = Math.max(byDemand, floor);
  const affordable = budget === undefined ? wanted : affordableMax(snapshot, wanted, budget, prices);
  // A limit that was lowered since can be below what is there.
  const raised = Math.max(affordable, max.value, peak.value > max.value ? readable(peak.value) : 0);
  const newBuckets = Math.max(buckets ?? 0, bucketsFor(raised, snapshot), bucketsNeeded(snapshot, measured));
  const notes: string[] = [];
  if (demand.isLowerBound) {
    notes.push(
      'The table was cut off at its limit, so that the true demand can be higher than any number in this capture. ' +
        'Collect again under load after the change: if the table fills up again, double it once more.',
    );
  }
  if (isNearToo) {
    notes.push('This makes room in the table, and does not end what the verdict names: its finding says what does.');
  }
  if (verdict.kind === 'namespace-full') {
    notes.push('The limit is one number for all network namespaces: raised for one, it is raised for each of them.');
  }
  if (budget === undefined) {
    notes.push(
      'The size of RAM was not captured: compare the cost below with what the machine has before you raise the limit.',
    );
  }
  if (affordable < wanted) {
    notes.push(
      raised > affordable && raised > max.value
        ? 'A full table of this size takes more memory than the budget allows, but so many entries were counted: give the machine more memory, or shorten the timeouts of what fills the table.'
        : affordable < byDemand
          ? 'The memory budget decided, not the demand: give the machine more memory, or shorten the timeouts of what fills the table.'
          : 'A full table of the kernel’s own default for a machine of this size would take more than the memory budget: this is the most that the budget allows, and as much as what is known of the demand asks for.',
    );
  }
  const settled = {
    ...asItIs,
    constraint:
      affordable < wanted
        ? ('memory-budget' as const)
        : floor > byDemand
          ? ('kernel-default' as const)
          : ('demand' as const),
    notes,
  };
  if (raised === max.value) return { ...settled, action: 'leave' };
  return {
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

/** Whether entries were refused or evicted, so that the table no longer shows how many there would have been. */
function cutOff({ usage }: Measured, { kind }: Verdict): boolean {
  return atLimit(usage) || kind === 'was-full' || kind === 'namespace-full';
}

/**
 * What all that is possible is multiplied with: as much that the next capture, if it finds the higher end, calls the table neither full nor
 * filling up; no more than the headroom that is aimed at.
 */
export function headroomOverHigh(headroom: number): number {
  return Math.min(headroom, 1 / FILLING);
}

/** The limit for a demand: the headroom that is aimed at over what is likely, and enough of it over all that is possible. */
export function sizeFor({ entries, high }: Demand, headroom: number): number {
  return Math.max(headroom * entries, headroomOverHigh(headroom) * (high ?? 0));
}

/**
 * A limit that is far beyond need, and whose full table would cost more than the budget, may be lowered; never below what was aimed at.
 *
 * @param bucketsWith  the buckets that go with a limit
 * @returns undefined where it need not be lowered
 */
function lowered(
  snapshot: Snapshot,
  lower: Recommendation & { demand: Demand },
  max: number,
  bucketsWith: (limit: number) => number | undefined,
  budget: number | undefined,
  prices: Prices,
): Recommendation | undefined {
  if (budget === undefined) return undefined;
  const needed = readable(sizeFor(lower.demand, lower.headroom));
  const enough = Math.max(needed, affordableMax(snapshot, max, budget, prices));
  if (enough >= max) return undefined;
  const buckets = bucketsWith(enough);
  return {
    ...lower,
    max: enough,
    ...(buckets !== undefined && { buckets }),
    constraint: enough === needed ? 'demand' : 'memory-budget',
    ladder: ladderOf(snapshot, prices, max, lower.buckets, { max: enough, buckets }),
    commands: commandsFor(snapshot, { max: enough, ...(buckets === lower.buckets ? {} : { buckets }) }),
    notes: [
      `${buckets === lower.buckets ? 'Nothing is short today. ' : ''}The limit is what a flood could make connection tracking take, and that is more than the budget.`,
    ],
  };
}

/** The next number that people recognise: a power of two, or one and a half of it. */
function readable(atLeast: number): number {
  const power = 2 ** Math.floor(Math.log2(Math.max(1, atLeast)));
  return Math.min(MOST, [power, Math.ceil(1.5 * power)].find((number) => number >= atLeast) ?? 2 * power);
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
