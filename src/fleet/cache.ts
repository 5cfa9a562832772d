/**
 * Results of earlier runs, beside the output: of each source, by its digest, what the fleet keeps of it and the whole analysis, of which
 * a page may be made later, or why it is refused. Other versions and other options have a folder of their own; what the last run did not use
 * is removed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Analysis } from '../analysis/schema.ts';
import { writeWhole } from '../files.ts';
import type { Snapshot } from './snapshot.ts';

/** Of this folder, and of nothing else, files are removed. */
const FOLDER = '.conntrack-report';
const KEY = /^[0-9a-f]{16}$/;
const ENTRY = /^([0-9a-f]{64})\.(?:snapshot\.json|analysis\.json\.gz)$/;
const PART = /^part-(\d+)$/;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** What a worker needs to know to write results where {@link Cache} looks for them. */
export interface CachePlace {
  /** Results of one version and one set of options. */
  folder: string;
  /** What is not yet complete. */
  parts: string;
}

/**
 * What a fleet keeps of a capture, with the number of its analysis among those of its source, or why it cannot be read; `inner` is which
 * archive it is in an archive of archives.
 */
export type Capture = { inner?: string; snapshot: Snapshot; at: number } | { inner: string; error: string };

/** Why a source is refused for what is in it, in words that name it. */
export interface Refusal {
  name: string;
  error: string;
}

/** Writes why a source is refused. */
export function keepRefusal(place: CachePlace, digest: string, refusal: Refusal): void {
  writeSummed(place, digest, refusal);
}

function writeSummed(place: CachePlace, digest: string, content: Capture[] | Refusal): void {
  const text = JSON.stringify(content);
  writeWhole(snapshotFile(place, digest), `${sha256(text)}\n${text}\n`, place.parts);
}

/** Writes what came of a source; what the fleet keeps comes last, as it stands for both. */
export function keep(place: CachePlace, digest: string, analyses: readonly Analysis[], captures: Capture[]): void {
  writeWhole(analysisFile(place, digest), gzipSync(JSON.stringify(analyses), { level: 1 }), place.parts);
  writeSummed(place, digest, captures);
}

/** The whole analyses, or undefined where they were removed or damaged. */
export function keptAnalyses(place: CachePlace, digest: string): Analysis[] | undefined {
  try {
    // Its checksum is that of gzip.
    return JSON.parse(gunzipSync(readFileSync(analysisFile(place, digest))).toString('utf8'));
  } catch {
    return undefined;
  }
}

const analysisFile = ({ folder }: CachePlace, digest: string) => path.join(folder, `${digest}.analysis.json.gz`);
const snapshotFile = ({ folder }: CachePlace, digest: string) => path.join(folder, `${digest}.snapshot.json`);

export class Cache {
  readonly place: CachePlace;
  /** Which pages the last run made, of what. */
  readonly pagesFile: string;
  readonly #top: string;
  readonly #used = new Set<string>();

  /**
   * @param out  folder of the output
   * @param key  all that the results depend on besides their source
   */
  constructor(out: string, key: unknown) {
    this.#top = path.join(out, FOLDER);
    this.pagesFile = path.join(this.#top, 'pages.json');
    this.place = {
      folder: path.join(this.#top, sha256(JSON.stringify(key)).slice(0, 16)),
      parts: path.join(this.#top, `part-${process.pid}`),
    };
  }

  /** @throws the error of the file system if nothing can be written there */
  async open(): Promise<void> {
    await mkdir(this.place.folder, { recursive: true });
    for (const name of await readdir(this.#top)) {
      const [, pid] = PART.exec(name) ?? [];
      if (pid !== undefined && !isRunning(Number(pid)))
        await rm(path.join(this.#top, name), { recursive: true, force: true });
    }
    await mkdir(this.place.parts, { recursive: true });
  }

  /** What is known of a source; undefined if it was never analysed, or the record of it is damaged. */
  known(digest: string): { captures: Capture[] } | Refusal | undefined {
    this.#used.add(digest);
    let text: string;
    try {
      text = readFileSync(snapshotFile(this.place, digest), 'utf8');
    } catch {
      return undefined;
    }
    const [sum, json = ''] = text.split('\n');
    if (sum !== sha256(json)) return undefined;
    // The sum is that of what this very program wrote.
    const content: Capture[] | Refusal = JSON.parse(json);
    if (!Array.isArray(content)) return content;
    return existsSync(analysisFile(this.place, digest)) ? { captures: content } : undefined;
  }

  /** Removes what this run had no use for. */
  async prune(): Promise<void> {
    for (const folder of await readdir(this.#top)) {
      if (!KEY.test(folder)) continue;
      const isOurs = folder === path.basename(this.place.folder);
      for (const name of await readdir(path.join(this.#top, folder))) {
        const [, digest = ''] = ENTRY.exec(name) ?? [];
        if (digest !== '' && !(isOurs && this.#used.has(digest))) await rm(path.join(this.#top, folder, name));
      }
      if (!isOurs) await rmdir(path.join(this.#top, folder)).catch(() => {});
    }
  }

  /** Removes what is not complete. At once, so that a signal can be answered with it. */
  close(): void {
    rmSync(this.place.parts, { recursive: true, force: true, maxRetries: 3 });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
