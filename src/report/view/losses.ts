/** What the kernel counted and logged: drops, evictions, and how they moved while the capture ran. */
import type { Analysis } from '../../analysis/schema.ts';
import { lineChart } from '../charts.ts';
import { change, count, dateTime, decimal, duration, plural, rate, ratio, secondsExact } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { LOOKED_FOR, sourceOf, whyAbsent } from './sources.ts';

/** Counters that say something about losses, in the order of their weight; each has its meaning in templates/counters. */
const TELLING = ['drop', 'early_drop', 'insert_failed', 'chaintoolong', 'clash_resolve', 'invalid', 'search_restart'];
/** More readings than this are thinned out in the table; the chart has them all. */
const READINGS_LISTED = 14;

function counters(analysis: Analysis) {
  const { counters, duringCapture } = analysis.drops;
  if (!counters) return undefined;
  const during: Record<string, number | undefined> = {
    drop: duringCapture?.drop,
    early_drop: duringCapture?.earlyDrop,
    insert_failed: duringCapture?.insertFailed,
    chaintoolong: duringCapture?.chainTooLong,
    clash_resolve: duringCapture?.clashResolve,
    invalid: duringCapture?.invalid,
  };
  const telling = TELLING.filter((name) => counters.totals[name] !== undefined);
  return {
    file: counters.file,
    seconds: duringCapture && duration(duringCapture.seconds),
    rows: telling.map((name) => ({
      name,
      meaning: new Verbatim(`counters/${name}`),
      total: count(counters.totals[name] ?? 0),
      during: during[name] === undefined ? '' : change(during[name]),
    })),
  };
}

function log(analysis: Analysis) {
  const { log } = analysis.drops;
  return {
    captured: log.captured.length > 0,
    why: log.captured.length ? '' : whyAbsent(analysis, LOOKED_FOR.log),
    files: log.captured.join(', '),
    lines: log.tableFullLines > 0 ? plural(log.tableFullLines, 'line') : undefined,
    suppressed: log.suppressedMessages > 0 ? count(log.suppressedMessages) : undefined,
    first: log.first && { at: dateTime(log.first.value), source: sourceOf(log.first) },
    last: log.last && { at: dateTime(log.last.value), source: sourceOf(log.last) },
    before: log.secondsBeforeCapture === undefined ? undefined : duration(log.secondsBeforeCapture),
    namespaces: log.namespaces.length ? log.namespaces.join(', ') : undefined,
  };
}

/** Evenly spaced items, the first and the last among them. */
function thinned<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))] as T);
}

function readings(analysis: Analysis) {
  const all = analysis.readings;
  if (all.length < 2) return undefined;
  const start = all.find((r) => r.uptimeSeconds !== undefined)?.uptimeSeconds;
  const at = (r: (typeof all)[number]) =>
    r.uptimeSeconds === undefined || start === undefined ? undefined : r.uptimeSeconds - start;
  const points = all.flatMap((r) => {
    const x = at(r);
    return x === undefined || r.count === undefined ? [] : [{ x, y: r.count }];
  });
  const shown = thinned(all, READINGS_LISTED);
  const cell = (value: number | undefined) => (value === undefined ? 'not captured' : count(value));
  return {
    count: count(all.length),
    thinned: shown.length < all.length,
    // Boot time is worth naming once; the rows count from the first reading.
    start: start === undefined ? undefined : secondsExact(start),
    rows: shown.map((r) => ({
      at: at(r) === undefined ? 'not captured' : `+${decimal(at(r) ?? 0, 2)}\u202fs`,
      count: cell(r.count),
      drop: cell(r.drop),
      earlyDrop: cell(r.earlyDrop),
      insertFailed: cell(r.insertFailed),
      slabObjects: cell(r.slabObjects),
    })),
    chart: points.length >= 3 ? countChart(analysis, points) : undefined,
  };
}

function countChart(analysis: Analysis, points: { x: number; y: number }[]) {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || last.x <= first.x) return undefined;
  const seconds = last.x - first.x;
  const moved = last.y - first.y;
  const ys = points.map((p) => p.y);
  // A flat line says no more than its table.
  if (ys.every((y) => y === first.y)) return undefined;
  const title =
    moved === 0
      ? `The number of entries was the same at both ends of ${duration(seconds)}`
      : `Entries ${moved > 0 ? 'rose' : 'fell'} by ${count(Math.abs(moved))} in ${duration(seconds)} (${rate(Math.abs(moved) / seconds)})`;
  const max = analysis.usage.unlimited ? undefined : analysis.usage.max?.value;
  const high = Math.max(...ys);
  const low = Math.min(...ys);
  // The limit belongs in the picture when it does not press the line flat against the floor.
  const level =
    max !== undefined && max <= high + 2 * (high - low + 1) ? { y: max, text: `limit ${count(max)}` } : undefined;
  const texts = {
    top: low === high ? count(high) : `${count(low)} – ${count(high)} entries`,
    left: 'start',
    right: `+${ratio(seconds)}\u202fs`,
  };
  const description = points.map((p) => `${ratio(p.x - first.x)} s: ${count(p.y)}`).join('; ');
  return { title, svg: new Verbatim(lineChart('readings', title, description, points, texts, level)) };
}

/** What the pages on drops, evictions and the log are given. */
export function lossesView(analysis: Analysis) {
  return {
    counters: counters(analysis),
    countersWhy: analysis.drops.counters ? '' : whyAbsent(analysis, LOOKED_FOR.counters),
    log: log(analysis),
    readings: readings(analysis),
  };
}
