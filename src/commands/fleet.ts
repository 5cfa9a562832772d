import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'puppeteer-core';
import { nameIn } from '../analyses.ts';
import type { Aims } from '../analysis/aims.ts';
import { BundleError } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { beforeEnd } from '../ending.ts';
import { isSameFile, withFile, writeWhole } from '../files.ts';
import { Cache, type Capture, type Refusal } from '../fleet/cache.ts';
import { fleetOf } from '../fleet/fleet.ts';
import { LabelsError, NO_LABELS, readLabels } from '../fleet/labels.ts';
import { pageNames } from '../fleet/pages.ts';
import { Pool, programKey } from '../fleet/pool.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { Snapshot } from '../fleet/snapshot.ts';
import { digestOf, linesOf, nameOf, type Source } from '../fleet/sources.ts';
import { version } from '../package.ts';
import { FLEET_FILES, type FleetFormat, type FleetRenderer } from '../report/fleet.ts';
import { count } from '../report/format.ts';
import type { Paper } from '../report/index.ts';
import type { Input, Presentation } from '../report/presentation.ts';
import { type Host, hostsOf } from '../timeline/hosts.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { expandInput } from './inputs.ts';
import { tellOfBrowser, terminal } from './outputs.ts';
import { type OpenPresentation, openPresentation, type PresentationOptions, presentationOf } from './presentation.ts';
import { openProgress, Progress, type Telling } from './progress.ts';

