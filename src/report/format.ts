/**
 * How numbers and times are written in a report: the only place that does it. Every function returns finished text; none of them reads
 * a clock, or the zone and locale of the machine: those are what {@link writtenIn} is given.
 */

/** What somebody asked for; without it numbers are written as the SI does, and times in UTC. */
export interface Notation {
  /** A name of the IANA time zone database. */
  timezone?: string | undefined;
  /** A BCP 47 language tag, of which the signs in numbers are taken. */
  locale?: string | undefined;
}

interface Writer {
  /** A number as `toFixed` writes it, without a sign, with the signs of a locale. */
  number: (fixed: string) => string;
  zone: string;
  /** Milliseconds that clocks in that zone are ahead of UTC at a moment. */
  offset: (time: number) => number;
}

/** Narrow no-break space: groups digits and binds a number to its unit. HarfBuzz makes it from the space of any font. */
const NARROW = '\u202f';
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
export type ByteUnit = (typeof BYTE_UNITS)[number];
/** U+2212: as wide as a digit, unlike the hyphen. */
const MINUS = '\u2212';

const PLAIN: Writer = {
  number: (fixed) => {
    const [whole = '0', fraction] = fixed.split('.');
    return `${whole.replace(/\B(?=(\d{3})+$)/g, NARROW)}${fraction === undefined ? '' : `.${fraction}`}`;
  },
  zone: 'UTC',
  offset: () => 0,
};

let writer = PLAIN;
const writers = new Map<string, Writer>();

/**
 * Calls a function that writes a report, and has all that is written meanwhile in a notation. What it calls must not wait for anything.
 *
 * @throws {RangeError} if there is no such zone or locale
 */
export function writtenIn<T>(notation: Notation, write: () => T): T {
  const before = writer;
  writer = writerOf(notation);
  try {
    return write();
  } finally {
    writer = before;
  }
}

function writerOf({ timezone, locale }: Notation): Writer {
  if (timezone === undefined && locale === undefined) return PLAIN;
  const key = JSON.stringify([timezone, locale]);
  const made = writers.get(key) ?? {
    number: locale === undefined ? PLAIN.number : numberIn(locale),
    ...(timezone === undefined
      ? { zone: PLAIN.zone, offset: PLAIN.offset }
      : { zone: timezone, offset: offsetIn(timezone) }),
  };
  writers.set(key, made);
  return made;
}

/** The digits stay those that the embedded fonts have. */
function numberIn(locale: string): Writer['number'] {
  const formats = new Map<number, Intl.NumberFormat>();
  return (fixed) => {
    const digits = fixed.split('.')[1]?.length ?? 0;
    const format =
      formats.get(digits) ??
      new Intl.NumberFormat(locale, {
        numberingSystem: 'latn',
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      });
    formats.set(digits, format);
    // As text it is not rounded a second time.
    return format.format(fixed as Intl.StringNumericLiteral);
  };
}

/** `GMT`, `GMT+05:30`, and before standard time `GMT-00:01:15`. */
const OFFSET = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

function offsetIn(timezone: string): Writer['offset'] {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  return (time) => {
    const name = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours = 0, minutes = 0, seconds = 0] = OFFSET.exec(name) ?? [];
    return (sign === '-' ? -1000 : 1000) * ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds));
  };
}

/** The zone that times are written in, for a heading. */
export function zone(): string {
  return writer.zone;
}

/** A number with a fixed count of decimals and grouped thousands: `65 536`, `409.6`. */
export function decimal(value: number, digits: number): string {
  const sign = value < 0 && Number(value.toFixed(digits)) !== 0 ? MINUS : '';
  return `${sign}${writer.number(Math.abs(value).toFixed(digits))}`;
}

/** A whole number: `65 536`. */
export function count(value: number): string {
  return decimal(value, 0);
}

/** A change: `+120`, `−3`, `0`. */
export function change(value: number): string {
  return value > 0 ? `+${count(value)}` : count(value);
}

/** A number with only the decimals that it needs, at most two: `10`, `409.6`, `0.17`. */
export function ratio(value: number): string {
  const digits = [0, 1].find((n) => Math.abs(value - Number(value.toFixed(n))) < 0.005) ?? 2;
  return decimal(value, digits);
}

/** A number of things with its noun: `1 slab`, `654 slabs`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Bytes to the last one: `2 510 208 B`. */
export function exactBytes(value: number): string {
  return `${count(Math.round(value))}${NARROW}B`;
}

function unitFor(value: number): number {
  let unit = 0;
  // What would be printed as 1024 of a unit is one of the next.
  while (unit < BYTE_UNITS.length - 1 && value / 1024 ** unit >= 1023.95) unit++;
  return unit;
}

/** Bytes to three digits in the unit that suits them: `256 B`, `6.49 MiB`, `24.1 MiB`, `512 KiB`. */
export function bytes(value: number): string {
  const unit = unitFor(value);
  const scaled = value / 1024 ** unit;
  const digits = unit === 0 ? 0 : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return `${decimal(scaled, digits)}${NARROW}${BYTE_UNITS[unit]}`;
}

