import { describe, expect, it, test } from 'vitest';
import { parseFree } from '../../src/parsers/free.ts';
import { foreignTexts } from './fixture.ts';

const file = 'commands/free';
const HEADER = '               total        used        free      shared  buff/cache   available\n';
const SWAP = 'Swap:              0           0           0\n';
/** One machine, at one moment, by procps 4.0.2. */
const KIB = `${HEADER}Mem:        24684096      456872    23510636        8788     1034684    24227224\n${SWAP}`;
const BYTES = `${HEADER}Mem:     25276514304   467836928 24074891264     8998912  1059516416 24808677376\n${SWAP}`;
const MIB = `${HEADER}Mem:           24105         446       22959           8        1010       23659\n${SWAP}`;
const HUMAN = `${HEADER}Mem:            23Gi       446Mi        22Gi       8.6Mi       1.0Gi        23Gi\nSwap:             0B          0B          0B\n`;
const TOTAL = 24_684_096 * 1024;

describe('free', () => {
  test.each([
    ['KiB, told by the numbers', KIB, undefined, TOTAL],
    ['KiB, told by the option', KIB, 'k', TOTAL],
    ['bytes, told by the numbers', BYTES, undefined, TOTAL],
    ['bytes, told by the option', BYTES, 'b', TOTAL],
  ])('%s', (_what, text, option, value) => {
    expect(parseFree(text, file, option)).toEqual({ value: { value, file, line: 2 }, problems: [] });
  });

  test.each([
    ['MiB, told by so many', MIB, undefined, 2 ** 20],
    ['MiB, told by the option', MIB, 'm', 2 ** 20],
    ['GiB, as printed', HUMAN, undefined, 2 ** 30],
    ['GiB, as printed, whatever the option is', HUMAN, 'h', 2 ** 30],
  ])('%s: the total is within what it is rounded to', (_what, text, option, roundedTo) => {
    const { value, problems } = parseFree(text, file, option);
    expect(problems).toEqual([]);
    expect(value).toMatchObject({ file, line: 2, roundedTo });
    expect(Math.abs((value?.value ?? 0) - TOTAL)).toBeLessThan(roundedTo);
  });

  test.each([
    ['Mem:           7.6G        446M', 7.6 * 2 ** 30, 2 ** 30 / 10],
    ['Mem:           1,9Gi       446Mi', 1.9 * 2 ** 30, 2 ** 30 / 10],
    ['Mem:           512M        100M', 512 * 2 ** 20, 2 ** 20],
  ])('%s', (line, value, roundedTo) => {
    expect(parseFree(HEADER + line, file).value).toMatchObject({ value: Math.round(value), roundedTo });
  });

  test('BusyBox', () => {
    const text =
      '              total        used        free      shared  buff/cache   available\nMem:         123456       45676       20000         120       57780       70000\n';
    expect(parseFree(text, file).value?.value).toBe(123_456 * 1024);
  });

  it('takes a small round number of KiB for no bytes, and tells nothing by one number alone', () => {
    expect(parseFree(`${HEADER}Mem:   32768   8192   24576\n`, file).value?.value).toBe(32_768 * 1024);
    expect(parseFree(`${HEADER}Mem:   8388608\n`, file).problems).toMatchObject([
      { what: expect.stringContaining('does not tell the unit') },
    ]);
  });

  it('does not guess between MiB and GiB', () => {
    expect(parseFree(`${HEADER}Mem:   1897   446   959   8   491   1259\n`, file)).toMatchObject({
      value: undefined,
      problems: [{ what: expect.stringContaining('does not tell the unit') }],
    });
  });

  it.each([
    ...foreignTexts,
    ['no line of memory', `${HEADER}${SWAP}`] as const,
    ['no memory', `${HEADER}Mem: 0 0 0\n`] as const,
    ['a line that is cut', `${HEADER}Mem:\n`] as const,
    ['words', `${HEADER}Mem: much less\n`] as const,
  ])('refuses %s', (_what, text) => {
    expect(parseFree(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});
