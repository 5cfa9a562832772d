/** The summary for a terminal: what somebody needs before opening the report. */
import templates from 'templates:plain';
import type { Analysis, Severity } from '../analysis/schema.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { Timeline } from '../timeline/schema.ts';
import { count, withOrdinaryBlanks, writtenIn } from './format.ts';
import { inert, mapStrings } from './inert.ts';
import { type Presentation, presented } from './presentation.ts';
import { renderTemplate } from './templates.ts';
import { fleetView } from './view/fleet.ts';
import { summaryView } from './view/summary.ts';
import { timelineView } from './view/timeline.ts';

const DEFAULT_WIDTH = 80;
const NARROWEST = 40;

/** Hosts of a fleet that a terminal has room for. */
const WORST = 10;

const COLOURS: Record<Severity, number> = { critical: 31, warning: 33, notice: 36, ok: 32, unknown: 35 };

/** A word in pieces that fit: host names can be longer than a terminal is wide. */
function pieces(word: string, width: number): string[] {
  if (word.length <= width) return [word];
  return [word.slice(0, width), ...pieces(word.slice(width), width)];
}

/** Breaks a line at blanks; what follows is indented as the line is, or to its second column if it has one. */
export function wrapped(line: string, width: number): string[] {
  const hang = (/^ *[\w“].*?\S {2,}(?=\S)/.exec(line) ?? /^ *(?:!! |[!-] {2}|- )?/.exec(line))?.[0].length ?? 0;
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

export interface SummaryOptions extends Presentation {
  /** Colours for a terminal that understands them. */
  color?: boolean | undefined;
  /** Columns of the terminal. */
  width?: number | undefined;
  /** Only the verdict and the recommendation, for one report among many. */
  brief?: boolean | undefined;
}

/** Renders about 25 lines and one for each finding. Colour only where it is asked for. */
export function renderText(analysis: Analysis, options: SummaryOptions = {}): string {
  return writtenIn(options, () => {
    const view = summaryView(mapStrings(analysis, inert, inert), options);
    const page = options.brief ? 'brief.text' : 'report.text';
    return laidOut(page, { ...view, figures: aligned(view.figures) }, analysis.verdict.severity, options);
  });
}

/** Renders a comparison. */
export function renderTimelineText(timeline: Timeline, options: SummaryOptions = {}): string {
  return writtenIn(options, () => timelineText(timeline, options));
}

function timelineText(timeline: Timeline, options: SummaryOptions): string {
  const view = timelineView(mapStrings(timeline, inert, inert));
  const { fix, recommendation, findings } = view;
  const labels = aligned(fix.checks.map((check) => ({ ...check, label: check.what })));
  const text = {
    ...view,
    figures: aligned(view.figures),
    fix: { ...fix, checks: labels.map((check) => ({ ...check, what: check.label })) },
    commands: recommendation.commands?.text.split('\n') ?? [],
    news: findings
      .filter(({ few }) => few)
      .flatMap(({ change, rows }) => rows.filter(({ title }) => title).map((row) => ({ ...row, change }))),
  };
  return laidOut('compare.text', text, fix.severity, options);
}

/** Renders what is worst in a fleet. */
export function renderFleetText(fleet: Fleet, options: SummaryOptions = {}): string {
  return writtenIn(options, () => fleetText(fleet, options));
}

function fleetText(fleet: Fleet, options: SummaryOptions): string {
  const view = fleetView(mapStrings(fleet, inert, inert), undefined);
  const worst = view.groups.flatMap(({ rows }) => rows).filter(({ mark }) => mark.trim() !== '');
  const shown = aligned(worst.slice(0, WORST).map((row) => ({ ...row, label: row.name })));
  const rest = worst.length - shown.length;
  return laidOut(
    'fleet.text',
    { ...view, worst: shown, rest: rest > 0 ? count(rest) : undefined },
    view.severity,
    options,
  );
}

/** Labels of one width. */
function aligned<T extends { label: string }>(rows: readonly T[]): T[] {
  const longest = Math.max(0, ...rows.map(({ label }) => label.length));
  return rows.map((row) => ({ ...row, label: row.label.padEnd(longest) }));
}

/** Fills a page, and breaks it into lines that fit; no-break spaces become blanks that every terminal has. */
function laidOut(page: string, view: object, severity: Severity, options: SummaryOptions): string {
  const width = Math.max(NARROWEST, options.width ?? DEFAULT_WIDTH);
  const lines = renderTemplate(templates, page, presented(view, options, []), options.templates)
    .trim()
    .replace(/\n{3,}/g, '\n\n')
    .split('\n')
    // A command is pasted as it is: never broken.
    .flatMap((line) => (/^ {4}\S/.test(line) || line.length <= width ? [line] : wrapped(line, width)))
    .map((line) => withOrdinaryBlanks(line).trimEnd());
  if (options.color) paint(lines, severity);
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
