/** The hash table: its buckets, and how long its chains are. */
import type { Snapshot } from '../snapshot/types.ts';
import { bucketBytes, isSince, pointerBytes, releaseOf } from './kernel.ts';
import { tablesOf } from './memory.ts';
import type { Analysis } from './schema.ts';

/**
 * Slab objects are the entries of all namespaces and free ones that each CPU keeps: some hundreds, and 2 to 3 % after a burst. From
 * so many more than this namespace holds there are others.
 */
const OTHERS_SHARE = 1.1;
const OTHERS_ENTRIES = 10_000;

/** What is known of the hash table. */
export function hashOf(snapshot: Snapshot, usage: Analysis['usage'], slab: Analysis['slab']): Analysis['hash'] {
  // 2.4 and early 2.6 show the number of buckets nowhere but as the module's parameter.
  const buckets = snapshot.sysctls.buckets ?? snapshot.moduleParameters.hashsize;
  const perBucket = bucketBytes(releaseOf(snapshot), pointerBytes(snapshot.host.machine?.value));
  const linked = linkedEntries(snapshot, usage, slab);
  const tables = tablesOf(slab.caches);
  if (!buckets || buckets.value <= 0) return { ...linked, bytesPerBucket: perBucket };
  // Every entry is linked twice, by its original and by its reply tuple (nf_conntrack-sysctl.rst, nf_conntrack_max).
  const load = (entries: number | undefined) => (entries === undefined ? undefined : (2 * entries) / buckets.value);
  return {
    buckets,
    ...linked,
    linksPerBucket: load(linked.entries?.value),
    linksPerBucketAtMax: usage.unlimited ? undefined : load(usage.max?.value),
    bytesPerBucket: perBucket,
    bytes: perBucket === undefined ? undefined : buckets.value * perBucket,
    tables: tables > 1 ? tables : undefined,
  };
}

/** Entries that are linked into the table: since 4.9 those of all namespaces, of which only the slab knows. */
function linkedEntries(
  snapshot: Snapshot,
  { peak }: Analysis['usage'],
  { total, file, caches }: Analysis['slab'],
): Pick<Analysis['hash'], 'entries' | 'ofAllNamespaces'> {
  const isShared = isSince(snapshot, 4, 9) === true;
  if (isShared && peak && total && file && total.activeObjects > OTHERS_SHARE * peak.value + OTHERS_ENTRIES) {
    return { entries: { value: total.activeObjects, file, line: caches[0]?.line }, ofAllNamespaces: true };
  }
  return { entries: peak };
}
