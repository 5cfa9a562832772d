/** What connection tracking weighs now, and what it would weigh at any maximum. */
import type { Fact, Snapshot } from '../snapshot/types.ts';
import {
  bucketBytes,
  bucketsFor,
  type ExtensionEstimate,
  extensionEstimate,
  natHashBytes,
  natIsLoaded,
  pointerBytes,
  releaseOf,
} from './kernel.ts';
import type { Analysis, LadderStep, SlabArithmetic } from './schema.ts';

/** What is needed to price a maximum; whatever is absent leaves its part of the price out. */
export interface Prices {
  /** The cache that new entries come from. */
  cache: SlabArithmetic | undefined;
  bucketBytes: number | undefined;
  /** Hash tables: one, but on kernels that have one for each namespace. */
  tables: number;
  nat: {
    /** Undefined: cannot be told from this capture. */
    loaded: boolean | undefined;
    /** Bytes of one table of NAT, beside so many buckets of connection tracking and with so many entries. */
    hashBytes(buckets: number | undefined, entries: number): number | undefined;
  };
  extension: ExtensionEstimate | undefined;
  memTotalBytes: number | undefined;
}

/** Collects what a host's entries and buckets cost. */
export function pricesOf(snapshot: Snapshot, caches: SlabArithmetic[]): Prices {
  const release = releaseOf(snapshot);
  const pointer = pointerBytes(snapshot.host.machine?.value);
  // Kernels that have a cache for each namespace have them all alike; the fullest one is this host's own.
  const cache = [...caches].sort((a, b) => b.activeObjects - a.activeObjects)[0];
  const { count, counters } = snapshot.first;
  return {
    cache,
    bucketBytes: bucketBytes(release, pointer),
    tables: tablesOf(caches),
    nat: {
      loaded: natIsLoaded(snapshot),
      hashBytes: (buckets, most) => natHashBytes(release, pointer, buckets, most),
    },
    extension: extensionEstimate(snapshot, (count ?? counters?.entries)?.value ?? cache?.activeObjects),
    memTotalBytes: snapshot.meminfo.MemTotal?.value,
  };
}

/**
 * The memory that slabs come from. 32-bit kernels take them from low memory alone, some 896 MiB of whatever the machine has; those
 * that have memory above it print its size (CONFIG_HIGHMEM in fs/proc/meminfo.c).
 */
export function memoryForSlabs({ meminfo }: Snapshot): { from: Fact<number>; low: boolean } | undefined {
  const { LowTotal: low, MemTotal: all } = meminfo;
  if (low && low.value > 0 && (!all || low.value < all.value)) return { from: low, low: true };
  return all && { from: all, low: false };
}

/**
 * How many hash tables there are. From 2.6.33 to 4.6 each namespace had a table and a cache of its own, named after the namespace:
 * the caches count the tables (nf_conntrack_init_net() in nf_conntrack_core.c).
 */
export function tablesOf(caches: readonly { name: string }[]): number {
  return Math.max(1, caches.filter(({ name }) => /^nf_conntrack_[0-9a-f]+$/.test(name)).length);
}

/**
 * What a full table of `max` entries would need, in bytes: ceil(max ÷ objects per slab) slabs, the buckets, NAT's table unless
 * NAT is known not to be there, and at most the estimate of the extensions. Slabs are priced as packed: a table that was filled evenly has
 * no other choice. The table of expectations, a bucket for each 256, is too small to count.
 */
export function priceOf(
  label: LadderStep['label'],
  max: number,
  buckets: number | undefined,
  { cache, bucketBytes: perBucket, tables, nat, extension, memTotalBytes }: Prices,
): LadderStep {
  const step: LadderStep = { label, max };
  if (buckets !== undefined) step.buckets = buckets;
  if (cache && cache.objectsPerSlab > 0) {
    step.slabs = Math.ceil(max / cache.objectsPerSlab);
    if (cache.slabBytes !== undefined) step.slabBytes = step.slabs * cache.slabBytes;
  }
  if (buckets !== undefined && perBucket !== undefined) step.hashBytes = buckets * perBucket * tables;
  const natBytes = nat.loaded === false ? undefined : nat.hashBytes(buckets, max);
  if (natBytes !== undefined) step.natHashBytes = natBytes * tables;
  if (extension) step.extensionBytes = max * extension.high;
  if (step.slabBytes !== undefined) {
    step.totalBytes = step.slabBytes + (step.hashBytes ?? 0) + (step.natHashBytes ?? 0) + (step.extensionBytes ?? 0);
    if (memTotalBytes) step.shareOfRam = step.totalBytes / memTotalBytes;
  }
  return step;
}

/** The ladder of a report: today's maximum, its double, its fourfold and the recommended one, smallest first. */
export function ladderOf(
  snapshot: Snapshot,
  prices: Prices,
  today: number,
  buckets: number | undefined,
  recommended: { max: number; buckets: number | undefined } | undefined,
): LadderStep[] {
  const raised = (max: number) =>
    buckets === undefined && prices.bucketBytes === undefined
      ? undefined
      : Math.max(
          buckets ?? 0,
          bucketsFor(max, snapshot),
          // Other namespaces can need more than the limit does: a larger table then needs them as well.
          recommended !== undefined && max >= recommended.max ? (recommended.buckets ?? 0) : 0,
        );
  const steps = [
    priceOf('today', today, buckets, prices),
    priceOf('×2', 2 * today, raised(2 * today), prices),
    priceOf('×4', 4 * today, raised(4 * today), prices),
  ];
  if (!recommended) return steps;
  return [
    ...steps.filter(({ label, max }) => label === 'today' || max !== recommended.max),
    priceOf('recommended', recommended.max, recommended.buckets, prices),
  ].sort((a, b) => a.max - b.max);
}

/** Memory now and at the present maximum. */
export function memoryOf(analysis: Pick<Analysis, 'slab' | 'hash' | 'usage'>, prices: Prices): Analysis['memory'] {
  const { slab, hash, usage } = analysis;
  const { tables, nat, extension, memTotalBytes } = prices;
  const slabBytes = slab.total?.heldBytes;
  const hashBytes = hash.bytes === undefined ? undefined : hash.bytes * tables;
  const entries = slab.total?.activeObjects ?? usage.entries?.value;
  const natBytes = nat.loaded === false ? undefined : nat.hashBytes(hash.buckets?.value, entries ?? 0);
  const memory: Analysis['memory'] = {
    ...(slabBytes !== undefined && { slabBytes }),
    ...(hashBytes !== undefined && { hashBytes }),
    ...(nat.loaded !== undefined && { natIsLoaded: nat.loaded }),
    ...(natBytes !== undefined && { natHashBytes: natBytes * tables }),
  };
  if (extension && entries !== undefined) {
    const { low, high, reasons } = extension;
    memory.extensions = {
      bytesPerEntry: { low, high },
      bytes: { low: low * entries, high: high * entries },
      reasons,
    };
  }
  if (slabBytes !== undefined) {
    const natForCertain = nat.loaded === true ? (memory.natHashBytes ?? 0) : 0;
    memory.totalBytes = slabBytes + (hashBytes ?? 0) + natForCertain + (memory.extensions?.bytes.low ?? 0);
    if (memTotalBytes) memory.shareOfRam = memory.totalBytes / memTotalBytes;
  }
  const max = usage.max?.value;
  if (max) {
    const full = priceOf('today', max, hash.buckets?.value, prices);
    if (full.totalBytes !== undefined) memory.atMaxBytes = full.totalBytes;
    if (full.shareOfRam !== undefined) memory.atMaxShareOfRam = full.shareOfRam;
  }
  return memory;
}
