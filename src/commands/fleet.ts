import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'puppeteer-core';
import type { Aims } from '../analysis/aims.ts';
import { BundleError } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { Cache, type Capture } from '../fleet/cache.ts';
import { fleetOf, type Paged } from '../fleet/fleet.ts';
import { LabelsError, NO_LABELS, readLabels } from '../fleet/labels.ts';
import { pageNames } from '../fleet/pages.ts';
import { Pool, programKey } from '../fleet/pool.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { Snapshot } from '../fleet/snapshot.ts';
import { digestOf, linesOf, nameOf, type Source } from '../fleet/sources.ts';
import { version } from '../package.ts';
import type { FleetFormat } from '../report/fleet.ts';
import type { Paper } from '../report/index.ts';
import { type Host, hostsOf } from '../timeline/hosts.ts';
import { EXIT } from './exit-codes.ts';
import { isSameFile, writeWhole } from './files.ts';
import { expandInput, nameIn } from './inputs.ts';
import { complaint, failed } from './messages.ts';
import { noSandboxWarning, terminal } from './outputs.ts';
import { openProgress, type Progress } from './progress.ts';

export interface FleetOptions {
  out: string;
  formats: FleetFormat[];
  paper: Paper;
  browser: string | undefined;
  aims: Aims;
  limits?: Limits | undefined;
  workers: number;
  /** Files that `analyse --jsonl` wrote. */
  from: string[];
  /** A CSV file with labels, if there is one. */
  labels: string | undefined;
  /** The label that groups the hosts; undefined: the first column. */
  groupBy: string | undefined;
}

/** A source with the digest of what it was when this run began. */
interface Known {
  source: Source;
  digest: string;
}

/** A source that could be read, under its name. */
interface Read extends Known {
  name: string;
  snapshot: Snapshot;
  /** Which of the source's analyses it is of. */
  at: number;
}

type Result = { captures: Capture[] } | { error: string };

/**
 * Analyses the bundles in folders, and writes an index of all hosts with a page for each. What was analysed before, by the same version
 * with the same options, is not read again.
 *
 * @param folders  folders of bundles, at any depth, or bundles
 * @returns exit code
 */
export async function fleet(folders: string[], options: FleetOptions): Promise<number> {
  const labels = labelsOf(options);
  if (typeof labels === 'string') {
    return failed(EXIT.usage, labels);
  }
  const run = new Run(options);
  await run.open();
  try {
    const { read, unread } = await run.read(folders);
    const hosts = hostsOf(read.map(({ name, snapshot }) => ({ name, analysis: snapshot })));
    const paged = await run.pages(hosts, read);
    await run.write(fleetOf(paged, { labels, unread }, version));
    await run.prune();
    return run.exit;
  } finally {
    await run.close();
  }
}

/** The labels, or what is wrong with them. */
function labelsOf({ labels: file, groupBy }: FleetOptions) {
  try {
    const labels = file === undefined ? NO_LABELS : readLabels(file);
    if (groupBy === undefined || labels.columns.includes(groupBy)) return labels;
    return `--group-by ${groupBy}: expected one of the labels${labels.columns.length > 0 ? `, ${labels.columns.join(', ')}` : ' of --labels'}`;
  } catch (error) {
    if (error instanceof LabelsError) return error.message;
    throw error;
  }
}

