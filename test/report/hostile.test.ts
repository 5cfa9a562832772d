import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'csv-parse/sync';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Analysis } from '../../src/analysis/schema.ts';
import { complaint } from '../../src/commands/messages.ts';
import { inFileName } from '../../src/files.ts';
import { fleetOf } from '../../src/fleet/fleet.ts';
import { parseLabels } from '../../src/fleet/labels.ts';
import { pageNames } from '../../src/fleet/pages.ts';
import { snapshotOf } from '../../src/fleet/snapshot.ts';
import { packageRoot } from '../../src/package.ts';
import { openBrowser } from '../../src/report/browser.ts';
import { openFleetRenderer } from '../../src/report/fleet.ts';
import { renderFleetHtml, renderHtml, renderTimelineHtml } from '../../src/report/html.ts';
import { imprintOf, openRenderer, openTimelineRenderer } from '../../src/report/index.ts';
import { inspectionOf, renderInspection } from '../../src/report/inspection.ts';
import { renderPdf } from '../../src/report/pdf.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import type { Snapshot } from '../../src/snapshot/types.ts';
import { hostsOf } from '../../src/timeline/hosts.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { ATTACKS, MARK } from './attacks.ts';

const original = await readSnapshot(`${packageRoot}/samples/full-with-drops.tar.gz`);
const ALL = Object.entries(ATTACKS);

/** Strings that a parser takes only from a fixed list, or checks; and those that decide what is worked out. */
const FIXED = new Set([
  'kind',
  'status',
  'flag',
  'families',
  'layout',
  'how',
  'part',
  'protocol',
  'state',
  'capturedAt',
  'stamp',
  'sha256',
]);

/** Every string of a snapshot with an attack behind it, in place of it, or in front. */
function poisoned(snapshot: Snapshot, attack: string): { snapshot: Snapshot; strings: number } {
  let strings = 0;
  const walk = (value: unknown, key: string): unknown => {
    if (FIXED.has(key)) return value;
    if (typeof value === 'string') {
      strings++;
      // What a key of byClass says decides what is worked out.
      return /^by[A-Z]|timers|totals/.test(key) ? value : attack;
    }
    if (Array.isArray(value)) return value.map((each) => walk(each, key));
    if (ArrayBuffer.isView(value) || value === null || typeof value !== 'object') return value;
    const inner = /^(?:by[A-Z]\w*|timers)$/.test(key);
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, walk(each, inner && name === 'key' ? 'byKey' : name)]),
    );
  };
  const hostile = walk(snapshot, '') as Snapshot;
  const fact = { value: attack, file: attack, line: 1, key: attack, inferred: attack };
  hostile.host = { ...hostile.host, hostname: fact, osName: fact, kernelRelease: fact, machine: fact };
  hostile.log = [...hostile.log, { file: attack, line: 1, kind: 'table-full', netns: attack, text: attack }];
  hostile.persisted = [{ file: attack, line: 1, kind: 'sysctl', key: attack, value: attack }, ...hostile.persisted];
  const entries = { count: { ...fact, value: 1 }, rows: { ...fact, value: 2, how: 'rows' as const } };
  hostile.namespaces = [{ inode: attack, pids: 1, processes: [attack], names: [attack], ...entries }];
  hostile.inventory = [...hostile.inventory, { path: attack, source: attack, status: 'failed', reason: attack }];
  hostile.problems = [{ file: attack, what: attack, cost: attack }];
  hostile.passedOver = [{ file: attack, path: attack }];
  hostile.origins = { ...hostile.origins, [attack]: { file: attack, linesBefore: 0 } };
  if (hostile.table) {
    hostile.table.malformed = { count: 1, examples: [{ file: attack, line: 1, text: attack }] };
    hostile.table.byHelper = [{ key: attack, entries: 3 }];
    hostile.table.cut = attack;
  }
  return { snapshot: hostile, strings };
}

interface Made {
  analysis: Analysis;
  snapshot: Snapshot;
  timeline: ReturnType<typeof timelineOf>;
  fleet: ReturnType<typeof fleetOf>;
}

