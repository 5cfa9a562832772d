/** Options that several commands have. */
import type { Argv } from 'yargs';
import { DEFAULT_AIMS } from '../analysis/aims.ts';
import { type Limits, parseLimits, WRITTEN_LIMITS } from '../bundle/limits.ts';
import type { PresentationOptions } from '../commands/presentation.ts';
import type { Telling } from '../commands/progress.ts';
import type { Format, Paper } from '../report/index.ts';
import { numberWithin, parseFormats } from './values.ts';

/** Where reports are written, and as what. */
export function outputOptions<T, F extends Format>(command: Argv<T>, formats: Readonly<Record<F, unknown>>) {
  return printOptions(command, 'folder to write to, or - for standard output, of one report in one format').option(
    'format',
    {
      describe: `formats, with commas between them: ${Object.keys(formats).join(', ')}`,
      type: 'string',
      default: 'html,pdf',
      requiresArg: true,
      coerce: (given: string) => parseFormats(given, formats),
    },
  );
}

/** Where, and on what paper. */
export function printOptions<T>(command: Argv<T>, out = 'folder to write to') {
  return command
    .option('out', { describe: out, type: 'string', normalize: true, default: '.', requiresArg: true })
    .option('paper', {
      describe: 'size of the PDF’s pages',
      choices: ['a4', 'letter'] as const,
      default: 'a4' as const,
    })
    .option('browser', {
      describe: 'browser that prints the PDF: a path, "system", or "bundled" (also CONNTRACK_REPORT_BROWSER)',
      type: 'string',
      requiresArg: true,
    });
}

/** How much of an input is read. */
export function limitOption<T>(command: Argv<T>) {
  return command.option('limit', {
    describe: `how much of an input is read, any of ${WRITTEN_LIMITS}`,
    type: 'string',
    default: '',
    defaultDescription: 'these',
    requiresArg: true,
    coerce: parseLimits,
  });
}

/** What a recommendation aims at. */
export function aimOptions<T>(command: Argv<T>) {
  return command
    .option('headroom', {
      describe: 'recommended limit as a multiple of the demand',
      type: 'string',
      default: String(DEFAULT_AIMS.headroom),
      requiresArg: true,
      coerce: (given: string) => numberWithin('headroom', given, 1.05, 20),
    })
    .option('memory-budget', {
      describe: 'part of RAM that a full table may take, in percent',
      type: 'string',
      default: String(100 * DEFAULT_AIMS.memoryBudget),
      requiresArg: true,
      coerce: (given: string) => numberWithin('memory-budget', given, 0.1, 50) / 100,
    });
}

/** How much is said while it is done. */
export function tellingOptions<T>(command: Argv<T>) {
  return command
    .option('quiet', { describe: 'say nothing but errors', type: 'boolean', default: false })
    .option('verbose', {
      describe: 'say what is read, from where, and how long each step took',
      type: 'boolean',
      default: false,
    })
    .option('json', {
      describe: 'progress and messages as JSON lines on standard error',
      type: 'boolean',
      default: false,
    })
    .check(({ quiet, verbose }) => {
      if (quiet && verbose) throw new Error('--quiet and --verbose contradict each other');
      return true;
    });
}

/** The one input of a command. `-` is none of the words that yargs takes for the value of an argument, and leaves nothing of it. */
export const oneInput = (describe: string) => ({
  describe,
  type: 'string' as const,
  demandOption: true as const,
  coerce: (given: string) => (given === '' ? '-' : given),
});

interface Shared<F> extends PresentationOptions, Telling {
  out: string;
  format: F[];
  paper: Paper;
  browser: string | undefined;
  headroom: number;
  memoryBudget: number;
  limit: Limits | undefined;
}

/** What these options give a command, as report, compare and fleet take it alike; whatever else was given may shape the report. */
export function shared<F extends string>({
  out,
  format,
  paper,
  browser,
  headroom,
  memoryBudget,
  limit,
  quiet,
  verbose,
  json,
  ...presentation
}: Shared<F>) {
  return {
    out,
    formats: format,
    paper,
    browser,
    aims: { headroom, memoryBudget },
    limits: limit,
    telling: { quiet, verbose, json },
    presentation,
  };
}
