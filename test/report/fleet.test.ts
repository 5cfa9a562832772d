import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { parse } from 'csv-parse/sync';
import { describe, expect, it, test } from 'vitest';
import { fleetOf, type Paged } from '../../src/fleet/fleet.ts';
import { type Labels, NO_LABELS, parseLabels } from '../../src/fleet/labels.ts';
import type { Fleet } from '../../src/fleet/schema.ts';
import { openFleetRenderer } from '../../src/report/fleet.ts';
import { renderFleetCsv } from '../../src/report/fleet-csv.ts';
import { renderFleetHtml } from '../../src/report/html.ts';
import { sparkline, usageBar } from '../../src/report/small-charts.ts';
import { renderFleetText } from '../../src/report/text.ts';
import { host, paged } from '../fleet/hosts.ts';
import { full, HOSTILE, healthy, hostile, linux24, nearLimit, nothing } from './analyses.ts';
import { codePointsOf } from './woff2.ts';

const require = createRequire(import.meta.url);

function fleet(
  inputs: Parameters<typeof paged>[0],
  { labels = NO_LABELS, unread = [] }: { labels?: Labels; unread?: Fleet['unread'] } = {},
) {
  return fleetOf(paged(inputs), { labels, unread }, '0');
}

const LABELS = parseLabels(
  'hostname,site,customer\ngw-full,Lyon,Acme\ngw-fine,Lyon,Globex\ngw-near,Oslo,Acme\ngw-lost,Oslo,\n',
  'hosts.csv',
);
const WEEK = Array.from({ length: 7 }, (_, day) => {
  const analysis = healthy();
  const entries = { value: 20_000 + 5000 * day, file: 'proc' };
  const share = entries.value / (analysis.usage.max?.value ?? 1);
  return host(
    'gw-growing',
    { ...analysis, usage: { ...analysis.usage, entries, peak: entries, share, peakShare: share } },
    { day },
  );
});
const MANY = [
  host('gw-full', full(), { day: 6 }),
  host('gw-near', nearLimit()),
  host('gw-fine', healthy(), { day: 6 }),
  host('gw-blind', nothing(), { day: 6 }),
  host('gw-old', linux24(), { day: 6 }),
  ...WEEK,
];
const UNREAD = [{ input: 'in/broken.tar.gz', reason: 'in/broken.tar.gz is empty. Expected a bundle.' }];

const CASES: Record<string, () => Fleet> = {
  'many hosts with labels': () => fleet(MANY, { labels: LABELS, unread: UNREAD }),
  'many hosts': () => fleet(MANY),
  'one host': () => fleet([host('gw', full())]),
  'hosts in order': () => fleet([host('a', healthy()), host('b', healthy())]),
  'no host': () => fleet([], { unread: UNREAD }),
};

