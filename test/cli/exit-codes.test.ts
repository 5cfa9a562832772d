/** The table of exit codes in README.md, each line of it tried. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { packageRoot } from '../../src/package.ts';
import { writeBundle } from '../bench/generate.mjs';
import { openFolder, SAMPLES } from './program.ts';

const { folder, env, shell, remove } = openFolder('exit-codes');
afterAll(remove);
copyFileSync(path.join(SAMPLES, 'full-with-drops.tar.gz'), path.join(folder, 'gw.tar.gz'));
writeFileSync(path.join(folder, 'taken'), '');

const TABLE =
  readFileSync(path.join(packageRoot, 'README.md'), 'utf8').split('\n## Exit codes\n')[1]?.split('\n## ')[0] ?? '';
const listed = [...TABLE.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));

/** Lines that end with each code. */
const LINES: [number, string][] = [
  [0, 'report gw.tar.gz --format json'],
  [0, '--help'],
  [1, 'report gw.tar.gz --format json --out taken'],
  [1, 'report gw.tar.gz --format json --out /proc/none'],
  [1, 'convert gw.tar.gz --out taken/new.tar.gz'],
  [2, 'report gw.tar.gz --fromat json'],
  [2, 'explain nothing'],
  [2, 'report gw.tar.gz --config nowhere'],
  [3, 'report nowhere gw.tar.gz --format json'],
  [3, 'compare nowhere'],
  [3, 'inspect nowhere'],
  [3, 'verify nowhere'],
  [3, 'convert nowhere --out new.tar.gz'],
  [3, 'anonymize nowhere --key-file key --out new.tar.gz'],
  [3, 'analyse --jsonl nowhere'],
  [3, 'fleet nowhere --out fleet --format csv'],
  [4, 'report gw.tar.gz --format json --fail-on critical'],
  [5, 'verify gw.tar.gz --leaks gw.tar.gz'],
];

test('the table has each code, and each is tried', () => {
  expect(listed).toEqual([...Object.values(EXIT), 130, 143]);
  expect([...new Set(LINES.map(([code]) => code))]).toEqual(Object.values(EXIT));
  const page = readFileSync(path.join(packageRoot, 'dist', 'man', 'conntrack-report.1'), 'utf8').split(
    '.SH EXIT STATUS',
  )[1];
  expect([...(page ?? '').matchAll(/^\\fB(\d+)\\fR$/gm)].map(([, code]) => Number(code))).toEqual(listed);
});

test.each(LINES)('%d: %s', (code, line) => expect(shell(`conntrack-report ${line}`).status).toBe(code));

test('nobody reads the output: what is to be written is, and no error is made of it', () => {
  const { stdout } = shell(
    'set -o pipefail; { conntrack-report report gw.tar.gz --format md; echo $? >&2; } 2> code | true; cat code',
  );
  expect(stdout).toBe('0\n');
  expect(existsSync(path.join(folder, 'gw.md'))).toBe(true);
});

describe('a signal ends it at once, and nothing is left', () => {
  const temporary = path.join(folder, 'temporary');
  beforeAll(async () => {
    mkdirSync(temporary);
    await writeBundle(path.join(folder, 'large.tar.gz'), 600_000);
  });

  const noTerminal = spawnSync('script', ['--version']).error ? ' (skipped: script is not installed)' : undefined;

  test.skipIf(noTerminal).each([
    ['report large.tar.gz --format html,json --out new', 130, '\x03'],
    ['compare large.tar.gz --format html --out new', 130, '\x03'],
    ['fleet large.tar.gz --format html --out new', 130, '\x03'],
    ['convert large.tar.gz --out new/x.tar.gz', 130, '\x03'],
    ['convert - --out - < large.tar.gz > /dev/null', 130, '\x03'],
    ['anonymize large.tar.gz --key-file key --out new/x.tar.gz', 130, '\x03'],
    ['convert large.tar.gz --out newer/x.tar.gz', 143, 'SIGTERM'],
  ])(`%s: %d${noTerminal ?? ''}`, async (line, code, how) => {
    const isTyped = how === '\x03';
    const command = `conntrack-report ${line} 2> said`;
    const [program, ...options] = isTyped
      ? ['script', '-qec', command.replace(' 2> said', ''), '/dev/null']
      : ['bash', '-c', `exec ${command}`];
    const child = spawn(program ?? '', options, { cwd: folder, env: { ...env, TMPDIR: temporary } });
    let shown = '';
    child.stdout.on('data', (text) => {
      shown += text;
    });
    const ended = new Promise<number>((resolve) => {
      child.on('exit', (status, signal) =>
        resolve(signal === null ? (status ?? -1) : 128 + (signal === 'SIGTERM' ? 15 : 2)),
      );
    });
    const isAtWork = () => (isTyped ? /%/.test(shown) : existsSync(path.join(folder, 'newer')));
    for (let tries = 0; !isAtWork() && tries < 300; tries++) await setTimeout(20);
    // In the middle of it.
    await setTimeout(100);
    const began = performance.now();
    if (isTyped) child.stdin.write(how);
    else child.kill('SIGTERM');
    expect(await ended).toBe(code);
    expect(performance.now() - began).toBeLessThan(5000);
    const left = ['', 'new', 'newer']
      .map((name) => path.join(folder, name))
      .flatMap((each) => (existsSync(each) ? readdirSync(each, { recursive: true, encoding: 'utf8' }) : []));
    expect(left.filter((name) => /part|spool|x\.tar|\.html$|large\.json$/.test(name))).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
