import { describe, expect, it, test } from 'vitest';
import { parseConntrackS, parseProcCounters } from '../../src/parsers/counters.ts';
import { fixture, foreignTexts } from './fixture.ts';

const file = 'proc/net/stat/nf_conntrack';
const hex = (value: number) => value.toString(16).padStart(8, '0');
const row = (...values: number[]) => values.map(hex).join(' ');

const tail = 'insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete';
/** Headers as kernels print them; columns keep their places. */
const headers = {
  '2.6.9': `entries  searched found new invalid ignore delete delete_list ${tail}`,
  '2.6.39': `entries  searched found new invalid ignore delete delete_list ${tail} search_restart`,
  '5.11': `entries  clashres found new invalid ignore delete delete_list ${tail} search_restart`,
  '5.15': `entries  clashres found new invalid ignore delete chainlength ${tail} search_restart`,
};
const numbered = Array.from({ length: 17 }, (_, index) => index + 1);

describe('/proc/net/stat', () => {
  test('6.18, captured', () => {
    const { value, problems } = parseProcCounters(fixture('stat-nf_conntrack-6.18.txt'), file);
    expect(problems).toEqual([]);
    expect(value).toMatchObject({
      file,
      cpus: 2,
      entries: { value: 1000, file, line: 2 },
      totals: { drop: 0x26c + 0x2d0, early_drop: 0x19 + 0x23, clash_resolve: 0, chaintoolong: 0 },
    });
    expect(Object.keys(value?.totals ?? {})).toHaveLength(16);
  });

  test('both ways of asking the kernel agree', () => {
    const proc = parseProcCounters(fixture('stat-nf_conntrack-6.18.txt'), file).value;
    const netlink = parseConntrackS(fixture('conntrack-S-1.4.7.txt'), 'commands/conntrack-S').value;
    expect(netlink?.cpus).toBe(proc?.cpus);
    expect(Object.keys(netlink?.totals ?? {})).toHaveLength(10);
    expect(proc?.totals).toMatchObject(netlink?.totals ?? {});
  });

  test.each([
    ['2.6.9', { searched: 2, delete_list: 8, expect_delete: 16 }],
    ['2.6.39', { searched: 2, delete_list: 8, search_restart: 17 }],
    ['5.11', { clash_resolve: 2, delete_list: 8, search_restart: 17 }],
    ['5.15', { clash_resolve: 2, chaintoolong: 8, search_restart: 17 }],
  ] as const)('header of %s', (kernel, totals) => {
    const width = headers[kernel].split(/\s+/).length;
    const text = `${headers[kernel]}\n${row(...numbered.slice(0, width))}\n`;
    const { value, problems } = parseProcCounters(text, file);
    expect(problems).toEqual([]);
    expect(value?.totals).toMatchObject({
      found: 3,
      insert_failed: 10,
      drop: 11,
      early_drop: 12,
      icmp_error: 13,
      ...totals,
    });
    expect(Object.keys(value?.totals ?? {})).toHaveLength(width - 1);
  });

  it('adds CPUs beyond 32 bits, and never the entries', () => {
    const cpu = row(...numbered.map((number) => (number === 1 ? 70_000 : 0xffffffff)));
    const { value } = parseProcCounters(`${headers['5.15']}\n${cpu}\n${cpu}\n${cpu}\n`, file);
    expect(value?.entries?.value).toBe(70_000);
    expect(value?.totals.drop).toBe(3 * 0xffffffff);
    expect(value?.totals).not.toHaveProperty('entries');
  });

  it.each([1, 5, 9, 60])('leaves out a last line that ends %i characters early', (missing) => {
    const cpu = row(...numbered);
    const { value, problems } = parseProcCounters(`${headers['5.15']}\n${cpu}\n${cpu.slice(0, -missing)}`, file);
    expect(value).toMatchObject({ cpus: 1, totals: { drop: 11, search_restart: 17 } });
    expect(problems).toMatchObject([
      {
        file,
        line: 3,
        what: expect.stringContaining('one line was not understood'),
        cost: 'The counters of these CPUs are missing from the totals.',
      },
    ]);
  });

  it('uses the names that a line has values for, and the values that have names', () => {
    const short = parseProcCounters(`${headers['5.15']}\n${row(...numbered.slice(0, 11))}\n`, file);
    expect(short.value?.totals).toMatchObject({ drop: 11 });
    expect(short.value?.totals).not.toHaveProperty('early_drop');
    expect(short.problems).toMatchObject([{ line: 1, what: 'the header names 17 columns, but lines have 11' }]);
    const long = parseProcCounters(`${headers['2.6.9']}\n${row(...numbered)}\n`, file);
    expect(long.value?.totals).toMatchObject({ expect_delete: 16 });
    expect(long.problems).toHaveLength(1);
  });

  it('trusts the many lines, not the long one', () => {
    const cpu = row(...numbered);
    const { value, problems } = parseProcCounters(`${headers['5.15']}\n${cpu}\n${cpu}${cpu}\n${cpu}\n`, file);
    expect(value).toMatchObject({ cpus: 2, totals: { drop: 22 } });
    expect(problems).toMatchObject([{ line: 3 }]);
  });

  it('needs the header', () => {
    const { value, problems } = parseProcCounters(`${row(...numbered)}\n`, file);
    expect(value).toBeUndefined();
    expect(problems[0]?.what).toBe('has no header line that begins with "entries"');
    expect(parseProcCounters(`${headers['5.15']}\n`, file).value).toBeUndefined();
  });

  it.each(foreignTexts)('refuses %s', (_what, text) => {
    expect(parseProcCounters(text, file)).toMatchObject({ value: undefined, problems: [{ file }] });
  });
});

