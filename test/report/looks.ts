/** Pictures of what the samples look like, small enough to be kept, and how two of them are compared. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';
import type { Browser, Page } from 'puppeteer-core';
import type { Analysis } from '../../src/analysis/schema.ts';
import { expandInput } from '../../src/commands/inputs.ts';
import { fleetOf } from '../../src/fleet/fleet.ts';
import { parseLabels } from '../../src/fleet/labels.ts';
import type { Fleet } from '../../src/fleet/schema.ts';
import { packageRoot } from '../../src/package.ts';
import { openFleetRenderer } from '../../src/report/fleet.ts';
import { openRenderer, openTimelineRenderer } from '../../src/report/index.ts';
import { hostsOf, type Named } from '../../src/timeline/hosts.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { paged } from '../fleet/hosts.ts';
import { analysisOf } from '../one-analysis.ts';

const SAMPLES = path.join(packageRoot, 'samples');

/** What is shown of a sample. */
export interface Sample {
  name: string;
  html(): Promise<string>;
  pdf(browser: Browser): Promise<Buffer>;
}

/** The version is in every page, and no reason for another picture. */
async function analysisOfSample(file: string): Promise<Analysis> {
  const analysis = await analysisOf(file);
  return { ...analysis, tool: { ...analysis.tool, version: '0' } };
}

