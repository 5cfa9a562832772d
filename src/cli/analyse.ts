import { command } from './command.ts';
import { aimOptions, limitOption, tellingOptions } from './options.ts';

export const analyseCommand = command({
  usage: 'analyse [bundle...]',
  describe: 'Write the analysis of each bundle as a line of JSON, to spread the work over machines',
  declare: (each) =>
    tellingOptions(limitOption(aimOptions(each)))
      .positional('bundle', {
        describe: 'bundles; without any, their paths are read from standard input, one a line',
        type: 'string',
        array: true,
        default: [] as string[],
      })
      .option('jsonl', { describe: 'as JSON lines', type: 'boolean', demandOption: true }),
  examples: [
    ['one bundle', 'conntrack-report analyse --jsonl gw1.tar.gz'],
    [
      'all bundles below a folder, for fleet --from',
      "find bundles -name '*.tar.gz' | conntrack-report analyse --jsonl > all.jsonl",
    ],
  ],
  run: async ({ bundle, headroom, memoryBudget, limit, quiet, verbose, json }) => {
    const { analyseLines } = await import('../commands/analyse.ts');
    return analyseLines(bundle, { aims: { headroom, memoryBudget }, limits: limit, telling: { quiet, verbose, json } });
  },
});
