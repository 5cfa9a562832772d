import { createInterface } from 'node:readline';
import { analysesOf, reasonOf } from '../analyses.ts';
import type { Aims } from '../analysis/aims.ts';
import type { Limits } from '../bundle/limits.ts';
import { inertJson } from '../report/inert.ts';
import { renderJsonLine } from '../report/json.ts';
import { EXIT } from './exit-codes.ts';
import { expandInput, toldOf } from './inputs.ts';
import { Progress, type Telling } from './progress.ts';

/**
 * Writes the analysis of each bundle as a line of JSON, as soon as it is there, or a line that says why there is none. Nothing is kept
 * from one bundle to the next: what spreads paths over machines can spread this.
 *
 * @param inputs  bundles, folders of bundles, or Analysis JSON; none: their paths are read from standard input, one a line
 * @returns exit code
 */
export async function analyseLines(
  inputs: string[],
  options: { aims: Aims; limits?: Limits | undefined; telling?: Telling },
): Promise<number> {
  let exit: number = EXIT.ok;
  // Of a list that is still being written nobody knows how long it is.
  const progress = new Progress(Math.max(1, inputs.length), options.telling ?? {});
  for await (const input of inputs.length > 0 ? inputs : pathsFrom(process.stdin)) {
    progress.step(input, inputs.length > 0 ? 1 : 0);
    for await (const line of linesOf(input, options)) {
      if ('error' in line) {
        progress.error(line.error);
        exit = EXIT.input;
      } else progress.note(line.told);
      // Nobody reads any more: what would follow is for nobody.
      if (!(await written('error' in line ? `${inertJson(JSON.stringify(line))}\n` : line.json))) return EXIT.failed;
    }
  }
  progress.stop();
  return exit;
}

/** Where the list comes from, no bundle can: `-` in it is a file of that name. */
async function* pathsFrom(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== '') yield line === '-' ? './-' : line;
  }
}

async function* linesOf(
  input: string,
  options: { aims: Aims; limits?: Limits | undefined },
): AsyncGenerator<{ json: string; told: string } | { error: string; input: string }> {
  let expanded: string[];
  try {
    expanded = await expandInput(input);
  } catch (error) {
    yield { error: reasonOf(input, error), input };
    return;
  }
  for (const each of expanded) {
    try {
      for (const capture of await analysesOf(each, options)) {
        if ('error' in capture) yield { error: capture.error, input: capture.name };
        else yield { json: renderJsonLine(capture.analysis), told: toldOf(capture.name, capture.analysis) };
      }
    } catch (error) {
      yield { error: reasonOf(each, error), input: each };
    }
  }
}

function written(text: string): Promise<boolean> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(!error));
  });
}
