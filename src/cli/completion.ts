import yargs from 'yargs';
import { EXIT } from '../commands/exit-codes.ts';
import { command, type DescribedCommand } from './command.ts';

const SHELLS = ['bash', 'zsh'] as const;

export const completionCommand = command({
  usage: 'completion [shell]',
  describe: 'Print what makes the shell complete commands, options, their values and names of files',
  declare: (each) =>
    each.positional('shell', {
      describe: 'which shell; default: the one of $SHELL',
      choices: SHELLS,
    }),
  examples: [
    ['in this shell', 'eval "$(conntrack-report completion bash)"'],
    ['in every one from now on', 'conntrack-report completion bash >> ~/.bashrc'],
    ['the same for zsh', 'conntrack-report completion zsh >> ~/.zshrc'],
  ],
  run: async ({ shell }) => {
    // Where yargs looks for which of its scripts to print.
    if (shell !== undefined) process.env.SHELL = shell;
    yargs().scriptName('conntrack-report').showCompletionScript();
    return EXIT.ok;
  },
});

/** The option with which the scripts ask the program what a word may become. */
export const COMPLETE = '--get-yargs-completions';

/**
 * Prints what the last word may become, a line each; nothing, where the name of a file is expected, which the shell knows.
 *
 * @param words  the program, and what is typed so far
 */
export async function complete(words: readonly string[], all: readonly DescribedCommand[]): Promise<void> {
  // bash takes a word apart at "=".
  const typed = words.slice(1).flatMap((word) => (word === '=' ? [] : [word]));
  const current = typed.at(-1) ?? '';
  const answers = await candidates(current, typed.slice(0, -1), all);
  process.stdout.write(
    answers
      .filter((each) => each.startsWith(current))
      .map((each) => `${each}\n`)
      .join(''),
  );
}

async function candidates(
  current: string,
  before: readonly string[],
  all: readonly DescribedCommand[],
): Promise<string[]> {
  const found = all.find(({ name }) => before.includes(name));
  if (found === undefined) return current.startsWith('-') ? ['--help', '--version'] : all.map(({ name }) => name);
  const options = found.options.filter(({ isPositional }) => !isPositional);
  const named = (word: string | undefined) => options.find(({ name, isBoolean }) => word === `--${name}` && !isBoolean);
  const option = named(before.at(-1));
  if (option !== undefined) return valuesOf(option, current);
  const [, name, value = ''] = /^(--[\w-]+)=(.*)$/.exec(current) ?? [];
  const joined = named(name);
  if (joined !== undefined) return valuesOf(joined, value).map((each) => `${name}=${each}`);
  if (!current.startsWith('-')) return found.words();
  return options.filter((each) => each.isList || !before.includes(`--${each.name}`)).map((each) => `--${each.name}`);
}

/** What an option takes, if that is words: one of them, or several with commas between them, behind those that are there. */
function valuesOf({ choices, parts }: DescribedCommand['options'][number], typed: string): string[] {
  if (choices !== undefined) return [...choices];
  const before = typed.slice(0, typed.lastIndexOf(',') + 1);
  const given = before.split(',');
  return parts.filter((each) => !given.includes(each)).map((each) => before + each);
}
