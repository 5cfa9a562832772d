import { presentationOptions } from '../commands/presentation.ts';
import { TIMELINE_FORMATS } from '../report/index.ts';
import { command } from './command.ts';
import { aimOptions, limitOption, outputOptions, tellingOptions } from './options.ts';

export const compareCommand = command({
  usage: 'compare <bundle...>',
  describe: 'Compare snapshots of a host: what changed, what grows, whether a fix worked',
  declare: (each) =>
    presentationOptions(tellingOptions(limitOption(aimOptions(outputOptions(each, TIMELINE_FORMATS))))).positional(
      'bundle',
      {
        describe:
          'bundles, folders of bundles, or what report --format json wrote, or - for a bundle on standard input; sorted by host and time',
        type: 'string',
        array: true,
        demandOption: true,
      },
    ),
  examples: [
    ['did the change work?', 'conntrack-report compare before.tar.gz after.tar.gz'],
    ['a folder of snapshots over time', 'conntrack-report compare week/ --format html'],
  ],
  run: async ({
    bundle,
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
  }) => {
    const { compare } = await import('../commands/compare.ts');
    const aims = { headroom, memoryBudget };
    return compare(bundle, {
      out,
      formats: format,
      paper,
      browser,
      aims,
      limits: limit,
      telling: { quiet, verbose, json },
      presentation,
    });
  },
});
