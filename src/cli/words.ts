/** The words of a command line, looked at before yargs takes them apart: for what can be said better than it does. */
import { existsSync } from 'node:fs';
import { UsageError } from '../commands/exit-codes.ts';
import { meant } from '../commands/nearest.ts';
import type { Described } from './described.ts';

/** The program's options that may come before the command. */
const BEFORE = new Set(['--help', '-h', '--version', '--no-config']);

/** Options as they are written: `--format` of `--format=json`. */
const optionOf = (word: string): string => word.split('=', 1)[0] ?? word;

/** Whether a word is an option: no name of a file, no `-` for standard input, no negative number. */
const isOption = (word: string): boolean => /^-[^\d]/.test(word);

/**
 * Where the command is among the words; undefined if there is none, or only help is asked for.
 *
 * @throws {UsageError} where there is no such command, or an option comes before it
 */
export function commandAt(words: readonly string[], commands: readonly string[]): number | undefined {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (BEFORE.has(word)) {
      if (word !== '--no-config') return undefined;
    } else if (word === '--config') at++;
    else if (optionOf(word) === '--config') continue;
    else if (isOption(word))
      throw new UsageError(`${optionOf(word)}: options come behind the command, as in report ${optionOf(word)}`);
    else if (commands.includes(word)) return at;
    else throw new UsageError(`there is no command ${word}${meantByCommand(word, commands)}`);
  }
  return undefined;
}

function meantByCommand(word: string, commands: readonly string[]): string {
  return existsSync(word) ? `; did you mean report ${word}?` : meant(word, commands);
}

/**
 * Looks at the options behind a command.
 *
 * @throws {UsageError} where there is no such option, or it is given twice and takes one value
 */
export function checkOptions(words: readonly string[], described: readonly Described[]): void {
  const options = described.filter(({ isPositional }) => !isPositional);
  const negated = options.filter(({ isBoolean, name }) => isBoolean || name === 'config');
  const known = ['-h', ...options.map(({ name }) => `--${name}`), ...negated.map(({ name }) => `--no-${name}`)];
  if (words.some((word, at) => word === '' && !words[at - 1]?.startsWith('--')))
    throw new UsageError('a name is empty: expected one of a file or a folder');
  if (words.filter(isInput).length > 1) throw new UsageError('standard input (-) can be read once only');
  const given = new Set<string>();
  for (const word of optionsIn(words)) {
    // As yargs, which takes --memoryBudget for --memory-budget.
    const name = word.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (known.includes(name)) {
      const isList = options.some((each) => each.isList && name === `--${each.name}`);
      if (given.has(name) && !isList) throw new UsageError(`${name} is given twice`);
      given.add(name);
      continue;
    }
    const dashed = name.replace(/^-(?=[^-])/, '--');
    const hint = known.includes(dashed) ? `; did you mean ${dashed}?` : meant(dashed, known);
    throw new UsageError(`there is no option ${word}${hint}`);
  }
}

/** Whether a word stands for standard input, rather than for standard output. */
const isInput = (word: string, at: number, words: readonly string[]): boolean =>
  (word === '-' && words[at - 1] !== '--out') || (/^--[\w-]+=-$/.test(word) && word !== '--out=-');

/** The options among words, as they are written. */
export function optionsIn(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  return words
    .slice(0, end < 0 ? undefined : end)
    .filter(isOption)
    .map(optionOf);
}
