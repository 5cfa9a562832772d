/**
 * One file of `/sys/kernel/slab/nf_conntrack/` (2.6.24: `/sys/slab/…`), SLUB only, mm/slub.c `*_show`. Numbers may be followed
 * by shares of NUMA nodes or of CPUs, and `slabs_cpu_partial` by slabs in parentheses:
 *     40704 N0=40704
 *     56(7) C0=56(7)
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { fact, foreignContent, quote, refuse, toCount } from './text.ts';

/** Files that print a symbol, a list or nothing at all, and not a number. */
const withoutNumber = /(?:^|\/)(?:ctor|alloc_calls|free_calls|shrink|validate)$/;

/** Reads the first integer. Files that never hold one give neither a value nor a problem. */
export function parseSysfsSlabValue(text: string, file: string): Parsed<Fact<number>> {
  if (withoutNumber.test(file)) return { value: undefined, problems: [] };
  const cost = `${file.slice(file.lastIndexOf('/') + 1)} of the slab cache is not in the report.`;
  const value = toCount(/^\s*(\d+)(?:[\s(]|$)/.exec(text)?.[1]);
  if (value !== undefined) return { value: fact(value, file), problems: [] };
  return refuse(file, foreignContent(text) ?? `does not begin with a number: ${quote(text.trim())}`, cost);
}
