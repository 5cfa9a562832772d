/** `conntrack-report fleet` as a user runs it: dist/cli.cjs in a process of its own. */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package.ts';
import { writeBundle } from '../bench/generate.mjs';
import { CLI } from '../cli/program.ts';

const SAMPLES = path.join(packageRoot, 'samples');
const TEXT = ['--format', 'html,csv,json'];

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-fleet-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(scratch, 'in-'));
});

const at = (...names: string[]) => path.join(folder, ...names);

function take(sample: string, ...to: string[]): void {
  mkdirSync(path.dirname(at(...to)), { recursive: true });
  copyFileSync(path.join(SAMPLES, sample), at(...to));
}

/** Four hosts, one in a folder of its own. */
function takeFour(): void {
  take('full-with-drops.tar.gz', 'bundles', 'west.tar.gz');
  take('healthy.tar.gz', 'bundles', 'north.tar.gz');
  take('nearly-full.tar.gz', 'bundles', 'south', '2026', 'south.tgz');
  take('linux-2.4.tar.gz', 'bundles', 'south', 'old.tar.gz');
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'fleet', ...args], {
    encoding: 'utf8',
    timeout: 50_000,
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout, stderr, analysed: /Analysed (\d+) of (\d+) inputs/.exec(stdout)?.slice(1).map(Number) };
}

const json = (out = 'out') => JSON.parse(readFileSync(at(out, 'fleet.json'), 'utf8'));

test('an index as HTML and PDF, a page for each host, CSV and JSON', () => {
  takeFour();
  const { status, stdout, stderr } = run('bundles', '--out', 'out');
  expect(stderr).toMatch(process.getuid?.() === 0 ? /^conntrack-report: the PDF is printed .*\n$/ : /^$/);
  expect(status).toBe(0);
  expect(
    readdirSync(at('out'))
      .filter((name) => !name.startsWith('.'))
      .sort(),
  ).toEqual(['fleet.csv', 'fleet.json', 'hosts', 'index.html', 'index.pdf']);
  expect(readFileSync(at('out', 'index.pdf')).subarray(0, 5).toString()).toBe('%PDF-');
  const html = readFileSync(at('out', 'index.html'), 'utf8');
  const links = [...html.matchAll(/<a href="([^"]*)"/g)].map(([, href = '']) => href);
  expect(links.map((link) => path.basename(link)).sort()).toEqual(readdirSync(at('out', 'hosts')).sort());
  expect(links).toHaveLength(4);
  expect(readFileSync(at('out', 'hosts', 'gw-west-3.example.net.html'), 'utf8')).toContain('the limit is reached');
  expect(stdout).toContain('4 hosts · 4 snapshots');
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
});

test('the JSON is what the schema says', () => {
  takeFour();
  run('bundles', '--out', 'out', ...TEXT);
  const { stdout } = spawnSync(process.execPath, [CLI, 'schema', 'fleet'], { encoding: 'utf8' });
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(stdout));
  validate(json());
  expect(validate.errors).toBeNull();
});

test('whatever the number of workers and the order of inputs, the same bytes', () => {
  takeFour();
  run('bundles/west.tar.gz', 'bundles/south', 'bundles/north.tar.gz', '--out', 'a', '--workers', '1');
  run('bundles/south', 'bundles/north.tar.gz', 'bundles/west.tar.gz', '--out', 'b', '--workers', '3');
  const files = [
    'index.html',
    'index.pdf',
    'fleet.csv',
    'fleet.json',
    ...readdirSync(at('a', 'hosts')).map((name) => path.join('hosts', name)),
  ];
  for (const file of files) expect(readFileSync(at('b', file)).equals(readFileSync(at('a', file))), file).toBe(true);
});

