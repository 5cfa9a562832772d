import { command } from './command.ts';
import { limitOption, oneInput, tellingOptions } from './options.ts';

export const verifyCommand = command({
  usage: 'verify <bundle>',
  describe: 'Check that a bundle is whole and unchanged, and that nothing of the original is left in it',
  declare: (each) =>
    tellingOptions(limitOption(each))
      .positional('bundle', oneInput('an archive or folder, or - for standard input'))
      .option('leaks', {
        describe: 'the bundle before it was anonymised: nothing of its addresses and names may be left',
        type: 'string',
        normalize: true,
        requiresArg: true,
      }),
  examples: [
    ['whole and unchanged?', 'conntrack-report verify gw1.tar.gz'],
    ['is anything of the original left?', 'conntrack-report verify for-vendor.tar.gz --leaks gw1.tar.gz'],
  ],
  run: async ({ bundle, leaks, limit, quiet, verbose, json }) => {
    const { verify } = await import('../commands/verify.ts');
    return verify(bundle, { original: leaks, limits: limit, telling: { quiet, verbose, json } });
  },
});
