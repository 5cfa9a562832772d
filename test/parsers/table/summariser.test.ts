import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TableSummariser } from '../../../src/parsers/table/summariser.ts';
import type { TableSummary, Tally } from '../../../src/snapshot/types.ts';
import { objectOf, wrongsOf } from './oracle.ts';

function fixture(path: string): Buffer {
  const bytes = readFileSync(new URL(`../../fixtures/table/${path}`, import.meta.url));
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

async function* blocks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function summarise(bytes: Uint8Array | string, size?: number): Promise<TableSummary> {
  const summariser = new TableSummariser();
  await summariser.read('table', blocks(Buffer.from(bytes as string), size), ['ipv4', 'ipv6']);
  return summariser.finish();
}

/** A list of the largest without those that have as many entries as the last: which of them are in it is chance. */
function clear(top: [string, number][]): Record<string, number> {
  return Object.fromEntries(top.filter(([, entries]) => entries > (top.at(-1)?.[1] ?? 0)));
}

function pairs(tallies: Tally[]): [string, number][] {
  return tallies.map(({ key, entries }) => [key, entries]);
}

/** Fails where the largest are not those of another program, which orders what has as many entries in its own way. */
function expectTop(top: Tally[], expected: [string, number][]): void {
  expect(top.map(({ entries }) => entries)).toEqual(expected.map(([, entries]) => entries));
  expect(clear(pairs(top))).toEqual(clear(expected));
}

const ROW =
  'tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 [ASSURED] mark=0 use=1\n';

/** What the parser that expected.json comes from counted, by its own names. */
interface Expected {
  lines: number;
  l3: Record<string, number>;
  l4_by_number: Record<string, number>;
  all_states: Record<string, number>;
  l4_state_flag: Record<string, number>;
  flags: Record<string, number>;
  nat: { snat_by_tuple?: number; dnat_by_tuple?: number; nat_by_tuple?: number };
  zones: Record<string, number>;
  marks: Record<string, number>;
  distinct_orig_src: number;
  distinct_orig_dst: number;
  top_src: [string, number][];
  top_dst: [string, number][];
  top_proto_dport: [string, number][];
  acct: Record<'entries_with_counters' | 'orig_packets' | 'orig_bytes' | 'reply_packets' | 'reply_bytes', number>;
  helpers: Record<string, number>;
  top_src24: [string, number][];
  timeout_by_key: Record<string, { n: number; min: number; max: number; mean: number }>;
  tcp_established_assured_idle_gt_86400: number;
  tcp_established_assured_remaining_le_300: number;
}

/** What remains, by protocol and state, of unreplied entries and of the others: `tcp:SYN_SENT:UNREPLIED`. */
function timeouts(timers: TableSummary['timers'], unnamed: RegExp): Expected['timeout_by_key'] {
  const all: Record<string, number[]> = {};
  for (const { protocol, state, flag, seconds, entries } of timers) {
    const parts = [protocol.replace(unnamed, 'unknown'), state, flag === 'UNREPLIED' ? flag : undefined];
    const key = parts.filter((part) => part !== undefined).join(':');
    const times = all[key] ?? [];
    all[key] = times;
    for (const [at, time] of seconds.entries()) for (let n = 0; n < (entries[at] ?? 0); n++) times.push(time);
  }
  return Object.fromEntries(
    Object.entries(all).map(([key, times]) => {
      const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
      return [
        key,
        { n: times.length, min: Math.min(...times), max: Math.max(...times), mean: Math.round(mean * 1000) / 1000 },
      ];
    }),
  );
}

const NUMBERS: Record<string, number> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
};

function protocolNumbers(tallies: Tally[]): Record<string, number> {
  return Object.fromEntries(
    tallies.map(({ key, entries }) => [NUMBERS[key] ?? Number(/^protocol (\d+)$/.exec(key)?.[1]), entries]),
  );
}

/** `tcp/SYN_SENT/UNREPLIED` → `tcp SYN_SENT UNREPLIED`; for what has no name there every number is one class. */
function classes(expected: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(expected).map(([key, entries]) => [
      key.replace('/REPLIED/ASSURED', '/ASSURED').replace('/REPLIED', '/no flag').replaceAll('/', ' '),
      entries,
    ]),
  );
}

function withoutNumbers(tallies: Tally[], unnamed: RegExp): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { key, entries } of tallies) {
    const name = key.replace(unnamed, 'unknown');
    sums[name] = (sums[name] ?? 0) + entries;
  }
  return sums;
}

