import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from '../../src/report/browser.ts';
import { renderHtml } from '../../src/report/html.ts';
import { imprintOf } from '../../src/report/index.ts';
import { readLogo } from '../../src/report/logo.ts';
import { normalizePdf, renderPdf } from '../../src/report/pdf.ts';
import { ALL, full, hostile, huge, linux24, nothing } from './analyses.ts';

/** The bundled browser: the same one on every machine that has one at all. */
const opened = await openBrowser('bundled').catch((error: Error) => error);
const missing = opened instanceof Error ? opened.message : '';

describe.skipIf(missing !== '')(`in a browser${missing && ` (skipped: ${missing.split('\n')[2]})`}`, () => {
  const { browser } = opened as { browser: Browser };
  let page: Page;

  beforeAll(async () => {
    page = await browser.newPage();
  });
  afterAll(() => browser.close());

  describe.each(Object.entries(ALL))('%s', (_, make) => {
    it('asks the network for nothing and breaks no rule of its content policy', async () => {
      const fresh = await browser.newPage();
      const asked: string[] = [];
      const complaints: string[] = [];
      fresh.on('request', (request) => {
        if (!/^(data|about):/.test(request.url())) asked.push(request.url());
      });
      fresh.on('console', (message) => complaints.push(message.text()));
      fresh.on('dialog', (dialog) => {
        complaints.push(dialog.message());
        void dialog.dismiss();
      });
      await fresh.setContent(renderHtml(make()), { waitUntil: 'load' });
      expect(asked).toEqual([]);
      expect(complaints).toEqual([]);
      // The style sheet was let through by its hash, and the fonts in it.
      expect(await fresh.evaluate('getComputedStyle(document.querySelector(".verdict")).borderLeftWidth')).toBe('4px');
      expect(await fresh.evaluate('document.fonts.check("600 12px Inter")')).toBe(true);
      await fresh.close();
    });

    it.each([400, 1000])('is no wider than a window of %i pixels', async (width) => {
      await page.setViewport({ width, height: 900 });
      await page.setContent(renderHtml(make()), { waitUntil: 'load' });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    });

    it('lets no text of a chart run out of it or into another', async () => {
      await page.setViewport({ width: 400, height: 900 });
      await page.setContent(renderHtml(make()), { waitUntil: 'load' });
      const clashes = await page.evaluate(`
        [...document.querySelectorAll('svg.chart')].flatMap((chart) => {
          const frame = chart.getBoundingClientRect();
          const boxes = [...chart.querySelectorAll('text')].map((t) => ({ t: t.textContent, b: t.getBoundingClientRect() })).filter(({ b }) => b.width > 0);
          const out = boxes.filter(({ b }) => b.left < frame.left - 1 || b.right > frame.right + 1).map(({ t }) => t);
          const over = boxes.flatMap(({ t, b }, i) => boxes.slice(i + 1).filter(({ b: c }) => b.left < c.right && c.left < b.right && b.top + 2 < c.bottom && c.top + 2 < b.bottom).map((o) => t + ' / ' + o.t));
          return [...out, ...over];
        })`);
      expect(clashes).toEqual([]);
    });
  });

  it('shows a logo without asking for anything, and nothing that a title or a logo would rather do', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-report-logo-'));
    const file = path.join(folder, 'logo.svg');
    writeFileSync(
      file,
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><rect width="10" height="10"/></svg>',
    );
    const { url: logo } = readLogo(file);
    rmSync(folder, { recursive: true });
    // What readLogo() refuses: it would still do nothing here.
    const script =
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 1" onload="alert(1)"><script>alert(1)</script>';
    const hostile = `data:image/svg+xml,${encodeURIComponent(`${script}<image href="http://127.0.0.1:9/x.png"/></svg>`)}`;
    for (const given of [logo, hostile]) {
      const fresh = await browser.newPage();
      const said: string[] = [];
      fresh.on('request', (request) => {
        if (!/^(data|about):/.test(request.url())) said.push(request.url());
      });
      fresh.on('console', (message) => said.push(message.text()));
      fresh.on('dialog', (dialog) => {
        said.push(dialog.message());
        void dialog.dismiss();
      });
      const title = '</title><script>alert(1)</script><img src=http://127.0.0.1:9/y onerror=alert(1)>';
      await fresh.setContent(renderHtml(full(), { logo: given, title, caseId: title, author: title }), {
        waitUntil: 'load',
      });
      expect(said).toEqual([]);
      expect(await fresh.evaluate('document.querySelector("h1").textContent')).toBe(title);
      const ratio = 'const { naturalWidth: w, naturalHeight: h } = document.querySelector(".logo"); Math.round(w / h)';
      expect(await fresh.evaluate(ratio)).toBe(4);
      await fresh.close();
    }
  });

  it('is readable in the dark', async () => {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await page.setContent(renderHtml(full()), { waitUntil: 'load' });
    const colours = await page.evaluate(`
      ['body', '.chart text', '.note'].map((s) => { const c = getComputedStyle(document.querySelector(s)); return s.includes('text') ? c.fill : c.color; })
        .concat(getComputedStyle(document.body).backgroundColor)`);
    const light = (colours as string[]).map((c) => (c.match(/\d+/g) ?? []).reduce((sum, n) => sum + Number(n), 0) / 3);
    const background = light.pop() ?? 255;
    expect(background).toBeLessThan(40);
    for (const text of light) expect(text - background).toBeGreaterThan(100);
    await page.emulateMediaFeatures([]);
  });

  describe('as PDF', () => {
    const pdfOf = (make: typeof full, paper?: 'a4' | 'letter') =>
      renderPdf(browser, renderHtml(make(), { paper }), imprintOf(make()));
    /** The file with its compressed streams spelled out. */
    const spelledOut = (pdf: Buffer) => {
      const text = pdf.toString('latin1');
      const streams = [...text.matchAll(/stream\r?\n([\s\S]*?)\r?\nendstream/g)].map(([, data = '']) => {
        try {
          return inflateSync(Buffer.from(data, 'latin1')).toString('latin1');
        } catch {
          return '';
        }
      });
      return text + streams.join('\n');
    };

    it('has tags, bookmarks, a language, a title and its own fonts', async () => {
      const text = spelledOut(await pdfOf(full));
      for (const mark of [
        '/StructTreeRoot',
        '/MarkInfo',
        '/Outlines',
        '/Lang (en',
        '/S /Table',
        '/S /TH',
        '/S /H1',
        '/S /H2',
      ])
        expect(text, mark).toContain(mark);
      expect(text).toMatch(/\/Title \(.*Connection tracking health report|\/Title <FEFF/);
      const fonts = new Set([...text.matchAll(/\/FontName \/[A-Z]{6}\+([\w-]+)/g)].map((m) => m[1]));
      expect([...fonts].filter((name) => !/^(Inter|JetBrainsMono)/.test(name ?? ''))).toEqual([]);
      expect(fonts.size).toBeGreaterThanOrEqual(3);
    });

    it('is A4, or Letter if asked', async () => {
      const size = async (paper: 'a4' | 'letter') =>
        /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/
          .exec(spelledOut(await pdfOf(linux24, paper)))
          ?.slice(1)
          .map((n) => Math.round(Number(n)));
      expect(await size('letter')).toEqual([612, 792]);
      const [width = 0, height = 0] = (await size('a4')) ?? [];
      expect(Math.abs(width - 595)).toBeLessThanOrEqual(1);
      expect(Math.abs(height - 842)).toBeLessThanOrEqual(1);
    });

    it('is dated by the capture and the same bytes every time', async () => {
      const [first, second] = [await pdfOf(full), await pdfOf(full)];
      expect(first.equals(second)).toBe(true);
      expect(first.toString('latin1')).toContain('/CreationDate (D:20261120140211');
    });

    it('keeps its length when it is normalised', async () => {
      const pdf = await pdfOf(nothing);
      expect(normalizePdf(pdf, new Date(0)).length).toBe(pdf.length);
    });

    it('stays within a sensible number of pages', async () => {
      const pages = async (make: typeof full) => Number(/\/Count (\d+)/.exec(spelledOut(await pdfOf(make)))?.[1]);
      expect(await pages(nothing)).toBeLessThanOrEqual(2);
      expect(await pages(full)).toBeLessThanOrEqual(8);
      expect(await pages(huge)).toBeLessThanOrEqual(8);
    });

    const pdftotext = spawnSync('pdftotext', ['-v']).error?.message;
    it.skipIf(pdftotext)(
      `names host, time and page at every foot${pdftotext ? ` (skipped: ${pdftotext})` : ''}`,
      async () => {
        const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-report-test-'));
        try {
          writeFileSync(path.join(folder, 'a.pdf'), await pdfOf(full));
          const text = spawnSync('pdftotext', ['-layout', path.join(folder, 'a.pdf'), '-'], {
            encoding: 'utf8',
          }).stdout;
          const pages = text.split('\f').slice(0, -1);
          for (const [i, one] of pages.entries())
            expect(one).toMatch(
              new RegExp(`gw-edge-03.example.net · captured 2026-11-20 14:02:11 UTC.*Page ${i + 1} of ${pages.length}`),
            );
          expect(pages[0]).toMatch(/Raise the limit/);
          // A heading alone at the foot of a page has nothing but the footer after it.
          for (const one of pages) {
            const lines = one
              .trimEnd()
              .split('\n')
              .filter((line) => line.trim() !== '');
            expect(lines.at(-2)).not.toMatch(
              /^ ?(Appendix|Commands|The slab arithmetic|Memory in all|Drops|What )[^|]*$/,
            );
          }
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      },
    );

    it('asks the network for nothing, whatever the strings say', async () => {
      let hits = 0;
      const server = createServer((_, response) => {
        hits++;
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
      const made = hostile();
      made.recommendation.notes.push(
        `"><meta http-equiv=refresh content="0;url=${url}"><img src="${url}"><link rel=prefetch href="${url}">`,
      );
      await renderPdf(browser, renderHtml(made), imprintOf(made));
      server.close();
      expect(hits).toBe(0);
    });
  });
});

describe('a browser that does not start', () => {
  it('is named with the reason, and with what to do', async () => {
    const error = await openBrowser('/nonexistent/chrome').catch((e: Error) => e);
    expect(String(error)).toMatch(/the browser that was named \(\/nonexistent\/chrome\): .+/);
    expect(String(error)).toMatch(/HTML.*need none/);
    expect(String(error)).toMatch(/--browser PATH/);
  });
});

describe('a browser that takes too long', () => {
  const never = ({ timeout = 0 }: { timeout?: number }) =>
    new Promise<never>((_, reject) => {
      // Puppeteer's own error; without a limit it would wait for ever.
      if (timeout > 0) reject(Object.assign(new Error(`Timed out after ${timeout} ms`), { name: 'TimeoutError' }));
    });
  const imprint = imprintOf(full());

  it.each([
    ['to load', { setContent: (_: string, options: { timeout?: number }) => never(options), pdf: async () => '' }, 30],
    ['to print', { setContent: async () => {}, pdf: never }, 60],
  ] as const)('%s has a limit: that is said, and its page is closed', async (_, steps, seconds) => {
    let isClosed = false;
    const page = {
      setJavaScriptEnabled: async () => {},
      setOfflineMode: async () => {},
      close: async () => {
        isClosed = true;
      },
      ...steps,
    };
    const browser = { newPage: async () => page } as unknown as Browser;
    await expect(renderPdf(browser, '<p>', imprint)).rejects.toThrow(
      `the browser took more than ${seconds} s; the HTML report can be printed by hand`,
    );
    expect(isClosed).toBe(true);
  });
});
