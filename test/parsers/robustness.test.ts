import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseConntrackS, parseProcCounters } from '../../src/parsers/counters.ts';
import { kernelAtLeast } from '../../src/parsers/host.ts';
import { parseMeminfo } from '../../src/parsers/meminfo.ts';
import type { Parsed } from '../../src/parsers/parsed.ts';
import { settingName, settingNameOfKey } from '../../src/parsers/settings-names.ts';
import { detectAllocator, parseSlabinfo, selectConntrackCaches } from '../../src/parsers/slabinfo.ts';
import { faultsOf, PARSER_NAMES, PARSERS } from './every-parser.ts';
import { fixture } from './fixture.ts';

function expectSane(parsed: Parsed<unknown>): void {
  expect(faultsOf(parsed)).toEqual([]);
}

/** A file with a piece cut out, repeated, or replaced by something else. */
function damaged(text: string): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      '',
      ' ',
      '\n',
      ' : ',
      '-1',
      '\0',
      '"',
      '99999999999999999999',
      'NaN',
      '1e400',
      '__proto__',
      '\r',
      '=',
    ),
  );
  const position = fc.nat({ max: text.length });
  return fc
    .tuple(position, position, piece)
    .map(([one, other, middle]) => text.slice(0, Math.min(one, other)) + middle + text.slice(Math.max(one, other)))
    .chain((once) => fc.constantFrom(once, once + once, once.replaceAll('\n', '\r\n')));
}

test('every parser has an example', () => {
  const tried = Object.keys(PARSERS).map((name) => name.split(' ')[0]);
  expect([...new Set(tried)].sort()).toEqual([...PARSER_NAMES].sort());
});

describe.each(Object.entries(PARSERS))('%s', (_name, [parse, example]) => {
  test('its example is understood', () => {
    expect(parse(example, 'a/file').value).toBeDefined();
  });

  it('survives any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => expectSane(parse(text, 'a/file'))));
  });

  it('survives a damaged file', () => {
    fc.assert(fc.property(damaged(example), (text) => expectSane(parse(text, 'a/file'))));
  });
});

it('says little about five thousand odd lines', () => {
  const lines = Array.from({ length: 5_000 }, (_, index) => `odd line ${index}`).join('\n');
  const { value, problems } = parseSlabinfo(`${fixture('slabinfo-6.18.txt')}${lines}`, 'proc/slabinfo');
  expect(value?.caches).toHaveLength(235);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.what).toMatch(/^5000 lines were not understood: line 238 "odd line 0", .*, …$/);
});

/** Long runs of what patterns repeat: a pattern that tries every split of them would take minutes. */
const runs = [
  'nf_conntrack: ',
  'nf_conntrack: CT ',
  'options nf_conntrack',
  '_',
  '-',
  ' ',
  '\t',
  '[ ',
  '"',
  '9',
  ': ',
  '\\\n',
  '\n',
  'a,',
];

it.each(Object.entries(PARSERS))('%s reads endless repetition in good time', (_name, [parse, example]) => {
  for (const run of runs) {
    // Rows of unequal length are slow by themselves: these would only measure that.
    const repeated = run.repeat((run.endsWith('\n') ? 500 : 20_000) / run.length);
    for (const text of [repeated, `${example}${repeated}!`, `options nf_conntrack${repeated}!`]) {
      const start = performance.now();
      expectSane(parse(text, 'a/file'));
      expect(performance.now() - start).toBeLessThan(1000);
    }
  }
});

it('refuses a table longer than any host has', () => {
  const [header = '', cpu = ''] = fixture('stat-nf_conntrack-6.18.txt').split('\n');
  expect(parseProcCounters(`${header}\n${`${cpu}\n`.repeat(20_000)}`, 'proc/net/stat/nf_conntrack')).toMatchObject({
    value: undefined,
    problems: [{ what: 'has more than 20000 lines' }],
  });
});

it('reads a file of very many CPUs', () => {
  const [header = '', cpu = ''] = fixture('stat-nf_conntrack-6.18.txt').split('\n');
  const { value } = parseProcCounters(`${header}\n${`${cpu}\n`.repeat(10_000)}`, 'proc/net/stat/nf_conntrack');
  expect(value).toMatchObject({ cpus: 10_000, totals: { drop: 10_000 * 0x26c } });
});

it('takes no name for a property that every object has', () => {
  const counters = parseConntrackS('cpu=0 found=1 constructor=2 __proto__=3\n', 'a/file').value;
  expect(Object.entries(counters?.totals ?? {})).toEqual([
    ['found', 1],
    ['constructor', 2],
    ['__proto__', 3],
  ]);
  const meminfo = parseMeminfo('MemTotal: 1 kB\n__proto__: 2 kB\n', 'a/file').value ?? {};
  expect(Object.keys(meminfo)).toEqual(['MemTotal', '__proto__']);
});

it('selects and detects in whatever was parsed', () => {
  fc.assert(
    fc.property(damaged(fixture('slabinfo-2.4-smp-statistics.txt').split('\n').slice(0, 6).join('\n')), (text) => {
      const { value } = parseSlabinfo(text, 'proc/slabinfo');
      if (value === undefined) return;
      const { entries, expectations } = selectConntrackCaches(value);
      expect(value.caches).toEqual(expect.arrayContaining([...entries, ...expectations]));
      expect(['SLAB', 'SLUB', undefined]).toContain(detectAllocator(value));
    }),
  );
});

it('names settings and compares kernels whatever they are called', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, number) => {
      for (const name of [settingName(text), settingNameOfKey(text)]) expect(name ?? 'none').toMatch(/^\w+$/);
      expect([true, false, undefined]).toContain(kernelAtLeast(text, number, number));
    }),
  );
});
