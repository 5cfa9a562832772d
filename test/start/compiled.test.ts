import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { version } from '../../src/package.ts';
import { Compiled } from '../../src/start/compiled.ts';
import { CLI } from '../cli/program.ts';

let scratch = '';
const folder = () => path.join(scratch, 'conntrack-report', 'compiled');
const files = () => readdirSync(folder()).map((name) => path.join(folder(), name));

beforeEach(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-compiled-'));
  vi.stubEnv('XDG_CACHE_HOME', scratch);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

const DATA = Buffer.from('what V8 made of it');

test('what is kept comes back for the same program and use, and for no other', () => {
  expect(new Compiled('program-1', 'report-html').data).toBeUndefined();
  new Compiled('program-1', 'report-html').keep(DATA);
  expect(new Compiled('program-1', 'report-html').data).toEqual(DATA);
  expect(new Compiled('program-1', 'report-json').data).toBeUndefined();
  expect(new Compiled('program-2', 'report-html').data).toBeUndefined();
  expect(files().map((file) => path.basename(file))).toEqual([
    expect.stringMatching(`^program-1-${process.version}-${process.arch}-[\\da-f]+-report-html$`),
  ]);
  expect(statSync(folder()).mode & 0o777).toBe(0o700);
});

test('a file that was damaged, by whatever bit or length, is not run', () => {
  new Compiled('program', 'help').keep(DATA);
  const [file = ''] = files();
  const whole = readFileSync(file);
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    writeFileSync(file, damaged);
    expect(new Compiled('program', 'help').data, `byte ${at}`).toBeUndefined();
    writeFileSync(file, whole.subarray(0, at));
    expect(new Compiled('program', 'help').data, `${at} bytes`).toBeUndefined();
  }
});

test('it is written where there is none, where V8 did not take it, and once a day', () => {
  expect(new Compiled('program', 'help').isDue(false)).toBe(true);
  new Compiled('program', 'help').keep(DATA);
  expect(new Compiled('program', 'help').isDue(true)).toBe(false);
  expect(new Compiled('program', 'help').isDue(false)).toBe(true);
  const yesterday = Date.now() / 1000 - 90_000;
  for (const file of files()) utimesSync(file, yesterday, yesterday);
  expect(new Compiled('program', 'help').isDue(true)).toBe(true);
});

test('only the newest are kept', () => {
  for (let n = 0; n < 20; n++) {
    new Compiled('program', `use${n}`).keep(DATA);
    for (const file of files()) if (file.endsWith(`use${n}`)) utimesSync(file, n, n);
  }
  const uses = files().map((file) => Number(/use(\d+)$/.exec(file)?.[1]));
  expect(uses.sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, n) => n + 4));
});

test('where no folder can be had there is none, and nothing fails', () => {
  for (const name of ['XDG_CACHE_HOME', 'HOME', 'TMPDIR']) {
    const file = path.join(scratch, `${name}-is-a-file`);
    writeFileSync(file, '');
    vi.stubEnv(name, file);
  }
  const compiled = new Compiled('program', 'help');
  expect(compiled.data).toBeUndefined();
  expect(compiled.isDue(false)).toBe(false);
  compiled.keep(DATA);
});

/** The program, in a process of its own that has the folder. */
function run(...args: string[]) {
  return spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    cwd: scratch,
    env: { ...process.env, XDG_CACHE_HOME: scratch, HOME: scratch, TMPDIR: scratch },
  });
}

test('the program keeps what was compiled of it, uses it, and replaces what is damaged', () => {
  expect(run('--version').stdout).toBe(`${version}\n`);
  const [file = '', ...others] = files();
  expect(others).toEqual([]);
  const first = readFileSync(file);
  const { mtimeMs } = statSync(file);
  expect(run('--version').stdout).toBe(`${version}\n`);
  expect(statSync(file).mtimeMs).toBe(mtimeMs);
  // Not what was compiled at all, though with a check that fits: V8 refuses it.
  new Compiled('program', 'fit').keep(DATA);
  const fit = files().find((each) => each.endsWith('-fit')) ?? '';
  for (const damaged of [first.subarray(0, 1000), Buffer.alloc(first.length), readFileSync(fit)]) {
    writeFileSync(file, damaged);
    expect(run('--version')).toMatchObject({ stdout: `${version}\n`, stderr: '', status: 0 });
    expect(readFileSync(file).length).toBeGreaterThan(first.length / 2);
  }
});

test('a run that fails keeps nothing, nor one whose folder others can write to', () => {
  expect(run('report', 'missing.tar.gz').status).toBe(3);
  expect(() => files()).toThrow('ENOENT');
  const shared = path.join(scratch, 'conntrack-report');
  mkdirSync(shared, { recursive: true });
  chmodSync(shared, 0o777);
  expect(run('--version').status).toBe(0);
  expect(readdirSync(shared)).toEqual([]);
});
