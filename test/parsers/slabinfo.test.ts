import { describe, expect, it, test } from 'vitest';
import { detectAllocator, parseSlabinfo, selectConntrackCaches } from '../../src/parsers/slabinfo.ts';
import type { SlabCache, Slabinfo } from '../../src/snapshot/types.ts';
import { fixture, foreignTexts } from './fixture.ts';

const file = 'proc/slabinfo';
const version11 = 'slabinfo - version: 1.1\n';
const version21 = 'slabinfo - version: 2.1\n';

function parsed(text: string): Slabinfo {
  const { value, problems } = parseSlabinfo(text, file);
  expect(problems).toEqual([]);
  if (value === undefined) throw new Error('not understood');
  return value;
}

function onlyCache(text: string): SlabCache {
  const { caches } = parsed(text);
  expect(caches).toHaveLength(1);
  return caches[0] as SlabCache;
}

function namesOf(caches: SlabCache[]): string[] {
  return caches.map(({ name }) => name);
}

const heldBytes = ({ totalSlabs, pagesPerSlab }: SlabCache) => totalSlabs * pagesPerSlab * 4096;

describe('whole files', () => {
  test('6.18, captured', () => {
    const slabinfo = parsed(fixture('slabinfo-6.18.txt'));
    expect(slabinfo).toMatchObject({ file, version: '2.1', variants: [] });
    expect(slabinfo.caches).toHaveLength(235);
    expect(selectConntrackCaches(slabinfo)).toEqual({
      entries: [
        {
          name: 'nf_conntrack',
          activeObjects: 40704,
          totalObjects: 40704,
          objectBytes: 256,
          objectsPerSlab: 16,
          pagesPerSlab: 1,
          activeSlabs: 2544,
          totalSlabs: 2544,
          tunables: { limit: 0, batchCount: 0, shared: 0 },
          line: 22,
        },
      ],
      expectations: [],
    });
    expect(detectAllocator(slabinfo)).toBe('SLUB');
  });

  test('2.4 SMP with statistics', () => {
    const slabinfo = parsed(fixture('slabinfo-2.4-smp-statistics.txt'));
    expect(slabinfo).toMatchObject({ version: '1.1', variants: ['statistics', 'SMP'] });
    expect(slabinfo.caches).toHaveLength(64);
    expect(namesOf(slabinfo.caches)).toEqual(expect.arrayContaining(['broken', 'size-131072(DMA)', 'size-32']));
    const [entries] = selectConntrackCaches(slabinfo).entries;
    expect(entries).toEqual({
      name: 'ip_conntrack',
      activeObjects: 6537,
      totalObjects: 16620,
      objectBytes: 384,
      pagesPerSlab: 1,
      activeSlabs: 984,
      totalSlabs: 1662,
      tunables: { limit: 496, batchCount: 124 },
      line: 3,
    });
    expect(detectAllocator(slabinfo)).toBe('SLAB');
  });

  test('2.6.18 with statistics, whose lines hold runs of TABs', () => {
    const text = fixture('slabinfo-2.6.18-statistics.txt');
    expect(text).toMatch(/\d \t\t\t\t +\d/);
    const slabinfo = parsed(text);
    expect(slabinfo).toMatchObject({ version: '2.1', variants: ['statistics'] });
    expect(slabinfo.caches).toHaveLength(87);
    const { entries, expectations } = selectConntrackCaches(slabinfo);
    expect(entries).toEqual([
      {
        name: 'ip_conntrack',
        activeObjects: 41873,
        totalObjects: 42000,
        objectBytes: 304,
        objectsPerSlab: 13,
        pagesPerSlab: 1,
        activeSlabs: 3222,
        totalSlabs: 3231,
        tunables: { limit: 120, batchCount: 60, shared: 8 },
        line: 4,
      },
    ]);
    expect(namesOf(expectations)).toEqual(['ip_conntrack_expect']);
    expect(detectAllocator(slabinfo)).toBe('SLAB');
  });
});

