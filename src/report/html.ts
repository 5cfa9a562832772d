/** The report as one HTML file that loads nothing. */
import { createHash } from 'node:crypto';
import templates from 'templates:html';
import type { Analysis } from '../analysis/schema.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { Timeline } from '../timeline/schema.ts';
import { fontFaces } from './fonts.ts';
import { inert, mapStrings } from './inert.ts';
import { linked } from './links.ts';
import { readAsset, renderTemplate } from './templates.ts';
import { fleetView } from './view/fleet.ts';
import { reportView } from './view/report.ts';
import { timelineView } from './view/timeline.ts';

export type Paper = 'a4' | 'letter';

const PAGE_SIZES: Record<Paper, string> = { a4: 'A4', letter: 'letter' };

/** Style sheets with fonts and page size. */
function styleSheet(size: string, sheets: readonly string[]): string {
  const rules = sheets
    .map(readAsset)
    .join('\n')
    .replace(/\/\*[\s\S]*?\*\/\n?/g, '');
  return `${fontFaces()}\n@page{size:${size}}\n${rules}`;
}

/**
 * Renders a page with the style sheet in it; the same view and paper give the same bytes.
 *
 * @param wide  for wide tables: rules of their own, and paper that lies on its side
 */
function renderPage(name: string, view: object, paper: Paper = 'a4', wide?: { sheet: string }): string {
  const size = PAGE_SIZES[paper];
  const style = wide ? styleSheet(`${size} landscape`, ['style.css', wide.sheet]) : styleSheet(size, ['style.css']);
  const page = renderTemplate(templates, name, {
    ...view,
    style,
    // The one style sheet is allowed by its hash: nothing that a captured string could smuggle in is.
    styleHash: createHash('sha256').update(style).digest('base64'),
  });
  return linked(page);
}

/**
 * Renders the report as a page of its own: it has its fonts and charts in it, carries no script and loads nothing.
 *
 * @param options.paper     size of the pages if it is printed
 * @param options.unfolded  with every finding open, as paper needs it
 */
export function renderHtml(
  analysis: Analysis,
  options: { paper?: Paper | undefined; unfolded?: boolean | undefined } = {},
): string {
  const view = { ...reportView(mapStrings(analysis, inert, inert)), unfolded: options.unfolded === true };
  return renderPage('report.html', view, options.paper);
}

/** Renders a comparison. */
export function renderTimelineHtml(timeline: Timeline, options: { paper?: Paper | undefined } = {}): string {
  return renderPage('compare.html', timelineView(mapStrings(timeline, inert, inert)), options.paper);
}

/**
 * Renders the index of a fleet.
 *
 * @param options.groupBy  the label that the hosts are grouped by
 */
export function renderFleetHtml(
  fleet: Fleet,
  options: { paper?: Paper | undefined; groupBy?: string | undefined } = {},
): string {
  const view = fleetView(mapStrings(fleet, inert, inert), options.groupBy && inert(options.groupBy));
  return renderPage('fleet.html', view, options.paper, { sheet: 'fleet.css' });
}
