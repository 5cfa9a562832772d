import path from 'node:path';
import type { Aims } from '../analysis/aims.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import { version } from '../package.ts';
import { hostsOf, type Named } from '../timeline/hosts.ts';
import { timelineOf } from '../timeline/timeline.ts';
import { EXIT } from './exit-codes.ts';
import { writeWhole } from './files.ts';
import { analysisOf, expandInput } from './inputs.ts';
import { openProgress } from './progress.ts';

export interface CompareOptions {
  out: string;
  aims: Aims;
}

/**
 * Reads snapshots, puts those of each host into a timeline, and writes a report of each.
 *
 * @param inputs  bundles, folders of bundles, or Analysis JSON
 * @returns exit code
 */
export async function compare(inputs: string[], options: CompareOptions): Promise<number> {
  const progress = await openProgress(inputs.length);
  let exit: number = EXIT.ok;
  const fail = (code: number, message: string) => {
    progress.print(process.stderr, `conntrack-report: ${message}\n`);
    exit = exit === EXIT.input ? exit : code;
  };
  const read: Named[] = [];
  try {
    for (const input of inputs) {
      try {
        for (const each of await expandInput(input)) {
          progress.step(`reading ${inputName(each)}`);
          read.push({ name: path.basename(each), analysis: await analysisOf(each, { aims: options.aims }) });
        }
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
        fail(EXIT.input, error.message);
      }
    }
    for (const host of hostsOf(read)) {
      const timeline = timelineOf(host, version);
      const file = path.join(options.out, `${timeline.host.hostname ?? 'host'}.json`);
      await writeWhole(file, `${JSON.stringify(timeline, null, 2)}\n`);
      progress.print(process.stdout, `${file}\n`);
    }
  } finally {
    progress.stop();
  }
  return exit;
}
