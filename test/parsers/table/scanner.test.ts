import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TableSummariser } from '../../../src/parsers/table/summariser.ts';
import type { TableSummary } from '../../../src/snapshot/types.ts';
import { table } from '../../bench/generate.mjs';
import { comparable, objectOf, oracle, wrongsOf } from './oracle.ts';

async function summarise(text: string, cuts: readonly number[] = [], addressBits?: number): Promise<TableSummary> {
  const bytes = Buffer.from(text, 'latin1');
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const summariser = new TableSummariser(addressBits === undefined ? {} : { addressBits });
  async function* blocks() {
    for (const [at, place] of places.entries()) yield bytes.subarray(place, places[at + 1] ?? place);
  }
  await summariser.read('table', blocks(), ['ipv4', 'ipv6']);
  return summariser.finish();
}

/** Fails where the summary is not what the oracle says. */
function expectSame(summary: TableSummary, text: string): void {
  const { tallies, lists, timers, malformed, shown, ...numbers } = oracle(text);
  expect(comparable(summary)).toEqual({ ...numbers, malformed: malformed.length });
  expect(summary.malformed.examples.map(({ line }) => line)).toEqual(malformed.slice(0, 10));
  expect(summary.shown?.entries).toBe(
    shown.length === 0 ? undefined : shown.reduce((sum, entries) => sum + entries, 0),
  );
  for (const [name, counts] of Object.entries(tallies)) {
    const told = summary[name as keyof typeof tallies];
    if (counts.map.size > 20 && /Zone|Mark|Helper/.test(name)) continue;
    expect(objectOf(told), name).toEqual(counts.object());
  }
  for (const [name, counts] of Object.entries(lists)) {
    expect(wrongsOf(summary[name as keyof typeof lists], counts.map), name).toEqual([]);
  }
  expect(summary.timers.map(({ key }) => key).sort()).toEqual([...timers.keys()].sort());
  for (const { key, withoutTimer, seconds, entries, shortTimers } of summary.timers) {
    const times = timers.get(key);
    const object = (times: Uint32Array, counts: Uint32Array) =>
      Object.fromEntries(Array.from(times, (time, at) => [String(time), counts[at]]));
    expect(withoutTimer, key).toBe(times?.withoutTimer);
    expect(object(seconds, entries), key).toEqual(times?.seconds.object());
    expect(object(shortTimers.sums, shortTimers.entries), key).toEqual(times?.shortSums.object());
    expect([...seconds], key).toEqual([...seconds].sort((a, b) => a - b));
  }
}

