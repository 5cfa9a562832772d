/**
 * Whether numbers of one thing fit together that a capture reads one after the other: the count, the rows of the table, the
 * `entries` column of the counters, the objects of the slab. Most differences are the way kernels work, and have a name here.
 */
import { selectConntrackCaches } from '../../../parsers/slabinfo.ts';
import type { Fact, SlabCache, Snapshot } from '../../../snapshot/types.ts';
import { isSince, trackerOf } from '../../kernel.ts';
import type { Evidence } from '../../schema.ts';
import { readyObjects } from '../../slab.ts';
import { entriesIn, readingsOf, unsigned } from '../../usage.ts';
import { type Measured, seen, seenRows } from '../rule.ts';
import type { Check } from './check.ts';

/**
 * What comes and goes between two files of one capture that are read a moment apart: seconds of a table whose short entries live
 * for 10 to 120 s. A larger change between two readings of the same capture counts instead.
 */
const CHURN_SHARE = 0.05;
/** In a small table a few packets are a large share. */
const CHURN_ENTRIES = 50;

/** From 6.12 on SLUB estimates when a cache has more partial slabs (mm/slub.c, MAX_PARTIAL_TO_SCAN). */
const SLABS_TO_SCAN = 10_000;
/** That estimate was measured on 6.18 to be off by up to 1 % of all objects, either way. */
const ESTIMATE_ERROR = 0.01;

/** Every comparison that this capture allows. */
export function comparisons(snapshot: Snapshot, measured: Measured): Check[] {
  const checks = [
    ...rowsAgainstCount(snapshot, measured),
    ...rowsAgainstShown(measured),
    ...columnAgainstCount(snapshot),
    ...slabAgainstCount(snapshot, measured),
    ...tablesAgainstEachOther(snapshot),
  ];
  return isReadAtOnce(snapshot) ? checks : checks.map(apart);
}

/** Our own collector reads what belongs together within a second; others go from plugin to plugin, each with its own time limits. */
export function isReadAtOnce({ bundle }: Snapshot): boolean {
  return bundle.layout === 'bundle' || bundle.layout === 'tree';
}

/** Share by which numbers may be apart that another collector reads minutes apart; one real archive has 7 % between two of one table. */
export const APART_SHARE = 0.25;

function apart(check: Check): Check {
  const { unexplained, ...rest } = check;
  const numbers = check.evidence.flatMap(({ value }) => (typeof value === 'number' ? value : []));
  const isNear = Math.max(...numbers) - Math.min(...numbers) <= APART_SHARE * Math.max(...numbers);
  return unexplained !== undefined && isNear ? { ...rest, explained: 'minutesApart' } : check;
}

/** A listing beside the one that everything else is taken from; `conntrack -L` of old versions has one family only. */
function tablesAgainstEachOther(snapshot: Snapshot): Check[] {
  const { table, otherTables } = snapshot;
  if (!table || table.cut !== undefined) return [];
  return otherTables.map(({ files, families, entries, cut }) => {
    const rows = table.byFamily
      .filter(({ key }) => families.length === 0 || families.some((family) => family === key))
      .reduce((sum, tally) => sum + tally.entries, 0);
    const other: Evidence = { what: OTHER_ROWS, value: entries, file: files[0] ?? '' };
    const evidence: Evidence[] = [{ what: ROWS, value: rows, file: table.files[0] ?? '' }, other];
    // What a part of a listing holds says nothing of the whole.
    if (cut !== undefined) return { explained: 'otherIsCut', evidence, about: other };
    const differs = Math.abs(rows - entries) > churn(snapshot, Math.max(rows, entries));
    const isPart = families.length === 1 && table.families.length > 1;
    return {
      ...(differs ? { unexplained: 'tablesDiffer' } : isPart && { explained: 'otherIsPart' }),
      values: { otherRows: entries, listedRows: rows, otherIsIpv6: families[0] === 'ipv6' },
      evidence,
      about: other,
    };
  });
}

/** How the evidence calls the rows of the table, of other listings of it, and what a listing says that it has. */
export const ROWS = 'rows of the table';
export const OTHER_ROWS = 'rows of another listing';
export const SHOWN = 'flow entries shown';
export const COLUMN = 'entries column';

