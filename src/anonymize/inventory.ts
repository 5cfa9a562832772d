/** Brings inventory.csv up to date with members that were rewritten (RFC 4180; src/bundle/README.md has the columns). */
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';

/** What became of a member. */
export type Rewritten =
  | { before: Digest; after: Digest }
  /** It was left out. */
  | { before: Digest; leftOut: string };

/** Size and sums of a member: SHA-256 in hexadecimal digits, and the sum of cksum(1). */
export interface Digest {
  bytes: number;
  sha256: string;
  cksum: number;
}

/**
 * Returns the text with new sizes and digests. A line that was not true before stays as it is: that a member was changed or is missing is
 * to be seen afterwards, too.
 *
 * @param members by the path that the inventory has
 */
export function updateInventory(text: string, members: ReadonlyMap<string, Rewritten>): string {
  const rows: string[][] = parse(text, { relax_column_count: true, relax_quotes: true, skip_records_with_error: true });
  const [header = []] = rows;
  const [path, status, reason, bytes, digest] = ['path', 'status', 'reason', 'bytes', 'digest'].map((column) =>
    header.findIndex((name) => name.trim() === column),
  ) as [number, number, number, number, number];
  if (Math.min(path, status, reason, bytes, digest) < 0) return text;
  for (const row of rows.slice(1)) {
    const member = members.get(row[path] ?? '');
    if (!member || !isTrue(member.before, row[bytes], row[digest])) continue;
    if ('leftOut' in member) {
      row[status] = 'absent';
      row[reason] = member.leftOut;
      row[bytes] = '';
      row[digest] = '';
    } else {
      row[bytes] = String(member.after.bytes);
      row[digest] = `sha256:${member.after.sha256}`;
    }
  }
  return stringify(rows, { record_delimiter: 'unix' });
}

/** Whether an inventory's size and digest are those of a member. What is empty was not told, and is not wrong. */
export function isTrue(member: Digest, bytes = '', digest = ''): boolean {
  if (bytes !== '' && Number(bytes) !== member.bytes) return false;
  const [kind, sum] = digest.split(':', 2);
  if (kind === 'sha256') return sum?.toLowerCase() === member.sha256;
  if (kind === 'cksum') return Number(sum) === member.cksum;
  return true;
}