/** One run, with what it holds open. */
class Run {
  exit: number = EXIT.ok;
  readonly #options: FleetOptions;
  readonly #cache: Cache;
  readonly #key: unknown;
  readonly #pool: Pool;
  /** Sources that this run read, and all that there are. */
  #analysed = 0;
  #sources = 0;
  readonly #results = new Map<string, Promise<Result>>();
  #progress: Progress | undefined;
  readonly #ended = (signal: NodeJS.Signals) => {
    this.#cache.close();
    // As if nobody had listened; workers end with the channel to this process.
    process.kill(process.pid, signal);
  };

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#key = [programKey(), options.aims, options.limits];
    this.#cache = new Cache(options.out, this.#key);
    this.#pool = new Pool({ workers: options.workers });
  }

  async open(): Promise<void> {
    await this.#cache.open();
    process.once('SIGINT', this.#ended);
    process.once('SIGTERM', this.#ended);
  }

  async close(): Promise<void> {
    this.#progress?.stop();
    await this.#pool.close();
    process.removeListener('SIGINT', this.#ended);
    process.removeListener('SIGTERM', this.#ended);
    this.#cache.close();
  }

  #fail(code: number, message: string): void {
    this.#print(process.stderr, complaint(message));
    // A bad input is the more telling failure: what could be written was.
    this.exit = this.exit === EXIT.input ? this.exit : code;
  }

  #print(stream: NodeJS.WriteStream, text: string): void {
    if (this.#progress) this.#progress.print(stream, text);
    else stream.write(text);
  }

  /** Reads all that there is; what cannot be read is named. */
  async read(folders: readonly string[]): Promise<{ read: Read[]; unread: Fleet['unread'] }> {
    const unread: Fleet['unread'] = [];
    const attempt = async (input: string, work: () => Promise<void>) => {
      try {
        await work();
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
        this.#unread(unread, input, error.message);
      }
    };
    const ours = path.resolve(this.#options.out, 'fleet.json');
    const paths: string[] = [];
    for (const folder of folders) {
      await attempt(folder, async () => {
        const found = await expandInput(folder, { deep: true });
        paths.push(...found.filter((each) => path.resolve(each) !== ours));
      });
    }
    const lines: Known[] = [];
    for (const file of this.#options.from) {
      await attempt(file, async () => {
        for await (const { source, digest, failed } of linesOf(file)) {
          if (failed) this.#unread(unread, failed.input, failed.error);
          else lines.push({ source, digest });
        }
      });
    }
    this.#progress = await openProgress(paths.length + lines.length);
    const results: Promise<Known & { got: Result }>[] = [];
    const begin = (known: Known) => results.push(this.#result(known).then((got) => ({ ...known, got })));
    for (const each of paths) {
      // The first are analysed while the others are looked up.
      await attempt(each, async () => void begin({ source: { path: each }, digest: await digestOf(each) }));
    }
    for (const line of lines) begin(line);
    this.#sources = results.length;
    const read: Read[] = [];
    for (const { got, ...known } of await Promise.all(results)) {
      const name = nameOf(known.source);
      if ('error' in got) this.#unread(unread, name, got.error);
      else {
        for (const capture of got.captures) {
          if ('error' in capture) this.#unread(unread, nameIn(name, capture.inner), capture.error);
          else read.push({ ...known, ...capture, name: nameIn(name, capture.inner) });
        }
      }
    }
    return { read, unread };
  }

  #unread(unread: Fleet['unread'], input: string, reason: string): void {
    unread.push({ input, reason });
    this.#fail(EXIT.input, reason);
  }

  /** What is known of a source from before, or what a worker finds; of two that are the same, once. */
  async #result({ source, digest }: Known): Promise<Result> {
    let result = this.#results.get(digest);
    if (!result) {
      const known = this.#cache.captures(digest);
      if (!known) this.#analysed++;
      const { place } = this.#cache;
      result = known
        ? Promise.resolve({ captures: known })
        : this.#pool.captures({ source, digest, place, ...this.#reading });
      this.#results.set(digest, result);
    }
    const got = await result;
    this.#progress?.step(nameOf(source));
    return got;
  }

  /** Makes the page of each host, unless it is there. */
  async pages(hosts: readonly Host<Snapshot>[], read: readonly Read[]): Promise<Paged[]> {
    if (!this.#options.formats.includes('html')) return hosts.map((host) => ({ host, page: undefined }));
    const { out, paper } = this.#options;
    const before = this.#madePages();
    const byName = new Map(read.map((each) => [each.name, each]));
    const names = pageNames(hosts);
    const pages: Record<string, string> = {};
    const paged = await Promise.all(
      hosts.map(async (host, at): Promise<Paged> => {
        const { source, digest, at: analysis } = byName.get(host.snapshots.at(-1)?.name ?? '') as Read;
        const made = `${digest} ${analysis}`;
        const page = `hosts/${names[at]}`;
        const file = path.join(out, 'hosts', names[at] ?? '');
        if (before.isCurrent && before.pages[page] === made && existsSync(file)) {
          pages[page] = made;
          return { host, page };
        }
        const failure = await this.#pool.page({
          source,
          digest,
          place: this.#cache.place,
          ...this.#reading,
          at: analysis,
          file,
          paper,
        });
        if (failure) {
          this.#fail(EXIT.failed, failure.error);
          return { host, page: undefined };
        }
        pages[page] = made;
        return { host, page };
      }),
    );
    for (const page of Object.keys(before.pages)) {
      if (!(page in pages) && /^hosts\/[^/\\]+\.html$/.test(page)) await rm(path.join(out, page), { force: true });
    }
    writeWhole(this.#cache.pagesFile, JSON.stringify({ key: this.#pageKey(), pages }), this.#cache.place.parts);
    return paged;
  }

  /** How sources are read. */
  get #reading(): { aims: Aims; limits?: Limits | undefined } {
    const { aims, limits } = this.#options;
    return { aims, limits };
  }

  #pageKey(): string {
    return JSON.stringify([this.#key, this.#options.paper]);
  }

  /** The pages of the run before, by their digests; none where that is not known. */
  #madePages(): { isCurrent: boolean; pages: Record<string, string> } {
    try {
      const { key, pages } = JSON.parse(readFileSync(this.#cache.pagesFile, 'utf8'));
      return { isCurrent: key === this.#pageKey(), pages: Object(pages) };
    } catch {
      return { isCurrent: false, pages: {} };
    }
  }

  /** Writes the index in every format that was asked for. */
  async write(fleet: Fleet): Promise<void> {
    const { out, formats, paper, groupBy, from, labels } = this.#options;
    const { FLEET_FILES, openFleetRenderer } = await import('../report/fleet.ts');
    const render = openFleetRenderer(fleet, { paper, groupBy: groupBy ?? fleet.labels[0] });
    const written: string[] = [];
    for (const format of formats) {
      const file = path.join(out, FLEET_FILES[format]);
      try {
        if ([...from, ...(labels === undefined ? [] : [labels])].some((input) => isSameFile(input, file)))
          throw new Error('it is an input; take another --out');
        const content = format === 'pdf' ? await this.#printed(render.pdf) : await render.text(format);
        writeWhole(file, content, this.#cache.place.parts);
        written.push(file);
      } catch (error) {
        this.#fail(EXIT.failed, `${file} was not written: ${(error as Error).message}`);
      }
    }
    this.#print(process.stdout, await render.summary(terminal()));
    const before = this.#analysed < this.#sources ? '; the others are known from before' : '';
    this.#print(process.stdout, `\nAnalysed ${this.#analysed} of ${this.#sources} inputs${before}.\n`);
    if (written.length > 0)
      this.#print(process.stdout, `\nWritten\n${written.map((file) => `  ${file}\n`).join('')}\n`);
  }

  async #printed(print: (browser: Browser) => Promise<Buffer>): Promise<Buffer> {
    const { openBrowser } = await import('../report/browser.ts');
    const { browser, noSandbox } = await openBrowser(this.#options.browser);
    if (noSandbox !== undefined) this.#print(process.stderr, complaint(noSandboxWarning(noSandbox)));
    try {
      return await print(browser);
    } finally {
      await browser.close();
    }
  }

  async prune(): Promise<void> {
    await this.#cache.prune();
  }
}
