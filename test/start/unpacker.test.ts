import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LARGE } from '../../src/bundle/unpacker.ts';
import { startedUnpacker } from '../../src/start/unpacker.ts';
import { CLI } from '../cli/program.ts';

let scratch = '';
let large = '';
let small = '';
let zeros = '';
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-unpacker-'));
  large = path.join(scratch, 'large.tar.gz');
  small = path.join(scratch, 'small.tar.gz');
  zeros = path.join(scratch, 'zeros.tar');
  for (const file of [large, small, zeros]) writeFileSync(file, file === zeros ? '' : '\x1f\x8b', 'latin1');
  for (const file of [large, small, zeros]) truncateSync(file, file === small ? LARGE - 1 : LARGE);
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** The name of the file that is unpacked ahead with such a command line. */
async function startedFor(...args: string[]): Promise<string | undefined> {
  const unpacker = startedUnpacker(args);
  await unpacker?.end();
  return unpacker && path.basename(unpacker.file);
}

test('a thread is started for a command that unpacks a large file, wherever it stands, and no other', async () => {
  expect(await startedFor('report', '--format', 'json', small, large)).toBe('large.tar.gz');
  expect(await startedFor('compare', large, large)).toBe('large.tar.gz');
  expect(await startedFor('report', small, zeros, 'missing.tar.gz', scratch, '-')).toBeUndefined();
  // Its bundles are unpacked by processes of their own.
  expect(await startedFor('fleet', large)).toBeUndefined();
  expect(await startedFor('collect', large)).toBeUndefined();
  expect(await startedFor('--help', large)).toBeUndefined();
  expect(await startedFor()).toBeUndefined();
  // Words that no file could be called.
  expect(await startedFor('report', small, '--title', 'x'.repeat(300), path.join(small, 'below'))).toBeUndefined();
});

test('a command that does not come to the file ends all the same', () => {
  const { status, signal } = spawnSync(process.execPath, [CLI, 'report', large, '--no-such-option'], {
    timeout: 30_000,
  });
  expect({ status, signal }).toEqual({ status: 2, signal: null });
});
