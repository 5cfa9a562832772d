/** Network namespaces of archives that know them by name: what is read of each, and what reports say of them. */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { analysisSchema } from '../../src/analysis/schema.ts';
import { statementOf } from '../../src/report/findings.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';

const row = (n: number) =>
  `udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=${n} dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=${n} mark=0 use=1\n`;
const rows = (length: number) => Array.from({ length }, (_, n) => row(n)).join('');
const SHOWN = 'conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.\n';
const STATS = 'cpu=0   \tfound=1 invalid=0 insert=0 insert_failed=0 drop=7 early_drop=2 error=0 search_restart=0 \n';
const sysctl = (count: number) =>
  `net.netfilter.nf_conntrack_count = ${count}\nnet.netfilter.nf_conntrack_max = 1000\nsysctl: permission denied on key 'x'\n`;

async function read(files: Readonly<Record<string, string | undefined>>) {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) if (text !== undefined) tar.entry({ name: `top/${name}` }, text);
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array);
  return readSnapshot('-', { stdin: Readable.from([gzipSync(Buffer.concat(chunks))]) });
}

const HOST = {
  'proc/sys/net/netfilter/nf_conntrack_count': '100\n',
  'proc/sys/net/netfilter/nf_conntrack_max': '1000\n',
  'commands/uname-r': '6.6.30\n',
};

const plain = (text: string) =>
  text
    .replace(/<[^>]+>/g, ' ')
    .replace(/\\(?=\W)/g, '')
    .replace(/[\s\u00a0\u202f]+/g, ' ');

describe('a namespace of which only the name is known', () => {
  const files = {
    ...HOST,
    'netns/qrouter-1/commands/conntrack-L': rows(2) + row(2).slice(0, 50) + SHOWN + row(2).slice(50),
    'netns/qrouter-1/commands/conntrack-S': STATS,
    'netns/qrouter-1/commands/sysctl-a': sysctl(990),
    'netns/web 7/commands/conntrack-L': rows(5),
  };

  test('has its rows, count, limit and counters, each with its file', async () => {
    const { namespaces, table, first, sysctls } = await read(files);
    const [file, list] = ['netns/qrouter-1/commands/sysctl-a', 'netns/qrouter-1/commands/conntrack-L'];
    expect(namespaces).toMatchObject([
      {
        names: ['qrouter-1'],
        processes: [],
        rows: { value: 3, file: list, how: 'rows' },
        count: { value: 990, file, line: 1 },
        max: { value: 1000, file, line: 2 },
        counters: { totals: { drop: 7, early_drop: 2 } },
      },
      { names: ['web 7'], rows: { value: 5, how: 'rows' } },
    ]);
    expect(namespaces[0]).not.toHaveProperty('inode');
    // They are no part of the captured namespace.
    expect(table).toBeUndefined();
    expect([first.count?.value, sysctls.max?.value]).toEqual([100, 1000]);
  });

  test('is in the analysis, its schema and the tables of the reports', async () => {
    const analysis = analyse(await read(files), '0');
    expect(analysisSchema.parse(analysis)).toEqual(analysis);
    expect(analysis.namespaces).toMatchObject([
      {
        names: ['qrouter-1'],
        entries: { value: 990 },
        max: { value: 1000 },
        rows: { value: 3 },
        drop: 7,
        earlyDrop: 2,
      },
      { names: ['web 7'], entries: { value: 5, file: 'netns/web 7/commands/conntrack-L' } },
    ]);
    expect(plain(renderHtml(analysis))).toMatch(/qrouter-1 .*990 \(99 % of 1 000\) 3 7 2 web 7/);
    expect(plain(renderMarkdown(analysis))).toContain('| qrouter-1 | | 990 (99 % of 1 000) | 3 | 7 | 2 |');
  });

  test('can be what is full, also where the limit of the host itself was not captured', async () => {
    const others = { ...files, 'proc/sys/net/netfilter/nf_conntrack_max': undefined };
    for (const each of [files, others]) {
      const finding = analyse(await read(each), '0').findings.find(({ id }) => id === 'other-namespace');
      expect(finding?.severity).toBe('critical');
      expect(plain((finding && statementOf(finding)) ?? '')).toContain(
        'qrouter-1 holds 990 of at most 1 000 entries: the table there is full',
      );
      expect(finding?.commands?.verify[0]).toBe(
        'ip netns exec qrouter-1 cat /proc/sys/net/netfilter/nf_conntrack_count',
      );
    }
  });
});

test('a namespace that is in the list as well is one', async () => {
  const { namespaces } = await read({
    ...HOST,
    'netns.csv': 'inode,pids,processes,names\n4026532453,3,nginx,web\n',
    'netns/web/commands/sysctl-a': sysctl(12),
  });
  expect(namespaces).toMatchObject([{ inode: '4026532453', pids: 3, names: ['web'], count: { value: 12 } }]);
});

test('an error is no empty table, and names that would run something are in no command', async () => {
  const { namespaces, problems } = await read({
    ...HOST,
    'netns/$(reboot)/commands/conntrack-L': 'sh: conntrack: command not found\n',
    'netns/$(reboot)/commands/sysctl-a': sysctl(1000),
  });
  expect(namespaces).toMatchObject([{ names: ['$(reboot)'], count: { value: 1000 } }]);
  expect(namespaces[0]).not.toHaveProperty('rows');
  expect(problems).toMatchObject([{ what: 'holds an error message: “sh: conntrack: command not found”' }]);
  const analysis = analyse(await read({ ...HOST, 'netns/$(reboot)/commands/sysctl-a': sysctl(1000) }), '0');
  const commands = analysis.findings.find(({ id }) => id === 'other-namespace')?.commands;
  expect(commands?.verify.join('\n')).not.toContain('reboot');
});

test('of hundreds, the lines are counted, and the reports say so', { timeout: 20_000 }, async () => {
  const many = Array.from({ length: 300 }, (_, n) => [
    `netns/ns-${String(n).padStart(3, '0')}/commands/conntrack-L`,
    `${rows(4)}noise\n${row(9).slice(0, 60)}${SHOWN}${row(9).slice(60)}`,
  ]);
  const snapshot = await read({ ...HOST, ...Object.fromEntries(many) });
  expect(snapshot.namespaces).toHaveLength(300);
  expect(snapshot.namespaces[31]?.rows).toMatchObject({ value: 5, how: 'rows' });
  expect(snapshot.namespaces[32]?.rows).toMatchObject({ how: 'lines' });
  // The row that the summary line parts is two lines, each with an address.
  expect(snapshot.namespaces[299]?.rows?.value).toBe(6);
  const analysis = analyse(snapshot, '0');
  for (const report of [renderHtml(analysis), renderMarkdown(analysis)]) {
    expect(plain(report)).toContain('Of 268 namespaces the lines of the table that look like a row were counted');
    expect(plain(report)).toContain('6 lines');
  }
});
