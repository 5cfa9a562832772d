import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterAll, describe, expect, test } from 'vitest';
import { BundleError } from '../../src/bundle/bundle.ts';
import { linesOfInterest } from '../../src/bundle/layouts/logs.ts';
import { DEFAULT_LIMITS, type Limits, parseLimits, WRITTEN_LIMITS } from '../../src/bundle/limits.ts';
import { convert } from '../../src/commands/convert.ts';
import { readSnapshots } from '../../src/snapshot/read.ts';
import { CLI } from '../cli/program.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-limits-'));
afterAll(() => rmSync(scratch, { recursive: true }));

type Item = [header: Partial<Header> & { name: string }, content: string | Uint8Array];

async function tarOf(items: readonly Item[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of items) archive.entry({ mtime: new Date(0), ...header }, Buffer.from(content));
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

const file = (name: string, content: string | Uint8Array = ''): Item => [{ name }, content];

const COUNT = file('c/proc/sys/net/netfilter/nf_conntrack_count', '42\n');
const MANIFEST = file('c/manifest.csv', 'key,value\nformat,conntrack-report bundle\nformat_version,1\nhostname,gw\n');

let files = 0;
function saved(bytes: Uint8Array, name = `input-${files++}`): string {
  const where = path.join(scratch, name);
  writeFileSync(where, bytes);
  return where;
}

async function problemsOf(bytes: Uint8Array, limits: Partial<Limits>): Promise<string[]> {
  const stdin = Readable.from([bytes]);
  const reading = readSnapshots('-', { stdin, limits: { ...DEFAULT_LIMITS, ...limits } });
  const captures = await reading.catch((error) => [{ error: error as Error }]);
  return captures.flatMap((capture) =>
    'error' in capture ? [capture.error.message] : capture.snapshot.problems.map(({ what }) => what),
  );
}

describe('--limit', () => {
  test('sets what it names and leaves the rest', () => {
    expect(parseLimits('')).toEqual(DEFAULT_LIMITS);
    expect(parseLimits(WRITTEN_LIMITS)).toEqual(DEFAULT_LIMITS);
    expect(parseLimits('total=2TiB, members=7,file=1536')).toEqual({
      ...DEFAULT_LIMITS,
      total: 2 ** 41,
      members: 7,
      file: 1536,
    });
  });

  test.each([
    ['totel=1GiB', /^--limit totel=1GiB: expected NAME=VALUE, where NAME is one of total, ratio, /],
    ['toString=1', /expected NAME=VALUE/],
    ['total', /^--limit total: expected bytes, or KiB, MiB, GiB or TiB, from 4KiB on, such as total=64GiB$/],
    ['total=64GB', /expected bytes/],
    ['total=1', /from 4KiB on/],
    ['total=999999TiB', /expected bytes/],
    ['members=0', /^--limit members=0: expected a whole number from 1 on, such as members=250000$/],
    ['members=1KiB', /expected a whole number/],
    ['ratio=-1', /expected a whole number/],
    ['ratio=1.5', /expected a whole number/],
    ['nesting=', /expected a whole number/],
  ])('%s is refused', (given, message) => {
    expect(() => parseLimits(given)).toThrow(message);
  });

  test.each([
    'report',
    'compare',
    'fleet',
    'analyse --jsonl',
    'inspect',
    'convert --out x',
    'verify',
    'anonymize --out x --key-file k',
  ])('is an option of %s', (command) => {
    const { status, stderr } = spawnSync(process.execPath, [CLI, ...command.split(' '), 'none', '--limit', 'size=3'], {
      encoding: 'utf8',
      cwd: scratch,
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^conntrack-report: --limit size=3: expected NAME=VALUE/);
  });
});

describe('what is too much is read no further, and the message names the option', () => {
  test('members, those that are no files included', async () => {
    const links: Item[] = Array.from({ length: 5 }, (_, at) => [
      { name: `c/l${at}`, type: 'symlink', linkname: '/etc/shadow' },
      '',
    ]);
    const tar = await tarOf([COUNT, ...links, file('c/proc/uptime', '1 2\n')]);
    expect(await problemsOf(tar, { members: 7 })).toEqual([]);
    expect(await problemsOf(tar, { members: 6 })).toEqual([
      'holds more than 6 members, and is read no further (--limit members=6)',
    ]);
    // Of archives in it, too.
    const outer = await tarOf([file('a.tar', await tarOf([COUNT, file('c/x')])), file('b.tar', await tarOf([COUNT]))]);
    expect(await problemsOf(outer, { members: 5 })).toEqual([]);
    expect(await problemsOf(outer, { members: 4 })).toEqual([
      'standard input: b.tar holds more than 4 members, and is read no further (--limit members=4)',
    ]);
  });

  test('the total, the ratio, of every layer and archive together', async () => {
    const zeros = file('c/zeros', Buffer.alloc(3 << 20));
    const tar = await tarOf([COUNT, zeros]);
    const limits = { free: 2 << 20 };
    expect(await problemsOf(gzipSync(tar), {})).toEqual([]);
    expect(await problemsOf(gzipSync(tar), limits)).toEqual([
      'unpacks to more than 2MiB and 200 times its size, as no capture does, and is read no further (--limit ratio=200)',
    ]);
    const total = 'unpacks to more than 2MiB, and is read no further (--limit total=2MiB)';
    expect(await problemsOf(gzipSync(tar), { total: 2 << 20 })).toContain(total);
    expect(await problemsOf(tar, { total: 2 << 20 })).toEqual([`standard input ${total}`]);
    // Each by itself is not too much.
    const inner = gzipSync(tar);
    const outer = gzipSync(await tarOf(Array.from({ length: 8 }, (_, at) => file(`c-${at}.tar.gz`, inner))));
    const found = await problemsOf(outer, { free: 8 << 20 });
    expect(found.filter((what) => what.includes('--limit ratio=200')).length).toBeGreaterThan(4);
  });

  test('nesting', async () => {
    let nested = gzipSync(await tarOf([COUNT]));
    for (let depth = 0; depth < 3; depth++) nested = gzipSync(await tarOf([file(`c${depth}.tar.gz`, nested)]));
    expect(await problemsOf(nested, {})).toEqual([]);
    expect(await problemsOf(nested, { nesting: 2 })).toEqual([
      'standard input: c2.tar.gz: c1.tar.gz: c0.tar.gz is not read: it lies deeper in archives than --limit nesting=2 allows.',
    ]);
  });

  test('captures', async () => {
    const inner = await tarOf([COUNT]);
    const outer = await tarOf(['a', 'b', 'c', 'd'].map((name) => file(`${name}.tar`, inner)));
    expect(await problemsOf(outer, { captures: 2 })).toEqual([
      'standard input: c.tar is not read, nor what comes after it: there are more captures than --limit captures=2.',
    ]);
  });

  test('what is kept of a file, and of all', async () => {
    const tar = await tarOf([MANIFEST, COUNT, file('c/proc/modules', 'nf_conntrack 1 0 - Live 0x0\n'.repeat(100))]);
    expect(await problemsOf(tar, { file: 1024 })).toContain('is larger than 1024 bytes (--limit file=1KiB)');
    expect(await problemsOf(tar, { kept: 1024 })).toEqual(
      expect.arrayContaining([expect.stringMatching(/^is larger than \d+ bytes \(--limit kept=1KiB\)$/)]),
    );
  });

  test('lines of a log: the beginning of one, and the last of many', async () => {
    const line = (at: number) => `${at} nf_conntrack ${'x'.repeat(1000)}\n`;
    const log = Array.from({ length: 300 }, (_, at) => line(at)).join('');
    const kept = async (limits: Partial<Limits>) => {
      let text = '';
      for await (const block of linesOfInterest(Readable.from([Buffer.from(log)]), { ...DEFAULT_LIMITS, ...limits }))
        text += Buffer.from(block).toString();
      return text;
    };
    expect(await kept({})).toBe(log);
    const short = (await kept({ line: 80 })).split('\n');
    expect(short).toHaveLength(301);
    expect(short[299]).toBe(line(299).slice(0, 80));
    const last = (await kept({ file: 5000 })).split('\n');
    expect(last).toHaveLength(301);
    const held = last.filter((text) => text !== '');
    expect(held.length).toBeGreaterThanOrEqual(2);
    expect(held.length).toBeLessThan(5);
    expect(held).toEqual(log.trimEnd().split('\n').slice(-held.length));
  });

  test('a folder: its members, and files that are nothing but a hole', async () => {
    const folder = path.join(scratch, 'sparse');
    mkdirSync(path.join(folder, 'proc/net'), { recursive: true });
    writeFileSync(path.join(folder, 'proc/uptime'), '1 2\n');
    writeFileSync(path.join(folder, 'proc/net/nf_conntrack'), '');
    truncateSync(path.join(folder, 'proc/net/nf_conntrack'), 2 ** 40);
    const read = async (limits: Partial<Limits>) => {
      const [capture] = await readSnapshots(folder, { limits: { ...DEFAULT_LIMITS, ...limits } });
      return capture && 'snapshot' in capture ? capture.snapshot.problems.map(({ what }) => what) : [];
    };
    expect(await read({ total: 1 << 24 })).toContain(
      'unpacks to more than 16MiB, and is read no further (--limit total=16MiB)',
    );
    truncateSync(path.join(folder, 'proc/net/nf_conntrack'), 0);
    expect(await read({ members: 3 })).toContain(
      'holds more than 3 members, and is read no further (--limit members=3)',
    );
  });
});

describe('bombs end in seconds and in little memory', () => {
  /** Runs the program with a heap in which no bomb has room; its last words. */
  function inspected(input: string, ...options: string[]) {
    const began = Date.now();
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--max-old-space-size=64', CLI, 'inspect', input, ...options],
      { encoding: 'utf8', timeout: 50_000 },
    );
    return { status, stderr, seconds: (Date.now() - began) / 1000 };
  }

  test('10 GiB of zeros in a member that nobody reads', async () => {
    const header = Buffer.from((await tarOf([COUNT, file('c/zeros', Buffer.alloc(1))])).subarray(0, 1536));
    header.write('77777777777', 1024 + 124, 'latin1');
    header.fill(' ', 1024 + 148, 1024 + 156);
    const sum = header.subarray(1024).reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 1024 + 148, 'latin1');
    const zeros = gzipSync(Buffer.alloc(64 << 20));
    const bomb = saved(Buffer.concat([gzipSync(header), ...Array.from({ length: 160 }, () => zeros)]));
    const peak = 'process.on("exit", () => console.error(process.resourceUsage().maxRSS, "KiB at most"))';
    const began = Date.now();
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${peak}`, CLI, 'inspect', bomb],
      {
        encoding: 'utf8',
        timeout: 50_000,
      },
    );
    expect(stdout + stderr).toContain('--limit ratio=200');
    expect(Date.now() - began).toBeLessThan(20_000);
    expect(Number(/(\d+) KiB at most/.exec(stderr)?.[1])).toBeLessThan(250 * 1024);
  });

  test('a tar of ten million empty members', async () => {
    const header = (await tarOf([file('c/empty')])).subarray(0, 512);
    const many = gzipSync(Buffer.concat(Array.from({ length: 10_000 }, () => header)));
    const bomb = saved(Buffer.concat(Array.from({ length: 1000 }, () => many)));
    const { status, stderr, seconds } = inspected(bomb, '--limit', 'members=50000');
    expect(stderr).toContain('(holds more than 50000 members, and is read no further (--limit members=50000))');
    expect(status).toBe(3);
    expect(seconds).toBeLessThan(20);
  });

  test('one whose archives are bombs, each of which is small enough by itself', async () => {
    const zeros = Buffer.alloc(1 << 20);
    // 250 MiB of zeros in a member that nobody reads.
    const big = Buffer.from((await tarOf([COUNT, file('c/zeros', zeros)])).subarray(0, 2048 - 512));
    const inner = gzipSync(Buffer.concat([big, ...Array.from({ length: 250 }, () => zeros)]));
    const bomb = saved(
      await tarOf(Array.from({ length: 400 }, (_, at) => file(`sosreport-${at}.tar.gz`, inner.subarray(0)))),
    );
    const { stderr, seconds } = inspected(bomb, '--limit', 'free=512MiB,ratio=10');
    expect(stderr).toContain('--limit ratio=10');
    expect(seconds).toBeLessThan(20);
  });

  test.each(['sizes in base 256', 'a PAX header'])('a member that says it has 8 EiB, by %s', async (how) => {
    const size = 2 ** 63;
    const tar = await tarOf([
      COUNT,
      how === 'a PAX header'
        ? [{ name: 'c/proc/modules', pax: { size: String(size) } }, 'x']
        : file('c/proc/modules', 'x'),
    ]);
    if (how !== 'a PAX header') {
      tar.set([0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0], 1024 + 124);
      tar.fill(' ', 1024 + 148, 1024 + 156);
      const sum = tar.subarray(1024, 1536).reduce((total, byte) => total + byte, 0);
      tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 1024 + 148, 'latin1');
    }
    const problems = await problemsOf(tar, {});
    expect(problems).toContain('the archive ends too early');
    const out = path.join(scratch, 'converted.tar.gz');
    await convert(saved(tar), out, {});
    expect(readdirSync(scratch).filter((name) => name.includes('.part'))).toEqual([]);
  });
});

describe('names of members', () => {
  const NAMES = [
    '/tmp/x',
    '../../x',
    'c/../../x',
    'c/proc/../../../x',
    `c/${'long/'.repeat(900)}x`,
    'c/a\u001b]0;t\u0007b\u202ec',
    'c/proc/UPTIME',
    'c/PROC/uptime',
    'c\\..\\..\\x',
    'CON',
    'c/__proto__',
    'c/proc/sys/net/netfilter/__proto__',
    'c/proc/sys/net/netfilter/nf_conntrack_constructor',
  ];
  const LINKS: Item[] = [
    [{ name: 'c/proc/meminfo', type: 'symlink', linkname: '/etc/passwd' }, ''],
    [{ name: 'c/proc/version', type: 'link', linkname: '/etc/passwd' }, ''],
    [{ name: 'c/proc/cmdline', type: 'character-device', devmajor: 1, devminor: 5 }, ''],
    [{ name: 'c/proc/slabinfo', type: 'fifo' }, ''],
  ];
  const archive = tarOf([MANIFEST, COUNT, ...LINKS, ...NAMES.map((name) => file(name, `root:x:${name}`))]);

  test.each([
    ['report', 'report in.tar --format html,md,json,text', ['in.html', 'in.json', 'in.md', 'in.txt']],
    ['compare', 'compare in.tar --format md', ['compare-gw.md']],
    ['fleet', 'fleet in.tar --format csv,json --out .', ['fleet.csv', 'fleet.json']],
    ['inspect', 'inspect in.tar', []],
    ['convert', 'convert in.tar --out out.tar.gz', ['out.tar.gz']],
    ['anonymize', 'anonymize in.tar --out out.tar.gz --key-file key', ['key', 'out.tar.gz']],
  ])('write nothing but what was asked for: %s', async (_, line, expected) => {
    const cage = mkdtempSync(path.join(scratch, 'cage-'));
    const cwd = path.join(cage, 'a/b/c');
    mkdirSync(cwd, { recursive: true });
    writeFileSync(path.join(cwd, 'in.tar'), await archive);
    const { status, stderr } = spawnSync(process.execPath, [CLI, ...line.split(' ')], { cwd, encoding: 'utf8' });
    expect(stderr).not.toMatch(/ {4}at /);
    expect(status, stderr).toBe(0);
    expect(readdirSync(cage)).toEqual(['a']);
    expect(readdirSync(path.join(cage, 'a'))).toEqual(['b']);
    expect(readdirSync(path.join(cage, 'a/b'))).toEqual(['c']);
    const written = readdirSync(cwd).filter((name) => name !== 'in.tar' && !name.startsWith('.'));
    expect(written).toEqual(expected);
    const texts = written.map((name) => readFileSync(path.join(cwd, name), 'latin1')).join('');
    // Nothing of what a link points to.
    expect(texts).not.toContain('root:x:0');
    if (line.startsWith('convert')) {
      const listed = execFileSync('tar', ['tzf', 'out.tar.gz'], { cwd, encoding: 'utf8' }).trim().split('\n');
      for (const name of listed) expect(name).toMatch(/^conntrack-gw\/[\w./-]+$/);
      for (const name of listed) expect(name).not.toMatch(/\.\.|UPTIME|PROC/);
    }
  });

  test('one that differs in case is another file, and the same twice is refused', async () => {
    const twice = await tarOf([MANIFEST, COUNT, COUNT]);
    await expect(readSnapshots('-', { stdin: Readable.from([twice]) })).rejects.toThrow(
      /holds .*nf_conntrack_count twice/,
    );
    const [one] = await readSnapshots('-', { stdin: Readable.from([await archive]) });
    expect(one && 'snapshot' in one && one.snapshot.first.count?.value).toBe(42);
  });
});

describe('a folder', () => {
  test.each([
    ['report', 'report in --format json'],
    ['compare', 'compare in --format json'],
    ['fleet', 'fleet in --format json --out .'],
    ['inspect', 'inspect in'],
    ['convert', 'convert in --out out.tar.gz'],
  ])('links, FIFOs, sockets and devices in it are passed over: %s', (_, line) => {
    const cwd = mkdtempSync(path.join(scratch, 'special-'));
    mkdirSync(path.join(cwd, 'in/proc/sys/net/netfilter'), { recursive: true });
    writeFileSync(path.join(cwd, 'in/proc/sys/net/netfilter/nf_conntrack_count'), '42\n');
    writeFileSync(path.join(cwd, 'secret'), 'MemTotal: 31337 kB\n');
    symlinkSync(path.join(cwd, 'secret'), path.join(cwd, 'in/proc/meminfo'));
    symlinkSync('..', path.join(cwd, 'in/proc/loop'));
    execFileSync('mkfifo', [path.join(cwd, 'in/proc/version'), path.join(cwd, 'in/proc/x.tar.gz')]);
    // A device may be made by root only; a socket by whoever listens on it.
    if (process.getuid?.() === 0) execFileSync('mknod', [path.join(cwd, 'in/proc/slabinfo'), 'c', '1', '5']);
    execFileSync(process.execPath, [
      '-e',
      'require("net").createServer().listen(process.argv[1], () => process.exit())',
      path.join(cwd, 'in/proc/uptime'),
    ]);
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...line.split(' ')], {
      cwd,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(status, stderr).toBe(0);
    const outputs = readdirSync(cwd).filter((name) => /\.(?:json|gz)$/.test(name));
    const text = outputs.map((name) => {
      const bytes = readFileSync(path.join(cwd, name));
      return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
    });
    expect(text.join('') + stdout).not.toMatch(/31337|31 337/);
  });
});

describe('cut at any byte', () => {
  test.each(['.tar', '.tar.gz'])('a %s is an analysis of what is whole, or a BundleError', async (packing) => {
    const max = file('c/proc/sys/net/netfilter/nf_conntrack_max', '100\n');
    const udp =
      'ipv4     2 udp      17 3 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 use=2\n';
    // Most bytes of a plain archive only fill it up.
    const tar = await tarOf(
      packing === '.tar' ? [COUNT, max] : [MANIFEST, COUNT, max, file('c/proc/net/nf_conntrack', udp)],
    );
    const whole = packing === '.tar' ? tar : gzipSync(tar);
    const { analyse } = await import('../../src/analysis/analyse.ts');
    const analysed = new Set<string>();
    let read = 0;
    for (let length = 0; length <= whole.length; length++) {
      const stdin = Readable.from([whole.subarray(0, length)]);
      try {
        const [capture] = await readSnapshots('-', { stdin });
        if (capture === undefined || 'error' in capture) throw new Error('no capture');
        const { snapshot } = capture;
        // The first digits of a number are another number: what is cut is not there.
        expect(snapshot.sysctls.max?.value ?? 100).toBe(100);
        expect(snapshot.first.count?.value ?? 42).toBe(42);
        read++;
        const known = JSON.stringify({
          ...snapshot,
          bundle: '',
          problems: snapshot.problems.map(({ file: of }) => of),
        });
        if (!analysed.has(known)) analyse(snapshot, '0');
        analysed.add(known);
      } catch (error) {
        expect(error, `${length}`).toBeInstanceOf(BundleError);
      }
    }
    expect(read).toBeGreaterThan(whole.length / 4);
    expect(read).toBeLessThan(whole.length);
    expect(analysed.size).toBeGreaterThan(1);
  });
});
