/** `conntrack-report analyse` as a user runs it: dist/cli.cjs in a process of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { analysisSchema } from '../../src/analysis/schema.ts';
import { packageRoot } from '../../src/package.ts';
import { CLI } from '../cli/program.ts';

const SAMPLES = path.join(packageRoot, 'samples');
const samples = readdirSync(SAMPLES)
  .filter((name) => name.endsWith('.tar.gz'))
  .map((name) => path.join(SAMPLES, name));

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-analyse-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function run(args: string[], input: string | Buffer = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'analyse', ...args], {
    encoding: 'utf8',
    timeout: 50_000,
    cwd: scratch,
    maxBuffer: 64 << 20,
    input,
  });
  return { status, stderr, lines: stdout.split('\n').slice(0, -1), ending: stdout.slice(-1) };
}

test('paths from standard input: a line each, in their order, as report writes it', () => {
  const { status, stderr, lines, ending } = run(['--jsonl'], `${samples.join('\n')}\n`);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(ending).toBe('\n');
  expect(lines.map((line) => analysisSchema.parse(JSON.parse(line)).bundle.name)).toEqual(
    samples.map((sample) => path.basename(sample)),
  );
  spawnSync(process.execPath, [CLI, 'report', samples[0] ?? '', '--format', 'json', '--out', scratch]);
  const file = path.join(scratch, path.basename(samples[0] ?? '').replace('.tar.gz', '.json'));
  const { made, ...analysis } = JSON.parse(readFileSync(file, 'utf8'));
  expect(made.command).toContain('conntrack-report report ');
  expect(JSON.parse(lines[0] ?? '')).toEqual(analysis);
});

test('paths as arguments, a folder of them, JSON written earlier, and a bundle on standard input', () => {
  const [first = ''] = samples;
  mkdirSync(path.join(scratch, 'folder'));
  copyFileSync(first, path.join(scratch, 'folder', 'a.tar.gz'));
  copyFileSync(first, path.join(scratch, 'folder', 'b.tar.gz'));
  const names = (lines: string[]) => lines.map((line) => JSON.parse(line).bundle.name);
  expect(names(run(['--jsonl', 'folder', first]).lines)).toEqual(['a.tar.gz', 'b.tar.gz', path.basename(first)]);
  expect(names(run(['--jsonl', '-'], readFileSync(first)).lines)).toEqual(['standard input']);
  const [line = ''] = run(['--jsonl', first]).lines;
  writeFileSync(path.join(scratch, 'earlier.json'), line);
  expect(JSON.parse(run(['--jsonl', 'earlier.json']).lines[0] ?? '')).toEqual(JSON.parse(line));
});

test('what cannot be read is a line that says why, costs only itself, and ends in exit code 3', () => {
  const [first = ''] = samples;
  writeFileSync(path.join(scratch, 'letter.txt'), 'Dear support, it is broken again.\n'.repeat(40));
  const { status, stderr, lines } = run(['--jsonl'], `nowhere.tar.gz\r\n\r\nletter.txt\n-\n${first}`);
  expect(status).toBe(3);
  const parsed = lines.map((line) => JSON.parse(line));
  expect(parsed.map(({ input }) => input)).toEqual(['nowhere.tar.gz', 'letter.txt', './-', undefined]);
  for (const { error } of parsed.slice(0, 3)) {
    expect(error).toMatch(/Expected a bundle/);
    expect(stderr).toContain(`conntrack-report: ${error}\n`);
  }
  expect(parsed[3].bundle.name).toBe(path.basename(first));
});

test('a line is there before the next path is: nothing is held back', async () => {
  const child = spawn(process.execPath, [CLI, 'analyse', '--jsonl'], { cwd: scratch });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  for (const sample of samples.slice(0, 2)) {
    child.stdin.write(`${sample}\n`);
    const { value } = await answers.next();
    expect(JSON.parse(value).bundle.name).toBe(path.basename(sample));
  }
  child.stdin.end();
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('whoever reads the lines may stop', () => {
  const list = Array.from({ length: 30 }, () => samples[0]).join('\n');
  const { stderr } = spawnSync(
    'sh',
    ['-c', '{ "$0" "$@"; echo $? >&2; } | head -c 1', process.execPath, CLI, 'analyse', '--jsonl'],
    {
      encoding: 'utf8',
      input: list,
    },
  );
  expect(stderr).toBe('1\n');
});

test('without --jsonl, or with an option that there is none of: exit code 2', () => {
  expect(run(samples).status).toBe(2);
  expect(run(['--jsonl', '--fromat']).status).toBe(2);
  expect(run(['--jsonl', '--headroom', 'two']).status).toBe(2);
});