const edge = (most: number) => fc.oneof(fc.constantFrom(0, 1, 9, 10, most - 1, most), fc.nat(most));
const ipv4 = fc.tuple(edge(255), edge(255), edge(255), edge(255)).map((octets) => octets.join('.'));
const groups = fc.array(fc.oneof(fc.constant(0), edge(0xffff)), { minLength: 8, maxLength: 8 });
const ipv6 = fc.tuple(groups, fc.boolean()).map(([values, isFull]) => {
  const full = values.map((value) => value.toString(16).padStart(4, '0')).join(':');
  return isFull ? full : new URL(`http://[${full}]/`).hostname.slice(1, -1);
});
const counter = fc.oneof(edge(0xffff_ffff), fc.constantFrom(12345678, 123456789, 2 ** 50));
const STATES = ['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'CLOSE_WAIT', 'SYN_SENT2', 'SHUTDOWN_ACK_SENT', 'NEW'];
const protocols = fc.constantFrom<[string, number, 'ports' | 'query' | 'keys' | '']>(
  ['tcp', 6, 'ports'],
  ['udp', 17, 'ports'],
  ['icmp', 1, 'query'],
  ['icmpv6', 58, 'query'],
  ['gre', 47, 'keys'],
  ['sctp', 132, 'ports'],
  ['dccp', 33, 'ports'],
  ['udplite', 136, 'ports'],
  ['unknown', 33, ''],
  ['unknown', 253, ''],
);

/** Rows as kernels and `conntrack -L` print them, with everything that can be in one, and few addresses, so that they meet again. */
function rows(addresses: [string[], string[]]): fc.Arbitrary<string> {
  return fc
    .record({
      six: fc.boolean(),
      family: fc.boolean(),
      protocol: protocols,
      timeout: fc.option(edge(432_000)),
      state: fc.option(fc.constantFrom(...STATES)),
      who: fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.integer({ min: 0, max: 15 })),
      ends: fc.tuple(edge(65_535), edge(65_535), edge(255), edge(65_535)),
      acct: fc.option(fc.tuple(counter, counter, counter, counter)),
      unreplied: fc.boolean(),
      flag: fc.constantFrom('', '[ASSURED] ', '[OFFLOAD] ', '[HW_OFFLOAD] ', '[NEW_THING] '),
      mark: fc.option(edge(0xffff_ffff)),
      zone: fc.constantFrom('', 'zone=0 ', 'zone=7 ', 'zone-orig=7 ', 'zone-reply=65535 ', 'zone-orig=1 zone-reply=2 '),
      secctx: fc.constantFrom('', 'secctx=system_u:object_r:unlabeled_t:s0 ', 'secmark=0 '),
      age: fc.option(edge(500_000)),
      helper: fc.constantFrom('', '', '', 'helper=ftp '),
      vendor: fc.constantFrom('', '', '', '[SEEN] ', 'bytes_sec=1200 mtu=1500 '),
      isNumbered: fc.integer({ min: 0, max: 7 }).map((chance) => chance > 0),
      end: fc.constantFrom('use=2', 'use=1 id=4711', 'use=1 labels=a,b c', 'use=1 '),
    })
    .map((row) => {
      const [name, number, kind] = row.protocol;
      const all = addresses[row.six ? 1 : 0];
      const [a, b, c, d, nat] = row.who;
      const pick = (at: number) => all[at % all.length];
      const [first, second, small, key] = row.ends;
      const behind = (reply: boolean, from: number, to: number) => {
        if (kind === 'ports') return `sport=${from} dport=${to} `;
        if (kind === 'query') return `type=${reply ? 0 : 8} code=${small} id=${from} `;
        return kind === 'keys' ? `srckey=0x${from.toString(16)} dstkey=0x${key.toString(16)} ` : '';
      };
      const counters = (packets?: number, bytes?: number) =>
        packets === undefined ? '' : `packets=${packets} bytes=${bytes} `;
      const [src, dst] = [pick(a), pick(b)];
      const [replySrc, replyDst] = [nat & 1 ? pick(c) : dst, nat & 2 ? pick(d) : src];
      const [replyFirst, replySecond] = [nat & 4 ? small : second, nat & 8 ? small : first];
      return [
        row.family ? `${row.six ? 'ipv6     10' : 'ipv4     2'} ` : '',
        `${name.padEnd(8)} ${row.isNumbered ? `${number} ` : ''}`,
        row.timeout === null ? '' : `${row.timeout} `,
        name === 'gre' ? 'timeout=30, stream_timeout=180 ' : '',
        row.state === null || kind !== 'ports' ? '' : `${row.state} `,
        `src=${src} dst=${dst} `,
        behind(false, first, second),
        counters(row.acct?.[0], row.acct?.[1]),
        row.vendor,
        row.unreplied ? '[UNREPLIED] ' : '',
        `src=${replySrc} dst=${replyDst} `,
        kind === 'query' ? behind(true, replySecond, second) : behind(true, replyFirst, replySecond),
        counters(row.acct?.[2], row.acct?.[3]),
        row.flag,
        row.mark === null ? '' : `mark=${row.mark} `,
        row.secctx,
        row.zone,
        row.age === null ? '' : `delta-time=${row.age} `,
        row.helper,
        row.end,
      ].join('');
    });
}

const WHOLE =
  'udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=4 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=4 use=1';
const SHOWN = 'conntrack v1.4.5 (conntrack-tools): 7 flow entries have been shown.\n';

const someAddresses = fc.tuple(
  fc.array(ipv4, { minLength: 1, maxLength: 6 }),
  fc.array(ipv6, { minLength: 1, maxLength: 6 }),
);
const tables = someAddresses.chain((addresses) => fc.array(rows(addresses), { minLength: 1, maxLength: 60 }));
const lineEnds = fc.constantFrom('\n', '\r\n');
const cuts = fc.array(fc.nat(), { maxLength: 8 });

