import { TIMELINE_FORMATS } from '../report/index.ts';
import { command } from './command.ts';
import { aimOptions, limitOption, outputOptions, shared, tellingOptions } from './options.ts';
import { presentationOptions } from './presentation.ts';

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
  run: async (given) => {
    const { compare } = await import('../commands/compare.ts');
    return compare(given.bundle, shared(given));
  },
});
