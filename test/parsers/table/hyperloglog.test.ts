import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { estimateDistinct, STANDARD_ERROR } from '../../../src/parsers/table/hyperloglog.ts';

/** What the registers hold after so many different keys, hashed by something that has nothing to do with the scanner's own hash. */
function histogramOf(keys: number): Uint32Array {
  const registers = new Uint8Array(2 ** 14);
  for (let key = 0; key < keys; key++) {
    const hash = createHash('md5').update(String(key)).digest().readBigUInt64BE();
    const register = Number(hash & 0x3fffn);
    const zeros = Math.min(49, 64 - hash.toString(2).length) + 1;
    registers[register] = Math.max(registers[register] ?? 0, zeros);
  }
  const histogram = new Uint32Array(64);
  for (const register of registers) histogram[register] = (histogram[register] ?? 0) + 1;
  return histogram;
}

describe('estimateDistinct', () => {
  it.each([0, 1, 100, 5000, 40_000, 80_000, 300_000])('of %d keys is within three standard errors', (keys) => {
    expect(Math.abs(estimateDistinct(histogramOf(keys)) - keys)).toBeLessThanOrEqual(3 * STANDARD_ERROR * keys);
  });
});
