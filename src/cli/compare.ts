import { TIMELINE_FORMATS } from '../report/index.ts';
import { command } from './command.ts';
import { aimOptions, limitOption, outputOptions } from './options.ts';
import { noOptions } from './values.ts';

export const compareCommand = command({
  usage: 'compare <bundle...>',
  describe: 'Compare snapshots of a host: what changed, what grows, whether a fix worked',
  declare: (each) =>
    limitOption(aimOptions(outputOptions(each, TIMELINE_FORMATS)))
      .positional('bundle', {
        describe: 'bundles, folders of bundles, or what report --format json wrote; sorted by host and time',
        type: 'string',
        array: true,
        demandOption: true,
      })
      .check(({ bundle }) => noOptions(bundle)),
  examples: [
    ['$0 compare before.tar.gz after.tar.gz', 'did the change work?'],
    ['$0 compare gw1/', 'a folder of snapshots over time'],
  ],
  run: async ({ bundle, out, format, paper, browser, headroom, memoryBudget, limit }) => {
    const { compare } = await import('../commands/compare.ts');
    const aims = { headroom, memoryBudget };
    return compare(bundle, { out, formats: format, paper, browser, aims, limits: limit });
  },
});
