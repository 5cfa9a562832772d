import { command } from './command.ts';
import { limitOption } from './options.ts';

export const verifyCommand = command({
  usage: 'verify <bundle>',
  describe: 'Check that a bundle is whole and unchanged, and that nothing of the original is left in it',
  declare: (each) =>
    limitOption(each)
      .positional('bundle', { describe: 'an archive or folder', type: 'string', demandOption: true })
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
  run: async ({ bundle, leaks, limit }) => {
    const { verify } = await import('../commands/verify.ts');
    return verify(bundle, { original: leaks, limits: limit });
  },
});
