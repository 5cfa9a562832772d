/** What a user names: bundles, folders of bundles, and analyses that were written as JSON. */
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Aims } from '../analysis/aims.ts';
import type { Analysis } from '../analysis/schema.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import { isTelling } from '../bundle/layouts/index.ts';
import type { Limits } from '../bundle/limits.ts';
import { ARCHIVE, ENCRYPTED } from '../bundle/names.ts';
import { version } from '../package.ts';
import { readSnapshots } from '../snapshot/read.ts';

/** Analysis JSON of ten million entries is under a megabyte. */
export const MAX_JSON_BYTES = 64 * 1024 * 1024;

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

/** The analysis of a capture, or why one that is in an archive of archives cannot be read; `name` is how messages call it. */
export type Analysed =
  | { name: string; inner?: string; analysis: Analysis }
  | { name: string; inner: string; error: string };

/**
 * Analyses the captures of an input, of which an archive of archives has several, or reads the analysis that it is.
 *
 * @param input            path of an archive or a folder, `-` for standard input, or what `report --format json` wrote (.json)
 * @param options.whatIf   timeouts in seconds, by the setting's name without `nf_conntrack_` in front, whose effect is to be worked out
 * @param options.aims     what the recommendation aims at
 * @param options.onTable  is told how many bytes of a table were read, again and again while it is
 * @throws {BundleError} if it is neither; a capture within an archive that cannot be read is an `error` beside the others
 */
export async function analysesOf(
  input: string,
  options: {
    aims?: Aims;
    whatIf?: Readonly<Record<string, number>>;
    onTable?: (bytes: number) => void;
    limits?: Limits | undefined;
  } = {},
): Promise<Analysed[]> {
  if (input.endsWith('.json')) return [{ name: input, analysis: await readAnalysis(input) }];
  const { onTable, limits, ...forAnalysis } = options;
  const [captured, { analyse }] = await Promise.all([
    readSnapshots(input, { limits, ...(onTable && { onTable }) }),
    import('../analysis/analyse.ts'),
  ]);
  return captured.map((capture) => {
    const { inner } = capture;
    const name = nameIn(inputName(input), inner);
    if ('error' in capture) return { name, inner: capture.inner, error: capture.error.message };
    const analysis = analyse(capture.snapshot, version, forAnalysis);
    return { name, ...(inner !== undefined && { inner }), analysis };
  });
}

/** How messages and reports call a capture in an archive of archives. */
export function nameIn(name: string, inner: string | undefined): string {
  return inner === undefined ? name : `${name}: ${inner}`;
}

async function readAnalysis(file: string): Promise<Analysis> {
  const name = inputName(file);
  const stats = await stat(file).catch((error: Error) => {
    throw new BundleError(`${name} cannot be read: ${error.message}`);
  });
  if (stats.size > MAX_JSON_BYTES) throw new BundleError(`${name} is larger than any analysis: ${stats.size} bytes.`);
  return parseAnalysis(await readFile(file, 'utf8'), name);
}

/**
 * Reads Analysis JSON.
 *
 * @param name  how messages call it
 * @throws {BundleError} if it is none
 */
export async function parseAnalysis(json: string, name: string): Promise<Analysis> {
  // Whoever only lists inputs does not need the schema.
  const { analysisSchema } = await import('../analysis/schema.ts');
  let content: unknown;
  try {
    content = JSON.parse(json);
  } catch (error) {
    throw new BundleError(`${name} is no JSON: ${(error as Error).message}`);
  }
  const parsed = analysisSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') || 'top';
  throw new BundleError(
    `${name} is no analysis that this version can read (${where}: ${issue?.message}). Expected what report --format json writes.`,
  );
}

/** Why there is no analysis. What no bundle should be able to cause costs only that bundle, too. */
export function reasonOf(name: string, error: unknown): string {
  return error instanceof BundleError ? error.message : `${name} cannot be analysed: ${(error as Error).message}`;
}
