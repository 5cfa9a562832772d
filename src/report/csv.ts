/** One analysis as CSV (RFC 4180): a header and a row. {@link renderCsvSchema} says what the columns are. */
import type { Analysis } from '../analysis/schema.ts';
import { type Cell, spreadsheet } from './fleet-csv.ts';

interface Column {
  name: string;
  /** `text`, `ISO 8601`, `share`, or what is counted. */
  unit: string;
  meaning: string;
  cell(analysis: Analysis): Cell;
}

/** A column may come after these; none goes away, is called otherwise or changes its place or meaning. */
const COLUMNS: readonly Column[] = [
  {
    name: 'hostname',
    unit: 'text',
    meaning: 'name of the host; this and every other cell is empty where the value was not captured or cannot be told',
    cell: ({ host }) => host.hostname?.value,
  },
  {
    name: 'captured_at',
    unit: 'ISO 8601',
    meaning: 'time of the capture by the clock of the host, in UTC',
    cell: ({ host }) => host.capturedAt?.value,
  },
  {
    name: 'severity',
    unit: 'text',
    meaning: 'of the verdict: critical, warning, notice, ok or unknown',
    cell: ({ verdict }) => verdict.severity,
  },
  { name: 'verdict', unit: 'text', meaning: 'what is wrong', cell: ({ verdict }) => verdict.kind },
  { name: 'failure', unit: 'text', meaning: 'which failure that is', cell: ({ verdict }) => verdict.failure },
  {
    name: 'entries',
    unit: 'entries',
    meaning: 'in the table when the capture began',
    cell: ({ usage }) => usage.entries?.value,
  },
  {
    name: 'entries_peak',
    unit: 'entries',
    meaning: 'the most in any reading of the capture',
    cell: ({ usage }) => usage.peak?.value,
  },
  {
    name: 'max',
    unit: 'entries',
    meaning: 'nf_conntrack_max; 0: no limit, up to Linux 6.18',
    cell: ({ usage }) => usage.max?.value,
  },
  { name: 'peak_share', unit: 'share', meaning: 'entries_peak ÷ max: 1 is full', cell: ({ usage }) => usage.peakShare },
  { name: 'buckets', unit: 'buckets', meaning: 'of the hash table', cell: ({ hash }) => hash.buckets?.value },
  {
    name: 'links_per_bucket',
    unit: 'links',
    meaning: 'mean length of a hash chain: every entry is linked in both directions',
    cell: ({ hash }) => hash.linksPerBucket,
  },
  {
    name: 'capture_seconds',
    unit: 'seconds',
    meaning: 'between the first and the last reading of the counters',
    cell: ({ drops }) => drops.duringCapture?.seconds,
  },
  {
    name: 'dropped_during_capture',
    unit: 'packets',
    meaning: 'dropped in capture_seconds (counter drop)',
    cell: ({ drops }) => drops.duringCapture?.drop,
  },
  {
    name: 'drops_per_second',
    unit: 'per second',
    meaning: 'dropped_during_capture ÷ capture_seconds',
    cell: ({ drops }) => drops.duringCapture?.dropPerSecond,
  },
  {
    name: 'evicted_during_capture',
    unit: 'entries',
    meaning: 'evicted in capture_seconds to make room (counter early_drop)',
    cell: ({ drops }) => drops.duringCapture?.earlyDrop,
  },
  {
    name: 'insert_failed_during_capture',
    unit: 'entries',
    meaning: 'that could not be inserted in capture_seconds (counter insert_failed)',
    cell: ({ drops }) => drops.duringCapture?.insertFailed,
  },
  {
    name: 'chain_too_long_during_capture',
    unit: 'packets',
    meaning: 'dropped in capture_seconds for a long hash chain, and in dropped_during_capture not counted',
    cell: ({ drops }) => drops.duringCapture?.chainTooLong,
  },
  {
    name: 'dropped_total',
    unit: 'packets',
    meaning: 'dropped since the counters began',
    cell: ({ drops }) => drops.counters?.totals.drop,
  },
  {
    name: 'evicted_total',
    unit: 'entries',
    meaning: 'evicted since the counters began',
    cell: ({ drops }) => drops.counters?.totals.early_drop,
  },
  {
    name: 'insert_failed_total',
    unit: 'entries',
    meaning: 'that could not be inserted since the counters began',
    cell: ({ drops }) => drops.counters?.totals.insert_failed,
  },
  {
    name: 'table_full_lines',
    unit: 'lines',
    meaning: 'of the kernel log that say “table full”; they are rate limited, and no count of packets',
    cell: ({ drops: { log } }) => (log.captured.length > 0 ? log.tableFullLines : undefined),
  },
  {
    name: 'slab_bytes',
    unit: 'bytes',
    meaning: 'held by the slabs of entries',
    cell: ({ memory }) => memory.slabBytes,
  },
  {
    name: 'hash_bytes',
    unit: 'bytes',
    meaning: 'held by the hash tables',
    cell: ({ memory }) => memory.hashBytes,
  },
  {
    name: 'memory_bytes',
    unit: 'bytes',
    meaning: 'held by connection tracking in all, with the low estimate of what entries hold besides',
    cell: ({ memory }) => memory.totalBytes,
  },
  {
    name: 'memory_at_max_bytes',
    unit: 'bytes',
    meaning: 'the same with the table full at max',
    cell: ({ memory }) => memory.atMaxBytes,
  },
  {
    name: 'mem_total_bytes',
    unit: 'bytes',
    meaning: 'RAM of the host (MemTotal)',
    cell: ({ host }) => host.memTotalBytes?.value,
  },
  {
    name: 'page_size_inferred',
    unit: 'text',
    meaning: 'yes: the page size was not captured, and what is held in slabs rests on an inferred one',
    cell: ({ memory, pageBytes }) => (memory.slabBytes !== undefined && pageBytes?.inferred ? 'yes' : undefined),
  },
  {
    name: 'demand_low',
    unit: 'entries',
    meaning: 'lower end of what the table would hold if nothing were refused or evicted',
    cell: ({ recommendation }) => recommendation.demand?.low,
  },
  {
    name: 'demand_high',
    unit: 'entries',
    meaning: 'upper end of that; empty where nothing bounds it',
    cell: ({ recommendation }) => recommendation.demand?.high,
  },
  {
    name: 'recommendation',
    unit: 'text',
    meaning: 'what to do: leave, raise, lower, raise-buckets, set-a-limit, fix-cause or cannot-tell',
    cell: ({ recommendation }) => recommendation.action,
  },
  {
    name: 'recommended_max',
    unit: 'entries',
    meaning: 'nf_conntrack_max to set',
    cell: ({ recommendation }) => recommendation.max,
  },
  {
    name: 'recommended_buckets',
    unit: 'buckets',
    meaning: 'hash table to set',
    cell: ({ recommendation }) => recommendation.buckets,
  },
  {
    name: 'findings_critical',
    unit: 'text',
    meaning: 'ids of the critical findings, with blanks between them; conntrack-report explain ID tells of one',
    cell: (analysis) => idsOf(analysis, 'critical'),
  },
  {
    name: 'findings_warning',
    unit: 'text',
    meaning: 'the same of the warnings',
    cell: (analysis) => idsOf(analysis, 'warning'),
  },
  { name: 'kernel', unit: 'text', meaning: 'release of the kernel', cell: ({ host }) => host.kernelRelease?.value },
  { name: 'os', unit: 'text', meaning: 'name of the system', cell: ({ host }) => host.osName?.value },
  { name: 'cpus', unit: 'processors', meaning: 'of the host', cell: ({ host }) => host.cpus?.value },
  {
    name: 'uptime_seconds',
    unit: 'seconds',
    meaning: 'since the host booted',
    cell: ({ host }) => host.uptimeSeconds?.value,
  },
  { name: 'bundle', unit: 'text', meaning: 'what was read', cell: ({ bundle }) => bundle.name },
  {
    name: 'bundle_sha256',
    unit: 'text',
    meaning: 'digest of it; a folder has none',
    cell: ({ bundle }) => bundle.sha256,
  },
];

function idsOf({ findings }: Analysis, severity: string): string {
  return findings
    .filter((each) => each.severity === severity)
    .map(({ id }) => id)
    .join(' ');
}

/** Renders the figures of one snapshot: numbers without separators, with a point; text that a spreadsheet does not run. */
export function renderCsv(analysis: Analysis): string {
  return spreadsheet([COLUMNS.map(({ name }) => name), COLUMNS.map(({ cell }) => cell(analysis))]);
}

/** Renders what the columns are, a row for each, in their order: name, unit and meaning. */
export function renderCsvSchema(): string {
  return spreadsheet([['name', 'unit', 'meaning'], ...COLUMNS.map(({ name, unit, meaning }) => [name, unit, meaning])]);
}
