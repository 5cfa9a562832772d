/** What a command is to the command line: its arguments, its options, examples of its use, and what it runs. */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import { EXIT, UsageError } from '../commands/exit-codes.ts';
import { complaint } from '../commands/messages.ts';
import { type Described, describedOptions } from './described.ts';

interface Definition<Given> {
  /** Its name and its arguments, as yargs writes them. */
  usage: string;
  describe: string;
  /** Declares arguments and options. */
  declare(command: Argv): Argv<Given>;
  /** What is typed, in at most 76 columns so that it can be copied from any terminal, and what it is for. */
  examples: readonly (readonly [what: string, line: string])[];
  /** Words that its argument may be, where that takes a while to tell; others are told by its choices. */
  words?(): Promise<string[]>;
  /**
   * Does it, once the command line is known to be right; resolves to an exit code.
   *
   * @param all  every command, for what tells of them
   */
  run(given: ArgumentsCamelCase<Given>, all: () => DescribedCommand[]): Promise<number>;
}

/** What can be told of a command without running it. */
export interface DescribedCommand {
  name: string;
  usage: string;
  describe: string;
  examples: Definition<unknown>['examples'];
  options: Described[];
  /** What its argument may be, if that is a word. */
  words(): Promise<string[]>;
}

/** A command, whatever its options. */
export interface Command {
  name: string;
  usage: string;
  /** @param program  without commands */
  described(program: Argv): DescribedCommand;
  /**
   * Makes it a command of the program.
   *
   * @param prepare  is handed the command with all its options before it is parsed; throws where the command line is wrong
   */
  addTo(program: Argv, prepare: (name: string, declared: Argv) => void, all: () => DescribedCommand[]): void;
}

/** Makes a command of its definition. */
export function command<Given>(definition: Definition<Given>): Command {
  const { usage, describe, examples, run } = definition;
  const name = usage.split(' ', 1)[0] ?? usage;
  const declare = (each: Argv) => definition.declare(each).epilogue(examplesText(examples));
  return {
    name,
    usage,
    described(program) {
      const options = describedOptions(declare(program) as Argv);
      const choices = options.flatMap((each) => (each.isPositional ? (each.choices ?? []) : []));
      const words = definition.words ?? (async () => choices);
      return { name, usage, describe, examples, options, words };
    },
    addTo(program, prepare, all) {
      const build = (each: Argv, isForHelp?: boolean) => {
        const declared = declare(each);
        if (isForHelp !== true) prepare(name, declared as Argv);
        return declared;
      };
      program.command(
        usage,
        describe,
        build,
        work((given) => run(given, all)),
      );
    },
  };
}

function examplesText(examples: DescribedCommand['examples']): string {
  return examples.length === 0
    ? ''
    : `Examples:\n${examples.map(([what, line]) => `  # ${what}\n  ${line}`).join('\n')}`;
}

/** A command's handler: what goes wrong in it is no mistake of the command line. */
function work<Given>(run: (given: ArgumentsCamelCase<Given>) => Promise<number>) {
  return async (options: ArgumentsCamelCase<Given>): Promise<void> => {
    try {
      process.exitCode = await run(options);
    } catch (error) {
      process.stderr.write(complaint((error as Error).message));
      process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
    }
  };
}
