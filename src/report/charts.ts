/**
 * Charts as SVG text. Widths are shares of whatever the chart is given and type is in pixels, so that the same picture
 * is legible on an A4 page and on a telephone; colours are CSS classes, so that it is right in the dark.
 */
import { scaleLinear, scaleSymlog } from 'd3-scale';

/** One bar: finished texts, and a length in whatever unit the bars share. */
export interface Bar {
  label: string;
  value: number;
  text: string;
  /** Drawn in the colour of what the report is about. */
  strong?: boolean;
}

const ROW = 29;
/** The narrowest place that a chart is shown in, in pixels: half an A4 page, or a telephone. */
const NARROWEST = 300;

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function share(value: number): string {
  return `${Math.round(value * 100) / 100}%`;
}

/** Width of a text in Inter at 11 px, from above: enough to know whether it fits. */
function widthOf(text: string): number {
  let width = 0;
  for (const c of text)
    width += /[iljtf.,:;'|()[\] \u202f-]/.test(c) ? 4.2 : /[A-Z@%MWmw_]/.test(c) ? 8.4 : c < '\u0250' ? 6.6 : 11.5;
  return width;
}

function fitted(text: string, room: number): string {
  if (widthOf(text) <= room) return text;
  const letters = Array.from(text);
  while (letters.length > 1 && widthOf(`${letters.join('')}…`) > room) letters.pop();
  return `${letters.join('')}…`;
}

function frame(id: string, height: number, title: string, description: string, body: string): string {
  return (
    `<svg class="chart" role="img" width="100%" height="${height}" aria-labelledby="${id}-title ${id}-desc">` +
    `<title id="${id}-title">${escaped(title)}</title><desc id="${id}-desc">${escaped(description)}</desc>${body}</svg>`
  );
}

/** Shades of parts, each with a pattern of its own: where colours are not seen, the parts still differ. */
const SHADES = ['strong', 'middle', 'light', 'soft'] as const;
type Shade = (typeof SHADES)[number];

/** How many parts a stack can have: more would not be told apart. */
export const MOST_PARTS = SHADES.length;

/** What is drawn over the colour of each shade, on a tile of 6 pixels. */
const MARKS: Record<Shade, string> = {
  strong: '',
  middle: '<path class="hatch" d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2"/>',
  light: '<circle class="dot" cx="1.5" cy="1.5" r="1"/><circle class="dot" cx="4.5" cy="4.5" r="1"/>',
  soft: '<path class="dash" d="M0,3 h6"/>',
};

function patterns(id: string, shades: readonly Shade[]): string {
  const tiles = shades.map(
    (shade) =>
      `<pattern id="${id}-${shade}" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="${shade}" width="6" height="6"/>${MARKS[shade]}</pattern>`,
  );
  return `<defs>${tiles.join('')}</defs>`;
}

/** Bars under their labels, the longest over the whole width. `id` must be unique in the page. */
export function barChart(id: string, title: string, bars: readonly Bar[]): string {
  const length = scaleLinear([0, Math.max(1, ...bars.map((bar) => bar.value))], [0, 100]);
  const rows = bars.map((bar, i) => {
    const y = i * ROW;
    // Something is never drawn as nothing.
    const drawn = bar.value > 0 ? Math.max(0.5, length(bar.value)) : 0;
    return (
      `<text x="0" y="${y + 12}">${escaped(fitted(bar.label, NARROWEST - 14 - widthOf(bar.text)))}</text>` +
      `<text class="value" x="100%" y="${y + 12}" text-anchor="end">${escaped(bar.text)}</text>` +
      `<rect class="track" x="0" y="${y + 17}" width="100%" height="7" rx="1.5"/>` +
      `<rect class="${bar.strong ? 'bar strong' : 'bar'}" x="0" y="${y + 17}" width="${share(drawn)}" height="7" rx="1.5"/>`
    );
  });
  const description = bars.map((bar) => `${bar.label}: ${bar.text}`).join('; ');
  return frame(id, bars.length * ROW - 5, title, description, rows.join(''));
}

/** A column of a histogram, from one value to another. */
export interface Column {
  from: number;
  to: number;
  value: number;
  /** What it stands for, for those who cannot see it. */
  text: string;
}

const COLUMNS_HEIGHT = 64;

/**
 * Columns over a logarithmic axis that begins at 0. They touch, and the highest is as high as the chart.
 *
 * @param ticks values with a label under the axis, ascending
 */
export function histogram(
  id: string,
  title: string,
  columns: readonly Column[],
  top: string,
  ticks: readonly { at: number; label: string }[],
): string {
  const end = Math.max(1, ...columns.map((column) => column.to));
  const x = scaleSymlog([0, end], [0, 100]);
  const y = scaleLinear([0, Math.max(1, ...columns.map((column) => column.value))], [0, COLUMNS_HEIGHT]);
  const bottom = 16 + COLUMNS_HEIGHT;
  const bars = columns.map(({ from, to, value }) => {
    // Something is never drawn as nothing.
    const height = value > 0 ? Math.max(1, Math.round(y(value) * 10) / 10) : 0;
    const width = Math.max(0.3, x(to) - x(from) - 0.3);
    return `<rect class="bar" x="${share(x(from))}" y="${bottom - height}" width="${share(width)}" height="${height}"/>`;
  });
  const labels = apart(ticks.map(({ at, label }) => ({ at: x(at), label }))).map(({ at, label, anchor }) => {
    return `<text x="${share(at)}" y="${bottom + 14}" text-anchor="${anchor}">${escaped(label)}</text>`;
  });
  const body =
    `<text x="0" y="10">${escaped(top)}</text>` +
    `<rect class="track" x="0" y="16" width="100%" height="${COLUMNS_HEIGHT}"/>${bars.join('')}${labels.join('')}`;
  const description = columns.map((column) => column.text).join('; ');
  return frame(id, bottom + 18, title, description, body);
}

/** Labels under an axis, at shares of it in percent, without those that would touch another; the last is always there. */
function apart(labels: readonly { at: number; label: string }[]) {
  const placed = labels.map(({ at, label }, index) => {
    const anchor = index === labels.length - 1 ? 'end' : at === 0 ? 'start' : 'middle';
    const left = (at / 100) * NARROWEST - widthOf(label) * { start: 0, middle: 0.5, end: 1 }[anchor];
    return { at, label, anchor, left, right: left + widthOf(label) };
  });
  const last = placed.pop();
  let free = 0;
  const kept = placed.filter(({ left, right }) => {
    const fits = left >= free && (last === undefined || right + 8 <= last.left);
    if (fits) free = right + 8;
    return fits;
  });
  return last === undefined ? kept : [...kept, last];
}

/** A mark on a gauge. */
export interface Mark {
  label: string;
  value: number;
  text: string;
}

/** How far something is filled, against marks such as the limit today and the one recommended. */
export function gauge(id: string, title: string, fill: Bar, marks: readonly Mark[]): string {
  const highest = Math.max(1, fill.value, ...marks.map((mark) => mark.value));
  // A little room after the last mark, so that it is seen as a mark and not as the end.
  const x = scaleLinear([0, highest * 1.02], [0, 100]);
  const drawn = fill.value > 0 ? Math.max(0.4, x(fill.value)) : 0;
  const lines = marks.map((mark) => {
    const at = x(mark.value);
    // Text grows away from the nearer edge.
    const anchor = at > 50 ? 'end' : 'start';
    return { ...mark, at, anchor, cssClass: mark === marks[0] ? 'limit' : 'aim' };
  });
  const body =
    `<rect class="track" x="0" y="20" width="100%" height="14" rx="2"/>` +
    `<rect class="bar strong" x="0" y="20" width="${share(drawn)}" height="14" rx="2"/>` +
    lines
      .map(
        (m, i) =>
          `<rect class="${m.cssClass}" x="${share(m.at)}" y="${i === 0 ? 14 : 18}" width="2" height="${i === 0 ? 22 : 22}"/>` +
          `<text class="${m.cssClass}" x="${share(m.at)}" y="${i === 0 ? 10 : 52}" text-anchor="${m.anchor}">${escaped(
            fitted(`${m.label} ${m.text}`, NARROWEST),
          )}</text>`,
      )
      .join('');
  const description = [fill, ...marks].map((part) => `${part.label}: ${part.text}`).join('; ');
  return frame(id, marks.length > 1 ? 57 : 38, title, description, body);
}

/** A part of a stacked bar. */
export interface Part {
  label: string;
  value: number;
  text: string;
  shade: Shade;
}

/** One bar of parts that add up to a whole, with the legend under it. */
export function stackedBar(id: string, title: string, parts: readonly Part[]): string {
  const shown = parts.filter((part) => part.value > 0);
  const total = shown.reduce((sum, part) => sum + part.value, 0) || 1;
  const x = scaleLinear([0, total], [0, 100]);
  let at = 0;
  const rects = shown.map((part) => {
    const rect = `<rect fill="url(#${id}-${part.shade})" x="${share(x(at))}" y="0" width="${share(x(part.value))}" height="18"/>`;
    at += part.value;
    return rect;
  });
  const legend = parts.map((part, i) => {
    const y = 28 + i * 19;
    return (
      `<rect fill="url(#${id}-${part.shade})" x="0" y="${y}" width="12" height="12" rx="2"/>` +
      `<text x="17" y="${y + 9}">${escaped(fitted(part.label, NARROWEST - 30 - widthOf(part.text)))}</text>` +
      `<text class="value" x="100%" y="${y + 9}" text-anchor="end">${escaped(part.text)}</text>`
    );
  });
  const description = parts.map((part) => `${part.label}: ${part.text}`).join('; ');
  const tiles = patterns(
    id,
    parts.map(({ shade }) => shade),
  );
  return frame(id, 28 + parts.length * 19, title, description, tiles + rects.join('') + legend.join(''));
}

/** A point of a line: `x` and `y` in their own units. */
export interface Point {
  x: number;
  y: number;
}

/** A line over time, with an optional level to compare it with, and finished texts for the corners. */
export function lineChart(
  id: string,
  title: string,
  description: string,
  points: readonly Point[],
  texts: { top: string; left: string; right: string },
  level?: { y: number; text: string },
): string {
  const xs = points.map((point) => point.x);
  const ys = [...points.map((point) => point.y), ...(level ? [level.y] : [])];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const x = scaleLinear([Math.min(...xs), Math.max(...xs)], [0, 1000]);
  const y = scaleLinear([low, high === low ? low + 1 : high], [96, 4]);
  const coordinate = (value: number) => Math.round(value * 10) / 10;
  const path = points.map((p) => `${coordinate(x(p.x))},${coordinate(y(p.y))}`).join(' ');
  const body =
    `<text x="0" y="10">${escaped(texts.top)}</text>` +
    (level ? `<text class="limit" x="100%" y="10" text-anchor="end">${escaped(level.text)}</text>` : '') +
    `<svg x="0" y="16" width="100%" height="100" viewBox="0 0 1000 100" preserveAspectRatio="none">` +
    `<rect class="track" width="1000" height="100"/>` +
    (level
      ? `<line class="level" x1="0" x2="1000" y1="${coordinate(y(level.y))}" y2="${coordinate(y(level.y))}"/>`
      : '') +
    `<polyline class="line" points="${path}"/></svg>` +
    `<text x="0" y="131">${escaped(texts.left)}</text>` +
    `<text x="100%" y="131" text-anchor="end">${escaped(texts.right)}</text>`;
  return frame(id, 136, title, description, body);
}

/** A moment on a time axis that is marked by a line through the chart. */
interface Moment {
  x: number;
  text: string;
}

const OVER_TIME_HEIGHT = 120;

/**
 * A line over time from zero on, beside a limit that is a staircase, with marked moments.
 *
 * @param limit  where the limit stood from each time on; empty: none is known
 */
export function overTime(
  id: string,
  title: string,
  description: string,
  points: readonly Point[],
  limit: readonly Point[],
  moments: readonly Moment[],
  texts: { top: string; limit?: string | undefined; left: string; right: string },
): string {
  const xs = points.map((point) => point.x);
  const [start, end] = [Math.min(...xs), Math.max(...xs)];
  const x = scaleLinear([start, end === start ? start + 1 : end], [0, 1000]);
  const highest = Math.max(1, ...points.map((point) => point.y), ...limit.map((point) => point.y));
  const y = scaleLinear([0, highest * 1.05], [100, 0]);
  const at = (point: Point) => `${Math.round(x(point.x) * 10) / 10},${Math.round(y(point.y) * 10) / 10}`;
  const stairs = limit.flatMap((step, i) => [
    ...(i > 0 ? [{ x: step.x, y: limit[i - 1]?.y ?? step.y }] : []),
    { x: Math.max(step.x, start), y: step.y },
  ]);
  const last = limit.at(-1);
  if (last) stairs.push({ x: end, y: last.y });
  const bottom = 16 + OVER_TIME_HEIGHT;
  const marks = moments.map(
    (moment) =>
      `<line class="moment" x1="${Math.round(x(moment.x))}" x2="${Math.round(x(moment.x))}" y1="0" y2="100"/>`,
  );
  const labels = apart(moments.map((moment) => ({ at: x(moment.x) / 10, label: moment.text })));
  const body =
    `<text x="0" y="10">${escaped(texts.top)}</text>` +
    (texts.limit === undefined
      ? ''
      : `<text class="limit" x="100%" y="10" text-anchor="end">${escaped(texts.limit)}</text>`) +
    `<svg x="0" y="16" width="100%" height="${OVER_TIME_HEIGHT}" viewBox="0 0 1000 100" preserveAspectRatio="none">` +
    `<rect class="track" width="1000" height="100"/>${marks.join('')}` +
    (stairs.length > 0 ? `<polyline class="level" points="${stairs.map(at).join(' ')}"/>` : '') +
    `<polyline class="line" points="${points.map(at).join(' ')}"/></svg>` +
    labels
      .map(
        ({ at: percent, label, anchor }) =>
          `<text x="${share(percent)}" y="${bottom + 13}" text-anchor="${anchor}">${escaped(label)}</text>`,
      )
      .join('') +
    `<text x="0" y="${bottom + 30}">${escaped(texts.left)}</text>` +
    `<text x="100%" y="${bottom + 30}" text-anchor="end">${escaped(texts.right)}</text>`;
  return frame(id, bottom + 35, title, description, body);
}

/** One column of several parts, all columns of one height. */
export interface Stack {
  label: string;
  /** Parts in the order of the legend; their sum is the height. */
  values: readonly number[];
}

/** Columns side by side, each of the same parts, the largest as high as the chart, with one legend under them. */
export function stacks(
  id: string,
  title: string,
  description: string,
  columns: readonly Stack[],
  legend: readonly string[],
  texts: { top: string; left: string; right: string },
): string {
  const sums = columns.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const height = scaleLinear([0, Math.max(1, ...sums)], [0, OVER_TIME_HEIGHT]);
  const width = 100 / Math.max(1, columns.length);
  const bottom = 16 + OVER_TIME_HEIGHT;
  const bars = columns.flatMap(({ values }, column) => {
    let top = bottom;
    return values.map((value, part) => {
      const tall = Math.round(height(value) * 10) / 10;
      top -= tall;
      return `<rect fill="url(#${id}-${SHADES[part] ?? 'soft'})" x="${share(column * width + 0.15 * width)}" y="${Math.round(top * 10) / 10}" width="${share(0.7 * width)}" height="${tall}"/>`;
    });
  });
  const names = legend.map((label, i) => {
    const top = bottom + 24 + i * 17;
    return (
      `<rect fill="url(#${id}-${SHADES[i] ?? 'soft'})" x="0" y="${top}" width="12" height="12" rx="2"/>` +
      `<text x="17" y="${top + 9}">${escaped(fitted(label, NARROWEST - 20))}</text>`
    );
  });
  const body =
    patterns(id, SHADES.slice(0, Math.max(1, legend.length))) +
    `<text x="0" y="10">${escaped(texts.top)}</text>` +
    `<rect class="track" x="0" y="16" width="100%" height="${OVER_TIME_HEIGHT}"/>${bars.join('')}` +
    `<text x="0" y="${bottom + 14}">${escaped(texts.left)}</text>` +
    `<text x="100%" y="${bottom + 14}" text-anchor="end">${escaped(texts.right)}</text>${names.join('')}`;
  return frame(id, bottom + 24 + legend.length * 17, title, description, body);
}
