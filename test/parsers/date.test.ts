import { describe, expect, it, test } from 'vitest';
import { parseDate, parseTimedatectl } from '../../src/parsers/date.ts';
import { foreignTexts } from './fixture.ts';

const file = 'commands/date';
const refused = { value: undefined, problems: [{ file }] };

describe('date', () => {
  test.each([
    ['2026-11-22T14:03:05Z\n', '2026-11-22T14:03:05Z'],
    ['2026-11-22T21:23:23.808779963+00:00 1795382603.808779963\n', '2026-11-22T21:23:23Z'],
    ['2026-11-22 14:03:05+0000', '2026-11-22T14:03:05Z'],
    ['2026-11-22T14:03:05+02:00', '2026-11-22T12:03:05Z'],
    ['2026-11-22 01:03:05.123 -05:30', '2026-11-22T06:33:05Z'],
    ['Sun Nov 22 14:03:05 UTC 2026\n', '2026-11-22T14:03:05Z'],
    ['Mon Mar  1 04:03:05 GMT 2004\n', '2004-03-01T04:03:05Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00Z'],
    // A zone without letters of its own prints its offset.
    ['Wed Nov 25 21:17:23 +03 2026', '2026-11-25T18:17:23Z'],
    ['Wed Nov 25 21:17:23 +0545 2026', '2026-11-25T15:32:23Z'],
    ['Wed 25 Nov 2026 09:17:23 PM UTC', '2026-11-25T21:17:23Z'],
    ['Wed 25 Nov 2026 12:17:23 AM UTC', '2026-11-25T00:17:23Z'],
    ['Wed 25 Nov 2026 12:17:23 PM UTC', '2026-11-25T12:17:23Z'],
    ['Wed Nov 25 09:17:23 PM UTC 2026', '2026-11-25T21:17:23Z'],
    ['Wed 25 Nov 21:17:23 GMT 2026', '2026-11-25T21:17:23Z'],
    ['Wed, 25 Nov 2026 21:17:23 +0000\n', '2026-11-25T21:17:23Z'],
    ['Thu, 01 Jan 2026 00:17:23 +0130', '2025-12-31T22:47:23Z'],
  ])('%j', (text, value) => {
    expect(parseDate(text, file)).toEqual({ value: { value, file }, problems: [] });
  });

  it.each([
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-22T25:03:05Z',
    '2026-11-22T14:03:05',
    'Sun Foo 22 14:03:05 UTC 2026',
    'Wed 25 Nov 2026 13:17:23 PM UTC',
    'Wed 25 Nov 2026 00:17:23 AM UTC',
    'Wed Nov 25 21:17:23 +99 2026',
    'Wed Nov 25 21:17:23 UTC',
    'Mi 25. Nov 21:17:23 UTC 2026',
    'yesterday',
  ])('is not %s', (text) => {
    expect(parseDate(text, file)).toMatchObject({
      ...refused,
      problems: [{ what: expect.stringContaining('is not a date in UTC') }],
    });
  });

  it.each([
    ['Wed 25 Nov 2026 09:17:23 PM CET', 'CET'],
    ['Sun Nov 22 14:03:05 CST 2026', 'CST'],
    ['Wed 25 Nov 21:17:23 BST 2026', 'BST'],
  ])('does not guess the offset of %s', (text, zone) => {
    expect(parseDate(text, file)).toMatchObject({
      value: undefined,
      problems: [{ what: expect.stringContaining(`the letters ${zone} are no sure offset`) }],
    });
  });

  it.each(foreignTexts)('refuses %s', (_what, text) => {
    expect(parseDate(text, file)).toMatchObject(refused);
    expect(parseTimedatectl(text, file)).toMatchObject(refused);
  });
});

describe('timedatectl', () => {
  const text = `               Local time: Wed 2026-11-25 22:17:23 CET
           Universal time: Wed 2026-11-25 21:17:23 UTC
                 RTC time: Wed 2026-11-25 21:17:22
                Time zone: Europe/Berlin (CET, +0100)
`;

  it('takes the line that is in UTC', () => {
    expect(parseTimedatectl(text, file)).toEqual({
      value: { value: '2026-11-25T21:17:23Z', file, line: 2 },
      problems: [],
    });
  });

  it('refuses what has none', () => {
    expect(parseTimedatectl(text.replace('Universal', 'Unusual'), file)).toMatchObject({
      value: undefined,
      problems: [{ what: 'has no line Universal time' }],
    });
    expect(parseTimedatectl(text.replace('2026-11-25 21', '2026-11-55 21'), file).value).toBeUndefined();
  });
});
