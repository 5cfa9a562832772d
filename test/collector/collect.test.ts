import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../src/package.ts';
import {
  fakeTree,
  folder,
  has,
  missing,
  nobody,
  readBundle,
  run,
  type Start,
  script,
  shells,
  start,
  survivors,
  test,
  until,
  withFolders,
} from './harness.ts';

const quick = ['--samples', '2', '--interval', '0'];
const namespace = `collect-test-${process.pid}`;
const entries = 300;
const whyNoNamespace = missing('root', 'table', 'netns', 'ip', 'nft');

function only(directory: string): string {
  const names = readdirSync(directory);
  expect(names).toHaveLength(1);
  return path.join(directory, names[0] ?? '');
}

/** The command that runs another one on a file system of its own, which says at its end what is left there. */
function onDisk(mountOptions: string, directory: string, command: string[]): string[] {
  const steps = 'mount -t tmpfs -o "$0" none "$1" && cd "$1" && shift && { "$@"; status=$?; ls -A; exit $status; }';
  return ['unshare', '-m', 'sh', '-c', steps, mountOptions, directory, ...command];
}

beforeAll(async () => {
  if (whyNoNamespace) return;
  const send = `
    const socket = require('node:dgram').createSocket('udp4');
    let left = ${entries};
    for (let i = 0; i < ${entries}; i++) socket.send('x', 20000 + i, '127.0.0.1', () => --left || socket.close());`;
  const rules =
    'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c ct state new accept';
  for (const command of [
    ['ip', 'netns', 'add', namespace],
    ['ip', '-n', namespace, 'link', 'set', 'lo', 'up'],
    ['ip', 'netns', 'exec', namespace, 'nft', rules],
    ['ip', 'netns', 'exec', namespace, 'sysctl', '-qw', 'net.netfilter.nf_conntrack_udp_timeout=600'],
    ['ip', 'netns', 'exec', namespace, process.execPath, '-e', send],
  ]) {
    const result = await run(command, { cwd: '/' });
    if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}`);
  }
});

afterAll(() => {
  if (!whyNoNamespace) spawnSync('ip', ['netns', 'del', namespace]);
});

const inNamespace = ['ip', 'netns', 'exec', namespace];

describe('the shells', () => {
  it('has at least sh or dash, and bash to run in', () => {
    expect(has('dash') || has('sh')).toBe(true);
    expect(has('bash')).toBe(true);
  });
});

for (const [name, shell] of shells) {
  const noShell = has(shell[0]) ? undefined : `${shell[0]} is not installed`;

  describe.concurrent(`under ${name}`, () => {
    test('as root: captures a real table and all that surrounds it', noShell ?? whyNoNamespace, async () => {
      const cwd = folder();
      const modules = existsSync('/proc/modules') ? readFileSync('/proc/modules', 'utf8') : '';
      const { child, done, mark } = start([...inNamespace, ...shell, script, ...quick], { cwd });
      const result = await done;
      expect(result.stderr).toBe('');
      expect(result.status).toBe(0);
      await until(() => survivors(mark).length === 0, 'all its processes had ended', 2000);
      expect(child.exitCode).toBe(0);
      if (existsSync('/proc/modules')) expect(readFileSync('/proc/modules', 'utf8')).toBe(modules);

      const file = only(cwd);
      expect(path.basename(file)).toMatch(/^conntrack-[A-Za-z0-9.-]+-\d{8}T\d{6}Z\.tar\.gz$/);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const bundle = await readBundle(readFileSync(file));
      expect(`${bundle.top}.tar.gz`).toBe(path.basename(file));
      expect(bundle.top.endsWith(`-${bundle.manifest.captured_at?.replace(/[-:]/g, '')}`)).toBe(true);
      expect(bundle.manifest).toEqual({
        format: 'conntrack-report bundle',
        format_version: '1',
        collector_version: version,
        command_line: '--samples 2 --interval 0',
        hostname: bundle.top.replace(/^conntrack-(.*)-\d{8}T\d{6}Z$/, '$1'),
        captured_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        user_id: '0',
        table_max_entries: '2000000',
        netns: expect.stringMatching(/^\d+$/),
      });
      const table = bundle.text('proc/net/nf_conntrack');
      expect(table.split('\n')).toHaveLength(entries + 1);
      expect(bundle.line('proc/net/nf_conntrack').status).toBe('captured');
      expect(bundle.text('proc/slabinfo')).toMatch(/^slabinfo - version/);
      expect(bundle.text('series/02/proc/slabinfo')).toMatch(/^slabinfo - version.*\n# name.*\nnf_conntrack/);
      expect(bundle.text('proc/sys/net/netfilter/nf_conntrack_count')).toMatch(/^\d+\n$/);
      expect(bundle.text('commands/getconf-PAGESIZE')).toMatch(/^\d+\n$/);
      expect(bundle.text('netns.csv')).toMatch(/^inode,pids,processes,names\n/);
      expect(bundle.names.indexOf('proc/net/nf_conntrack')).toBeGreaterThan(
        bundle.names.indexOf('series/02/proc/uptime'),
      );
      expect(bundle.names.indexOf('after/proc/slabinfo')).toBeGreaterThan(
        bundle.names.indexOf('proc/net/nf_conntrack'),
      );
      expect(bundle.names[1]).toBe('proc/sys/net/netfilter/nf_conntrack_count');

      const said = result.stdout.toString();
      expect(said).toContain(file);
      expect(said).toMatch(new RegExp(`table +${entries} entries`));
      expect(said).toContain('Send this file to your support contact.');
    });

    const whyNobody = noShell ?? missing('root');
    test('as nobody: takes what it may and says what is missing', whyNobody, async () => {
      const cwd = folder();
      const result = await run([...shell, script, ...quick], { cwd, uid: nobody });
      expect(result.status).toBe(0);
      expect(result.stderr).toBe('');
      const bundle = await readBundle(readFileSync(only(cwd)));
      expect(bundle.manifest.user_id).toBe(String(nobody));
      expect(bundle.line('proc/slabinfo')).toMatchObject({
        status: 'denied',
        reason: expect.stringContaining('run it as root'),
      });
      expect(bundle.line('netns.csv').status).toBe('cut');
      expect(bundle.line('proc/meminfo').status).toBe('captured');
      expect(result.stdout.toString()).toMatch(/proc\/slabinfo: denied, .*run it as root/);
    });

    test('with the table absent: goes on without it', noShell ?? missing('root', 'mounts'), async () => {
      const cwd = folder();
      const proc = fakeTree({
        uptime: '1234.56 2000.00\n',
        'sys/net/netfilter/nf_conntrack_count': '17\n',
        'sys/net/netfilter/nf_conntrack_max': '65536\n',
      });
      const result = await run(withFolders({ '/proc': proc }, [...shell, script, ...quick]), { cwd });
      expect(result.stderr).toBe('');
      expect(result.status).toBe(0);
      const bundle = await readBundle(readFileSync(only(cwd)));
      expect(bundle.text('proc/sys/net/netfilter/nf_conntrack_max')).toBe('65536\n');
      expect(bundle.text('after/proc/sys/net/netfilter/nf_conntrack_count')).toBe('17\n');
      expect(bundle.line('proc/net/nf_conntrack')).toMatchObject({ status: 'absent' });
      expect(bundle.line('proc/net/nf_conntrack').reason).toMatch(/^no such file, and conntrack /);
      expect(result.stdout.toString()).toContain('proc/net/nf_conntrack: absent, no such file');
    });

    test(
      'with a full disk: says so, writes nothing, leaves nothing',
      noShell ?? missing('root', 'mounts'),
      async () => {
        const cwd = folder();
        // Little space is seen before it starts; a lack of inodes, as any disk that fills later, only when it happens.
        for (const [options, inodes] of [['size=2m'], ['size=32m,nr_inodes=60'], ['size=32m,nr_inodes=180']]) {
          const result = await run(onDisk(`${options}${inodes ?? ''}`, cwd, [...shell, script, ...quick]), { cwd });
          expect(result.stdout.toString()).toBe('');
          expect(result.stderr).toMatch(
            /^collect\.sh: no space left in .*Nothing was written\. .*--output.*--stdout.*\n$/,
          );
          expect(result.status).toBe(1);
        }
      },
    );

    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
      ['SIGKILL', null],
    ] as const) {
      test(`killed half-way by ${signal}: leaves no file and no process`, noShell, async () => {
        const cwd = folder();
        const { child, done, mark } = start([...shell, script, '--samples', '2', '--interval', '60'], { cwd });
        const half = () =>
          readdirSync(cwd).some(
            (name) =>
              existsSync(path.join(cwd, name, 'tree/series/01/proc/slabinfo')) ||
              existsSync(path.join(cwd, name, 'tree/series/01/proc/uptime')),
          );
        await until(half, 'the first sample was taken');
        expect(survivors(mark).length).toBeGreaterThan(1);
        child.kill(signal);
        const result = await done;
        expect(result.status).toBe(status);
        await until(() => survivors(mark).length === 0 && readdirSync(cwd).length === 0, 'everything was gone', 5000);
        if (status !== null) expect(result.stderr).toBe('');
      });
    }

    test('read from standard input, with --stdout: streams the bundle', noShell, async () => {
      const cwd = folder();
      const input = readFileSync(script, 'utf8');
      const options: Start = { cwd, input, env: { TMPDIR: cwd } };
      const { done, mark } = start([...shell, '-s', '--', '--stdout', '--no-table', ...quick], options);
      const result = await done;
      expect(result.status).toBe(0);
      const bundle = await readBundle(result.stdout);
      expect(bundle.manifest.command_line).toBe('--stdout --no-table --samples 2 --interval 0');
      expect(bundle.line('proc/net/nf_conntrack')).toMatchObject({ status: 'absent', reason: '--no-table was given' });
      expect(result.stderr).toContain('to standard output');
      expect(readdirSync(cwd)).toEqual([]);
      await until(() => survivors(mark).length === 0, 'all its processes had ended', 2000);
    });
  });
}
