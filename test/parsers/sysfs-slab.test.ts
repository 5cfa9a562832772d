import { expect, it, test } from 'vitest';
import { parseSysfsSlabValue } from '../../src/parsers/sysfs-slab.ts';
import { foreignTexts } from './fixture.ts';

const folder = 'sys/kernel/slab/nf_conntrack';

test.each([
  ['objects', '40704 N0=40704\n', 40704],
  ['order', '0\n', 0],
  ['slabs_cpu_partial', '56(7) C0=56(7)\n', 56],
])('%s', (name, text, value) => {
  const file = `${folder}/${name}`;
  expect(parseSysfsSlabValue(text, file)).toEqual({ value: { value, file }, problems: [] });
});

it.each([
  ['ctor', '\n'],
  ['ctor', 'init_once+0x0/0x20\n'],
  ['alloc_calls', 'No data\n'],
])('expects no number in %s', (name, text) => {
  expect(parseSysfsSlabValue(text, `${folder}/${name}`)).toEqual({ value: undefined, problems: [] });
});

it.each([...foreignTexts, ['a word', 'many'], ['a negative number', '-1'], ['something else', '12ab']])(
  'refuses %s',
  (_what, text) => {
    const file = `${folder}/objects`;
    expect(parseSysfsSlabValue(text, file)).toMatchObject({
      value: undefined,
      problems: [{ file, cost: 'objects of the slab cache is not in the report.' }],
    });
  },
);
