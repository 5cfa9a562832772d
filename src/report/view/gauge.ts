/** The gauge under the key figures. */
import type { Analysis } from '../../analysis/schema.ts';
import { gauge, type Mark } from '../charts.ts';
import { count, percent } from '../format.ts';
import { Verbatim } from '../inert.ts';

/** How full the table is, against the limit today and the one recommended; nothing without both numbers. */
export function usageGauge(analysis: Analysis): Verbatim | undefined {
  const { usage, recommendation } = analysis;
  if (!usage.entries || !usage.max || usage.unlimited) return undefined;
  const entries = usage.entries.value;
  const mark = (label: string, value: number): Mark => ({
    label,
    value,
    text: `${count(value)}, ${percent(entries / value)} in use`,
  });
  const marks = [mark('limit today', usage.max.value)];
  if (recommendation.max && recommendation.max !== usage.max.value)
    marks.push(mark('limit recommended', recommendation.max));
  const fill = { label: 'entries', value: entries, text: count(entries) };
  const title = `${percent(entries / usage.max.value)} of today’s limit is in use`;
  return new Verbatim(gauge('gauge', title, fill, marks));
}
