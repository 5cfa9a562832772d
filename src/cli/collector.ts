import { EXIT } from '../commands/exit-codes.ts';
import { command } from './command.ts';

export const collectorCommand = command({
  usage: 'collector',
  describe: 'Print the script that collects a bundle, to be sent to the machine in question',
  declare: (each) => each,
  examples: [],
  run: async () => {
    const { printCollector } = await import('../commands/collector.ts');
    await printCollector();
    return EXIT.ok;
  },
});
