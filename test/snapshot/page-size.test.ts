import { describe, expect, it, test } from 'vitest';
import { parseMeminfo } from '../../src/parsers/meminfo.ts';
import { parseSlabinfo } from '../../src/parsers/slabinfo.ts';
import { inferPageBytes, type PageEvidence } from '../../src/snapshot/page-size.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import { fixture } from '../parsers/fixture.ts';

const SLABINFO = fixture('slabinfo-6.18.txt');
const aarch64 = { value: 'aarch64', file: 'commands/uname-a' };
const x86 = { value: 'x86_64', file: 'commands/uname-a' };
const config = (value: number) => ({ value, file: 'boot/config', line: 7 });

const evidence = (slabinfo: string, more: PageEvidence = {}): PageEvidence => ({
  slab: parseSlabinfo(slabinfo, 'proc/slabinfo').value,
  slabBytes: parseMeminfo(fixture('meminfo-6.18.txt'), 'proc/meminfo').value?.Slab,
  ...more,
});

/** The same machine with pages of another size: as many slabs, each so much larger and with so many more objects in it. */
function withPages(times: number): PageEvidence {
  const { slab, slabBytes } = evidence(SLABINFO, { machine: aarch64 });
  if (!slab || !slabBytes) throw new Error('the fixture is a whole one');
  const caches = slab.caches.map((cache) => ({
    ...cache,
    objectsPerSlab: Math.floor((times * 4096 * cache.pagesPerSlab) / cache.objectBytes),
  }));
  return { machine: aarch64, slab: { ...slab, caches }, slabBytes: { ...slabBytes, value: times * slabBytes.value } };
}

