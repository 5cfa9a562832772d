import path from 'node:path';
import { type Analysed, analysesOf } from '../analyses.ts';
import type { Aims } from '../analysis/aims.ts';
import type { Analysis } from '../analysis/schema.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { ARCHIVE } from '../bundle/names.ts';
import { inFileName } from '../files.ts';
import { type Format, loadFormats, openRenderer, type Paper } from '../report/index.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { toldOf, weightOf } from './inputs.ts';
import { notPrintable, Outputs, weightOfFormat } from './outputs.ts';
import { openPresentation, type PresentationOptions, presentationOf } from './presentation.ts';
import { openProgress, type Telling } from './progress.ts';

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
  presentation: PresentationOptions;
  /** The severity of a verdict or a finding from which on the exit code says so; undefined: none does. */
  failOn: 'critical' | 'warning' | undefined;
  telling?: Telling;
}

/**
 * Reads bundles, writes their reports, and prints a summary of each.
 *
 * An input that cannot be read, or a format that cannot be made, is named on standard error with the reason and costs only
 * itself.
 *
 * @param inputs  archives, folders, or `-` for standard input
 * @returns exit code
 * @throws {UsageError} if the options name something that cannot be taken
 */
export async function report(inputs: string[], options: ReportOptions): Promise<number> {
  const wrong = notPrintable(options, inputs.length);
  if (wrong !== undefined) throw new UsageError(wrong);
  const opened = await openPresentation(options.presentation, options);
  const weights = await Promise.all(inputs.map(weightOf));
  const writing = options.formats.reduce((sum, format) => sum + weightOfFormat(format), 0);
  const total = weights.reduce((sum, weight) => sum + weight + writing, 0);
  const progress = await openProgress(total, { ...options.telling, isOutTaken: options.out === '-' });
  let exit: number = EXIT.ok;
  let found = false;
  const fail = (code: number, message: string) => {
    progress.error(message);
    // A bad input is the more telling failure: what could be written was.
    exit = exit === EXIT.input ? exit : code;
  };
  const outputs = new Outputs(options, progress, fail);
  for (const input of inputs) outputs.protect(input);
  try {
    for (const [at, input] of inputs.entries()) {
      const bytes = weights[at] ?? 0;
      progress.step(`reading ${inputName(input)}`, bytes);
      let captures: Analysed[];
      try {
        // The first blocks take a while; what comes after them is loaded meanwhile.
        [captures] = await Promise.all([
          analysesOf(input, {
            whatIf: options.whatIf,
            aims: options.aims,
            limits: options.limits,
            onRead: (packedBytes, tableBytes) =>
              progress.detail(
                tableBytes === 0 ? '' : `${Math.round(tableBytes / 1e6)} MB of the table`,
                Number.isFinite(packedBytes) ? packedBytes / bytes : 0,
              ),
          }),
          loadFormats(options.formats),
        ]);
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
        fail(EXIT.input, error.message);
        progress.skip(writing);
        continue;
      }
      if (options.out === '-' && captures.length > 1) {
        fail(
          EXIT.failed,
          `${inputName(input)} holds ${captures.length} captures, and --out - prints one report: name a folder`,
        );
        continue;
      }
      for (const capture of captures) {
        if ('error' in capture) {
          fail(EXIT.input, capture.error);
          continue;
        }
        const { analysis, inner } = capture;
        progress.note(toldOf(capture.name, analysis));
        found ||= isFound(analysis, options.failOn);
        const render = openRenderer(analysis, presentationOf(opened, 'report', [input]));
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
