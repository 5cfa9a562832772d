/** The analysis itself, for other programs. */
import type { Analysis } from '../analysis/schema.ts';
import type { Timeline } from '../timeline/schema.ts';
import { statementOf } from './findings.ts';
import { inertJson } from './inert.ts';
import { madeByOf, type Presentation } from './presentation.ts';

/** JSON that is also safe to print: active characters are escaped, and parse to what they were. */
export function renderJson(analysis: Analysis, options: Pick<Presentation, 'madeBy'> = {}): string {
  return `${inertJson(JSON.stringify({ ...withStatements(analysis), ...madeByOf(options, 'json') }, null, 2))}\n`;
}

/** The same in one line. */
export function renderJsonLine(analysis: Analysis): string {
  return `${inertJson(JSON.stringify(withStatements(analysis)))}\n`;
}

function withStatements(analysis: Analysis): Analysis {
  const findings = analysis.findings.map((finding) => ({ ...finding, statement: statementOf(finding) }));
  return { ...analysis, findings };
}

/** A comparison for other programs. */
export function renderTimelineJson(timeline: Timeline, options: Pick<Presentation, 'madeBy'> = {}): string {
  return `${inertJson(JSON.stringify({ ...timeline, ...madeByOf(options, 'json') }, null, 2))}\n`;
}
