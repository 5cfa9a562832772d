import { EXIT } from '../commands/exit-codes.ts';
import { command } from './command.ts';

export const schemaCommand = command({
  usage: 'schema [what]',
  describe: 'Print the JSON Schema of what --format json writes, or the columns of --format csv',
  declare: (each) =>
    each.positional('what', {
      describe:
        'an analysis, as report writes it, a timeline, as compare does, or a fleet; the CSV of report; or a configuration file',
      choices: ['analysis', 'timeline', 'fleet', 'csv', 'config'] as const,
      default: 'analysis' as const,
    }),
  examples: [
    ['of what report --format json writes', 'conntrack-report schema > analysis.schema.json'],
    ['the columns of report --format csv', 'conntrack-report schema csv'],
    ['for an editor that opens .conntrack-report.json', 'conntrack-report schema config > config.schema.json'],
  ],
  run: async ({ what }, all) => {
    if (what === 'config') {
      const { configSchema } = await import('./config.ts');
      process.stdout.write(`${JSON.stringify(configSchema(all()), null, 2)}\n`);
    } else {
      const { printSchema } = await import('../commands/schema.ts');
      printSchema(what);
    }
    return EXIT.ok;
  },
});
