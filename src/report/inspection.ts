/** What was recognised in a capture: each datum with where it was found, what is missing, what was passed over, what conflicts. */
import templates from 'templates:plain';
import { located } from '../analysis/origins.ts';
import type { Comparison } from '../analysis/schema.ts';
import { layoutTitle } from '../bundle/layouts/index.ts';
import type { Fact, Snapshot } from '../snapshot/types.ts';
import { bytes, count, duration, plural, withOrdinaryBlanks } from './format.ts';
import { inert } from './inert.ts';
import { renderTemplate } from './templates.ts';
import { wrapped } from './text.ts';
import { differenceText, titleOf, USED } from './view/comparisons.ts';
import { valuesOf } from './view/quantity.ts';
import { sourceOf } from './view/sources.ts';

/** A datum that is there. */
interface Found {
  what: string;
  value: string;
  source: string;
}

/** What {@link renderInspection} prints, and `inspect --json` writes. */
export interface Inspection {
  layout: string;
  found: Found[];
  missing: string[];
  passedOver: { file: string; path: string }[];
  /** Numbers that are in several places: which of them is used, and why the others differ. */
  comparisons: { title: string; places: (Found & { remark: string })[] }[];
  problems: { source: string; what: string; cost: string }[];
}

/** What is told of a fact: how it is called, the fact, and how its value is written. */
type Datum = [what: string, fact: Fact<unknown> | undefined, written: string | undefined];

/**
 * Lists what a snapshot holds.
 *
 * @param snapshot     with paths of our own bundle; the answer has those of the archive
 * @param comparisons  what its analysis says of numbers that are in several places
 */
export function inspectionOf(snapshot: Snapshot, comparisons: readonly Comparison[]): Inspection {
  const placeOf = (place: { file: string; line?: number | undefined }) =>
    sourceOf(located({ file: place.file, line: place.line }, snapshot.origins));
  const found: Found[] = [];
  const missing: string[] = [];
  for (const [what, fact, written] of dataOf(snapshot)) {
    if (fact === undefined) missing.push(what);
    else found.push({ what, value: inert(written ?? String(fact.value)), source: inert(placeOf(fact)) });
  }
  return {
    layout: layoutTitle(snapshot.bundle.layout),
    found,
    missing,
    passedOver: snapshot.passedOver.map(({ file, path }) => ({ file: inert(file), path: inert(path) })),
    comparisons: comparisons.map((comparison) => ({
      title: inert(titleOf(comparison)),
      places: comparison.places.map((place) => ({
        what: inert(place.what),
        value: count(place.value),
        source: inert(sourceOf(place)),
        remark: inert(remarkOf(place)),
      })),
    })),
    problems: snapshot.problems.map((problem) => ({
      source: inert(placeOf(problem)),
      what: inert(problem.what),
      cost: inert(problem.cost),
    })),
  };
}

/** What a place's value is used for, and why it differs, in words. */
export function remarkOf({ used, why, values }: Comparison['places'][number]): string {
  const difference = why && renderTemplate(templates, differenceText(why).text, valuesOf(values)).trim();
  return [used && USED[used], difference].filter(Boolean).join('; ');
}

