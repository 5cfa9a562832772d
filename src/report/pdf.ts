/** The HTML report on paper, through a browser, with the same bytes every time. */
import type { Browser } from 'puppeteer-core';
import { fontFaces } from './fonts.ts';
import { dateTime, writtenIn } from './format.ts';
import { inert } from './inert.ts';
import { withInformation } from './pdf-information.ts';
import type { Presentation } from './presentation.ts';

const LOAD_TIMEOUT_MS = 30_000;
const PRINT_TIMEOUT_MS = 60_000;

/**
 * Takes out of a PDF what differs from run to run: the dates, and the element ids, which a browser draws from a counter
 * of its own. Every replacement is as long as what it replaces, so that the cross-reference table stays right.
 */
export function normalizePdf(pdf: Uint8Array, date: Date): Buffer {
  const stamp = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  const ids = new Map<string, string>();
  let text = Buffer.from(pdf)
    .toString('latin1')
    .replace(/\/(CreationDate|ModDate) \(D:\d{14}/g, `/$1 (D:${stamp}`);
  for (const [, id = ''] of text.matchAll(/\/ID \(node(\d{8})\)/g))
    if (!ids.has(id)) ids.set(id, String(ids.size + 1).padStart(8, '0'));
  text = text.replace(/\(node(\d{8})\)/g, (same, id: string) => (ids.has(id) ? `(node${ids.get(id)})` : same));
  // Names in a tree must be sorted, and their order went with the old ids.
  text = text.replace(
    /<<\/Limits \[\(node\d{8}\) \(node\d{8}\)\]\n\/Names \[((?:\(node\d{8}\) \d+ 0 R ?)+)\]>>/g,
    (_, names: string) => {
      const sorted = (names.match(/\(node\d{8}\) \d+ 0 R/g) ?? []).sort();
      return `<</Limits [${sorted[0]?.slice(0, 14)} ${sorted.at(-1)?.slice(0, 14)}]\n/Names [${sorted.join(' ')}]>>`;
    },
  );
  return Buffer.from(text, 'latin1');
}

function escaped(text: string): string {
  return inert(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Header and footer see nothing of the page's style sheet: they bring their own font. */
/** What stands at the foot of every page, and dates the file. */
export interface Imprint {
  hostname: string | undefined;
  /** ISO 8601; of several snapshots the last. */
  capturedAt: string | undefined;
  tool: { name: string; version: string };
  presentation: Presentation;
}

function footer({ hostname, capturedAt, tool, presentation }: Imprint): string {
  const name = [hostname ?? 'host name not captured', presentation.caseId && `case ${presentation.caseId}`];
  const time =
    capturedAt === undefined
      ? 'time of capture not captured'
      : `captured ${writtenIn(presentation, () => dateTime(capturedAt))}`;
  return (
    `<style>${fontFaces(['Inter'])}` +
    `.bar{font:400 7.5px Inter;color:#5a6877;box-sizing:border-box;width:100%;padding:2mm 15mm 0;display:flex;gap:1mm}` +
    `.bar span{white-space:nowrap}.name{overflow:hidden;text-overflow:ellipsis;min-width:0}.page{margin-left:auto;padding-left:6mm}</style>` +
    `<div class="bar"><span class="name">${escaped(name.filter(Boolean).join(' · '))}</span>` +
    `<span>· ${escaped(`${time} · ${tool.name} ${tool.version}`)}</span>` +
    `<span class="page">Page <span class="pageNumber"></span> of <span class="totalPages"></span></span></div>`
  );
}

function captureDate({ capturedAt }: Imprint): Date {
  const date = new Date(capturedAt ?? 0);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 0 ? new Date(0) : date;
}

/** Says of a step of the browser that it took too long, if it did. */
async function within<T>(milliseconds: number, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if ((error as Error).name !== 'TimeoutError') throw error;
    throw new Error(`the browser took more than ${milliseconds / 1000} s; the HTML report can be printed by hand`);
  }
}

/**
 * Prints a rendered report: tagged, with bookmarks, page numbers, host and time of capture at the foot of every page.
 * The paper size is the one that the HTML was rendered for. Several calls may share one browser.
 */
export async function renderPdf(browser: Browser, html: string, imprint: Imprint): Promise<Buffer> {
  const page = await browser.newPage();
  try {
    // The report loads nothing and runs nothing; should a captured string ever break out, it still cannot.
    await page.setJavaScriptEnabled(false);
    await page.setOfflineMode(true);
    await within(LOAD_TIMEOUT_MS, page.setContent(html, { waitUntil: 'load', timeout: LOAD_TIMEOUT_MS }));
    const printed = page.pdf({
      preferCSSPageSize: true,
      printBackground: true,
      tagged: true,
      outline: true,
      displayHeaderFooter: true,
      headerTemplate: '<span></span>',
      footerTemplate: footer(imprint),
      timeout: PRINT_TIMEOUT_MS,
    });
    const { author, caseId } = imprint.presentation;
    return withInformation(normalizePdf(await within(PRINT_TIMEOUT_MS, printed), captureDate(imprint)), {
      ...(author && { Author: inert(author) }),
      ...(caseId && { Subject: `Case ${inert(caseId)}` }),
    });
  } finally {
    await page.close();
  }
}