describe.each([
  ['odd-protocols', ''],
  ['table-full', '.gz'],
])('the table of %s', (folder, suffix) => {
  const everything = JSON.parse(fixture(`${folder}/expected.json`).toString()) as Record<string, Expected>;

  it.each(['proc', 'list', 'extended'])('as %s: every count of another parser', async (form) => {
    const expected = everything[form] as Expected;
    const summary = await summarise(fixture(`${folder}/${form}.txt${suffix}`));
    expect(summary.malformed).toEqual({ count: 0, examples: [] });
    expect(summary.entries).toBe(expected.lines);
    if (form !== 'list') expect(objectOf(summary.byFamily)).toEqual(expected.l3);
    expect(protocolNumbers(summary.byProtocol)).toEqual(expected.l4_by_number);
    expect(objectOf(summary.byState)).toEqual(
      Object.fromEntries(Object.entries(expected.all_states).map(([key, entries]) => [key.replace(':', ' '), entries])),
    );
    expect(
      Object.fromEntries(
        summary.byFlag.map(({ key, entries }) => [key === 'no flag' ? `(${key})` : `[${key}]`, entries]),
      ),
    ).toEqual(expected.flags);
    expect(withoutNumbers(summary.byClass, form === 'proc' ? /^(protocol \d+|dccp)/ : /^protocol \d+/)).toEqual(
      classes(expected.l4_state_flag),
    );
    const { source, destination, both } = summary.nat;
    expect(source + both).toBe(expected.nat.snat_by_tuple ?? 0);
    expect(destination + both).toBe(expected.nat.dnat_by_tuple ?? 0);
    expect(objectOf(summary.byZone)).toEqual(expected.zones);
    expect(objectOf(summary.byMark)).toEqual(expected.marks);
    const { original, reply } = summary.traffic;
    expect({
      entries_with_counters: summary.accounted,
      orig_packets: original.packets,
      orig_bytes: original.bytes,
      reply_packets: reply.packets,
      reply_bytes: reply.bytes,
    }).toEqual(expected.acct);
    expect(objectOf(summary.byHelper)).toEqual(expected.helpers);
    const unnamed = form === 'proc' ? /^(protocol \d+|dccp)/ : /^protocol \d+/;
    expect(timeouts(summary.timers, unnamed)).toEqual(expected.timeout_by_key);
    const established = summary.timers.find(({ key }) => key === 'tcp ESTABLISHED ASSURED');
    const entriesWhere = (holds: (seconds: number) => boolean) =>
      [...(established?.seconds ?? [])].reduce(
        (sum, seconds, at) => sum + (holds(seconds) ? (established?.entries[at] ?? 0) : 0),
        0,
      );
    expect(entriesWhere((left) => 432_000 - left > 86_400)).toBe(expected.tcp_established_assured_idle_gt_86400);
    expect(entriesWhere((left) => left <= 300)).toBe(expected.tcp_established_assured_remaining_le_300);
    expectTop(
      summary.networks.top.filter(({ key }) => key.endsWith('/24')),
      expected.top_src24,
    );
    expect(summary.sources).toMatchObject({ distinct: expected.distinct_orig_src, exact: true, maxError: 0 });
    expect(summary.destinations).toMatchObject({ distinct: expected.distinct_orig_dst, exact: true, maxError: 0 });
    // the other parser orders the addresses of /proc by their long form; it also counts the port 0 of an untracked DCCP
    const printed = everything[form === 'proc' ? 'extended' : form] as Expected;
    expectTop(summary.sources.top, printed.top_src);
    expectTop(summary.destinations.top, printed.top_dst);
    const ports = summary.services.top.filter(({ key }) => key.includes('/'));
    expectTop(ports, expected.top_proto_dport.filter(([key]) => key !== 'dccp/0').slice(0, ports.length));
  });
});

describe.each(['healthy', 'nat'])('the excerpt %s', (folder) => {
  it('has the counts of awk', async () => {
    const summary = await summarise(fixture(`${folder}/proc.txt.gz`));
    const expected: Record<string, Record<string, number>> = {};
    for (const line of fixture(`${folder}/expected.tsv.gz`).toString().trim().split('\n')) {
      const [what = '', key = '', entries = ''] = line.split('\t');
      expected[what] ??= {};
      (expected[what] as Record<string, number>)[key] = Number(entries);
    }
    for (const what of ['byFamily', 'byClass', 'byZone', 'byMark'] as const) {
      expect(objectOf(summary[what]), what).toEqual(expected[what]);
    }
    expect(summary.nat).toEqual({ none: 0, source: 0, destination: 0, both: 0, ...expected.nat });
    for (const what of ['sources', 'destinations', 'services'] as const) {
      const all = Object.entries(expected[what] ?? {}).map(([key, entries]) => [compressed(key), entries] as const);
      expect(wrongsOf(summary[what], new Map(all)), what).toEqual([]);
    }
  });
});

