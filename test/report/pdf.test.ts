/** What a PDF has beside its ink: the structure that a screen reader follows; and that its pages break where they may. */
import type { Browser } from 'puppeteer-core';
import { afterAll, describe, expect, it } from 'vitest';
import type { Analysis } from '../../src/analysis/schema.ts';
import { fleetOf } from '../../src/fleet/fleet.ts';
import { NO_LABELS } from '../../src/fleet/labels.ts';
import { openBrowser } from '../../src/report/browser.ts';
import { openFleetRenderer } from '../../src/report/fleet.ts';
import { renderFleetHtml, renderHtml, renderTimelineHtml } from '../../src/report/html.ts';
import { imprintOf, openRenderer, openTimelineRenderer } from '../../src/report/index.ts';
import { renderPdf } from '../../src/report/pdf.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { host, paged } from '../fleet/hosts.ts';
import { ALL, full, healthy, huge, nearLimit } from './analyses.ts';
import { badBreaks, openPdf, pagesOf, rowsOf, within } from './pdf-pages.ts';

const opened = await openBrowser('bundled').catch((error: Error) => error);
const missing = opened instanceof Error ? opened.message : '';

// Where every string is a paragraph, so are headings, and nothing keeps them with what comes after.
const { hostile: _, ...OTHERS } = ALL;

/** As many findings as no host has, and a name of the longest label there is. */
function forty(): Analysis {
  const made = full();
  return {
    ...made,
    host: { ...made.host, hostname: { value: `${'gateway'.repeat(9)}.example.net`, file: 'proc/sys/kernel/hostname' } },
    findings: Array.from({ length: 40 }, (_, at) => {
      const finding = made.findings[at % made.findings.length];
      if (!finding) throw new Error('no finding');
      return { ...finding, evidence: Array.from({ length: 1 + (at % 7) }, () => finding.evidence).flat() };
    }),
  };
}

/** Two snapshots a day, for twelve days. */
function many() {
  const snapshots = Array.from({ length: 24 }, (_, at) => {
    const made = ([nearLimit, healthy, full, huge] as const)[(at * 7) % 4]?.() ?? full();
    const capturedAt = new Date(Date.UTC(2026, 10, 1, 12 * at)).toISOString().replace('.000', '');
    return {
      name: `${'gateway'.repeat(9)}-${at}.tar.gz`,
      analysis: { ...made, host: { ...made.host, capturedAt: { value: capturedAt, file: 'commands/date-utc' } } },
    };
  });
  return timelineOf({ identifiedBy: 'machine id', snapshots, notes: [] }, '0');
}

/** Hosts of every kind, five times over. */
function fleet() {
  const hosts = Object.entries(OTHERS).flatMap(([name, make]) =>
    [1, 2, 3, 4, 5].map((n) => host(`${name.replace(/\W/g, '-')}-${n}`, make())),
  );
  const unread = [{ input: 'broken.tar.gz', reason: 'it is empty.' }];
  return fleetOf(paged(hosts), { labels: NO_LABELS, unread }, '0');
}

/** Rows of tables but their heads. */
const bodyRows = (html: string) => html.match(/<tr\b(?!.*<\/thead>)/g)?.length ?? 0;

const REPORTS: [string, () => Analysis][] = Object.entries({ ...OTHERS, 'forty findings': forty });

describe.skipIf(missing !== '')(`a PDF${missing && ` (skipped: ${missing.split('\n')[2]})`}`, () => {
  const { browser } = opened as { browser: Browser };
  afterAll(() => browser.close());

  /** What it is printed from, and the file. */
  const cases: [string, () => string, () => Promise<Buffer>][] = [
    ...REPORTS.map(([name, make]): (typeof cases)[number] => [
      name,
      () => renderHtml(make(), { unfolded: true }),
      () => openRenderer(make()).pdf(browser),
    ]),
    ['24 snapshots', () => renderTimelineHtml(many()), () => openTimelineRenderer(many()).pdf(browser)],
    ['a fleet', () => renderFleetHtml(fleet()), () => openFleetRenderer(fleet()).pdf(browser)],
  ];

  it.each([0, 5, 10, 15, 20, 25, 30])('breaks where it may, with everything %i lines further down', async (lines) => {
    const html = renderHtml(full(), { unfolded: true });
    const moved = html.replace('</header>', `</header>${'<br>'.repeat(lines)}`);
    const pdf = await openPdf(await renderPdf(browser, moved, imprintOf(full())));
    const pages = await pagesOf(pdf);
    expect(badBreaks(pages)).toEqual([]);
    expect(rowsOf(pages)).toBe(bodyRows(html));
    await pdf.destroy();
  });

  it.each(cases)('of %s is tagged, and breaks where it may', async (_, html, print) => {
    const page = html();
    const pdf = await openPdf(await print());
    const pages = await pagesOf(pdf);
    const all = within(pages.flatMap(({ elements }) => elements));
    const headings = (level: number) => page.match(new RegExp(`<h${level}\\b`, 'g'))?.length ?? 0;

    expect(badBreaks(pages)).toEqual([]);
    // Each row is on one page; and none is missing.
    expect(rowsOf(pages)).toBe(bodyRows(page));

    expect(await pdf.getMarkInfo()).toMatchObject({ Marked: true });
    const { info } = await pdf.getMetadata();
    expect(info).toMatchObject({ Language: 'en', Title: expect.stringMatching(/^Connection tracking .+ · /) });
    expect(await pdf.getViewerPreferences()).toMatchObject({ DisplayDocTitle: true });

    // Every heading is one, in the order of the page, and a bookmark; no level is left out.
    const levels = all.filter(({ role }) => /^H\d$/.test(role)).map(({ role }) => Number(role.slice(1)));
    for (const level of [1, 2, 3]) expect(levels.filter((each) => each === level)).toHaveLength(headings(level));
    expect(levels[0]).toBe(1);
    for (const [at, level] of levels.entries()) expect(level - (levels[at - 1] ?? 0)).toBeLessThanOrEqual(1);
    const outline = (await pdf.getOutline()) ?? [];
    expect(outline.flatMap(({ items }) => items).length).toBe(headings(2));

    // A table has heads of columns in its first row, and every row after it one of its own.
    for (const table of all.filter(({ role }) => role === 'Table')) {
      const rows = within([table]).filter(({ role }) => role === 'TR');
      for (const row of rows) expect(row.children[0]?.role, row.text).toBe('TH');
    }
    // What is drawn is told in words, and those of the page.
    const figures = all.filter(({ role }) => role === 'Figure');
    expect(figures).toHaveLength(page.match(/<svg [^>]*role="img"/g)?.length ?? 0);
    for (const { alt } of figures) expect(alt).toMatch(/\w+.*\d/);
    for (const list of all.filter(({ role }) => role === 'L'))
      for (const { role } of list.children) expect(role).toBe('LI');
    await pdf.destroy();
  });
});
