import { availableParallelism } from 'node:os';
import yargs, { type Argv } from 'yargs';
import { DEFAULT_AIMS } from './analysis/aims.ts';
import { TIMEOUT_SETTINGS } from './analysis/timeouts.ts';
import { parseLimits, WRITTEN_LIMITS } from './bundle/limits.ts';
import { EXIT, UsageError } from './commands/exit-codes.ts';
import { complaint } from './commands/messages.ts';
import { presentationOptions, sectionsOption } from './commands/presentation.ts';
import { version } from './package.ts';
import { FLEET_FILES } from './report/fleet.ts';
import { FORMATS, type Format, TIMELINE_FORMATS } from './report/index.ts';

const parser = yargs(process.argv.slice(2))
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
  .command(
    'report <bundle...>',
    'Write a report of each bundle, and print a summary',
    (command) =>
      sectionsOption(presentationOptions(limitOption(aimOptions(outputOptions(command, FORMATS)))))
        .positional('bundle', {
          describe: 'what collect.sh wrote: an archive, the folder it was unpacked into, or - for standard input',
          type: 'string',
          array: true,
          demandOption: true,
        })
        .option('what-if', {
          describe: 'timeouts to try on the captured table: tcp_timeout_established=3600,udp_timeout_stream=60',
          type: 'string',
          default: '',
          defaultDescription: 'none',
          requiresArg: true,
          coerce: parseWhatIf,
        })
        .option('fail-on', {
          describe: 'exit with 4 where a verdict or a finding is so severe',
          choices: ['critical', 'warning'] as const,
        })
        .check(({ bundle }) => noOptions(bundle))
        .example('$0 report conntrack-gw1-20261122T140305Z.tar.gz', 'HTML and PDF in the current folder')
        .example('$0 report *.tar.gz --out reports --format html,json', 'several bundles, other formats')
        .example('ssh root@gw "sh -s -- --stdout" < collect.sh | $0 report -', 'straight from the machine'),
    work(async ({ bundle, out, format, paper, browser, whatIf, headroom, memoryBudget, limit, failOn, ...given }) => {
      const { report } = await import('./commands/report.ts');
      const aims = { headroom, memoryBudget };
      const options = { out, formats: format, paper, browser, whatIf, aims, limits: limit, failOn };
      return report(bundle, { ...options, presentation: given });
    }),
  )
  .command(
    'compare <bundle...>',
    'Compare snapshots of a host: what changed, what grows, whether a fix worked',
    (command) =>
      presentationOptions(limitOption(aimOptions(outputOptions(command, TIMELINE_FORMATS))))
        .positional('bundle', {
          describe: 'bundles, folders of bundles, or what report --format json wrote; sorted by host and time',
          type: 'string',
          array: true,
          demandOption: true,
        })
        .check(({ bundle }) => noOptions(bundle))
        .example('$0 compare before.tar.gz after.tar.gz', 'did the change work?')
        .example('$0 compare gw1/', 'a folder of snapshots over time'),
    work(async ({ bundle, out, format, paper, browser, headroom, memoryBudget, limit, ...given }) => {
      const { compare } = await import('./commands/compare.ts');
      const aims = { headroom, memoryBudget };
      return compare(bundle, { out, formats: format, paper, browser, aims, limits: limit, presentation: given });
    }),
  )
  .command(
    'fleet [folder...]',
    'Write an index of many hosts, the worst first, and a page for each',
    (command) =>
      presentationOptions(limitOption(aimOptions(printOptions(command))))
        .positional('folder', {
          describe: 'folders of bundles, at any depth; what was analysed before is not read again',
          type: 'string',
          array: true,
          default: [] as string[],
        })
        .option('format', {
          describe: `formats, with commas between them: ${Object.keys(FLEET_FILES).join(', ')}`,
          type: 'string',
          default: Object.keys(FLEET_FILES).join(','),
          requiresArg: true,
          coerce: (given: string) => parseFormats(given, FLEET_FILES),
        })
        .option('labels', {
          describe: 'a CSV file: hostname, and a column for each label, such as site or customer',
          type: 'string',
          requiresArg: true,
        })
        .option('group-by', {
          describe: 'the label that groups the hosts',
          type: 'string',
          defaultDescription: 'the first',
          requiresArg: true,
        })
        .option('from', {
          describe: 'what analyse --jsonl wrote, in place of bundles or besides',
          type: 'string',
          array: true,
          default: [] as string[],
          nargs: 1,
        })
        .option('workers', {
          describe: 'bundles that are analysed at a time',
          type: 'string',
          default: String(availableParallelism()),
          defaultDescription: 'one for each CPU',
          requiresArg: true,
          coerce: (given: string) => wholeWithin('workers', given, 1, 256),
        })
        .check(({ folder, from }) => {
          if (folder.length + from.length === 0) throw new Error('fleet needs a folder of bundles, or --from');
          return noOptions(folder);
        })
        .example('$0 fleet bundles/ --out fleet --labels hosts.csv', 'all bundles below a folder')
        .example('$0 fleet --from results.jsonl --out fleet', 'analysed elsewhere'),
    work(async ({ folder, out, format, paper, browser, headroom, memoryBudget, limit, ...options }) => {
      const { fleet } = await import('./commands/fleet.ts');
      const aims = { headroom, memoryBudget };
      const given = { formats: format, paper, browser, aims, limits: limit, presentation: options };
      return fleet(folder, { ...options, ...given, out });
    }),
  )
  .command(
    'analyse [bundle...]',
    'Write the analysis of each bundle as a line of JSON, to spread the work over machines',
    (command) =>
      limitOption(aimOptions(command))
        .positional('bundle', {
          describe: 'bundles; without any, their paths are read from standard input, one a line',
          type: 'string',
          array: true,
          default: [] as string[],
        })
        .option('jsonl', { describe: 'as JSON lines', type: 'boolean', demandOption: true })
        .check(({ bundle }) => noOptions(bundle))
        .example('find bundles -name "*.tar.gz" | $0 analyse --jsonl > results.jsonl', 'for fleet --from'),
    work(async ({ bundle, headroom, memoryBudget, limit }) => {
      const { analyseLines } = await import('./commands/analyse.ts');
      return analyseLines(bundle, { aims: { headroom, memoryBudget }, limits: limit });
    }),
  )
  .command(
    'inspect <bundle...>',
    'Print what is recognised in an archive: each datum, where it was found, what is missing',
    (command) =>
      limitOption(command)
        .positional('bundle', {
          describe: 'archives or folders, ours or another collector’s, or - for standard input',
          type: 'string',
          array: true,
          demandOption: true,
        })
        .option('json', { describe: 'as a line of JSON for each capture', type: 'boolean', default: false })
        .check(({ bundle }) => noOptions(bundle))
        .example('$0 inspect sosreport-gw1.tar.xz', 'what a sosreport has of conntrack'),
    work(async ({ bundle, json, limit }) => {
      const { inspect } = await import('./commands/inspect.ts');
      return inspect(bundle, { json, limits: limit });
    }),
  )
  .command(
    'convert <archive>',
    'Write what another collector captured as our own bundle',
    (command) =>
      limitOption(command)
        .positional('archive', {
          describe: 'a sosreport, supportconfig, … that holds one capture',
          type: 'string',
          demandOption: true,
        })
        .option('out', { describe: 'file to write: .tar.gz', type: 'string', demandOption: true, requiresArg: true })
        .check(({ archive }) => noOptions([archive]))
        .example('$0 convert sosreport-gw1.tar.xz --out gw1.tar.gz', 'small, and of the same form as the others'),
    work(async ({ archive, out, limit }) => {
      const { convert } = await import('./commands/convert.ts');
      return convert(archive, out, { limits: limit });
    }),
  )
  .command(
    'anonymize <bundle>',
    'Write a bundle anew with pseudonyms for addresses and names, which keep what a report says',
    (command) =>
      limitOption(command)
        .positional('bundle', {
          describe: 'any archive or folder that report reads',
          type: 'string',
          demandOption: true,
        })
        .option('key-file', {
          describe: 'the secret that the pseudonyms depend on; made if there is none',
          type: 'string',
          demandOption: true,
          requiresArg: true,
        })
        .option('out', {
          describe: 'archive to write (.tar.gz)',
          type: 'string',
          demandOption: true,
          requiresArg: true,
        })
        .check(({ bundle }) => noOptions([bundle]))
        .example('$0 anonymize gw1.tar.gz --key-file acme.key --out for-vendor.tar.gz', 'before it is passed on'),
    work(async ({ bundle, keyFile, out, limit }) => {
      const { anonymize } = await import('./commands/anonymize.ts');
      return anonymize(bundle, { keyFile, out, limits: limit });
    }),
  )
  .command(
    'verify <bundle>',
    'Check that a bundle is whole and unchanged, and that nothing of the original is left in it',
    (command) =>
      limitOption(command)
        .positional('bundle', { describe: 'an archive or folder', type: 'string', demandOption: true })
        .option('leaks', {
          describe: 'the bundle before it was anonymised: nothing of its addresses and names may be left',
          type: 'string',
          requiresArg: true,
        })
        .check(({ bundle }) => noOptions([bundle]))
        .example('$0 verify for-vendor.tar.gz --leaks gw1.tar.gz', 'is anything left?'),
    work(async ({ bundle, leaks, limit }) => {
      const { verify } = await import('./commands/verify.ts');
      return verify(bundle, { original: leaks, limits: limit });
    }),
  )
  .command(
    'collector',
    'Print the script that collects a bundle, to be sent to the machine in question',
    {},
    work(async () => {
      const { printCollector } = await import('./commands/collector.ts');
      await printCollector();
      return EXIT.ok;
    }),
  )
  .command(
    'collect [options..]',
    'Collect a bundle on this machine (conntrack-report collect -- --help lists the options)',
    (command) => command.strict(false),
    work(async () => {
      const { runCollector } = await import('./commands/collector.ts');
      const given = process.argv.slice(process.argv.indexOf('collect') + 1);
      return runCollector(given.filter((option) => option !== '--'));
    }),
  )
  .command(
    'explain [id]',
    'Tell what a finding looks for, why it matters and what to do; without an ID, list all',
    (command) => command.positional('id', { describe: 'a finding, as a report names it', type: 'string' }),
    work(async ({ id }) => {
      const { explain } = await import('./commands/explain.ts');
      return explain(id);
    }),
  )
  .command(
    'schema [what]',
    'Print the JSON Schema of what --format json writes, or the columns of --format csv',
    (command) =>
      command.positional('what', {
        describe: 'an analysis, as report writes it, a timeline, as compare does, or a fleet; or the CSV of report',
        choices: ['analysis', 'timeline', 'fleet', 'csv'] as const,
        default: 'analysis' as const,
      }),
    work(async ({ what }) => {
      const { printSchema } = await import('./commands/schema.ts');
      printSchema(what);
      return EXIT.ok;
    }),
  )
  .epilogue(
    'Exit codes: 0 done, 1 something could not be written, 2 wrong command line, 3 an input could not be read, ' +
      '4 a verdict or a finding is as severe as --fail-on says, 5 what was verified is not in order.',
  )
  .fail(false);

