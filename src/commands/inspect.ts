import { nameIn } from '../analyses.ts';
import { analyse } from '../analysis/analyse.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { version } from '../package.ts';
import { inertJson } from '../report/inert.ts';
import { inspectionOf, renderInspection } from '../report/inspection.ts';
import { readSnapshots } from '../snapshot/read.ts';
import { EXIT } from './exit-codes.ts';
import { complaint } from './messages.ts';

/**
 * Prints what is recognised in each input: its layout, each datum, where it was found, what is missing, what conflicts.
 *
 * @param inputs   archives, folders, or `-` for standard input
 * @param options.json  a line of JSON for each capture
 * @returns exit code
 */
export async function inspect(
  inputs: string[],
  options: { json: boolean; limits?: Limits | undefined },
): Promise<number> {
  let exit: number = EXIT.ok;
  const fail = (message: string) => {
    process.stderr.write(complaint(message));
    exit = EXIT.input;
  };
  let isFirst = true;
  for (const input of inputs) {
    try {
      for (const capture of await readSnapshots(input, { limits: options.limits })) {
        if ('error' in capture) {
          fail(capture.error.message);
          continue;
        }
        const name = nameIn(inputName(input), capture.inner);
        const { comparisons = [] } = analyse(capture.snapshot, version);
        const inspection = inspectionOf(capture.snapshot, comparisons);
        if (options.json) process.stdout.write(`${inertJson(JSON.stringify({ input: name, ...inspection }))}\n`);
        else
          process.stdout.write(`${isFirst ? '' : '\n'}${renderInspection(name, inspection, process.stdout.columns)}`);
        isFirst = false;
      }
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      fail(error.message);
    }
  }
  return exit;
}