describe('a second run', () => {
  test('reads only what is new, and gives what a first run would', () => {
    takeFour();
    rmSync(at('bundles', 'west.tar.gz'));
    expect(run('bundles', '--out', 'out', ...TEXT).analysed).toEqual([3, 3]);
    const page = at('out', 'hosts', 'gw-north-1.example.net.html');
    const before = statSync(page).mtimeMs;
    take('full-with-drops.tar.gz', 'bundles', 'west.tar.gz');
    expect(run('bundles', '--out', 'out', ...TEXT).analysed).toEqual([1, 4]);
    expect(statSync(page).mtimeMs).toBe(before);
    expect(run('bundles', '--out', 'fresh', ...TEXT).analysed).toEqual([4, 4]);
    for (const name of ['index.html', 'fleet.csv', 'fleet.json'])
      expect(readFileSync(at('out', name), 'utf8'), name).toBe(readFileSync(at('fresh', name), 'utf8'));
    expect(readdirSync(at('out', 'hosts'))).toEqual(readdirSync(at('fresh', 'hosts')));
  });

  test('does not read again what cannot be read, and says so again, by the name that it has now', () => {
    take('healthy.tar.gz', 'bundles', 'a.tar.gz');
    writeFileSync(at('bundles', 'letter.tgz'), 'Dear support, it is broken again.\n'.repeat(40));
    writeFileSync(at('bundles', 'note.json'), '{"a":1}');
    const first = run('bundles', '--out', 'out', ...TEXT);
    expect(first.analysed).toEqual([3, 3]);
    const unread = json().unread;
    expect(unread).toHaveLength(2);
    const second = run('bundles', '--out', 'out', ...TEXT);
    expect(second).toMatchObject({ analysed: [0, 3], status: 3, stderr: first.stderr });
    expect(json().unread).toEqual(unread);
    renameSync(at('bundles', 'letter.tgz'), at('bundles', 'moved.tgz'));
    const third = run('bundles', '--out', 'out', ...TEXT);
    expect(third).toMatchObject({ analysed: [0, 3], status: 3 });
    expect(third.stderr).toMatch(/: bundles\/moved\.tgz is not an archive that can be read/);
    expect(third.stderr).not.toContain('letter');
    expect(run('bundles', '--out', 'out', '--limit', 'file=1MiB', ...TEXT).analysed).toEqual([3, 3]);
  });

  test('with other options reads all anew, and with other paper makes the pages anew', () => {
    take('healthy.tar.gz', 'bundles', 'a.tar.gz');
    const page = at('out', 'hosts', 'gw-north-1.example.net.html');
    expect(run('bundles', '--out', 'out', ...TEXT).analysed).toEqual([1, 1]);
    expect(readFileSync(page, 'utf8')).toContain('@page{size:A4}');
    expect(run('bundles', '--out', 'out', ...TEXT, '--paper', 'letter').analysed).toEqual([0, 1]);
    expect(readFileSync(page, 'utf8')).toContain('@page{size:letter}');
    expect(run('bundles', '--out', 'out', ...TEXT, '--headroom', '3').analysed).toEqual([1, 1]);
  });

  test('forgets the page of a host that is gone, and leaves what is not its own', () => {
    take('healthy.tar.gz', 'bundles', 'a.tar.gz');
    take('full-with-drops.tar.gz', 'bundles', 'b.tar.gz');
    run('bundles', '--out', 'out', ...TEXT);
    writeFileSync(at('out', 'hosts', 'mine.html'), 'mine');
    rmSync(at('bundles', 'b.tar.gz'));
    run('bundles', '--out', 'out', ...TEXT);
    expect(readdirSync(at('out', 'hosts')).sort()).toEqual(['gw-north-1.example.net.html', 'mine.html']);
  });

  test('makes a page anew that somebody removed', () => {
    take('healthy.tar.gz', 'bundles', 'a.tar.gz');
    run('bundles', '--out', 'out', ...TEXT);
    rmSync(at('out', 'hosts'), { recursive: true });
    expect(run('bundles', '--out', 'out', ...TEXT).analysed).toEqual([0, 1]);
    expect(readdirSync(at('out', 'hosts'))).toEqual(['gw-north-1.example.net.html']);
  });

  test('into the folder of the bundles itself finds no bundles in its own files', () => {
    take('healthy.tar.gz', 'a.tar.gz');
    for (let n = 0; n < 2; n++) {
      const { status, stderr } = run('.', ...TEXT);
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(json('.').hosts).toHaveLength(1);
    }
  });
});

test('what cannot be read is a row with the reason, costs only itself, and ends in exit code 3', () => {
  take('healthy.tar.gz', 'bundles', 'a.tar.gz');
  writeFileSync(at('bundles', 'empty.tar.gz'), '');
  writeFileSync(at('bundles', 'letter.tgz'), 'Dear support, it is broken again.\n'.repeat(40));
  writeFileSync(at('bundles', 'note.json'), '{"a":1}');
  const whole = readFileSync(path.join(SAMPLES, 'full-with-drops.tar.gz'));
  writeFileSync(at('bundles', 'cut.tar.gz'), whole.subarray(0, whole.length - 2000));
  const { status, stderr } = run('bundles', 'nowhere', '--out', 'out', ...TEXT);
  expect(status).toBe(3);
  const { hosts, unread } = json();
  expect(hosts.map(({ input }: { input: string }) => input).sort()).toEqual(['bundles/a.tar.gz', 'bundles/cut.tar.gz']);
  expect(unread.map(({ input }: { input: string }) => input).sort()).toEqual(
    ['bundles/empty.tar.gz', 'bundles/letter.tgz', 'bundles/note.json', 'nowhere'].sort(),
  );
  const html = readFileSync(at('out', 'index.html'), 'utf8');
  for (const { input, reason } of unread) {
    expect(stderr).toContain(`conntrack-report: ${reason}\n`);
    expect(html).toContain(`<code>${input}</code>`);
  }
});