/** Where reports are written, and as what. */
function outputOptions<T, F extends Format>(command: Argv<T>, formats: Readonly<Record<F, unknown>>) {
  return printOptions(command).option('format', {
    describe: `formats, with commas between them: ${Object.keys(formats).join(', ')}`,
    type: 'string',
    default: 'html,pdf',
    requiresArg: true,
    coerce: (given: string) => parseFormats(given, formats),
  });
}

/** Where, and on what paper. */
function printOptions<T>(command: Argv<T>) {
  return command
    .option('out', { describe: 'folder to write to', type: 'string', default: '.', requiresArg: true })
    .option('paper', {
      describe: 'size of the PDF’s pages',
      choices: ['a4', 'letter'] as const,
      default: 'a4' as const,
    })
    .option('browser', {
      describe: 'browser that prints the PDF: a path, "system", or "bundled" (also CONNTRACK_REPORT_BROWSER)',
      type: 'string',
      requiresArg: true,
    });
}

/** How much of an input is read. */
function limitOption<T>(command: Argv<T>) {
  return command.option('limit', {
    describe: `how much of an input is read, any of ${WRITTEN_LIMITS}`,
    type: 'string',
    default: '',
    defaultDescription: 'these',
    requiresArg: true,
    coerce: parseLimits,
  });
}

