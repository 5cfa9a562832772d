/** Writing the reports of a run: every format of each, one browser for all. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'puppeteer-core';
import { isSameFile, notOnTerminal, outName, writeWhole } from '../files.ts';
import type { Format, Renderer } from '../report/index.ts';
import { EXIT } from './exit-codes.ts';
import type { Progress } from './progress.ts';

export interface OutputOptions<F extends Format = Format> {
  out: string;
  formats: readonly F[];
  browser: string | undefined;
}

/** Writes reports, and says on standard output what each says and where it is. */
export class Outputs<F extends Format = Format> {
  readonly #options: OutputOptions<F>;
  readonly #progress: Progress;
  readonly #fail: (code: number, message: string) => void;
  readonly #browsers: SharedBrowser;
  readonly #names = new Set<string>();
  readonly #inputs: string[] = [];

  /** @param fail  told of each format that could not be written; the others are */
  constructor(options: OutputOptions<F>, progress: Progress, fail: (code: number, message: string) => void) {
    this.#options = options;
    this.#progress = progress;
    this.#fail = fail;
    this.#browsers = new SharedBrowser(options.browser, progress);
  }

  /** Names an input, which nothing is written over. */
  protect(input: string): void {
    this.#inputs.push(input);
  }

  /**
   * Writes one report in every format, and prints its summary.
   *
   * @param name   what its files are called, without what they end in; made different from those before
   * @param brief  one of many: the summary is short
   */
  async write(name: string, render: Renderer<F>, brief: boolean): Promise<void> {
    const base = uniqueName(name, this.#names);
    const written: string[] = [];
    for (const format of this.#options.formats) {
      const isPrinted = this.#options.out === '-';
      const file = isPrinted ? '-' : path.join(this.#options.out, `${base}.${render.extension(format)}`);
      this.#progress.step(`${base}.${format}`, weightOfFormat(format));
      try {
        if (!isPrinted && existsSync(file) && this.#inputs.some((input) => isSameFile(input, file)))
          throw new Error('it is an input; take another --out');
        const content =
          format === 'pdf'
            ? await render.pdf(await this.#browsers.get())
            : await render.text(format as Exclude<F, 'pdf'>);
        if (isPrinted) {
          await print(content);
          continue;
        }
        writeWhole(file, content);
        written.push(file);
      } catch (error) {
        this.#fail(EXIT.failed, `${outName(file)} was not written: ${(error as Error).message}`);
      }
    }
    try {
      this.#progress.say(await render.summary({ ...terminal(), brief }));
    } catch (error) {
      // A template of the user, or an analysis of another version, may fail, and costs nothing else.
      this.#fail(EXIT.failed, `there is no summary of ${base}: ${(error as Error).message}`);
    }
    this.#progress.written(written);
  }

  async close(): Promise<void> {
    await this.#browsers.close();
  }
}

/** What the terminal shows: as wide as it is, and in colour unless NO_COLOR (no-color.org) says otherwise. */
export function terminal(): { color: boolean; width: number | undefined } {
  return { color: process.stdout.isTTY === true && !process.env.NO_COLOR, width: process.stdout.columns };
}

/**
 * Why a run cannot be printed instead of written to files, if it cannot.
 *
 * @param inputs  how many reports there are going to be
 */
export function notPrintable({ out, formats }: OutputOptions, inputs: number): string | undefined {
  if (out !== '-') return undefined;
  if (inputs > 1) return `--out - prints one report, and there are ${inputs} inputs: name a folder`;
  if (formats.length > 1)
    return `--out - prints one format, and there are ${formats.join(' and ')}: name one with --format`;
  return formats[0] === 'pdf' ? notOnTerminal(out) : undefined;
}

function print(content: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(content, (error) => (error ? reject(error) : resolve()));
  });
}

/** What a format takes as long as, in bytes of a bundle that is read: measured, and only good for an estimate. */
export function weightOfFormat(format: string): number {
  return format === 'pdf' ? 10_000_000 : 500_000;
}

/** What is told of the browser that was started. */
export function tellOfBrowser(
  progress: Progress,
  { from, noSandbox }: { from: string; noSandbox: string | undefined },
): void {
  progress.note(`the PDF is printed by the ${from}`);
  if (noSandbox !== undefined) progress.warning(`the PDF is printed by a browser without its sandbox: ${noSandbox}.`);
}

/** One browser for all reports of a run, started when the first PDF needs it; a failure to start is not tried twice. */
class SharedBrowser {
  readonly #choice: string | undefined;
  readonly #progress: Progress;
  #opened: Promise<Browser> | undefined;

  constructor(choice: string | undefined, progress: Progress) {
    this.#choice = choice;
    this.#progress = progress;
  }

  get(): Promise<Browser> {
    this.#opened ??= import('../report/browser.ts')
      .then(({ openBrowser }) => openBrowser(this.#choice))
      .then((opened) => {
        tellOfBrowser(this.#progress, opened);
        return opened.browser;
      });
    return this.#opened;
  }

  async close(): Promise<void> {
    const browser = await this.#opened?.catch(() => undefined);
    await browser?.close();
  }
}

function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;
  for (let n = 2; taken.has(unique); n++) unique = `${name}-${n}`;
  taken.add(unique);
  return unique;
}
