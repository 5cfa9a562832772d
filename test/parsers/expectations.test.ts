import { describe, expect, it, test } from 'vitest';
import { countExpectations } from '../../src/parsers/expectations.ts';
import { foreignTexts } from './fixture.ts';

const file = 'proc/net/nf_conntrack_expect';
const present = '297 l3proto = 2 proto=6 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=50001 ftp\n';
const permanent = '- l3proto = 2 proto=17 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=5060 PERMANENT sip\n';
const old = '180 proto=17 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=69\n';

test.each([
  ['', 0],
  [present, 1],
  [present + permanent, 2],
  [old + old + old, 3],
])('%j', (text, value) => {
  expect(countExpectations(text, file)).toEqual({ value: { value, file }, problems: [] });
});

describe('damage', () => {
  it('does not count what is no expectation', () => {
    const { value, problems } = countExpectations(`${present}297 l3proto = 2 pro\n`, file);
    expect(value?.value).toBe(1);
    expect(problems).toMatchObject([{ line: 2 }]);
  });

  it('does not say zero where nothing was understood', () => {
    expect(countExpectations('tcp 6 431999 ESTABLISHED src=192.0.2.1\n', file).value).toBeUndefined();
  });

  it.each(foreignTexts.filter(([, text]) => text.trim() !== ''))('refuses %s', (_what, text) => {
    expect(countExpectations(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});
