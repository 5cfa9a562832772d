import { command } from './command.ts';
import { limitOption, oneInput, tellingOptions } from './options.ts';

export const anonymizeCommand = command({
  usage: 'anonymize <bundle>',
  describe: 'Write a bundle anew with pseudonyms for addresses and names, which keep what a report says',
  declare: (each) =>
    tellingOptions(limitOption(each))
      .positional('bundle', oneInput('any archive or folder that report reads, or - for standard input'))
      .option('key-file', {
        describe: 'the secret that the pseudonyms depend on; made if there is none',
        type: 'string',
        normalize: true,
        demandOption: true,
        requiresArg: true,
      })
      .option('out', {
        describe: 'archive to write (.tar.gz), or - for standard output',
        type: 'string',
        normalize: true,
        demandOption: true,
        requiresArg: true,
      }),
  examples: [['before it is passed on', 'conntrack-report anonymize gw1.tar.gz --key-file acme.key --out new.tar.gz']],
  run: async ({ bundle, keyFile, out, limit, quiet, verbose, json }) => {
    const { anonymize } = await import('../commands/anonymize.ts');
    return anonymize(bundle, { keyFile, out, limits: limit, telling: { quiet, verbose, json } });
  },
});
