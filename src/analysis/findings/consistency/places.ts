/** Each number that a capture has in several places: which of them the report goes by, when each was read, and why the others differ. */
import { selectConntrackCaches } from '../../../parsers/slabinfo.ts';
import type { Counters, Fact, Namespace, Snapshot, Span, TableSummary } from '../../../snapshot/types.ts';
import { settingNameOf } from '../../kernel.ts';
import type { Comparison } from '../../schema.ts';
import { entriesIn, readingsOf, unsigned } from '../../usage.ts';
import type { Measured } from '../rule.ts';
import {
  APART_SHARE,
  COLUMN,
  churn,
  comparisons,
  evictsWhileReading,
  isReadAtOnce,
  OTHER_ROWS,
  ROWS,
  SHOWN,
} from './agreement.ts';
import type { Check } from './check.ts';
import { WRAP } from './contradictions.ts';

type Place = Comparison['places'][number];
type Why = NonNullable<Place['why']>;

/** A place before it is known whether it agrees with the one that is used. */
interface Source {
  what: string;
  fact: Fact<number> | undefined;
  used?: Place['used'];
  /** Why it differs, if it does; otherwise it has to be told by the numbers. */
  why?: Why | undefined;
  values?: Check['values'];
}

/** Counters that are shown even where all places agree: what is lost at a full table. */
const ALWAYS_SHOWN = ['drop', 'early_drop'];
/** A host can have hundreds of namespaces, of which the finding needs no more than some. */
const MOST_NAMESPACES = 32;

/** Every number that is in several places, in the order in which reports have them. */
export function comparisonsOf(snapshot: Snapshot, measured: Measured): Comparison[] {
  return [
    entries(snapshot, measured),
    ...snapshot.namespaces.slice(0, MOST_NAMESPACES).map((namespace) => entriesOfNamespace(snapshot, namespace)),
    setting(snapshot, 'max', [snapshot.sysctls.max, ...(snapshot.otherSettings.max ?? [])].map(unsigned)),
    setting(snapshot, 'buckets', [
      snapshot.sysctls.buckets,
      ...(snapshot.otherSettings.buckets ?? []),
      snapshot.moduleParameters.hashsize,
    ]),
    ...counters(snapshot),
  ].filter(({ places }) => places.length > 1);
}

/** Places of which nothing says why they differ, and that no other check is about. */
export function unexplainedPlaces(all: readonly Comparison[], checks: readonly Check[]): Check[] {
  return all.flatMap(({ of, name, places }): Check[] => {
    const used = places.find((place) => place.used === 'number');
    const odd = places.filter(({ why, what, file }) => {
      const isTold = checks.some(
        ({ about, unexplained }) => unexplained && about?.what === what && about.file === file,
      );
      return !isTold && (why === 'notExplained' || (why === 'written' && what === HASHSIZE));
    });
    if (!used) return [];
    const isCounter = of === 'counter';
    return odd.map((place) => ({
      unexplained: isCounter ? 'countersDiffer' : 'placesDiffer',
      values: {
        what: place.what,
        there: place.value,
        thereFile: place.file,
        usedWhat: used.what,
        here: used.value,
        hereFile: used.file,
        name,
      },
      evidence: [used, place].map(({ what, value, file, line }) => ({ what, value, file, line })),
    }));
  });
}

const HASHSIZE = 'hashsize';

/** When a file was read. */
function timeOf({ inventory, times }: Snapshot, path: string): Span | undefined {
  const { startSeconds, seconds = 0 } = inventory.find((item) => item.path === path) ?? {};
  const ours =
    startSeconds === undefined ? undefined : { fromSeconds: startSeconds, toSeconds: startSeconds + seconds };
  return times[path] ?? ours;
}

/** How much later one was read than the other, in seconds; negative: earlier; undefined where that is not certain. */
function secondsBetween(one: Span | undefined, other: Span | undefined): number | undefined {
  if (!one || !other) return undefined;
  const isApart = one.fromSeconds >= other.toSeconds || other.fromSeconds >= one.toSeconds;
  return isApart ? one.fromSeconds - other.fromSeconds : undefined;
}

