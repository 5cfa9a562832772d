import yargs from 'yargs';
import { analyseCommand } from './cli/analyse.ts';
import { anonymizeCommand } from './cli/anonymize.ts';
import { collectCommand } from './cli/collect.ts';
import { collectorCommand } from './cli/collector.ts';
import { compareCommand } from './cli/compare.ts';
import { convertCommand } from './cli/convert.ts';
import { explainCommand } from './cli/explain.ts';
import { fleetCommand } from './cli/fleet.ts';
import { inspectCommand } from './cli/inspect.ts';
import { reportCommand } from './cli/report.ts';
import { schemaCommand } from './cli/schema.ts';
import { verifyCommand } from './cli/verify.ts';
import { EXIT } from './commands/exit-codes.ts';
import { complaint } from './commands/messages.ts';
import { version } from './package.ts';

/** In the order of `--help`. */
const COMMANDS = [
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
];

const program = yargs(process.argv.slice(2))
  .scriptName('conntrack-report')
  .usage('$0 COMMAND\n\nTurns snapshots of a Linux gateway’s connection tracking into health reports.')
  .locale('en')
  .version(version)
  .strict()
  // Otherwise yargs loses a bundle called "-"; what looks like an option is refused by noOptions().
  .parserConfiguration({ 'unknown-options-as-args': true })
  .demandCommand(1, 'Say what to do: conntrack-report report BUNDLE..., or conntrack-report --help.')
  .recommendCommands()
  .wrap(Math.min(100, process.stdout.columns ?? 80))
  .epilogue(
    'Exit codes: 0 done, 1 something could not be written, 2 wrong command line, 3 an input could not be read, ' +
      '4 a verdict or a finding is as severe as --fail-on says, 5 what was verified is not in order.',
  )
  .fail(false);
for (const add of COMMANDS) add(program);

// Whoever reads the output may stop reading: the reports are still to be written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${complaint((error as Error).message)}conntrack-report --help lists commands and options.\n`);
  process.exitCode = EXIT.usage;
}
