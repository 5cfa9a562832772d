import { command } from './command.ts';
import { limitOption } from './options.ts';
import { noOptions } from './values.ts';

export const inspectCommand = command({
  usage: 'inspect <bundle...>',
  describe: 'Print what is recognised in an archive: each datum, where it was found, what is missing',
  declare: (each) =>
    limitOption(each)
      .positional('bundle', {
        describe: 'archives or folders, ours or another collector’s, or - for standard input',
        type: 'string',
        array: true,
        demandOption: true,
      })
      .option('json', { describe: 'as a line of JSON for each capture', type: 'boolean', default: false })
      .check(({ bundle }) => noOptions(bundle)),
  examples: [['$0 inspect sosreport-gw1.tar.xz', 'what a sosreport has of conntrack']],
  run: async ({ bundle, json, limit }) => {
    const { inspect } = await import('../commands/inspect.ts');
    return inspect(bundle, { json, limits: limit });
  },
});
