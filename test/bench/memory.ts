/**
 * `npm run bench:memory`, as root: what entries of real flows were predicted to take, and take, on this machine's kernel. Sets and
 * restores nf_conntrack_max, which all namespaces share.
 */
import { test } from 'vitest';
import { FEATURES, weigh, whyNoScale } from '../live/weigh.ts';

const SIZES = [10_000, 100_000, 500_000];

const reason = whyNoScale();
if (reason !== undefined) throw new Error(`cannot weigh entries: ${reason}`);

const COLUMNS = ['', 'entries', 'slab predicted', 'measured', 'ratio', 'whole predicted', 'measured', 'ratio'];

const count = (value: number) => value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ' ');

function say(cells: readonly string[]): void {
  process.stdout.write(`${cells.map((cell, i) => (i === 0 ? cell.padEnd(18) : cell.padStart(16))).join('')}\n`);
}

test('predicted and measured bytes', { timeout: 300_000 }, async () => {
  say(COLUMNS);
  for (const feature of FEATURES) {
    const { weighings } = await weigh(feature, SIZES);
    for (const { entries, predicted, measured } of weighings) {
      const pair = (what: 'slabBytes' | 'totalBytes') => [
        count(predicted[what]),
        count(measured[what]),
        (predicted[what] / measured[what]).toFixed(4),
      ];
      say([feature.name, count(entries), ...pair('slabBytes'), ...pair('totalBytes')]);
    }
  }
});
