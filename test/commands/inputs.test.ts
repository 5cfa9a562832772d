import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { analysesOf } from '../../src/analyses.ts';
import { BundleError } from '../../src/bundle/bundle.ts';
import { expandInput } from '../../src/commands/inputs.ts';
import { packageRoot } from '../../src/package.ts';
import { analysisOf } from '../one-analysis.ts';

const OLD = path.join(packageRoot, 'samples', 'linux-2.4.tar.gz');
const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-inputs-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(scratch, 'case-'));
});

const at = (...names: string[]) => path.join(folder, ...names);
const unpack = (into: string) => {
  mkdirSync(into, { recursive: true });
  execFileSync('tar', ['-xzf', OLD, '-C', into]);
};

describe('what a name stands for', () => {
  test('a file, whatever it is called, and standard input', async () => {
    expect(await expandInput(OLD)).toEqual([OLD]);
    expect(await expandInput('-')).toEqual(['-']);
    // That it is not there is said when it is read.
    expect(await expandInput(at('none.tar.gz'))).toEqual([at('none.tar.gz')]);
  });

  test('of a folder the archives, the JSON files and the unpacked bundles, by name', async () => {
    const names = [
      'a.tgz',
      'b.tar.gz',
      'c.TAR',
      'f.tar.xz',
      'g.txz',
      'h.tar.bz2',
      'i.tbz',
      'j.tbz2',
      'k.tar.zst',
      'l.tzst',
    ];
    for (const name of names) copyFileSync(OLD, at(name));
    writeFileSync(at('d.json'), '{}');
    unpack(at('e'));
    writeFileSync(at('README.md'), 'notes');
    writeFileSync(at('hosts.csv'), 'hostname,site\n');
    mkdirSync(at('empty'));
    mkdirSync(at('archive'));
    copyFileSync(OLD, at('archive', 'older.tar.gz'));
    expect((await expandInput(folder)).map((file) => path.basename(file))).toEqual([
      ...names.slice(0, 3),
      'd.json',
      'e',
      ...names.slice(3),
    ]);
  });

  test('of a folder what is packed twice, and what is encrypted, which is refused with the command that opens it', async () => {
    const packed = path.join(packageRoot, 'test', 'fixtures', 'packed');
    writeFileSync(at('a.tar.gz.gz'), gzipSync(readFileSync(OLD)));
    for (const name of ['b.tar.xz.gpg', 'secured-c.txt.asc', 'secured-d.tar.xz.gpg']) {
      copyFileSync(path.join(packed, 'secured-tree.tar.xz.gpg'), at(name));
    }
    copyFileSync(path.join(packed, 'tree.tar.xz.enc'), at('e.tar.xz.enc'));
    // Signatures and sums of what is beside them.
    for (const name of ['a.tar.gz.asc', 'a.tar.gz.sha256', 'secured-d.tar.xz.gpg.sha256']) writeFileSync(at(name), 'x');
    const [twice = '', ...encrypted] = await expandInput(folder);
    expect((await analysisOf(twice)).usage.max?.value).toBe(65_536);
    expect(encrypted.map((file) => path.basename(file))).toEqual([
      'b.tar.xz.gpg',
      'e.tar.xz.enc',
      'secured-c.txt.asc',
      'secured-d.tar.xz.gpg',
    ]);
    for (const file of encrypted)
      await expect(analysisOf(file)).rejects.toThrow(/Decrypt it first: (?:gpg|openssl) .*/);
    // The same where the folder is read as one input.
    const names = (await analysesOf(folder)).map((each) => [
      each.inner,
      'error' in each ? each.error : each.analysis.usage.max?.value,
    ]);
    expect(names).toEqual([
      ['a.tar.gz.gz', 65_536],
      ['b.tar.xz.gpg', expect.stringContaining(`Decrypt it first: gpg --decrypt ${at('b.tar.xz.gpg')} > b.tar.xz`)],
      ['e.tar.xz.enc', expect.stringContaining(`-in ${at('e.tar.xz.enc')} > e.tar.xz`)],
      ['secured-c.txt.asc', expect.stringContaining(`gpg --decrypt ${at('secured-c.txt.asc')} > secured-c.txt`)],
      [
        'secured-d.tar.xz.gpg',
        expect.stringContaining(`gpg --decrypt ${at('secured-d.tar.xz.gpg')} > secured-d.tar.xz`),
      ],
    ]);
  });

  test('links in a folder are passed over; one that the user names is followed', async () => {
    copyFileSync(OLD, at('a.tar.gz'));
    symlinkSync('/etc/passwd', at('b.tar.gz'));
    symlinkSync('/', at('c'));
    const link = path.join(scratch, `link-${path.basename(folder)}`);
    symlinkSync(folder, link);
    expect(await expandInput(link)).toEqual([path.join(link, 'a.tar.gz')]);
  });

  test('an unpacked bundle is one input, with its top folder or without', async () => {
    unpack(folder);
    expect(await expandInput(folder)).toEqual([folder]);
    const analysis = await analysisOf(folder);
    expect(analysis.usage.max?.value).toBe(65_536);
    mkdirSync(at('proc'), { recursive: true });
    expect(await expandInput(folder)).toEqual([folder]);
  });

  test.each([
    ['an empty folder', () => {}],
    ['a folder of other things', () => writeFileSync(at('notes.txt'), 'x')],
  ])('%s', async (_, fill) => {
    fill();
    await expect(expandInput(folder)).rejects.toThrow(
      `${folder} holds no bundle: expected .tar.gz, .tar.xz, .tar.bz2, .tar.zst, .tar or .json files, or unpacked bundles.`,
    );
    await expect(expandInput(folder)).rejects.toBeInstanceOf(BundleError);
  });
});

