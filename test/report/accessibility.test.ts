/** What a screen reader, or somebody who sees little, gets: axe-core in a real browser, in both themes, wide and narrow. */
import axe from 'axe-core';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetOf } from '../../src/fleet/fleet.ts';
import { parseLabels } from '../../src/fleet/labels.ts';
import { openBrowser } from '../../src/report/browser.ts';
import { renderFleetHtml, renderHtml, renderTimelineHtml } from '../../src/report/html.ts';
import { hostsOf } from '../../src/timeline/hosts.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { host, paged } from '../fleet/hosts.ts';
import { ALL, full, healthy } from './analyses.ts';

/** Hosts of every kind, in groups. */
function fleet() {
  const hosts = Object.entries(ALL).map(([name, make]) => host(name.replace(/\W/g, '-'), make()));
  const labels = parseLabels('hostname,site\nfull,Lyon\nhealthy,Lyon\nhuge,Oslo\ngone,Oslo\n', 'hosts.csv');
  return fleetOf(paged(hosts), { labels, unread: [{ input: 'broken.tar.gz', reason: 'it is empty.' }] }, '0');
}

/** A host before a change, and a week after it. */
function compared() {
  const later = healthy();
  const host = { ...later.host, capturedAt: { value: '2026-12-01T12:00:00Z', file: 'commands/date-utc' } };
  const [first] = hostsOf([
    { name: 'before', analysis: full() },
    { name: 'after', analysis: { ...later, host: { ...host, hostname: full().host.hostname } } },
  ]);
  if (!first) throw new Error('no host');
  return timelineOf(first, '0');
}

const opened = await openBrowser('bundled').catch((error: Error) => error);
const missing = opened instanceof Error ? opened.message : '';

describe.skipIf(missing !== '')(`accessible${missing && ` (skipped: ${missing.split('\n')[2]})`}`, () => {
  const { browser } = opened as { browser: Browser };
  let page: Page;

  beforeAll(async () => {
    page = await browser.newPage();
  });
  afterAll(() => browser.close());

  const pages: [string, () => string][] = [
    ...Object.entries(ALL).map(([name, make]): [string, () => string] => [name, () => renderHtml(make())]),
    // As the page of a host in a fleet is, too.
    ['a report with every finding open', () => renderHtml(full(), { unfolded: true })],
    ['a comparison', () => renderTimelineHtml(compared())],
    ['a fleet', () => renderFleetHtml(fleet(), { groupBy: 'site' })],
  ];

  describe.each(pages)('%s', (_, make) => {
    it.each([
      ['light', 1000],
      ['dark', 1000],
      ['light', 400],
    ] as const)('%s, %i pixels wide', async (theme, width) => {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      // A new document: the content policy of the page before would hold for this one too, and keep its styles out.
      await page.goto('about:blank');
      await page.setContent(make(), { waitUntil: 'load' });
      await page.evaluate(axe.source);
      const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
        violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
      };
      const told = violations.map(({ id, nodes }) => [
        id,
        nodes.length,
        nodes[0]?.html.slice(0, 300),
        nodes[0]?.failureSummary,
      ]);
      expect(told).toEqual([]);
    });
  });
});
