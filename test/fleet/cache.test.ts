import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_AIMS } from '../../src/analysis/aims.ts';
import { Cache, keep, keptAnalyses } from '../../src/fleet/cache.ts';
import { Pool } from '../../src/fleet/pool.ts';
import { snapshotOf } from '../../src/fleet/snapshot.ts';
import { digestOf, linesOf } from '../../src/fleet/sources.ts';
import { packageRoot } from '../../src/package.ts';
import { renderJsonLine } from '../../src/report/json.ts';
import { full, healthy } from '../report/analyses.ts';

const SAMPLE = path.join(packageRoot, 'samples', 'linux-2.4.tar.gz');
const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-cache-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let out: string;
beforeEach(() => {
  out = mkdtempSync(path.join(scratch, 'out-'));
});

const CAPTURES = [{ snapshot: snapshotOf(full()), at: 0 }];
const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

async function opened(key: unknown = 'key'): Promise<Cache> {
  const cache = new Cache(out, key);
  await cache.open();
  return cache;
}

async function kept(cache: Cache, digest = A): Promise<void> {
  keep(cache.place, digest, [full()], CAPTURES);
}

describe('results of earlier runs', () => {
  test('are found again, by the same version and options only', async () => {
    const cache = await opened();
    expect(cache.known(A)).toBeUndefined();
    await kept(cache);
    expect((await opened()).known(A)).toEqual({ captures: CAPTURES });
    expect(keptAnalyses(cache.place, A)).toEqual([full()]);
    expect((await opened('other options')).known(A)).toBeUndefined();
  });

  test.each(['snapshot.json', 'analysis.json.gz'])('are ignored where the %s is cut, changed or gone', async (name) => {
    const cache = await opened();
    const file = path.join(cache.place.folder, `${A}.${name}`);
    const known = () => cache.known(A) !== undefined && keptAnalyses(cache.place, A) !== undefined;
    await kept(cache);
    expect(known()).toBe(true);
    truncateSync(file, 100);
    expect(known()).toBe(false);
    await kept(cache);
    const bytes = readFileSync(file);
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect(known()).toBe(false);
    await kept(cache);
    rmSync(file);
    expect(known()).toBe(false);
    await kept(cache);
    writeFileSync(file, '');
    expect(known()).toBe(false);
  });

  test('go once nobody used them; what is not ours stays', async () => {
    const before = await opened('an older version');
    await kept(before);
    const cache = await opened();
    await kept(cache, A);
    await kept(cache, B);
    writeFileSync(path.join(cache.place.folder, 'note.txt'), 'mine');
    cache.known(B);
    await cache.prune();
    expect(readdirSync(cache.place.folder).sort()).toEqual([`${B}.analysis.json.gz`, `${B}.snapshot.json`, 'note.txt']);
    expect(existsSync(before.place.folder)).toBe(false);
  });

  test('that were not complete when a run ended go with the next run; those of a run that goes on stay', async () => {
    const top = path.join(out, '.conntrack-report');
    // No process has such a number.
    for (const pid of [2 ** 30, 1]) mkdirSync(path.join(top, `part-${pid}`), { recursive: true });
    const cache = await opened();
    expect(
      readdirSync(top)
        .filter((name) => name.startsWith('part-'))
        .sort(),
    ).toEqual(['part-1', `part-${process.pid}`]);
    cache.close();
    expect(existsSync(cache.place.parts)).toBe(false);
  });
});

describe('a source is known again', () => {
  test('by the content of a file, whatever it is called and however old it is', async () => {
    copyFileSync(SAMPLE, path.join(out, 'copy'));
    utimesSync(path.join(out, 'copy'), 1, 1);
    expect(await digestOf(path.join(out, 'copy'))).toBe(await digestOf(SAMPLE));
    const large = path.join(out, 'large');
    writeFileSync(large, Buffer.alloc(3 << 20, 1));
    const before = await digestOf(large);
    writeFileSync(large, Buffer.alloc((3 << 20) + 1, 1));
    expect(await digestOf(large)).not.toBe(before);
  });

  test('by names, sizes and times of a folder', async () => {
    const folder = path.join(out, 'proc');
    mkdirSync(path.join(folder, 'sub'), { recursive: true });
    const file = path.join(folder, 'sub', 'slabinfo');
    writeFileSync(file, 'one');
    utimesSync(file, 1000, 1000);
    const before = await digestOf(folder);
    expect(await digestOf(folder)).toBe(before);
    const changes = [
      () => utimesSync(file, 1000, 1001),
      () => writeFileSync(file, 'longer'),
      () => writeFileSync(path.join(folder, 'more'), ''),
    ];
    const seen = new Set([before]);
    for (const change of changes) {
      change();
      seen.add(await digestOf(folder));
    }
    expect(seen.size).toBe(4);
  });

  test('what is not there is named', async () => {
    await expect(digestOf(path.join(out, 'nowhere'))).rejects.toThrow(/nowhere cannot be read/);
  });
});

