/** The summary for a terminal: what somebody needs before opening the report. */
import templates from 'templates:text';
import type { Analysis, Severity } from '../analysis/schema.ts';
import { inert, mapStrings } from './inert.ts';
import { renderTemplate } from './templates.ts';
import { summaryView } from './view/summary.ts';

const DEFAULT_WIDTH = 80;
const NARROWEST = 40;

const COLOURS: Record<Severity, number> = { critical: 31, warning: 33, notice: 36, ok: 32, unknown: 35 };

/** A word in pieces that fit: host names can be longer than a terminal is wide. */
function pieces(word: string, width: number): string[] {
  if (word.length <= width) return [word];
  return [word.slice(0, width), ...pieces(word.slice(width), width)];
}

/** Breaks a line at blanks; what follows is indented as the line is, or to its second column if it has one. */
function wrapped(line: string, width: number): string[] {
  const hang = (/^ *\w.*?\S {2,}(?=\S)/.exec(line) ?? /^ *(?:!! |[!-] {2}|- )?/.exec(line))?.[0].length ?? 0;
  const indent = ' '.repeat(Math.min(hang, width / 2));
  const lines: string[] = [];
  let current = '';
  const words = line
    .slice(hang)
    .split(' ')
    .flatMap((word) => pieces(word, width - indent.length));
  for (const word of words) {
    const start = lines.length === 0 && current === '' ? line.slice(0, hang) : indent;
    if (current === '') current = start + word;
    else if (`${current} ${word}`.length <= width) current += ` ${word}`;
    else {
      lines.push(current);
      current = indent + word;
    }
  }
  return [...lines, current];
}

export interface SummaryOptions {
  /** Colours for a terminal that understands them. */
  color?: boolean | undefined;
  /** Columns of the terminal. */
  width?: number | undefined;
  /** Only the verdict and the recommendation, for one report among many. */
  brief?: boolean | undefined;
}

/** Renders about 25 lines. Colour only where it is asked for; no-break spaces become blanks that every terminal has. */
export function renderText(analysis: Analysis, options: SummaryOptions = {}): string {
  const width = Math.max(NARROWEST, options.width ?? DEFAULT_WIDTH);
  const view = summaryView(mapStrings(analysis, inert, inert));
  const longest = Math.max(...view.figures.map((figure) => figure.label.length));
  const labelled = {
    ...view,
    figures: view.figures.map((figure) => ({ ...figure, label: figure.label.padEnd(longest) })),
  };
  const text = renderTemplate(templates, options.brief ? 'brief.text' : 'report.text', labelled);
  const lines = text
    .trim()
    .replace(/\n{3,}/g, '\n\n')
    .split('\n')
    // A command is pasted as it is: never broken.
    .flatMap((line) => (/^ {4}\S/.test(line) || line.length <= width ? [line] : wrapped(line, width)))
    .map((line) => line.replace(/[\u00a0\u202f]/g, ' '));
  if (options.color) paint(lines, analysis.verdict.severity);
  return `${lines.join('\n')}\n`;
}

/** Headings are the lines that begin at the margin and have a line of their own; the verdict's is coloured. */
function paint(lines: string[], severity: Severity): void {
  let headings = 0;
  for (const [i, line] of lines.entries()) {
    if (!/^\S/.test(line) || (i > 0 && lines[i - 1] !== '')) continue;
    headings++;
    lines[i] = headings === 2 ? `\x1b[1;${COLOURS[severity]}m${line}\x1b[0m` : `\x1b[1m${line}\x1b[0m`;
  }
}
