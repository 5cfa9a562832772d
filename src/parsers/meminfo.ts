/**
 * `/proc/meminfo`, fs/proc/meminfo.c `meminfo_proc_show` (2.4: fs/proc/proc_misc.c), all kernels:
 *     MemTotal:       24683656 kB
 * 2.4 begins with a table in bytes, which says the same as the lines that follow:
 *             total:    used:    free:  shared: buffers:  cached:
 *     Mem:  527962112 519454720  8507392        0 84303872 291979264
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { rowText, unusableTable, whitespaceRows } from './rows.ts';
import { fact, type NumberedLine, oddLines, refuse, toCount } from './text.ts';

const noMemory = 'The memory of the host is unknown.';

/** Reads the sizes, in bytes, under the kernel's names; counts such as `HugePages_Total` are no sizes. */
export function parseMeminfo(text: string, file: string): Parsed<Record<string, Fact<number>>> {
  const unusable = unusableTable(text);
  if (unusable !== undefined) return refuse(file, unusable, noMemory);
  const sizes = new Map<string, Fact<number>>();
  const odd: NumberedLine[] = [];
  for (const row of whitespaceRows(text)) {
    const [label = '', printed, unit, ...more] = row.fields;
    const name = /^([\w()]+):$/.exec(label)?.[1];
    const kilobytes = toCount(printed);
    // A machine that prints this has memory: a file that says otherwise is damaged, or made up.
    const isNone = name === 'MemTotal' && kilobytes === 0;
    if (!isNone && name !== undefined && kilobytes !== undefined && unit === 'kB' && more.length === 0) {
      sizes.set(name, fact(kilobytes * 1024, file, row.line));
    } else if (!isTableOf24(row.fields) && !(name?.startsWith('HugePages_') && unit === undefined)) {
      odd.push(rowText(row));
    }
  }
  if (sizes.size === 0 && odd.length === 0) return refuse(file, 'holds no size', noMemory);
  const problems = oddLines(file, odd, 'The sizes on these lines are missing.');
  return { value: sizes.size === 0 ? undefined : Object.fromEntries(sizes), problems };
}

function isTableOf24([label, ...fields]: string[]): boolean {
  return label === 'total:' || ((label === 'Mem:' || label === 'Swap:') && fields.length > 2);
}
