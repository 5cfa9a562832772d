/** The index of a fleet in every format. */
import type { Browser } from 'puppeteer-core';
import type { Fleet } from '../fleet/schema.ts';
import { summaryStyle } from './index.ts';
import { inertJson } from './inert.ts';
import { type Input, madeByOf, type Presentation } from './presentation.ts';
import type { SummaryOptions } from './text.ts';

export type FleetFormat = 'html' | 'pdf' | 'csv' | 'json';

/** Every format, and what its file is called. */
export const FLEET_FILES: Record<FleetFormat, string> = {
  html: 'index.html',
  pdf: 'index.pdf',
  csv: 'fleet.csv',
  json: 'fleet.json',
};

/** A fleet, ready to be written in any format. */
export interface FleetRenderer {
  text(format: Exclude<FleetFormat, 'pdf'>): Promise<string>;
  pdf(browser: Browser): Promise<Buffer>;
  /** What a terminal shows of it. */
  summary(options?: SummaryOptions): Promise<string>;
}

/**
 * Opens a fleet for rendering: the same fleet and options give the same bytes.
 *
 * @param options.groupBy  the label that the hosts are grouped by
 * @param options.inputs   what it was made of
 */
export function openFleetRenderer(
  fleet: Fleet,
  options: Presentation & { groupBy?: string | undefined; inputs?: readonly Input[] | undefined } = {},
): FleetRenderer {
  const html = async () => (await import('./html.ts')).renderFleetHtml(fleet, options);
  const renderers: Record<Exclude<FleetFormat, 'pdf'>, () => Promise<string>> = {
    html,
    csv: async () => (await import('./fleet-csv.ts')).renderFleetCsv(fleet),
    json: async () => `${inertJson(JSON.stringify({ ...fleet, ...madeByOf(options) }, null, 2))}\n`,
  };
  return {
    text: (format) => renderers[format](),
    pdf: async (browser) => {
      const { renderPdf } = await import('./pdf.ts');
      const imprint = {
        hostname: `${fleet.totals.hosts} hosts`,
        capturedAt: newestOf(fleet),
        tool: fleet.tool,
        presentation: options,
      };
      return renderPdf(browser, await html(), imprint);
    },
    summary: async (summaryOptions) =>
      (await import('./text.ts')).renderFleetText(fleet, { ...summaryStyle(options), ...summaryOptions }),
  };
}

function newestOf({ hosts }: Fleet): string | undefined {
  const times = hosts.flatMap(({ capturedAt }) => (capturedAt === undefined ? [] : [capturedAt]));
  return times.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1);
}
