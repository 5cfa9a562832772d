/** Writing the reports of a run: every format of each, one browser for all. */
import path from 'node:path';
import type { Browser } from 'puppeteer-core';
import type { Format, Renderer } from '../report/index.ts';
import { printable } from '../report/inert.ts';
import { EXIT } from './exit-codes.ts';
import { isSameFile, writeWhole } from './files.ts';
import { complaint } from './messages.ts';
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
    this.#browsers = new SharedBrowser(options.browser, (warning) =>
      progress.print(process.stderr, complaint(warning)),
    );
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
      this.#progress.step(`${base}.${format}`);
      const file = path.join(this.#options.out, `${base}.${render.extension(format)}`);
      try {
        if (this.#inputs.some((input) => isSameFile(input, file)))
          throw new Error('it is an input; take another --out');
        writeWhole(
          file,
          format === 'pdf'
            ? await render.pdf(await this.#browsers.get())
            : await render.text(format as Exclude<F, 'pdf'>),
        );
        written.push(file);
      } catch (error) {
        this.#fail(EXIT.failed, `${file} was not written: ${(error as Error).message}`);
      }
    }
    try {
      this.#progress.print(process.stdout, await render.summary({ ...terminal(), brief }));
    } catch (error) {
      // A template of the user may fail, and costs nothing else.
      this.#fail(EXIT.failed, `there is no summary of ${base}: ${(error as Error).message}`);
    }
    if (written.length > 0) {
      this.#progress.print(process.stdout, `\nWritten\n${written.map((file) => `  ${printable(file)}\n`).join('')}\n`);
    }
  }

  async close(): Promise<void> {
    await this.#browsers.close();
  }
}

/** What the terminal shows: as wide as it is, and in colour unless NO_COLOR (no-color.org) says otherwise. */
export function terminal(): { color: boolean; width: number | undefined } {
  return { color: process.stdout.isTTY === true && !process.env.NO_COLOR, width: process.stdout.columns };
}

/** What is said once where the browser has no sandbox. */
export function noSandboxWarning(why: string): string {
  return `the PDF is printed by a browser without its sandbox: ${why}.`;
}

/** One browser for all reports of a run, started when the first PDF needs it; a failure to start is not tried twice. */
class SharedBrowser {
  readonly #choice: string | undefined;
  readonly #warn: (warning: string) => void;
  #opened: Promise<Browser> | undefined;

  constructor(choice: string | undefined, warn: (warning: string) => void) {
    this.#choice = choice;
    this.#warn = warn;
  }

  get(): Promise<Browser> {
    this.#opened ??= import('../report/browser.ts')
      .then(({ openBrowser }) => openBrowser(this.#choice))
      .then(({ browser, noSandbox }) => {
        if (noSandbox !== undefined) this.#warn(noSandboxWarning(noSandbox));
        return browser;
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
