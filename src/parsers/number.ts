/**
 * A sysctl or module parameter of one integer: `/proc/sys/…` (kernel/sysctl.c `proc_dointvec` and kin, all versions) and
 * `/sys/module/…/parameters/…` (kernel/params.c; a bool is printed `Y` or `N`):
 *     262144
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { fact, onlyLine, quote, refuse, toInteger, unusableContent } from './text.ts';

/**
 * Reads one integer. What was printed stays as it is: before 6.15 a maximum could be set to `-1`, which the kernel takes
 * for a huge unsigned number, and some files show as `4294967295`.
 */
export function parseNumber(text: string, file: string): Parsed<Fact<number>> {
  const cost = `The value of ${nameOf(file)} is not in the report.`;
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const printed = onlyLine(text);
  if (printed === 'Y' || printed === 'N') return { value: fact(printed === 'Y' ? 1 : 0, file), problems: [] };
  const value = toInteger(printed);
  if (value === undefined) return refuse(file, `is not one integer: ${quote(text.trim())}`, cost);
  return { value: fact(value, file), problems: [] };
}

/** The same, for what is counted: it is never negative, whatever a damaged file says. */
export function parseCount(text: string, file: string): Parsed<Fact<number>> {
  const parsed = parseNumber(text, file);
  if (parsed.value === undefined || parsed.value.value >= 0) return parsed;
  return refuse(file, `is no count: ${quote(text.trim())}`, `The value of ${nameOf(file)} is not in the report.`);
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