/** An IPv6 address as URLs have it, which is what RFC 5952 asks for but for IPv4-mapped ones; they hold none. */
function compressed(key: string): string {
  return key.includes(':') ? new URL(`http://[${key}]/`).hostname.slice(1, -1) : key;
}

/** Without what only some forms print: the age of an entry (delta-time) and its helper. */
function comparable({ timers, byHelper: _, ...summary }: TableSummary) {
  return { ...summary, timers: timers.map(({ shortTimers: __, ...rest }) => rest) };
}

describe('in every form', () => {
  it('a table has the same summary, as far as the form tells', async () => {
    const proc = await summarise(fixture('forms/proc.txt'));
    expect(proc).toMatchObject({ entries: 13, accounted: 13, nat: { none: 10, source: 1, destination: 1, both: 1 } });
    for (const form of ['list-with-summary', 'extended', 'id-ktimestamp-labels', 'xml']) {
      expect(comparable(await summarise(fixture(`forms/${form}.txt`))), form).toEqual(comparable(proc));
    }
    const nothing = { packets: 0, bytes: 0 };
    expect(comparable(await summarise(fixture('forms/save.txt')))).toEqual({
      ...comparable(proc),
      accounted: 0,
      byMark: [],
      traffic: { original: nothing, reply: nothing },
    });
  });

  it('XML can be one line', async () => {
    const xml = fixture('forms/xml.txt').toString();
    const whole = await summarise(xml);
    expect(await summarise(xml.replaceAll('\n', ''))).toEqual(whole);
    expect(await summarise(xml.replaceAll('\n', ''), 7)).toEqual(whole);
  });
});

describe('the summary line of conntrack', () => {
  const SHOWN = 'conntrack v1.4.5 (conntrack-tools): 1438 flow entries have been shown.\n';
  const NEXT = ROW.replaceAll('1003', '2003');
  /** As `/proc` prints it: without its first columns it is a row as well. */
  const LONG = `ipv4     2 ${ROW}`;

  it('is taken out of the row that it is in, at every place, and the row counted once', async () => {
    for (const row of [ROW, LONG, ROW.replace('[ASSURED] ', '[ASSURED] secctx=a:b:c '), ROW.replace('\n', ' \n')]) {
      const plain = await summarise(ROW + row + NEXT);
      for (let at = 0; at <= row.length; at++) {
        const summary = await summarise(ROW + row.slice(0, at) + SHOWN + row.slice(at) + NEXT, 64);
        const line = at === row.length ? 3 : 2;
        expect(summary, `at ${at} of ${row}`).toEqual({
          ...plain,
          toolVersion: '1.4.5',
          shown: { entries: 1438, rows: 3, file: 'table', line },
        });
      }
    }
  });

  it('comes with the line ends of Windows, too', async () => {
    const [head, tail] = [ROW.slice(0, 30), ROW.slice(30)];
    const summary = await summarise((head + SHOWN + tail + NEXT).replaceAll('\n', '\r\n'));
    expect(summary).toMatchObject({ entries: 2, malformed: { count: 0 }, shown: { entries: 1438, rows: 2 } });
  });

  it('is taken out across blocks that end anywhere', async () => {
    const text = ROW.slice(0, 30) + SHOWN + ROW.slice(30) + NEXT;
    const whole = await summarise(text);
    expect(whole).toMatchObject({ entries: 2, malformed: { count: 0 } });
    for (const size of [1, 2, 3, 5, 7, 11, 13, 31, 101, 103]) expect(await summarise(text, size)).toEqual(whole);
  });

  it('is taken out of rows in other forms', async () => {
    for (const form of ['xml', 'save']) {
      const text = fixture(`forms/${form}.txt`).toString();
      for (const table of [text, text.replaceAll('</flow>\n', '</flow>')]) {
        const at = table.length - 150;
        const { shown, toolVersion, ...summary } = await summarise(table.slice(0, at) + SHOWN + table.slice(at));
        const { shown: _, toolVersion: __, ...plain } = await summarise(table);
        expect(summary).toEqual(plain);
        expect([shown?.entries, toolVersion]).toEqual([1438, '1.4.5']);
      }
    }
  });

  it('between rows that are no whole leaves each as it is', async () => {
    const cut = ROW.slice(0, 40);
    const summary = await summarise(`${cut}${SHOWN}${NEXT}${ROW.trimEnd()}${SHOWN}${NEXT}${cut}${SHOWN}${cut}\n`);
    expect(summary).toMatchObject({ entries: 3, malformed: { count: 2 }, shown: { entries: 3 * 1438, rows: 3 } });
    expect(summary.malformed.examples).toEqual([
      { file: 'table', line: 1, text: cut },
      { file: 'table', line: 5, text: cut + cut },
    ]);
  });

  it('is taken out of as many rows as there are, and of one more than once', async () => {
    const cut = (row: string) => row.slice(0, 20) + SHOWN + row.slice(20, 60) + SHOWN + row.slice(60);
    const summary = await summarise(cut(ROW) + cut(NEXT));
    expect(summary).toMatchObject({ entries: 2, malformed: { count: 0 }, shown: { entries: 4 * 1438, line: 1 } });
    const many = await summarise(`x${SHOWN}`.repeat(100_000));
    expect(many).toMatchObject({ entries: 0, shown: { entries: 143_800_000 } });
  });

  it('at the very end says what became of the last row', async () => {
    for (const end of [SHOWN, SHOWN.trimEnd()]) {
      expect(await summarise(ROW + NEXT.trimEnd() + end)).toMatchObject({ entries: 2, malformed: { count: 0 } });
      expect(await summarise(ROW + NEXT.slice(0, 40) + end)).toMatchObject({ entries: 1, malformed: { count: 1 } });
    }
  });
});

