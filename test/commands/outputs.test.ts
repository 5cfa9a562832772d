/** What is left on the disk when writing fails, and when the program is ended. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package.ts';
import { openBrowser } from '../../src/report/browser.ts';
import { CLI } from '../cli/program.ts';

const BUNDLE = path.join(packageRoot, 'samples', 'linux-2.4.tar.gz');

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-outputs-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(scratch, 'out-'));
  copyFileSync(BUNDLE, path.join(cwd, 'gw.tar.gz'));
});

function run(args: string[], command = process.execPath) {
  const first = command === process.execPath ? [CLI] : [];
  const { status, stdout, stderr } = spawnSync(command, [...first, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 50_000,
  });
  return { status, stdout, stderr };
}

/** Files below a folder that are not complete. */
const parts = (folder = cwd) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.part|part-\d/.test(name));

describe('a file that cannot be written', () => {
  test.each([
    ['report', ['report', 'gw.tar.gz', '--format', 'json'], 'gw.json'],
    ['convert', ['convert', 'gw.tar.gz', '--out', 'new.tar.gz'], 'new.tar.gz'],
    ['fleet', ['fleet', 'gw.tar.gz', '--out', '.', '--format', 'csv'], 'fleet.csv'],
  ])('a folder is in its place: %s', (_, args, file) => {
    mkdirSync(path.join(cwd, file));
    writeFileSync(path.join(cwd, file, 'x'), '');
    const { status, stderr } = run(args);
    expect(stderr).toContain(`${file} was not written: `);
    expect(status).toBe(1);
    expect(parts()).toEqual([]);
    expect(readdirSync(path.join(cwd, file))).toEqual(['x']);
  });

  test('it is an input, under its own name or as a link', () => {
    expect(run(['report', 'gw.tar.gz', '--format', 'json', '--out', 'first']).status).toBe(0);
    copyFileSync(path.join(cwd, 'first/gw.json'), path.join(cwd, 'gw.json'));
    linkSync(path.join(cwd, 'first/gw.json'), path.join(cwd, 'gw.md'));
    const before = readFileSync(path.join(cwd, 'gw.json'));
    const { status, stderr } = run(['report', 'gw.tar.gz', 'gw.json', 'first/gw.json', '--format', 'json,md']);
    expect(stderr).toContain('gw.json was not written: it is an input; take another --out\n');
    expect(stderr).toContain('gw.md was not written: it is an input; take another --out\n');
    expect(status).toBe(1);
    for (const name of ['gw.json', 'gw.md', 'first/gw.json'])
      expect(readFileSync(path.join(cwd, name)).equals(before), name).toBe(true);
  });

  test('labels of a fleet are an input, too', () => {
    writeFileSync(path.join(cwd, 'fleet.csv'), 'hostname,site\ngw,Lyon\n');
    const { status, stderr } = run([
      'fleet',
      'gw.tar.gz',
      '--labels',
      'fleet.csv',
      '--out',
      '.',
      '--format',
      'csv,json',
    ]);
    expect(stderr).toContain('fleet.csv was not written: it is an input');
    expect(status).toBe(1);
    expect(readFileSync(path.join(cwd, 'fleet.csv'), 'utf8')).toBe('hostname,site\ngw,Lyon\n');
    expect(existsSync(path.join(cwd, 'fleet.json'))).toBe(true);
  });

  const notRoot = process.getuid?.() === 0 ? undefined : 'needs root';
  const noMounts =
    notRoot ??
    (spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=16k', 'none', scratch]).status === 0
      ? undefined
      : 'no file system can be mounted here');

  test.skipIf(noMounts)(`the disk is full${noMounts ? ` (skipped: ${noMounts})` : ''}`, () => {
    mkdirSync(path.join(cwd, 'small'));
    const script =
      'mount -t tmpfs -o size=16k none small && printf earlier > small/gw.html; shift 0; "$@"; code=$?; cat small/gw.html; ls -A small; exit $code';
    for (const line of ['report gw.tar.gz --format html --out small', 'convert gw.tar.gz --out small/gw.html']) {
      // What is converted has to be larger than the disk.
      if (line.startsWith('convert'))
        copyFileSync(path.join(packageRoot, 'samples/healthy.tar.gz'), path.join(cwd, 'gw.tar.gz'));
      const args = ['-m', 'sh', '-c', script, 'sh', process.execPath, CLI, ...line.split(' ')];
      const { status, stdout, stderr } = run(args, 'unshare');
      expect(stderr).toMatch(/small\/gw\.html was not written: .*ENOSPC/);
      expect(status).toBe(1);
      expect(stdout.trimEnd().endsWith('earliergw.html')).toBe(true);
    }
  });

  test.skipIf(notRoot)(`the folder is somebody else’s${notRoot ? ` (skipped: ${notRoot})` : ''}`, () => {
    const folder = path.join(cwd, 'theirs');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'gw.json'), 'earlier');
    for (const each of [scratch, cwd]) chmodSync(each, 0o755);
    const nobody = 65_534;
    chownSync(path.join(cwd, 'gw.tar.gz'), nobody, nobody);
    for (const args of [
      ['report', 'gw.tar.gz', '--format', 'json', '--out', 'theirs'],
      ['convert', 'gw.tar.gz', '--out', 'theirs/gw.json'],
    ]) {
      const { status, stderr } = spawnSync(process.execPath, [CLI, ...args], {
        cwd,
        encoding: 'utf8',
        uid: nobody,
        gid: nobody,
      });
      expect(stderr).toMatch(/theirs\/gw\.json was not written: EACCES/);
      expect(status).toBe(1);
    }
    expect(readFileSync(path.join(folder, 'gw.json'), 'utf8')).toBe('earlier');
    expect(readdirSync(folder)).toEqual(['gw.json']);
  });

  test.each(['inspect gw.tar.gz', 'inspect gw.tar.gz --json', 'explain', 'schema', 'analyse --jsonl gw.tar.gz'])(
    'nobody reads on: %s | head -1',
    (line) => {
      const script = '"$0" "$@" | head -1 > /dev/null';
      const { stderr } = run(['-c', script, process.execPath, CLI, ...line.split(' ')], 'sh');
      expect(stderr).toBe('');
    },
  );
});

