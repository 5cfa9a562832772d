/**
 * The library: what `conntrack-report` does with a bundle, as functions. They read what they are told to read and write nothing; importing
 * them does nothing. Everything else in this package may change with any version.
 */
import type { Aims } from './analysis/aims.ts';
import { analyse as analyseAs } from './analysis/analyse.ts';
import type { Analysis } from './analysis/schema.ts';
import { version } from './package.ts';
import type { Snapshot } from './snapshot/types.ts';

export { type Analysed, analysesOf } from './analyses.ts';
export type { Aims } from './analysis/aims.ts';
export type { Analysis } from './analysis/schema.ts';
export { type BundleEnd, BundleError, type Member, readBundle as openBundle } from './bundle/bundle.ts';
export { renderCsv } from './report/csv.ts';
export { type Paper, type Presentation, renderHtml } from './report/html.ts';
export { renderJson } from './report/json.ts';
export { renderMarkdown } from './report/markdown.ts';
export { renderOpenMetrics } from './report/openmetrics.ts';
export { renderText, type SummaryOptions } from './report/text.ts';
export { readSnapshot } from './snapshot/read.ts';
export type { Fact, Snapshot } from './snapshot/types.ts';

/**
 * Analyses one snapshot. The same snapshot and options give the same analysis.
 *
 * @param options.whatIf  timeouts in seconds, by the setting's name without `nf_conntrack_` in front, whose effect is to be worked out
 * @param options.aims    what the recommendation aims at; default: twice the demand, and 5 % of RAM at the most
 * @returns plain data: bytes, seconds and counts as the names of its fields say, shares as parts of 1; what was not captured is absent
 */
export function analyse(
  snapshot: Snapshot,
  options: { whatIf?: Readonly<Record<string, number>>; aims?: Aims } = {},
): Analysis {
  return analyseAs(snapshot, version, options);
}