describe('a file without a row', () => {
  const DENIED =
    'conntrack v1.4.6 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this';
  const readOne = async (text: string, families?: ('ipv4' | 'ipv6')[]) => {
    const summariser = new TableSummariser();
    const failure = await summariser.read('table', blocks(Buffer.from(text)), families);
    return { failure, hasTable: summariser.hasTable, summary: summariser.finish() };
  };

  it.each([
    'sh: 1: conntrack: not found',
    'bash: conntrack: command not found',
    DENIED,
    "timeout: sending signal TERM to command 'conntrack'",
    'timeout: failed to run command ‘conntrack’: No such file or directory',
    'cat: /proc/net/nf_conntrack: Permission denied',
    'Terminated',
  ])('but “%s” is no table, and says why', async (text) => {
    for (const families of [undefined, ['ipv4' as const]]) {
      const { failure, hasTable, summary } = await readOne(`\n${text}\n`, families);
      const quoted = text.replace(/[‘’]/g, (quote) => (quote === '‘' ? '\\xe2\\x80\\x98' : '\\xe2\\x80\\x99'));
      expect(failure).toBe(`holds an error message: “${quoted}”`);
      expect(hasTable).toBe(false);
      expect(summary).toMatchObject({ files: [], families: [], malformed: { count: 0, examples: [] } });
    }
  });

  it('but something else is no table either', async () => {
    expect((await readOne('<html>\n')).failure).toBe('is a page of HTML or XML');
    expect((await readOne('Nothing to see here.\n')).failure).toBe(
      'holds no row of the table, but “Nothing to see here.”',
    );
    expect((await readOne(ROW.slice(0, 40))).failure).toMatch(/^holds no row of the table, but “tcp /);
  });

  it('is an empty table where conntrack says so', async () => {
    const none = 'conntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n';
    for (const text of [none, `nfct_labelmap_new: No such file or directory\n${none}`]) {
      const { failure, summary } = await readOne(text);
      expect(failure).toBeUndefined();
      expect(summary).toMatchObject({ entries: 0, files: ['table'], shown: { entries: 0, rows: 0 } });
    }
  });

  it('is an empty table in /proc, but nothing at all from a command that says how many it shows', async () => {
    expect(await readOne('', ['ipv4', 'ipv6'])).toMatchObject({ failure: undefined, hasTable: true });
    expect(await readOne('\n')).toMatchObject({
      failure: 'is empty: neither a row nor how many there are',
      hasTable: false,
    });
  });

  it('costs only its own family', async () => {
    const summariser = new TableSummariser();
    await summariser.read('4', blocks(Buffer.from(`${ROW}${'noise\n'.repeat(20)}`)), ['ipv4']);
    expect(await summariser.read('6', blocks(Buffer.from(`${DENIED}\n`)), ['ipv6'])).toContain(
      'sorry, you must be root',
    );
    expect(summariser.finish()).toMatchObject({
      files: ['4'],
      families: ['ipv4'],
      entries: 1,
      malformed: { count: 20 },
    });
  });

  it('takes a table with rows that a command did not finish for its beginning', async () => {
    const end = "timeout: sending signal TERM to command 'conntrack'";
    expect((await readOne(`${ROW}${ROW.slice(0, 30)}\n${end}\n`)).summary).toMatchObject({
      entries: 1,
      malformed: { count: 1 },
      cut: `the command ended early: “${end}”`,
      part: 'head',
    });
  });
});

