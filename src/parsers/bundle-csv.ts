/**
 * The bundle's own three files, CSV as RFC 4180 has it, written by collect.sh since format version 1 and described in
 * src/bundle/README.md:
 *     format_version,1
 *     proc/slabinfo,/proc/slabinfo,captured,,0.21,0.01,25408,sha256:…
 *     4026532453,3,nginx;dnsmasq,web
 */
import type { InventoryItem, Namespace } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { csvRows, type Row, unusableTable } from './rows.ts';
import { type NumberedLine, oddLines, refuse, toCount } from './text.ts';

/** Reads `manifest.csv`. */
export function parseManifest(text: string, file: string): Parsed<Map<string, string>> {
  const cost = 'When, where and by what this was captured is unknown.';
  const { value: pairs, problems } = readTable(text, file, ['key', 'value'], cost, ({ key, value }) =>
    key && value !== undefined ? ([key, value] as const) : undefined,
  );
  return { value: pairs && new Map(pairs), problems };
}

/** Reads `inventory.csv`: what was looked for, and what came of it. */
export function parseInventory(text: string, file: string): Parsed<InventoryItem[]> {
  const cost = 'Why things are missing from the bundle, and whether it is whole, is unknown.';
  const header = ['path', 'source', 'status', 'reason', 'start', 'seconds', 'bytes', 'digest'];
  return readTable(text, file, header, cost, ({ path, source, status, reason, start, seconds, bytes, digest }) => {
    if (!path || source === undefined || !isStatus(status) || reason === undefined) return undefined;
    const numbers = { startSeconds: decimal(start), seconds: decimal(seconds), bytes: toCount(bytes) };
    const isDamaged = (start && numbers.startSeconds === undefined) || (bytes && numbers.bytes === undefined);
    return isDamaged ? undefined : { path, source, status, reason, ...numbers, digest: digest || undefined };
  });
}

/** Reads `netns.csv`: the other network namespaces of the host. */
export function parseNetns(text: string, file: string): Parsed<Omit<Namespace, 'counters'>[]> {
  const cost = 'Which other network namespaces the host has is unknown.';
  const header = ['inode', 'pids', 'processes', 'names'];
  return readTable(text, file, header, cost, ({ inode, pids: printed, processes, names }) => {
    const pids = toCount(printed);
    if (inode === undefined || !/^\d+$/.test(inode) || pids === undefined) return undefined;
    return { inode, pids, processes: list(processes), names: list(names) };
  });
}

/** Several names in one field, as collect.sh joins them. */
function list(field: string | undefined): string[] {
  return (field ?? '')
    .split(';')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

const statuses: readonly string[] = [
  'captured',
  'absent',
  'denied',
  'cut',
  'failed',
] satisfies InventoryItem['status'][];

function isStatus(status: string | undefined): status is InventoryItem['status'] {
  return status !== undefined && statuses.includes(status);
}

/** Seconds, with or without a fraction. */
function decimal(printed: string | undefined): number | undefined {
  return printed !== undefined && /^\d{1,12}(?:\.\d{1,9})?$/.test(printed) ? Number(printed) : undefined;
}

/** Finds columns by the header, so that a later format may add some; `read` gives nothing for a row that makes no sense. */
function readTable<T>(
  text: string,
  file: string,
  header: string[],
  cost: string,
  read: (row: Partial<Record<string, string>>) => T | undefined,
): Parsed<T[]> {
  const unusable = unusableTable(text);
  if (unusable !== undefined) return refuse(file, unusable, cost);
  const { rows, unclosedAt } = csvRows(text);
  const [first, ...others] = rows;
  // trim() also takes away the byte order mark of a file that was saved on Windows.
  const columns = first?.fields.map((field) => field.trim()) ?? [];
  if (!header.every((column) => columns.includes(column))) {
    return refuse(file, `does not begin with the line ${header.join(',')}`, cost);
  }
  const values: T[] = [];
  const odd: NumberedLine[] = [];
  for (const row of others) {
    const value = read(record(columns, row));
    if (value === undefined) odd.push(csvText(row));
    else values.push(value);
  }
  const problems = oddLines(file, odd, 'What these lines say is missing.');
  if (unclosedAt !== undefined) {
    problems.push({
      file,
      line: unclosedAt,
      what: 'ends inside a quoted value: the file is cut or damaged',
      cost: 'What this line and those after it say is missing.',
    });
  }
  return { value: values, problems };
}

function record(columns: string[], { fields }: Row): Partial<Record<string, string>> {
  return Object.fromEntries(columns.map((column, index) => [column, fields[index]]));
}

function csvText({ fields, line }: Row): NumberedLine {
  return { text: fields.join(','), line };
}
