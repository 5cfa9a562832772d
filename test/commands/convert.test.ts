import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Analysis } from '../../src/analysis/schema.ts';
import { anonymize } from '../../src/commands/anonymize.ts';
import { convert } from '../../src/commands/convert.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { inspect } from '../../src/commands/inspect.ts';
import { packageRoot } from '../../src/package.ts';
import { inspectionOf, renderInspection } from '../../src/report/inspection.ts';
import { readSnapshots } from '../../src/snapshot/read.ts';
import { analysisOf } from '../one-analysis.ts';

const FOREIGN = path.join(packageRoot, 'test', 'fixtures', 'foreign');
const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-convert-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let out: string;
beforeEach(() => {
  out = path.join(mkdtempSync(path.join(scratch, 'out-')), 'bundle.tar.gz');
});

const archives = readdirSync(FOREIGN, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'sos-collect')
  .map(({ name }) => ({
    name,
    file: path.join(FOREIGN, name, JSON.parse(readFileSync(path.join(FOREIGN, name, 'expected.json'), 'utf8')).archive),
  }));
const WHOLE = archives.find(({ name }) => name === 'sos-whole')?.file ?? '';

/** Runs a command, and what it says on both streams. */
async function said(run: () => Promise<number>) {
  const lines: Record<'out' | 'err', string> = { out: '', err: '' };
  const catching = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    lines[stream] += text;
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(catching('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(catching('err')),
  ];
  try {
    return { code: await run(), ...lines };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** What is known, without where it stands. */
const figures = ({ host, usage, hash, slab, table, drops, settings, pageBytes, verdict, recommendation }: Analysis) =>
  JSON.parse(
    JSON.stringify(
      {
        host,
        entries: usage.entries,
        max: usage.max,
        buckets: hash.buckets,
        slab: slab.total,
        pageBytes: pageBytes?.value,
        table: table && { ...table, files: [] },
        totals: drops.counters?.totals,
        log: drops.log.tableFullLines,
        settings: settings.map(({ name, value }) => ({ name, value })),
        verdict: verdict.kind,
        recommended: recommendation.max,
      },
      (key, value) => (key === 'file' || key === 'line' ? undefined : value),
    ),
  );

describe('an archive of another collector becomes a bundle', () => {
  test.each(archives)('$name: with the same figures', async ({ file }) => {
    const { code } = await said(() => convert(file, out));
    expect(code).toBe(EXIT.ok);
    const [before, after] = [await analysisOf(file), await analysisOf(out)];
    expect(after.bundle.layout).toBe('bundle');
    expect(after.problems.filter(({ kind }) => kind === 'digest')).toEqual([]);
    expect(after.inventory.length).toBeGreaterThan(3);
    const [was, is] = [figures(before), figures(after)];
    // A time that only the name of the archive told is now that of the manifest.
    expect(is).toEqual(was);
  });

  test('the same bytes each time, and nothing of a run that failed', async () => {
    await said(() => convert(WHOLE, out));
    const first = readFileSync(out);
    await said(() => convert(WHOLE, out));
    expect(readFileSync(out).equals(first)).toBe(true);
    const folder = path.join(path.dirname(out), 'folder.tar.gz');
    mkdirSync(folder);
    const { code, err } = await said(() => convert(WHOLE, folder));
    expect(code).toBe(EXIT.failed);
    expect(err).toContain(`${folder} was not written: `);
    expect(readdirSync(path.dirname(out)).sort()).toEqual(['bundle.tar.gz', 'folder.tar.gz']);
  });

  test('what is refused', async () => {
    const copy = path.join(path.dirname(out), 'sos.tar.xz');
    copyFileSync(WHOLE, copy);
    expect(await said(() => convert(copy, copy))).toMatchObject({ code: EXIT.usage, err: /is the input itself/ });
    const collected = path.join(FOREIGN, 'sos-collect');
    const both = path.join(collected, JSON.parse(readFileSync(path.join(collected, 'expected.json'), 'utf8')).archive);
    expect(await said(() => convert(both, out))).toMatchObject({ code: EXIT.input, err: /holds 2 captures/ });
    const outer = path.join(path.dirname(out), 'outer.tar');
    execFileSync('tar', ['-cf', outer, '-C', path.dirname(WHOLE), path.basename(WHOLE)]);
    expect(await said(() => convert(outer, out))).toMatchObject({ code: EXIT.input, err: /is an archive of archives/ });
    const within = path.join(path.dirname(out), 'cut.tar.gz');
    writeFileSync(within, readFileSync('samples/healthy.tar.gz').subarray(0, 5));
    execFileSync('tar', ['-cf', outer, '-C', path.dirname(within), path.basename(within)]);
    const { code, err } = await said(() => convert(outer, out));
    expect(code).toBe(EXIT.input);
    expect(err).toMatch(/outer\.tar: cut\.tar\.gz is not an archive that can be read/);
    expect(existsSync(out)).toBe(false);
  });
});

describe('a bundle of collect.sh stays what it is', () => {
  const OWN = [
    'samples/full-with-drops.tar.gz',
    'test/fixtures/captures/other-namespace.tar.gz',
    'test/fixtures/captures/chains.tar.gz',
  ];
  /** All that is known, but for what the archive itself is. */
  const all = ({ bundle: { name: _name, sha256: _sha, bytes: _bytes, ...bundle }, ...analysis }: Analysis) => ({
    bundle,
    ...analysis,
  });

  test.each(OWN)('%s: with every line of its lists', async (name) => {
    const file = path.join(packageRoot, name);
    expect(await said(() => convert(file, out))).toMatchObject({ code: EXIT.ok });
    expect(all(await analysisOf(out))).toEqual(all(await analysisOf(file)));
  });

  test('with pseudonyms, it says so', async () => {
    const [file, keyFile] = [path.join(path.dirname(out), 'anonymized.tar.gz'), path.join(path.dirname(out), 'key')];
    await said(() => anonymize(path.join(packageRoot, 'samples/healthy.tar.gz'), { keyFile, out: file }));
    await said(() => convert(file, out));
    const { bundle } = await analysisOf(out);
    expect(bundle.anonymized).toMatchObject({ scheme: 'crypto-pan/1', keyId: expect.stringMatching(/^[0-9a-f]+$/) });
    expect(bundle.anonymized).toEqual((await analysisOf(file)).bundle.anonymized);
  });
});

describe('inspect', () => {
  test('tells what was recognised, and where', async () => {
    const { code, out: text } = await said(() => inspect([WHOLE], { json: false }));
    expect(code).toBe(EXIT.ok);
    expect(text).toMatch(/^\S+\.tar\.xz: sosreport\n/);
    expect(text).toMatch(/^ {2}limit +640 +sos_commands\/kernel\/sysctl_-a, line \d+$/m);
    expect(text).toMatch(/^ {2}table +640 rows +proc\/\d+\/net\/nf_conntrack$/m);
    expect(text).toMatch(/^ {2}another listing of it +640 rows +sos_commands\/conntrack\/conntrack_-L_-o_extended$/m);
    expect(text).toMatch(/^Passed over.*\n(?: {2}.*\n)* {2}sos_commands\/kernel\/dmesg_-T$/m);
  });

  test('tells of each number that is in several places which one is used, in lines that fit a terminal', async () => {
    const file = archives.find(({ name }) => name === 'sos-netns')?.file ?? '';
    const { out: text } = await said(() => inspect([file], { json: false }));
    const [, block = ''] = /^Entries of this network namespace, in several places\n((?: .*\n)*)/m.exec(text) ?? [];
    expect(block).toMatch(/^ {3}76 {2}nf_conntrack_count {7}sos_commands\/kernel\/sysctl_-a, line 968\n {9}used\n/);
    expect(block).toMatch(
      /^ {2}512 {2}active_objs +proc\/slabinfo, line 22\n {9}the objects of all network namespaces, of which 422/m,
    );
    const [captured] = await readSnapshots(file);
    if (captured === undefined || 'error' in captured) throw new Error('no capture');
    const { comparisons = [] } = await analysisOf(file);
    const narrow = renderInspection('x', inspectionOf(captured.snapshot, comparisons), 80).split('\n');
    // A path that is longer than the terminal is wide is not broken: it is to be copied.
    expect(narrow.filter((line) => line.length > 80).every((line) => /^ +\S+(?:, line \d+)?$/.test(line))).toBe(true);
    expect(narrow).toContain('  kernel                 6.18.44-fc-v595       sos_commands/kernel/uname_-a');
  });

  test('of each input, as JSON, and names what cannot be read', async () => {
    const {
      code,
      out: text,
      err,
    } = await said(() => inspect([WHOLE, '/nowhere', ...archives.map(({ file }) => file)], { json: true }));
    expect(code).toBe(EXIT.input);
    expect(err).toContain('/nowhere does not exist');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(archives.length + 1);
    for (const line of lines) expect(line.found.length).toBeGreaterThan(3);
  });
});
