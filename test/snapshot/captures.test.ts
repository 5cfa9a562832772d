/** What each of the captures in test/fixtures/captures is: which counters rose while it was taken, and how much room there was. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSnapshot } from '../../src/snapshot/read.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/captures/', import.meta.url));

/** @param least, most  of nf_conntrack_max that all readings lie between */
const CAPTURES: { name: string; rose: string[]; least: number; most: number; logged: boolean }[] = [
  { name: 'evicting', rose: ['early_drop'], least: 0.99, most: 1, logged: false },
  { name: 'other-namespace', rose: [], least: 0, most: 0.1, logged: true },
  { name: 'chains', rose: ['chaintoolong', 'insert_failed'], least: 0.1, most: 0.2, logged: false },
  { name: 'clashes', rose: ['clash_resolve', 'found', 'insert_failed', 'drop'], least: 0, most: 0.2, logged: false },
  { name: 'nat-ports', rose: ['found', 'insert_failed', 'drop'], least: 0, most: 0.02, logged: false },
];

test.each(CAPTURES)('$name', async ({ name, rose, least, most, logged }) => {
  const { problems, first, series, last, sysctls, log } = await readSnapshot(`${FOLDER}${name}.tar.gz`);
  expect(problems).toEqual([]);
  const [before = {}, after = {}] = [first, last].map((reading) => reading?.counters?.totals);
  expect(
    Object.keys(after)
      .filter((counter) => Number(after[counter]) > Number(before[counter]))
      .sort(),
  ).toEqual(rose.sort());
  for (const { count } of [first, ...series]) {
    const share = Number(count?.value) / Number(sysctls.max?.value);
    expect(share).toBeGreaterThanOrEqual(least);
    expect(share).toBeLessThanOrEqual(most);
  }
  expect(log.some(({ kind }) => kind === 'table-full')).toBe(logged);
});

test('other-namespace: the full one is named in the log, and its counters were read', async () => {
  const { log, namespaces, sysctls } = await readSnapshot(`${FOLDER}other-namespace.tar.gz`);
  const [named] = new Set(log.map(({ netns }) => netns).filter(Boolean));
  const other = namespaces.find(({ inode }) => inode === named);
  expect(other).toMatchObject({ names: ['web-g'], counters: { entries: { value: sysctls.max?.value } } });
  expect(other?.counters?.totals.drop).toBeGreaterThan(100);
});
