import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
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
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import * as tar from 'tar-stream';
import { afterAll, it } from 'vitest';
import { packageRoot } from '../../src/package.ts';

export const script = path.join(packageRoot, 'src/collector/collect.sh');
const isRoot = process.getuid?.() === 0;
export const nobody = 65534;

/** The shells that the collector promises to run in, and how each is called. */
export const shells: [name: string, command: [string, ...string[]]][] = [
  ['dash', ['dash']],
  ['busybox ash', ['busybox', 'sh']],
  ['bash', ['bash']],
  ['bash --posix', ['bash', '--posix']],
  ['mksh', ['mksh']],
];

export function has(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
}

/** Why a test cannot run here; undefined where it can. */
export function missing(...needs: ('root' | 'table' | 'netns' | 'mounts' | (string & {}))[]): string | undefined {
  for (const need of needs) {
    if (need === 'root') {
      if (!isRoot) return 'needs root';
    } else if (need === 'table') {
      if (!existsSync('/proc/net/nf_conntrack')) return 'needs a kernel with /proc/net/nf_conntrack';
    } else if (need === 'netns') {
      if (spawnSync('unshare', ['-n', 'true']).status !== 0) return 'needs the right to make network namespaces';
    } else if (need === 'mounts') {
      // Containers and chroots often deny it, to root too.
      if (spawnSync('unshare', ['-m', 'true']).status !== 0)
        return 'needs the right to mount in a namespace of its own';
    } else if (!has(need)) return `needs ${need}`;
  }
  return undefined;
}

const folders: string[] = [];
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

/** A folder that everybody may write to, which goes when the tests of the file are over. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'collect test '));
  folders.push(made);
  chmodSync(made, 0o777);
  return made;
}

/** Runs a test under its name, or skips it and says in its name why. */
export function test(
  name: string,
  reason: string | undefined,
  body: () => Promise<void> | void,
  timeout?: number,
): void {
  if (reason) it.skip(`${name} (skipped: ${reason})`, body);
  else it(name, body, timeout);
}

export interface Run {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

export interface Start {
  cwd: string;
  env?: Record<string, string>;
  input?: string;
  /** Runs as this user. */
  uid?: number;
}

export interface Started {
  child: ChildProcess;
  done: Promise<Run>;
  /** In the environment of every process that comes of it. */
  mark: string;
}

export function start(command: string[], options: Start): Started {
  const mark = `COLLECT_TEST=${randomUUID()}`;
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, COLLECT_TEST: mark.slice('COLLECT_TEST='.length), ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk) => stdout.push(chunk));
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const done = new Promise<Run>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) =>
      resolve({ status, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    );
  });
  return { child, done, mark };
}

export function run(command: string[], options: Start): Promise<Run> {
  return start(command, options).done;
}

/** Processes that came of a start and are still there. A zombie has no environment, so it does not count. */
export function survivors(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
}

export async function until(condition: () => boolean, what: string, milliseconds = 15_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A folder for PATH that holds just these tools; a text is a program to put there, true the real tool. */
export function toolFolder(tools: Record<string, true | string>): string {
  const made = folder();
  for (const [name, content] of Object.entries(tools)) {
    const place = path.join(made, name);
    if (content === true) {
      const real = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
      if (real.startsWith('/')) symlinkSync(real, place);
    } else {
      writeFileSync(place, content, { mode: 0o755 });
    }
  }
  return made;
}

/** The command that runs another one with a folder of ours in place of each of those of the host. */
export function withFolders(folders: Record<string, string>, command: string[]): string[] {
  const mounts = Object.entries(folders);
  const steps = `for i in ${mounts.map(([place]) => place).join(' ')}; do mount --bind "$1" $i && shift || exit; done; exec "$@"`;
  return ['unshare', '-m', 'sh', '-c', steps, 'sh', ...mounts.map(([, folder]) => folder), ...command];
}

/** Writes files of a made-up host, to be mounted over /proc. */
export function fakeTree(files: Record<string, string>): string {
  const made = folder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.join(made, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(made, name), content);
  }
  return made;
}

interface InventoryLine {
  path: string;
  source: string;
  status: string;
  reason: string;
  start: string;
  seconds: string;
  bytes: string;
  digest: string;
}

export interface Bundle {
  top: string;
  names: string[];
  files: Map<string, Buffer>;
  manifest: Record<string, string>;
  inventory: InventoryLine[];
  text(name: string): string;
  line(name: string): InventoryLine;
}

