import { FORMATS } from '../report/index.ts';
import { command } from './command.ts';
import { aimOptions, limitOption, outputOptions, shared, tellingOptions } from './options.ts';
import { presentationOptions, sectionsOption } from './presentation.ts';
import { parseWhatIf } from './values.ts';

export const reportCommand = command({
  usage: 'report <bundle...>',
  describe: 'Write a report of each bundle, and print a summary',
  declare: (each) =>
    sectionsOption(presentationOptions(tellingOptions(limitOption(aimOptions(outputOptions(each, FORMATS))))))
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
      }),
  examples: [
    ['HTML and PDF in the current folder', 'conntrack-report report gw1.tar.gz'],
    [
      'several bundles, other formats, into a folder',
      'conntrack-report report *.tar.gz --out reports --format html,json',
    ],
    ['straight from the machine', "ssh root@gw1 'sh -s -- --stdout' < collect.sh | conntrack-report report -"],
    ['what shorter timeouts would free', 'conntrack-report report gw1.tar.gz --what-if tcp_timeout_established=3600'],
    [
      'a check in a script: exit code 4 where something is critical',
      'conntrack-report report gw1.tar.gz --format json --fail-on critical',
    ],
  ],
  run: async ({ bundle, whatIf, failOn, ...given }) => {
    const { report } = await import('../commands/report.ts');
    return report(bundle, { ...shared(given), whatIf, failOn });
  },
});
