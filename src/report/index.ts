/**
 * A report of one analysis, or of several snapshots of one host, in every format. A format is a line of {@link FORMATS}; what it
 * needs is loaded when it is asked for.
 */
import type { Browser } from 'puppeteer-core';
import type { Analysis } from '../analysis/schema.ts';
import type { Timeline } from '../timeline/schema.ts';
import type { Imprint } from './pdf.ts';
import type { Paper, Presentation } from './presentation.ts';
import type { SummaryOptions } from './text.ts';

export type Format = 'html' | 'pdf' | 'json' | 'md' | 'text' | 'csv' | 'openmetrics';
/** Those of a comparison: a table and a set of samples have one snapshot each. */
export type TimelineFormat = Exclude<Format, 'csv' | 'openmetrics'>;
export type { Paper, Presentation };

/** Every format, and what its files end in. */
export const FORMATS: Record<Format, { extension: string }> = {
  html: { extension: 'html' },
  pdf: { extension: 'pdf' },
  json: { extension: 'json' },
  md: { extension: 'md' },
  text: { extension: 'txt' },
  csv: { extension: 'csv' },
  openmetrics: { extension: 'prom' },
};

const { csv: _csv, openmetrics: _openmetrics, ...ofTimelines } = FORMATS;

/** Every format of a comparison. */
export const TIMELINE_FORMATS: Record<TimelineFormat, { extension: string }> = ofTimelines;

/** One analysis or comparison, ready to be written in any of its formats. */
export interface Renderer<F extends Format = Format> {
  /** What a file of the format ends in, without the dot. */
  extension(format: F): string;
  /** The report in a format that is text. */
  text(format: Exclude<F, 'pdf'>): Promise<string>;
  /** The report as PDF; the browser may be shared. */
  pdf(browser: Browser): Promise<Buffer>;
  /** What a terminal shows of it. */
  summary(options?: SummaryOptions): Promise<string>;
}

/** What makes each format that is text, loaded when it is first asked for. */
const MAKERS = {
  html: () => import('./html.ts'),
  md: () => import('./markdown.ts'),
  text: () => import('./text.ts'),
  json: () => import('./json.ts'),
  csv: () => import('./csv.ts'),
  openmetrics: () => import('./openmetrics.ts'),
};

/** Loads what the formats and the summary need, so that it is there when they are rendered. PDF is made of HTML. */
export async function loadFormats(formats: readonly Format[]): Promise<void> {
  const wanted = formats.map((format) => (format === 'pdf' ? 'html' : format));
  await Promise.all(['text' as const, ...wanted].map((format) => MAKERS[format]()));
}

/** Opens an analysis for rendering: the same analysis and options give the same bytes. */
export function openRenderer(analysis: Analysis, options: Presentation = {}): Renderer {
  const renderers: Record<Exclude<Format, 'pdf'>, () => Promise<string>> = {
    html: async () => (await MAKERS.html()).renderHtml(analysis, options),
    md: async () => (await MAKERS.md()).renderMarkdown(analysis, options),
    text: async () => (await MAKERS.text()).renderText(analysis, options),
    json: async () => (await MAKERS.json()).renderJson(analysis, options),
    csv: async () => (await MAKERS.csv()).renderCsv(analysis),
    openmetrics: async () => (await MAKERS.openmetrics()).renderOpenMetrics(analysis),
  };
  return {
    extension: (format) => FORMATS[format].extension,
    text: (format) => renderers[format](),
    pdf: async (browser) => {
      const html = (await MAKERS.html()).renderHtml(analysis, { ...options, unfolded: true });
      return (await import('./pdf.ts')).renderPdf(browser, html, imprintOf(analysis, options));
    },
    summary: async (summaryOptions) =>
      (await MAKERS.text()).renderText(analysis, { ...summaryStyle(options), ...summaryOptions }),
  };
}

/** What a report says at the foot of every page, and of itself in the file. */
export function imprintOf({ host, tool }: Pick<Analysis, 'host' | 'tool'>, presentation: Presentation = {}): Imprint {
  return { hostname: host.hostname?.value, capturedAt: host.capturedAt?.value, tool, presentation };
}

/** A summary has its own parts: it is for whoever makes the report. */
export function summaryStyle({ sections: _, ...style }: Presentation): Presentation {
  return style;
}

/** Opens a comparison for rendering. */
export function openTimelineRenderer(timeline: Timeline, options: Presentation = {}): Renderer<TimelineFormat> {
  const html = async () => (await MAKERS.html()).renderTimelineHtml(timeline, options);
  const renderers: Record<Exclude<TimelineFormat, 'pdf'>, () => Promise<string>> = {
    html,
    md: async () => (await MAKERS.md()).renderTimelineMarkdown(timeline, options),
    text: async () => (await MAKERS.text()).renderTimelineText(timeline, options),
    json: async () => (await MAKERS.json()).renderTimelineJson(timeline, options),
  };
  return {
    extension: (format) => FORMATS[format].extension,
    text: (format) => renderers[format](),
    pdf: async (browser) => {
      const { hostname } = timeline.host;
      const capturedAt = timeline.points.at(-1)?.capturedAt;
      const imprint = { hostname, capturedAt, tool: timeline.tool, presentation: options };
      return (await import('./pdf.ts')).renderPdf(browser, await html(), imprint);
    },
    summary: async (summaryOptions) =>
      (await MAKERS.text()).renderTimelineText(timeline, { ...summaryStyle(options), ...summaryOptions }),
  };
}