// Worked examples, bytes with pages of 4 KiB.
test.each([
  ['2.4 SMP', `${version11}ip_conntrack 6537 16620 384 984 1662 1 : 496 124`, 2_510_208, 6_807_552],
  [
    '6.18 loaded',
    `${version21}nf_conntrack 542386 544896 256 16 1 : tunables 0 0 0 : slabdata 34056 34056 0`,
    138_850_816,
    139_493_376,
  ],
  [
    '6.18 after a burst',
    `${version21}nf_conntrack 154757 498304 256 16 1 : tunables 0 0 0 : slabdata 31144 31144 0`,
    39_617_792,
    127_565_824,
  ],
])('numbers of %s', (_kernel, text, inUse, held) => {
  const cache = onlyCache(text);
  expect(cache.activeObjects * cache.objectBytes).toBe(inUse);
  expect(heldBytes(cache)).toBe(held);
});

// Public excerpts of SLAB and SLUB kernels: objects a slab are read, not computed.
test.each([
  ['nf_conntrack_ffffffff81b2a920     18     60    312   12    1', 12],
  ['nf_conntrack_ffffffff81776d40   2910   3549    312   13    1', 13],
  ['nf_conntrack_4   140   140    280   14    1', 14],
  ['nf_conntrack_1    15    15    264   15    1', 15],
])('%s', (line, objectsPerSlab) => {
  const cache = onlyCache(`${version21}${line} : tunables 0 0 0 : slabdata 5 5 0\n`);
  expect(cache.objectsPerSlab).toBe(objectsPerSlab);
});

describe('tails', () => {
  const numbers = 'ip_conntrack 6537 16620 384 984 1662 1';
  test.each([
    ['uniprocessor', '', undefined],
    ['SMP', ' :  496  124', { limit: 496, batchCount: 124 }],
    ['statistics', ' :  16620 2394811  1690   28    0', undefined],
    ['both', ' :  16620 2394811 1690 28 0 : 496 124 : 2370010 24801 2368100 20044', { limit: 496, batchCount: 124 }],
  ])('1.1 %s', (_kernel, tail, tunables) => {
    const cache = onlyCache(`${version11}${numbers}${tail}\n`);
    expect(cache).toMatchObject({ name: 'ip_conntrack', activeSlabs: 984, totalSlabs: 1662, pagesPerSlab: 1 });
    expect(cache.tunables).toEqual(tunables);
  });

  test.each([
    ['2.6.9', ' : globalstat    2128     64     2    0    0   12  132 : cpustat   1960    214   2010    160'],
    ['2.6.11', ' : globalstat    2128     64     2    0    0   12  132    0 : cpustat   1960    214   2010    160'],
    [
      '2.6.18',
      ' : globalstat    2128     64     2    0 \t\t\t\t   0   12    0    0    0 : cpustat   1960    214   2010    160',
    ],
  ])('2.x statistics of %s', (_kernel, tail) => {
    const line = `ip_conntrack 60 65 304 13 1 : tunables 54 27 8 : slabdata 5 6 7${tail}`;
    expect(onlyCache(`slabinfo - version: 2.0 (statistics)\n${line}\n`)).toMatchObject({
      tunables: { limit: 54, batchCount: 27, shared: 8 },
      activeSlabs: 5,
      totalSlabs: 6,
    });
  });

  it('takes the limit first, whatever the header of 2.0 says', () => {
    const header =
      '# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <batchcount> <limit> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>';
    const text = `slabinfo - version: 2.0\n${header}\nip_conntrack 60 65 304 13 1 : tunables 54 27 8 : slabdata 5 6 7`;
    expect(onlyCache(text).tunables).toEqual({ limit: 54, batchCount: 27, shared: 8 });
  });
});

