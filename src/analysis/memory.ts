/** What connection tracking weighs now, and what it would weigh at any maximum. */
import type { Snapshot } from '../snapshot/types.ts';
import {
  bucketBytes,
  bucketsFor,
  type ExtensionEstimate,
  extensionEstimate,
  pointerBytes,
  releaseOf,
} from './kernel.ts';
import type { Analysis, LadderStep, SlabArithmetic } from './schema.ts';

/** What is needed to price a maximum; whatever is absent leaves its part of the price out. */
export interface Prices {
  /** The cache that new entries come from. */
  cache: SlabArithmetic | undefined;
  bucketBytes: number | undefined;
  extension: ExtensionEstimate | undefined;
  memTotalBytes: number | undefined;
}

/** Collects what a host's entries and buckets cost. */
export function pricesOf(snapshot: Snapshot, caches: SlabArithmetic[]): Prices {
  return {
    // Kernels up to 4.4 have a cache for each namespace, all alike; the fullest one is this host's own.
    cache: [...caches].sort((a, b) => b.activeObjects - a.activeObjects)[0],
    bucketBytes: bucketBytes(releaseOf(snapshot), pointerBytes(snapshot.host.machine?.value)),
    extension: extensionEstimate(snapshot),
    memTotalBytes: snapshot.meminfo.MemTotal?.value,
  };
}

/**
 * What a full table of `max` entries would need, in bytes: ceil(max ÷ objects per slab) slabs, the buckets, and at most the
 * estimate of the extensions. Slabs are priced as packed: a table that was filled evenly has no other choice.
 */
export function priceOf(
  label: LadderStep['label'],
  max: number,
  buckets: number | undefined,
  { cache, bucketBytes: perBucket, extension, memTotalBytes }: Prices,
): LadderStep {
  const step: LadderStep = { label, max };
  if (buckets !== undefined) step.buckets = buckets;
  if (cache && cache.objectsPerSlab > 0) {
    step.slabs = Math.ceil(max / cache.objectsPerSlab);
    if (cache.slabBytes !== undefined) step.slabBytes = step.slabs * cache.slabBytes;
  }
  if (buckets !== undefined && perBucket !== undefined) step.hashBytes = buckets * perBucket;
  if (extension) step.extensionBytes = max * extension.high;
  if (step.slabBytes !== undefined) {
    step.totalBytes = step.slabBytes + (step.hashBytes ?? 0) + (step.extensionBytes ?? 0);
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
      : Math.max(buckets ?? 0, bucketsFor(max, snapshot));
  const steps = [
    priceOf('today', today, buckets, prices),
    priceOf('×2', 2 * today, raised(2 * today), prices),
    priceOf('×4', 4 * today, raised(4 * today), prices),
  ];
  if (!recommended || recommended.max === today) return steps;
  return [
    ...steps.filter((step) => step.max !== recommended.max),
    priceOf('recommended', recommended.max, recommended.buckets, prices),
  ].sort((a, b) => a.max - b.max);
}

/** Memory now and at the present maximum. */
export function memoryOf(analysis: Pick<Analysis, 'slab' | 'hash' | 'usage'>, prices: Prices): Analysis['memory'] {
  const slabBytes = analysis.slab.total?.heldBytes;
  const hashBytes = analysis.hash.bytes;
  const entries = analysis.slab.total?.activeObjects ?? analysis.usage.entries?.value;
  const memory: Analysis['memory'] = {
    ...(slabBytes !== undefined && { slabBytes }),
    ...(hashBytes !== undefined && { hashBytes }),
  };
  if (prices.extension && entries !== undefined) {
    const { low, high, reasons } = prices.extension;
    memory.extensions = {
      bytesPerEntry: { low, high },
      bytes: { low: low * entries, high: high * entries },
      reasons,
    };
  }
  if (slabBytes !== undefined) {
    memory.totalBytes = slabBytes + (hashBytes ?? 0) + (memory.extensions?.bytes.low ?? 0);
    if (prices.memTotalBytes) memory.shareOfRam = memory.totalBytes / prices.memTotalBytes;
  }
  const max = analysis.usage.max?.value;
  if (max) {
    const full = priceOf('today', max, analysis.hash.buckets?.value, prices);
    if (full.totalBytes !== undefined) memory.atMaxBytes = full.totalBytes;
    if (full.shareOfRam !== undefined) memory.atMaxShareOfRam = full.shareOfRam;
  }
  return memory;
}
