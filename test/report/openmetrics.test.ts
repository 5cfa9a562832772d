/** The samples for Prometheus, read by the grammar of the specification and, where they are installed, by two parsers of others. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Analysis } from '../../src/analysis/schema.ts';
import { packageRoot } from '../../src/package.ts';
import { renderOpenMetrics } from '../../src/report/openmetrics.ts';
import { analysisOf } from '../one-analysis.ts';
import { ALL, full, HOSTILE, healthy, nothing } from './analyses.ts';

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/**
 * Reads an exposition by the ABNF of OpenMetrics 1.0 and the rules in its text, with those types only that the older format of Prometheus
 * has, and without timestamps and exemplars, which node_exporter’s textfile collector refuses.
 */
function read(text: string): Sample[] {
  const lines = text.split('\n');
  expect(lines.slice(-2)).toEqual(['# EOF', '']);
  const samples: Sample[] = [];
  const families = new Map<string, string>();
  const seen = new Set<string>();
  let family = '';
  let expected: ('UNIT' | 'HELP' | 'sample')[] = [];
  for (const line of lines.slice(0, -2)) {
    const meta = /^# (TYPE|UNIT|HELP) ([a-z_:][a-z0-9_:]*) (.+)$/.exec(line);
    if (meta) {
      const [, kind = '', name = '', rest = ''] = meta;
      if (kind === 'TYPE') {
        expect(families.has(name), `${name} is a family of its own`).toBe(false);
        expect(expected, 'the family before has a sample').toEqual(family === '' ? [] : ['sample']);
        expect(rest).toMatch(/^(?:gauge|counter)$/);
        families.set(name, rest);
        family = name;
        expected = ['UNIT', 'HELP'];
      } else {
        expect(name).toBe(family);
        expect(expected, line).toContain(kind);
        expected = kind === 'UNIT' ? ['HELP'] : [];
        if (kind === 'UNIT') expect(name.endsWith(`_${rest}`)).toBe(true);
        else expect(rest).toMatch(/^[^"\\\n]+$/);
      }
      continue;
    }
    const sample = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/s.exec(line);
    expect(sample, line).not.toBeNull();
    const [, name = '', set, value] = sample ?? [];
    expect(expected, line).not.toContain('HELP');
    expected = ['sample'];
    expect(name).toBe(families.get(family) === 'counter' ? `${family}_total` : family);
    const labels: Record<string, string> = {};
    let rest = set === undefined ? '' : `,${set}`;
    while (rest !== '') {
      const label = /^,([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\[n"\\])*)"/.exec(rest);
      expect(label, rest).not.toBeNull();
      const [whole = rest, key = '', escaped = ''] = label ?? [];
      expect(Object.hasOwn(labels, key)).toBe(false);
      labels[key] = escaped.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
      rest = rest.slice(whole.length);
    }
    const identity = JSON.stringify([name, Object.entries(labels).sort()]);
    expect(seen.has(identity), `${line} is there once`).toBe(false);
    seen.add(identity);
    samples.push({ name, labels, value: Number(value) });
  }
  // Names of samples must not be those of another family.
  for (const [name, type] of families) if (type === 'counter') expect(families.has(`${name}_total`)).toBe(false);
  return samples;
}

const PROMTOOL = spawnSync('promtool', ['--version']).error ? 'promtool is not installed' : undefined;
const PYTHON = ['/usr/bin/python3', 'python3'].find(
  (python) => spawnSync(python, ['-c', 'import prometheus_client.openmetrics.parser']).status === 0,
);
const PARSE = `import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
print(json.dumps([{'name': s.name, 'labels': s.labels, 'value': s.value} for f in parse(sys.stdin.read()) for s in f.samples]))`;

describe.each(Object.entries(ALL))('samples of %s', (_, make) => {
  const text = renderOpenMetrics(make());

  it('are what the specification says', () => {
    expect(read(text).length).toBeGreaterThan(5);
    expect(renderOpenMetrics(make())).toBe(text);
  });

  it.skipIf(PYTHON === undefined)(
    `are read by Prometheus’ own client${PYTHON ? '' : ' (skipped: python3-prometheus-client is not installed)'}`,
    () => {
      const { status, stdout, stderr } = spawnSync(PYTHON ?? '', ['-c', PARSE], { input: text, encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toEqual(read(text));
    },
  );

  it.skipIf(PROMTOOL)(`are read as node_exporter reads them${PROMTOOL ? ` (skipped: ${PROMTOOL})` : ''}`, () => {
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    // The older format finds the help of a counter under another name; anything else is a mistake.
    expect(stderr.replace(/^conntrack_report_\w+_total no help text\n/gm, '')).toBe('');
    expect([0, 3]).toContain(status);
  });
});

const figure = (samples: Sample[], name: string, labels: Record<string, string> = {}) =>
  samples.find(
    (sample) =>
      sample.name === `conntrack_report_${name}` &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value;

test('the figures of a captured host, and the time as a sample', async () => {
  const samples = read(renderOpenMetrics(await analysisOf(path.join(packageRoot, 'samples/full-with-drops.tar.gz'))));
  expect(figure(samples, 'capture_timestamp_seconds')).toBe(Date.parse('2026-11-22T23:55:46Z') / 1000);
  expect(figure(samples, 'entries_limit')).toBe(4096);
  expect(figure(samples, 'packets_dropped_total')).toBe(1060);
  expect(figure(samples, 'capture_packets_dropped')).toBe(771);
  expect(figure(samples, 'findings', { severity: 'critical' })).toBe(2);
  expect(figure(samples, 'verdict_info', { verdict: 'limit-reached', failure: 'limit', severity: 'critical' })).toBe(1);
  for (const { labels } of samples) {
    expect(labels.host).toBe('gw-west-3.example.net');
    expect(Object.keys(labels)).not.toContain('cpu');
  }
});

test('another namespace has samples of its own', async () => {
  const bundle = path.join(packageRoot, 'test/fixtures/captures/other-namespace.tar.gz');
  const samples = read(renderOpenMetrics(await analysisOf(bundle)));
  expect(figure(samples, 'entries')).toBe(180);
  expect(figure(samples, 'entries', { netns: 'web-g' })).toBe(2000);
  expect(figure(samples, 'packets_dropped_total', { netns: 'web-g' })).toBe(365);
});

test('namespaces that are called alike are told apart', () => {
  const entries = { value: 1, file: 'x' };
  const namespaces = [['a'], ['a'], [], []].map((names) => ({ names, processes: [], entries }));
  const netns = read(renderOpenMetrics({ ...healthy(), namespaces }))
    .filter(({ name, labels }) => name === 'conntrack_report_entries' && labels.netns !== undefined)
    .map(({ labels }) => labels.netns);
  expect(netns).toEqual(['a', 'a#2', '#3', '#4']);
});

test('what was not captured has no sample', () => {
  expect(read(renderOpenMetrics(nothing())).map(({ name }) => name.replace('conntrack_report_', ''))).toEqual([
    'snapshot_info',
    'verdict_info',
    ...Array(5).fill('findings'),
  ]);
  const capturedAt = { value: 'yesterday', file: 'commands/date-utc' };
  const samples = read(renderOpenMetrics({ ...full(), host: { capturedAt } }));
  expect(figure(samples, 'capture_timestamp_seconds')).toBeUndefined();
});

test('whatever a host is called, its label says it', () => {
  const named = (value: string): Analysis => ({ ...nothing(), host: { hostname: { value, file: 'x' } } });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constant(HOSTILE)), (name) => {
      for (const { labels } of read(renderOpenMetrics(named(name)))) {
        expect(labels.host).not.toMatch(/[\p{Cc}\u202e]/u);
        if (/^[ -~]*$/.test(name)) expect(labels.host).toBe(name);
      }
    }),
  );
});
