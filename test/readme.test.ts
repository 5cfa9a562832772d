/** What README.md shows as typed does what it says, and what it shows as printed is printed. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../src/package.ts';
import { CLI } from './cli/program.ts';

const README = readFileSync(path.join(packageRoot, 'README.md'), 'utf8');

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-readme-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const at = (...names: string[]) => path.join(scratch, ...names);

/** Programs of the test: this one under its name, with and without npx. It prints no PDF of many pages where nobody looks at it. */
const SHIM = `#!/bin/sh
[ "$1" = conntrack-report ] && shift
case $1 in compare | fleet) set -- "$@" --format html ;; esac
exec '${process.execPath}' '${CLI}' "$@"
`;

function run(command: string) {
  const env = { ...process.env, PATH: `${at('bin')}:${process.env.PATH}`, NO_COLOR: '1' };
  return spawnSync('sh', ['-c', command], { cwd: scratch, encoding: 'utf8', timeout: 100_000, env });
}

/** The files that the examples name. */
beforeAll(() => {
  for (const folder of ['bin', 'bundles']) mkdirSync(at(folder));
  for (const name of ['npx', 'conntrack-report']) {
    writeFileSync(at('bin', name), SHIM);
    chmodSync(at('bin', name), 0o755);
  }
  const samples = path.join(packageRoot, 'samples');
  symlinkSync(samples, at('samples'));
  copyFileSync(path.join(samples, 'fleet', 'hosts.csv'), at('hosts.csv'));
  copyFileSync(path.join(samples, 'healthy.tar.gz'), at('bundles', 'a.tar.gz'));
  copyFileSync(path.join(samples, 'full-with-drops.tar.gz'), at('gw1.tar.gz'));
  copyFileSync(path.join(samples, 'week', 'gw-east-4-20261116T0930.tar.gz'), at('before.tar.gz'));
  copyFileSync(path.join(samples, 'week', 'gw-east-4-20261122T1500.tar.gz'), at('after.tar.gz'));
  expect(run('conntrack-report analyse --jsonl samples/healthy.tar.gz > results.jsonl').status).toBe(0);
});

const blocks = [...README.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}));

const TYPED = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => text.split('\n'))
  .map((line) => line.replace(/ +#.*$/, '').trim())
  .filter((line) => /^(?:npx )?conntrack-report /.test(line));

describe('what is typed', () => {
  test('is what there is to try', () => {
    expect(TYPED.map((line) => line.replace(/^(?:npx )?conntrack-report (\w+).*/, '$1'))).toEqual(
      expect.arrayContaining(['collector', 'compare', 'fleet', 'anonymize', 'verify']),
    );
  });

  test.each(TYPED)('%s', { timeout: 120_000 }, (line) => {
    const { status, stderr } = run(line);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

describe('what is printed', () => {
  const shown = blocks.flatMap(({ text }) => {
    const [, command, printed] = /^\$ (.*)\n([\s\S]*)$/.exec(text) ?? [];
    return command === undefined || printed === undefined ? [] : [{ command, printed }];
  });

  test('is of report and of compare', () => {
    expect(shown.map(({ command }) => command.split(' ')[2])).toEqual(['report', 'compare']);
  });

  test.each(shown)('$command', { timeout: 120_000 }, ({ command, printed }) => {
    const { stdout } = run(command);
    expect(stdout).toBe(printed);
  });
});