describe('names', () => {
  const tail1 = '10 20 384 1 2 1 : 496 124';
  const tail2 = '10 20 304 13 1 : tunables 54 27 8 : slabdata 1 2 0';
  test.each([
    ['nf_conntrack:basic', tail2, version21],
    ['size-131072(DMA)', tail1, version11],
    ['Acpi State 64', tail2, version21],
    ['a 12 b : c', tail2, version21],
    ['a 12 b : c', tail1, version11],
    ['broken', tail1, version11],
  ])('%s before %s', (name, tail, version) => {
    const cache = onlyCache(`${version}${name} ${tail}\n`);
    expect(cache).toMatchObject({ name, activeObjects: 10, totalObjects: 20, totalSlabs: 2 });
  });
});

describe('which caches are conntrack’s', () => {
  test.each([
    ['ip_conntrack', 'entries'],
    ['nf_conntrack', 'entries'],
    ['nf_conntrack:basic', 'entries'],
    ['nf_conntrack:help', 'entries'],
    ['nf_conntrack_ffffffff81b2a920', 'entries'],
    ['nf_conntrack_4', 'entries'],
    ['ip_conntrack_expect', 'expectations'],
    ['nf_conntrack_expect', 'expectations'],
    ['nf_conntrack(12:web)', 'neither'],
    ['nf_conntrack_ffff880036fc8000(3:/lxc/a)', 'neither'],
    ['nf_conntrack_count_rb', 'neither'],
    ['ip_conntrack_tuple', 'neither'],
    ['kmalloc-128', 'neither'],
  ])('%s: %s', (name, kind) => {
    const { entries, expectations } = selectConntrackCaches(
      parsed(`${version21}${name} 1 16 256 16 1 : tunables 0 0 0 : slabdata 1 1 0\n`),
    );
    expect(namesOf(entries)).toEqual(kind === 'entries' ? [name] : []);
    expect(namesOf(expectations)).toEqual(kind === 'expectations' ? [name] : []);
  });
});

describe('which allocator', () => {
  const line = (tunables: string, slabs: string) =>
    `${version21}nf_conntrack 1 16 256 16 1 : tunables ${tunables} : slabdata ${slabs} 0\n`;
  test.each([
    ['tunables', line('120 60 8', '1 2'), 'SLAB'],
    ['zeros and every slab active', line('0 0 0', '2 2'), 'SLUB'],
    ['zeros, but slabs that are not active', line('0 0 0', '1 2'), undefined],
    ['the columns of 2.4', `${version11}ip_conntrack 1 10 384 1 1 1`, 'SLAB'],
    ['no line at all', version21, undefined],
  ])('%s', (_what, text, allocator) => {
    expect(detectAllocator(parsed(text))).toBe(allocator);
  });
});

describe('without the first lines', () => {
  it('knows 2.x by its slabdata', () => {
    const slabinfo = parsed('nf_conntrack 60 65 304 13 1 : tunables 0 0 0 : slabdata 5 5 0\n');
    expect(slabinfo.version).toBeUndefined();
    expect(slabinfo.caches[0]).toMatchObject({ objectsPerSlab: 13, pagesPerSlab: 1, totalSlabs: 5, line: 1 });
  });

  it('knows 1.1 by numbers that can be slabs', () => {
    const slabinfo = parsed('ip_conntrack 6537 16620 384 984 1662 1 : 496 124\nkmem_cache 60 80 96 2 2 1 : 252 126\n');
    expect(slabinfo.version).toBeUndefined();
    expect(slabinfo.caches[0]).toMatchObject({ activeSlabs: 984, totalSlabs: 1662, pagesPerSlab: 1 });
  });

  it('does not take other tables for 1.1', () => {
    const others = 'ip_conntrack 6537 16620 384 10\n  PID 1 2 3 4 5 6\nx 5 4 100 1 1 1\nx 1 1 100 1 1 3\n';
    const { value, problems } = parseSlabinfo(others, file);
    expect(value).toBeUndefined();
    expect(problems).toEqual([
      {
        file,
        what: 'has neither a version line nor the columns of slabinfo',
        cost: 'The memory of the connection table cannot be computed from slabs.',
      },
    ]);
  });
});

