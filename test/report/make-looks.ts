/** Draws the pictures of the samples anew: `npm run looks:renew`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'vitest';
import { openBrowser } from '../../src/report/browser.ts';
import { Camera, keptAs, packed, samples, VIEW_NAMES } from './looks.ts';

test('draw the samples', async () => {
  const { browser } = await openBrowser('bundled');
  const camera = await Camera.open(browser);
  rmSync(keptAs(), { recursive: true, force: true });
  mkdirSync(keptAs(), { recursive: true });
  for (const sample of samples())
    for (const view of VIEW_NAMES) writeFileSync(keptAs(sample, view), packed(await camera.take(sample, view)));
  await browser.close();
});
