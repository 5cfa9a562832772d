/** The package as it is published: what is in it, and that it works where it is installed, for every version of Node that is here. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot, version } from '../src/package.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-package-'));
const modules = path.join(scratch, 'node_modules');
const installed = path.join(modules, 'conntrack-report');
const { dependencies, engines } = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8'));

interface Pack {
  filename: string;
  size: number;
  files: { path: string }[];
}
let pack: Pack;

/** Installs the tarball as npm does, with the dependencies of this repository in place of those of a registry. */
beforeAll(() => {
  execFileSync(process.execPath, ['.config/types.mjs'], { cwd: packageRoot });
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
  [pack] = JSON.parse(packed);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', path.join(scratch, pack.filename), '-C', installed, '--strip-components=1']);
  for (const name of Object.keys(dependencies)) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(packageRoot, 'node_modules', name), path.join(modules, name));
  }
  symlinkSync(path.join(packageRoot, 'samples'), path.join(scratch, 'samples'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

const PUBLISHED = [
  /^(?:package\.json|README\.md|LICENSE)$/,
  /^dist\/index\.js$/,
  /^dist\/(?:cli|fleet-worker|gunzip-worker|program-[\da-f]{16})\.cjs$/,
  /^dist\/man\/conntrack-report\.1$/,
  /^dist\/types\/[\w/-]+\.d\.ts$/,
  /^src\/collector\/collect\.sh$/,
  /^templates\/[\w/.-]+\.(?:css|hbs|md)$/,
];

test('it holds what is needed, and no more', () => {
  const names = pack.files.map((file) => file.path);
  expect(names.filter((name) => !PUBLISHED.some((pattern) => pattern.test(name)))).toEqual([]);
  for (const pattern of PUBLISHED)
    expect(
      names.some((name) => pattern.test(name)),
      String(pattern),
    ).toBe(true);
  expect(pack.size).toBeLessThan(1_000_000);
});

test('nothing of it runs a script when it is installed', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
  expect(Object.keys(scripts).filter((name) => /^(?:pre|post)?install$/.test(name))).toEqual([]);
  const { packages } = JSON.parse(readFileSync(path.join(packageRoot, 'package-lock.json'), 'utf8'));
  const needed = Object.entries<{ dev?: boolean; devOptional?: boolean; hasInstallScript?: boolean }>(packages).filter(
    ([name, { dev, devOptional }]) => name !== '' && dev !== true && devOptional !== true,
  );
  expect(needed.length).toBeGreaterThan(Object.keys(dependencies).length);
  expect(needed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name)).toEqual([]);
});

/** In a network of its own, which has nothing, where the kernel lets this user make one. */
const OFFLINE = spawnSync('unshare', ['-rn', 'true']).status === 0 ? ['unshare', '-rn'] : [];

/** A version of Node that `npx -p node@VERSION node` has fetched, or the one that runs this. */
function nodes(): Map<string, string> {
  const found = new Map([[process.versions.node, process.execPath]]);
  const cache = spawnSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).stdout.trim();
  const fetched = path.join(cache, '_npx');
  for (const folder of existsSync(fetched) ? readdirSync(fetched) : []) {
    const node = path.join(fetched, folder, 'node_modules', 'node', 'bin', 'node');
    const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
    if (status === 0) found.set(stdout.trim().slice(1), node);
  }
  return found;
}

const here = nodes();
/** The oldest that the package says it runs on, and the newest of each line; the one that runs this is among them. */
const WANTED = ['20.19.', '20.', '22.', '24.'];
const VERSIONS = WANTED.map((wanted) => {
  const found = [...here]
    .filter(([each]) => each.startsWith(wanted))
    .sort(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))
    .at(-1);
  return { wanted: wanted.slice(0, -1), node: found?.[1], found: found?.[0] };
});

test('the versions of Node that are tried are those that the package asks for', () => {
  expect(engines.node).toBe('^20.19.0 || ^22.12.0 || >=24.0.0');
});

/** The examples of the README. */
const [esm = '', cjs = ''] = [
  ...(readFileSync(path.join(packageRoot, 'README.md'), 'utf8').split('\n## As a library\n')[1] ?? '').matchAll(
    /^```js\n([\s\S]*?)^```$/gm,
  ),
].map(([, code]) => code);

