import { describe, expect, it, test } from 'vitest';
import { parseMeminfo } from '../../src/parsers/meminfo.ts';
import { fixture, foreignTexts } from './fixture.ts';

const file = 'proc/meminfo';

test('6.18, captured', () => {
  const text = fixture('meminfo-6.18.txt');
  const { value, problems } = parseMeminfo(text, file);
  expect(problems).toEqual([]);
  expect(value).toMatchObject({
    MemTotal: { value: 24_683_656 * 1024, file, line: 1 },
    MemAvailable: { value: 24_072_700 * 1024, file, line: 3 },
    'Active(anon)': { file },
  });
  const sizes = text.split('\n').filter((line) => line.endsWith(' kB'));
  expect(Object.keys(value ?? {})).toHaveLength(sizes.length);
});

describe('oddities', () => {
  test('the table that 2.4 prints first', () => {
    const text = `        total:    used:    free:  shared: buffers:  cached:
Mem:  527962112 519454720  8507392        0 84303872 291979264
Swap: 1077501952  2981888 1074520064
MemTotal:       515588 kB
MemFree:          8308 kB
`;
    expect(parseMeminfo(text, file)).toEqual({
      value: {
        MemTotal: { value: 515_588 * 1024, file, line: 4 },
        MemFree: { value: 8308 * 1024, file, line: 5 },
      },
      problems: [],
    });
  });

  it('does not believe that a machine has no memory', () => {
    const { value, problems } = parseMeminfo('MemTotal: 0 kB\nMemAvailable: 0 kB\n', file);
    expect(value).toEqual({ MemAvailable: { value: 0, file, line: 2 } });
    expect(problems).toMatchObject([{ file, line: 1 }]);
  });

  it('does not take a number of huge pages for bytes', () => {
    const { value, problems } = parseMeminfo('HugePages_Total:       4\nHugepagesize:       2048 kB\n', file);
    expect(value).toEqual({ Hugepagesize: { value: 2_097_152, file, line: 2 } });
    expect(problems).toEqual([]);
  });

  it('quotes what it cannot read and keeps the rest', () => {
    const { value, problems } = parseMeminfo('MemTotal: 100 kB\nMemFree: many kB\nBuffers: 5', file);
    expect(Object.keys(value ?? {})).toEqual(['MemTotal']);
    expect(problems).toEqual([
      {
        file,
        line: 2,
        what: '2 lines were not understood: line 2 "MemFree: many kB", line 3 "Buffers: 5"',
        cost: 'The sizes on these lines are missing.',
      },
    ]);
  });

  it.each(foreignTexts)('refuses %s', (_what, text) => {
    expect(parseMeminfo(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});
