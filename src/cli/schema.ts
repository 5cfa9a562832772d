import { EXIT } from '../commands/exit-codes.ts';
import { command } from './command.ts';

export const schemaCommand = command({
  usage: 'schema [what]',
  describe: 'Print the JSON Schema of what --format json writes, or the columns of --format csv',
  declare: (each) =>
    each.positional('what', {
      describe: 'an analysis, as report writes it, a timeline, as compare does, or a fleet; or the CSV of report',
      choices: ['analysis', 'timeline', 'fleet', 'csv'] as const,
      default: 'analysis' as const,
    }),
  examples: [],
  run: async ({ what }) => {
    const { printSchema } = await import('../commands/schema.ts');
    printSchema(what);
    return EXIT.ok;
  },
});
