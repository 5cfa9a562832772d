/** The program as a user runs it: dist/cli.cjs in a process of its own. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot, version } from '../../src/package.ts';
import { writeBundle } from '../bench/generate.mjs';
import { CLI } from '../cli/program.ts';

const SAMPLES = path.join(packageRoot, 'samples');
const samples = readdirSync(SAMPLES).filter((name) => name.endsWith('.tar.gz'));
const OLD = path.join(SAMPLES, 'linux-2.4.tar.gz');

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-cli-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let out: string;
beforeEach(() => {
  out = mkdtempSync(path.join(scratch, 'out-'));
});

function run(args: string[], options: { input?: Buffer; env?: Record<string, string>; cwd?: string } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    timeout: 50_000,
    cwd: options.cwd ?? out,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    ...(options.input && { input: options.input }),
  });
  return { status, stdout, stderr };
}

test('a bundle is anonymised and verified', () => {
  const sample = path.join(SAMPLES, 'full-with-drops.tar.gz');
  expect(run(['anonymize', sample, '--key-file', 'key', '--out', 'new/for-vendor.tar.gz']).status).toBe(0);
  expect(readdirSync(path.join(out, 'new'))).toEqual(['for-vendor.tar.gz']);
  const checked = run(['verify', 'new/for-vendor.tar.gz', '--leaks', sample]);
  expect(checked.stdout).toContain('nothing of the original was found');
  expect(checked.status).toBe(0);
  expect(run(['verify', sample, '--leaks', sample]).status).toBe(5);
  expect(run(['anonymize', sample, '--out', 'x.tar.gz']).status).toBe(2);
});

describe('report', () => {
  test('HTML and PDF in the current folder, and a summary on the terminal', () => {
    const { status, stdout, stderr } = run(['report', OLD]);
    // Of the browser, once, where it has no sandbox.
    const warning =
      'conntrack-report: the PDF is printed by a browser without its sandbox: root is allowed none; any other user is.\n';
    expect(stderr).toBe(process.getuid?.() === 0 ? warning : '');
    expect(status).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['linux-2.4.html', 'linux-2.4.pdf']);
    expect(readFileSync(path.join(out, 'linux-2.4.pdf')).subarray(0, 5).toString()).toBe('%PDF-');
    expect(stdout).toContain('linux-2.4.html');
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test('every format, into another folder', () => {
    const { status } = run(['report', OLD, '--out', 'reports', '--format', 'html,json,md,text,csv,openmetrics']);
    expect(status).toBe(0);
    expect(readdirSync(path.join(out, 'reports')).sort()).toEqual([
      'linux-2.4.csv',
      'linux-2.4.html',
      'linux-2.4.json',
      'linux-2.4.md',
      'linux-2.4.prom',
      'linux-2.4.txt',
    ]);
  });

  test('the same bundle gives the same bytes', () => {
    const formats = 'html,pdf,json,md,text,csv,openmetrics';
    run(['report', OLD, '--out', 'a', '--format', formats]);
    run(['report', OLD, '--out', 'b', '--format', formats], {
      env: { TZ: 'Asia/Tokyo', LC_ALL: 'de_DE' },
    });
    for (const name of readdirSync(path.join(out, 'a'))) {
      expect(readFileSync(path.join(out, 'b', name)).equals(readFileSync(path.join(out, 'a', name))), name).toBe(true);
    }
  });

  test('the columns of the CSV are listed as they are written', () => {
    run(['report', ...samples.map((name) => path.join(SAMPLES, name)), '--format', 'csv']);
    const names = run(['schema', 'csv'])
      .stdout.split('\r\n')
      .slice(1, -1)
      .map((line) => line.split(',')[0]);
    expect(names).toContain('memory_at_max_bytes');
    for (const name of samples) {
      const [header, row, ...rest] = readFileSync(path.join(out, name.replace('.tar.gz', '.csv')), 'utf8').split(
        '\r\n',
      );
      expect(header).toBe(names.join(','));
      expect(row).toContain(name);
      expect(rest).toEqual(['']);
    }
  });

  test('a comparison is no single row, and no set of samples', () => {
    const { status, stderr } = run(['compare', OLD, '--format', 'csv']);
    expect(status).toBe(2);
    expect(stderr).toContain('--format csv: expected one or more of html, pdf, json, md, text');
  });

  test('timeouts to try are worked out', () => {
    const sample = path.join(SAMPLES, 'nearly-full.tar.gz');
    const asked = 'tcp_timeout_time_wait=5,nf_conntrack_udp_timeout=20';
    expect(run(['report', sample, '--format', 'json', '--what-if', asked]).status).toBe(0);
    const { ages } = JSON.parse(readFileSync(path.join(out, 'nearly-full.json'), 'utf8'));
    expect(ages.asked.settings).toEqual([
      { setting: 'tcp_timeout_time_wait', seconds: 5 },
      { setting: 'udp_timeout', seconds: 20 },
    ]);
  });

  test('from standard input', () => {
    const { status } = run(['report', '-', '--format', 'json'], { input: readFileSync(OLD) });
    expect(status).toBe(0);
    expect(readdirSync(out)).toEqual(['conntrack.json']);
  });

  test('two bundles of one name do not overwrite each other', () => {
    for (const folder of ['a', 'b']) {
      mkdirSync(path.join(out, folder));
      copyFileSync(OLD, path.join(out, folder, 'gw.tar.gz'));
    }
    expect(run(['report', 'a/gw.tar.gz', 'b/gw.tar.gz', '--format', 'json']).status).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['a', 'b', 'gw-2.json', 'gw.json']);
  });

  test('bad inputs are named and cost only themselves: exit code 3', () => {
    writeFileSync(path.join(out, 'empty.tar.gz'), '');
    writeFileSync(path.join(out, 'letter.txt'), 'Dear support, it is broken again.\n'.repeat(40));
    writeFileSync(path.join(out, 'cut.tar.gz'), readFileSync(OLD).subarray(0, 60));
    mkdirSync(path.join(out, 'folder'));
    writeFileSync(path.join(out, 'folder', 'holiday.jpg'), 'x');
    const inputs = ['empty.tar.gz', 'letter.txt', 'folder', 'nowhere.tar.gz', 'cut.tar.gz'];
    const { status, stderr } = run(['report', ...inputs, OLD, '--format', 'json', '--out', 'reports']);
    expect(status).toBe(3);
    expect(readdirSync(path.join(out, 'reports'))).toContain('linux-2.4.json');
    const lines = stderr.trim().split('\n');
    for (const input of inputs) {
      const line = lines.find((text) => text.includes(input));
      expect(line, input).toMatch(/^conntrack-report: .*Expected /);
    }
  });

  test('a truncated bundle is still reported, and the report says so', () => {
    const whole = readFileSync(path.join(SAMPLES, 'healthy.tar.gz'));
    writeFileSync(path.join(out, 'cut.tar.gz'), whole.subarray(0, whole.length - 2000));
    const { status } = run(['report', 'cut.tar.gz', '--format', 'json']);
    expect(status).toBe(0);
    const analysis = JSON.parse(readFileSync(path.join(out, 'cut.json'), 'utf8'));
    expect(analysis.problems[0]).toMatchObject({ file: 'cut.tar.gz', what: 'the compressed data end too early' });
    expect(analysis.usage.entries.value).toBeGreaterThan(1000);
  });

  test('no browser: the PDF fails, the HTML is there: exit code 1', () => {
    const { status, stderr } = run(['report', OLD, '--browser', '/nonexistent/browser']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/linux-2\.4\.pdf was not written: .*\/nonexistent\/browser/s);
    expect(readdirSync(out)).toEqual(['linux-2.4.html']);
  });

  test('nobody reads the summary: the reports are written all the same', () => {
    const script = '"$0" "$@"; echo $? >&2';
    const args = [process.execPath, CLI, 'report', OLD, OLD, '--format', 'json'];
    const { stderr } = spawnSync('sh', ['-c', `{ ${script}; } | true`, ...args], { cwd: out, encoding: 'utf8' });
    expect(stderr).toBe('0\n');
    expect(readdirSync(out).sort()).toEqual(['linux-2.4-2.json', 'linux-2.4.json']);
  });

  test('a folder that cannot be written to: exit code 1, with the path', () => {
    writeFileSync(path.join(out, 'taken'), '');
    const { status, stderr } = run(['report', OLD, '--format', 'json', '--out', 'taken']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/linux-2\.4\.json was not written: /);
  });
});

describe('the exit code tells of a verdict', () => {
  const found = (name: string, ...options: string[]) =>
    run(['report', path.join(SAMPLES, name), '--format', 'json', ...options]).status;

  test.each([
    ['full-with-drops.tar.gz', 'critical', 4],
    ['full-with-drops.tar.gz', 'warning', 4],
    ['nearly-full.tar.gz', 'critical', 0],
    ['nearly-full.tar.gz', 'warning', 4],
    ['healthy.tar.gz', 'warning', 0],
  ])('%s, --fail-on %s: %d', (name, level, status) => {
    expect(found(name, '--fail-on', level)).toBe(status);
    expect(found(name)).toBe(0);
  });

  test('an input that cannot be read tells more', () => {
    const { status } = run([
      'report',
      path.join(SAMPLES, 'full-with-drops.tar.gz'),
      'nowhere',
      '--fail-on',
      'warning',
      '--format',
      'json',
    ]);
    expect(status).toBe(3);
  });
});

describe('the recommendation is sized as asked', () => {
  test.each([
    [['--headroom', '100'], '--headroom 100: expected a number from 1.05 to 20'],
    [['--headroom', 'two'], '--headroom two: expected a number from 1.05 to 20'],
    [['--memory-budget', '0'], '--memory-budget 0: expected a number from 0.1 to 50'],
  ])('%j is refused', (options, message) => {
    const { status, stderr } = run(['report', OLD, ...options]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  test('--headroom and --memory-budget', () => {
    const bundle = path.join(SAMPLES, 'nearly-full.tar.gz');
    const sized = (...options: string[]) => {
      run(['report', bundle, '--format', 'json', ...options]);
      return JSON.parse(readFileSync(path.join(out, 'nearly-full.json'), 'utf8')).recommendation;
    };
    const usual = sized();
    const roomy = sized('--headroom', '8');
    expect(roomy.headroom).toBe(8);
    expect(roomy.max).toBeGreaterThanOrEqual(8 * roomy.demand.entries);
    expect(roomy.max).toBeGreaterThan(usual.max);
    const cheap = sized('--headroom', '8', '--memory-budget', '0.1');
    expect(cheap.constraint).toBe('memory-budget');
    expect(cheap.memoryBudgetBytes).toBe(Math.floor(usual.memoryBudgetBytes / 50));
    expect(cheap.max).toBeLessThan(roomy.max);
  });
});

const noTerminal = spawnSync('script', ['--version']).error ? 'script(1) of util-linux is not installed' : undefined;

describe.skipIf(noTerminal)(`on a terminal${noTerminal ? ` (skipped: ${noTerminal})` : ''}`, () => {
  test('shows how much of a large table was read, and stops on Ctrl-C', async () => {
    const bundle = path.join(scratch, 'large.tar.gz');
    await writeBundle(bundle, 400_000);
    const command = `"${process.execPath}" "${CLI}" report "${bundle}" --format json`;
    // With a terminal of its own, where ^C is what a person types.
    const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd: out });
    let shown = '';
    child.stdout.on('data', (text: Buffer) => {
      const before = shown.includes('MB of the table');
      shown += text.toString();
      if (!before && shown.includes('MB of the table')) child.stdin.write('\x03');
    });
    const status = await new Promise((resolve) => child.on('exit', resolve));
    expect(status).toBe(130);
    // The cursor is there again, and nothing was written.
    expect(shown.lastIndexOf('\x1b[?25h')).toBeGreaterThan(shown.lastIndexOf('\x1b[?25l'));
    expect(readdirSync(out)).toEqual([]);
  });
});

describe('the command line', () => {
  test.each([
    [['report']],
    [['repport', OLD]],
    [['report', OLD, '--format', 'docx']],
    [['report', OLD, '--fromat', 'json']],
    [['report', OLD, '--paper', 'a0']],
    [['report', OLD, '--what-if', 'tcp_timeout_establishd=3600']],
    [['report', OLD, '--what-if', 'udp_timeout=soon']],
    [[]],
  ])('%j is refused with exit code 2', (args) => {
    const { status, stderr } = run(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^conntrack-report: .+\nconntrack-report (?:report )?--help lists/s);
    expect(readdirSync(out)).toEqual([]);
  });

  test('help and version', () => {
    const help = run(['--help']);
    expect(help.status).toBe(0);
    for (const command of ['report', 'collector', 'collect', 'explain', 'schema'])
      expect(help.stdout).toContain(command);
    expect(run(['--version']).stdout.trim()).toBe(version);
  });

  test('collector prints the script', () => {
    expect(run(['collector']).stdout).toBe(readFileSync(path.join(packageRoot, 'src/collector/collect.sh'), 'utf8'));
  });

  test('collect runs the script here, with its own options and exit code', () => {
    const { status, stdout } = run(['collect', '--output', 'here.tar.gz', '--no-table', '--samples', '0']);
    expect(status, stdout).toBe(0);
    expect(existsSync(path.join(out, 'here.tar.gz'))).toBe(true);
    expect(execFileSync('tar', ['tzf', path.join(out, 'here.tar.gz')], { encoding: 'utf8' })).toContain(
      '/inventory.csv',
    );
    expect(run(['collect', '--no-such-option']).status).toBe(2);
  });
});

describe('compare', () => {
  const gateway = path.join(packageRoot, 'test', 'fixtures', 'captures');

  test('each host is a timeline, whatever the order of the arguments', () => {
    const names = ['nat-ports', 'evicting', 'clashes'].map((name) => path.join(gateway, `${name}.tar.gz`));
    const { status, stdout } = run([
      'compare',
      ...names,
      path.join(SAMPLES, 'healthy.tar.gz'),
      '--format',
      'json,md,html',
    ]);
    expect(status).toBe(0);
    expect(readdirSync(out).sort()).toEqual(
      ['gw-north-1.example.net', 'gw.example.net'].flatMap((host) =>
        ['html', 'json', 'md'].map((extension) => `compare-${host}.${extension}`),
      ),
    );
    const { points, intervals } = JSON.parse(readFileSync(path.join(out, 'compare-gw.example.net.json'), 'utf8'));
    expect(points.map(({ name }: { name: string }) => name)).toEqual([
      'evicting.tar.gz',
      'clashes.tar.gz',
      'nat-ports.tar.gz',
    ]);
    // One boot, and a namespace of its own for each.
    for (const interval of intervals) expect(interval).toMatchObject({ rebooted: false, namespaceChanged: true });
    for (const line of stdout.split('\n'))
      if (!line.startsWith('    ')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test('a folder of bundles, and an analysis that was written as JSON, which is the same capture', () => {
    run(['report', path.join(gateway, 'clashes.tar.gz'), '--format', 'json', '--out', 'week']);
    copyFileSync(path.join(gateway, 'clashes.tar.gz'), path.join(out, 'week', 'clashes.tar.gz'));
    const { status, stdout } = run(['compare', 'week', '--format', 'json']);
    expect(status).toBe(0);
    expect(stdout).toContain('clashes.tar.gz is the same capture as clashes.json: left out');
    const schema = JSON.parse(run(['schema', 'timeline']).stdout);
    const validate = new Ajv2020({ strict: false }).compile(schema);
    validate(JSON.parse(readFileSync(path.join(out, 'compare-gw.example.net.json'), 'utf8')));
    expect(validate.errors).toBeNull();
  });

  test('an input that cannot be read costs only itself', () => {
    writeFileSync(path.join(out, 'no.json'), '{"schemaVersion": 1}');
    const { status, stderr } = run(['compare', 'no.json', path.join(gateway, 'clashes.tar.gz'), '--format', 'json']);
    expect(status).toBe(3);
    expect(stderr).toMatch(/no\.json is no analysis that this version can read \(\w+: .*\)\. Expected what report/);
    expect(readdirSync(out)).toContain('compare-gw.example.net.json');
  });

  test('two hosts of one name have a report each', () => {
    run(['report', path.join(gateway, 'clashes.tar.gz'), '--format', 'json']);
    const one = JSON.parse(readFileSync(path.join(out, 'clashes.json'), 'utf8'));
    one.host.machineIdSha256.value = '0'.repeat(64);
    writeFileSync(path.join(out, 'other.json'), JSON.stringify(one));
    expect(run(['compare', 'clashes.json', 'other.json', '--format', 'md']).status).toBe(0);
    expect(readdirSync(out).filter((name) => name.endsWith('.md'))).toEqual([
      'compare-gw.example.net-2.md',
      'compare-gw.example.net.md',
    ]);
  });

  test('so does one in a folder: what comes after it there is compared', () => {
    mkdirSync(path.join(out, 'week'));
    writeFileSync(path.join(out, 'week', 'a.tar.gz'), 'no archive');
    for (const name of ['clashes', 'evicting'])
      copyFileSync(path.join(gateway, `${name}.tar.gz`), path.join(out, 'week', `${name}.tar.gz`));
    const { status, stderr } = run(['compare', 'week', 'none', '--format', 'json']);
    expect(status).toBe(3);
    expect(stderr).toMatch(/a\.tar\.gz/);
    expect(stderr).toMatch(/none/);
    const { points } = JSON.parse(readFileSync(path.join(out, 'compare-gw.example.net.json'), 'utf8'));
    expect(points.map(({ name }: { name: string }) => name)).toEqual(['evicting.tar.gz', 'clashes.tar.gz']);
  });
});

test('the fleet of the samples: the worst first, with labels, and what cannot be read named', () => {
  const folder = path.join(SAMPLES, 'fleet');
  const { status, stderr } = run([
    ...['fleet', folder, '--labels', path.join(folder, 'hosts.csv'), '--out', 'fleet', '--format', 'html,csv,json'],
  ]);
  expect(status).toBe(3);
  expect(stderr).toMatch(/backup\.tar\.gz is no bundle/);
  const { hosts } = JSON.parse(readFileSync(path.join(out, 'fleet', 'fleet.json'), 'utf8'));
  expect(hosts.length).toBeGreaterThanOrEqual(12);
  const severities = hosts.map(({ verdict }: { verdict: { severity: string } }) => verdict.severity);
  const order = ['critical', 'warning', 'unknown', 'notice', 'ok'];
  expect(severities).toEqual([...severities].sort((a, b) => order.indexOf(a) - order.indexOf(b)));
  for (const severity of ['critical', 'warning', 'ok']) expect(severities).toContain(severity);
  for (const { labels, name } of hosts) expect(labels.site, name).toMatch(/^(?:north|south)$/);
});

describe('explain', () => {
  const ids = run(['explain'])
    .stdout.split('\n')
    .map((line) => /^([a-z-]+) {2,}\S/.exec(line)?.[1])
    .filter((id) => id !== undefined);

  test('lists every finding that a report can have', () => {
    run(['report', OLD, '--format', 'json']);
    const { findings } = JSON.parse(readFileSync(path.join(out, 'linux-2.4.json'), 'utf8'));
    expect(findings.map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort());
    expect(ids.length).toBeGreaterThanOrEqual(24);
  });

  test.each(ids)('%s is told in whole sentences', (id) => {
    const { status, stdout } = run(['explain', id]);
    expect(status).toBe(0);
    const [title = '', ...parts] = stdout.trimEnd().split('\n\n');
    expect(title).toMatch(new RegExp(`^[A-Z].*\\S \\(${id}\\)$`));
    expect(parts.map((part) => part.split('\n')[0])).toEqual(['What is looked for', 'Why it matters', 'What to do']);
    for (const part of parts) {
      const text = part.split('\n').slice(1).join(' ').replace(/ +/g, ' ').trim();
      expect(text).toMatch(/^[A-Z].*[^\s,;:]\.$/);
      expect(text).not.toMatch(/ [,.;:)]|\( |\(\)|\.\.|undefined|\{\{/);
    }
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test('an unknown finding is refused, and the known ones are named', () => {
    const { status, stderr } = run(['explain', 'full-table']);
    expect(status).toBe(2);
    expect(stderr).toContain('there is no finding full-table');
    expect(stderr).toContain('table-full');
  });
});

describe('the JSON', () => {
  test.each(samples)('of %s is what the schema says', (sample) => {
    const schema = JSON.parse(run(['schema']).stdout);
    const validate = new Ajv2020({ strict: false }).compile(schema);
    const name = sample.replace('.tar.gz', '.json');
    expect(run(['report', path.join(SAMPLES, sample), '--format', 'json']).status).toBe(0);
    validate(JSON.parse(readFileSync(path.join(out, name), 'utf8')));
    expect(validate.errors).toBeNull();
  });
});
