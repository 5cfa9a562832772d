import { EXIT } from '../commands/exit-codes.ts';
import { command, type DescribedCommand } from './command.ts';
import type { Described } from './described.ts';

export const manCommand = command({
  usage: 'man',
  describe: 'Print the manual page',
  declare: (each) => each,
  examples: [['read it', 'conntrack-report man | man -l -']],
  run: async (_, all) => {
    const { version } = await import('../package.ts');
    process.stdout.write(manualPage(all(), version));
    return EXIT.ok;
  },
});

/** Exit codes as the manual has them; README.md has the same table. */
const EXITS: readonly (readonly [code: number, what: string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'something could not be produced or written, for example the PDF without a browser; the rest is there'],
  [EXIT.usage, 'the command line, a configuration file or the environment is wrong; nothing was done'],
  [EXIT.input, 'an input is no bundle or cannot be read; the other inputs were reported'],
  [EXIT.found, 'all was done, and a verdict or a finding is as severe as --fail-on says'],
  [EXIT.wrong, 'verify: the bundle is not as its inventory says, or something of the original is left'],
  [130, 'Ctrl-C (SIGINT) ended it: at once, and no unfinished file or browser is left'],
  [143, 'SIGTERM ended it, as cleanly'],
];

/** Writes the manual page, in the man(7) macros, of what the commands say of themselves. */
function manualPage(commands: readonly DescribedCommand[], version: string): string {
  const common = new Set(['config', 'help', 'version']);
  const shared = commands[0]?.options.filter(({ name }) => common.has(name)) ?? [];
  return [
    `.TH CONNTRACK-REPORT 1 "" "conntrack-report ${version}" "User Commands"`,
    // Nothing is stretched to the margin, and nothing that can be typed is hyphenated.
    '.ad l',
    '.nh',
    '.SH NAME',
    'conntrack-report \\- health reports of a Linux gateway’s connection tracking',
    '.SH SYNOPSIS',
    '.B conntrack-report',
    '.I COMMAND',
    '[\\fIOPTION\\fR]... [\\fIFILE\\fR]...',
    '.SH DESCRIPTION',
    'Turns snapshots of a Linux gateway’s connection tracking into health reports.',
    'What each command takes besides these options follows below.',
    ...shared.flatMap(optionLines),
    '.SH COMMANDS',
    ...commands.flatMap((each) => [
      `.SS "${text(each.usage.replaceAll('"', ''))}"`,
      `${text(each.describe)}.`,
      ...inOrder(each.options.filter(({ name }) => !common.has(name))).flatMap(optionLines),
      ...(each.examples.length === 0 ? [] : ['.PP', 'Examples:', ...each.examples.flatMap(exampleLines)]),
    ]),
    '.SH ENVIRONMENT',
    'Each option can also be set by a variable:',
    '.BR \\-\\-memory\\-budget ,',
    'for one, by',
    '.BR CONNTRACK_REPORT_MEMORY_BUDGET .',
    ...tagged('\\fBCONNTRACK_REPORT_CONFIG\\fR', 'the configuration file, as --config'),
    ...tagged(
      '\\fBCONNTRACK_REPORT_NO_SANDBOX\\fR',
      '1 lets an ordinary user print where the system allows no browser sandbox',
    ),
    ...tagged('\\fBNO_COLOR\\fR', 'turns colours off'),
    '.SH FILES',
    ...tagged(
      '\\fI.conntrack\\-report.json\\fR',
      'options that are set for the folder and those below it: {"format": "html", "report": {"out": "reports"}}. ' +
        'The environment and the command line come before it.',
    ),
    '.SH EXIT STATUS',
    ...EXITS.flatMap(([code, what]) => tagged(`\\fB${code}\\fR`, what)),
    '',
  ].join('\n');
}

/** Arguments come before options. */
const inOrder = (options: readonly Described[]): Described[] => [
  ...options.filter(({ isPositional }) => isPositional),
  ...options.filter(({ isPositional }) => !isPositional),
];

function optionLines({ name, describe, isPositional, isBoolean, choices, usual, isDemanded }: Described): string[] {
  const value = isBoolean ? '' : ` ${choices === undefined ? '\\fIVALUE\\fR' : choices.join('|')}`;
  const tag = isPositional ? `\\fI${text(name)}\\fR` : `\\fB\\-\\-${text(name)}\\fR${value}`;
  const more = isDemanded && !isPositional ? ' (required)' : usual === undefined ? '' : ` (default: ${usual})`;
  return tagged(tag, `${describe}${more}`);
}

function tagged(tag: string, what: string): string[] {
  return ['.TP', tag, text(what)];
}

function exampleLines([what, line]: DescribedCommand['examples'][number]): string[] {
  return ['.PP', `${text(what)}:`, '.PP', '.nf', '.RS 4', text(line), '.RE', '.fi'];
}

/** Text in which nothing is taken for a macro, a hyphen can be copied as it is typed, and a list may be broken at its commas. */
function text(plain: string): string {
  return plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/,(?=\S)/g, ',\\:')
    .replace(/^(?=[.'])/, '\\&');
}
