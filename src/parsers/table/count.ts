/** Counts the rows of a table without reading them: of the many network namespaces of one host no more need be known. */
import { LONGEST_LINE } from './lines.ts';

/**
 * Lines that can only be rows, as every form but XML has them: those with an address. Damaged rows are counted as well.
 *
 * @param chunks the file's bytes, in blocks of any size
 */
export async function countRowLines(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let rows = 0;
  let unfinished = '';
  for await (const chunk of chunks) {
    const lines = (unfinished + Buffer.from(chunk).toString('latin1')).split('\n');
    unfinished = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    rows += lines.filter(isRow).length;
  }
  return rows + (isRow(unfinished) ? 1 : 0);
}

function isRow(line: string): boolean {
  return line.includes(' src=') || line.startsWith('-A ');
}
