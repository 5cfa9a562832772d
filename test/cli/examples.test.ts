/** Every example in the help of every command is run as it stands there. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openFolder, SAMPLES } from './program.ts';

const { folder, program, shell, remove } = openFolder('examples');
afterAll(remove);
/** Instead of a gateway: it sends the bundle that the collector would. */
program('ssh', `cat > /dev/null; cat "${path.join(SAMPLES, 'nearly-full.tar.gz')}"`);

const help = (command: string) => shell(`conntrack-report ${command} --help`).stdout;
const COMMANDS = [...help('').matchAll(/^ {2}conntrack-report (\w+)/gm)].map(([, name = '']) => name);
const EXAMPLES = COMMANDS.flatMap((command) =>
  (help(command).split('\nExamples:\n')[1] ?? '')
    .split('\n')
    .filter((line) => /^ {2}[^#]/.test(line))
    .map((line) => [command, line.trim()] as const),
);

/** What the examples need. */
const given = path.join(folder, 'given');
beforeAll(() => {
  const at = (...names: string[]) => path.join(given, ...names);
  for (const name of ['bundles', 'week']) {
    mkdirSync(at(name), { recursive: true });
    copyFileSync(path.join(SAMPLES, 'healthy.tar.gz'), at(name, 'a.tar.gz'));
    copyFileSync(path.join(SAMPLES, 'linux-2.4.tar.gz'), at(name, 'b.tar.gz'));
  }
  for (const name of ['gw1', 'sosreport-gw1', 'before', 'after'])
    copyFileSync(path.join(SAMPLES, 'full-with-drops.tar.gz'), at(`${name}.tar.gz`));
  writeFileSync(at('hosts.csv'), 'hostname,site\ngw-north-1.example.net,Lyon\n');
  writeFileSync(at('collect.sh'), 'exit 1\n');
  shell('conntrack-report anonymize gw1.tar.gz --key-file ../key --out for-vendor.tar.gz', { cwd: given });
  shell('conntrack-report analyse --jsonl bundles > results.jsonl', { cwd: given });
});
beforeEach(() => {
  cwd = mkdtempSync(path.join(folder, 'case-'));
  cpSync(given, cwd, { recursive: true });
});
let cwd: string;

/** The sample is full, which this example is about. */
const STATUS: Record<string, number> = { 'conntrack-report report gw1.tar.gz --format json --fail-on critical': 4 };

const noManual = spawnSync('man', ['--version']).error ? ' (skipped: man is not installed)' : undefined;

test('each command has examples, which fit into a narrow terminal', () => {
  expect(COMMANDS.length).toBeGreaterThanOrEqual(14);
  expect([...new Set(EXAMPLES.map(([command]) => command))]).toEqual(COMMANDS);
  for (const [, line] of EXAMPLES) expect(line).toContain('conntrack-report');
  expect(
    help('report')
      .split('\n')
      .every((line) => line.length <= 80),
  ).toBe(true);
});

for (const [command, line] of EXAMPLES) {
  const why = line.includes('| man') ? noManual : undefined;
  test.skipIf(why)(`${line}${why ?? ''}`, () => {
    const before = readdirSync(cwd);
    const { status, stdout, stderr } = shell(`set -o pipefail; ${line}`, { cwd });
    expect(status, stderr).toBe(STATUS[line] ?? 0);
    // Of the browser only.
    expect(stderr.replace(/^conntrack-report: the PDF is printed by a browser without its sandbox: .*\n/, '')).toBe('');
    const [, written] = / > (?!\/dev\/null)(\S+)$/.exec(line) ?? [];
    if (written?.startsWith('~') === false) expect(existsSync(path.join(cwd, written))).toBe(true);
    else if (/^(?:report|compare|fleet|convert|anonymize|collect)$/.test(command))
      expect(readdirSync(cwd).length).toBeGreaterThan(before.length);
    else if (!/eval|>>/.test(line)) expect(stdout).not.toBe('');
  });
}
