/** Runs the part of the collector that makes pseudonyms by itself, with each awk. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { script } from './harness.ts';

const [, program = ''] = readFileSync(script, 'utf8').match(/^PSEUDONYMS='\n([\s\S]*?)'$/m) ?? [];

/** The awks that it has to run in. */
export const awks: [name: string, command: [string, ...string[]]][] = [
  ['mawk', ['mawk']],
  ['gawk', ['gawk']],
  ['gawk --posix', ['gawk', '--posix']],
  ['busybox awk', ['busybox', 'awk']],
];

export const KEY = '3f0c5a1e97d2b486e1a07c6d5948bf2310fe8da7c6b5429381706f5e4d3c2b1a';
export const HOST = 'gw-west-3.example.net';

export interface Hide {
  mode: 'start' | 'text' | 'table' | 'files';
  awk: string[];
  key?: string;
  host?: string;
  cwd?: string;
}

/** What it prints for these lines. */
export function hide(lines: readonly string[], { mode, awk, key = KEY, host = HOST, cwd = '/' }: Hide): string[] {
  const [file = '', ...args] = [...awk, '-v', `mode=${mode}`, '-v', 'from=../tree', program];
  const input = [key, host, ...lines, ''].join('\n');
  const env = { PATH: process.env.PATH, LC_ALL: 'C' };
  const { status, stdout, stderr } = spawnSync(file, args, { input, cwd, env, encoding: 'latin1', maxBuffer: 1 << 30 });
  if (status !== 0 || stderr !== '') throw new Error(`${file} ended with ${status}: ${stderr}`);
  return stdout.split('\n').slice(0, -1);
}

/** The eight numbers of an IPv6 address in any spelling, read by the URL parser of the platform. */
export function hextets(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const numbers = (part: string) => (part === '' ? [] : part.split(':').map((digits) => Number.parseInt(digits, 16)));
  const [before, after] = [numbers(head), numbers(tail ?? '')];
  return [...before, ...new Array(8 - before.length - after.length).fill(0), ...after];
}

/** As /proc/net/nf_conntrack prints it. */
export const inFull = (numbers: readonly number[]) =>
  numbers.map((number) => number.toString(16).padStart(4, '0')).join(':');

/** As inet_ntop(3) prints it, but for IPv4 addresses in it. */
export const compressed = (numbers: readonly number[]) =>
  new URL(`http://[${numbers.map((number) => number.toString(16)).join(':')}]/`).hostname.slice(1, -1);
