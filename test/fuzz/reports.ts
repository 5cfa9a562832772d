/** What is wrong with a report, whatever was captured. */
import { analyse } from '../../src/analysis/analyse.ts';
import { type Analysis, analysisSchema } from '../../src/analysis/schema.ts';
import { BundleError } from '../../src/bundle/bundle.ts';
import { renderHtml } from '../../src/report/html.ts';
import { inspectionOf, renderInspection } from '../../src/report/inspection.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderText } from '../../src/report/text.ts';
import { readSnapshots } from '../../src/snapshot/read.ts';
import { shape } from '../analysis/complaints.ts';
import { stream } from './target.ts';

/** What no page may hold: the style sheet holds fonts, whose letters can spell anything. */
export const HOLES = /undefined|NaN|Infinity|\[object |⟦/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
export const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** What a page has that it may not have, with what stands around it. */
export function around(page: string, pattern: RegExp): string | undefined {
  const at = page.search(pattern);
  return at < 0 ? undefined : page.slice(Math.max(0, at - 60), at + 60);
}

/** Fields that are negative where the host says so: -1 is what a limit was set to that is none. */
const MAY_BE_NEGATIVE =
  /^(?:settings|persisted|usage\.max|expectations\.max|boot|comparisons|inventory|ages|readings|recommendation\.today|verdict\.proof|findings\.\d+\.(?:evidence|values\.now))\b/;

function negatives(value: unknown, where = ''): string[] {
  if (typeof value === 'number') return value < 0 && !MAY_BE_NEGATIVE.test(where) ? [`${where} is ${value}`] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) => negatives(field, where === '' ? key : `${where}.${key}`));
}

export function withoutStyle(page: string): string {
  return page.slice(0, page.indexOf('<style>')) + page.slice(page.indexOf('</style>'));
}

/** What is wrong with what is written of an analysis; `source` is all that was captured. */
function analysisFaults(analysis: Analysis, source: string): string[] {
  const json = renderJson(analysis);
  const pages = {
    JSON: json,
    text: renderText(analysis),
    Markdown: renderMarkdown(analysis),
    HTML: withoutStyle(renderHtml(analysis)),
  };
  // What was captured may be such a word itself.
  const isSaid = /undefined|NaN|Infinity|\[object /.test(source);
  return [
    ...shape(analysis),
    ...(analysisSchema.safeParse(JSON.parse(json)).success ? [] : ['JSON: is no analysis']),
    ...negatives(analysis),
    ...Object.entries(pages).flatMap(([format, page]) => {
      const hole = isSaid ? undefined : around(page, HOLES);
      const control = around(page, CONTROLS);
      return [
        ...(hole === undefined ? [] : [`${format}: a hole: ${hole}`]),
        ...(control === undefined ? [] : [`${format}: a control character: ${JSON.stringify(control)}`]),
      ];
    }),
  ];
}

/** From the bytes of an archive to everything that is written of it. */
export async function wholeWay(input: Buffer): Promise<string[]> {
  let captured: Awaited<ReturnType<typeof readSnapshots>>;
  try {
    captured = await readSnapshots('-', { stdin: stream([input]) });
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return [];
  }
  return captured.flatMap((capture) => {
    if ('error' in capture) return [];
    const analysis = analyse(capture.snapshot, '0');
    const inspection = renderInspection('a', inspectionOf(capture.snapshot, analysis.comparisons ?? []), 80);
    const control = around(inspection, CONTROLS);
    return [
      ...analysisFaults(analysis, JSON.stringify(capture.snapshot)),
      ...(control === undefined ? [] : [`inspection: a control character: ${JSON.stringify(control)}`]),
    ];
  });
}
