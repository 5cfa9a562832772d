import path from 'node:path';
import type { Aims } from '../analysis/aims.ts';
import type { Analysis } from '../analysis/schema.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { ARCHIVE } from '../bundle/names.ts';
import { type Format, loadFormats, openRenderer, type Paper } from '../report/index.ts';
import { EXIT } from './exit-codes.ts';
import { inFileName } from './files.ts';
import { type Analysed, analysesOf } from './inputs.ts';
import { complaint } from './messages.ts';
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
  limits?: Limits | undefined;
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
    progress.print(process.stderr, complaint(message));
    // A bad input is the more telling failure: what could be written was.
    exit = exit === EXIT.input ? exit : code;
  };
  const outputs = new Outputs(options, progress, fail);
  for (const input of inputs) outputs.protect(input);
  try {
    for (const input of inputs) {
      progress.step(`reading ${inputName(input)}`);
      let captures: Analysed[];
      try {
        // The first blocks take a while; what comes after them is loaded meanwhile.
        [captures] = await Promise.all([
          analysesOf(input, {
            whatIf: options.whatIf,
            aims: options.aims,
            limits: options.limits,
            onTable: (bytes) => progress.detail(`${Math.round(bytes / 1e6)} MB of the table`),
          }),
          loadFormats(options.formats),
        ]);
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
        fail(EXIT.input, error.message);
        progress.skip(options.formats.length);
        continue;
      }
      for (const capture of captures) {
        if ('error' in capture) {
          fail(EXIT.input, capture.error);
          continue;
        }
        const { analysis, inner } = capture;
        found ||= isFound(analysis, options.failOn);
        const render = openRenderer(analysis, { paper: options.paper });
        await outputs.write(reportName(input, inner, analysis), render, inputs.length + captures.length > 2);
      }
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
function reportName(input: string, inner: string | undefined, { host }: Analysis): string {
  if (inner !== undefined) return inFileName((inner.split('/').pop() ?? '').replace(ARCHIVE, ''));
  if (input !== '-') return path.basename(path.resolve(input)).replace(ARCHIVE, '');
  const stamp = host.capturedAt?.value.replace(/[-:]/g, '');
  return ['conntrack', host.hostname?.value, stamp]
    .filter((part) => part !== undefined)
    .map(inFileName)
    .join('-');
}
