/**
 * `free` (procps free.c, BusyBox free.c): the memory of the host, where /proc/meminfo is missing.
 *                    total        used        free      shared  buff/cache   available
 *     Mem:        24684096      456872    23510636        8788     1034684    24227224
 * The unit is not in the table but in the option: KiB without one, `-b` bytes, `-m` MiB; `-h` prints it: `23Gi`, before 3.3.16 `23G`.
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { fact, numberedLines, quote, refuse, toCount, unusableContent } from './text.ts';

const UNITS = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;
const SUFFIXES = ['B', 'K', 'M', 'G', 'T', 'P'];

/** Columns from which on multiples are no accident: total, used and free. */
const FEW_NUMBERS = 3;

/** Linux runs in no less: a smaller total is no number of bytes. */
const LEAST_BYTES = 4 * UNITS.m;

/** From so many MiB on a number is no number of GiB: no gateway has 16 TiB. */
const NO_GIBIBYTES = 16_384;

/**
 * Reads the total, in bytes, with how far it is rounded.
 *
 * @param option  the letter of free's option, if the name of the file tells; without it the numbers have to: sizes are whole pages,
 *                so that in bytes all of them are multiples of 4096, and in KiB of 4
 */
export function parseFree(text: string, file: string, option?: string): Parsed<Fact<number>> {
  const cost = 'The memory of the host is not known from this file.';
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  for (const { text: content, line } of numberedLines(text)) {
    const [label, total = '', ...others] = content.split(/\s+/);
    if (label !== 'Mem:') continue;
    const [, digits, suffix] = /^(\d{1,15}(?:[.,]\d)?)([BKMGTP])i?$/.exec(total) ?? [];
    const numbers = [total, ...others].map(toCount);
    const unit = suffix === undefined ? unitOf(numbers, option) : 1024 ** SUFFIXES.indexOf(suffix);
    const amount = digits === undefined ? numbers[0] : Number(digits.replace(',', '.'));
    if (!amount) break;
    if (unit === undefined) return refuse(file, `does not tell the unit of its numbers: ${quote(content)}`, cost);
    const tenths = /[.,]/.test(digits ?? '') ? 10 : 1;
    const value = fact(Math.round(amount * unit), file, line);
    return { value: unit > UNITS.k ? { ...value, roundedTo: unit / tenths } : value, problems: [] };
  }
  return refuse(file, `has no line of Mem: with a total: ${quote(text.trim())}`, cost);
}

/** Bytes in a unit of the table. */
function unitOf(numbers: readonly (number | undefined)[], option: string | undefined): number | undefined {
  if (option !== undefined && option !== 'h') return UNITS[option as keyof typeof UNITS];
  const all = (divisor: number) => numbers.every((number) => number !== undefined && number % divisor === 0);
  if (numbers.length < FEW_NUMBERS) return undefined;
  if (all(4096) && (numbers[0] ?? 0) >= LEAST_BYTES) return UNITS.b;
  if (all(4)) return UNITS.k;
  return (numbers[0] ?? 0) >= NO_GIBIBYTES ? UNITS.m : undefined;
}