const opened = await openBrowser('bundled').catch((error: Error) => error);
const missing = opened instanceof Error ? opened.message.split('\n')[2] : undefined;
if (!(opened instanceof Error)) await opened.browser.close();

describe.skipIf(missing)(`of the browser${missing ? ` (skipped: ${missing})` : ''}`, () => {
  /** Processes whose command line names a folder. */
  const running = (folder: string) =>
    readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    });

  async function traces(folder: string): Promise<string[]> {
    // A process that was killed takes a moment to end.
    for (let tries = 0; running(folder).length > 0 && tries < 50; tries++) await setTimeout(100);
    return [...running(folder).map((pid) => `process ${pid}`), ...readdirSync(folder)];
  }

  const start = (temporary: string) =>
    spawn(
      process.execPath,
      [CLI, 'report', ...Array(20).fill('gw.tar.gz'), '--format', 'pdf', '--browser', 'bundled'],
      {
        cwd,
        env: { ...process.env, TMPDIR: temporary },
      },
    );

  test('nothing is left when all went well, and that there is no sandbox is said once', async () => {
    const temporary = mkdtempSync(path.join(scratch, 'tmp-'));
    const child = start(temporary);
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.stdout.resume();
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(said.match(/without its sandbox/g)?.length).toBe(process.getuid?.() === 0 ? 1 : undefined);
    expect(await traces(temporary)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('nothing is left after %s', async (signal) => {
    const temporary = mkdtempSync(path.join(scratch, 'tmp-'));
    const child = start(temporary);
    const ended = new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
    // The first report is there: the browser runs.
    for (let tries = 0; !existsSync(path.join(cwd, 'gw.pdf')) && tries < 300; tries++) await setTimeout(50);
    expect(readdirSync(temporary)).toContainEqual(expect.stringMatching(/^conntrack-report-browser-/));
    expect(running(temporary).length).toBeGreaterThan(0);
    child.kill(signal);
    expect(await ended).toBe(signal);
    expect(await traces(temporary)).toEqual([]);
    expect(parts()).toEqual([]);
  });

  test('nothing is left of one that does not start', async () => {
    const temporary = mkdtempSync(path.join(scratch, 'tmp-'));
    const program = path.join(cwd, 'browser');
    writeFileSync(program, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const { status } = spawnSync(
      process.execPath,
      [CLI, 'report', 'gw.tar.gz', '--format', 'pdf', '--browser', program],
      {
        cwd,
        env: { ...process.env, TMPDIR: temporary },
      },
    );
    expect(status).toBe(1);
    expect(await traces(temporary)).toEqual([]);
    expect(parts()).toEqual([]);
  });
});