describe('the scanner and the oracle agree', () => {
  it('on rows with everything that can be in one, however they are cut', async () => {
    const property = fc.asyncProperty(tables, lineEnds, fc.boolean(), cuts, async (lines, end, hasLastEnd, places) => {
      // Without any row it would be no table.
      const text = [WHOLE, ...lines].join(end) + (hasLastEnd ? end : '');
      expectSame(await summarise(text, places), text);
    });
    await fc.assert(property, { numRuns: 400 });
  });

  it('on damaged rows', async () => {
    const damage = fc.array(
      fc.record({
        at: fc.nat(),
        text: fc.oneof(
          fc.constantFrom('', ' ', '\0', '\n', '9', ':', '=', '\r', '[', ']', 'src=', '.'),
          fc.string({ unit: 'binary-ascii', maxLength: 3 }),
        ),
        gone: fc.nat(4),
      }),
      { minLength: 1, maxLength: 30 },
    );
    const property = fc.asyncProperty(tables, damage, cuts, async (lines, edits, places) => {
      let text = `${lines.join('\n')}\n`;
      for (const { at, text: instead, gone } of edits) {
        const place = at % text.length;
        text = text.slice(0, place) + instead + text.slice(place + gone);
      }
      // Without any row it would be no table.
      text += `\n${WHOLE}\n`;
      expectSame(await summarise(text, places), text);
    });
    await fc.assert(property, { numRuns: 1000 });
  });

  it('on rows that the summary line of conntrack was spliced into, anywhere', async () => {
    const splices = fc.array(
      fc.record({
        at: fc.nat(),
        version: fc.constantFrom('1.4.5', '1.4.7-1'),
        entries: fc.nat(99_999),
        end: lineEnds,
        isLost: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const property = fc.asyncProperty(tables, lineEnds, splices, cuts, async (lines, end, summaries, places) => {
      let text = `${lines.join(end)}${end}`;
      for (const { at, version, entries, end, isLost } of summaries) {
        const place = at % (text.length + 1);
        const summary = `conntrack v${version} (conntrack-tools): ${entries} flow entries have been shown.${end}`;
        text = text.slice(0, place) + summary + text.slice(isLost ? text.indexOf('\n', place) + 1 : place);
      }
      text = `${WHOLE}\n${text}`;
      expectSame(await summarise(text, places), text);
    });
    await fc.assert(property, { numRuns: 600 });
  });

  it('on blocks that end at every byte', async () => {
    const lines = fc.sample(tables, { numRuns: 20, seed: 3 }).flat().slice(0, 6);
    const text = `${lines.slice(0, 3).join('\n')}\n\0 noise\r\n\n${SHOWN}${lines.slice(3).join(`\r\n`)}`.replace(
      'dst=',
      `ds${SHOWN}t=`,
    );
    const whole = await summarise(text);
    expectSame(whole, text);
    for (let at = 1; at < text.length; at++) expect(await summarise(text, [at])).toEqual(whole);
  });

  it('on lines of about 64 KiB', async () => {
    const [line = ''] = fc.sample(tables, { numRuns: 1, seed: 5 }).flat();
    for (const length of [65_535, 65_536, 65_537, 65_538, 140_000, 1_200_000]) {
      const long = `${line} labels=`.padEnd(length, 'x');
      for (const end of ['\n', '\r\n']) {
        const text = `${line}\n${long}${end}${line}\n${long}\n${line}`;
        expectSame(await summarise(text, [70_000, 70_001]), text);
      }
    }
  });

  it.each([
    'odd-protocols/proc.txt',
    'odd-protocols/list.txt',
    'healthy/proc.txt.gz',
    'nat/proc.txt.gz',
    'table-full/extended.txt.gz',
  ])('on the captured table %s', async (file) => {
    const bytes = readFileSync(new URL(`../../fixtures/table/${file}`, import.meta.url));
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
    expectSame(await summarise(text, [1000, 5000]), text);
  });

  it('on a generated table, with accounting and without', async () => {
    for (const accounting of [false, true]) {
      const text = [...table(20_000, { accounting })].join('');
      expectSame(await summarise(text), text);
    }
  });

  it('in the memory that a crowded table left', async () => {
    const small = [...table(300, { seed: 7 })].join('');
    const before = await summarise(small);
    for (const addressBits of [7, 15]) {
      await summarise(
        [...table(20_000, { sources: 1_000_000, even: true, accounting: true })].join(''),
        [],
        addressBits,
      );
      expect(await summarise(small)).toEqual(before);
    }
  });
});
