import { command } from './command.ts';
import { limitOption } from './options.ts';
import { noOptions } from './values.ts';

export const convertCommand = command({
  usage: 'convert <archive>',
  describe: 'Write what another collector captured as our own bundle',
  declare: (each) =>
    limitOption(each)
      .positional('archive', {
        describe: 'a sosreport, supportconfig, … that holds one capture',
        type: 'string',
        demandOption: true,
      })
      .option('out', { describe: 'file to write: .tar.gz', type: 'string', demandOption: true, requiresArg: true })
      .check(({ archive }) => noOptions([archive])),
  examples: [['$0 convert sosreport-gw1.tar.xz --out gw1.tar.gz', 'small, and of the same form as the others']],
  run: async ({ archive, out, limit }) => {
    const { convert } = await import('../commands/convert.ts');
    return convert(archive, out, { limits: limit });
  },
});
