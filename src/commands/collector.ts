import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../package.ts';

const script = path.join(packageRoot, 'src', 'collector', 'collect.sh');

/** Prints the collector, to be read, sent to a customer, or piped into a remote shell. */
export async function printCollector(): Promise<void> {
  process.stdout.write(await readFile(script));
}

/**
 * Runs the collector on this machine with the options as they were given.
 *
 * @returns the collector's own exit code, 128 and its number when a signal ended it
 */
export function runCollector(args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', [script, ...args], { stdio: 'inherit' });
    child.on('error', (error) => reject(new Error(`collect needs a POSIX shell called sh: ${error.message}`)));
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
