import { describe, expect, test } from 'vitest';
import { slabArithmetic } from '../../src/analysis/slab.ts';
import { parseSlabinfo } from '../../src/parsers/slabinfo.ts';

const HEADERS: Record<string, string> = {
  '1.1': 'slabinfo - version: 1.1 (SMP)\n',
  '2.1':
    'slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n',
};

function arithmetic(version: string, line: string, pageBytes: number | undefined) {
  const slabinfo = parseSlabinfo(`${HEADERS[version]}${line}\n`, 'proc/slabinfo').value;
  const cache = slabinfo?.caches[0];
  if (!cache) throw new Error('the line was not understood');
  return slabArithmetic(cache, 'proc/slabinfo', pageBytes);
}

describe('lines from real machines', () => {
  test('2.4 with two CPUs: what is held is not what is needed at the least', () => {
    expect(arithmetic('1.1', 'ip_conntrack        6537  16620    384  984 1662    1 :  496  124', 4096)).toMatchObject({
      objectsPerSlab: 10,
      objectsPerSlabHow: 'objects ÷ slabs',
      inUseBytes: 2_510_208,
      minimumSlabs: 654,
      minimumBytes: 2_678_784,
      wastePerSlabBytes: 256,
      heldBytes: 6_807_552,
      activeSlabsBytes: 4_030_464,
      heldIsUpperBound: false,
    });
  });

  test('SLUB with 256-byte objects leaves nothing over', () => {
    expect(
      arithmetic('2.1', 'nf_conntrack 542386 544896 256 16 1 : tunables 0 0 0 : slabdata 34056 34056 0', 4096),
    ).toMatchObject({
      objectsPerSlab: 16,
      objectsPerSlabHow: 'column',
      inUseBytes: 138_850_816,
      minimumSlabs: 33_900,
      minimumBytes: 138_854_400,
      heldBytes: 139_493_376,
      wastePerSlabBytes: 0,
    });
  });

  test('the same cache after a burst: a third used, nearly all of it still held', () => {
    const after = arithmetic(
      '2.1',
      'nf_conntrack 154757 498304 256 16 1 : tunables 0 0 0 : slabdata 31144 31144 0',
      4096,
    );
    expect(after).toMatchObject({ inUseBytes: 39_617_792, minimumBytes: 39_620_608, heldBytes: 127_565_824 });
    expect(after.utilisation).toBeCloseTo(0.31, 2);
  });

  test('SLAB keeps its descriptor in the slab: the column says 12 where the division says 13', () => {
    const el6 = 'nf_conntrack_ffffffff81b2a920 18 60 312 12 1 : tunables 54 27 8 : slabdata 5 5 0';
    expect(arithmetic('2.1', el6, 4096)).toMatchObject({ objectsPerSlab: 12, wastePerSlabBytes: 4096 - 12 * 312 });
  });
});

test('without the page size nothing is said of bytes that depend on it', () => {
  const unknown = arithmetic('2.1', 'nf_conntrack 100 112 256 16 1 : tunables 0 0 0 : slabdata 7 7 0', undefined);
  expect(unknown).toMatchObject({ inUseBytes: 25_600, minimumSlabs: 7 });
  expect(unknown).not.toHaveProperty('heldBytes');
  expect(unknown).not.toHaveProperty('wastePerSlabBytes');
});

test('a 64 KiB page', () => {
  const arm = arithmetic('2.1', 'nf_conntrack 1000 1024 256 256 1 : tunables 0 0 0 : slabdata 4 4 0', 65_536);
  expect(arm).toMatchObject({ heldBytes: 262_144, wastePerSlabBytes: 0, minimumSlabs: 4 });
});

test('slabs that SLUB took smaller than usual make the held bytes an upper bound', () => {
  const fallback = arithmetic('2.1', 'nf_conntrack 100 110 256 16 1 : tunables 0 0 0 : slabdata 7 7 0', 4096);
  expect(fallback.heldIsUpperBound).toBe(true);
});

test('an empty 2.4 cache has only the division to go by', () => {
  expect(arithmetic('1.1', 'ip_conntrack 0 0 384 0 0 1 : 124 62', 4096)).toMatchObject({
    objectsPerSlab: 10,
    objectsPerSlabHow: 'slab ÷ object',
    heldBytes: 0,
  });
});
