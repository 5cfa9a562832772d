/** Files that are tables: columns with white space between them, and the bundle's own CSV files. */
import { parse } from 'csv-parse/sync';
import { type NumberedLine, unusableContent } from './text.ts';

/** A row of a table. */
export interface Row {
  fields: string[];
  line: number;
}

/**
 * Lines of the longest table that is taken for real: a host with 8192 CPUs, or with thousands of slab caches, has fewer. A
 * bundle can come from anybody, and the library takes its time over rows of unequal length.
 */
const longestTable = 20_000;

/** Why a text is no table, if that can be told without knowing its columns. */
export function unusableTable(text: string): string | undefined {
  const isLonger = text.split('\n', longestTable + 2).length > longestTable + 1;
  return isLonger ? `has more than ${longestTable} lines` : unusableContent(text);
}

/** Rows of a table whose columns are any run of blanks or TABs apart; blank lines are left out. */
export function whitespaceRows(text: string): Row[] {
  const rows: Row[] = [];
  parse(text.replace(/[ \t\r]+/g, ' '), {
    delimiter: ' ',
    record_delimiter: '\n',
    quote: null,
    escape: null,
    relax_column_count: true,
    on_record: (record: string[], { lines }) => {
      const fields = record.filter((field) => field !== '');
      if (fields.length > 0) rows.push({ fields, line: lines });
      return null;
    },
  });
  return rows;
}

/** A row as it can be quoted. */
export function rowText({ fields, line }: Row): NumberedLine {
  return { text: fields.join(' '), line };
}

/** Rows of a CSV file (RFC 4180), and where it stops making sense: at a quote that is never closed. */
export function csvRows(text: string): { rows: Row[]; unclosedAt: number | undefined } {
  const rows: Row[] = [];
  let end = 0;
  let unclosedAt: number | undefined;
  parse(text.replace(/\r\n/g, '\n'), {
    record_delimiter: '\n',
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: () => {
      unclosedAt = end + 1;
      return undefined;
    },
    on_record: (fields: string[], { lines }) => {
      // A quoted field may hold line breaks; the row begins where its first line does.
      const breaks = fields.join('').split('\n').length - 1;
      rows.push({ fields, line: lines - breaks });
      end = lines;
      return null;
    },
  });
  return { rows, unclosedAt };
}
