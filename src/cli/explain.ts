import { command } from './command.ts';

export const explainCommand = command({
  usage: 'explain [id]',
  describe: 'Tell what a finding looks for, why it matters and what to do; without an ID, list all',
  declare: (each) => each.positional('id', { describe: 'a finding, as a report names it', type: 'string' }),
  examples: [
    ['the findings that there are', 'conntrack-report explain'],
    ['one of them', 'conntrack-report explain table-full'],
  ],
  words: async () => [...(await import('../analysis/findings/index.ts')).RULE_IDS],
  run: async ({ id }) => {
    const { explain } = await import('../commands/explain.ts');
    return explain(id);
  },
});
