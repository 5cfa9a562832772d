import { command } from './command.ts';
import { limitOption } from './options.ts';

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
      .option('out', {
        describe: 'file to write: .tar.gz',
        type: 'string',
        normalize: true,
        demandOption: true,
        requiresArg: true,
      }),
  examples: [
    [
      'small, and of the same form as the others',
      'conntrack-report convert sosreport-gw1.tar.gz --out gw1-small.tar.gz',
    ],
  ],
  run: async ({ archive, out, limit }) => {
    const { convert } = await import('../commands/convert.ts');
    return convert(archive, out, { limits: limit });
  },
});
