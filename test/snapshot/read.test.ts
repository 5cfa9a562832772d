import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readSnapshot } from '../../src/snapshot/read.ts';

const ROW =
  'ipv4     2 udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=4000 mark=0 zone=0 use=2\n';

async function archive(files: [string, string][]): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of files) tar.entry({ name: `top/${name}` }, text);
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array);
  return gzipSync(Buffer.concat(chunks));
}

const read = async (files: [string, string][]) => readSnapshot('-', { stdin: Readable.from([await archive(files)]) });

describe('a file that is missing or damaged costs what depended on it', () => {
  test('text in place of a number', async () => {
    const snapshot = await read([
      ['proc/sys/net/netfilter/nf_conntrack_count', 'cat: Permission denied\n'],
      ['proc/sys/net/netfilter/nf_conntrack_max', '65536\n'],
    ]);
    expect(snapshot.first.count).toBeUndefined();
    expect(snapshot.sysctls.max?.value).toBe(65_536);
    expect(snapshot.problems).toMatchObject([{ file: 'proc/sys/net/netfilter/nf_conntrack_count' }]);
  });

  test('an archive that ends inside the table: its rows so far are counted, and it is called cut', async () => {
    const whole = await archive([
      ['proc/slabinfo', 'slabinfo - version: 2.1\nnf_conntrack 1 16 256 16 1 : tunables 0 0 0 : slabdata 1 1 0\n'],
      ['proc/net/nf_conntrack', Array.from({ length: 5000 }, (_, n) => ROW.replace('4000', String(n))).join('')],
      ['inventory.csv', 'path,source,status,reason,start,seconds,bytes,digest\n'],
    ]);
    const snapshot = await readSnapshot('-', {
      stdin: Readable.from([whole.subarray(0, Math.floor(whole.length * 0.7))]),
    });
    expect(snapshot.table?.entries).toBeGreaterThan(1000);
    expect(snapshot.table?.entries).toBeLessThan(5000);
    expect(snapshot.table?.cut).toMatch(/^the bundle holds only \d+ of its \d+ bytes$/);
    expect(snapshot.first.slab?.caches).toHaveLength(1);
    expect(snapshot.problems[0]).toMatchObject({ file: 'standard input', what: 'the compressed data end too early' });
  });

  test.each([
    'bash: conntrack: command not found\n',
    'cat: /proc/net/nf_conntrack: Permission denied\n',
    'conntrack v1.4.5 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this\n',
  ])('no table is made of %j', async (error) => {
    const alone = await read([['proc/net/nf_conntrack', error]]);
    expect(alone.table).toBeUndefined();
    expect(alone.problems).toMatchObject([
      { file: 'proc/net/nf_conntrack', what: expect.stringContaining(error.slice(0, 30)) },
    ]);
    const beside = await read([
      ['proc/net/nf_conntrack', error],
      ['commands/conntrack-L-ipv4', ROW],
    ]);
    expect(beside.table).toMatchObject({ entries: 1, files: ['commands/conntrack-L-ipv4'] });
    // A row says that the rest is one too: what is odd in it is counted, and quoted, or said to have ended it.
    const { table } = await read([['proc/net/nf_conntrack', `${ROW}${error}`]]);
    expect(table?.entries).toBe(1);
    const [odd] = table?.malformed.examples ?? [];
    expect(table?.cut ?? odd?.text).toContain(error.slice(0, 30));
  });

  test('a table without entries is one', async () => {
    expect((await read([['proc/net/nf_conntrack', '']])).table?.entries).toBe(0);
  });

  test('two names of one setting that disagree', async () => {
    const snapshot = await read([
      ['proc/sys/net/netfilter/nf_conntrack_max', '131072\n'],
      ['proc/sys/net/nf_conntrack_max', '65536\n'],
    ]);
    expect(snapshot.sysctls.max).toMatchObject({ value: 131_072, file: 'proc/sys/net/netfilter/nf_conntrack_max' });
    expect(snapshot.problems).toMatchObject([{ what: expect.stringContaining('says 65536') }]);
  });
});