describe('the families of conntrack -L', () => {
  const six = ROW.replaceAll('10.0.0.9', 'fd00::9').replaceAll('9.9.9.9', 'fd00::1');
  it.each([
    ['1.4.5', ROW, ['ipv4']],
    ['1.4.6-2', ROW, ['ipv4']],
    ['0.9.14', ROW, ['ipv4']],
    ['1.4.7', ROW, ['ipv4', 'ipv6']],
    ['1.4.10', ROW, ['ipv4', 'ipv6']],
    ['2.0', ROW, ['ipv4', 'ipv6']],
    ['1.4.6', ROW + six, ['ipv4', 'ipv6']],
    ['1.4.5', '', ['ipv4']],
    ['1.4.7', '', ['ipv4', 'ipv6']],
    ['', ROW, ['ipv4']],
    ['', six, ['ipv6']],
    ['', six + ROW, ['ipv4', 'ipv6']],
  ])('version “%s”', async (version, rows, families) => {
    const shown =
      version && `conntrack v${version} (conntrack-tools): ${rows === '' ? 0 : 1} flow entries have been shown.\n`;
    const summariser = new TableSummariser();
    await summariser.read('commands/conntrack-L', blocks(Buffer.from(rows + shown)));
    expect(summariser.finish()).toMatchObject({ families });
  });
});

describe('the end of a longer table', () => {
  const tail = async (text: string) => {
    const summariser = new TableSummariser();
    await summariser.read('tail', blocks(Buffer.from(text), 64), ['ipv4', 'ipv6'], { isTail: true });
    return summariser.finish();
  };

  it('begins in the middle of a row, which is neither a row nor malformed', async () => {
    const whole = await summarise(ROW);
    // From the tenth byte on it is a row by itself, and from the blank of another one it names another protocol.
    const row = 'ipv4     2 udp      17 29 src=10.0.0.8 dst=9.9.9.9 src=9.9.9.9 dst=10.0.0.8 use=1\n';
    for (let at = 0; at < row.length; at++) {
      const { files, cut, part, ...summary } = await tail(row.slice(at) + ROW);
      expect(summary, row.slice(at)).toMatchObject({
        entries: 1,
        malformed: { count: 0 },
        byProtocol: whole.byProtocol,
      });
      expect([cut, part]).toEqual(['only the end of what the command printed was kept', 'tail']);
    }
  });

  it('numbers its lines as the file does, and knows the whole from the summary', async () => {
    const shown = 'conntrack v1.4.7 (conntrack-tools): 900000 flow entries have been shown.\n';
    const summary = await tail(`ED src=\n${ROW}noise\n${ROW.slice(0, 9)}${shown}${ROW.slice(9)}`);
    expect(summary).toMatchObject({ entries: 2, shown: { entries: 900_000, rows: 2, line: 4 } });
    expect(summary.malformed.examples.map(({ line }) => line)).toEqual([3]);
    expect(await tail(`ED src=${shown}=9 use=1\n${ROW}`)).toMatchObject({ entries: 1, malformed: { count: 0 } });
  });
});

