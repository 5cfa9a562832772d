/** The report as one HTML file that loads nothing. */
import { createHash } from 'node:crypto';
import templates from 'templates:html';
import type { Analysis } from '../analysis/schema.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { Timeline } from '../timeline/schema.ts';
import { fontFaces } from './fonts.ts';
import { writtenIn } from './format.ts';
import { inert, mapStrings } from './inert.ts';
import { linked } from './links.ts';
import { type Input, type Paper, type Presentation, presented } from './presentation.ts';
import { readAsset, renderTemplate } from './templates.ts';
import { fleetView } from './view/fleet.ts';
import { reportView } from './view/report.ts';
import { timelineView } from './view/timeline.ts';

export type { Paper, Presentation };

const PAGE_SIZES: Record<Paper, string> = { a4: 'A4', letter: 'letter' };

/** Style sheets with fonts and page size. */
function styleSheet(size: string, sheets: readonly string[], { templates: overrides }: Presentation): string {
  const rules = sheets
    .map((sheet) => overrides?.asset(sheet) ?? readAsset(sheet))
    .join('\n')
    .replace(/\/\*[\s\S]*?\*\/\n?/g, '');
  return `${fontFaces()}\n@page{size:${size}}\n${rules}`;
}

/**
 * Renders a page with the style sheet in it; the same view and presentation give the same bytes.
 *
 * @param inputs  what the view was made of
 * @param wide    for wide tables: rules of their own, and paper that lies on its side
 */
function renderPage(
  name: string,
  view: { title: string },
  presentation: Presentation,
  inputs: readonly Input[],
  wide?: { sheet: string },
): string {
  const size = PAGE_SIZES[presentation.paper ?? 'a4'];
  const style = wide
    ? styleSheet(`${size} landscape`, ['style.css', wide.sheet], presentation)
    : styleSheet(size, ['style.css'], presentation);
  const page = {
    ...presented(view, presentation, inputs),
    style,
    // The one style sheet is allowed by its hash: nothing that a captured string could smuggle in is.
    styleHash: createHash('sha256').update(style).digest('base64'),
  };
  return linked(renderTemplate(templates, name, page, presentation.templates));
}

/**
 * Renders the report as a page of its own: it has its fonts and charts in it, carries no script and loads nothing.
 *
 * @param options.unfolded  with every finding open, as paper needs it
 * @throws {RangeError} if there is no such time zone or locale
 */
export function renderHtml(
  analysis: Analysis,
  options: Presentation & { unfolded?: boolean | undefined } = {},
): string {
  return writtenIn(options, () => {
    const view = { ...reportView(mapStrings(analysis, inert, inert), options), unfolded: options.unfolded === true };
    return renderPage('report.html', view, options, [analysis.bundle]);
  });
}

/** Renders a comparison. */
export function renderTimelineHtml(timeline: Timeline, options: Presentation = {}): string {
  return writtenIn(options, () =>
    renderPage('compare.html', timelineView(mapStrings(timeline, inert, inert)), options, timeline.points),
  );
}

/**
 * Renders the index of a fleet.
 *
 * @param options.groupBy  the label that the hosts are grouped by
 * @param options.inputs   what it was made of
 */
export function renderFleetHtml(
  fleet: Fleet,
  options: Presentation & { groupBy?: string | undefined; inputs?: readonly Input[] | undefined } = {},
): string {
  return writtenIn(options, () => {
    const view = fleetView(mapStrings(fleet, inert, inert), options.groupBy && inert(options.groupBy));
    return renderPage('fleet.html', view, options, options.inputs ?? [], { sheet: 'fleet.css' });
  });
}
