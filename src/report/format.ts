/**
 * How numbers, times and untrusted strings are written in a report: the only place that does it. Every function returns
 * finished text; none of them reads a clock or a locale.
 */

/** Narrow no-break space: groups digits and binds a number to its unit. HarfBuzz makes it from the space of any font. */
const NARROW = '\u202f';
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
export type ByteUnit = (typeof BYTE_UNITS)[number];
/** U+2212: as wide as a digit, unlike the hyphen. */
const MINUS = '\u2212';

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, NARROW);
}

/** A number with a fixed count of decimals and grouped thousands: `65 536`, `409.6`. */
export function decimal(value: number, digits: number): string {
  const [whole = '0', fraction] = Math.abs(value).toFixed(digits).split('.');
  const sign = value < 0 && Number(value.toFixed(digits)) !== 0 ? MINUS : '';
  return `${sign}${grouped(whole)}${fraction === undefined ? '' : `.${fraction}`}`;
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
  if (value > 0 && scaled < 0.05) return `under 0.1${NARROW}${unit}`;
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
  if (value < 0.01) return `under 0.01${unit}`;
  if (value > 99 && value < 100) return `${decimal(Math.floor(value * 10) / 10, 1)}${unit}`;
  // A little over the limit is no longer "100 %".
  if (value > 100 && value < 101) return `${decimal(Math.ceil(value * 10) / 10, 1)}${unit}`;
  const digits = value < 0.995 ? 2 : value < 9.95 ? 1 : 0;
  return `${decimal(value, digits)}${unit}`;
}

/** A length of time: `0.4 s`, `41 min`, `3 h 5 min`, `12 days 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s > 0 && s < 0.05) return `under 0.1${NARROW}s`;
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
  if (value < 0.05) return `under 0.1${NARROW}/${NARROW}${unit}`;
  return `${decimal(value, value < 10 ? 1 : 0)}${NARROW}/${NARROW}${unit}`;
}

/** An ISO 8601 time as `2026-11-20 14:02:11 UTC`; what is no such time is returned as it is. */
export function utc(iso: string): string {
  const time = Date.parse(iso);
  if (!/^\d{4}-\d\d-\d\d/.test(iso) || Number.isNaN(time)) return iso;
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
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
