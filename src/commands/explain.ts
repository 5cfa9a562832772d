import { RULE_IDS } from '../analysis/findings/index.ts';
import { catalogue, explained } from '../report/findings.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { meant } from './nearest.ts';

/**
 * Prints the catalogue of findings, or all that is to be said of one. Returns an exit code.
 *
 * @throws {UsageError} if there is no such finding
 */
export function explain(id: string | undefined): number {
  if (id === undefined) {
    const longest = Math.max(...RULE_IDS.map((each) => each.length));
    const lines = catalogue().map((each) => `${each.id.padEnd(longest)}  ${each.title}\n`);
    process.stdout.write(
      `${lines.join('')}\nconntrack-report explain ID tells what a finding looks for and what to do.\n`,
    );
    return EXIT.ok;
  }
  if (!RULE_IDS.includes(id)) {
    throw new UsageError(`there is no finding ${id}${meant(id, RULE_IDS)}\nThere are: ${RULE_IDS.join(', ')}`);
  }
  const { title, looks, why, remedy } = explained(id);
  const parts = [
    ['What is looked for', looks],
    ['Why it matters', why],
    ['What to do', remedy],
  ];
  const width = Math.min(100, process.stdout.columns ?? 80);
  process.stdout.write(
    `${[`${title} (${id})`, ...parts.map(([heading, text = '']) => `${heading}\n${paragraph(text, width)}`)].join('\n\n')}\n`,
  );
  return EXIT.ok;
}

/** Text in lines of a width, each indented. */
function paragraph(text: string, width: number): string {
  return (text.match(new RegExp(`\\S.{0,${width - 3}}(?=\\s|$)`, 'g')) ?? []).map((line) => `  ${line}`).join('\n');
}
