/** What a support team knows of its hosts: a CSV file with a column of host names, and a column for each label. */
import { readFileSync } from 'node:fs';
import { CsvError, parse } from 'csv-parse/sync';

/** The file cannot be used. The message names it, and the line. */
export class LabelsError extends Error {
  override name = 'LabelsError';
}

export interface Labels {
  /** What the other columns are called, in their order. */
  columns: string[];
  /** Of each host, by its name in lower case, its name as it was written and the labels that it has. */
  hosts: Map<string, { hostname: string; labels: Record<string, string> }>;
}

export const NO_LABELS: Labels = { columns: [], hosts: new Map() };

const HOSTNAME = 'hostname';

/**
 * Reads labels.
 *
 * @throws {LabelsError} where a line cannot be right: then a whole fleet might be sorted wrongly
 */
export function readLabels(file: string): Labels {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new LabelsError(`${file} cannot be read: ${(error as Error).message}`);
  }
  return parseLabels(text, file);
}

/** The same of text; `file` is how messages call it. */
export function parseLabels(text: string, file: string): Labels {
  const rows = rowsOf(text, file);
  const refuse = (line: number, what: string): never => {
    throw new LabelsError(`${file}, line ${line}: ${what}`);
  };
  const [header] = rows;
  if (!header) return refuse(1, `expected a header such as ${HOSTNAME},site,customer`);
  const names = header.record.map((name) => name.toLowerCase());
  const at = names.indexOf(HOSTNAME);
  if (at < 0) refuse(header.line, `expected a column ${HOSTNAME}, found ${header.record.join(', ')}`);
  if (names.includes('')) refuse(header.line, 'a column has no name');
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice !== undefined) refuse(header.line, `two columns are called ${twice}`);
  const hosts: Labels['hosts'] = new Map();
  for (const { record, line } of rows.slice(1)) {
    if (record.length !== names.length)
      refuse(line, `expected ${names.length} fields, as in the header, found ${record.length}`);
    const hostname = record[at] ?? '';
    if (hostname === '') refuse(line, `${HOSTNAME} is empty`);
    if (hosts.has(hostname.toLowerCase())) refuse(line, `${hostname} is there twice`);
    const labels = header.record.flatMap((name, n) => (n === at || record[n] === '' ? [] : [[name, record[n] ?? '']]));
    hosts.set(hostname.toLowerCase(), { hostname, labels: Object.fromEntries(labels) });
  }
  return { columns: header.record.filter((_, n) => n !== at), hosts };
}

function rowsOf(text: string, file: string): { record: string[]; line: number }[] {
  try {
    const rows = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      // The library's types do not know what `info` does.
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return rows.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new LabelsError(`${file}, line ${error.lines ?? 1}: ${error.message}`);
  }
}