describe.each(VERSIONS)('installed, for Node $wanted', ({ wanted, node = '', found }) => {
  const why = node === '' ? ` (skipped: not here; npx -p node@${wanted} node --version fetches it)` : ` (${found})`;
  const run = (...args: string[]) => {
    const [program = '', ...before] = [...OFFLINE, node];
    const { status, stdout, stderr } = spawnSync(program, [...before, ...args], {
      cwd: scratch,
      encoding: 'utf8',
      timeout: 50_000,
      env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '' },
    });
    return { status, stdout, stderr };
  };

  test.skipIf(node === '')(`the program writes a report${why}`, () => {
    const cli = path.join(installed, 'dist', 'cli.cjs');
    const out = `out-${wanted}`;
    const { status, stderr } = run(
      cli,
      ...['report', 'samples/healthy.tar.gz', '--format', 'html,json,csv,openmetrics', '--out', out],
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(readdirSync(path.join(scratch, out)).sort()).toEqual(
      ['csv', 'html', 'json', 'prom'].map((extension) => `healthy.${extension}`),
    );
    expect(JSON.parse(readFileSync(path.join(scratch, out, 'healthy.json'), 'utf8')).tool.version).toBe(version);
  });

  test.skipIf(node === '')(`the example of the README as an ES module${why}`, () => {
    writeFileSync(path.join(scratch, 'example.mjs'), esm);
    const { status, stdout, stderr } = run('example.mjs');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toBe('limit-reached 4096 262144\nslabinfo - version: 2.1\n');
    expect(readFileSync(path.join(scratch, 'full-with-drops.html'), 'utf8')).toContain('gw-west-3.example.net');
  });

  test.skipIf(node === '')(`the example of the README in CommonJS${why}`, () => {
    writeFileSync(path.join(scratch, 'example.cjs'), cjs);
    const { status, stdout, stderr } = run('example.cjs');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^gw-north-1\.example\.net · .*\n\nHealthy: room to spare\n/);
  });

  test.skipIf(node === '')(`importing it does nothing, and it has the same in both${why}`, () => {
    const NAMES =
      'BundleError,analyse,analysesOf,openBundle,readSnapshot,renderCsv,renderHtml,renderJson,renderMarkdown,' +
      'renderOpenMetrics,renderText';
    const state =
      '[process.eventNames().length, process.stdout.eventNames().length, Object.keys(globalThis).join(), process.exitCode]';
    const body = (load: string) =>
      `const before = JSON.stringify(${state}); const lib = ${load}; if (JSON.stringify(${state}) !== before) throw new Error(before); process.stdout.write(Object.keys(lib).sort().join());`;
    writeFileSync(path.join(scratch, 'names.mjs'), body("await import('conntrack-report')"));
    writeFileSync(path.join(scratch, 'names.cjs'), body("require('conntrack-report')"));
    for (const file of ['names.mjs', 'names.cjs']) expect(run(file)).toEqual({ status: 0, stdout: NAMES, stderr: '' });
  });
});

describe('its types', () => {
  test.each(['mts', 'cts'])('fit to what somebody writes in .%s, without any other package', (extension) => {
    const lines = [
      "import { analyse, analysesOf, type Analysis, BundleError, openBundle, readSnapshot, renderHtml } from 'conntrack-report';",
      'export async function main(): Promise<string> {',
      "  const analysis: Analysis = analyse(await readSnapshot('x'), { whatIf: { udp_timeout: 10 } });",
      '  const entries: number | undefined = analysis.usage.entries?.value;',
      '  // @ts-expect-error There is no such field.',
      '  analysis.usage.nonsense;',
      "  await openBundle('x', async ({ path, content }) => {",
      '    for await (const block of content) block.length + path.length;',
      '  });',
      "  for (const capture of await analysesOf('x')) if ('error' in capture) throw new BundleError(capture.error);",
      "  return renderHtml(analysis, { paper: 'a4' }) + entries;",
      '}',
    ];
    const folder = path.join(scratch, `types-${extension}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, `main.${extension}`), lines.join('\n'));
    const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: [] };
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const tsc = path.join(packageRoot, 'node_modules', '.bin', 'tsc');
    expect(spawnSync(tsc, ['-p', folder], { encoding: 'utf8' }).stdout).toBe('');
  });
});
