import { command } from './command.ts';
import { limitOption } from './options.ts';

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
      .option('json', { describe: 'as a line of JSON for each capture', type: 'boolean', default: false }),
  examples: [
    ['what a sosreport has of conntrack', 'conntrack-report inspect sosreport-gw1.tar.gz'],
    ['the same for a program', 'conntrack-report inspect --json gw1.tar.gz'],
  ],
  run: async ({ bundle, json, limit }) => {
    const { inspect } = await import('../commands/inspect.ts');
    return inspect(bundle, { json, limits: limit });
  },
});