export interface FleetOptions {
  out: string;
  formats: FleetFormat[];
  paper: Paper;
  browser: string | undefined;
  aims: Aims;
  limits?: Limits | undefined;
  presentation: PresentationOptions;
  workers: number;
  /** Files that `analyse --jsonl` wrote. */
  from: string[];
  /** A CSV file with labels, if there is one. */
  labels: string | undefined;
  /** The label that groups the hosts; undefined: the first column. */
  groupBy: string | undefined;
  telling?: Telling;
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

/** What is to be written of all hosts, and why what cannot be. */
interface Index {
  render: FleetRenderer;
  texts: Map<FleetFormat, string | Error>;
}

type Result = { captures: Capture[] } | Refusal;

/**
 * Analyses the bundles in folders, and writes an index of all hosts with a page for each. What was analysed before, by the same version
 * with the same options, is not read again.
 *
 * @param folders  folders of bundles, at any depth, or bundles
 * @returns exit code
 * @throws {UsageError} if the options name something that cannot be taken
 */
export async function fleet(folders: string[], options: FleetOptions): Promise<number> {
  const { labels, from, out } = options;
  const wrong =
    out === '-'
      ? '--out -: a fleet is several files; name a folder'
      : folders.includes('-')
        ? 'fleet reads folders of bundles: standard input is one bundle, for report -'
        : undefined;
  if (wrong !== undefined) throw new UsageError(wrong);
  if (labels === '-') return await withFile(labels, (file) => fleet(folders, { ...options, labels: file }));
  if (from.includes('-')) {
    const read = (file: string) =>
      fleet(folders, { ...options, from: from.map((each) => (each === '-' ? file : each)) });
    return await withFile('-', read);
  }
  return await fleetOfFiles(folders, options);
}

async function fleetOfFiles(folders: string[], options: FleetOptions): Promise<number> {
  const labels = labelsOf(options);
  if (typeof labels === 'string') throw new UsageError(labels);
  const run = new Run(options, await openPresentation(options.presentation, options));
  await run.open();
  try {
    const { read, unread } = await run.read(folders);
    const hosts = hostsOf(read.map(({ name, snapshot }) => ({ name, analysis: snapshot })));
    const pages = options.formats.includes('html') ? pageNames(hosts).map((name) => `hosts/${name}`) : [];
    const making = run.makePages(hosts, pages, read);
    // While the workers are at it.
    const paged = hosts.map((host, at) => ({ host, page: pages[at] }));
    const fleet = fleetOf(paged, { labels, unread }, version);
    let index = await run.index(fleet, folders);
    const failed = await making;
    if (failed.size > 0) {
      for (const host of fleet.hosts) if (host.page !== undefined && failed.has(host.page)) delete host.page;
      index = await run.index(fleet, folders);
    }
    await run.write(index);
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

/** Why a source is refused, where another one with the same content was. */
function reasonFor(name: string, refusal: Refusal): string {
  const { error } = refusal;
  return error.startsWith(refusal.name) ? `${name}${error.slice(refusal.name.length)}` : error;
}

function isFolder(source: Source): boolean {
  return 'path' in source && statSync(source.path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** One run, with what it holds open. */
class Run {
  exit: number = EXIT.ok;
  readonly #options: FleetOptions;
  readonly #opened: OpenPresentation;
  readonly #cache: Cache;
  readonly #key: unknown;
  readonly #pool: Pool;
  /** Sources that this run read, and all that there are. */
  #analysed = 0;
  #sources = 0;
  readonly #results = new Map<string, Promise<Result>>();
  /** Digests of the inputs that have one; a folder has none of its content. */
  readonly #digests: string[] = [];
  #progress: Progress;
  /** Workers end with the channel to this process. */
  #forget = () => {};

  constructor(options: FleetOptions, opened: OpenPresentation) {
    this.#options = options;
    this.#opened = opened;
    this.#key = [programKey(), options.aims, options.limits];
    this.#cache = new Cache(options.out, this.#key);
    this.#pool = new Pool({ workers: options.workers });
    // Until it is known how much there is to do.
    this.#progress = new Progress(1, options.telling ?? {});
  }

  async open(): Promise<void> {
    await this.#cache.open();
    this.#forget = beforeEnd(() => this.#cache.close());
  }

  async close(): Promise<void> {
    this.#progress.stop();
    await this.#pool.close();
    this.#forget();
    this.#cache.close();
  }

  #fail(code: number, message: string): void {
    this.#progress.error(message);
    // A bad input is the more telling failure: what could be written was.
    this.exit = this.exit === EXIT.input ? this.exit : code;
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
    this.#progress = await openProgress(2 * (paths.length + lines.length), this.#options.telling);
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
      if (!isFolder(known.source)) this.#digests.push(known.digest);
      const name = nameOf(known.source);
      if ('error' in got) this.#unread(unread, name, reasonFor(name, got));
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
      const known = this.#cache.known(digest);
      if (!known) this.#analysed++;
      const { place } = this.#cache;
      result = known ? Promise.resolve(known) : this.#pool.captures({ source, digest, place, ...this.#reading });
      this.#results.set(digest, result);
    }
    const got = await result;
    this.#progress.advance(nameOf(source));
    return got;
  }

  /**
   * Makes the page of each host, unless it is there.
   *
   * @param pages  where they are in the output, in the order of the hosts
   * @returns those that could not be made
   */
  async makePages(
    hosts: readonly Host<Snapshot>[],
    pages: readonly string[],
    read: readonly Read[],
  ): Promise<ReadonlySet<string>> {
    const failed = new Set<string>();
    if (!this.#options.formats.includes('html')) return failed;
    const { out } = this.#options;
    // Each input could have been of a host of its own.
    this.#progress.skip(this.#sources - hosts.length);
    const before = this.#madePages();
    const byName = new Map(read.map((each) => [each.name, each]));
    const made: Record<string, string> = {};
    await Promise.all(
      pages.map(async (page, at) => {
        const { source, digest, at: analysis } = byName.get(hosts[at]?.snapshots.at(-1)?.name ?? '') as Read;
        const from = `${digest} ${analysis}`;
        const file = path.join(out, page);
        const isThere = before.isCurrent && before.pages[page] === from && existsSync(file);
        const failure = isThere
          ? undefined
          : await this.#pool.page({
              source,
              digest,
              place: this.#cache.place,
              ...this.#reading,
              at: analysis,
              file,
              presentation: this.#pagePresentation(source),
              templates: this.#options.presentation.templates,
            });
        this.#progress.advance(page);
        if (failure) {
          this.#fail(EXIT.failed, failure.error);
          failed.add(page);
        } else made[page] = from;
      }),
    );
    for (const page of Object.keys(before.pages)) {
      if (!(page in made) && /^hosts\/[^/\\]+\.html$/.test(page)) await rm(path.join(out, page), { force: true });
    }
    writeWhole(this.#cache.pagesFile, JSON.stringify({ key: this.#pageKey(), pages: made }), this.#cache.place.parts);
    return failed;
  }

  /** How sources are read. */
  get #reading(): { aims: Aims; limits?: Limits | undefined } {
    const { aims, limits } = this.#options;
    return { aims, limits };
  }

  #pageKey(): string {
    // With the digests of a logo and of templates, not with them.
    const { options, files } = this.#opened;
    return JSON.stringify([this.#key, options, files]);
  }

  /** That of the page of a host: a title is that of the index. */
  #pagePresentation(source: Source): Omit<Presentation, 'templates'> {
    const { title: _title, ...options } = this.#opened.options;
    const opened = { ...this.#opened, options };
    const page =
      'path' in source
        ? presentationOf(opened, 'report', [source.path])
        : presentationOf(opened, 'fleet', [], { from: path.basename(source.file) });
    const { templates: _templates, ...sent } = page;
    return { ...sent, title: undefined };
  }

  /** That of the index, and what the index was made of. */
  async #indexPresentation(folders: readonly string[]): Promise<Presentation & { inputs: Input[] }> {
    const { from, labels, groupBy } = this.#options;
    const files = [...this.#opened.files];
    for (const file of labels === undefined ? [] : [labels])
      files.push({ name: path.basename(file), sha256: await digestOf(file) });
    const others = {
      ...(from.length > 0 && { from: from.map((file) => path.basename(file)) }),
      ...(labels !== undefined && { labels: path.basename(labels) }),
      ...(groupBy !== undefined && { 'group-by': groupBy }),
    };
    const list = this.#digests.sort().map((digest) => `${digest}\n`);
    const sha256 = createHash('sha256').update(list.join('')).digest('hex');
    const without = this.#sources - list.length;
    const inputs = [
      ...(list.length > 0 ? [{ name: `${count(list.length)} inputs, the sorted list of their digests`, sha256 }] : []),
      ...(without > 0 ? [{ name: `${count(without)} folders` }] : []),
    ];
    return { ...presentationOf({ ...this.#opened, files }, 'fleet', folders, others), inputs };
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

  /** The index in every format that was asked for, but a PDF, which takes a browser: that is printed when it is written. */
  async index(fleet: Fleet, folders: readonly string[]): Promise<Index> {
    const { formats, groupBy } = this.#options;
    const presentation = await this.#indexPresentation(folders);
    const { openFleetRenderer } = await import('../report/fleet.ts');
    const render = openFleetRenderer(fleet, { ...presentation, groupBy: groupBy ?? fleet.labels[0] });
    const texts: Index['texts'] = new Map();
    for (const format of formats) {
      if (format !== 'pdf') texts.set(format, await render.text(format).catch((error: Error) => error));
    }
    return { render, texts };
  }

  async write({ render, texts }: Index): Promise<void> {
    const { out, formats, from, labels } = this.#options;
    const written: string[] = [];
    for (const format of formats) {
      const file = path.join(out, FLEET_FILES[format]);
      this.#progress.step(file, 0);
      try {
        if ([...from, ...(labels === undefined ? [] : [labels])].some((input) => isSameFile(input, file)))
          throw new Error('it is an input; take another --out');
        const content = format === 'pdf' ? await this.#printed(render.pdf) : texts.get(format);
        if (content === undefined || content instanceof Error) throw content;
        writeWhole(file, content, this.#cache.place.parts);
        written.push(file);
      } catch (error) {
        this.#fail(EXIT.failed, `${file} was not written: ${(error as Error).message}`);
      }
    }
    this.#progress.say(await render.summary(terminal()));
    const before = this.#analysed < this.#sources ? '; the others are known from before' : '';
    this.#progress.say(`\nAnalysed ${this.#analysed} of ${this.#sources} inputs${before}.\n`);
    this.#progress.written(written);
  }

  async #printed(print: (browser: Browser) => Promise<Buffer>): Promise<Buffer> {
    const { openBrowser } = await import('../report/browser.ts');
    const opened = await openBrowser(this.#options.browser);
    tellOfBrowser(this.#progress, opened);
    const { browser } = opened;
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
