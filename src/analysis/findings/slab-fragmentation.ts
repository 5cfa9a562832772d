import type { Measured, Rule } from './rule.ts';
import { seenInferredPage, seenObjects, seenSlabs } from './rule.ts';

/** Held ÷ needed from which the gap is more than the partly filled slabs of a table that changes: half of what is held is free. */
const MUCH_MORE = 2;
/** What is free has to be worth a sentence: as much as 32 000 entries of 256 bytes, or a hundredth of a small machine's RAM. */
const WORTH_BYTES = 8 * 1024 * 1024;
const WORTH_SHARE = 0.01;

/** Slabs that a past burst left partly filled: they show how large the table has been. */
export const slabFragmentation: Rule = {
  id: 'slab-fragmentation',
  assess({ measured }) {
    const { slab, host } = measured;
    const held = slab.total?.heldBytes;
    const minimum = slab.total?.minimumBytes;
    if (!slab.total || held === undefined || minimum === undefined) {
      return { missing: [slab.total ? 'the page size' : 'the slab lines of connection tracking'] };
    }
    const gap = held - minimum;
    const empty = emptyBytes(measured);
    const values = {
      heldBytes: held,
      minimumBytes: minimum,
      // Damaged numbers can have more in use than is held.
      gapBytes: Math.max(0, gap),
      freeShare:
        slab.total.totalObjects > 0 ? Math.max(0, 1 - slab.total.activeObjects / slab.total.totalObjects) : undefined,
      peakEntries: slab.total.totalObjects,
      emptyBytes: empty > 0 ? empty : undefined,
      pageInferred: measured.pageBytes?.inferred === undefined ? undefined : true,
    };
    const evidence = [...seenObjects(measured), ...seenSlabs(measured), ...seenInferredPage(measured)];
    const worth = Math.min(WORTH_BYTES, WORTH_SHARE * (host.memTotalBytes?.value ?? Number.POSITIVE_INFINITY));
    if (slab.total.totalSlabs === 0) return { severity: 'ok', says: 'none', values, evidence, confidence: 'high' };
    if (held < MUCH_MORE * minimum || gap < worth) {
      return { severity: 'ok', says: 'ok', values, evidence, confidence: 'high' };
    }
    // Slabs that SLUB took smaller than usual make what is held an upper bound.
    const exact = !slab.caches.some(({ heldIsUpperBound }) => heldIsUpperBound);
    return { severity: 'notice', says: 'found', values, evidence, confidence: exact ? 'high' : 'medium' };
  },
};

/** Bytes in slabs without any object in use: SLAB counts them, SLUB counts all slabs as active. */
function emptyBytes({ slab }: Measured): number {
  return slab.caches.reduce(
    (sum, { totalSlabs, activeSlabs, slabBytes = 0 }) => sum + (totalSlabs - activeSlabs) * slabBytes,
    0,
  );
}
