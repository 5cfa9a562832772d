/** Options that several commands have. */
import type { Argv } from 'yargs';
import { DEFAULT_AIMS } from '../analysis/aims.ts';
import { parseLimits, WRITTEN_LIMITS } from '../bundle/limits.ts';
import type { Format } from '../report/index.ts';
import { numberWithin, parseFormats } from './values.ts';

/** Where reports are written, and as what. */
export function outputOptions<T, F extends Format>(command: Argv<T>, formats: Readonly<Record<F, unknown>>) {
  return printOptions(command).option('format', {
    describe: `formats, with commas between them: ${Object.keys(formats).join(', ')}`,
    type: 'string',
    default: 'html,pdf',
    requiresArg: true,
    coerce: (given: string) => parseFormats(given, formats),
  });
}

/** Where, and on what paper. */
export function printOptions<T>(command: Argv<T>) {
  return command
    .option('out', { describe: 'folder to write to', type: 'string', normalize: true, default: '.', requiresArg: true })
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