describe('the inventory', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const line = (file: string, text: string) => `${file},/${file},captured,,0,0,${text.length},sha256:${sha256(text)}\n`;
  const inventory = (lines: string[]): [string, string] => [
    'inventory.csv',
    `path,source,status,reason,start,seconds,bytes,digest\n${lines.join('')}`,
  ];

  test('agrees', async () => {
    const files: [string, string][] = [['proc/uptime', '10.00 5.00\n']];
    expect((await read([...files, inventory([line('proc/uptime', '10.00 5.00\n')])])).problems).toEqual([]);
  });

  test('a file that was changed afterwards, and one that is gone', async () => {
    const { problems } = await read([
      ['proc/uptime', '99.00 5.00\n'],
      inventory([line('proc/uptime', '10.00 5.00\n'), line('proc/meminfo', 'MemTotal: 1 kB\n')]),
    ]);
    expect(problems.map(({ file, what }) => [file, what.slice(0, 25)])).toEqual([
      ['proc/uptime', 'differs from what invento'],
      ['proc/meminfo', 'is listed in inventory.cs'],
    ]);
  });

  test('a table that the collector cut', async () => {
    const { table } = await read([
      ['proc/net/nf_conntrack', ROW],
      inventory(['proc/net/nf_conntrack,/proc/net/nf_conntrack,cut,stopped after 1 entries,0,0,,\n']),
    ]);
    expect(table).toMatchObject({ entries: 1, cut: 'stopped after 1 entries' });
  });
});

describe('the best source of the table', () => {
  const listed = ROW.replace('ipv4     2 ', '');
  const shown = 'conntrack v1.4.5 (conntrack-tools): 1 flow entries have been shown.\n';

  test('is one that is a table', async () => {
    const { table, problems } = await read([
      ['proc/net/nf_conntrack', 'cat: /proc/net/nf_conntrack: Permission denied\n'],
      ['commands/conntrack-L', listed + shown],
      ['tail/commands/conntrack-L', listed.repeat(5)],
    ]);
    expect(table).toMatchObject({
      files: ['commands/conntrack-L'],
      families: ['ipv4'],
      entries: 1,
      toolVersion: '1.4.5',
      shown: { entries: 1, rows: 1, file: 'commands/conntrack-L', line: 2 },
    });
    expect(table?.cut).toBeUndefined();
    expect(problems).toEqual([
      {
        file: 'proc/net/nf_conntrack',
        what: 'holds an error message: “cat: /proc/net/nf_conntrack: Permission denied”',
        cost: 'The table that it should hold is missing.',
      },
    ]);
  });

  test('can be the end of one', async () => {
    const { table } = await read([['tail/commands/conntrack-L', `st=10.0.0.1 use=1\n${listed}${listed}`]]);
    expect(table).toMatchObject({ files: ['tail/commands/conntrack-L'], entries: 2, part: 'tail', families: ['ipv4'] });
  });

  test('is none where all that was captured is an error', async () => {
    const { table, problems } = await read([['commands/conntrack-L', 'sh: conntrack: command not found\n']]);
    expect(table).toBeUndefined();
    expect(problems).toMatchObject([
      { file: 'commands/conntrack-L', what: expect.stringContaining('command not found') },
    ]);
  });
});

describe('what is refused', () => {
  test('an archive of something else', async () => {
    await expect(read([['src/main.c', 'int main;']])).rejects.toThrow(/^standard input is no bundle: it holds neither/);
  });

  test('one path twice', async () => {
    await expect(
      read([
        ['proc/uptime', '1 1\n'],
        ['proc/uptime', '2 2\n'],
      ]),
    ).rejects.toThrow('holds proc/uptime twice');
  });

  test('a folder into which two hosts were unpacked', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-report-mixed-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(path.join(folder, 'proc/sys/kernel'), { recursive: true });
    writeFileSync(path.join(folder, 'manifest.csv'), 'key,value\nformat_version,1\nhostname,gw-a\n');
    writeFileSync(path.join(folder, 'proc/sys/kernel/hostname'), 'gw-b\n');
    await expect(readSnapshot(folder)).rejects.toThrow(
      /mixes files of two hosts: manifest\.csv is of gw-a, proc\/sys\/kernel\/hostname of gw-b/,
    );
  });

  test('a format that is newer than this program', async () => {
    await expect(read([['manifest.csv', 'key,value\nformat_version,99\n']])).rejects.toThrow(/format version 99/);
  });
});
