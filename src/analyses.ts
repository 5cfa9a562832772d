/** From an input to its analyses: of a bundle they are made, what `report --format json` wrote is read. */
import { readFile, stat } from 'node:fs/promises';
import type { Aims } from './analysis/aims.ts';
import type { Analysis } from './analysis/schema.ts';
import { BundleError, inputName } from './bundle/bundle.ts';
import type { Limits } from './bundle/limits.ts';
import { version } from './package.ts';
import { readSnapshots } from './snapshot/read.ts';

/** Analysis JSON of ten million entries is under a megabyte. */
export const MAX_JSON_BYTES = 64 * 1024 * 1024;

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
 * @param options.onRead   is told again and again how many bytes of the input were read, if that is known, and of the table that is being read
 * @throws {BundleError} if it is neither; a capture within an archive that cannot be read is an `error` beside the others
 */
export async function analysesOf(
  input: string,
  options: {
    aims?: Aims;
    whatIf?: Readonly<Record<string, number>>;
    onRead?: (packedBytes: number, tableBytes: number) => void;
    limits?: Limits | undefined;
  } = {},
): Promise<Analysed[]> {
  if (input.endsWith('.json')) return [{ name: input, analysis: await readAnalysis(input) }];
  const { onRead, limits, ...forAnalysis } = options;
  const [captured, { analyse }] = await Promise.all([
    readSnapshots(input, { limits, ...(onRead && { onRead }) }),
    import('./analysis/analyse.ts'),
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
    throw new BundleError(`${name} cannot be read: ${error.message}`, { cause: error });
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
  const { analysisSchema } = await import('./analysis/schema.ts');
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