describe('a damaged file', () => {
  it('counts and quotes the lines that are no rows', async () => {
    const noise = Array.from({ length: 12 }, (_, index) => `noise ${index} ${'x'.repeat(200)}\n`).join('');
    const summary = await summarise(`${ROW}\n   \nnot a row\t\x1b[31m\n${ROW}${noise}`);
    expect(summary.entries).toBe(2);
    expect(summary.malformed.count).toBe(13);
    expect(summary.malformed.examples).toHaveLength(10);
    expect(summary.malformed.examples[0]).toEqual({ file: 'table', line: 4, text: 'not a row\\x09\\x1b[31m' });
    expect(summary.malformed.examples[1]).toMatchObject({ line: 6 });
    expect(summary.malformed.examples[1]?.text).toHaveLength(160);
  });

  it('reads NULs as what they are, and rows around them', async () => {
    const summary = await summarise(`${'\0'.repeat(300)}\n${ROW}${ROW.replace('9.9.9.9', '9.9\0.9.9')}`);
    expect(summary).toMatchObject({ entries: 1, malformed: { count: 2 } });
    expect(summary.malformed.examples[0]?.text).toMatch(/^(\\x00){40}$/);
  });

  it('takes CRLF and a missing last line end', async () => {
    const table = fixture('odd-protocols/proc.txt').toString();
    const whole = await summarise(table);
    expect(await summarise(table.replaceAll('\n', '\r\n'))).toEqual(whole);
    expect(await summarise(table.trimEnd())).toEqual(whole);
  });

  it('gives up on a line above 64 KiB, once, and keeps to the line numbers', async () => {
    const long = `${ROW}${'y'.repeat(70_000)}<flow></flow>\n${ROW}<flow>${'z'.repeat(200_000)}</flow><flow></flow>\n?\n`;
    for (const size of [1000, 65_536, 1 << 20]) {
      const { entries, malformed } = await summarise(long, size);
      expect(entries).toBe(2);
      expect(malformed.examples.map(({ line }) => line)).toEqual([2, 4, 5]);
    }
  });

  it('reads lines that only begin like XML in linear time', { timeout: 10_000 }, async () => {
    const summary = await summarise(ROW + '<\n'.repeat(500_000), 1 << 20);
    expect(summary.malformed.count).toBe(500_000);
  });

  it('keeps what came before an error, without the line that it broke', async () => {
    async function* broken() {
      yield Buffer.from(ROW + ROW + ROW.slice(0, -10));
      throw new Error('unexpected end of file');
    }
    const summariser = new TableSummariser();
    await expect(summariser.read('table', broken(), ['ipv4'])).rejects.toThrow('unexpected end of file');
    expect(summariser.finish('the archive ends early')).toMatchObject({
      entries: 2,
      malformed: { count: 0 },
      families: ['ipv4'],
      cut: 'the archive ends early',
    });
  });
});

