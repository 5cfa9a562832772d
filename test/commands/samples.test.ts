/** What the samples must say, in the words that a reader of the report sees. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { expandInput } from '../../src/commands/inputs.ts';
import { packageRoot } from '../../src/package.ts';
import { openRenderer } from '../../src/report/index.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import { hostsOf } from '../../src/timeline/hosts.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { analysisOf } from '../one-analysis.ts';

const SAMPLES = path.join(packageRoot, 'samples');

async function analysis(name: string) {
  return analyse(await readSnapshot(path.join(SAMPLES, name)), '0');
}

/** The HTML report as text: no tags, and every kind of blank the same. */
async function page(name: string): Promise<string> {
  const html = await openRenderer(await analysis(name)).text('html');
  return html
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}

test('every bundle in samples/ is one that these tests know', () => {
  expect(readdirSync(SAMPLES).filter((name) => name.endsWith('.gz'))).toEqual([
    'full-with-drops.tar.gz',
    'healthy.tar.gz',
    'linux-2.4.tar.gz',
    'nearly-full.tar.gz',
  ]);
});

test('the 2.4 machine: the figures that started this project', async () => {
  const text = await page('linux-2.4.tar.gz');
  for (const said of [
    '10 objects',
    '2 510 208 B',
    '654 slabs',
    '2 678 784 B',
    '256 B a slab',
    '1 662 slabs',
    '6 807 552 B',
    'Of all slabs 984',
    '5 602 of 65 536 entries were in use',
    'Memory is not the problem',
  ]) {
    expect(text).toContain(said);
  }
  // The rung of twice the limit, with its slabs and their bytes.
  expect(text).toMatch(/131 072 ×2 13 108 53 690 368 B/);
});

describe('the captured ones', () => {
  test('healthy: room, and nothing to do', async () => {
    const { verdict, recommendation, table, problems } = await analysis('healthy.tar.gz');
    expect(verdict).toMatchObject({ kind: 'healthy', memoryIsTheProblem: false, missing: [] });
    expect(recommendation).toMatchObject({ action: 'leave', max: 65_536 });
    // The flows of test/live/make-samples.ts.
    expect(table?.byClass).toEqual(
      expect.arrayContaining([
        { key: 'tcp ESTABLISHED ASSURED', entries: 1400 },
        { key: 'udp UNREPLIED', entries: 140 },
      ]),
    );
    expect(problems).toEqual([]);
  });

  test('nearly full: 90 %, and twice the room', async () => {
    const { verdict, usage, recommendation } = await analysis('nearly-full.tar.gz');
    expect(verdict.kind).toBe('near-limit');
    expect(usage.share).toBeCloseTo(0.9, 2);
    expect(recommendation).toMatchObject({ action: 'raise', max: 16_384 });
  });

  test('full with drops: refused packets during the capture, and in the log of this namespace', async () => {
    const { verdict, drops, usage } = await analysis('full-with-drops.tar.gz');
    expect(verdict).toMatchObject({ kind: 'limit-reached', severity: 'critical' });
    expect(usage.share).toBe(1);
    expect(drops.duringCapture?.drop).toBeGreaterThan(0);
    expect(drops.log.tableFullLines).toBeGreaterThan(0);
  });

  test('a week: full, raised by hand, taken back by a reboot, fixed, and growing since', async () => {
    const files = await expandInput(path.join(packageRoot, 'samples', 'week'));
    const read = await Promise.all(
      files.map(async (file) => ({ name: path.basename(file), analysis: await analysisOf(file) })),
    );
    const [host, ...others] = hostsOf(read);
    expect(others).toEqual([]);
    if (!host) throw new Error('no host');
    const { points, intervals, fix, growth, recommendation } = timelineOf(host, '0');
    expect(points).toHaveLength(12);
    expect(intervals.filter(({ rebooted }) => rebooted)).toHaveLength(1);
    const limits = intervals.flatMap(({ settings }) => settings.filter(({ name }) => name === 'max'));
    expect(limits.map(({ before, after }) => [before, after])).toEqual([
      [256, 400],
      [400, 256],
      [256, recommendation.max],
    ]);
    expect(fix).toMatchObject({ verdict: 'fixed', before: 3, after: 11 });
    expect(fix.checks.map(({ result }) => result)).toEqual(['yes', 'yes', 'yes', 'yes']);
    // 40 connections more each day, but for a quiet Saturday and Sunday.
    expect(growth.perDay?.likely).toBeGreaterThan(35);
    expect(growth.perDay?.likely).toBeLessThan(45);
    expect(recommendation.action).toBe('leave');
  });
});
