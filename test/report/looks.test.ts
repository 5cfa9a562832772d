/**
 * What the samples look like, against the pictures in test/fixtures/looks: light, dark, on a telephone and on paper. After a change that
 * is meant, look at what the failed tests wrote, and run `npm run looks:renew`.
 */
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PNG } from 'pngjs';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { openBrowser } from '../../src/report/browser.ts';
import { beside, Camera, difference, keptAs, packed, samples, VIEW_NAMES } from './looks.ts';

const opened = await openBrowser('bundled').catch((error: Error) => error);
const missing = opened instanceof Error ? opened.message : '';
const ALL = samples().flatMap((sample) => VIEW_NAMES.map((view) => ({ name: sample.name, sample, view })));

test('there is a picture of each, and together they are small', () => {
  const kept = readdirSync(keptAs()).map((name) => path.join(keptAs(), name));
  expect(kept.sort()).toEqual(ALL.map(({ sample, view }) => keptAs(sample, view)).sort());
  expect(kept.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(2_000_000);
});

describe.skipIf(missing !== '')(`the look${missing && ` (skipped: ${missing.split('\n')[2]})`}`, () => {
  const { browser } = opened as { browser: Browser };
  let camera: Camera;
  beforeAll(async () => {
    camera = await Camera.open(browser);
  });
  afterAll(() => browser.close());

  it.each(ALL)('of $name, $view, is as it was', async ({ sample, view }) => {
    const kept = PNG.sync.read(readFileSync(keptAs(sample, view)));
    const taken = await camera.take(sample, view);
    const seen = difference(kept, taken);
    if (!seen) return;
    const file = path.join(
      mkdtempSync(path.join(tmpdir(), 'conntrack-report-looks-')),
      path.basename(keptAs(sample, view)),
    );
    writeFileSync(file, beside([kept, taken, seen]));
    expect.fail(`it was, is, and differs as in ${file}; if that is meant: npm run looks:renew`);
  });

  const first = ALL[0];
  const styled = async (rule: string) => {
    const html = (await first?.sample.html()) ?? '';
    // Without its content policy, which lets in no other style.
    return html.replace(/<meta http-equiv="Content[^>]*>/, '').replace('</style>', `${rule}</style>`);
  };

  it.each([
    ['nothing', '', false],
    ['a section that is 1 mm lower', '.recommendation{padding-top:1mm}', true],
    ['another red', ':root{--critical:#8423b4}', true],
    ['another grey of the small print', ':root{--soft:#2a8a3a}', true],
    ['a bar that is drawn no more', '.chart rect.strong{fill:none}', true],
    ['numbers that stand left', '.numbers td{text-align:left}', true],
  ])('tells %s', async (_, rule, differs) => {
    if (!first) throw new Error('no sample');
    const html = await styled(rule);
    const taken = await camera.take({ ...first.sample, html: async () => html }, 'light');
    expect(difference(PNG.sync.read(readFileSync(keptAs(first.sample, 'light'))), taken) !== undefined).toBe(differs);
  });
});

describe('two pictures', () => {
  const picture = (colour: (x: number, y: number) => number) => {
    const made = new PNG({ width: 60, height: 40 });
    for (let at = 0; at < 60 * 40; at++) {
      made.data.fill(colour(at % 60, Math.floor(at / 60)), 4 * at, 4 * at + 3);
      made.data[4 * at + 3] = 255;
    }
    return made;
  };
  const striped = picture((x) => (x % 7 < 3 ? 40 : 250));

  it.each([
    ['kept and read again', PNG.sync.read(packed(striped)), false],
    ['a little darker all over', picture((x) => (x % 7 < 3 ? 32 : 242)), false],
    ['with a dot on it', picture((x, y) => (x < 3 && y < 4 ? 120 : x % 7 < 3 ? 40 : 250)), false],
    ['with a spot on it', picture((x, y) => (x < 6 && y < 6 ? 120 : x % 7 < 3 ? 40 : 250)), true],
    ['moved by a pixel', picture((x) => ((x + 1) % 7 < 3 ? 40 : 250)), true],
    ['of another size', new PNG({ width: 60, height: 41 }), true],
  ])('that differ by being %s', (_, other, differs) => {
    expect(difference(striped, other) !== undefined).toBe(differs);
  });
});
