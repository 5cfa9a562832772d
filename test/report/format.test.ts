import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytes,
  bytesBoth,
  bytesIn,
  change,
  columnUnit,
  count,
  dateTime,
  decimal,
  duration,
  exactBytes,
  list,
  percent,
  plural,
  rate,
  ratio,
  shortDateTime,
  writtenIn,
  zone,
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

describe('in a notation', () => {
  const at = (timezone: string, iso: string) => writtenIn({ timezone }, () => [dateTime(iso), shortDateTime(iso)]);

  it('tells the offset that clocks had then', () => {
    expect(at('Europe/Berlin', '2026-07-01T12:00:00Z')).toEqual(['2026-07-01 14:00:00 +02:00', '2026-07-01 14:00']);
    expect(at('Europe/Berlin', '2026-12-31T23:30:00Z')[0]).toBe('2027-01-01 00:30:00 +01:00');
    expect(at('America/St_Johns', '2026-01-01T00:00:00Z')[0]).toBe('2025-12-31 20:30:00 \u221203:30');
    // Before there was standard time, to the second.
    expect(at('Europe/Berlin', '1890-01-01T00:00:00Z')[0]).toBe('1890-01-01 00:53:28 +00:53:28');
    expect(at('UTC', '2026-01-01T00:00:00Z')).toEqual(['2026-01-01 00:00:00 UTC', '2026-01-01 00:00']);
    expect(at('Europe/Berlin', 'yesterday')).toEqual(['yesterday', 'yesterday']);
  });

  it('tells it of an hour that there is twice, where it tells no other', () => {
    const short = (timezone: string, ...times: string[]) => times.map((time) => at(timezone, time)[1]);
    expect(
      short(
        'Europe/Berlin',
        '2026-10-24T23:59:00Z',
        '2026-10-25T00:30:00Z',
        '2026-10-25T01:30:00Z',
        '2026-10-25T02:00:00Z',
      ),
    ).toEqual(['2026-10-25 01:59', '2026-10-25 02:30 +02:00', '2026-10-25 02:30 +01:00', '2026-10-25 03:00']);
    expect(short('Australia/Lord_Howe', '2026-04-04T14:45:00Z', '2026-04-04T15:15:00Z')).toEqual([
      '2026-04-05 01:45 +11:00',
      '2026-04-05 01:45 +10:30',
    ]);
    expect(short('Europe/Berlin', '2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z')).toEqual([
      '2026-03-29 01:30',
      '2026-03-29 03:30',
    ]);
  });

  it('takes the signs of a language, and its way to group', () => {
    const written = (locale: string) =>
      writtenIn({ locale }, () => [
        count(1234),
        count(12_345_678),
        decimal(-4096.25, 1),
        percent(0.00001),
        bytes(6.8e6),
      ]);
    expect(written('de')).toEqual(['1.234', '12.345.678', '\u22124.096,3', 'under 0,01\u202f%', '6,48\u202fMiB']);
    expect(written('es')).toEqual(['1234', '12.345.678', '\u22124096,3', 'under 0,01\u202f%', '6,48\u202fMiB']);
    expect(written('hi')[1]).toBe('1,23,45,678');
    // The fonts of a report have no other digits.
    expect(written('ar-EG')[1]).toBe('12,345,678');
  });

  it('writes the same digits in every language', () => {
    const locale = fc.constantFrom('de', 'en', 'fr-CH', 'hi', 'es', 'ar-EG', 'fa', 'de-CH', 'pl', 'sv', 'my');
    fc.assert(
      fc.property(
        locale,
        fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
        fc.integer({ min: 0, max: 2 }),
        (given, value, digits) => {
          const signs = (text: string) => text.replace(/[^\d\u2212]/g, '');
          expect(signs(writtenIn({ locale: given }, () => decimal(value, digits)))).toBe(signs(decimal(value, digits)));
        },
      ),
    );
  });

  it('is over where what it was for is over, however that ended', () => {
    writtenIn({ timezone: 'Asia/Tokyo' }, () => {
      expect(zone()).toBe('Asia/Tokyo');
      expect(writtenIn({ locale: 'de' }, zone)).toBe('UTC');
      expect(zone()).toBe('Asia/Tokyo');
    });
    const failing = () =>
      writtenIn({ locale: 'de' }, () => {
        throw new Error('x');
      });
    expect(failing).toThrow('x');
    expect(() => writtenIn({ timezone: 'Mars/Olympus' }, () => '')).toThrow(RangeError);
    expect([zone(), plain(count(1234))]).toEqual(['UTC', '1 234']);
  });
});

it('joins words', () => {
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(list)).toEqual(['', 'a', 'a and b', 'a, b and c']);
});
