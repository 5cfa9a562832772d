/** What was recognised in a capture: each datum with where it was found, what is missing, what was passed over, what conflicts. */
import { located } from '../analysis/origins.ts';
import { layoutTitle } from '../bundle/layouts/index.ts';
import type { Fact, Snapshot } from '../snapshot/types.ts';
import { bytes, count, duration, plural } from './format.ts';
import { inert } from './inert.ts';
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
  problems: { source: string; what: string; cost: string }[];
}

/** What is told of a fact: how it is called, the fact, and how its value is written. */
type Datum = [what: string, fact: Fact<unknown> | undefined, written: string | undefined];

/**
 * Lists what a snapshot holds.
 *
 * @param snapshot  with paths of our own bundle; the answer has those of the archive
 */
export function inspectionOf(snapshot: Snapshot): Inspection {
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
    problems: snapshot.problems.map((problem) => ({
      source: inert(placeOf(problem)),
      what: inert(problem.what),
      cost: inert(problem.cost),
    })),
  };
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

/** Renders it for a terminal, in columns. */
export function renderInspection(name: string, { layout, found, missing, passedOver, problems }: Inspection): string {
  const widthOf = (pick: (each: Found) => string) => Math.max(0, ...found.map((each) => pick(each).length));
  const [whats, values] = [
    widthOf(({ what }) => what),
    Math.min(
      40,
      widthOf(({ value }) => value),
    ),
  ];
  const block = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
  return [
    `${inert(name)}: ${layout}\n`,
    block(
      'Found',
      found.map(({ what, value, source }) => `${what.padEnd(whats)}  ${value.padEnd(values)}  ${source}`.trimEnd()),
    ),
    block('Missing', missing),
    block(
      'Passed over, as a better source of the same is there',
      passedOver.map(({ file }) => file),
    ),
    block(
      'Problems',
      problems.map(({ source, what, cost }) => `${source} ${what}. ${cost}`),
    ),
  ].join('');
}
