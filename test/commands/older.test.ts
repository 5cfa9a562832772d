/** What an earlier version wrote is still read: see `test/fixtures/README.md`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { analysisSchema } from '../../src/analysis/schema.ts';
import { fleetSchema } from '../../src/fleet/schema.ts';
import { packageRoot } from '../../src/package.ts';
import { openFleetRenderer } from '../../src/report/fleet.ts';
import { openRenderer, openTimelineRenderer } from '../../src/report/index.ts';
import { timelineSchema } from '../../src/timeline/schema.ts';
import { CLI } from '../cli/program.ts';
import { analysisOf } from '../one-analysis.ts';

const FIXTURES = path.join(packageRoot, 'test', 'fixtures', 'analyses');
const ANALYSES = ['analysis.json', 'older.json'];
const at = (name: string) => path.join(FIXTURES, name);
const read = (name: string): unknown => JSON.parse(readFileSync(at(name), 'utf8'));

const out = mkdtempSync(path.join(tmpdir(), 'conntrack-report-older-'));
afterAll(() => rmSync(out, { recursive: true }));
const run = (...args: string[]) => spawnSync(process.execPath, [CLI, ...args, '--out', out], { encoding: 'utf8' });

test.each([
  ...ANALYSES.map((name) => [name, analysisSchema] as const),
  ['timeline.json', timelineSchema] as const,
  ['fleet.json', fleetSchema] as const,
])('%s is what the schema says', (name, schema) => {
  const validate = new Ajv2020({ strict: false }).compile(z.toJSONSchema(schema));
  validate(read(name));
  expect(validate.errors).toBeNull();
  // Nothing of it is lost, either.
  expect(schema.parse(read(name))).toEqual(read(name));
});

describe.each(ANALYSES)('%s', (name) => {
  test('is reported in every format that is text', async () => {
    const render = openRenderer(await analysisOf(at(name)));
    for (const format of ['html', 'md', 'text', 'csv', 'openmetrics'] as const) {
      const text = await render.text(format);
      expect(text, format).toContain('gw-north-1.example.net');
      expect(text.replace(/<style>[\s\S]*?<\/style>/, ''), format).not.toMatch(/\b(?:undefined|NaN|null)\b|\[object/);
    }
  });

  test('is read by fleet --from', () => {
    const { status, stderr } = run('fleet', '--from', at(name), '--format', 'json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { hosts, unread } = JSON.parse(readFileSync(path.join(out, 'fleet.json'), 'utf8'));
    expect(hosts).toMatchObject([
      { name: 'gw-north-1.example.net', entries: 4000, max: 65_536, verdict: { kind: 'healthy' } },
    ]);
    expect(unread).toEqual([]);
  });

  test('is read by compare, beside a bundle of today', () => {
    const { status, stderr } = run(
      'compare',
      at(name),
      path.join(packageRoot, 'samples/nearly-full.tar.gz'),
      '--format',
      'json',
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(readdirSync(out)).toContain('compare-gw-north-1.example.net.json');
  });
});

test('a timeline and a fleet are rendered', async () => {
  const timeline = openTimelineRenderer(timelineSchema.parse(read('timeline.json')));
  expect(await timeline.text('md')).toContain('gw-east-4.example.net');
  const fleet = openFleetRenderer(fleetSchema.parse(read('fleet.json')));
  expect(await fleet.text('html')).toContain('gw-north-1.example.net');
});
