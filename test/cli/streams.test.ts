/** Standard input and output, and what is said beside the result. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openFolder, SAMPLES } from './program.ts';

const { folder, env, shell, remove } = openFolder('streams');
afterAll(remove);
const at = (...names: string[]) => path.join(folder, ...names);
/** Where copies of standard input are kept. */
const temporary = `${folder}-temporary`;
Object.assign(env, { TMPDIR: temporary });
mkdirSync(temporary);
beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(at(name), { recursive: true });
  copyFileSync(path.join(SAMPLES, 'linux-2.4.tar.gz'), at('gw.tar.gz'));
});
const BUNDLE = readFileSync(path.join(SAMPLES, 'linux-2.4.tar.gz'));

describe('a report on standard output', () => {
  test.each(['html', 'json', 'md', 'text', 'csv', 'openmetrics'])('%s is that of a file', (format) => {
    const { status, stdout, stderr } = shell(`conntrack-report report gw.tar.gz --format ${format} --out -`);
    expect(status).toBe(0);
    expect(stderr).toContain('time not captured');
    expect(stderr).not.toContain('Written');
    shell(`conntrack-report report gw.tar.gz --format ${format}`);
    const [file = ''] = readdirSync(folder).filter((name) => name !== 'gw.tar.gz');
    expect(stdout).toBe(readFileSync(at(file), 'utf8'));
    expect(readdirSync(folder)).toHaveLength(2);
  });

  test('a bundle from standard input, and nothing beside the result', () => {
    const { status, stdout, stderr } = shell('conntrack-report report - --format json --out - --quiet', {
      input: BUNDLE,
    });
    expect(JSON.parse(stdout).bundle.name).toBe('standard input');
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test('a comparison', () => {
    const { stdout } = shell('conntrack-report compare - --format md --out -', { input: BUNDLE });
    expect(stdout).toMatch(/^# Connection tracking, before and after/);
  });

  test.each([
    ['report gw.tar.gz --out -', 2, '--out - prints one format, and there are html and pdf: name one with --format'],
    [
      'report gw.tar.gz gw.tar.gz --format json --out -',
      2,
      '--out - prints one report, and there are 2 inputs: name a folder',
    ],
    ['compare gw.tar.gz --format html,json --out=-', 2, '--out - prints one format, and there are html and json'],
    ['fleet . --out -', 2, '--out -: a fleet is several files; name a folder'],
    ['fleet - --out new', 2, 'fleet reads folders of bundles: standard input is one bundle, for report -'],
    ['report - -', 2, 'standard input (-) can be read once only'],
    ['verify - --leaks -', 2, 'standard input (-) can be read once only'],
    ['fleet --from - --labels=- --out new', 2, 'standard input (-) can be read once only'],
    ['anonymize gw.tar.gz --key-file - --out -', 2, '--key-file -: expected a file, since the key has to be kept'],
    ['report ""', 2, 'a name is empty: expected one of a file or a folder'],
  ])('%s makes no sense', (line, code, message) => {
    const { status, stdout, stderr } = shell(`conntrack-report ${line}`, { input: BUNDLE });
    expect(stderr).toContain(`conntrack-report: ${message}`);
    expect(stdout).toBe('');
    expect(status).toBe(code);
    expect(readdirSync(folder)).toEqual(['gw.tar.gz']);
  });

  test('several hosts are several reports', () => {
    copyFileSync(path.join(SAMPLES, 'healthy.tar.gz'), at('other.tar.gz'));
    const { status, stderr } = shell('conntrack-report compare . --format json --out -');
    expect(stderr).toContain('the inputs are of 2 hosts, and --out - prints one report: name a folder');
    expect(status).toBe(1);
  });
});

describe('archives in pipes', () => {
  test('converted, anonymised and verified, with nothing on the disk but the key', () => {
    copyFileSync(path.join(SAMPLES, 'nearly-full.tar.gz'), at('gw.tar.gz'));
    const { status, stdout } = shell(
      'conntrack-report convert - --out - < gw.tar.gz | conntrack-report anonymize - --key-file key --out - --quiet |' +
        ' conntrack-report verify - --leaks gw.tar.gz',
    );
    expect(stdout).toMatch(/^standard input\n/);
    expect(stdout).toContain('nothing of the original was found in it.');
    expect(status).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['gw.tar.gz', 'key']);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('the same bytes as in a file', () => {
    shell(
      'conntrack-report convert gw.tar.gz --out new.tar.gz; conntrack-report convert - --out - < gw.tar.gz > piped.tar.gz',
    );
    expect(gunzipSync(readFileSync(at('piped.tar.gz')))).toEqual(gunzipSync(readFileSync(at('new.tar.gz'))));
  });

  test('what is no archive is called standard input', () => {
    for (const line of [
      'convert - --out x',
      'verify -',
      'anonymize - --key-file key --out x',
      'inspect -',
      'compare -',
    ]) {
      const { status, stderr } = shell(`conntrack-report ${line}`, { input: 'hello' });
      expect(stderr, line).toMatch(/^conntrack-report: standard input is not an archive that can be read/);
      expect(status, line).toBe(3);
    }
    expect(readdirSync(folder)).toEqual(['gw.tar.gz']);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('analyses and labels of a fleet', () => {
    const line = 'conntrack-report fleet --from - --out new --format csv --quiet';
    expect(shell(`conntrack-report analyse --jsonl gw.tar.gz | ${line}`)).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect(readFileSync(at('new', 'fleet.csv'), 'utf8').trim().split('\n')).toHaveLength(2);
    const labels = shell('conntrack-report fleet . --labels - --out new --format csv', {
      input: 'hostname,site\ngw,Lyon\n',
    });
    expect(labels.status).toBe(0);
    expect(readFileSync(at('new', 'fleet.csv'), 'utf8')).toContain('site');
  });
});

describe('what is said', () => {
  test('--quiet: errors only', () => {
    const line = 'conntrack-report report nowhere gw.tar.gz --format json --quiet';
    const { status, stdout, stderr } = shell(line);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^conntrack-report: nowhere does not exist\. [^\n]+\n$/);
    expect(status).toBe(3);
    expect(readdirSync(folder)).toContain('gw.json');
    expect(shell(`${line} --verbose`).stderr).toContain('--quiet and --verbose contradict each other');
  });

  test('--verbose: what is read, from where, how long it took, and what is set elsewhere', () => {
    writeFileSync(at('.conntrack-report.json'), '{\n"format": "json"}');
    const { stderr } = shell('conntrack-report report gw.tar.gz --verbose');
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => line.replace(/\d+\.\d\d s$/, 'N s'));
    expect(lines).toEqual(
      [
        '--format is set by .conntrack-report.json:2',
        'gw.tar.gz is read as tree, 357 bytes',
        'reading gw.tar.gz: N s',
        'gw.json: N s',
        'took N s',
      ].map((line) => `conntrack-report: ${line}`),
    );
  });

  test('of two that exclude each other the one of higher rank counts', () => {
    writeFileSync(at('.conntrack-report.json'), '{"verbose": true, "format": "json"}');
    expect(shell('conntrack-report report gw.tar.gz --quiet')).toEqual({ status: 0, stdout: '', stderr: '' });
    const { stderr } = shell('CONNTRACK_REPORT_QUIET=1 conntrack-report report gw.tar.gz');
    expect(stderr).toBe('');
  });

  test.each([
    'report nowhere gw.tar.gz',
    'compare nowhere gw.tar.gz',
    'fleet nowhere gw.tar.gz --out .',
    'analyse --jsonl nowhere gw.tar.gz',
  ])('--json: every line of standard error is an event: %s', (line) => {
    const format = line.startsWith('analyse') ? '' : '--format json';
    const { status, stderr } = shell(`conntrack-report ${line} ${format} --json --verbose`);
    const events = stderr
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each));
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['progress', 'note', 'error', 'end']));
    expect(events.find(({ event }) => event === 'error').message).toMatch(/^nowhere /);
    const shares = events.flatMap(({ share }) => (share === undefined ? [] : [share]));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    if (format !== '') expect(events.filter(({ event }) => event === 'written')).toHaveLength(1);
    expect(status).toBe(3);
  });

  test('there is no colour in a pipe', () => {
    const { stdout } = shell(
      'NO_COLOR= conntrack-report report gw.tar.gz --format json; conntrack-report report --help',
    );
    expect(stdout).not.toContain('\x1b');
  });
});
