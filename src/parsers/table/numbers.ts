/** Whole numbers as the connection table prints them. */

const DIGIT_ZERO = 48;

/**
 * The unsigned decimal number in `text[start, end)`; undefined where that is empty, holds anything but digits, or exceeds
 * `max`. Above 2^53 (byte counters) the value is the nearest double.
 */
export function decimalAt(text: string, start: number, end: number, max = Number.MAX_VALUE): number | undefined {
  if (start >= end) return undefined;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value <= max ? value : undefined;
}

/** {@link decimalAt} over the whole text; an absent text has no number. */
export function decimal(text: string | undefined, max?: number): number | undefined {
  return text === undefined ? undefined : decimalAt(text, 0, text.length, max);
}

/** A GRE key as the table prints it: `0x1234`. */
export function hexadecimal(text: string): number | undefined {
  return /^0x[0-9a-f]{1,8}$/i.test(text) ? Number(text) : undefined;
}
