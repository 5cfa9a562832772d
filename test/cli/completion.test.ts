/** Completion and the manual page, in the programs that show them. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package.ts';
import { openFolder } from './program.ts';

const { folder, env, shell, remove } = openFolder('completion');
afterAll(remove);
writeFileSync(path.join(folder, 'gateway-of-lyon.tar.gz'), '');

const missing = (program: string) =>
  spawnSync(program, ['--version']).error ? ` (skipped: ${program} is not installed)` : undefined;
const noTerminal = missing('script');

describe('what a word may become', () => {
  const answers = (...words: string[]) =>
    shell(`conntrack-report --get-yargs-completions conntrack-report ${words.map((word) => `'${word}'`).join(' ')}`)
      .stdout.split('\n')
      .filter(Boolean);

  test.each([
    [['rep'], ['report']],
    [['--'], ['--help', '--version']],
    [['report', '--pa'], ['--paper']],
    [
      ['report', '--paper', ''],
      ['a4', 'letter'],
    ],
    [['report', '--paper', '=', 'l'], ['letter']],
    [['report', '--paper=l'], ['--paper=letter']],
    [['report', '--format', 'html,o'], ['html,openmetrics']],
    [['compare', '--format', 'o'], []],
    [['report', '--paper', 'a4', '--pa'], []],
    [['fleet', '--from', 'x', '--fr'], ['--from']],
    [['report', ''], []],
    [['report', '--out', ''], []],
    [['schema', 'co'], ['config']],
    [['explain', 'nat'], ['nat-ports']],
  ])('%j', (words, expected) => expect(answers(...words)).toEqual(expected));
});

describe.each([
  ['bash', ['--norc', '--noprofile', '-i'], 'bind "set bell-style none"'],
  ['zsh', ['-f', '-i'], 'unsetopt beep; autoload -U compinit; compinit -D -u'],
])('in %s', (name, options, setup) => {
  const why = missing(name) ?? noTerminal;

  test.skipIf(why)(`the key completes commands, options, values and files${why ?? ''}`, async () => {
    const terminal = spawn('script', ['-qec', `${name} ${options.join(' ')}`, '/dev/null'], { cwd: folder, env });
    let shown = '';
    terminal.stdout.on('data', (text) => {
      shown += text;
    });
    /** Types, and waits for what is to be seen then. */
    const type = async (text: string, seen: RegExp) => {
      shown = '';
      terminal.stdin.write(text);
      for (let tries = 0; !seen.test(shown) && tries < 300; tries++) await setTimeout(50);
      expect(shown).toMatch(seen);
    };
    try {
      await type(`PS1='ready> '; ${setup}; eval "$(conntrack-report completion ${name})"; echo set"up"\n`, /setup\r/);
      // What completes each word writes the rest of it.
      await type('conntrack-report com', /com/);
      await type('pa\t', /pa.*re/s);
      await type('--form\t', /at/);
      await type('js\t', /on/);
      await type('gateway\t', /-of-lyon\.tar\.gz/);
    } finally {
      terminal.kill('SIGKILL');
    }
  });
});

describe('the manual page', () => {
  const page = path.join(packageRoot, 'dist', 'man', 'conntrack-report.1');

  test('has each command and option that the help has', () => {
    const text = readFileSync(page, 'utf8').replaceAll('\\-', '-').replaceAll('\\:', '');
    const commands = [...shell('conntrack-report --help').stdout.matchAll(/^ {2}conntrack-report (\w+)/gm)];
    expect(commands.length).toBeGreaterThanOrEqual(14);
    for (const [, command = ''] of commands) {
      expect(text).toMatch(new RegExp(`^\\.SS "${command}\\b`, 'm'));
      for (const [, option = ''] of shell(`conntrack-report ${command} --help`).stdout.matchAll(/^ +(--[\w-]+)/gm))
        expect(text, `${command} ${option}`).toContain(`\\fB${option}\\fR`);
    }
  });

  const noMandoc = spawnSync('mandoc', ['-T', 'lint', page]).error ? ' (skipped: mandoc is not installed)' : undefined;
  test.skipIf(noMandoc)(`is in order for mandoc${noMandoc ?? ''}`, () => {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', page], { encoding: 'utf8' });
    // A date would make it another page each day.
    expect(stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'))).toEqual([]);
  });

  const noMan = missing('man');
  test.skipIf(noMan)(`is in order for man${noMan ?? ''}`, () => {
    const { stdout, stderr } = spawnSync('man', ['-l', '--warnings', page], {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8' },
    });
    expect(stderr).toBe('');
    expect(stdout).toContain('conntrack-report report gw1.tar.gz --format json --fail-on critical');
  });
});
