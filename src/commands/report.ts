import path from 'node:path';
import type { Aims } from '../analysis/aims.ts';
import type { Analysis } from '../analysis/schema.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import { version } from '../package.ts';
import { type Format, loadFormats, openRenderer, type Paper } from '../report/index.ts';
import { readSnapshot } from '../snapshot/read.ts';
import { EXIT } from './exit-codes.ts';
import { ARCHIVE } from './inputs.ts';
import { Outputs } from './outputs.ts';
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
  let exit: number = EXIT.ok;
  let found = false;
  const fail = (code: number, message: string) => {
    progress.print(process.stderr, `conntrack-report: ${message}\n`);
    // A bad input is the more telling failure: what could be written was.
    exit = exit === EXIT.input ? exit : code;
  };
  const outputs = new Outputs(options, progress, fail);
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
      await outputs.write(
        reportName(input, analysis),
        openRenderer(analysis, { paper: options.paper }),
        inputs.length > 1,
      );
    }
  } finally {
    progress.stop();
    await outputs.close();
  }
  return exit === EXIT.ok && found ? EXIT.found : exit;
}

function isFound({ verdict, findings }: Analysis, failOn: ReportOptions['failOn']): boolean {
  if (failOn === undefined) return false;
  return [verdict, ...findings].some(({ severity }) => severity === 'critical' || severity === failOn);
}

/** A report is called as its bundle is; what came through a pipe, as the collector would have called it. */
function reportName(input: string, { host }: Analysis): string {
  if (input !== '-') return path.basename(path.resolve(input)).replace(ARCHIVE, '');
  const stamp = host.capturedAt?.value.replace(/[-:]/g, '');
  return ['conntrack', host.hostname?.value, stamp]
    .filter((part) => part !== undefined)
    .join('-')
    .replace(/[^\w.-]/g, '_');
}