describe('conntrack -S', () => {
  const from = 'commands/conntrack-S';

  test('of all CPUs, captured', () => {
    const { value, problems } = parseConntrackS(fixture('conntrack-S-1.4.7.txt'), from);
    expect(problems).toEqual([]);
    expect(value).toEqual({
      file: from,
      cpus: 2,
      totals: {
        found: 0,
        invalid: 0,
        insert: 0,
        insert_failed: 0,
        drop: 1340,
        early_drop: 60,
        icmp_error: 0,
        search_restart: 0,
        clash_resolve: 0,
        chaintoolong: 0,
      },
    });
  });

  test('of the first CPU only, before 1.4.0', () => {
    const text =
      'entries              \t\t5120\nsearched\t\t\t88\nfound\t\t\t12\nnew\t\t\t7\ndrop\t\t\t3\nicmp_error\t\t\t1\n';
    const { value, problems } = parseConntrackS(text, from);
    expect(value).toEqual({
      file: from,
      cpus: 1,
      entries: { value: 5120, file: from, line: 1 },
      totals: { searched: 88, found: 12, new: 7, drop: 3, icmp_error: 1 },
    });
    expect(problems).toMatchObject([{ cost: 'Drops and failed inserts on the other CPUs are not counted.' }]);
  });

  it('leaves out a line that was cut', () => {
    const text = fixture('conntrack-S-1.4.7.txt');
    const { value, problems } = parseConntrackS(text.slice(0, -40), from);
    expect(value).toMatchObject({ cpus: 1, totals: { drop: 620 } });
    expect(problems).toMatchObject([{ line: 2 }]);
  });

  it('is not put off by a message of the command between the lines', () => {
    const message = 'conntrack v1.4.7 (conntrack-tools): and more words than any line of counters has, one, two, three';
    const { value, problems } = parseConntrackS(`${fixture('conntrack-S-1.4.7.txt')}${message}\n`, from);
    expect(value).toMatchObject({ cpus: 2, totals: { drop: 1340 } });
    expect(problems).toMatchObject([{ line: 3 }]);
  });

  it('keeps counters whose names this version of the command did not know', () => {
    const { value } = parseConntrackS('cpu=0\tfound=1 drop=2 unknown1=3\n', from);
    expect(value?.totals).toEqual({ found: 1, drop: 2, unknown1: 3 });
  });

  it.each([...foreignTexts, ['other words', 'hello world\nhow are you\n']])('refuses %s', (_what, text) => {
    expect(parseConntrackS(text, from)).toMatchObject({ value: undefined, problems: [{ file: from }] });
  });
});
