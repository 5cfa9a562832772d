import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { forVite } from './generated.mjs';

const shared = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  pool: 'forks' as const,
  setupFiles: [fileURLToPath(new URL('property-seed.mjs', import.meta.url))],
};

const plugins = [forVite];

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    maxWorkers: 2,
    globalSetup: fileURLToPath(new URL('vitest-setup.mjs', import.meta.url)),
    projects: [
      {
        plugins,
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/live/**', 'test/collector/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // One after the other: the limit of connection tracking is one number for the whole kernel. A test that is stopped leaves the kernel
        // as it was set for it: each may take several times as long as on a quiet machine, where the longest takes 30 s.
        plugins,
        test: {
          ...shared,
          name: 'live',
          testTimeout: 180_000,
          include: ['test/live/*.test.ts', 'test/collector/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      { plugins, test: { ...shared, name: 'looks', testTimeout: 300_000, include: ['test/report/make-looks.ts'] } },
      { plugins, test: { ...shared, name: 'samples', include: ['test/live/make-samples.ts'] } },
      { plugins, test: { ...shared, name: 'fleet', include: ['test/live/make-fleet.ts'] } },
      { plugins, test: { ...shared, name: 'week', testTimeout: 1_800_000, include: ['test/live/make-week.ts'] } },
      { plugins, test: { ...shared, name: 'bench-memory', include: ['test/bench/memory.ts'] } },
      { plugins, test: { ...shared, name: 'bench-collector', include: ['test/bench/collector.ts'] } },
      { plugins, test: { ...shared, name: 'foreign', include: ['test/live/make-foreign.ts'] } },
      { plugins, test: { ...shared, name: 'captures', include: ['test/live/make-captures.ts'] } },
    ],
  },
});
