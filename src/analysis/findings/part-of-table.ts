/** What several rules share that ask whether one thing holds much of the table. */
import { FILLING } from '../usage.ts';
import type { Measured } from './rule.ts';

/** Of a small table a share says little, and a small table is seldom what is wrong. */
const FEW_ROWS = 1000;

/** From this share of the table on, one thing is worth knowing: without it the table would be a quarter smaller. */
const MUCH = 0.25;
/** From this share on, one thing decides how full the table is: without it the table would be half as full or less. */
const MOST = 0.5;

/** Whether the table is too small for shares to mean anything. */
export function isSmall({ entries }: NonNullable<Measured['table']>): boolean {
  return entries < FEW_ROWS;
}

/** How bad it is that one thing holds so many entries; undefined: not bad. */
export function severityOfPart(entries: number, { table, usage }: Measured): 'warning' | 'notice' | undefined {
  if (!table || isSmall(table)) return undefined;
  const share = entries / table.entries;
  if (share < MUCH) return undefined;
  return share >= MOST && (usage.peakShare ?? 0) >= FILLING ? 'warning' : 'notice';
}

/** How sure a count of rows is: of a table that was cut only a part was read. */
export function sureness({ table }: Measured): 'high' | 'medium' {
  return table?.cut === undefined ? 'high' : 'medium';
}

/** The entries of the table that have a key. */
export function entriesOf(tallies: readonly { key: string; entries: number }[], key: string): number {
  return tallies.find((tally) => tally.key === key)?.entries ?? 0;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