describe('from Slab in meminfo ÷ the pages of all slabs', () => {
  it.each([
    ['samples/healthy.tar.gz'],
    ['samples/nearly-full.tar.gz'],
    ['samples/full-with-drops.tar.gz'],
    ['test/fixtures/captures/clashes.tar.gz'],
    ['test/fixtures/captures/evicting.tar.gz'],
    ['test/fixtures/captures/nat-ports.tar.gz'],
    ['test/fixtures/captures/other-namespace.tar.gz'],
  ])('%s: what getconf says', async (bundle) => {
    const { pageBytes, first, meminfo } = await readSnapshot(bundle);
    const { value, problems } = inferPageBytes({ slab: first.slab, slabBytes: meminfo.Slab });
    expect(problems).toEqual([]);
    expect(value).toMatchObject({ value: pageBytes?.value, file: 'proc/meminfo', line: meminfo.Slab?.line });
    expect(value?.inferred).toMatch(/^from Slab in proc\/meminfo ÷ .*: 4[12]\d\d bytes, nearest to 4 KiB$/);
  });

  it('does without the header of slabinfo, which some collectors strip', () => {
    const stripped = SLABINFO.split('\n')
      .filter((line) => !/^(?:slabinfo|#)/.test(line))
      .join('\n');
    expect(inferPageBytes(evidence(stripped)).value?.value).toBe(4096);
    expect(inferPageBytes(evidence(stripped.trimEnd())).value?.value).toBe(4096);
  });

  it.each([4, 16])('knows pages that are %i times as large', (times) => {
    expect(inferPageBytes(withPages(times)).value?.value).toBe(times * 4096);
  });

  it('knows none that are neither', () => {
    expect(inferPageBytes(withPages(2))).toMatchObject({
      value: undefined,
      problems: [{ file: 'proc/slabinfo', what: expect.stringContaining('which is near no page size') }],
    });
  });

  const lines = SLABINFO.split('\n');
  test.each([
    ['a line that is cut', SLABINFO.slice(0, -12), 'its last line is cut'],
    ['few caches', lines.slice(0, 30).join('\n'), 'no kernel has so few caches (28)'],
    ['a part of the caches', lines.slice(0, 60).join('\n'), 'near no page size'],
  ])('refuses %s', (_what, text, why) => {
    expect(inferPageBytes(evidence(text))).toMatchObject({
      value: undefined,
      problems: [{ file: 'proc/slabinfo', what: expect.stringContaining(why) }],
    });
  });

  it('refuses a fourth of the slabs, by which pages would be of 16 KiB: their objects do not fill these', () => {
    const { slab, slabBytes } = evidence(SLABINFO);
    const times4 = slabBytes && { ...slabBytes, value: 4 * slabBytes.value };
    expect(inferPageBytes({ slab, slabBytes: times4 })).toMatchObject({
      value: undefined,
      problems: [{ what: expect.stringContaining('what its slabs hold does not fit pages of 16 KiB') }],
    });
  });

  it.each(['few-buckets', 'odd-protocols', 'table-full'])(
    'refuses %s, which has the lines of conntrack only',
    async (name) => {
      const { first, meminfo } = await readSnapshot(`test/fixtures/captures/${name}.tar.gz`);
      const { value, problems } = inferPageBytes({ slab: first.slab, slabBytes: meminfo.Slab });
      expect(value).toBeUndefined();
      expect(problems).toMatchObject([{ what: expect.stringContaining('no kernel has so few caches (1)') }]);
    },
  );

  it('says nothing where there is nothing to go by', () => {
    expect(inferPageBytes({ machine: aarch64 })).toEqual({ value: undefined, problems: [] });
  });
});

describe('from the architecture', () => {
  it.each(['x86_64', 'i686', 's390x'])('%s has one page size', (machine) => {
    const { value } = inferPageBytes({ machine: { ...x86, value: machine } });
    expect(value).toEqual({
      value: 4096,
      file: 'commands/uname-a',
      inferred: `from the architecture, ${machine}, which has pages of 4 KiB only`,
    });
  });

  it.each(['aarch64', 'ppc64le', 'riscv64', 'mips64', 'loongarch64'])('%s has several', (machine) => {
    expect(inferPageBytes({ machine: { ...x86, value: machine } }).value).toBeUndefined();
  });

  it('goes by cpuinfo where no machine is named', () => {
    const kind = { value: 'x86', file: 'proc/cpuinfo' } as const;
    expect(inferPageBytes({ kind }).value).toMatchObject({ value: 4096, file: 'proc/cpuinfo' });
    expect(inferPageBytes({ kind, machine: aarch64 }).value).toBeUndefined();
    expect(inferPageBytes({ kind: { ...kind, value: 'arm' } }).value).toBeUndefined();
  });

  it('says that the slabs confirm it', () => {
    expect(inferPageBytes(evidence(SLABINFO, { machine: x86 })).value?.inferred).toMatch(
      /, \d+\.\d\d KiB, confirms it$/,
    );
  });

  it('keeps it against slabs and a configuration, and says so', () => {
    const { value, problems } = inferPageBytes({ ...withPages(4), machine: x86, config: config(65_536) });
    expect(value?.value).toBe(4096);
    expect(problems).toMatchObject([
      {
        file: 'boot/config',
        line: 7,
        kind: 'facts-differ',
        what: expect.stringContaining('64 KiB where x86_64 has 4'),
      },
      { file: 'proc/meminfo', kind: 'facts-differ', what: expect.stringContaining('16 KiB where x86_64 has 4 KiB') },
    ]);
  });
});

describe('from the configuration', () => {
  it('alone, and confirmed by the slabs', () => {
    expect(inferPageBytes({ machine: aarch64, config: config(65_536) })).toEqual({
      value: { value: 65_536, file: 'boot/config', line: 7, inferred: 'from the kernel’s configuration, boot/config' },
      problems: [],
    });
    expect(inferPageBytes({ ...withPages(16), config: config(65_536) }).value?.inferred).toMatch(/confirms it$/);
  });

  it('is not believed where the slabs contradict it: it may be of another kernel', () => {
    expect(inferPageBytes({ ...withPages(1), config: config(65_536) })).toMatchObject({
      value: undefined,
      problems: [{ kind: 'facts-differ', what: expect.stringContaining('4 KiB where boot/config says 64 KiB') }],
    });
  });
});
