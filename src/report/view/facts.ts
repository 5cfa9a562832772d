/** The facts of the appendix, which everything else on the page points to. */
import type { Analysis } from '../../analysis/schema.ts';
import { bytesBoth, count, dateTime, duration, plural, secondsExact } from '../format.ts';
import { DEMAND_FROM } from './figures.ts';
import { exactly } from './quantity.ts';
import { type Place, sourceOf } from './sources.ts';

interface FactPlace extends Place {
  inferred?: string | undefined;
  roundedTo?: number | undefined;
}

interface Row {
  what: string;
  value: string;
  source: string;
}

/** A row of the appendix; `id` is what a link to it names. */
type FactRow = Row & { id: string };

/** What the counters, the log and the table were read as. */
function countedRows({ drops, table, recommendation }: Analysis): Row[] {
  const { counters, log } = drops;
  const rows: Row[] = [];
  if (table)
    for (const file of table.files) rows.push({ what: 'Rows of the table', value: count(table.entries), source: file });
  for (const [name, total] of Object.entries(counters?.totals ?? {}))
    rows.push({ what: `Counter ${name}`, value: count(total), source: counters ? sourceOf(counters) : '' });
  for (const file of log.captured)
    rows.push({ what: 'Kernel log, “table full” lines', value: count(log.tableFullLines), source: file });
  for (const [what, line] of [
    ['The first of these lines', log.first],
    ['The last of these lines', log.last],
  ] as const)
    if (line) rows.push({ what, value: dateTime(line.value), source: sourceOf(line) });
  for (const { by, entries, file, line } of recommendation.demand?.evidence ?? [])
    if (file)
      rows.push({ what: `Demand: ${DEMAND_FROM[by]}`, value: count(entries), source: sourceOf({ file, line }) });
  return rows;
}

/** What the verdict and the findings rest on. */
function provenRows({ verdict, findings }: Analysis): Row[] {
  const all = [...verdict.proof, ...findings.flatMap(({ evidence }) => evidence)];
  return all.map(({ what, value, ...place }) => ({ what, value: exactly(what, value), source: sourceOf(place) }));
}

/** Every fact that the report rests on, with the place that it was read from; settings and namespaces have tables of their own. */
export function factsView(analysis: Analysis): FactRow[] {
  const { host, usage, hash, expectations, pageBytes } = analysis;
  const rows: Row[] = [];
  const add = <T>(what: string, fact: ({ value: T } & FactPlace) | undefined, text: (value: T) => string) => {
    if (!fact) return;
    const value = [
      text(fact.value),
      fact.inferred && `inferred ${fact.inferred}`,
      // What is rounded here is time or memory, in the unit that the row has.
      fact.roundedTo && `rounded to ${text(fact.roundedTo as T)}`,
    ];
    rows.push({ what, value: value.filter(Boolean).join(', '), source: sourceOf(fact) });
  };
  const asIs = (value: string) => value;
  add('Host name', host.hostname, asIs);
  add('Kernel', host.kernelRelease, asIs);
  add('Machine', host.machine, asIs);
  add('Operating system', host.osName, asIs);
  add('CPUs', host.cpus, count);
  add('RAM (MemTotal)', host.memTotalBytes, bytesBoth);
  add('RAM available (MemAvailable)', host.memAvailableBytes, bytesBoth);
  const both = (seconds: number) =>
    secondsExact(seconds) === duration(seconds) ? duration(seconds) : `${secondsExact(seconds)} (${duration(seconds)})`;
  add('Up for', host.uptimeSeconds, both);
  add('Captured at', host.capturedAt, dateTime);
  add('Boot id', host.bootId, asIs);
  add('Machine id, SHA-256', host.machineIdSha256, asIs);
  add('Page size', pageBytes, bytesBoth);
  add('Entries', usage.entries, count);
  add('Most entries in any reading', usage.peak, count);
  add('Limit (max)', usage.max, (v) => (usage.unlimited ? '0: no limit' : count(v)));
  add('Hash buckets', hash.buckets, count);
  add('Expectations', expectations.count, count);
  add('Limit of expectations', expectations.max, count);
  for (const cache of [...analysis.slab.caches, ...analysis.slab.expectations].slice(0, 16))
    rows.push({
      what: `Cache ${cache.name}`,
      value: `${count(cache.activeObjects)} active of ${plural(cache.totalObjects, 'object')} of ${count(cache.objectBytes)}\u202fB; ${count(cache.activeSlabs)} active of ${plural(cache.totalSlabs, 'slab')} of ${plural(cache.pagesPerSlab, 'page')}`,
      source: sourceOf(cache),
    });
  add('Entries in the hash table', hash.entries, count);
  rows.push(...countedRows(analysis));
  for (const row of provenRows(analysis))
    if (!rows.some(({ value, source }) => value === row.value && source === row.source)) rows.push(row);
  return rows.map((row, at) => ({ ...row, id: `fact-${at + 1}` }));
}
