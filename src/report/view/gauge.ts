/** The gauge under the key figures. */
import type { Analysis } from '../../analysis/schema.ts';
import { gauge, type Mark } from '../charts.ts';
import { count } from '../format.ts';
import { Verbatim } from '../inert.ts';

/** How full the table is, against the limit today and the one recommended; nothing without both numbers. */
export function usageGauge(analysis: Analysis): Verbatim | undefined {
  const { usage, recommendation } = analysis;
  if (!usage.entries || !usage.max || usage.unlimited) return undefined;
  const marks: Mark[] = [{ label: 'limit today', value: usage.max.value, text: count(usage.max.value) }];
  if (recommendation.max !== undefined && recommendation.max !== usage.max.value)
    marks.push({ label: 'limit recommended', value: recommendation.max, text: count(recommendation.max) });
  const fill = { label: 'entries', value: usage.entries.value, text: count(usage.entries.value) };
  return new Verbatim(gauge('gauge', 'How full the table is', fill, marks));
}
