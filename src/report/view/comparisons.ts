/** Numbers that the capture has in several places: where each is, which one is used, and why the others differ. */
import type { Analysis, Comparison } from '../../analysis/schema.ts';
import { count, duration } from '../format.ts';
import type { Verbatim } from '../inert.ts';
import { textOf, valuesOf } from './quantity.ts';
import { sourceOf } from './sources.ts';

/** What a value is used for. */
export const USED = { number: 'used', rows: 'used for what fills the table' } as const;

/** From so long a span on both its ends are told. */
const SPAN_SECONDS = 1;

/** How reports call it. */
export function titleOf({ of, name }: Comparison): string {
  if (of === 'entries') return 'Entries of this network namespace';
  if (of === 'namespace') return `Entries of the network namespace ${name ?? ''}`;
  if (of === 'counter') return `Counter ${name ?? ''}`;
  return of === 'max' ? 'Limit' : 'Buckets';
}

function timeOf({ time }: Comparison['places'][number]): string {
  if (!time) return '';
  const { fromSeconds, toSeconds } = time;
  const to = toSeconds - fromSeconds < SPAN_SECONDS ? '' : ` to ${duration(toSeconds)}`;
  return `${duration(fromSeconds)}${to}`;
}

/** What the table of these numbers is given; `any` is false where nothing is in two places. */
export function comparisonsView({ comparisons = [] }: Pick<Analysis, 'comparisons'>) {
  const timed = comparisons.some(({ places }) => places.some(({ time }) => time !== undefined));
  return {
    any: comparisons.length > 0,
    timed,
    columns: timed ? '4' : '3',
    groups: comparisons.map((comparison) => ({
      title: titleOf(comparison),
      places: comparison.places.map((place) => ({
        what: place.what,
        value: count(place.value),
        source: sourceOf(place),
        time: timeOf(place),
        used: place.used && USED[place.used],
        why: place.why && differenceText(place.why),
        values: valuesOf(place.values),
      })),
    })),
  };
}

/** The template that says why a number differs. */
export function differenceText(why: string): Verbatim {
  return textOf({ id: 'consistency' }, `differs-${why}`);
}