describe('other versions', () => {
  it.each(['1.0', '1.2', '3.0'])('refuses %s without a header', (version) => {
    const { value, problems } = parseSlabinfo(`slabinfo - version: ${version}\nip_conntrack 1 10 384 1 1 1\n`, file);
    expect(value).toBeUndefined();
    expect(problems[0]?.what).toBe(`is slabinfo version "${version}", whose columns are not known`);
  });

  it('refuses a header that lacks what the arithmetic needs', () => {
    const text = 'slabinfo - version: 1.0\n# name <active_objs> <num_objs>\nip_conntrack 1 10\n';
    expect(parseSlabinfo(text, file).value).toBeUndefined();
  });

  it('follows the header of a version that it does not know', () => {
    const header =
      '# name <active_objs> <num_objs> <new> <objsize> <pagesperslab> : slabdata <num_slabs> <active_slabs>';
    const text = `slabinfo - version: 3.0\n${header}\nnf_conntrack 60 65 9 304 1 : slabdata 6 5\n`;
    const { value } = parseSlabinfo(text, file);
    expect(value).toMatchObject({ version: '3.0' });
    expect(value?.caches[0]).toMatchObject({ name: 'nf_conntrack', objectBytes: 304, activeSlabs: 5, totalSlabs: 6 });
  });
});

describe('damage', () => {
  it('keeps what is whole, and quotes the rest once', () => {
    const lines = fixture('slabinfo-6.18.txt').split('\n');
    lines[5] = 'bio-256 4';
    lines[6] = 'x y z';
    lines[7] = 'mm_struct 1 2 3 4 five : tunables 0 0 0 : slabdata 1 1 0';
    lines[8] = 'sock -1 2 3 4 5 : tunables 0 0 0 : slabdata 1 1 0';
    const { value, problems } = parseSlabinfo(lines.join('\n'), file);
    expect(value?.caches).toHaveLength(231);
    expect(problems).toEqual([
      {
        file,
        line: 6,
        what: expect.stringMatching(
          /^4 lines were not understood: line 6 "bio-256 4", line 7 "x y z", line 8 "mm_struct .*", …$/,
        ),
        cost: 'The caches on these lines are missing; if one is conntrack’s own, its memory is too.',
      },
    ]);
  });

  it.each([1, 30, 60, 95])('does not guess at a line that ends %i characters early', (missing) => {
    const line =
      'nf_conntrack        4752   4752    256   16    1 : tunables    0    0    0 : slabdata   1297   1297      0';
    const { value, problems } = parseSlabinfo(
      `${version21}ok 1 16 256 16 1 : tunables 0 0 0 : slabdata 1 1 0\n${line.slice(0, -missing)}`,
      file,
    );
    expect(namesOf(value?.caches ?? [])).toEqual(['ok']);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.line).toBe(3);
  });

  it('uses the first of several readings, not their sum', () => {
    const once = fixture('slabinfo-6.18.txt');
    const { value, problems } = parseSlabinfo(once + once, file);
    expect(value?.caches).toEqual(parsed(once).caches);
    expect(problems).toMatchObject([{ line: 238, what: 'holds more than one reading of slabinfo' }]);
  });

  it('reads Windows line ends', () => {
    const text = fixture('slabinfo-6.18.txt');
    expect(parsed(text.replaceAll('\n', '\r\n'))).toEqual(parsed(text));
  });

  it('has nothing to say where no line is whole', () => {
    expect(parseSlabinfo(`${version21}nf_conntrack 1 2\n`, file)).toMatchObject({
      value: undefined,
      problems: [{ line: 2 }],
    });
  });

  it.each(foreignTexts)('refuses %s', (_what, text) => {
    const { value, problems } = parseSlabinfo(text, file);
    expect(value).toBeUndefined();
    expect(problems).toHaveLength(1);
  });
});
