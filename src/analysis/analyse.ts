/** What follows from one snapshot. No I/O, no clock, no randomness: the same snapshot gives the same analysis. */
import { settingNameOfKey } from '../parsers/settings-names.ts';
import { detectAllocator, selectConntrackCaches } from '../parsers/slabinfo.ts';
import type { Fact, Reading, SlabCache, Snapshot, TableSummary } from '../snapshot/types.ts';
import { agesOf } from './ages.ts';
import { type Aims, DEFAULT_AIMS } from './aims.ts';
import { comparisonsOf } from './findings/consistency/places.ts';
import { assess, reported } from './findings/index.ts';
import type { Measured } from './findings/rule.ts';
import { hashOf } from './hash.ts';
import { pointerBytes } from './kernel.ts';
import { memoryOf, pricesOf } from './memory.ts';
import { located } from './origins.ts';
import { recommend } from './recommend.ts';
import type { Analysis } from './schema.ts';
import { slabArithmetic } from './slab.ts';
import { dropsOf, entriesIn, readingsOf, unsigned, usageOf } from './usage.ts';
import { verdictOf } from './verdict.ts';

/**
 * Analyses one snapshot.
 *
 * @param toolVersion  version of this program, to be written into the analysis
 * @param options.whatIf  timeouts in seconds, by the setting's name, whose effect is to be worked out
 * @param options.aims    what the recommendation aims at
 */
export function analyse(
  snapshot: Snapshot,
  toolVersion: string,
  { whatIf = {}, aims = DEFAULT_AIMS }: { whatIf?: Readonly<Record<string, number>>; aims?: Aims } = {},
): Analysis {
  const { host, table, sysctls } = snapshot;
  const slab = slabOf(snapshot);
  const usage = usageOf(snapshot, slabEntries(slab));
  const drops = dropsOf(snapshot);
  const hash = hashOf(snapshot, usage, slab);
  const prices = pricesOf(snapshot, slab.caches);
  const memory = memoryOf({ slab, hash, usage }, prices);
  const namespaces = snapshot.namespaces.map(({ counters, count, max, rows, ...namespace }) => ({
    ...namespace,
    entries: entriesIn({ counters, count, max, rows, ...namespace }),
    max: unsigned(max),
    rows,
    drop: counters?.totals.drop,
    earlyDrop: counters?.totals.early_drop,
  }));
  const pointer = pointerBytes(host.machine?.value);
  const { modules: _modules, ...hostFacts } = host;
  const measured: Measured = {
    schemaVersion: 1,
    tool: { name: 'conntrack-report', version: toolVersion },
    bundle: snapshot.bundle,
    host: {
      ...hostFacts,
      memTotalBytes: snapshot.meminfo.MemTotal,
      memAvailableBytes: snapshot.meminfo.MemAvailable,
      uptimeSeconds: snapshot.first.uptimeSeconds,
    },
    usage,
    drops,
    readings: readingsOf(snapshot).map(readingRow),
    pageBytes: snapshot.pageBytes,
    pointerBytes: pointer,
    slab,
    hash,
    memory,
    table: table && { ...withoutTimers(table), whole: wholeOf(table, usage) },
    ages: agesOf(snapshot, prices.cache, whatIf),
    expectations: { count: snapshot.expectations, max: unsigned(sysctls.expect_max) },
    namespaces,
    settings: settingsOf(snapshot),
    inventory: snapshot.inventory,
    problems: snapshot.problems,
  };
  const comparisons = comparisonsOf(snapshot, measured);
  const findings = assess({ snapshot, measured, comparisons });
  const verdict = verdictOf(measured, findings);
  const recommendation = recommend(snapshot, measured, findings, verdict, prices, aims);
  const analysis: Analysis = {
    ...measured,
    verdict,
    comparisons,
    findings: reported({ snapshot, measured, comparisons }, recommendation),
    recommendation,
  };
  return located(withoutAbsent(analysis), snapshot.origins);
}

/** The table without its raw timers: what follows from them is in `ages`. */
function withoutTimers({ timers: _timers, ...table }: TableSummary): NonNullable<Analysis['table']> {
  return table;
}

/** How many entries a table has of which only a part was read: what its own tool says comes first, since it is of the same moment. */
function wholeOf(
  { cut, part, shown }: TableSummary,
  { entries, entriesHow }: Analysis['usage'],
): Fact<number> | undefined {
  if (cut === undefined) return undefined;
  // Of a listing that was stopped, and of slab objects, the number is of something else.
  if (part === 'tail' && shown) return { value: shown.entries, file: shown.file, line: shown.line };
  return entriesHow === 'slab' ? undefined : entries;
}

