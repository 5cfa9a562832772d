import { command } from './command.ts';

export const explainCommand = command({
  usage: 'explain [id]',
  describe: 'Tell what a finding looks for, why it matters and what to do; without an ID, list all',
  declare: (each) => each.positional('id', { describe: 'a finding, as a report names it', type: 'string' }),
  examples: [],
  run: async ({ id }) => {
    const { explain } = await import('../commands/explain.ts');
    return explain(id);
  },
});