/** The number of entries before the table was read; 2.4, which has no such file, had its lines counted. */
export function countOf({
  first,
  series,
  tableLines,
}: Snapshot): ['nf_conntrack_count' | 'lines of the table', Fact<number> | undefined] {
  const count = series.findLast((reading) => reading.count)?.count ?? first.count;
  return count ? ['nf_conntrack_count', count] : ['lines of the table', tableLines];
}

/** How far two numbers of entries may be apart when the table changes as it did during this capture. */
export function churn(snapshot: Snapshot, entries: number): number {
  const counts = readingsOf({ ...snapshot, last: undefined }).flatMap(({ count }) => count?.value ?? []);
  const steps = counts.slice(1).map((count, index) => Math.abs(count - (counts[index] ?? count)));
  return Math.max(CHURN_ENTRIES, CHURN_SHARE * entries, ...steps);
}

function rowsAgainstCount(snapshot: Snapshot, measured: Measured): Check[] {
  const { table } = measured;
  const [, before] = countOf(snapshot);
  const after = snapshot.last?.count;
  if (!table || !before) return [];
  const rows = table.entries - table.duplicates.rows;
  const evidence = [...seenRows(ROWS, rows, measured), ...seen('nf_conntrack_count afterwards', after)];
  const about = { what: ROWS, file: table.files[0] ?? '' };
  const values = { count: before.value, after: after?.value, rows };
  if (table.cut !== undefined) return [{ explained: 'cut', values, evidence, about }];
  const [least, most] = [
    Math.min(before.value, after?.value ?? before.value),
    Math.max(before.value, after?.value ?? 0),
  ];
  const tolerance = churn(snapshot, most);
  const isByPosition = isReadByPosition(snapshot, table.files);
  if (rows > most + tolerance) {
    const isWindowed = table.duplicates.window !== undefined;
    return [
      isByPosition && isWindowed
        ? { explained: 'repeated', values, evidence, about }
        : { unexplained: 'rowsMore', values, evidence, about },
    ];
  }
  const evicts = evictsWhileReading(snapshot);
  if (rows >= least - tolerance) {
    const isEvicted = evicts && before.value - rows > tolerance && most - least > tolerance;
    return [{ ...(isEvicted && { explained: 'expired' }), values, evidence, about }];
  }
  const deficit = least - rows;
  const lacksIpv6 = trackerOf(snapshot) === 'nf_conntrack' && !table.families.includes('ipv6');
  const explained = lacksIpv6
    ? 'oneFamily'
    : table.malformed.count >= deficit - tolerance
      ? 'malformed'
      : evicts && !after
        ? 'expired'
        : isByPosition
          ? 'skipped'
          : undefined;
  return [explained ? { explained, values, evidence, about } : { unexplained: 'rowsFewer', values, evidence, about }];
}

/** `conntrack -L` counts what it prints: as many rows are in the file, unless something was done to it, or not all can be read. */
function rowsAgainstShown({ table }: Measured): Check[] {
  if (!table?.shown || table.cut !== undefined) return [];
  const { entries, rows, file, line } = table.shown;
  const values = { shown: entries, shownRows: rows };
  const evidence: Evidence[] = [
    { what: SHOWN, value: entries, file, line },
    { what: 'rows', value: rows, file },
  ];
  if (entries === rows) return [{ evidence }];
  const isUnread = entries > rows && entries - rows <= table.malformed.count;
  const about = { what: SHOWN, file };
  return [isUnread ? { explained: 'malformed', evidence } : { unexplained: 'shownDiffers', values, evidence, about }];
}

/** From 4.9 on an expired entry stays, and counts, until somebody comes across it: a reader of the table, for one. */
export function evictsWhileReading(snapshot: Snapshot): boolean {
  return isSince(snapshot, 4, 9) === true;
}

/**
 * Until 6.16 each read() of the table in /proc counts its rows from the start (nf_conntrack_standalone.c): what is deleted before
 * that place makes it skip rows, what is added makes it repeat some. Netlink goes on at the last entry. 2.4 to 2.6.11 hold a lock.
 */
function isReadByPosition(snapshot: Snapshot, files: readonly string[]): boolean {
  return files.some((file) => file.startsWith('proc/')) && isSince(snapshot, 6, 16) === false;
}