function slabOf(snapshot: Snapshot): Analysis['slab'] {
  const info = snapshot.first.slab;
  const inSysfs = cacheOfSysfs(snapshot);
  const listed = info ? selectConntrackCaches(info) : { entries: [], expectations: [] };
  const pageBytes = snapshot.pageBytes?.value;
  // Without root slabinfo is unreadable from 3.10 on; a merged cache has no line in it. Then sysfs may still know it.
  const caches =
    listed.entries.length === 0 && inSysfs
      ? [slabArithmetic(inSysfs.cache, inSysfs.file, pageBytes)]
      : listed.entries.map((cache) => slabArithmetic(cache, info?.file ?? '', pageBytes));
  const sum = (pick: (cache: (typeof caches)[number]) => number | undefined) =>
    caches.reduce((total, cache) => total + (pick(cache) ?? 0), 0);
  return {
    file: caches[0]?.file ?? info?.file,
    version: info?.version,
    allocator: info ? detectAllocator(info) : inSysfs && 'SLUB',
    caches,
    expectations: listed.expectations.map((cache) => slabArithmetic(cache, info?.file ?? '', pageBytes)),
    ...(caches.length > 0 && {
      total: {
        activeObjects: sum((cache) => cache.activeObjects),
        totalObjects: sum((cache) => cache.totalObjects),
        totalSlabs: sum((cache) => cache.totalSlabs),
        inUseBytes: sum((cache) => cache.inUseBytes),
        ...(pageBytes !== undefined && {
          minimumBytes: sum((cache) => cache.minimumBytes),
          heldBytes: sum((cache) => cache.heldBytes),
        }),
      },
    }),
  };
}

/** The cache as `/sys/kernel/slab/nf_conntrack/` describes it (mm/slub.c); `objects` is exact there. */
function cacheOfSysfs({ sysfsSlab }: Snapshot): { cache: SlabCache; file: string } | undefined {
  if (!sysfsSlab) return undefined;
  const { objects, total_objects, slab_size, objs_per_slab, order, slabs } = sysfsSlab.values;
  if (objects === undefined || total_objects === undefined || slab_size === undefined) return undefined;
  if (objs_per_slab === undefined || order === undefined || slabs === undefined) return undefined;
  return {
    file: sysfsSlab.folder,
    cache: {
      name: 'nf_conntrack',
      activeObjects: objects,
      totalObjects: total_objects,
      objectBytes: slab_size,
      objectsPerSlab: objs_per_slab,
      pagesPerSlab: 2 ** order,
      activeSlabs: slabs,
      totalSlabs: slabs,
    },
  };
}

function slabEntries({ file, caches, total }: Analysis['slab']): Fact<number> | undefined {
  return total && file !== undefined ? { value: total.activeObjects, file, line: caches[0]?.line } : undefined;
}

function readingRow({ uptimeSeconds, count, counters, slab }: Reading): Analysis['readings'][number] {
  const caches = slab && selectConntrackCaches(slab).entries;
  return {
    uptimeSeconds: uptimeSeconds?.value,
    count: count?.value ?? counters?.entries?.value,
    drop: counters?.totals.drop,
    earlyDrop: counters?.totals.early_drop,
    insertFailed: counters?.totals.insert_failed,
    // A slabinfo without lines of conntrack's, such as a container's, says nothing of them.
    slabObjects: caches?.length ? caches.reduce((sum, cache) => sum + cache.activeObjects, 0) : undefined,
  };
}

function settingsOf(snapshot: Snapshot): Analysis['settings'] {
  const sysctls = Object.entries(snapshot.sysctls).map(([name, { value, file, line }]) => ({
    name,
    value,
    file,
    line,
    persisted: persistedAs(snapshot, (setting) => setting.kind === 'sysctl' && settingNameOfKey(setting.key) === name),
  }));
  const parameters = Object.entries(snapshot.moduleParameters).map(([name, { value, file }]) => ({
    name: `module parameter ${name}`,
    value,
    file,
    persisted: persistedAs(
      snapshot,
      (setting) => setting.kind !== 'sysctl' && new RegExp(`\\b${name}$`).test(setting.key),
    ),
  }));
  return [...sysctls, ...parameters].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function persistedAs(
  snapshot: Snapshot,
  matches: (setting: Snapshot['persisted'][number]) => boolean,
): Analysis['settings'][number]['persisted'] {
  return snapshot.persisted.filter(matches).map(({ file, line, value }) => ({ file, line, value }));
}

/** Absent fields are left out, so that the JSON and the object in memory are the same thing. */
function withoutAbsent<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutAbsent) as T;
  if (typeof value !== 'object' || value === null) return value;
  const fields: [string, unknown][] = [];
  // Closures that call themselves would be compiled for longer than they run.
  for (const [key, field] of Object.entries(value)) if (field !== undefined) fields.push([key, withoutAbsent(field)]);
  return Object.fromEntries(fields) as T;
}
