/**
 * Whatever was captured, however little of it: the analysis and its reports are whole, and do not contradict themselves.
 * ANYTHING_RUNS sets how many captures are tried, PROPERTY_SEED which.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { anyQuestion, material, snapshotOfCapture } from './any-capture.ts';
import { complaints } from './complaints.ts';

const RUNS = Number(process.env.ANYTHING_RUNS ?? 100);

test('any capture gives a whole and consistent report', { timeout: RUNS * 1000 }, async () => {
  fc.assert(
    fc.property(anyQuestion(await material()), ({ capture, aims, whatIf }) => {
      const analysis = analyse(snapshotOfCapture(capture), '0', { aims, whatIf });
      expect(complaints(analysis, new Set(capture.files.keys()))).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