describe('a whole table', () => {
  it('can be in a file for each family', async () => {
    const summariser = new TableSummariser();
    await summariser.read('commands/conntrack-L-ipv6', blocks(Buffer.from('')), ['ipv6']);
    await summariser.read('commands/conntrack-L-ipv4', blocks(Buffer.from(ROW)), ['ipv4']);
    expect(summariser.finish()).toMatchObject({
      files: ['commands/conntrack-L-ipv6', 'commands/conntrack-L-ipv4'],
      families: ['ipv4', 'ipv6'],
      byFamily: [{ key: 'ipv4', entries: 1 }],
    });
  });

  it('of 2.4 holds expectations, which are no entries', async () => {
    const summary = await summarise(
      `${ROW.replace(' mark=0', '')}EXPECTING: 180 use=1 proto=6 src=1.1.1.1 dst=2.2.2.2\n`,
    );
    expect(summary).toMatchObject({ entries: 1, expectations: 1, malformed: { count: 0 }, byMark: [] });
  });

  it('can be offloaded: a class without a state', async () => {
    const offloaded = ROW.replace(' 431999 ESTABLISHED', '').replace('ASSURED', 'OFFLOAD');
    const summary = await summarise(ROW + offloaded + offloaded.replace('OFFLOAD', 'HW_OFFLOAD'));
    expect(summary.byClass.map(({ key }) => key)).toEqual(['tcp ESTABLISHED ASSURED', 'tcp HW_OFFLOAD', 'tcp OFFLOAD']);
    expect(summary.byState).toEqual([{ key: 'tcp ESTABLISHED', entries: 1 }]);
    expect(objectOf(summary.byFlag)).toEqual({ ASSURED: 1, OFFLOAD: 1, HW_OFFLOAD: 1 });
  });

  it('with source NAT tells the servers that are reached, and as whom', async () => {
    const row = (original: string, reply: string) => `tcp      6 60 SYN_SENT ${original} ${reply} mark=0 use=1\n`;
    const summary = await summarise(
      [
        ROW,
        // A port forwarded from outside: the destination only.
        row('src=192.0.2.9 dst=203.0.113.1 sport=1000 dport=80', 'src=10.0.0.2 dst=192.0.2.9 sport=8080 dport=1000'),
        // Masquerading, with and without another port.
        row(
          'src=10.0.0.9 dst=198.51.100.5 sport=1003 dport=443',
          'src=198.51.100.5 dst=203.0.113.1 sport=443 dport=1003',
        ),
        row(
          'src=10.0.0.8 dst=198.51.100.5 sport=1003 dport=443',
          'src=198.51.100.5 dst=203.0.113.1 sport=443 dport=31003',
        ),
        // A service address of a cluster: both. What is unique is the reply, of the server behind it.
        row('src=10.0.0.9 dst=10.96.0.1 sport=1003 dport=443', 'src=10.0.1.7 dst=10.0.0.1 sport=6443 dport=1003'),
        row('src=fd00::9 dst=2001:db8::5 sport=1003 dport=443', 'src=2001:db8::5 dst=2001:db8::1 sport=443 dport=1003'),
        'icmp     1 29 src=10.0.0.9 dst=198.51.100.5 type=8 code=0 id=7 src=198.51.100.5 dst=203.0.113.1 type=0 code=0 id=7 use=1\n',
      ].join(''),
    );
    expect(summary.nat).toEqual({ none: 1, source: 4, destination: 1, both: 1 });
    expect(objectOf(summary.natTargets.top)).toEqual({
      '198.51.100.5 tcp/443': 2,
      '10.0.1.7 tcp/6443': 1,
      '2001:db8::5 tcp/443': 1,
      '198.51.100.5 icmp': 1,
    });
    expect(objectOf(summary.natAddresses.top)).toEqual({ '203.0.113.1': 3, '10.0.0.1': 1, '2001:db8::1': 1 });
    expect(summary.natTargets).toMatchObject({ distinct: 4, exact: true, exactUpTo: 24_576 });
  });

  it('lists twenty marks and zones, and the rest as one', async () => {
    const rows = Array.from({ length: 30 }, (_, index) =>
      ROW.replace('mark=0', `mark=${index} zone=${index}`).repeat(40 - index),
    );
    const summary = await summarise(rows.join(''));
    expect(summary.byMark).toHaveLength(21);
    expect(summary.byMark[0]).toEqual({ key: '0', entries: 40 });
    expect(summary.byMark[20]).toEqual({ key: 'other', entries: 155 });
    expect(summary.byZone).toEqual(summary.byMark);
  });

  it('tells the names of 62 states apart, which is twice as many as there are', async () => {
    const rows = Array.from({ length: 5000 }, (_, index) => ROW.replace('ESTABLISHED', `STATE_${index}`));
    const summary = await summarise(rows.join(''));
    expect(summary.byState).toHaveLength(63);
    expect(summary.byState[0]).toEqual({ key: 'tcp other', entries: 4938 });
    expect(summary.byProtocol).toEqual([{ key: 'tcp', entries: 5000 }]);
  });
});