async function namedIn(folder: string): Promise<{ named: Named[]; unread: Fleet['unread'] }> {
  const named: Named[] = [];
  const unread: Fleet['unread'] = [];
  for (const file of await expandInput(path.join(SAMPLES, folder))) {
    const name = path.basename(file);
    try {
      named.push({ name, analysis: await analysisOfSample(file) });
    } catch (error) {
      unread.push({ input: name, reason: (error as Error).message.replace(/^\S*\//, '') });
    }
  }
  return { named, unread };
}

/** Every sample: the reports, a comparison and a fleet. */
export function samples(): Sample[] {
  const reports = readdirSync(SAMPLES).filter((name) => name.endsWith('.tar.gz'));
  const ofReport = (file: string) => async () => openRenderer(await analysisOfSample(path.join(SAMPLES, file)));
  const ofWeek = async () => {
    const [host] = hostsOf((await namedIn('week')).named);
    if (!host) throw new Error('samples/week is empty');
    return openTimelineRenderer(timelineOf(host, '0'));
  };
  const ofFleet = async () => {
    const { named, unread } = await namedIn('fleet');
    const labels = parseLabels(readFileSync(path.join(SAMPLES, 'fleet/hosts.csv'), 'utf8'), 'hosts.csv');
    return openFleetRenderer(fleetOf(paged(named), { labels, unread }, '0'), { groupBy: labels.columns[0] });
  };
  const all: [
    string,
    () => Promise<{ text(format: 'html'): Promise<string>; pdf(browser: Browser): Promise<Buffer> }>,
  ][] = [
    ...reports.map((file): [string, ReturnType<typeof ofReport>] => [file.replace('.tar.gz', ''), ofReport(file)]),
    ['week', ofWeek],
    ['fleet', ofFleet],
  ];
  return all.map(([name, open]) => {
    let opened: ReturnType<typeof open> | undefined;
    const once = () => {
      opened ??= open();
      return opened;
    };
    return { name, html: async () => (await once()).text('html'), pdf: async (browser) => (await once()).pdf(browser) };
  });
}

/** A quarter of the size: what moved or has another colour is still seen. */
const SCALE = 0.25;
const VIEWS = {
  light: { width: 900, theme: 'light' },
  dark: { width: 900, theme: 'dark' },
  narrow: { width: 400, theme: 'light' },
} as const;
export type View = keyof typeof VIEWS | 'pdf';
export const VIEW_NAMES: readonly View[] = ['light', 'dark', 'narrow', 'pdf'];

/** Where the picture of a sample is kept, or all are. */
export function keptAs(sample?: Sample, view?: View): string {
  const folder = path.join(packageRoot, 'test/fixtures/looks');
  return sample && view ? path.join(folder, `${sample.name}-${view}.png`) : folder;
}

/** Draws the pages of a PDF side by side, six in a row. */
const DRAW = `async (data, width) => {
  const pdf = await pdfjs.getDocument({ data: Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), verbosity: 0 }).promise;
  const all = [];
  for (let n = 1; n <= pdf.numPages; n++) {
    const page = await pdf.getPage(n);
    const viewport = page.getViewport({ scale: (2 * width) / page.getViewport({ scale: 1 }).width });
    const canvas = Object.assign(document.createElement('canvas'), { width: 2 * width, height: viewport.height });
    await page.render({ canvas, viewport }).promise;
    all.push(canvas);
  }
  const columns = Math.min(6, all.length);
  const height = Math.round(Math.max(...all.map((each) => each.height)) / 2);
  const sheet = Object.assign(document.createElement('canvas'), { width: columns * width, height: Math.ceil(all.length / columns) * height });
  const pen = sheet.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.fillStyle = 'white';
  pen.fillRect(0, 0, sheet.width, sheet.height);
  for (const [at, each] of all.entries())
    pen.drawImage(each, (at % columns) * width, Math.floor(at / columns) * height, width, each.height / 2);
  return sheet.toDataURL().split(',')[1];
}`;

/** How wide a page of paper is drawn, in pixels. */
const PAGE_WIDTH = 150;

function unpdfFile(): string {
  const folder = path.dirname(createRequire(import.meta.url).resolve('unpdf'));
  return readFileSync(path.join(folder, 'pdfjs.mjs'), 'utf8');
}

/** Takes the pictures. */
export class Camera {
  readonly #browser: Browser;
  readonly #screen: Page;
  readonly #paper: Page;

  private constructor(browser: Browser, screen: Page, paper: Page) {
    this.#browser = browser;
    this.#screen = screen;
    this.#paper = paper;
  }

  /** A browser draws all, PDFs too: with the library that reads them. */
  static async open(browser: Browser): Promise<Camera> {
    const paper = await browser.newPage();
    const library = JSON.stringify(unpdfFile());
    await paper.evaluate(`(async () => {
      globalThis.pdfjs = await import(URL.createObjectURL(new Blob([${library}], { type: 'text/javascript' })));
    })()`);
    return new Camera(browser, await browser.newPage(), paper);
  }

  /** What a sample looks like. */
  async take(sample: Sample, view: View): Promise<PNG> {
    return view === 'pdf' ? this.#print(await sample.pdf(this.#browser)) : this.#show(await sample.html(), VIEWS[view]);
  }

  async #show(html: string, { width, theme }: (typeof VIEWS)[keyof typeof VIEWS]): Promise<PNG> {
    await this.#screen.setViewport({ width, height: 900 });
    await this.#screen.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
    // A new document: the content policy of the page before would hold for this one too.
    await this.#screen.goto('about:blank');
    await this.#screen.setContent(html, { waitUntil: 'load' });
    const height = Number(
      await this.#screen.evaluate('document.fonts.ready.then(() => document.documentElement.scrollHeight)'),
    );
    const clip = { x: 0, y: 0, width, height, scale: SCALE };
    return PNG.sync.read(Buffer.from(await this.#screen.screenshot({ clip, captureBeyondViewport: true })));
  }

  async #print(pdf: Buffer): Promise<PNG> {
    const drawn = await this.#paper.evaluate(`(${DRAW})(${JSON.stringify(pdf.toString('base64'))}, ${PAGE_WIDTH})`);
    return PNG.sync.read(Buffer.from(String(drawn), 'base64'));
  }
}

/** Shades of each colour that are kept: the pictures pack well, and no colour is further off than {@link COLOUR} allows. */
const SHADES = 32;

/** A picture as it is kept. */
export function packed(picture: PNG): Buffer {
  const step = 255 / (SHADES - 1);
  const kept = new PNG({ width: picture.width, height: picture.height });
  for (const [at, value] of picture.data.entries()) kept.data[at] = Math.round(value / step) * step;
  return PNG.sync.write(kept, { colorType: 2, deflateLevel: 9, deflateStrategy: 0, filterType: 0 });
}

/** How far two colours may be apart, of the way from black to white as it is seen: rounding and anti-aliasing stay below. */
const COLOUR = 0.06;
/** How many pixels may be further apart than that: a letter or two at this size. */
const PIXELS = 12;

/**
 * Compares a picture with the one that is kept.
 *
 * @returns what is to be seen beside them: where they differ; undefined if they do not
 */
export function difference(kept: PNG, taken: PNG): PNG | undefined {
  const [width, height] = [Math.max(kept.width, taken.width), Math.max(kept.height, taken.height)];
  const same = kept.width === taken.width && kept.height === taken.height;
  const seen = new PNG({ width, height });
  const options = { threshold: COLOUR, includeAA: true };
  const pixels = pixelmatch(onto(kept, width, height), onto(taken, width, height), seen.data, width, height, options);
  return same && pixels <= PIXELS ? undefined : seen;
}

/** The picture on a larger one, black where it does not reach. */
function onto(picture: PNG, width: number, height: number): Buffer {
  const larger = new PNG({ width, height });
  PNG.bitblt(picture, larger, 0, 0, picture.width, picture.height, 0, 0);
  return larger.data;
}

/** Pictures side by side in one. */
export function beside(pictures: readonly PNG[]): Buffer {
  const all = new PNG({
    width: pictures.reduce((sum, { width }) => sum + width + 4, 0),
    height: Math.max(...pictures.map(({ height }) => height)),
  });
  let x = 0;
  for (const picture of pictures) {
    PNG.bitblt(picture, all, 0, 0, picture.width, picture.height, x, 0);
    x += picture.width + 4;
  }
  return PNG.sync.write(all);
}