test('no browser: the PDF fails, the rest is there: exit code 1', () => {
  take('healthy.tar.gz', 'bundles', 'a.tar.gz');
  const { status, stderr } = run('bundles', '--out', 'out', '--browser', '/nonexistent/browser');
  expect(status).toBe(1);
  expect(stderr).toMatch(/index\.pdf was not written: /);
  expect(existsSync(at('out', 'index.html'))).toBe(true);
});

describe('labels', () => {
  test('are columns of the CSV, and the first groups the hosts, or the one that was asked for', () => {
    takeFour();
    writeFileSync(
      at('hosts.csv'),
      'hostname,site,role\ngw-west-3.example.net,Lyon,edge\ngw-north-1.example.net,Oslo,core\n',
    );
    run('bundles', '--out', 'out', '--labels', 'hosts.csv', ...TEXT);
    const rows: Record<string, string>[] = parse(readFileSync(at('out', 'fleet.csv')), { columns: true });
    expect(rows.find(({ hostname }) => hostname === 'gw-north-1.example.net')).toMatchObject({
      label_site: 'Oslo',
      label_role: 'core',
    });
    const titles = () =>
      [...readFileSync(at('out', 'index.html'), 'utf8').matchAll(/<summary><h3>([^<]*)/g)].map(([, title]) => title);
    expect(titles()).toEqual(['Lyon', 'Oslo', 'no site']);
    run('bundles', '--out', 'out', '--labels', 'hosts.csv', '--group-by', 'role', ...TEXT);
    expect(titles()).toEqual(['edge', 'core', 'no role']);
  });

  test('that are wrong: exit code 2 with file and line, and nothing is done', () => {
    take('healthy.tar.gz', 'bundles', 'a.tar.gz');
    writeFileSync(at('hosts.csv'), 'hostname,site\ngw-1\n');
    const { status, stderr } = run('bundles', '--out', 'out', '--labels', 'hosts.csv');
    expect(stderr).toBe('conntrack-report: hosts.csv, line 2: expected 2 fields, as in the header, found 1\n');
    expect(status).toBe(2);
    expect(existsSync(at('out'))).toBe(false);
  });
});

describe('lines of analyse --jsonl', () => {
  test('make the same index; one that failed is a row', () => {
    takeFour();
    const { stdout } = spawnSync(
      process.execPath,
      [CLI, 'analyse', '--jsonl', 'bundles/nowhere.tar.gz', 'bundles', 'bundles/south', 'bundles/south/2026'],
      {
        encoding: 'utf8',
        cwd: folder,
        maxBuffer: 64 << 20,
      },
    );
    writeFileSync(at('results.jsonl'), `${stdout}not JSON\n`);
    const { status, analysed } = run('--from', 'results.jsonl', '--out', 'lines', ...TEXT);
    expect(status).toBe(3);
    expect(analysed).toEqual([5, 5]);
    expect(json('lines').unread.map(({ input }: { input: string }) => input)).toEqual([
      'bundles/nowhere.tar.gz',
      'results.jsonl, line 6',
    ]);
    run('bundles', '--out', 'out', ...TEXT);
    const without = (out: string) =>
      json(out).hosts.map(({ input: _, page: __, ...host }: Record<string, unknown>) => host);
    expect(without('lines')).toEqual(without('out'));
    expect(run('--from', 'results.jsonl', '--out', 'lines', ...TEXT).analysed?.[0]).toBe(0);
  });

  test('of a file that is not there', () => {
    const { status, stderr } = run('--from', 'nowhere.jsonl', '--out', 'out', ...TEXT);
    expect(status).toBe(3);
    expect(stderr).toMatch(/nowhere\.jsonl cannot be read/);
  });
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it, and leaves whole files only', async (signal) => {
  for (let n = 0; n < 12; n++)
    await writeBundle(at('bundles', `${n}.tar.gz`), 20_000, { seed: n, hostname: `gw-${n}` });
  const child = spawn(process.execPath, [CLI, 'fleet', 'bundles', '--out', 'out', ...TEXT], {
    cwd: folder,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
  const cache = at('out', '.conntrack-report');
  const done = () =>
    (existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }) : []).filter((name) =>
      name.endsWith('.snapshot.json'),
    );
  while (done().length === 0 && child.exitCode === null) await sleep(5);
  child.kill(signal);
  expect(await ended).toBe(signal);
  const left = readdirSync(at('out'), { recursive: true, encoding: 'utf8' });
  expect(left.filter((name) => /part/.test(name))).toEqual([]);
  expect(left).not.toContain('index.html');
  // What was done is not done again.
  const known = done().length;
  expect(run('bundles', '--out', 'out', ...TEXT).analysed).toEqual([12 - known, 12]);
});

describe('the command line', () => {
  test.each([
    [[]],
    [['bundles', '--workers', '0']],
    [['bundles', '--workers', 'many']],
    [['bundles', '--format', 'md']],
    [['bundles', '--group-by', 'site']],
    [['--fromat', 'x']],
  ])('%j is refused with exit code 2', (args) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^conntrack-report: /);
    expect(readdirSync(folder)).toEqual([]);
  });
});
