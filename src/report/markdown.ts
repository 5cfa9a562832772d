/** The report as GitHub-flavoured Markdown. */
import templates from 'templates:plain';
import type { Analysis } from '../analysis/schema.ts';
import type { Timeline } from '../timeline/schema.ts';
import { writtenIn } from './format.ts';
import { inert, mapStrings, Verbatim } from './inert.ts';
import { type Input, type Presentation, presented } from './presentation.ts';
import { renderTemplate } from './templates.ts';
import { reportView } from './view/report.ts';
import { timelineView } from './view/timeline.ts';

/**
 * A string as Markdown that shows it letter by letter. Every place that a template puts one is inside a line, so marks
 * that matter only where a line begins can stay.
 */
export function escapeMarkdown(text: string): string {
  return (
    text
      .replace(/[\\`*_{}[\]<>|~&]/g, '\\$&')
      // GitHub links bare addresses and people; neither is meant by a captured string.
      .replace(/:\/\//g, '\\://')
      .replace(/\bwww\./gi, (www) => `${www.slice(0, -1)}\\.`)
      .replace(/@/g, '@<!-- -->')
  );
}

/** Text in a fence that is longer than any run of backticks in it. */
function fenced(code: Verbatim): Verbatim {
  const longest = Math.max(2, ...(code.text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return new Verbatim(`${fence}sh\n${code.text}\n${fence}`);
}

/** Renders the report with the same content as the HTML one; charts become the tables that they are drawn from. */
export function renderMarkdown(analysis: Analysis, options: Presentation = {}): string {
  return writtenIn(options, () => reportPage(analysis, options));
}

function reportPage(analysis: Analysis, options: Presentation): string {
  const view = reportView(mapStrings(analysis, inert, inert), options);
  const { recommendation, findings } = view;
  const withFences = {
    ...view,
    recommendation: {
      ...recommendation,
      commands: recommendation.commands.map((block) => ({ ...block, code: fenced(block.code) })),
    },
    findings: {
      ...findings,
      found: findings.found.map((finding) => ({
        ...finding,
        commands: finding.commands && fenced(finding.commands),
      })),
    },
  };
  return renderPage('report.md', withFences, options, [analysis.bundle]);
}

/** Renders a comparison with the same content as the HTML one. */
export function renderTimelineMarkdown(timeline: Timeline, options: Presentation = {}): string {
  return writtenIn(options, () => {
    const view = timelineView(mapStrings(timeline, inert, inert));
    const { commands } = view.recommendation;
    const withFences = { ...view, recommendation: { ...view.recommendation, commands: commands && fenced(commands) } };
    return renderPage('compare.md', withFences, options, timeline.points);
  });
}

function renderPage(
  name: string,
  view: { title: string },
  presentation: Presentation,
  inputs: readonly Input[],
): string {
  const { made, ...page } = presented(view, presentation, inputs, 'md');
  const withFence = { ...page, made: { ...made, command: made.command && fenced(made.command) } };
  const text = renderTemplate(templates, name, mapStrings(withFence, escapeMarkdown), presentation.templates);
  return `${text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}
