/** Slab arithmetic for one cache, in the terms of mm/slab.c and mm/slub.c. */
import { selectConntrackCaches } from '../parsers/slabinfo.ts';
import type { SlabCache, Snapshot } from '../snapshot/types.ts';
import type { SlabArithmetic } from './schema.ts';

/**
 * Works out what a cache's line of slabinfo means.
 *
 * What slabs weigh needs the page size; without it those fields are absent. Three sizes are easily taken for one another:
 * `inUseBytes` (objects in use × object size), `minimumBytes` (the fewest slabs that these objects fit into) and
 * `heldBytes` (the slabs that the kernel holds, full or not): only the last one is memory that nobody else can have.
 *
 * @param pageBytes  page size of the host, in bytes
 */
export function slabArithmetic(cache: SlabCache, file: string, pageBytes: number | undefined): SlabArithmetic {
  const { activeObjects, totalObjects, objectBytes, pagesPerSlab, activeSlabs, totalSlabs } = cache;
  const slabBytes = pageBytes === undefined ? undefined : pagesPerSlab * pageBytes;
  const { objectsPerSlab, objectsPerSlabHow } = perSlab(cache, slabBytes);
  const minimumSlabs = objectsPerSlab > 0 ? Math.ceil(activeObjects / objectsPerSlab) : 0;
  return {
    name: cache.name,
    file,
    ...(cache.line !== undefined && { line: cache.line }),
    activeObjects,
    totalObjects,
    objectBytes,
    pagesPerSlab,
    activeSlabs,
    totalSlabs,
    objectsPerSlab,
    objectsPerSlabHow,
    inUseBytes: activeObjects * objectBytes,
    allocatedBytes: totalObjects * objectBytes,
    ...(totalObjects > 0 && { utilisation: activeObjects / totalObjects }),
    minimumSlabs,
    // SLUB takes smaller slabs when it finds no large ones (allocate_slab() falls back to s->min).
    heldIsUpperBound: totalObjects < totalSlabs * objectsPerSlab,
    ...(slabBytes !== undefined && {
      slabBytes,
      minimumBytes: minimumSlabs * slabBytes,
      heldBytes: totalSlabs * slabBytes,
      activeSlabsBytes: activeSlabs * slabBytes,
      wastePerSlabBytes: slabBytes - objectsPerSlab * objectBytes,
      ...(objectsPerSlab > 0 && { bytesPerEntryPacked: slabBytes / objectsPerSlab }),
    }),
  };
}

/**
 * Objects per slab: the column, or on 2.4, which prints none, all objects ÷ all slabs. The division of sizes is the last
 * resort: SLAB keeps its own descriptor in the slab of small objects, so that the quotient can be one too many
 * (kmem_cache_estimate() in mm/slab.c).
 */
function perSlab(
  { objectsPerSlab, totalObjects, totalSlabs, objectBytes }: SlabCache,
  slabBytes: number | undefined,
): Pick<SlabArithmetic, 'objectsPerSlab' | 'objectsPerSlabHow'> {
  if (objectsPerSlab !== undefined && objectsPerSlab > 0) {
    return { objectsPerSlab, objectsPerSlabHow: 'column' };
  }
  if (totalSlabs > 0 && totalObjects % totalSlabs === 0) {
    return { objectsPerSlab: totalObjects / totalSlabs, objectsPerSlabHow: 'objects ÷ slabs' };
  }
  return {
    objectsPerSlab: slabBytes === undefined || objectBytes === 0 ? 0 : Math.floor(slabBytes / objectBytes),
    objectsPerSlabHow: 'slab ÷ object',
  };
}

/** SLUB keeps slabs for so many objects in a list of each CPU, of caches up to and from {@link LARGE_BYTES} (set_cpu_partial() in mm/slub.c). */
const LISTED_OBJECTS = { small: 120, large: 52 };
const LARGE_BYTES = 256;

/**
 * Objects that are free and yet counted as in use, at the most, because the allocator keeps them ready for a CPU: in SLAB the arrays that
 * its tunables name, in SLUB a slab in use and a list of slabs that are taken as half full. Measured on 6.18 with 2 CPUs: up to 200.
 */
export function readyObjects({ first }: Snapshot, caches: readonly SlabArithmetic[], cpus: number): number {
  const raw = first.slab ? selectConntrackCaches(first.slab).entries : [];
  return caches.reduce((sum, { name, objectBytes, objectsPerSlab }) => {
    const tunables = raw.find((cache) => cache.name === name)?.tunables;
    if (tunables && tunables.limit > 0) {
      return sum + cpus * tunables.limit + (tunables.shared ?? 0) * tunables.batchCount;
    }
    const listed = objectBytes < LARGE_BYTES ? LISTED_OBJECTS.small : LISTED_OBJECTS.large;
    return sum + cpus * 2 * (listed + objectsPerSlab);
  }, 0);
}