/** What a reader sees of a page, in ordinary blanks. */
const visible = (html: string) =>
  html
    .slice(html.indexOf('<body>'))
    .replace(/<\/?(?:strong|code)>|<\/span>(?=\.)/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#x27;/g, "'")
    .replace(/&#x3D;/g, '=')
    .replace(/&#x60;/g, '`')
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/[\s\u00a0\u202f]+/g, ' ');

describe.each(Object.entries(CASES))('a fleet of %s', (_, make) => {
  const made = make();
  const html = renderFleetHtml(made, { groupBy: made.labels[0] });

  it('renders the same bytes every time', () => {
    expect(renderFleetHtml(make(), { groupBy: made.labels[0] })).toBe(html);
    expect(renderFleetCsv(make())).toBe(renderFleetCsv(made));
  });

  it('has no hole where a value should be', () => {
    for (const text of [visible(html), renderFleetText(made)])
      expect(text).not.toMatch(/undefined|null|NaN|Infinity|\[object|\( |\(\)| [,.;:](?= )/);
  });

  it('carries no script, loads nothing, and links to the pages of its hosts only', () => {
    expect(html).not.toMatch(/<(?:script|iframe|object|embed|form|base|img)\b/i);
    expect(html).not.toMatch(/<[^>]*\s(?:on\w+|src|srcset|style)\s*=/i);
    for (const [, href] of html.matchAll(/\shref="([^"]*)"/g))
      expect(href).toMatch(/^(?:data:,|hosts\/[\w.-]+\.html)$/);
    expect(html.match(/url\([^)]{0,16}/g)?.every((url) => /^url\((?:data:font\/|#)/.test(url))).toBe(true);
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
    expect(html).toContain(
      `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    );
  });

  it('keeps to the characters of the embedded fonts', () => {
    const faces = [
      { text: html.replace(/<code\b[\s\S]*?<\/code>/g, ''), file: 'inter/files/inter-latin-400-normal.woff2' },
      {
        text: `<body>${(html.match(/<code\b[\s\S]*?<\/code>/g) ?? []).join('')}`,
        file: 'jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2',
      },
    ];
    for (const { text, file } of faces) {
      const known = codePointsOf(require.resolve(`@fontsource/${file}`));
      expect([...new Set(visible(text))].filter((c) => !known.has(c.codePointAt(0) ?? 0))).toEqual([]);
    }
  });

  it('fits a terminal of 80 columns', () => {
    const lines = renderFleetText(made).trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 80 || line !== line.trimEnd())).toEqual([]);
  });
});

describe('the index', () => {
  const html = renderFleetHtml(CASES['many hosts with labels']?.() as Fleet, { groupBy: 'site' });
  const text = visible(html);

  it('says at once who is in trouble', () => {
    expect(text).toContain(
      '1 of 6 hosts loses traffic, or has no room left: gw-full. 1 more has lost traffic before, or will before long. 3 are in order. Of 1 too little was captured to tell.',
    );
  });

  it('groups by the first label, the worst group first, and counts by the others', () => {
    const groups = [...html.matchAll(/<summary><h3>([^<]*)<\/h3> <span class="note">([^<]*)/g)].map((m) => m.slice(1));
    expect(groups).toEqual([
      ['Lyon', '2 hosts: 1 critical, 1 in order'],
      ['Oslo', '1 host: 1 warning'],
      ['no site', '3 hosts: 1 not decided, 2 in order'],
    ]);
    expect(text).toContain('By customer customer Hosts Verdicts Acme 2 1 critical, 1 warning Globex 1 1 in order');
  });

  it('draws the trend of whoever has several snapshots, and says when the table would be full', () => {
    expect(html.match(/<polyline/g)).toHaveLength(1);
    // 5 000 more each day, from 50 000 to 262 144.
    expect(text).toContain('7 snapshots full in 42 days');
    expect(text).toContain('6 days before the newest');
  });

  it('lists what could not be read, with the reason, and who was expected', () => {
    expect(text).toContain('Inputs that could not be read Input Why in/broken.tar.gz It is empty. Expected a bundle.');
    expect(text).toMatch(/gw-lost \(Oslo\)/);
  });

  it('is printed on paper that lies on its side', () => {
    expect(renderFleetHtml(CASES['one host']?.() as Fleet, { paper: 'letter' })).toContain(
      '@page{size:letter landscape}',
    );
  });

  it('names a host without a name by its input', () => {
    const [named] = paged([host('gw', healthy())]);
    const bare = structuredClone(named) as Paged;
    for (const { analysis } of bare.host.snapshots) delete analysis.host.hostname;
    expect(visible(renderFleetHtml(fleetOf([bare], { labels: NO_LABELS, unread: [] }, '0')))).toContain(
      'gw-0.tar.gz (no host name)',
    );
  });
});

test('small charts draw something for little, and stay within their frame', () => {
  expect(usageBar(0.000_1, false)).toContain('width="1%"');
  expect(usageBar(0, false)).toContain('width="0%"');
  expect(usageBar(1.3, true)).toContain('class="limit" width="100%"');
  expect(sparkline([{ x: 1, y: 1 }])).toBeUndefined();
  expect(sparkline([0, 1, 2].map((x) => ({ x, y: 0 })))).toContain('points="0,19 50,19 100,19"');
  expect(sparkline([0, 1].map((y) => ({ x: 5, y })))).not.toContain('NaN');
});

describe('hostile strings', () => {
  const FORMULAS = ['=1+1', '+1', '-1', '@SUM(1)', '\t=1+1', '\r=1+1', ' =1+1', '＝1+1', 'x;=1+1', '"=1+1'];
  const MARKUP = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{tool}}\u202e\x1b[31m`;
  const inputs = [...FORMULAS, MARKUP, HOSTILE].map((name) => host(name, hostile()));
  const labels = parseLabels(
    `hostname,"${MARKUP.replaceAll('"', '""')}",=2+2\ngw,"=1+1","${MARKUP.replaceAll('"', '""')}"\n`,
    'x.csv',
  );
  const made = fleet([...inputs, host('gw', hostile())], { labels, unread: [{ input: MARKUP, reason: MARKUP }] });
  // As it is in pageNames(), which decides what hosts are linked as.
  const html = renderFleetHtml(made, { groupBy: made.labels[0] });

  it('are text in the page', () => {
    expect(html).not.toMatch(/<(?:script|img)\b/i);
    expect(html).not.toMatch(/<[^>]*\sonerror\s*=/i);
    for (const active of ['\u202e', '\x1b']) expect(html).not.toContain(active);
    expect(visible(html)).toContain(`<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{tool}}\\u202e\\x1b[31m`);
  });

  it('run nothing in a terminal', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(renderFleetText(made)).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  it('parse to what they were in JSON, with nothing active in it', async () => {
    const json = await openFleetRenderer(made).text('json');
    expect(JSON.parse(json)).toEqual(made);
    expect(json).not.toContain('\u202e');
  });

  it('are no formulas in a spreadsheet, and the CSV is read back', () => {
    const csv = renderFleetCsv(made);
    expect(csv).toMatch(/\r\n$/);
    const rows: string[][] = parse(csv, { record_delimiter: '\r\n' });
    expect(rows).toHaveLength(1 + made.hosts.length);
    for (const cell of rows.flat()) expect(cell).not.toMatch(/^\s*[=+\-@\t\r＝＋－＠]|;\s*"*[=+\-@]/u);
    const names = rows.slice(1).map(([name]) => name);
    for (const name of FORMULAS.slice(0, 4)) expect(names).toContain(`'${name}`);
    expect(names).toContain("x;'=1+1");
  });
});

test('the CSV has a line for each host with its numbers, and columns that stay', () => {
  const made = fleet(MANY, { labels: LABELS });
  const rows: Record<string, string>[] = parse(renderFleetCsv(made), { columns: true });
  expect(Object.keys(rows[0] ?? {}).join()).toBe(
    'hostname,severity,verdict,failure,entries,max,share,buckets,memory_bytes,mem_total_bytes,dropped_during_capture,' +
      'drops_per_second_during_capture,evicted_during_capture,capture_seconds,dropped_since_previous_capture,' +
      'drops_per_second_since_previous_capture,evicted_since_previous_capture,since_previous_capture_seconds,' +
      'since_previous_capture_counted_from,dropped_total,evicted_total,table_full_lines,recommendation,' +
      'recommended_max,recommended_buckets,findings_critical,findings_warning,full_in_days_from,full_in_days_to,differs_in,' +
      'kernel,os,cpus,uptime_seconds,captured_at,snapshots,input,page,page_size_inferred,label_site,label_customer',
  );
  const [first] = rows;
  const { usage, verdict, recommendation } = full();
  expect(first).toMatchObject({
    hostname: 'gw-full',
    severity: 'critical',
    verdict: verdict.kind,
    max: String(usage.max?.value),
    recommended_max: String(recommendation.max),
    captured_at: '2026-11-07T12:00:00Z',
    label_site: 'Lyon',
    label_customer: 'Acme',
  });
  // What was not captured is empty, not nought.
  expect(rows.find(({ hostname }) => hostname === 'gw-blind')).toMatchObject({
    entries: '',
    max: '',
    dropped_total: '',
  });
});
