import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseTableRow } from '../../src/parsers/table/row.ts';
import { table } from './generate.mjs';

const text = (entries: number, options?: object) => [...table(entries, options)].join('');
const sha256 = (value: string) => createHash('sha256').update(value).digest('hex');

test('the same seed gives the same table, another seed another', () => {
  expect(sha256(text(3000, { seed: 7 }))).toBe(sha256(text(3000, { seed: 7 })));
  expect(sha256(text(3000, { seed: 8 }))).not.toBe(sha256(text(3000, { seed: 7 })));
});

test.each([{ accounting: false }, { accounting: true }])(
  'every row is one that the kernel could print: %j',
  (options) => {
    const lines = text(20_000, options).trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    const kinds = new Set<string>();
    for (const line of lines) {
      const row = parseTableRow(line);
      if (row === undefined || row === 'expectation') throw new Error(`not a row: ${line}`);
      kinds.add(`${row.family} ${row.protocol} ${row.state} ${row.flag}`);
      expect(row.original.packets !== undefined).toBe(options.accounting);
    }
    // The rare ones are there as well.
    for (const kind of [
      'ipv6 tcp ESTABLISHED ASSURED',
      'ipv4 tcp undefined OFFLOAD',
      'ipv4 gre undefined ASSURED',
      'ipv4 protocol 50 undefined no flag',
    ]) {
      expect([...kinds]).toContain(kind);
    }
  },
);
