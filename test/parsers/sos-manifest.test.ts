import { describe, expect, test } from 'vitest';
import { parseSosManifest } from '../../src/parsers/sos-manifest.ts';

const FILE = 'sos_reports/manifest.json';
const manifest = (plugins: object, start = '2026-11-25 22:33:31.500000') =>
  JSON.stringify({ version: '4.8.0', start_time: start, components: { report: { plugins } } });
const conntrack = (commands: object[]) => ({
  conntrack: { start_time: '2026-11-25 22:33:32.000000', end_time: '2026-11-25 22:33:34.250000', commands, files: [] },
});

describe('when something was read', () => {
  test('by the command’s own times, or within those of its plugin', () => {
    const { value, problems } = parseSosManifest(
      manifest({
        ...conntrack([
          {
            filepath: 'sos_commands/conntrack/conntrack_-S',
            start_time: '2026-11-25 22:33:33.1',
            end_time: '2026-11-25 22:33:33.2',
          },
          { filepath: 'sos_commands/conntrack/conntrack_-L' },
        ]),
        kernel: {
          start_time: '2026-11-25 22:33:33.000000',
          end_time: '2026-11-25 22:35:33.000000',
          files: [{ specification: '/proc/slabinfo', files_copied: ['proc/slabinfo'] }],
        },
      }),
      FILE,
    );
    expect(problems).toEqual([]);
    expect(Object.fromEntries(value?.times ?? [])).toEqual({
      'sos_commands/conntrack/conntrack_-S': { fromSeconds: 1.6, toSeconds: 1.7 },
      'sos_commands/conntrack/conntrack_-L': { fromSeconds: 0.5, toSeconds: 2.75 },
      'proc/slabinfo': { fromSeconds: 1.5, toSeconds: 121.5 },
    });
  });

  test.each(['', 'yesterday', '2026-11-25 23:00:00', 7])('not by times that make no sense: %s', (start) => {
    const { value } = parseSosManifest(manifest(conntrack([{ filepath: 'a' }]), start as string), FILE);
    expect(value?.times.size).toBe(0);
  });
});

test('outputs that were cut, under both names that one can have', () => {
  const { value } = parseSosManifest(
    manifest(
      conntrack([
        { filepath: 'sos_strings/conntrack/conntrack_-L.tailed', truncated: true },
        { filepath: 'sos_commands/conntrack/conntrack_-S', truncated: false },
        { filepath: 'sos_commands/kernel/dmesg', truncated: 'true' },
        { filepath: null, truncated: true },
      ]),
    ),
    FILE,
  );
  expect([...(value?.truncated ?? [])]).toEqual([
    'sos_strings/conntrack/conntrack_-L.tailed',
    'sos_commands/conntrack/conntrack_-L',
  ]);
});

test.each([
  ['', /is no JSON/],
  ['{"components": ', /is no JSON/],
  ['null', /names no plugins/],
  ['{"components": {"report": []}}', /names no plugins/],
])('what is no manifest: %s', (text, what) => {
  const { value, problems } = parseSosManifest(text, FILE);
  expect(value).toBeUndefined();
  expect(problems).toEqual([{ file: FILE, what: expect.stringMatching(what), cost: expect.any(String) }]);
});