function dataOf(snapshot: Snapshot): Datum[] {
  const { host, first, sysctls, moduleParameters, meminfo, table, persisted, log, logFiles, namespaces } = snapshot;
  const whole = (file: string | undefined, value: string): Fact<string> | undefined =>
    file === undefined ? undefined : { value, file };
  const numbered = (fact: Fact<number> | undefined): string | undefined => fact && count(fact.value);
  const timeouts = Object.entries(sysctls).filter(([name]) => name.includes('timeout'));
  return [
    ['host name', host.hostname, undefined],
    ['kernel', host.kernelRelease, undefined],
    ['architecture', host.machine, undefined],
    ['processors', host.cpus, undefined],
    ['time of the capture', host.capturedAt, undefined],
    ['uptime', first.uptimeSeconds, first.uptimeSeconds && duration(first.uptimeSeconds.value)],
    ['machine id', host.machineIdSha256, host.machineIdSha256?.value.slice(0, 12)],
    ['boot id', host.bootId, undefined],
    ['page size', snapshot.pageBytes, snapshot.pageBytes && bytes(snapshot.pageBytes.value)],
    ['memory', meminfo.MemTotal, meminfo.MemTotal && bytes(meminfo.MemTotal.value)],
    ['entries counted', first.count, numbered(first.count)],
    ['limit', sysctls.max, numbered(sysctls.max)],
    ['buckets', sysctls.buckets ?? moduleParameters.hashsize, numbered(sysctls.buckets ?? moduleParameters.hashsize)],
    ['timeouts', timeouts[0]?.[1], `${timeouts.length} settings`],
    ['slabs', whole(first.slab?.file, `${count(first.slab?.caches.length ?? 0)} caches`), undefined],
    ['counters', whole(first.counters?.file, `of ${count(first.counters?.cpus ?? 0)} processors`), undefined],
    ['table', whole(table?.files.join(' and '), tableOf(snapshot)), undefined],
    ...snapshot.otherTables.map(
      ({ files, entries }): Datum => ['another listing of it', whole(files[0], `${count(entries)} rows`), undefined],
    ),
    [
      'kernel log',
      whole(logFiles[0], `${plural(log.length, 'line')} of interest in ${plural(logFiles.length, 'file')}`),
      undefined,
    ],
    ['persisted settings', whole(persisted[0]?.file, plural(persisted.length, 'line')), undefined],
    ['modules', host.modules, host.modules && count(host.modules.value.length)],
    ...(namespaces.length > 0
      ? [['other namespaces', whole('', count(namespaces.length)), undefined] satisfies Datum]
      : []),
  ];
}

function tableOf({ table }: Snapshot): string {
  if (!table) return '';
  const rows = `${count(table.entries)} rows`;
  const families = table.families.length === 1 ? `, ${table.families[0]} only` : '';
  return `${rows}${families}${table.cut === undefined ? '' : `, not whole: ${table.cut}`}`;
}

/** Sentences are broken at this width even where lines may be longer. */
const PROSE_WIDTH = 80;

/** What a value may take of a line, and of one that is not as long as it likes; a longer value takes more. */
const WIDEST_VALUE = { free: 40, fitted: 20 };

/**
 * Renders it for a terminal, in columns.
 *
 * @param width  columns of the terminal; without one each datum is a line, however long
 */
export function renderInspection(
  name: string,
  { layout, found, missing, passedOver, comparisons, problems }: Inspection,
  width = Number.POSITIVE_INFINITY,
): string {
  const longest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const whats = longest(found.map(({ what }) => what));
  const widest = width === Number.POSITIVE_INFINITY ? WIDEST_VALUE.free : WIDEST_VALUE.fitted;
  const values = Math.min(widest, longest(found.map(({ value }) => value)));
  const fitting = (line: string) => (line.length <= width ? [line] : wrapped(line, width));
  const block = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
  /** In one line if it fits, else what it is from in a line of its own. */
  const placed = (start: string, source: string, indent: number) =>
    start.length + 4 + source.length <= width
      ? [`${start}  ${source}`.trimEnd()]
      : [start.trimEnd(), `${' '.repeat(indent)}${source}`];
  const text = [
    `${inert(name)}: ${layout}\n`,
    block(
      'Found',
      found.flatMap(({ what, value, source }) =>
        placed(`${what.padEnd(whats)}  ${value.padEnd(values)}`, source, whats + 4),
      ),
    ),
    block('Missing', missing),
    block(
      'Passed over, as a better source of the same is there',
      passedOver.map(({ file }) => file),
    ),
    ...comparisons.map(({ title, places }) => {
      const [names, numbers] = [longest(places.map(({ what }) => what)), longest(places.map(({ value }) => value))];
      const indent = ' '.repeat(numbers + 4);
      return block(
        `${title}, in several places`,
        places.flatMap(({ what, value, source, remark }) => [
          ...placed(`${value.padStart(numbers)}  ${what.padEnd(names)}`, source, indent.length),
          ...(remark === '' ? [] : wrapped(`${indent}${remark}`, Math.min(width, PROSE_WIDTH) - 2)),
        ]),
      );
    }),
    block(
      'Problems',
      problems.flatMap(({ source, what, cost }) => fitting(`${source} ${what}. ${cost}`)),
    ),
  ].join('');
  return withOrdinaryBlanks(text);
}
