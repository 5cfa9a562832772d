import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { member, membersOf, nameOf, tarOf } from './archives.ts';
import { faultsIn, inputOf, type Kept } from './faults.ts';
import { FILES, generated } from './grammar.ts';
import { mutatedText } from './mutate.ts';
import { Random } from './random.ts';

/** Whatever broke something once: each file says what. `npm run fuzz` adds to them. */
describe('kept inputs', () => {
  const folder = new URL('kept/', import.meta.url);
  const kept = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ file, ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Kept) }));

  it.each(kept)('$file: $broke', { timeout: 20_000 }, async (each) => {
    expect(await faultsIn(each.target, inputOf(each))).toEqual([]);
  });
});

test('the same seed gives the same inputs, and another one others', () => {
  const texts = (seed: number) =>
    Array.from({ length: 50 }, (_, at) =>
      mutatedText(new Random(seed, 'a', at), ['nf_conntrack_max = 262144\nabc 12\n']),
    );
  expect(texts(1)).toEqual(texts(1));
  expect(new Set([...texts(1), ...texts(2)]).size).toBeGreaterThan(60);
});

test.each(FILES)('the grammar of %s leaves nothing open', (rule) => {
  const made = Array.from({ length: 50 }, (_, at) => generated(new Random(rule, at), rule));
  expect(made.filter((text) => /\{\w*\*?\}/.test(text))).toEqual([]);
  expect(Math.max(...made.map(({ length }) => length))).toBeGreaterThan(20);
});

test('an archive that is taken apart and put together is what it was', () => {
  const tar = tarOf([member('proc/slabinfo', 'x'.repeat(700)), member('a', '')]);
  const members = membersOf(tar);
  expect(members.map((each) => [nameOf(each), each.content.length])).toEqual([
    ['proc/slabinfo', 700],
    ['a', 0],
  ]);
  expect(tarOf(members).equals(tar)).toBe(true);
});
