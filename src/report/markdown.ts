/** The report as GitHub-flavoured Markdown. */
import templates from 'templates:plain';
import type { Analysis } from '../analysis/schema.ts';
import type { Timeline } from '../timeline/schema.ts';
import { inert, mapStrings, Verbatim } from './inert.ts';
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
export function renderMarkdown(analysis: Analysis): string {
  const view = reportView(mapStrings(analysis, inert, inert));
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
  return renderPage('report.md', withFences);
}

/** Renders a comparison with the same content as the HTML one. */
export function renderTimelineMarkdown(timeline: Timeline): string {
  const view = timelineView(mapStrings(timeline, inert, inert));
  const { commands } = view.recommendation;
  return renderPage('compare.md', {
    ...view,
    recommendation: { ...view.recommendation, commands: commands && fenced(commands) },
  });
}

function renderPage(name: string, view: object): string {
  const text = renderTemplate(templates, name, mapStrings(view, escapeMarkdown));
  return `${text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}
