/** What a user names: bundles, folders of bundles, and analyses that were written as JSON. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Analysis } from '../analysis/schema.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import { isTelling } from '../bundle/layouts/index.ts';
import { ARCHIVE, ENCRYPTED } from '../bundle/names.ts';

/** What makes a folder an unpacked bundle or a plain tree rather than a folder of bundles: one of these, or one folder that has one. */
const IN_A_BUNDLE = new Set([
  'inventory.csv',
  'proc',
  'sys',
  'sos_commands',
  'insights_commands',
  'systeminfo',
  'sysctls',
]);

/**
 * Lists the inputs that a name stands for: itself, or, of a folder that is no bundle, the archives, the JSON files and the unpacked
 * bundles in it, by name. Encrypted archives are among them: whoever reads one is told how to open it.
 *
 * @param options.deep  with those in folders of that folder, and so on; what is hidden is left out
 * @throws {BundleError} if there is no such file, or nothing in the folder that could be read
 */
export async function expandInput(input: string, options: { deep?: boolean } = {}): Promise<string[]> {
  if (input === '-' || !(await isFolder(input)) || (await isBundle(input))) return [input];
  const found = await bundlesIn(input, options.deep === true);
  if (found.length === 0) {
    throw new BundleError(
      `${inputName(input)} holds no bundle: expected .tar.gz, .tar.xz, .tar.bz2, .tar.zst, .tar or .json files, or unpacked bundles.`,
    );
  }
  return found;
}

async function bundlesIn(folder: string, deep: boolean): Promise<string[]> {
  const found: string[] = [];
  for (const entry of (await entriesOf(folder)).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = path.join(folder, entry.name);
    if (entry.isFile() && [ARCHIVE, ENCRYPTED, /\.json$/].some((name) => name.test(entry.name))) found.push(file);
    else if (!entry.isDirectory() || (deep && entry.name.startsWith('.'))) continue;
    // What cannot be listed is reported when it is read.
    else if (await isBundle(file).catch(() => true)) found.push(file);
    else if (deep) found.push(...(await bundlesIn(file, deep)));
  }
  return found;
}

/** What the user names may be a link; what lies in a folder is taken as it is. */
async function isFolder(input: string): Promise<boolean> {
  return (await stat(input).catch(() => undefined))?.isDirectory() === true;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  return await readdir(folder, { withFileTypes: true }).catch((error: Error) => {
    throw new BundleError(`${inputName(folder)} cannot be listed: ${error.message}`);
  });
}

async function isBundle(folder: string): Promise<boolean> {
  const entries = await entriesOf(folder);
  if (entries.some((entry) => IN_A_BUNDLE.has(entry.name) || (entry.isFile() && isTelling(entry.name)))) return true;
  const [only, ...others] = entries;
  if (!only?.isDirectory() || others.length > 0) return false;
  return (await entriesOf(path.join(folder, only.name))).some(({ name }) => IN_A_BUNDLE.has(name));
}

/** What messages say of an analysis that was read. */
export function toldOf(name: string, { bundle, host }: Analysis): string {
  const size = bundle.bytes === undefined ? '' : `, ${bundle.bytes} bytes`;
  const of = host.hostname === undefined ? '' : `, of ${host.hostname.value}`;
  const at = host.capturedAt === undefined ? '' : `, captured ${host.capturedAt.value}`;
  return `${name} is read as ${bundle.layout}${size}${of}${at}`;
}

/** How much there is to be read of an input, for an estimate: bytes of a file; of what cannot be told, as much as of a small one. */
export async function weightOf(input: string): Promise<number> {
  const stats = await stat(input).catch(() => undefined);
  return Math.max(SMALL_BYTES, stats?.isFile() ? stats.size : 0);
}

const SMALL_BYTES = 100_000;
