import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it, test } from 'vitest';
import type { Analysis } from '../../src/analysis/schema.ts';
import { packageRoot } from '../../src/package.ts';
import { renderCsv, renderCsvSchema } from '../../src/report/csv.ts';
import { analysisOf } from '../one-analysis.ts';
import { ALL, full, healthy, nothing } from './analyses.ts';

function rowOf(analysis: Analysis): Record<string, string> {
  const rows: Record<string, string>[] = parse(renderCsv(analysis), { columns: true, record_delimiter: '\r\n' });
  expect(rows).toHaveLength(1);
  return rows[0] ?? {};
}

const schema: { name: string; unit: string; meaning: string }[] = parse(renderCsvSchema(), { columns: true });

test('the columns stay what they are, and where they are', () => {
  expect(Object.keys(rowOf(full())).join()).toBe(
    'hostname,captured_at,severity,verdict,failure,entries,entries_peak,max,peak_share,buckets,links_per_bucket,' +
      'capture_seconds,dropped_during_capture,drops_per_second,evicted_during_capture,insert_failed_during_capture,' +
      'chain_too_long_during_capture,dropped_total,evicted_total,insert_failed_total,table_full_lines,slab_bytes,' +
      'hash_bytes,memory_bytes,memory_at_max_bytes,mem_total_bytes,page_size_inferred,demand_low,demand_high,' +
      'recommendation,recommended_max,recommended_buckets,findings_critical,findings_warning,kernel,os,cpus,' +
      'uptime_seconds,bundle,bundle_sha256',
  );
});

test('the schema lists each column once, with unit and meaning, and names end in the units that can be mistaken', () => {
  expect(schema.map(({ name }) => name)).toEqual(Object.keys(rowOf(full())));
  expect(new Set(schema.map(({ name }) => name)).size).toBe(schema.length);
  for (const { name, unit, meaning } of schema) {
    expect(unit, name).not.toBe('');
    expect(meaning, name).not.toBe('');
    expect(/_(bytes|seconds)$/.exec(name)?.[1], name).toBe(/^(bytes|seconds)$/.exec(unit)?.[1]);
  }
});

test('the figures of a captured host', async () => {
  expect(rowOf(await analysisOf(path.join(packageRoot, 'samples/full-with-drops.tar.gz')))).toMatchObject({
    hostname: 'gw-west-3.example.net',
    captured_at: '2026-11-22T23:55:46Z',
    severity: 'critical',
    verdict: 'limit-reached',
    entries_peak: '4096',
    max: '4096',
    peak_share: '1',
    dropped_during_capture: '771',
    dropped_total: '1060',
    table_full_lines: '10',
    recommended_max: '262144',
    findings_critical: expect.stringContaining('table-full'),
    bundle: 'full-with-drops.tar.gz',
    bundle_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('what was not captured is empty, and a nought is one', () => {
  const row = rowOf(nothing());
  for (const { name, unit } of schema.filter(({ unit }) => unit !== 'text'))
    expect(row[name], `${name} ${unit}`).toBe('');
  expect(rowOf(healthy())).toMatchObject({ dropped_during_capture: '0', page_size_inferred: '' });
});

describe.each(Object.entries(ALL))('of %s', (name, make) => {
  const isIso = name === 'hostile' ? /./ : /^(?:\d{4}-\d\d-\d\dT[\d:.]+Z)?$/;
  const row = rowOf(make());

  it('is read back: plain numbers, ISO times, no formula', () => {
    for (const { name, unit } of schema) {
      if (unit === 'ISO 8601') expect(row[name]).toMatch(isIso);
      else if (unit !== 'text') expect(row[name], name).toMatch(/^(?:\d+(?:\.\d+)?(?:e[+-]\d+)?)?$/);
      expect(row[name], name).not.toMatch(/^\s*[=+\-@＝＋－＠]|;\s*"*[=+\-@]|[\p{Cc}\u202e]/u);
    }
  });
});
