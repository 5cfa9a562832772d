/**
 * The page size, from whatever tells it:
 * - `getconf PAGESIZE` (also BusyBox's and musl's): `4096`; in `getconf -a` (glibc) the line `PAGESIZE                           4096`;
 * - `/proc/self/smaps`, fs/proc/task_mmu.c `show_smap`, 2.6.29 until today: `KernelPageSize:        4 kB`;
 * - `/proc/1/statm` and `/proc/1/status`, fs/proc/array.c and task_mmu.c, 2.4 until today: the size of one address space in
 *   pages (`2598 1013 712 …`, the first number) and in KiB (`VmSize:	   10392 kB`);
 * - `/boot/config-…`, the kernel's configuration: `CONFIG_PAGE_SIZE_64KB=y` since 6.9 and on MIPS (arch/Kconfig), before that
 *   `CONFIG_ARM64_64K_PAGES=y` (arch/arm64/Kconfig) and `CONFIG_PPC_64K_PAGES=y` (arch/powerpc/Kconfig).
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { fact, numberedLines, onlyLine, quote, refuse, toCount, unusableContent } from './text.ts';

const noPageSize = 'The page size is not known from this file; without it slabs cannot be counted in bytes.';

/** Reads what `getconf PAGESIZE` prints. */
export function parseGetconf(text: string, file: string): Parsed<Fact<number>> {
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, noPageSize);
  return pageSize(toCount(onlyLine(text)), text, file);
}

/** Reads the line of the page size from what `getconf -a` prints. */
export function parseGetconfA(text: string, file: string): Parsed<Fact<number>> {
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, noPageSize);
  for (const { text: content, line } of numberedLines(text)) {
    const printed = /^PAGE_?SIZE\s+(\d+)$/.exec(content)?.[1];
    if (printed !== undefined) return pageSize(toCount(printed), content, file, line);
  }
  return refuse(file, 'has no line PAGESIZE', noPageSize);
}

/** Reads the option of a kernel's configuration that fixes the page size; most architectures had none before 6.9. */
export function parsePageConfig(text: string, file: string): Parsed<Fact<number>> {
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, noPageSize);
  const found = new Map<number, Fact<number>>();
  let options = 0;
  for (const { text: content, line } of numberedLines(text)) {
    if (content.startsWith('CONFIG_')) options++;
    const [, general, own] = /^CONFIG_(?:PAGE_SIZE_(\d{1,3})KB|(?:ARM64|PPC)_(\d{1,3})K_PAGES)=y$/.exec(content) ?? [];
    const parsed = pageSize(toCount(general ?? own), content, file, line, 1024);
    if (parsed.value && !found.has(parsed.value.value)) found.set(parsed.value.value, parsed.value);
  }
  if (options === 0) return refuse(file, 'is no configuration of a kernel', noPageSize);
  if (found.size > 1) return refuse(file, `names several page sizes: ${[...found.keys()].join(', ')}`, noPageSize);
  const [only] = found.values();
  if (only === undefined) return refuse(file, 'has no option that fixes the page size', noPageSize);
  return { value: only, problems: [] };
}

/** Reads the first `KernelPageSize:` line of smaps; the lines around it may be missing. */
export function parseKernelPageSize(text: string, file: string): Parsed<Fact<number>> {
  const unusable = unusableContent(text);
  if (unusable !== undefined) return refuse(file, unusable, noPageSize);
  const lines = numberedLines(text);
  for (const { text: content, line } of lines) {
    const kilobytes = toCount(/^KernelPageSize:\s+(\d+) kB$/.exec(content)?.[1]);
    if (kilobytes !== undefined) return pageSize(kilobytes * 1024, content, file, lines.length > 1 ? line : undefined);
  }
  return refuse(file, 'has no line KernelPageSize', noPageSize);
}

/** Divides the size of a process in bytes by its size in pages; exact, unless it grew between the two readings. */
export function pageBytesFromProcess(
  statmText: string,
  statusText: string,
  [statmFile, statusFile]: [statm: string, status: string],
): Parsed<Fact<number>> {
  const pages = toCount(/^\s*(\d+)(?:\s|$)/.exec(statmText)?.[1]);
  if (!pages) return refuse(statmFile, `does not begin with a number of pages: ${quote(statmText.trim())}`, noPageSize);
  const lines = numberedLines(statusText);
  for (const { text: content, line } of lines) {
    const kilobytes = toCount(/^VmSize:\s+(\d+) kB$/.exec(content)?.[1]);
    if (kilobytes === undefined) continue;
    const printed = `${content}, ${pages} pages in ${statmFile}`;
    return pageSize((kilobytes * 1024) / pages, printed, statusFile, lines.length > 1 ? line : undefined);
  }
  return refuse(statusFile, 'has no line VmSize', noPageSize);
}

/** Linux has pages of 4 KiB to 256 KiB; a power of two a little beyond that is still more likely true than not. */
function pageSize(
  printedSize: number | undefined,
  printed: string,
  file: string,
  line?: number,
  unit = 1,
): Parsed<Fact<number>> {
  const bytes = printedSize === undefined ? undefined : printedSize * unit;
  if (bytes === undefined || bytes < 1024 || bytes > 1_048_576 || !Number.isInteger(Math.log2(bytes))) {
    return refuse(file, `tells no page size: ${quote(printed.trim())}`, noPageSize);
  }
  return { value: fact(bytes, file, line), problems: [] };
}