/** The `entries` column of the counters is the count once more, on the line of every CPU. */
function columnAgainstCount(snapshot: Snapshot): Check[] {
  const pairs = readingsOf(snapshot).flatMap(({ count, counters }) =>
    count && counters?.entries ? [{ count, column: counters.entries }] : [],
  );
  const [first] = pairs;
  if (!first) return [];
  const odd = pairs.find(({ count, column }) => Math.abs(count.value - column.value) > churn(snapshot, count.value));
  const { count, column } = odd ?? first;
  const evidence = [...seen('nf_conntrack_count', count), ...seen('entries', column)];
  return [
    {
      about: { what: COLUMN, file: column.file },
      ...(odd && { unexplained: 'columnDiffers' }),
      values: { ...((odd || !snapshot.first.count) && { count: count.value }), column: column.value },
      evidence,
    },
  ];
}

function slabAgainstCount(snapshot: Snapshot, measured: Measured): Check[] {
  const { first, last, namespaces } = snapshot;
  const caches = first.slab ? selectConntrackCaches(first.slab).entries : [];
  const count = first.count ?? snapshot.tableLines;
  if (caches.length === 0 || !first.slab || !count) return [];
  const objects = caches.reduce((sum, { activeObjects }) => sum + activeObjects, 0);
  const elsewhere = namespaces.reduce((sum, namespace) => sum + (entriesIn(namespace)?.value ?? 0), 0);
  const expected = count.value + elsewhere;
  const tolerance = churn(snapshot, expected);
  const cpus = snapshot.host.cpus?.value ?? first.counters?.cpus ?? last?.counters?.cpus;
  const ready = readyObjects(snapshot, measured.slab.caches, cpus ?? 1);
  const estimated = caches.reduce(
    (sum, cache) => sum + (isEstimated(cache, snapshot) ? ESTIMATE_ERROR * cache.totalObjects : 0),
    0,
  );
  const values = { objects, elsewhere: elsewhere > 0 ? elsewhere : undefined };
  const about = { what: 'active_objs', file: first.slab.file };
  const evidence: Evidence[] = [
    { what: 'active_objs', value: objects, file: first.slab.file, line: caches[0]?.line },
    ...namespaces.flatMap((namespace) => seen('entries', entriesIn(namespace))),
  ];
  if (objects > expected + tolerance + ready + estimated) {
    const rest = { ...values, count: count.value, surplus: objects - expected };
    const explained = mayHideNamespaces(snapshot) ? 'hidden' : cpus === undefined ? 'cpusUnknown' : undefined;
    return [
      explained
        ? { explained, values: rest, evidence, about }
        : { unexplained: 'slabMore', values: rest, evidence, about },
    ];
  }
  if (objects < expected - tolerance - estimated) {
    return [{ unexplained: 'slabFewer', values: { ...values, count: expected }, evidence, about }];
  }
  if (estimated > 0 && Math.abs(objects - expected) > tolerance)
    return [{ explained: 'estimated', values, evidence, about }];
  return [{ ...(objects > expected && { explained: 'ready' }), values, evidence, about }];
}

function isEstimated({ totalSlabs }: SlabCache, snapshot: Snapshot): boolean {
  return totalSlabs > SLABS_TO_SCAN && isSince(snapshot, 6, 12) !== false;
}

/**
 * Without root, or without a process in it, a namespace keeps its count to itself; a plain tree says nothing of any. Before 2.6.32
 * there was one count, of all of them.
 */
function mayHideNamespaces(snapshot: Snapshot): boolean {
  const { inventory, namespaces } = snapshot;
  if (isSince(snapshot, 2, 6, 32) === false) return false;
  const list = inventory.find(({ path }) => path === 'netns.csv');
  return list?.status !== 'captured' || namespaces.some((namespace) => entriesIn(namespace) === undefined);
}

/** More entries than the limit allows are no contradiction, though they look like one. */
export function overMax(snapshot: Snapshot): Check[] {
  const max = unsigned(snapshot.sysctls.max);
  const cpus = snapshot.host.cpus?.value ?? 1;
  if (!max || max.value === 0) return [];
  const over = readingsOf(snapshot).flatMap(({ count }) => (count && count.value > max.value ? [count] : []));
  const most = over.sort((a, b) => b.value - a.value)[0];
  if (!most) return [];
  // The kernel counts an entry before it asks whether there is room for it (__nf_conntrack_alloc()).
  const explained = most.value - max.value <= cpus ? 'inFlight' : 'lowered';
  return [
    {
      explained,
      values: { most: most.value, max: max.value },
      evidence: [...seen('nf_conntrack_max', max), ...seen('nf_conntrack_count', most)],
    },
  ];
}
