import yargs, { type Argv } from 'yargs';
import { analyseCommand } from './cli/analyse.ts';
import { anonymizeCommand } from './cli/anonymize.ts';
import { collectCommand } from './cli/collect.ts';
import { collectorCommand } from './cli/collector.ts';
import type { Command, DescribedCommand } from './cli/command.ts';
import { compareCommand } from './cli/compare.ts';
import { COMPLETE, complete, completionCommand } from './cli/completion.ts';
import { convertCommand } from './cli/convert.ts';
import { describedOptions } from './cli/described.ts';
import { explainCommand } from './cli/explain.ts';
import { fleetCommand } from './cli/fleet.ts';
import { inspectCommand } from './cli/inspect.ts';
import { manCommand } from './cli/man.ts';
import { type Asked, mistake } from './cli/mistakes.ts';
import { reportCommand } from './cli/report.ts';
import { schemaCommand } from './cli/schema.ts';
import { applySettings, CONFIG_NAME, configFile, fromEnvironment, type Setting } from './cli/settings.ts';
import { verifyCommand } from './cli/verify.ts';
import { checkOptions, commandAt } from './cli/words.ts';
import { EXIT } from './commands/exit-codes.ts';
import { complaint } from './commands/messages.ts';
import { Progress } from './commands/progress.ts';
import { version } from './package.ts';

/** In the order of `--help`. */
const COMMANDS: readonly Command[] = [
  reportCommand,
  compareCommand,
  fleetCommand,
  analyseCommand,
  inspectCommand,
  convertCommand,
  anonymizeCommand,
  verifyCommand,
  collectorCommand,
  collectCommand,
  explainCommand,
  schemaCommand,
  completionCommand,
  manCommand,
];

/** The program without its commands. */
function bare(words: readonly string[]): Argv {
  return (
    yargs([...words])
      .scriptName('conntrack-report')
      .usage('$0 COMMAND\n\nTurns snapshots of a Linux gateway’s connection tracking into health reports.')
      .locale('en')
      .help('help', 'this help')
      .alias('h', 'help')
      .version('version', 'the version of this program', version)
      .strict()
      // Otherwise yargs loses a bundle called "-"; an option that there is not is refused by checkOptions().
      .parserConfiguration({ 'unknown-options-as-args': true })
      .demandCommand(1, 'Say what to do: conntrack-report report BUNDLE..., or conntrack-report --help.')
      .option('config', {
        describe: `file that sets options; default: the nearest ${CONFIG_NAME} upwards (--no-config: none)`,
        type: 'string',
        requiresArg: true,
      })
      .wrap(Math.min(100, process.stdout.columns ?? 80))
      .epilogue(
        'Exit codes: 0 done, 1 something could not be written, 2 wrong command line, 3 an input could not be read, ' +
          '4 a verdict or a finding is as severe as --fail-on says, 5 what was verified is not in order.',
      )
      .fail(false)
  );
}

/** Every command with its options. */
const describedCommands = (): DescribedCommand[] => COMMANDS.map((each) => each.described(bare([])));

/** What is set elsewhere than on the command line, in the order of rank. */
async function settingsFor(words: readonly string[]): Promise<Setting[]> {
  const config = configFile(words);
  const variables = Object.keys(process.env).some((name) => name.startsWith('CONNTRACK_REPORT_'));
  if (config === undefined && !variables) return [];
  const commands = new Map(describedCommands().map(({ name, options }) => [name, options]));
  const file = config === undefined ? [] : (await import('./cli/config.ts')).readConfig(config, commands);
  return [...file, ...fromEnvironment([...commands.values()].flat())];
}

// Whoever reads the output may stop reading: the reports are still to be written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

/** The command that was asked for, as far as that is known when something is wrong. */
let asked: Asked & { name?: string } = { options: [], origins: new Map() };

async function main(): Promise<void> {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(complaint(mistake((error as Error).message, asked)));
    const of = asked.name === undefined ? ' --help lists commands and' : ` ${asked.name} --help lists its`;
    process.stderr.write(`conntrack-report${of} options.\n`);
    process.exitCode = EXIT.usage;
  }
}

async function run(words: readonly string[]): Promise<void> {
  if (words[0] === COMPLETE) return complete(words.slice(1), describedCommands());
  // As people ask for it elsewhere.
  if (words[0] === 'help') return run([...words.slice(1), '--help']);
  const at = commandAt(
    words,
    COMMANDS.map(({ name }) => name),
  );
  const command = COMMANDS.find(({ name }) => at !== undefined && name === words[at]);
  if (command !== undefined) asked = { ...asked, name: command.name, usage: command.usage };
  // The collector has options of its own.
  const isOurs = command !== undefined && command !== collectCommand;
  // Whoever asks for help has it, whatever is wrong elsewhere.
  const isForHelp = words.includes('--help') || words.includes('-h');
  const settings = isOurs && !isForHelp ? await settingsFor(words) : [];
  const program = bare(words);
  const prepare = (name: string, declared: Argv) => {
    if (!isOurs) return;
    const options = describedOptions(declared);
    asked = { ...asked, options };
    checkOptions(words, options);
    asked = { ...asked, origins: applySettings(name, declared, options, settings, words) };
    tellOrigins(words, asked.origins);
  };
  for (const each of COMMANDS) each.addTo(program, prepare, describedCommands);
  await program.parseAsync();
}

/** Tells whoever asked for it which options are set elsewhere. */
function tellOrigins(words: readonly string[], origins: ReadonlyMap<string, string>): void {
  const isAsked = (name: string) => words.includes(`--${name}`) || origins.has(name);
  const progress = new Progress(1, { verbose: isAsked('verbose'), json: isAsked('json') });
  for (const [name, where] of origins) progress.note(`--${name} is set by ${where}`);
}

void main();
