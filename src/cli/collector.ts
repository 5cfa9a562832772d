import { EXIT } from '../commands/exit-codes.ts';
import { command } from './command.ts';

export const collectorCommand = command({
  usage: 'collector',
  describe: 'Print the script that collects a bundle, to be sent to the machine in question',
  declare: (each) => each,
  examples: [
    ['to be sent to the owner of the gateway', 'conntrack-report collector > collect.sh'],
    ['to be run there at once', "conntrack-report collector | ssh root@gw1 'sh -s -- --stdout' > gw1.tar.gz"],
  ],
  run: async () => {
    const { printCollector } = await import('../commands/collector.ts');
    await printCollector();
    return EXIT.ok;
  },
});
