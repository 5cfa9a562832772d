/** Where an analysis comes from, and what tells that it is the same as before. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { type Analysed, analysesOf, MAX_JSON_BYTES, parseAnalysis } from '../analyses.ts';
import type { Aims } from '../analysis/aims.ts';
import { BundleError } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';

/** A bundle or Analysis JSON of its own, or a line of what `analyse --jsonl` wrote. */
export type Source = { path: string } | { file: string; line: number; at: number; bytes: number };

/** How messages and reports call a source. */
export function nameOf(source: Source): string {
  return 'path' in source ? source.path : `${source.file}, line ${source.line}`;
}

/**
 * Analyses the captures of a source, or reads the analysis that it is.
 *
 * @throws {BundleError} if it is neither
 */
export async function analysesFrom(
  source: Source,
  options: { aims: Aims; limits?: Limits | undefined },
): Promise<Analysed[]> {
  if ('path' in source) return analysesOf(source.path, options);
  if (source.bytes > MAX_JSON_BYTES)
    throw new BundleError(`${nameOf(source)} is longer than any analysis: ${source.bytes} bytes.`);
  const file = await open(source.file);
  try {
    const { buffer } = await file.read(Buffer.alloc(source.bytes), 0, source.bytes, source.at);
    const name = nameOf(source);
    return [{ name, analysis: await parseAnalysis(buffer.toString('utf8'), name) }];
  } finally {
    await file.close();
  }
}

const BLOCK = 1 << 20;
const block = Buffer.alloc(BLOCK);

/**
 * SHA-256 of a file's content; of a folder, of the names, sizes and times of the files in it.
 *
 * @throws {BundleError} if it cannot be read
 */
export async function digestOf(input: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    const stats = statSync(input);
    if (!stats.isDirectory() && !stats.isFile()) throw new Error('it is neither a file nor a folder');
    if (stats.isDirectory()) await digestTree(input, '', (text) => hash.update(text));
    // For a small file the detour through a stream would take longer than the digest.
    else if (stats.size <= BLOCK) hash.update(readSmall(input));
    else for await (const chunk of createReadStream(input, { highWaterMark: BLOCK })) hash.update(chunk);
  } catch (error) {
    throw new BundleError(`${input} cannot be read: ${(error as Error).message}`);
  }
  return hash.digest('hex');
}

function readSmall(file: string): Uint8Array {
  const descriptor = openSync(file, 'r');
  try {
    return block.subarray(0, readSync(descriptor, block, 0, BLOCK, 0));
  } finally {
    closeSync(descriptor);
  }
}

async function digestTree(folder: string, below: string, update: (text: string) => void): Promise<void> {
  const entries = await readdir(path.join(folder, below), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.join(below, entry.name);
    if (entry.isDirectory()) await digestTree(folder, name, update);
    else if (entry.isFile()) {
      // A file that could not be read has another time of change once it can be.
      const { size, mtimeMs, ctimeMs } = await lstat(path.join(folder, name));
      update(`${JSON.stringify([name, size, mtimeMs, ctimeMs])}\n`);
    }
  }
}

/** A line of a file, its digest, and, if it says why there is no analysis, what it says. */
export interface Line {
  source: Source;
  digest: string;
  failed?: { input: string; error: string };
}

/** Longer than any message of a line that failed. */
const HEAD_BYTES = 64 * 1024;

/**
 * Yields the lines of a file that `analyse --jsonl` wrote, without keeping any.
 *
 * @throws {BundleError} if the file cannot be read
 */
export async function* linesOf(file: string): AsyncGenerator<Line> {
  const NEWLINE = 0x0a;
  let [line, at, start] = [0, 0, 0];
  let hash = createHash('sha256');
  let head: Uint8Array[] = [];
  let headBytes = 0;
  const take = (part: Uint8Array) => {
    hash.update(part);
    if (headBytes < HEAD_BYTES) head.push(Buffer.from(part.subarray(0, HEAD_BYTES - headBytes)));
    headBytes += part.length;
  };
  const finish = (end: number): Line | undefined => {
    line++;
    const text = Buffer.concat(head).toString('utf8');
    const found: Line = { source: { file, line, at: start, bytes: end - start }, digest: hash.digest('hex') };
    [hash, head, headBytes, start] = [createHash('sha256'), [], 0, end + 1];
    if (text.trim() === '') return undefined;
    const failed = failureOf(text);
    return failed ? { ...found, failed } : found;
  };
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: BLOCK }) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        take(chunk.subarray(from, end));
        const found = finish(at + end);
        if (found) yield found;
        from = end + 1;
      }
      take(chunk.subarray(from));
      at += chunk.length;
    }
  } catch (error) {
    throw new BundleError(`${file} cannot be read: ${(error as Error).message}`);
  }
  const rest = finish(at);
  if (rest) yield rest;
}

function failureOf(text: string): Line['failed'] {
  if (!/^\s*\{\s*"(?:error|input)"/.test(text)) return undefined;
  try {
    const { error, input } = JSON.parse(text);
    return typeof error === 'string' && typeof input === 'string' ? { error, input } : undefined;
  } catch {
    return undefined;
  }
}
