/**
 * `date` in the forms that collectors write (coreutils date.c, BusyBox date.c), and the lines of timedatectl(1):
 *     2026-11-22T14:03:05Z                      -u and an ISO 8601 format, or --iso-8601=seconds
 *     Wed Nov 25 21:17:23 UTC 2026              none, in the C locale
 *     Wed 25 Nov 2026 09:17:23 PM CET           none, in English locales of several versions of glibc
 *     Wed, 25 Nov 2026 21:17:23 +0000           -R
 *                Universal time: Wed 2026-11-25 21:17:23 UTC
 * The letters of a time zone say nothing for certain: CST is of America, of China and of Cuba, and IST of three countries.
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { fact, numberedLines, onlyLine, quote, refuse, unusableContent } from './text.ts';

const cost = 'When this was captured is not known from this file.';
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)? ?([A-Z]{1,5}|[+-]\d\d(?::?\d\d)?)(?:\s|$)/;
const CLOCK = String.raw`(\d\d?):(\d\d):(\d\d)(?: ([AP]M))?`;
const ZONE = String.raw`([A-Z]{1,5}|[+-]\d\d(?::?\d\d)?)`;
/** `Wed Nov 25 21:17:23 UTC 2026`, and since glibc 2.29 with AM or PM. */
const MONTH_FIRST = new RegExp(`^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\\d{1,2}) ${CLOCK} ${ZONE} (\\d{4})$`);
/** `Wed 25 Nov 21:17:23 GMT 2026`: en_GB. */
const DAY_FIRST = new RegExp(`^[A-Z][a-z]{2} +(\\d{1,2}) ([A-Z][a-z]{2}) ${CLOCK} ${ZONE} (\\d{4})$`);
/** `Wed 25 Nov 2026 09:17:23 PM CET`, and with a comma and a number what RFC 5322 wants. */
const YEAR_FIRST = new RegExp(`^[A-Z][a-z]{2},? +(\\d{1,2}) ([A-Z][a-z]{2}) (\\d{4}) ${CLOCK} ${ZONE}$`);

/** The numbers of a date as printed, and the zone in the printed words. */
interface Printed {
  date: [year: string, month: string | number, day: string];
  clock: [hour: string, minute: string, second: string, half: string];
  zone: string;
}

/** Reads one date, as ISO 8601 in UTC. A time in a zone that is named by letters other than those of UTC is refused. */
export function parseDate(text: string, file: string): Parsed<Fact<string>> {
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const printed = text.trim();
  const found = readDate(onlyLine(text) ?? '');
  if (!found) return refuse(file, `is not a date in UTC: ${quote(printed)}`, cost);
  return inUtc(found, printed, file);
}

/** Reads the line of timedatectl(1) that is in UTC, on which the zone of the host plays no part. */
export function parseTimedatectl(text: string, file: string): Parsed<Fact<string>> {
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  for (const { text: content, line } of numberedLines(text)) {
    const printed = /^Universal time: [A-Z][a-z]{2} (\d{4}-.*)$/.exec(content)?.[1];
    const found = printed === undefined ? undefined : readDate(printed);
    if (found) return inUtc(found, content, file, line);
  }
  return refuse(file, 'has no line Universal time', cost);
}

function readDate(text: string): Printed | undefined {
  const [, ...iso] = ISO.exec(text) ?? [];
  if (iso.length > 0) {
    const [year = '', month = '', day = '', hour = '', minute = '', second = '', zone = ''] = iso;
    return { date: [year, month, day], clock: [hour, minute, second, ''], zone };
  }
  const words = (year = '', month = '', day = '', clock: (string | undefined)[] = [], zone = ''): Printed => {
    const [hour = '', minute = '', second = '', half = ''] = clock;
    return { date: [year, months.indexOf(month) + 1, day], clock: [hour, minute, second, half], zone };
  };
  const monthFirst = MONTH_FIRST.exec(text);
  if (monthFirst) return words(monthFirst[8], monthFirst[1], monthFirst[2], monthFirst.slice(3, 7), monthFirst[7]);
  const dayFirst = DAY_FIRST.exec(text);
  if (dayFirst) return words(dayFirst[8], dayFirst[2], dayFirst[1], dayFirst.slice(3, 7), dayFirst[7]);
  const yearFirst = YEAR_FIRST.exec(text);
  if (yearFirst) return words(yearFirst[3], yearFirst[2], yearFirst[1], yearFirst.slice(4, 8), yearFirst[8]);
  return undefined;
}

function inUtc({ date, clock, zone }: Printed, printed: string, file: string, line?: number): Parsed<Fact<string>> {
  const minutes = offsetMinutes(zone);
  if (minutes === undefined) {
    return refuse(
      file,
      `is not a date in UTC, and the letters ${zone} are no sure offset from it: ${quote(printed)}`,
      cost,
    );
  }
  const [hour, minute, second, half] = clock;
  const ofDay = half === '' ? Number(hour) : hourOfDay(Number(hour), half);
  const moment = ofDay === undefined ? undefined : momentOf([...date, ofDay, minute, second]);
  if (moment === undefined) return refuse(file, `is not a date in UTC: ${quote(printed)}`, cost);
  const value = new Date(moment - 60_000 * minutes).toISOString().replace('.000Z', 'Z');
  return { value: fact(value, file, line), problems: [] };
}

/** Minutes east of Greenwich; undefined for letters that may mean several zones, and for what no zone has. */
function offsetMinutes(zone: string): number | undefined {
  if (/^(?:UTC|GMT|UCT|Z)$/.test(zone)) return 0;
  const [, sign, hours = '', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  // From Baker Island to the Line Islands (tz database).
  if (sign === undefined || Number(hours) > 14 || Number(minutes) > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (60 * Number(hours) + Number(minutes));
}

function hourOfDay(hour: number, half: string): number | undefined {
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half === 'PM' ? 12 : 0);
}

/** Milliseconds; nothing for a date that no calendar has, which Date would carry over into the next month. */
function momentOf(parts: (string | number)[]): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const two = (number: number) => String(number).padStart(2, '0');
  const wanted = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`;
  const date = new Date(`${wanted}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(wanted) ? date.getTime() : undefined;
}