test('lines are found wherever they begin, and those that failed say so', async () => {
  const file = path.join(out, 'results.jsonl');
  const long = renderJsonLine(full());
  const failed = { error: 'gw.tar.gz is empty.', input: 'gw.tar.gz' };
  writeFileSync(file, `${long.repeat(40)}\n${JSON.stringify(failed)}\r\n${renderJsonLine(healthy()).trimEnd()}`);
  const lines = [];
  for await (const line of linesOf(file)) lines.push(line);
  expect(lines).toHaveLength(42);
  expect(new Set(lines.slice(0, 40).map(({ digest }) => digest)).size).toBe(1);
  expect(lines.map(({ failed: why }) => why).filter(Boolean)).toEqual([failed]);
  const text = readFileSync(file);
  for (const { source } of lines) {
    if (!('at' in source)) throw new Error('a line');
    expect(() => JSON.parse(text.subarray(source.at, source.at + source.bytes).toString())).not.toThrow();
  }
  expect(lines.at(-1)?.source).toMatchObject({ line: 43 });
});

describe('workers', () => {
  const task = (cache: Cache, source: string) => ({
    source: { path: source },
    digest: A,
    place: cache.place,
    aims: DEFAULT_AIMS,
  });

  test('analyse, and keep what they found', async () => {
    const cache = await opened();
    const pool = new Pool({ workers: 2 });
    try {
      const result = await pool.captures(task(cache, SAMPLE));
      expect(result).toEqual(cache.known(A));
      expect(keptAnalyses(cache.place, A)?.[0]?.bundle.name).toBe('linux-2.4.tar.gz');
    } finally {
      await pool.close();
    }
  });

  test('say why a bundle cannot be read', async () => {
    const pool = new Pool({ workers: 1 });
    try {
      const cache = await opened();
      const nowhere = '/nowhere.tar.gz';
      const result = await pool.captures(task(cache, nowhere));
      expect(result).toEqual({
        name: nowhere,
        error: expect.stringMatching(/^\/nowhere\.tar\.gz does not exist\. Expected/),
      });
      // It may be there next time.
      expect(cache.known(A)).toBeUndefined();
      const letter = path.join(out, 'letter.tar.gz');
      writeFileSync(letter, 'Dear support');
      const refused = await pool.captures(task(cache, letter));
      expect(refused).toEqual({ name: letter, error: expect.stringContaining('is not an archive') });
      expect((await opened()).known(A)).toEqual(refused);
    } finally {
      await pool.close();
    }
  });

  test('that a bundle brings down cost that bundle', async () => {
    const cache = await opened();
    const pool = new Pool({ workers: 1, heapMb: 1 });
    try {
      for (let n = 0; n < 2; n++) {
        const result = await pool.captures(task(cache, SAMPLE));
        expect(result).toEqual({
          name: SAMPLE,
          error: expect.stringMatching(
            /linux-2\.4\.tar\.gz cannot be analysed: the process that worked on it ended with SIG/,
          ),
        });
      }
    } finally {
      await pool.close();
    }
  });

  test('make a page anew of its source where the analysis that was kept is damaged', async () => {
    const cache = await opened();
    await kept(cache);
    truncateSync(path.join(cache.place.folder, `${A}.analysis.json.gz`), 10);
    const pool = new Pool({ workers: 1 });
    try {
      const file = path.join(out, 'hosts', 'gw.html');
      expect(
        await pool.page({ ...task(cache, SAMPLE), at: 0, file, presentation: {}, templates: undefined }),
      ).toBeUndefined();
      expect(readFileSync(file, 'utf8')).toContain('linux-2.4.tar.gz');
      expect(keptAnalyses(cache.place, A)?.[0]?.bundle.name).toBe('linux-2.4.tar.gz');
    } finally {
      await pool.close();
    }
  });
});
