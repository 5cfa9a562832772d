/** What every form of a report says of a table that is not whole, or not of both families. */
import { describe, expect, it } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderText } from '../../src/report/text.ts';
import { snapshotOfCapture } from '../analysis/any-capture.ts';
import { gateway, tableOf } from '../analysis/snapshot-of.ts';

const row = (n: number) =>
  `udp      17 25 src=10.0.0.${n & 1} dst=198.51.100.7 sport=${n} dport=53 src=198.51.100.7 dst=10.0.0.${n & 1} sport=53 dport=${n} mark=0 use=1`;
const rows = (length: number) => Array.from({ length }, (_, n) => row(n));
const shown = (version: string, entries: number) =>
  `conntrack v${version} (conntrack-tools): ${entries} flow entries have been shown.`;

const plain = (text: string) =>
  text
    .replace(/<[^>]+>/g, ' ')
    .replace(/\\(?=\W)/g, '')
    .replace(/[\s\u00a0\u202f]+/g, ' ');

/** Every report on a table, and of the longer ones how they begin. */
async function reportsOf(lines: readonly string[], file: string, count: number | '' = '') {
  const snapshot = gateway(
    { 'proc/sys/net/netfilter/nf_conntrack_count': count, 'proc/slabinfo': '' },
    await tableOf(lines, file),
  );
  const analysis = analyse(snapshot, '0');
  const [html = '', md = '', text = ''] = [renderHtml(analysis), renderMarkdown(analysis), renderText(analysis)].map(
    plain,
  );
  return { html, md, text, json: JSON.parse(renderJson(analysis)) as typeof analysis };
}

describe('the end of a table', () => {
  it('is named so on the first page of each report, with what the whole had', async () => {
    const { html, md, text, json } = await reportsOf(rows(1201), 'tail/commands/conntrack-L', 60_000);
    const says = 'Only the last 1 200 rows of the table of about 60 000 entries are there';
    expect(html.split(says)).toHaveLength(3);
    expect(md.split(says)).toHaveLength(3);
    expect(text).toContain(says);
    expect(html.indexOf(says)).toBeLessThan(html.indexOf('Recommendation'));
    expect(md.indexOf(says)).toBeLessThan(md.indexOf('## Recommendation'));
    expect(html).toContain('an unbiased sample');
    expect(json.table).toMatchObject({
      part: 'tail',
      entries: 1200,
      whole: { value: 60_000, file: 'proc/sys/net/netfilter/nf_conntrack_count' },
    });
  });

  it('has shares that are marked, and counts that are not scaled up', async () => {
    const { html, md, json } = await reportsOf(rows(1201), 'tail/commands/conntrack-L', 60_000);
    expect(md).toContain('| Entries | Share, sampled |');
    expect(html).toContain('Share, sampled');
    expect(html).toContain('is about 100 % of the table');
    expect(json.table?.sources.top[0]).toEqual({ key: '10.0.0.0', entries: 600 });
    expect(json.usage.entries?.value).toBe(60_000);
  });

  it('takes the size of the whole from the command’s own line before the count, and does without both', async () => {
    const own = await reportsOf([...rows(1201), shown('1.4.7', 61_234)], 'tail/commands/conntrack-L', 60_000);
    expect(own.json.table?.whole).toEqual({ value: 61_234, file: 'tail/commands/conntrack-L', line: 1202 });
    expect(own.text).toContain('about 61 234 entries');
    const none = await reportsOf(rows(1201), 'tail/commands/conntrack-L');
    expect(none.json.table?.whole).toBeUndefined();
    expect(none.json.usage.entriesHow).not.toBe('table');
    expect(none.text).toContain('Only the last 1 200 rows of the table are there');
  });
});

describe('IPv6 that was not listed', () => {
  it.each([
    ['1.4.5', 'The conntrack command of version 1.4.5 lists IPv4 only'],
    ['', 'The version of the conntrack command was not captured; before 1.4.7 it lists IPv4 only'],
  ])('version “%s”: is not captured, never zero', async (version, why) => {
    const lines = version === '' ? rows(20) : [...rows(20), shown(version, 20)];
    const { html, md, text, json } = await reportsOf(lines, 'commands/conntrack-L', 20);
    for (const report of [html, md, text]) {
      expect(report).toMatch(/Not captured:?\** ?:? IPv6 entries/);
      expect(report).toContain(why);
    }
    for (const report of [html, md]) expect(report).toContain('IPv4; IPv6 was not captured');
    expect(json.table?.families).toEqual(['ipv4']);
    expect(json.table?.byFamily).toEqual([{ key: 'ipv4', entries: 20 }]);
    const blind = json.findings.find(({ id }) => id === 'blind-spots');
    expect(JSON.stringify(blind)).toContain('the entries of IPv6');
  });

  it('makes rows that stand for the count a lower bound', async () => {
    const { text } = await reportsOf([...rows(20), shown('1.4.5', 20)], 'commands/conntrack-L');
    expect(text).toContain('rows of the table, without IPv6: at least so many');
  });

  it('is not said where the version lists both', async () => {
    const { html, md, text, json } = await reportsOf([...rows(20), shown('1.4.7', 20)], 'commands/conntrack-L', 20);
    for (const report of [html, md, text]) expect(report).not.toMatch(/IPv6 entries/);
    expect(json.table).toMatchObject({ families: ['ipv4', 'ipv6'], toolVersion: '1.4.7' });
  });
});

describe('an error in place of the table', () => {
  it('is the reason why there is none, also without an inventory', () => {
    const snapshot = snapshotOfCapture({ files: new Map([['proc/uptime', '100.00 90.00\n']]) });
    const what = 'holds an error message: “sh: conntrack: command not found”';
    snapshot.problems.push({ file: 'commands/conntrack-L', what, cost: 'The table that it should hold is missing.' });
    const analysis = analyse(snapshot, '0');
    for (const report of [renderHtml(analysis), renderMarkdown(analysis)]) {
      expect(plain(report)).toContain(`the connection table (${what})`);
    }
    const evidence = analysis.findings.find(({ id }) => id === 'blind-spots')?.evidence;
    expect(evidence).toContainEqual({ what: 'commands/conntrack-L', value: what, file: 'commands/conntrack-L' });
  });
});
