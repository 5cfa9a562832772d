/**
 * Conntrack's statistics.
 *
 * `/proc/net/stat/nf_conntrack` (nf_conntrack_standalone.c `ct_cpu_seq_show`) and `/proc/net/stat/ip_conntrack` (2.6.9 until
 * compatibility ended in 4.4): a header, then a line of hexadecimal `%08x` for each possible CPU. 2.4 has none:
 *     entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  …
 *     00009e72  00000000 00000000 00000000 00000000 00000000 00000000 0000e82e 00000000 0000e82e 00000000 00000000 …
 * Columns keep their place while their meaning changes with the header: `searched` is `clashres` since 5.11, and `delete_list`
 * is `chainlength` since 5.15.
 *
 * `conntrack -S`: 0.9.12–1.2 read that file and print only its first CPU, `found\t\t\t12` a line. Since 1.4.0:
 *     cpu=0   \tfound=0 invalid=0 insert=0 insert_failed=59438 drop=0 early_drop=0 error=0 search_restart=0 …
 */
import type { Counters, Fact, Problem } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { type Row, rowText, unusableTable, whitespaceRows } from './rows.ts';
import { fact, oddLines, refuse, toCount } from './text.ts';

const noCounters = 'Drops, early drops and failed inserts since boot are unknown.';
const missingCpus = 'The counters of these CPUs are missing from the totals.';

/** Names that are another's, in one of the two places. */
const renamed = new Map([
  ['clashres', 'clash_resolve'],
  ['chainlength', 'chaintoolong'],
  ['error', 'icmp_error'],
]);

/** What one CPU's line says. */
interface CpuCounters {
  line: number;
  values: Map<string, number>;
}

/** Reads `/proc/net/stat/{nf,ip}_conntrack`. */
export function parseProcCounters(text: string, file: string): Parsed<Counters> {
  const unusable = unusableTable(text);
  if (unusable !== undefined) return refuse(file, unusable, noCounters);
  const [header, ...rows] = whitespaceRows(text);
  if (header?.fields[0] !== 'entries') return refuse(file, 'has no header line that begins with "entries"', noCounters);
  if (rows.length === 0) return refuse(file, 'has a header line but no line for a CPU', noCounters);

  const width = usualWidth(rows);
  const [odd, whole] = partition(rows, ({ fields }) => isDamaged(fields, width));
  const problems: Problem[] = oddLines(file, odd.map(rowText), missingCpus);
  const columns = header.fields;
  if (whole.length > 0 && width !== columns.length) {
    problems.push({
      file,
      line: header.line,
      what: `the header names ${columns.length} columns, but lines have ${width}`,
      cost: 'Only the columns that have both a name and a value are in the report.',
    });
  }
  const cpus = whole.map(({ fields, line }) => ({
    line,
    values: new Map(zip(columns, fields).map(([name, value]) => [name, Number.parseInt(value, 16)])),
  }));
  return { value: sum(cpus, file), problems };
}

/** Reads what `conntrack -S` prints, of one CPU or of all. */
export function parseConntrackS(text: string, file: string): Parsed<Counters> {
  const unusable = unusableTable(text);
  if (unusable !== undefined) return refuse(file, unusable, noCounters);
  const rows = whitespaceRows(text);
  return rows.some(isCpu) ? ofAllCpus(rows, file) : ofFirstCpu(rows, file);
}

function ofAllCpus(rows: Row[], file: string): Parsed<Counters> {
  const width = usualWidth(rows.filter(isCpu));
  const cpus: CpuCounters[] = [];
  const odd: Row[] = [];
  for (const row of rows) {
    const fields = row.fields.slice(1);
    const pairs = fields.map((field) => field.split('='));
    const values = new Map<string, number>();
    for (const [name = '', value] of pairs) {
      const count = toCount(value);
      if (count !== undefined) values.set(name, count);
    }
    // Every CPU has the same counters; a line with fewer of them was cut.
    if (isCpu(row) && row.fields.length === width && values.size === fields.length) {
      cpus.push({ line: row.line, values });
    } else odd.push(row);
  }
  return { value: sum(cpus, file), problems: oddLines(file, odd.map(rowText), missingCpus) };
}

function ofFirstCpu(rows: Row[], file: string): Parsed<Counters> {
  const values = new Map<string, number>();
  const odd: Row[] = [];
  let entriesLine = 1;
  for (const row of rows) {
    const [name = '', printed, ...more] = row.fields;
    const value = toCount(printed);
    if (value === undefined || more.length > 0 || !/^[a-z]\w*$/.test(name)) odd.push(row);
    else values.set(name, value);
    if (name === 'entries') entriesLine = row.line;
  }
  if (!['found', 'insert', 'drop'].some((name) => values.has(name))) {
    return refuse(file, 'is not what conntrack -S prints', noCounters);
  }
  const problems: Problem[] = [
    ...oddLines(file, odd.map(rowText), 'The counters on these lines are unknown.'),
    {
      file,
      what: 'was printed by conntrack-tools before 1.4.0, which read the first CPU only',
      cost: 'Drops and failed inserts on the other CPUs are not counted.',
    },
  ];
  return { value: sum([{ line: entriesLine, values }], file), problems };
}

function sum(cpus: CpuCounters[], file: string): Counters | undefined {
  const [first] = cpus;
  if (first === undefined) return undefined;
  // A Map, because a damaged file may call a counter `constructor`.
  const totals = new Map<string, number>();
  for (const { values } of cpus) {
    for (const [name, value] of values) {
      if (name === 'entries') continue;
      const key = renamed.get(name) ?? name;
      totals.set(key, (totals.get(key) ?? 0) + value);
    }
  }
  const count = first.values.get('entries');
  const entries: Fact<number> | undefined = count === undefined ? undefined : fact(count, file, first.line);
  return { file, cpus: cpus.length, ...(entries === undefined ? {} : { entries }), totals: Object.fromEntries(totals) };
}

/** `%08x` of 32 bits is eight digits, neither more nor less; and CPUs differ in their numbers, not in how many they have. */
function isDamaged(fields: string[], width: number): boolean {
  return fields.length !== width || !fields.every((field) => /^[0-9a-f]{8}$/i.test(field));
}

function isCpu({ fields }: Row): boolean {
  return /^cpu=\d+$/.test(fields[0] ?? '');
}

/** How many fields most lines have; the larger number where as many lines have one as the other. */
function usualWidth(rows: Row[]): number {
  const frequencies = new Map<number, number>();
  for (const { fields } of rows) frequencies.set(fields.length, (frequencies.get(fields.length) ?? 0) + 1);
  const [usual] = [...frequencies].sort(([width, often], [other, otherOften]) => otherOften - often || other - width);
  return usual?.[0] ?? 0;
}

function partition<T>(items: T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

function zip(names: string[], values: string[]): [string, string][] {
  return names.slice(0, values.length).map((name, index) => [name, values[index] ?? '']);
}
