import { availableParallelism } from 'node:os';
import { FLEET_FILES } from '../report/fleet.ts';
import { command } from './command.ts';
import { aimOptions, limitOption, printOptions, shared, tellingOptions } from './options.ts';
import { presentationOptions } from './presentation.ts';
import { parseFormats, wholeWithin } from './values.ts';

export const fleetCommand = command({
  usage: 'fleet [folder...]',
  describe: 'Write an index of many hosts, the worst first, and a page for each',
  declare: (each) =>
    presentationOptions(tellingOptions(limitOption(aimOptions(printOptions(each)))))
      .positional('folder', {
        describe: 'folders of bundles, at any depth; what was analysed before is not read again',
        type: 'string',
        array: true,
        default: [] as string[],
      })
      .option('format', {
        describe: `formats, with commas between them: ${Object.keys(FLEET_FILES).join(', ')}`,
        type: 'string',
        default: Object.keys(FLEET_FILES).join(','),
        requiresArg: true,
        coerce: (given: string) => parseFormats(given, FLEET_FILES),
      })
      .option('labels', {
        describe: 'a CSV file: hostname, and a column for each label, such as site or customer',
        type: 'string',
        normalize: true,
        requiresArg: true,
      })
      .option('group-by', {
        describe: 'the label that groups the hosts',
        type: 'string',
        defaultDescription: 'the first',
        requiresArg: true,
      })
      .option('from', {
        describe: 'what analyse --jsonl wrote, in place of bundles or besides',
        type: 'string',
        normalize: true,
        array: true,
        default: [] as string[],
        nargs: 1,
      })
      .option('workers', {
        describe: 'bundles that are analysed at a time',
        type: 'string',
        default: String(availableParallelism()),
        defaultDescription: 'one for each CPU',
        requiresArg: true,
        coerce: (given: string) => wholeWithin('workers', given, 1, 256),
      })
      .check(({ folder, from }) => {
        if (folder.length + from.length === 0) throw new Error('fleet needs a folder of bundles, or --from');
        return true;
      }),
  examples: [
    [
      'all bundles below a folder, grouped by the first label',
      'conntrack-report fleet bundles/ --out fleet --labels hosts.csv',
    ],
    ['what was analysed elsewhere, as a table', 'conntrack-report fleet --from results.jsonl --out fleet --format csv'],
  ],
  run: async ({ folder, labels, groupBy, from, workers, ...given }) => {
    const { fleet } = await import('../commands/fleet.ts');
    return fleet(folder, { ...shared(given), labels, groupBy, from, workers });
  },
});
