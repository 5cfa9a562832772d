/** What the captures in samples/week and samples/fleet must say. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, test } from 'vitest';
import { expandInput } from '../../src/commands/inputs.ts';
import { packageRoot } from '../../src/package.ts';
import { hostsOf, type Named } from '../../src/timeline/hosts.ts';
import { type Timeline, timelineSchema } from '../../src/timeline/schema.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { analysisOf } from '../one-analysis.ts';

const folder = (name: string) => path.join(packageRoot, 'samples', name);

async function read(name: string): Promise<{ read: Named[]; refused: string[] }> {
  const [captures, refused]: [Named[], string[]] = [[], []];
  for (const file of await expandInput(folder(name))) {
    try {
      captures.push({ name: path.basename(file), analysis: await analysisOf(file) });
    } catch (error) {
      refused.push((error as Error).message);
    }
  }
  return { read: captures, refused };
}

test('the samples stay small', () => {
  const bytes = readdirSync(folder('.'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).size, 0);
  expect(bytes).toBeLessThan(1_200_000);
});

describe('a week', () => {
  let week: Timeline;
  /** The limit that the report of the full table recommends. */
  let recommended: number | undefined;
  beforeAll(async () => {
    // The order of the arguments plays no part.
    const hosts = hostsOf((await read('week')).read.toReversed());
    expect(hosts).toHaveLength(1);
    week = timelineOf(hosts[0] ?? { identifiedBy: 'nothing', snapshots: [], notes: [] }, '0');
    recommended = hosts[0]?.snapshots[3]?.analysis.recommendation.max;
  });

  test('is of one host, in order, with a reboot', () => {
    expect(week.host).toMatchObject({ identifiedBy: 'machine id', hostname: 'gw-east-4.example.net' });
    expect(week.notes).toEqual([]);
    const hours = week.points.map(({ capturedAt = '' }) => Math.round(Date.parse(capturedAt) / 1_800_000) / 2);
    const sunday = hours[0] ?? 0;
    expect(hours.map((hour) => hour - sunday)).toEqual([0, 5.5, 12, 18.5, 24, 48, 72, 84, 96, 120, 144, 168]);
    expect(week.intervals.flatMap(({ rebooted, to }) => (rebooted ? [to] : []))).toEqual([2]);
    expect(week.intervals.some(({ namespaceChanged, countersFell }) => namespaceChanged || countersFell)).toBe(false);
  });

  test('the limit was raised by hand, lost with the reboot, and raised as recommended', () => {
    expect(week.points.map(({ max }) => max)).toEqual([256, 400, 256, 256, ...Array(8).fill(recommended)]);
    expect(week.fix).toMatchObject({ before: 3, after: 11, verdict: 'fixed' });
    expect(week.fix.checks.map(({ says }) => says)).toEqual([
      'applied/yes',
      'buckets/yes',
      'persisted/yes',
      'effective/yes',
    ]);
  });

  test('since then it grows, in spite of nights and the weekend', () => {
    expect(week.growth).toMatchObject({ points: 7, days: 6, changed: ['max'] });
    expect(week.growth.refused).toBeUndefined();
    expect(week.growth.perDay?.low).toBeGreaterThan(35);
    expect(week.growth.perDay?.high).toBeLessThan(45);
    expect(week.growth.daysToFull?.low).toBeGreaterThan(60);
    expect(week.recommendation).toMatchObject({ action: 'leave', max: recommended });
  });

  test('it is what the schema says', () => {
    const written = JSON.parse(JSON.stringify(week));
    expect(timelineSchema.parse(written)).toEqual(week);
  });
});

describe('a fleet', () => {
  let captures: Awaited<ReturnType<typeof read>>;
  beforeAll(async () => {
    captures = await read('fleet');
  });

  test('each host in its state, and what cannot be read is said', () => {
    const verdicts = hostsOf(captures.read).map(({ snapshots }) => {
      const { host, verdict } = (snapshots.at(-1) as Named).analysis;
      return [host.hostname?.value.replace('.example.net', ''), snapshots.length, verdict.kind];
    });
    expect(verdicts).toEqual([
      ['gw-north-1', 2, 'healthy'],
      ['gw-north-2', 1, 'healthy'],
      ['gw-north-3', 3, 'near-limit'],
      ['gw-north-4', 1, 'limit-reached'],
      ['gw-north-5', 1, 'flood'],
      ['gw-south-1', 1, 'long-chains'],
      ['gw-south-2', 1, 'healthy'],
      ['gw-south-3', 1, 'clashes'],
      ['gw-south-4', 1, 'was-full'],
      ['gw-south-5', 1, 'unlimited'],
      ['gw-south-6', 1, 'healthy'],
      ['gw-south-7', 1, 'healthy'],
      ['k8s-north-1', 1, 'healthy'],
      ['k8s-south-1', 1, 'namespace-full'],
      ['vpn-north-1', 1, 'idle-hoard'],
    ]);
  });

  test('the damaged one and the one that is no bundle', () => {
    expect(captures.read.filter(({ analysis }) => analysis.problems.length > 0).map(({ name }) => name)).toEqual([
      'gw-south-7-20261122.tar.gz',
    ]);
    expect(captures.refused).toEqual([expect.stringMatching(/backup\.tar\.gz/)]);
  });

  test('all hosts have labels', () => {
    const labels: Record<string, string>[] = parse(readFileSync(path.join(folder('fleet'), 'hosts.csv'), 'utf8'), {
      columns: true,
    });
    const named = new Set(labels.map(({ hostname }) => hostname));
    for (const { analysis } of captures.read) {
      if (analysis.host.hostname) expect(named).toContain(analysis.host.hostname.value);
    }
    expect(new Set(labels.map(({ site }) => site))).toEqual(new Set(['north', 'south']));
  });
});
