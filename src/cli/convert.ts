import { command } from './command.ts';
import { limitOption, oneInput, tellingOptions } from './options.ts';

export const convertCommand = command({
  usage: 'convert <archive>',
  describe: 'Write what another collector captured as our own bundle',
  declare: (each) =>
    tellingOptions(limitOption(each))
      .positional('archive', oneInput('a sosreport, supportconfig, … that holds one capture, or - for standard input'))
      .option('out', {
        describe: 'file to write (.tar.gz), or - for standard output',
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
  run: async ({ archive, out, limit, quiet, verbose, json }) => {
    const { convert } = await import('../commands/convert.ts');
    return convert(archive, out, { limits: limit, telling: { quiet, verbose, json } });
  },
});
