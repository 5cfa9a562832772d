import { command } from './command.ts';

export const collectCommand = command({
  usage: 'collect [options..]',
  describe: 'Collect a bundle on this machine (conntrack-report collect -- --help lists the options)',
  declare: (each) => each.strict(false),
  examples: [['without the table, into a file', 'conntrack-report collect --no-table --output here.tar.gz']],
  run: async () => {
    const { runCollector } = await import('../commands/collector.ts');
    const given = process.argv.slice(process.argv.indexOf('collect') + 1);
    return runCollector(given.filter((option) => option !== '--'));
  },
});
