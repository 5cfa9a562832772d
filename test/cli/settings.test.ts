/** Options that are set in a file or in the environment. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openFolder, SAMPLES } from './program.ts';

const { folder, shell, remove } = openFolder('settings');
afterAll(remove);
const at = (...names: string[]) => path.join(folder, ...names);
beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(at(name), { recursive: true });
  copyFileSync(path.join(SAMPLES, 'linux-2.4.tar.gz'), at('gw.tar.gz'));
});
const config = (text: string, name = '.conntrack-report.json') => writeFileSync(at(name), text);
const headroom = (name: string) => JSON.parse(readFileSync(at(name), 'utf8')).recommendation.headroom;

describe('the order of rank', () => {
  test('the file of a folder above, then the environment, then the command line', () => {
    config('{"format": ["json"], "headroom": 3, "report": {"headroom": 4}}');
    mkdirSync(at('a', 'b'), { recursive: true });
    const report = (line: string) => {
      const { status, stderr } = shell(line, { cwd: at('a', 'b') });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      return headroom('a/b/gw.json');
    };
    const line = 'conntrack-report report ../../gw.tar.gz';
    expect(report(line)).toBe(4);
    expect(report(`CONNTRACK_REPORT_HEADROOM=5 ${line}`)).toBe(5);
    expect(report(`CONNTRACK_REPORT_HEADROOM=5 ${line} --headroom 6`)).toBe(6);
    expect(report(`${line} --no-config --format json`)).toBe(2);
    writeFileSync(at('a', '.conntrack-report.json'), '{"format": "json"}');
    expect(report(line)).toBe(2);
  });

  test('paths of a file are relative to it, and comments are allowed', () => {
    mkdirSync(at('etc'));
    config(
      '{\n  // Where they are looked for.\n  "report": { "out": "../reports", "format": "json" },\n}',
      'etc/support.json',
    );
    expect(shell('conntrack-report report gw.tar.gz --config etc/support.json').stdout).toContain(
      '  reports/gw.json\n',
    );
    expect(shell('CONNTRACK_REPORT_CONFIG=etc/support.json conntrack-report report gw.tar.gz').status).toBe(0);
    expect(readdirSync(at('reports'))).toEqual(['gw.json']);
  });

  test('what a command demands is set in its own section only', () => {
    config('{"out": "reports"}');
    expect(shell('conntrack-report convert gw.tar.gz').stderr).toContain('--out is missing');
    config('{"convert": {"out": "new.tar.gz"}}');
    expect(shell('conntrack-report convert gw.tar.gz').status).toBe(0);
    expect(readdirSync(folder)).toContain('new.tar.gz');
  });
});

describe('what is wrong is named with its place', () => {
  test.each([
    ['{"format": "html",\n "fromat": 1}', ':2: there is no option fromat; did you mean format?'],
    ['{"format": "html",\n "report": {\n"papr": 1}}', ':3: report has no option papr; did you mean paper?'],
    ['{"rport": {}}', ':1: there is no option rport; did you mean report?'],
    ['{\n"format": "docx"}', ':2: --format docx: expected one or more of html, '],
    ['{\n\n"paper": "a0"}', ':3: paper is "a0": expected one of a4, letter'],
    ['{"headroom":\n99}', ':1: --headroom 99: expected a number from 1.05 to 20'],
    ['{"headroom": true}', ':1: headroom is true: expected text or a number'],
    ['{"headroom": null}', ':1: headroom has no value'],
    ['{"report": 1}', ':1: report is a command: expected {"OPTION": VALUE, …}'],
    ['{"format": "html",\n"format": "pdf"}', ':2: format is set twice'],
    ['{"format": "html"\n "out": "x"}', ':2: no JSON: comma expected'],
    ['{"help": true}', ':1: there is no option help'],
    ['[]', ':1: expected {"OPTION": VALUE, …}'],
    ['', ':1: no JSON: value expected'],
  ])('%j', (text, message) => {
    config(text);
    const { status, stdout, stderr } = shell('conntrack-report report gw.tar.gz');
    expect(stderr).toContain(`conntrack-report: .conntrack-report.json${message}`);
    expect(stderr).toContain('\nconntrack-report report --help lists its options.\n');
    expect(stdout).toBe('');
    expect(status).toBe(2);
    expect(shell('conntrack-report report --help').status).toBe(0);
  });

  test.each([
    ['CONNTRACK_REPORT_HEADROOM=99', 'CONNTRACK_REPORT_HEADROOM: --headroom 99: expected a number from 1.05 to 20'],
    [
      'CONNTRACK_REPORT_PAPR=a4',
      'CONNTRACK_REPORT_PAPR: there is no option --papr; did you mean CONNTRACK_REPORT_PAPER?',
    ],
    ['CONNTRACK_REPORT_PAPER=a0', 'CONNTRACK_REPORT_PAPER: paper is "a0": expected one of a4, letter'],
    ['CONNTRACK_REPORT_CONFIG=nowhere', 'nowhere cannot be read: ENOENT'],
  ])('%s', (variable, message) => {
    const { status, stderr } = shell(`${variable} conntrack-report report gw.tar.gz`);
    expect(stderr).toContain(`conntrack-report: ${message}`);
    expect(status).toBe(2);
  });
});

describe('a file that nobody named', () => {
  test.each([
    ['{"browser": "./evil"}', 'browser'],
    ['{"report": {"limit": "total=1TiB"}}', 'limit'],
    ['{"anonymize": {"key-file": "known.key"}}', 'key-file'],
  ])('%s is not taken from it', (text, name) => {
    const command = name === 'key-file' ? 'anonymize gw.tar.gz --out new.tar.gz' : 'report gw.tar.gz --format json';
    config(text);
    const { status, stderr } = shell(`conntrack-report ${command}`);
    expect(stderr).toContain(`.conntrack-report.json:1: ${name} is taken only from a file that --config names`);
    expect(status).toBe(2);
    expect(shell(`conntrack-report ${command} --config .conntrack-report.json`).status).toBe(0);
  });

  const notRoot = process.getuid?.() === 0 ? undefined : ' (skipped: needs root)';
  test.skipIf(notRoot)(`is somebody else’s${notRoot ?? ''}`, () => {
    config('{"format": "json"}');
    chownSync(at('.conntrack-report.json'), 65_534, 65_534);
    chmodSync(at('.conntrack-report.json'), 0o644);
    const { status, stderr } = shell('conntrack-report report gw.tar.gz');
    expect(stderr).toContain('.conntrack-report.json is somebody else’s: name it with --config');
    expect(status).toBe(2);
    expect(shell('conntrack-report report gw.tar.gz --config .conntrack-report.json').status).toBe(0);
    expect(shell('conntrack-report report gw.tar.gz --no-config --format md').status).toBe(0);
  });
});

test('the schema of the file knows every option', () => {
  const schema = JSON.parse(shell('conntrack-report schema config').stdout);
  const validate = new Ajv2020({ strict: false }).compile(schema);
  expect(validate({ format: ['html'], headroom: 3, report: { 'fail-on': 'critical' }, fleet: { workers: 2 } })).toBe(
    true,
  );
  expect(validate({ fromat: 'html' })).toBe(false);
  expect(validate({ report: { labels: 'x' } })).toBe(false);
  expect(validate({ paper: 'a0' })).toBe(false);
});