/** What a recommendation aims at. */
function aimOptions<T>(command: Argv<T>) {
  return command
    .option('headroom', {
      describe: 'recommended limit as a multiple of the demand',
      type: 'string',
      default: String(DEFAULT_AIMS.headroom),
      requiresArg: true,
      coerce: (given: string) => numberWithin('headroom', given, 1.05, 20),
    })
    .option('memory-budget', {
      describe: 'part of RAM that a full table may take, in percent',
      type: 'string',
      default: String(100 * DEFAULT_AIMS.memoryBudget),
      requiresArg: true,
      coerce: (given: string) => numberWithin('memory-budget', given, 0.1, 50) / 100,
    });
}

function noOptions(words: string[]): true {
  const option = words.find((word) => /^-./.test(word));
  if (option !== undefined) throw new Error(`there is no option ${option}`);
  return true;
}

function parseWhatIf(given: string): Record<string, number> {
  const pairs = given
    .split(',')
    .map((pair) => pair.trim())
    .filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, setting = '', seconds = ''] =
        /^(?:(?:net\.netfilter\.)?nf_conntrack_)?(\w+)\s*=\s*(\d{1,9})$/.exec(pair) ?? [];
      if (!TIMEOUT_SETTINGS.includes(setting) || Number(seconds) === 0) {
        throw new Error(
          `--what-if ${pair}: expected SETTING=SECONDS, where SETTING is one of ${TIMEOUT_SETTINGS.join(', ')}`,
        );
      }
      return [setting, Number(seconds)];
    }),
  );
}

