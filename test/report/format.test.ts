import { describe, expect, it } from 'vitest';
import {
  bytes,
  bytesBoth,
  bytesIn,
  change,
  columnUnit,
  count,
  decimal,
  duration,
  exactBytes,
  list,
  percent,
  plural,
  rate,
  ratio,
  dateTime,
} from '../../src/report/format.ts';

/** Expectations are written with ordinary blanks. */
const plain = (text: string) => text.replace(/\u202f/g, ' ');

describe('numbers', () => {
  it('groups thousands with a narrow no-break space', () => {
    expect(count(65_536)).toBe('65\u202f536');
    expect(count(0)).toBe('0');
    expect(plain(count(10_412_377))).toBe('10 412 377');
    expect(plain(decimal(4096.25, 1))).toBe('4 096.3');
  });

  it('marks changes', () => {
    expect(change(120)).toBe('+120');
    expect(change(0)).toBe('0');
    expect(change(-3)).toBe('\u22123');
  });

  it('shows only the decimals that a ratio needs', () => {
    expect([10, 409.6, 0.17, 2.5413].map(ratio)).toEqual(['10', '409.6', '0.17', '2.54']);
  });

  it('counts things', () => {
    expect(plural(1, 'slab')).toBe('1 slab');
    expect(plain(plural(1662, 'slab'))).toBe('1 662 slabs');
    expect(plural(0, 'entry', 'entries')).toBe('0 entries');
  });
});

describe('bytes', () => {
  it('picks a unit and keeps three digits', () => {
    expect([256, 524_288, 6_807_552, 25_270_682, 1_048_575, 17 * 2 ** 30].map((n) => plain(bytes(n)))).toEqual([
      '256 B',
      '512 KiB',
      '6.49 MiB',
      '24.1 MiB',
      '1.00 MiB',
      '17.0 GiB',
    ]);
  });

  it('keeps the last byte where arithmetic is worked', () => {
    expect(plain(exactBytes(2_510_208))).toBe('2 510 208 B');
    expect(plain(bytesBoth(6_807_552))).toBe('6 807 552 B (6.49 MiB)');
    expect(plain(bytesBoth(256))).toBe('256 B');
  });

  it('lines a column up in one unit, and shows something for little', () => {
    expect(columnUnit([2 ** 20, 2 ** 33])).toBe('MiB');
    expect(columnUnit([2 ** 40])).toBe('GiB');
    expect(plain(bytesIn(131_072, 'MiB'))).toBe('0.1 MiB');
    expect(plain(bytesIn(8, 'MiB'))).toBe('under 0.1 MiB');
    expect(plain(bytesIn(0, 'MiB'))).toBe('0.0 MiB');
  });
});

describe('shares', () => {
  it('never rounds something to nothing, nor less than all to all', () => {
    const shares = [0, 0.000001, 0.0015, 0.0849, 0.39, 0.9999, 1, 1.0001, 1.5];
    expect(shares.map((n) => plain(percent(n)))).toEqual([
      '0 %',
      'under 0.01 %',
      '0.15 %',
      '8.5 %',
      '39 %',
      '99.9 %',
      '100 %',
      '100.1 %',
      '150 %',
    ]);
  });
});

describe('time', () => {
  it('says lengths as people do', () => {
    expect(
      [0.01, 0.4, 7, 41 * 60, 3 * 3600 + 300, 432_000, 86_400 * 12 + 4 * 3600].map((n) => plain(duration(n))),
    ).toEqual(['under 0.1 s', '0.4 s', '7 s', '41 min', '3 h 5 min', '5 days', '12 days 4 h']);
  });

  it('says rates in the unit that suits', () => {
    expect([0, 302, 1.5, 0.075, 0.001, 1e-6].map((n) => plain(rate(n)))).toEqual([
      '0 / s',
      '302 / s',
      '1.5 / s',
      '4.5 / min',
      '3.6 / h',
      'under 0.1 / h',
    ]);
  });

  it('writes UTC, and leaves alone what is no time', () => {
    expect(dateTime('2026-11-20T14:02:11Z')).toBe('2026-11-20 14:02:11 UTC');
    expect(dateTime('2026-11-20T15:02:11+01:00')).toBe('2026-11-20 14:02:11 UTC');
    expect(dateTime('Nov 20 14:02:11')).toBe('Nov 20 14:02:11');
    expect(dateTime('2026-99-99')).toBe('2026-99-99');
  });
});

it('joins words', () => {
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(list)).toEqual(['', 'a', 'a and b', 'a, b and c']);
});
