import path from 'node:path';
import type { Aims } from '../analysis/aims.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { version } from '../package.ts';
import { openTimelineRenderer, type Paper, type TimelineFormat } from '../report/index.ts';
import { hostsOf, type Named } from '../timeline/hosts.ts';
import type { Timeline } from '../timeline/schema.ts';
import { timelineOf } from '../timeline/timeline.ts';
import { EXIT } from './exit-codes.ts';
import { inFileName } from './files.ts';
import { analysesOf, expandInput, nameIn } from './inputs.ts';
import { complaint } from './messages.ts';
import { type OutputOptions, Outputs } from './outputs.ts';
import { openPresentation, type PresentationOptions, presentationOf } from './presentation.ts';
import { openProgress } from './progress.ts';

export interface CompareOptions extends OutputOptions<TimelineFormat> {
  paper: Paper;
  /** What recommendations aim at. */
  aims: Aims;
  limits?: Limits | undefined;
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
  const opened = await openPresentation(options.presentation, options);
  const progress = await openProgress(inputs.length + options.formats.length);
  let exit: number = EXIT.ok;
  const fail = (code: number, message: string) => {
    progress.print(process.stderr, complaint(message));
    exit = exit === EXIT.input ? exit : code;
  };
  /** What cannot be read is named and costs only itself: in a folder, too. */
  const unlessBad = <T>(reading: Promise<T>): Promise<T | undefined> =>
    reading.catch((error: unknown) => {
      if (!(error instanceof BundleError)) throw error;
      fail(EXIT.input, error.message);
      return undefined;
    });
  const { aims, limits } = options;
  const outputs = new Outputs(options, progress, fail);
  const read: Named[] = [];
  try {
    for (const input of inputs) {
      for (const each of (await unlessBad(expandInput(input))) ?? []) {
        progress.step(`reading ${inputName(each)}`);
        outputs.protect(each);
        for (const capture of (await unlessBad(analysesOf(each, { aims, limits }))) ?? []) {
          if ('error' in capture) fail(EXIT.input, capture.error);
          else read.push({ name: nameIn(path.basename(each), capture.inner), analysis: capture.analysis });
        }
      }
    }
    const hosts = hostsOf(read);
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
