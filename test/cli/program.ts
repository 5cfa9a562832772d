/** The program as a user runs it, in a folder of its own and as `conntrack-report` on PATH. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../src/package.ts';

/** The program, as built: what Node is to run. */
export const CLI = path.join(packageRoot, 'dist', 'cli.cjs');

/** Bundles that the tests of the command line read. */
export const SAMPLES = path.join(packageRoot, 'samples');

/** A folder, in which programs run, and which goes with the test. */
export function openFolder(name: string) {
  const top = mkdtempSync(path.join(tmpdir(), `conntrack-report-${name}-`));
  const bin = path.join(top, 'bin');
  const folder = path.join(top, 'work');
  for (const each of [bin, folder]) mkdirSync(each);
  const program = (called: string, script: string) =>
    writeFileSync(path.join(bin, called), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  program('conntrack-report', `exec "${process.execPath}" "${CLI}" "$@"`);
  // What the program keeps for later runs is no part of what a test looks at.
  const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  const env = {
    ...process.env,
    NO_COLOR: '1',
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    XDG_CACHE_HOME: cache,
  };
  return {
    folder,
    env,
    /** Puts another program on PATH. */
    program,
    /** Runs a line in a shell. */
    shell(
      line: string,
      options: {
        shell?: string;
        input?: string | Buffer;
        cwd?: string;
        timeout?: number;
        env?: Record<string, string>;
      } = {},
    ) {
      const { status, stdout, stderr } = spawnSync(options.shell ?? 'bash', ['-c', line], {
        cwd: options.cwd ?? folder,
        env: { ...env, ...options.env },
        encoding: 'utf8',
        timeout: options.timeout ?? 50_000,
        input: options.input ?? '',
      });
      return { status, stdout, stderr };
    },
    remove: () => rmSync(top, { recursive: true }),
  };
}