/** The one unit, MiB or larger, in which a whole column of byte figures reads well. */
export function columnUnit(values: readonly number[]): ByteUnit {
  const largest = Math.max(0, ...values);
  return largest >= 100 * 1024 ** 3 ? 'GiB' : 'MiB';
}

/** Bytes in a given unit with one decimal, so that the figures of a column line up. */
export function bytesIn(value: number, unit: ByteUnit): string {
  const scaled = value / 1024 ** BYTE_UNITS.indexOf(unit);
  if (value > 0 && scaled < 0.05) return `under ${decimal(0.1, 1)}${NARROW}${unit}`;
  return `${decimal(scaled, 1)}${NARROW}${unit}`;
}

/** Bytes as people say them and, in brackets, to the last one, where that adds something. */
export function bytesBoth(value: number): string {
  return value < 1024 ? exactBytes(value) : `${exactBytes(value)} (${bytes(value)})`;
}

/** A share of the whole: `0.15 %`, `39 %`. Never `0 %` for something, nor `100 %` for less than all. */
export function percent(share: number): string {
  const value = share * 100;
  const unit = `${NARROW}%`;
  if (value === 0) return `0${unit}`;
  if (value < 0.01) return `under ${decimal(0.01, 2)}${unit}`;
  if (value > 99 && value < 100) return `${decimal(Math.floor(value * 10) / 10, 1)}${unit}`;
  // A little over the limit is no longer "100 %".
  if (value > 100 && value < 101) return `${decimal(Math.ceil(value * 10) / 10, 1)}${unit}`;
  const digits = value < 0.995 ? 2 : value < 9.95 ? 1 : 0;
  return `${decimal(value, digits)}${unit}`;
}

/** A length of time: `0.4 s`, `41 min`, `3 h 5 min`, `12 days 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s > 0 && s < 0.05) return `under ${decimal(0.1, 1)}${NARROW}s`;
  if (s < 10) return `${decimal(s, Number.isInteger(s) ? 0 : 1)}${NARROW}s`;
  if (s < 120) return `${count(Math.round(s))}${NARROW}s`;
  const minutes = Math.round(s / 60);
  if (minutes < 120) return `${minutes}${NARROW}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}${NARROW}h${minutes % 60 ? ` ${minutes % 60}${NARROW}min` : ''}`;
  const roundedHours = Math.round(s / 3600);
  const days = Math.floor(roundedHours / 24);
  const rest = roundedHours % 24;
  return `${count(days)} days${rest ? ` ${rest}${NARROW}h` : ''}`;
}

/** Seconds since boot, as the kernel log stamps them: `81 234.5 s`. */
export function secondsExact(seconds: number): string {
  return `${ratio(seconds)}${NARROW}s`;
}

/** How often something happens, in the unit that suits it: `302 / s`, `4.5 / min`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return `0${NARROW}/${NARROW}s`;
  const [value, unit] =
    perSecond >= 1 ? [perSecond, 's'] : perSecond * 60 >= 1 ? [perSecond * 60, 'min'] : [perSecond * 3600, 'h'];
  if (value < 0.05) return `under ${decimal(0.1, 1)}${NARROW}/${NARROW}${unit}`;
  return `${decimal(value, value < 10 ? 1 : 0)}${NARROW}/${NARROW}${unit}`;
}

/**
 * An ISO 8601 time as `2026-11-20 14:02:11 UTC`, in another zone as `2026-11-20 15:02:11 +01:00`; what is no such time is returned as
 * it is.
 */
export function dateTime(iso: string): string {
  const parts = partsOf(iso);
  return parts === undefined ? iso : `${parts.date} ${parts.time} ${parts.zone}`;
}

/** The same to the minute, where the zone is named beside it: with an offset only in an hour that clocks in that zone go through twice. */
export function shortDateTime(iso: string): string {
  const parts = partsOf(iso);
  if (parts === undefined) return iso;
  const time = Date.parse(iso);
  const isTwice = SHIFTS.some((shift) => shift + writer.offset(time + shift) === writer.offset(time));
  return `${parts.date} ${parts.time.slice(0, 5)}${isTwice ? ` ${parts.zone}` : ''}`;
}

/** What clocks are put back by, in milliseconds: an hour, and half of one in Australia/Lord_Howe. */
const SHIFTS = [-3_600_000, -1_800_000, 1_800_000, 3_600_000];

function partsOf(iso: string): { date: string; time: string; zone: string } | undefined {
  const time = Date.parse(iso);
  if (!/^\d{4}-\d\d-\d\d/.test(iso) || Number.isNaN(time)) return undefined;
  const offset = writer.offset(time);
  const [date = '', clock = ''] = new Date(time + offset).toISOString().slice(0, 19).split('T');
  return { date, time: clock, zone: writer.zone === 'UTC' ? 'UTC' : offsetText(offset) };
}

function offsetText(offset: number): string {
  const text = new Date(Math.abs(offset)).toISOString().slice(11, 19).replace(/:00$/, '');
  return `${offset < 0 ? MINUS : '+'}${text}`;
}

/** Words as a list: `a, b and c`. */
export function list(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** First letter upper case; for a sentence that begins with a value. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The same with ordinary blanks, for who looks for words in it or reads it where there are no others. */
export function withOrdinaryBlanks(text: string): string {
  return text.replace(/[\u00a0\u202f]/g, ' ');
}
