import path from 'node:path';
import type { Browser } from 'puppeteer-core';
import type { Aims } from '../analysis/aims.ts';
import type { Analysis } from '../analysis/schema.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import { version } from '../package.ts';
import { type Format, loadFormats, openRenderer, type Paper } from '../report/index.ts';
import { readSnapshot } from '../snapshot/read.ts';
import { EXIT } from './exit-codes.ts';
import { writeWhole } from './files.ts';
import { openProgress } from './progress.ts';

export interface ReportOptions {
  out: string;
  formats: Format[];
  paper: Paper;
  browser: string | undefined;
  /** Timeouts in seconds, by the setting's name, whose effect is to be worked out. */
  whatIf: Record<string, number>;
  /** What the recommendation aims at. */
  aims: Aims;
  /** The severity of a verdict or a finding from which on the exit code says so; undefined: none does. */
  failOn: 'critical' | 'warning' | undefined;
}

/**
 * Reads bundles, writes their reports, and prints a summary of each.
 *
 * An input that cannot be read, or a format that cannot be made, is named on standard error with the reason and costs only
 * itself.
 *
 * @param inputs  archives, folders, or `-` for standard input
 * @returns exit code
 */
export async function report(inputs: string[], options: ReportOptions): Promise<number> {
  const progress = await openProgress(inputs.length * (1 + options.formats.length));
  const browsers = new SharedBrowser(options.browser);
  const names = new Set<string>();
  let exit: number = EXIT.ok;
  let found = false;
  const fail = (code: number, message: string) => {
    progress.print(process.stderr, `conntrack-report: ${message}\n`);
    // A bad input is the more telling failure: what could be written was.
    exit = exit === EXIT.input ? exit : code;
  };
  try {
    for (const input of inputs) {
      progress.step(`reading ${inputName(input)}`);
      let analysis: Analysis;
      try {
        // The first blocks take a while; what comes after them is loaded meanwhile.
        const [snapshot, { analyse }] = await Promise.all([
          readSnapshot(input, { onTable: (bytes) => progress.detail(`${Math.round(bytes / 1e6)} MB of the table`) }),
          import('../analysis/analyse.ts'),
          loadFormats(options.formats),
        ]);
        analysis = analyse(snapshot, version, options);
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
        fail(EXIT.input, error.message);
        progress.skip(options.formats.length);
        continue;
      }
      found ||= isFound(analysis, options.failOn);
      const base = uniqueName(reportName(input, analysis), names);
      const written: string[] = [];
      const render = openRenderer(analysis, { paper: options.paper });
      for (const format of options.formats) {
        progress.step(`${base}.${format}`);
        const file = path.join(options.out, `${base}.${render.extension(format)}`);
        try {
          await writeWhole(file, format === 'pdf' ? await render.pdf(await browsers.get()) : await render.text(format));
          written.push(file);
        } catch (error) {
          fail(EXIT.failed, `${file} was not written: ${(error as Error).message}`);
        }
      }
      progress.print(process.stdout, await render.summary({ ...terminal(), brief: inputs.length > 1 }));
      if (written.length > 0)
        progress.print(process.stdout, `\nWritten\n${written.map((file) => `  ${file}\n`).join('')}\n`);
    }
  } finally {
    progress.stop();
    await browsers.close();
  }
  return exit === EXIT.ok && found ? EXIT.found : exit;
}

function isFound({ verdict, findings }: Analysis, failOn: ReportOptions['failOn']): boolean {
  if (failOn === undefined) return false;
  return [verdict, ...findings].some(({ severity }) => severity === 'critical' || severity === failOn);
}

/** What the terminal shows: as wide as it is, and in colour unless NO_COLOR (no-color.org) says otherwise. */
function terminal(): { color: boolean; width: number | undefined } {
  return { color: process.stdout.isTTY === true && !process.env.NO_COLOR, width: process.stdout.columns };
}

/** One browser for all reports of a run, started when the first PDF needs it; a failure to start is not tried twice. */
class SharedBrowser {
  readonly #choice: string | undefined;
  #opened: Promise<Browser> | undefined;

  constructor(choice: string | undefined) {
    this.#choice = choice;
  }

  get(): Promise<Browser> {
    this.#opened ??= import('../report/browser.ts')
      .then(({ openBrowser }) => openBrowser(this.#choice))
      .then(({ browser }) => browser);
    return this.#opened;
  }

  async close(): Promise<void> {
    const browser = await this.#opened?.catch(() => undefined);
    await browser?.close();
  }
}

/** A report is called as its bundle is; what came through a pipe, as the collector would have called it. */
function reportName(input: string, { host }: Analysis): string {
  if (input !== '-') return path.basename(path.resolve(input)).replace(/\.(?:tar\.gz|tgz|tar)$/i, '');
  const stamp = host.capturedAt?.value.replace(/[-:]/g, '');
  return ['conntrack', host.hostname?.value, stamp]
    .filter((part) => part !== undefined)
    .join('-')
    .replace(/[^\w.-]/g, '_');
}

function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;
  for (let n = 2; taken.has(unique); n++) unique = `${name}-${n}`;
  taken.add(unique);
  return unique;
}
