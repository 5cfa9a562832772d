/** A fleet spread over two machines, as the README shows it: GNU parallel, ssh, and two hosts, which are network namespaces here. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package.ts';
import { CLI } from '../cli/program.ts';
import { whyNoNamespaces } from './lab.ts';

const SAMPLES = ['full-with-drops', 'healthy', 'linux-2.4', 'nearly-full'];
const HOSTS = ['10.29.1.2', '10.29.2.2'];
const PORT = 22022;
/** Where sshd chroots to before somebody has logged in (sshd(8), FILES). */
const PRIVSEP = '/run/sshd';

const why = whyNoNamespaces(['ip', 'parallel', 'ssh', 'ssh-keygen', '/usr/sbin/sshd', 'unshare']);
const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });

describe.skipIf(why)(`over ssh to two hosts${why ? ` (skipped: ${why})` : ''}`, () => {
  let scratch: string;
  const servers: ChildProcess[] = [];
  const inScratch = (...names: string[]) => path.join(scratch, ...names);
  const nameOf = (n: number) => `spread-${n + 1}`;
  const hadPrivsep = existsSync(PRIVSEP);

  beforeAll(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-spread-'));
    for (const key of ['host', 'user'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', inScratch(key)]);
    copyFileSync(inScratch('user.pub'), inScratch('authorized_keys'));
    writeFileSync(
      inScratch('sshd_config'),
      [
        `Port ${PORT}`,
        `HostKey ${inScratch('host')}`,
        `AuthorizedKeysFile ${inScratch('authorized_keys')}`,
        `PidFile none`,
        'PermitRootLogin prohibit-password',
        'PasswordAuthentication no',
        // The folder above is one that everybody may write to.
        'StrictModes no',
        'UsePAM no',
      ].join('\n'),
    );
    const hostKey = readFileSync(inScratch('host.pub'), 'utf8');
    writeFileSync(inScratch('known_hosts'), HOSTS.map((host) => `[${host}]:${PORT} ${hostKey}`).join(''));
    writeFileSync(
      inScratch('ssh_config'),
      [
        `Host ${HOSTS.join(' ')}`,
        `  Port ${PORT}`,
        '  User root',
        `  IdentityFile ${inScratch('user')}`,
        '  IdentitiesOnly yes',
        `  UserKnownHostsFile ${inScratch('known_hosts')}`,
        '  BatchMode yes\n',
      ].join('\n'),
    );
    mkdirSync(PRIVSEP, { recursive: true, mode: 0o755 });
    for (const [n, host] of HOSTS.entries()) {
      const name = nameOf(n);
      ip('netns', 'add', name);
      ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      ip('addr', 'add', host.replace(/2$/, '1/24'), 'dev', name);
      ip('link', 'set', name, 'up');
      ip('-n', name, 'addr', 'add', `${host}/24`, 'dev', 'eth0');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
      const sshd = ['/usr/sbin/sshd', '-D', '-e', '-f', inScratch('sshd_config')];
      servers.push(
        spawn('ip', ['netns', 'exec', name, ...sshd], {
          stdio: ['ignore', 'ignore', process.env.DEBUG ? 'inherit' : 'ignore'],
        }),
      );
    }
    for (const host of HOSTS) await answering(host);
  });

  afterAll(() => {
    for (const server of servers) server.kill();
    for (const n of HOSTS.keys()) ip('netns', 'del', nameOf(n));
    if (!hadPrivsep) rmSync(PRIVSEP, { recursive: true });
    rmSync(scratch, { recursive: true });
  });

  /** Runs the lines of a shell with GNU parallel at hand, which sends jobs to both hosts. */
  function shell(script: string): string {
    return execFileSync('bash', ['-c', `set -o pipefail\n${script}`], {
      cwd: scratch,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: scratch, PARALLEL_SSH: `ssh -F ${inScratch('ssh_config')}` },
    });
  }

  test('the lines of both are the lines of one, and fleet --from makes the same pages of them', () => {
    mkdirSync(inScratch('bundles'));
    for (const name of SAMPLES)
      copyFileSync(path.join(packageRoot, 'samples', `${name}.tar.gz`), inScratch('bundles', `${name}.tar.gz`));
    const analyse = `'${process.execPath}' '${CLI}' analyse --jsonl`;
    const list = `find '${inScratch('bundles')}' -name '*.tar.gz' | sort`;
    shell(`${list} | ${analyse} > alone.jsonl`);
    shell(`${list} | parallel --pipe -N 1 --sshlogin 1/${HOSTS.join(',1/')} --joblog jobs "${analyse}" > spread.jsonl`);
    const lines = (file: string) => readFileSync(inScratch(file), 'utf8').trimEnd().split('\n').sort();
    expect(lines('spread.jsonl')).toEqual(lines('alone.jsonl'));
    const jobs = readFileSync(inScratch('jobs'), 'utf8').trimEnd().split('\n').slice(1);
    expect([...new Set(jobs.map((job) => job.split('\t')[1]))].sort()).toEqual(HOSTS);

    const fleet = (input: string, out: string) => {
      shell(`'${process.execPath}' '${CLI}' fleet ${input} --out ${out} --format html,csv,json`);
      const { hosts } = JSON.parse(readFileSync(inScratch(out, 'fleet.json'), 'utf8'));
      // Where they were read from differs, and in the table too.
      return hosts.map(({ input: _, ...host }: { input: string; name?: string }) => host);
    };
    const spread = fleet('--from spread.jsonl', 'spread');
    expect(spread).toHaveLength(SAMPLES.length);
    expect(spread).toEqual(fleet('bundles', 'alone'));
    for (const { page } of spread) expect(existsSync(inScratch('spread', page))).toBe(true);
  });
});

/** Waits until something listens there. */
async function answering(host: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host, port: PORT });
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(100);
  }
  throw new Error(`no sshd answers at ${host}`);
}
