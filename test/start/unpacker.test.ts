import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LARGE } from '../../src/bundle/unpacker.ts';
import { startedUnpacker } from '../../src/start/unpacker.ts';

let scratch = '';
let large = '';
let small = '';
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-unpacker-'));
  large = path.join(scratch, 'large.tar.gz');
  small = path.join(scratch, 'small.tar.gz');
  for (const file of [large, small]) writeFileSync(file, '');
  truncateSync(large, LARGE);
  truncateSync(small, LARGE - 1);
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Whether a thread is started for such a command line. */
async function isStarted(...args: string[]): Promise<boolean> {
  const worker = startedUnpacker(args);
  worker?.on('error', () => {});
  await worker?.terminate();
  return worker !== undefined;
}

test('a thread is started for a command that unpacks a large file, wherever it stands, and for no other', async () => {
  expect(await isStarted('report', '--format', 'json', small, large)).toBe(true);
  expect(await isStarted('compare', large, large)).toBe(true);
  expect(await isStarted('report', small, 'missing.tar.gz', scratch, '-')).toBe(false);
  // Its bundles are unpacked by processes of their own.
  expect(await isStarted('fleet', large)).toBe(false);
  expect(await isStarted('collect', large)).toBe(false);
  expect(await isStarted('--help', large)).toBe(false);
  expect(await isStarted()).toBe(false);
});
