/** What a command is to the command line: its arguments, its options, examples of its use, and what it runs. */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import { EXIT } from '../commands/exit-codes.ts';
import { complaint } from '../commands/messages.ts';

interface Definition<Given> {
  /** Its name and its arguments, as yargs writes them. */
  usage: string;
  describe: string;
  /** Declares arguments and options. */
  declare(command: Argv): Argv<Given>;
  /** What is typed, with what it is for. */
  examples: readonly (readonly [line: string, what: string])[];
  /** Does it, once the command line is known to be right; resolves to an exit code. */
  run(given: ArgumentsCamelCase<Given>): Promise<number>;
}

/** A command, whatever its options. */
export type Command = (program: Argv) => Argv;

/** Makes a command of its definition. */
export function command<Given>({ usage, describe, declare, examples, run }: Definition<Given>): Command {
  return (program) =>
    program.command(
      usage,
      describe,
      (each) => examples.reduce((declared, [line, what]) => declared.example(line, what), declare(each)),
      work(run),
    );
}

/** A command's handler: what goes wrong in it is no mistake of the command line. */
function work<Arguments>(run: (options: Arguments) => Promise<number>) {
  return async (options: Arguments): Promise<void> => {
    try {
      process.exitCode = await run(options);
    } catch (error) {
      process.stderr.write(complaint((error as Error).message));
      process.exitCode = EXIT.failed;
    }
  };
}