/** Reads a bundle, and checks all that holds for every bundle. */
export async function readBundle(archive: Buffer): Promise<Bundle> {
  const files = new Map<string, Buffer>();
  const names: string[] = [];
  const tops = new Set<string>();
  const extract = tar.extract();
  extract.end(gunzipSync(archive));
  for await (const entry of extract) {
    const [top = '', ...rest] = entry.header.name.split('/');
    tops.add(top);
    if (entry.header.type !== 'file') throw new Error(`${entry.header.name} is a ${entry.header.type}`);
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const name = rest.join('/');
    if (files.has(name)) throw new Error(`${name} is there twice`);
    files.set(name, Buffer.concat(chunks));
    names.push(name);
  }
  const [top = ''] = tops;
  if (tops.size !== 1) throw new Error(`${tops.size} top folders`);
  if (names[0] !== 'manifest.csv') throw new Error(`the first member is ${names[0]}`);
  if (names.at(-1) !== 'inventory.csv') throw new Error(`the last member is ${names.at(-1)}`);

  const text = (name: string) => {
    const content = files.get(name);
    if (!content) throw new Error(`${name} is not in the bundle`);
    return content.toString();
  };
  const inventory: InventoryLine[] = parse(text('inventory.csv'), { columns: true });
  const rows: { key: string; value: string }[] = parse(text('manifest.csv'), { columns: true });
  checkInventory(inventory, files);
  checkWithTar(archive, top, names);
  return {
    top,
    names,
    files,
    manifest: Object.fromEntries(rows.map(({ key, value }) => [key, value])),
    inventory,
    text,
    line: (name) => {
      const found = inventory.find((line) => line.path === name);
      if (!found) throw new Error(`${name} is not in the inventory`);
      return found;
    },
  };
}

function checkInventory(inventory: InventoryLine[], files: Map<string, Buffer>): void {
  const listed = new Set<string>();
  for (const line of inventory) {
    if (!['captured', 'absent', 'denied', 'cut', 'failed'].includes(line.status)) {
      throw new Error(`${line.path} has the status ${line.status}`);
    }
    if ((line.status === 'captured') !== (line.reason === '')) throw new Error(`${line.path}: reason "${line.reason}"`);
    if (!/^\d+\.\d\d$/.test(line.start) || !/^\d+\.\d\d$/.test(line.seconds)) throw new Error(`${line.path}: times`);
    if (listed.has(line.path)) throw new Error(`${line.path} is listed twice`);
    listed.add(line.path);
    const content = files.get(line.path);
    if (!content) {
      if (line.status === 'captured' || line.digest !== '') throw new Error(`${line.path} is listed, but not there`);
      continue;
    }
    if (!['captured', 'cut'].includes(line.status)) throw new Error(`${line.path} is there, but ${line.status}`);
    if (Number(line.bytes) !== content.length)
      throw new Error(`${line.path}: ${line.bytes} bytes, not ${content.length}`);
    if (line.digest.startsWith('sha256:')) {
      const digest = createHash('sha256').update(content).digest('hex');
      if (line.digest !== `sha256:${digest}`) throw new Error(`${line.path}: wrong digest`);
    } else if (line.digest.startsWith('cksum:')) {
      const [sum] = spawnSync('cksum', { input: content, encoding: 'utf8' }).stdout.split(' ');
      if (line.digest !== `cksum:${sum}`) throw new Error(`${line.path}: wrong checksum`);
    } else if (line.digest !== '') {
      throw new Error(`${line.path}: digest ${line.digest}`);
    }
  }
  for (const name of files.keys()) {
    if (!listed.has(name) && !['manifest.csv', 'inventory.csv'].includes(name))
      throw new Error(`${name} is not listed`);
  }
}

/** What tar-stream reads, tar and busybox tar must read as well, without a word. */
function checkWithTar(archive: Buffer, top: string, names: string[]): void {
  for (const command of [['tar'], ['busybox', 'tar']]) {
    const [file = '', ...args] = [...command, '-tzf', '-'];
    if (!has(file)) continue;
    const result = spawnSync(file, args, { input: archive, encoding: 'utf8' });
    const expected = names.map((name) => `${top}/${name}\n`).join('');
    if (result.status !== 0 || result.stderr !== '' || result.stdout !== expected) {
      throw new Error(`${command.join(' ')} does not read the bundle: ${result.stderr}`);
    }
  }
}
