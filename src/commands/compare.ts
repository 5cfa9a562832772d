import path from 'node:path';
import { analysesOf, nameIn } from '../analyses.ts';
import type { Aims } from '../analysis/aims.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { inFileName } from '../files.ts';
import { version } from '../package.ts';
import { openTimelineRenderer, type Paper, type TimelineFormat } from '../report/index.ts';
import { hostsOf, type Named } from '../timeline/hosts.ts';
import type { Timeline } from '../timeline/schema.ts';
import { timelineOf } from '../timeline/timeline.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { expandInput, toldOf, weightOf } from './inputs.ts';
import { notPrintable, type OutputOptions, Outputs, weightOfFormat } from './outputs.ts';
import { openPresentation, type PresentationOptions, presentationOf } from './presentation.ts';
import { openProgress, type Telling } from './progress.ts';

export interface CompareOptions extends OutputOptions<TimelineFormat> {
  paper: Paper;
  /** What recommendations aim at. */
  aims: Aims;
  limits?: Limits | undefined;
  telling?: Telling;
  presentation: PresentationOptions;
}

/**
 * Reads snapshots, puts those of each host into a timeline, and writes a report of each.
 *
 * @param inputs  bundles, folders of bundles, or Analysis JSON
 * @returns exit code
 * @throws {UsageError} if the options name something that cannot be taken
 */
export async function compare(inputs: string[], options: CompareOptions): Promise<number> {
  const wrong = notPrintable(options, 1);
  if (wrong !== undefined) throw new UsageError(wrong);
  const opened = await openPresentation(options.presentation, options);
  const unread: string[] = [];
  /** What cannot be read is named and costs only itself: in a folder, too. */
  const unlessBad = <T>(reading: Promise<T>, say: (message: string) => void): Promise<T | undefined> =>
    reading.catch((error: unknown) => {
      if (!(error instanceof BundleError)) throw error;
      say(error.message);
      return undefined;
    });
  const files: string[] = [];
  for (const input of inputs) {
    files.push(...((await unlessBad(expandInput(input), (message) => unread.push(message))) ?? []));
  }
  const weights = await Promise.all(files.map(weightOf));
  const { aims, limits, formats, out } = options;
  const total = [...weights, ...formats.map(weightOfFormat)].reduce((sum, weight) => sum + weight, 0);
  const progress = await openProgress(total, { ...options.telling, isOutTaken: out === '-' });
  let exit: number = EXIT.ok;
  const fail = (code: number, message: string) => {
    progress.error(message);
    exit = exit === EXIT.input ? exit : code;
  };
  const outputs = new Outputs(options, progress, fail);
  const read: Named[] = [];
  try {
    for (const message of unread) fail(EXIT.input, message);
    for (const [at, file] of files.entries()) {
      progress.step(`reading ${inputName(file)}`, weights[at]);
      outputs.protect(file);
      const analysed = await unlessBad(analysesOf(file, { aims, limits }), (message) => fail(EXIT.input, message));
      for (const capture of analysed ?? []) {
        if ('error' in capture) {
          fail(EXIT.input, capture.error);
          continue;
        }
        progress.note(toldOf(capture.name, capture.analysis));
        read.push({ name: nameIn(path.basename(file), capture.inner), analysis: capture.analysis });
      }
    }
    const hosts = hostsOf(read);
    if (out === '-' && hosts.length > 1) {
      fail(EXIT.failed, `the inputs are of ${hosts.length} hosts, and --out - prints one report: name a folder`);
      return exit;
    }
    for (const host of hosts) {
      const timeline = timelineOf(host, version);
      const render = openTimelineRenderer(timeline, presentationOf(opened, 'compare', inputs));
      await outputs.write(reportName(timeline), render, false);
    }
  } finally {
    progress.stop();
    await outputs.close();
  }
  return exit;
}

/** A comparison is called after its host, of whose name only what is safe in a file name is kept. */
function reportName({ host }: Timeline): string {
  return `compare-${inFileName(host.hostname ?? 'host')}`;
}