describe('with more keys than a table holds', () => {
  const few = async (rows: string[]) => {
    const summariser = new TableSummariser({ addressBits: 10 });
    await summariser.read('table', blocks(Buffer.from(rows.join(''))), ['ipv4']);
    return summariser.finish();
  };
  const rowsOf = (sources: readonly string[]) =>
    sources.map((source) =>
      ROW.replaceAll('10.0.0.9', source).replaceAll('9.9.9.9', source.includes(':') ? '2001:db8:1::' : '9.9.9.9'),
    );

  it('every true count lies within the error that is stated, and no large one is missed', async () => {
    const six = fc.boolean();
    const ranks = fc.array(fc.oneof(fc.nat(20), fc.nat(5000)), { minLength: 1200, maxLength: 6000 });
    const property = fc.asyncProperty(six, ranks, async (isSix, numbers) => {
      const name = (n: number) =>
        isSix ? `2001:db8::${(n + 1).toString(16)}` : `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
      const { sources, pairs: withServices, networks, destinations, entries } = await few(rowsOf(numbers.map(name)));
      const truth = new Map<string, number>();
      for (const number of numbers) truth.set(name(number), (truth.get(name(number)) ?? 0) + 1);
      expect(entries).toBe(numbers.length);
      for (const [list, suffix] of [
        [sources, ''],
        [withServices, ' tcp/80'],
      ] as const) {
        expect(list.exactUpTo).toBe(768);
        expect(list.exact).toBe(truth.size <= 768);
        const listed = new Map(list.top.map(({ key, entries }) => [key, entries]));
        const least = list.top.at(-1)?.entries ?? 0;
        for (const [address, count] of truth) {
          const counted = listed.get(`${address}${suffix}`);
          if (counted === undefined) expect(count).toBeLessThanOrEqual(least + list.maxError);
          else {
            expect(counted).toBeLessThanOrEqual(count);
            expect(counted + list.maxError).toBeGreaterThanOrEqual(count);
          }
        }
        if (list.exact) expect([list.distinct, list.distinctError]).toEqual([truth.size, 0]);
        else expect(Math.abs(list.distinct / truth.size - 1)).toBeLessThan(5 * list.distinctError);
      }
      // Networks and destinations are few, and stay exact.
      expect(networks).toMatchObject({ exact: true, maxError: 0 });
      expect(networks.top.reduce((sum, tally) => sum + tally.entries, 0)).toBe(numbers.length);
      expect(destinations).toMatchObject({ exact: true, maxError: 0, distinct: 1 });
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('the median is found whatever the counts are', async () => {
    const often = Array.from({ length: 900 }, (_, n) =>
      Array(1 + (n % 3) * 700).fill(`10.0.${n >> 8}.${n & 255}`),
    ).flat();
    const { sources } = await few(rowsOf(often));
    expect(sources.exact).toBe(false);
    expect(sources.distinct).toBeGreaterThan(800);
  });

  it('marks beyond the twenty that are listed are told as others', async () => {
    const marked = Array.from({ length: 30_000 }, (_, n) => ROW.replace('mark=0', `mark=${n}`));
    const { byMark } = await few(marked);
    expect(byMark.reduce((sum, { entries }) => sum + entries, 0)).toBe(30_000);
  });
});

describe('times', () => {
  it('beyond what is counted to the second are rounded down, by less than an eighth', async () => {
    // 48 days of seconds, one page of 1024 after the other, and then times that no page is left for.
    const pages = Array.from({ length: 4096 }, (_, page) => page * 1024);
    const beyond = [0xffff_ffff, 5_000_000, 4_194_304, 12_345_678, 3_000_000_000];
    const { timers } = await summarise(
      [...pages, ...beyond].map((time) => ROW.replace('431999', String(time))).join(''),
    );
    const [established] = timers;
    const seconds = [...(established?.seconds ?? [])];
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
    expect(seconds.slice(0, 4096)).toEqual(pages);
    expect(seconds.slice(4096)).toEqual([4_194_304, 4_718_592, 11_534_336, 2_952_790_016, 4_026_531_840]);
    expect(established?.entries.reduce((a, b) => a + b, 0)).toBe(4101);
  });
});

describe('properties', () => {
  const tables = ['forms/proc.txt', 'forms/xml.txt', 'forms/save.txt', 'odd-protocols/list.txt'].map(fixture);

  it('blocks of every size and cut give the same summary', async () => {
    const xml = fixture('forms/xml.txt').toString().split('\n').slice(0, 4).join('');
    const text = `${ROW}\r\nnoise\n\0\n${xml}\n${fixture('odd-protocols/proc.txt').toString().slice(0, 800)}`;
    const bytes = Buffer.from(text);
    const whole = await summarise(bytes, bytes.length);
    for (let at = 1; at < bytes.length; at += 1) {
      const summariser = new TableSummariser();
      const halves = async function* () {
        yield bytes.subarray(0, at);
        yield bytes.subarray(at);
      };
      await summariser.read('table', halves(), ['ipv4', 'ipv6']);
      expect(summariser.finish()).toEqual(whole);
    }
    for (const size of [1, 2, 3, 5, 17, 64]) expect(await summarise(bytes, size)).toEqual(whole);
  });

  it('no damage makes it throw or lose count', async () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...tables),
        damage,
        fc.integer({ min: 1, max: 5000 }),
        async (table, edits, size) => {
          const bytes = Buffer.from(table);
          for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
          const summary = await summarise(bytes, size);
          const sum = (tallies: Tally[]) => tallies.reduce((total, { entries }) => total + entries, 0);
          for (const tallies of [
            summary.byFamily,
            summary.byProtocol,
            summary.byFlag,
            summary.byClass,
            summary.byZone,
          ]) {
            expect(sum(tallies)).toBe(summary.entries);
          }
          const { none, source, destination, both } = summary.nat;
          expect(none + source + destination + both).toBe(summary.entries);
        },
      ),
      { numRuns: 300 },
    );
  });
});