function madeOf(attack: string): Made {
  const { snapshot } = poisoned(original, attack);
  const analysis = analyse(snapshot, '0');
  const name = attack;
  const [host] = hostsOf([
    { name, analysis },
    { name: `${name}2`, analysis: { ...analysis, bundle: { ...analysis.bundle, sha256: '0' } } },
  ]);
  if (host === undefined) throw new Error('no host');
  const [kept] = hostsOf([{ name, analysis: snapshotOf(analysis) }]);
  if (kept === undefined) throw new Error('no host');
  const quoted = `"${attack.replaceAll('"', '""')}"`;
  const labels = parseLabels(`hostname,site\n${attack === '' ? 'gw' : quoted},${quoted}\n`, 'x.csv');
  const fleet = fleetOf(
    [{ host: kept, page: `hosts/${pageNames([kept])[0]}` }],
    { labels, unread: [{ input: attack, reason: attack }] },
    '0',
  );
  return { analysis, snapshot, timeline: timelineOf(host, '0'), fleet };
}

const made = new Map(ALL.map(([name, attack]) => [name, madeOf(attack)]));
const of = (name: string) => made.get(name) as Made;

/** Control characters but the line end, and what reorders or hides. */
const ACTIVE = /(?!\n)[\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]/u;

test('every string of a snapshot is poisoned', () => {
  const { snapshot, strings } = poisoned(original, MARK);
  expect(strings).toBeGreaterThan(500);
  expect(JSON.stringify(snapshot).split(MARK).length).toBeGreaterThan(400);
});

