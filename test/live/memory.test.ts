/** What entries are predicted to weigh, held against this machine's own kernel. */
import { describe, expect, test } from 'vitest';
import { FEATURES, weigh, whyNoScale } from './weigh.ts';

const SIZES = [10_000, 100_000, 500_000];
/** What is promised: of the slabs, and of the whole. */
const SLAB_ERROR = 0.01;
const TOTAL_ERROR = 0.03;

const reason = whyNoScale();

describe.skipIf(reason !== undefined)(`entries on this kernel${reason ? ` (skipped: ${reason})` : ''}`, () => {
  test.each(FEATURES)('weigh what was predicted: $name', async (feature) => {
    const { weighings, estimate } = await weigh(feature, SIZES);
    for (const { entries, predicted, measured } of weighings) {
      const error = (what: 'slabBytes' | 'totalBytes') => Math.abs(predicted[what] / measured[what] - 1);
      expect(error('slabBytes'), `slabs of ${entries} entries`).toBeLessThan(SLAB_ERROR);
      expect(error('totalBytes'), `all of ${entries} entries`).toBeLessThan(TOTAL_ERROR);
    }
    // A report of so many entries says of their extensions what is true, within bounds.
    const { entries, measured } = weighings.at(-1) ?? { entries: 0, measured: { slabBytes: 0, totalBytes: 0 } };
    const extensionBytes = (measured.totalBytes - measured.slabBytes) / entries;
    // An object or two that somebody else gave back meanwhile is no part of an entry.
    expect(extensionBytes).toBeGreaterThan((1 - TOTAL_ERROR) * (estimate?.low ?? Number.NaN) - 0.5);
    expect(extensionBytes).toBeLessThanOrEqual((1 + TOTAL_ERROR) * (estimate?.high ?? Number.NaN));
    // Nothing is on, and it says so: there are not enough objects in kmalloc-128 for half of them, whatever else the kernel keeps there.
    if (!feature.extended) expect(estimate?.high).toBeLessThan(64);
  });
});