describe('analyses that were written as JSON', () => {
  test('are the same as that of the bundle', async () => {
    const analysis = await analysisOf(OLD);
    writeFileSync(at('a.json'), JSON.stringify(analysis));
    expect(await analysisOf(at('a.json'))).toEqual(analysis);
  });

  test('a later version may have added fields', async () => {
    const analysis = await analysisOf(OLD);
    writeFileSync(at('a.json'), JSON.stringify({ ...analysis, invented: 1 }));
    expect(await analysisOf(at('a.json'))).toEqual(analysis);
  });

  /** What is said of the analysis with one part of it replaced. */
  const wrong = async (part: object) => {
    writeFileSync(at('a.json'), JSON.stringify({ ...(await analysisOf(OLD)), ...part }));
    return await analysisOf(at('a.json')).then(
      () => 'was read',
      (error: Error) => (error instanceof BundleError ? error.message : `${error}`),
    );
  };

  test('of another shape: where it is wrong', async () => {
    expect(await wrong({ usage: { unlimited: 'no' } })).toMatch(
      /a\.json is no analysis that this version can read \(usage\.unlimited: .*expected boolean.*\)\. Expected what report --format json writes\.$/,
    );
    expect(await wrong({ schemaVersion: 2 })).toMatch(/\(schemaVersion: /);
    writeFileSync(at('a.json'), '[]');
    await expect(analysisOf(at('a.json'))).rejects.toThrow(/\(top: /);
  });

  test('no JSON at all', async () => {
    writeFileSync(at('a.json'), '{"schemaVersion": 1,');
    await expect(analysisOf(at('a.json'))).rejects.toThrow(/a\.json is no JSON: /);
    await expect(analysisOf(at('none.json'))).rejects.toThrow(/none\.json cannot be read: ENOENT/);
  });

  test('larger than any analysis', async () => {
    writeFileSync(at('a.json'), '{}');
    truncateSync(at('a.json'), 65 * 1024 * 1024);
    await expect(analysisOf(at('a.json'))).rejects.toThrow(/a\.json is larger than any analysis: 68157440 bytes\./);
  });
});

test('a file that is no bundle', async () => {
  writeFileSync(at('a.tar.gz'), 'hello');
  await expect(analysisOf(at('a.tar.gz'))).rejects.toThrow(BundleError);
});