describe.each(ALL)('%s', (name, attack) => {
  test('is inert in HTML', () => {
    const { analysis, timeline, fleet } = of(name);
    for (const html of [
      renderHtml(analysis),
      renderTimelineHtml(timeline),
      renderFleetHtml(fleet, { groupBy: 'site' }),
    ]) {
      const body = html.slice(html.indexOf('</style>'));
      expect(body.match(ACTIVE)).toBeNull();
      expect(body).not.toMatch(/<(?:script|img|iframe|base|form|input|use|link|object|details open ontoggle)\b/i);
      expect(body).not.toMatch(/<[^>]*\son\w+\s*=\s*\w+\(/i);
      // Of what is not ours no attribute points anywhere.
      for (const [, link = ''] of body.matchAll(/\s(?:href|src|action)="([^"]*)"/g))
        expect(link).toMatch(/^(?:#[\w-]*|[\w./#-]+|data:[^<]*)$/);
      expect(html.match(/<style/g)).toHaveLength(1);
      expect(html.length).toBeLessThan(8_000_000);
    }
  });

  test('is inert in Markdown', async () => {
    const { analysis, timeline } = of(name);
    for (const render of [openRenderer(analysis), openTimelineRenderer(timeline)]) {
      const text = (await render.text('md')).replace(/^(`{3,})sh\n[\s\S]*?^\1$/gm, '');
      expect(text.match(ACTIVE)).toBeNull();
      expect(text.replaceAll('@<!-- -->', '').replaceAll('<br>', '')).not.toMatch(
        /(?<!\\)<(?!\/?(?:sub|sup|details|summary|br)\b)/,
      );
      expect(text).not.toMatch(/(?<!\\)\]\((?!#)/);
      expect(text).not.toMatch(/https:\/\/|www\.attack/);
    }
  });

  test('is inert on a terminal', async () => {
    const { analysis, timeline, fleet, snapshot } = of(name);
    const texts = [
      await openRenderer(analysis).summary(),
      await openTimelineRenderer(timeline).summary(),
      await openFleetRenderer(fleet).summary(),
      renderInspection(attack, inspectionOf(snapshot, analysis.comparisons ?? [])),
      complaint(`${attack} cannot be read`),
    ];
    for (const text of texts) expect(text.match(ACTIVE)).toBeNull();
  });

  test('is what it was in JSON, with nothing active in the text', async () => {
    const { analysis, timeline, fleet } = of(name);
    const texts = [
      await openRenderer(analysis).text('json'),
      await openTimelineRenderer(timeline).text('json'),
      await openFleetRenderer(fleet).text('json'),
    ];
    for (const text of texts) expect(text.match(ACTIVE)).toBeNull();
    const [first = ''] = texts;
    expect(JSON.parse(first).host.hostname.value).toBe(attack);
  });

  test('is no formula in a spreadsheet', async () => {
    const csv = await openFleetRenderer(of(name).fleet).text('csv');
    const rows: string[][] = parse(csv, { record_delimiter: '\r\n' });
    expect(rows).toHaveLength(2);
    for (const cell of rows.flat()) expect(cell).not.toMatch(/^\s*[=+\-@\t\r＝＋－＠]|;\s*"*[=+\-@]/u);
  });

  test('is a name of a file that stays where it belongs', () => {
    const [page = ''] = pageNames(hostsOf([{ name: attack, analysis: snapshotOf(of(name).analysis) }]));
    for (const file of [inFileName(attack), page]) {
      expect(file).toMatch(/^[\w-][\w.-]{0,120}$/);
      expect(file).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i);
    }
  });
});

const LISTEN =
  'addEventListener("securitypolicyviolation", (event) => violated(event.violatedDirective + " " + event.blockedURI))';

const opened = await openBrowser('bundled').catch((error: Error) => error);
const missing = opened instanceof Error ? opened.message.split('\n')[2] : undefined;

describe.skipIf(missing)(`in a browser${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const { browser } = opened as { browser: Browser };
  const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-report-hostile-'));
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await browser.close();
  });

  /** Opens a report as a reader does. */
  async function open(page: Page, html: string): Promise<void> {
    const file = path.join(folder, 'report.html');
    writeFileSync(file, html);
    await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
  }

  test.each(ALL.map(([name]) => name))('%s asks for nothing, runs nothing, and breaks no policy', async (name) => {
    const { analysis, timeline, fleet } = of(name);
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('request', (request) => {
      if (!/^(?:data:|about:|file:.*\/report\.html$)/.test(request.url()))
        complaints.push(`asked for ${request.url()}`);
    });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      complaints.push(`ran ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.exposeFunction('violated', (what: string) => complaints.push(`violated ${what}`));
    await page.evaluateOnNewDocument(LISTEN);
    for (const html of [
      renderHtml(analysis, { unfolded: true }),
      renderTimelineHtml(timeline),
      renderFleetHtml(fleet, { groupBy: 'site' }),
    ]) {
      await open(page, html);
      expect(
        await page.evaluate(
          'document.scripts.length + document.querySelectorAll("img,iframe,form,object,embed,base").length',
        ),
      ).toBe(0);
    }
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('a violation would be seen', async () => {
    const page = await browser.newPage();
    const violations: string[] = [];
    await page.exposeFunction('violated', (what: string) => violations.push(what));
    await page.evaluateOnNewDocument(LISTEN);
    const html = renderHtml(of('script').analysis).replace('</body>', `<img src=https://${MARK}/x></body>`);
    await open(page, html);
    expect(violations).toEqual([`img-src https://${MARK}/x`]);
    await page.close();
  });

  test.each(['script', 'terminal link', 'bidirectional override', 'lone surrogates', 'NUL', 'long'])(
    'the PDF of %s has none of it in its metadata',
    async (name) => {
      const { analysis } = of(name);
      const pdf = (await renderPdf(browser, renderHtml(analysis, { unfolded: true }), imprintOf(analysis))).toString(
        'latin1',
      );
      expect(pdf.startsWith('%PDF-')).toBe(true);
      expect(pdf).not.toMatch(/\/(?:JavaScript|JS|Launch|OpenAction|EmbeddedFile|SubmitForm)\b/);
      expect(pdf).not.toMatch(/\/URI \(/);
      const [, title = ''] = /\/Title (\([^)]*\)|<[0-9A-F]*>)/.exec(pdf) ?? [];
      expect(title).not.toBe('');
      expect(title.length).toBeLessThan(4000);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
      expect(title).not.toMatch(/[\u0000-\u0008\u000e-\u001f]|<FEFF(?:[0-9A-F]{4})*?(?:202E|001B|0000)/);
    },
  );
});