/** The places of one number; each that differs from the one that is used says why. */
function compared(
  snapshot: Snapshot,
  of: Comparison['of'],
  name: string | undefined,
  sources: readonly Source[],
  whyOf: (value: number, used: number) => Why,
): Comparison {
  const used = sources.find((source) => source.used === 'number')?.fact;
  const places = sources.flatMap(({ what, fact, used: usedFor, why, values }): Place[] => {
    if (!fact) return [];
    const { value, file, line } = fact;
    const time = timeOf(snapshot, file);
    const place = { what, value, file, line, time, used: usedFor, values: {} };
    if (used === undefined || value === used.value) return [place];
    const seconds = secondsBetween(time, timeOf(snapshot, used.file)) ?? 0;
    const numbers = {
      ...values,
      difference: Math.abs(value - used.value),
      isMore: value > used.value,
      laterSeconds: seconds > 0 ? seconds : undefined,
      earlierSeconds: seconds < 0 ? -seconds : undefined,
    };
    return [{ ...place, why: why ?? whyOf(value, used.value), values: defined(numbers) }];
  });
  return { of, name, places };
}

function defined(values: NonNullable<Check['values']>): Place['values'] {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

/** Why two numbers of entries differ of which nothing else is known. */
function whyByNumbers(snapshot: Snapshot) {
  return (value: number, used: number): Why => {
    const [difference, most] = [Math.abs(value - used), Math.max(value, used)];
    if (difference <= churn(snapshot, most)) return 'moment';
    return !isReadAtOnce(snapshot) && difference <= APART_SHARE * most ? 'minutesApart' : 'notExplained';
  };
}

/** What a check of the same place says: if nothing, the two may differ by what comes and goes. */
function said({ explained, unexplained }: Check): Why {
  if (unexplained !== undefined) return 'notExplained';
  if (explained === 'otherIsPart') return 'oneFamily';
  if (explained === 'otherIsCut') return 'cut';
  return (explained as Why | undefined) ?? 'moment';
}

function entries(snapshot: Snapshot, measured: Measured): Comparison {
  const { first, last, otherCounts, otherCounters, otherTables, tableLines } = snapshot;
  const { table, usage } = measured;
  const checks = comparisons(snapshot, measured);
  const evicts = evictsWhileReading(snapshot);
  const told = (what: string, fact: Fact<number> | undefined): Source => {
    const check = checks.find(({ about }) => fact && about?.what === what && about.file === fact.file);
    const isUsed = fact !== undefined && fact.file === usage.entries?.file && fact.line === usage.entries.line;
    return { what, fact, ...(isUsed && { used: 'number' }), ...(check && { why: said(check), values: check.values }) };
  };
  const listing = (files: readonly string[], value: number) => ({ value, file: files[0] ?? '' });
  const rows = table && {
    ...told(ROWS, listing(table.files, table.entries - (usage.entriesHow === 'table' ? 0 : table.duplicates.rows))),
    values: { unread: table.malformed.count },
  };
  /** What a listing says that it has, which is as many as it has, or as it had. */
  const summary = (shown: TableSummary['shown'], families: readonly string[], why: Why | undefined): Source => {
    const source = told(SHOWN, shown && { value: shown.entries, file: shown.file, line: shown.line });
    if (lacksIpv6(snapshot, families)) return { ...source, why: 'oneFamily' };
    const isFewer = shown && usage.entries && shown.entries < usage.entries.value;
    return {
      ...source,
      why: source.why ?? (shown?.entries === shown?.rows ? why : isFewer && evicts ? 'expired' : undefined),
    };
  };
  const others = otherTables.flatMap(({ files, families, entries, shown }) => {
    const source = told(OTHER_ROWS, listing(files, entries));
    const why = source.why === 'moment' ? (rows?.why ?? 'moment') : source.why;
    return [{ ...source, why }, summary(shown, families, why)];
  });
  const slab = first.slab ? selectConntrackCaches(first.slab).entries : [];
  const objects = told(
    'active_objs',
    slab.length > 0 && first.slab
      ? {
          value: slab.reduce((sum, { activeObjects }) => sum + activeObjects, 0),
          file: first.slab.file,
          line: slab[0]?.line,
        }
      : undefined,
  );
  const isElsewhere = objects.why === 'moment' && objects.values?.elsewhere !== undefined;
  return compared(
    snapshot,
    'entries',
    undefined,
    [
      ...[first.count, ...otherCounts].map((fact) => told(fact ? nameOfCount(fact) : '', fact)),
      ...[first.counters, ...otherCounters].map((counters) => told(COLUMN, counters?.entries)),
      ...(rows
        ? [{ ...rows, used: rows.used ?? ('rows' as const) }, summary(table.shown, table.families, rows.why)]
        : []),
      ...others,
      told('lines of the table', tableLines),
      { ...objects, ...(isElsewhere && { why: 'elsewhere' as const }) },
      { ...told('nf_conntrack_count', last?.count), why: 'afterwards', values: { evicts } },
      { ...told(COLUMN, last?.counters?.entries), why: 'afterwards', values: { evicts } },
    ],
    whyByNumbers(snapshot),
  );
}

/** A listing of IPv4 only, as `conntrack -L` prints up to 1.4.6, of a table that may hold both. */
function lacksIpv6({ table, otherTables }: Snapshot, families: readonly string[]): boolean {
  const hasIpv6 = [table, ...otherTables].some((each) =>
    each?.byFamily.some(({ key, entries }) => key === 'ipv6' && entries > 0),
  );
  return hasIpv6 && families.length === 1 && families[0] === 'ipv4';
}

/** The command that prints the count, or the setting that it is. */
function nameOfCount(fact: Fact<number>): string {
  return fact.file === 'commands/conntrack-C' ? 'conntrack -C' : settingNameOf(fact);
}

function entriesOfNamespace(snapshot: Snapshot, namespace: Namespace): Comparison {
  const { count, counters, rows, names, inode } = namespace;
  const used = entriesIn(namespace);
  const source = (what: string, fact: Fact<number> | undefined): Source => ({
    what,
    fact,
    ...(fact && used && fact.file === used.file && { used: 'number' }),
  });
  const isFewer = rows && used && rows.value < used.value;
  return compared(
    snapshot,
    'namespace',
    names[0] ?? inode,
    [
      source('nf_conntrack_count', count),
      source(COLUMN, counters?.entries),
      {
        ...source(rows?.how === 'shown' ? SHOWN : ROWS, rows),
        why: isFewer && evictsWhileReading(snapshot) ? 'expired' : undefined,
      },
    ],
    whyByNumbers(snapshot),
  );
}

/** A setting is one variable of the kernel, whatever it is called; what is less than nothing is none of these. */
function setting(snapshot: Snapshot, of: 'max' | 'buckets', facts: readonly (Fact<number> | undefined)[]): Comparison {
  const usable = facts.flatMap((fact) => (fact && fact.value >= 0 ? [fact] : []));
  const [used] = usable;
  const sources = usable.map(
    (fact): Source => ({
      what: fact.key ?? settingNameOf(fact),
      fact,
      ...(fact === used && { used: 'number' }),
    }),
  );
  return compared(snapshot, of, undefined, sources, () => 'written');
}

/**
 * Counters of one namespace only ever grow: of two readings one has no counter lower than in the other. What was read later is higher,
 * by as much as it may; a reading with one counter higher and one lower is of something else.
 */
function counters(snapshot: Snapshot): Comparison[] {
  const { first, otherCounters } = snapshot;
  // As in dropsOf().
  const used = readingsOf(snapshot).findLast((reading) => reading.counters)?.counters;
  const all = [...new Set([first.counters, ...otherCounters, used])].filter((each) => each !== undefined);
  if (!used || all.length < 2) return [];
  const why = new Map(all.map((each) => [each, differenceOf(snapshot, each, used)]));
  const names = Object.keys(used.totals).filter(
    (name) =>
      ALWAYS_SHOWN.includes(name) ||
      all.some(({ totals }) => totals[name] !== undefined && totals[name] !== used.totals[name]),
  );
  return names.map((name) =>
    compared(
      snapshot,
      'counter',
      name,
      all.map((each) => {
        const value = each.totals[name];
        const told = why.get(each);
        return {
          what: name,
          fact: value === undefined ? undefined : { value, file: each.file },
          ...(each === used && { used: 'number' }),
          why: told === 'grown' ? undefined : told,
          values: { cpus: each.cpus, usedCpus: used.cpus, isCounter: true },
        };
      }),
      (value, usedValue) => (Math.abs(value - usedValue) > WRAP ? 'wrapped' : value > usedValue ? 'later' : 'earlier'),
    ),
  );
}

function differenceOf(snapshot: Snapshot, one: Counters, used: Counters): 'grown' | 'fewerCpus' | 'notExplained' {
  if (one.cpus !== used.cpus) return 'fewerCpus';
  const steps = Object.entries(one.totals).flatMap(([name, total]) => {
    const step = total - (used.totals[name] ?? total);
    return step === 0 || Math.abs(step) > WRAP ? [] : [Math.sign(step)];
  });
  const seconds = secondsBetween(timeOf(snapshot, one.file), timeOf(snapshot, used.file));
  const order = seconds ? Math.sign(seconds) : steps[0];
  return steps.every((step) => step === order) ? 'grown' : 'notExplained';
}
