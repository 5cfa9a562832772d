/** What is wrong with a command line, in the words of this program rather than in those of yargs. */
import type { Described } from './described.ts';

/** What was found out by the time that something was wrong. */
export interface Asked {
  /** As the help writes the command; undefined: none was recognised. */
  usage?: string;
  options: readonly Described[];
  /** Where options were set that the command line does not set. */
  origins: ReadonlyMap<string, string>;
}

type Say = (found: RegExpExecArray, written: (name: string) => string, asked: Asked) => string;

/** What yargs says, and what that means. */
const MEANINGS: readonly (readonly [RegExp, Say])[] = [
  [/^Not enough non-option arguments/, (_, __, { usage }) => `too few words: expected conntrack-report ${usage}`],
  [/^Not enough arguments following: (.*)/, ([, name = ''], written) => `${written(name)}: expected a value`],
  [
    /^Missing required arguments?: (.*)/,
    ([, names = ''], written) => {
      const all = names.split(', ').map(written);
      return `${all.join(' and ')} ${all.length === 1 ? 'is' : 'are'} missing`;
    },
  ],
  [/^Unknown arguments?: (.*)/, ([, words = '']) => `too many words: ${words}`],
  [
    /^Invalid values:\s+Argument: (\S+), Given: (.*), Choices: (.*)/,
    ([, name = '', given = '', choices = ''], written) =>
      `${written(name)} ${given}: expected one of ${choices}`.replaceAll('"', ''),
  ],
];

/** What to say of an error that ended the reading of the command line. */
export function mistake(message: string, asked: Asked): string {
  const written = (name: string) =>
    asked.options.some((each) => each.isPositional && each.name === name) ? name.toUpperCase() : `--${name}`;
  const said = saidOf(message.trim(), written, asked);
  // What an option is given on the command line needs no place.
  const [, option = ''] = /^--([\w-]+)/.exec(said) ?? [];
  const where = asked.origins.get(option);
  return where === undefined ? said : `${where}: ${said}`;
}

function saidOf(message: string, written: (name: string) => string, asked: Asked): string {
  for (const [pattern, say] of MEANINGS) {
    const found = pattern.exec(message);
    if (found) return say(found, written, asked);
  }
  return message;
}