function numberWithin(option: string, given: string, least: number, most: number): number {
  const number = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new Error(`--${option} ${given}: expected a number from ${least} to ${most}`);
}

function wholeWithin(option: string, given: string, least: number, most: number): number {
  if (/^\d+$/.test(given) && Number(given) >= least && Number(given) <= most) return Number(given);
  throw new Error(`--${option} ${given}: expected a whole number from ${least} to ${most}`);
}

function parseFormats<F extends string>(given: string, formats: Readonly<Record<F, unknown>>): F[] {
  const names = given.split(',').map((name) => name.trim().toLowerCase());
  const wrong = names.find((name) => !Object.hasOwn(formats, name));
  if (wrong !== undefined) {
    throw new Error(`--format ${wrong}: expected one or more of ${Object.keys(formats).join(', ')}`);
  }
  return [...new Set(names)] as F[];
}

/** A command's handler: what goes wrong in it is no mistake of the command line. Resolves to an exit code. */
function work<Arguments>(run: (options: Arguments) => Promise<number>) {
  return async (options: Arguments): Promise<void> => {
    try {
      process.exitCode = await run(options);
    } catch (error) {
      process.stderr.write(complaint((error as Error).message));
      process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
    }
  };
}

// Whoever reads the output may stop reading: the reports are still to be written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await parser.parseAsync();
} catch (error) {
  process.stderr.write(`${complaint((error as Error).message)}conntrack-report --help lists commands and options.\n`);
  process.exitCode = EXIT.usage;
}
