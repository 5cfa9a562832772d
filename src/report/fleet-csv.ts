/** A fleet as CSV (RFC 4180), a line for each host, that a spreadsheet opens without running any of it. */
import { stringify } from 'csv-stringify/sync';
import type { Fleet, FleetHost } from '../fleet/schema.ts';
import { inert } from './inert.ts';

/** A cell; undefined: not known, and empty. */
export type Cell = string | number | undefined;

/** The columns, which stay what they are; those of the labels come after them. */
const COLUMNS: Record<string, (host: FleetHost) => Cell> = {
  hostname: ({ name }) => name,
  severity: ({ verdict }) => verdict.severity,
  verdict: ({ verdict }) => verdict.kind,
  failure: ({ verdict }) => verdict.failure,
  entries: ({ entries }) => entries,
  max: ({ max }) => max,
  share: ({ share }) => share,
  buckets: ({ buckets }) => buckets,
  memory_bytes: ({ memoryBytes }) => memoryBytes,
  mem_total_bytes: ({ memTotalBytes }) => memTotalBytes,
  dropped_during_capture: ({ drops }) => drops.during?.packets,
  drops_per_second_during_capture: ({ drops }) => drops.during?.perSecond,
  evicted_during_capture: ({ drops }) => drops.during?.evicted,
  capture_seconds: ({ drops }) => drops.during?.seconds,
  dropped_since_previous_capture: ({ drops }) => drops.sincePrevious?.packets,
  drops_per_second_since_previous_capture: ({ drops }) => drops.sincePrevious?.perSecond,
  evicted_since_previous_capture: ({ drops }) => drops.sincePrevious?.evicted,
  since_previous_capture_seconds: ({ drops }) => drops.sincePrevious?.seconds,
  since_previous_capture_counted_from: ({ drops }) => drops.sincePrevious?.from,
  dropped_total: ({ drops }) => drops.total,
  evicted_total: ({ drops }) => drops.evictedTotal,
  table_full_lines: ({ drops }) => drops.tableFullLines,
  recommendation: ({ recommendation }) => recommendation.action,
  recommended_max: ({ recommendation }) => recommendation.max,
  recommended_buckets: ({ recommendation }) => recommendation.buckets,
  findings_critical: ({ findings }) => findings.critical.join(' '),
  findings_warning: ({ findings }) => findings.warning.join(' '),
  full_in_days_from: ({ growth }) => growth.daysToFull?.low,
  full_in_days_to: ({ growth }) => growth.daysToFull?.high,
  differs_in: ({ differs }) => differs.map(({ setting }) => setting).join(' '),
  kernel: ({ kernelRelease }) => kernelRelease,
  os: ({ osName }) => osName,
  cpus: ({ cpus }) => cpus,
  uptime_seconds: ({ uptimeSeconds }) => uptimeSeconds,
  captured_at: ({ capturedAt }) => capturedAt,
  snapshots: ({ snapshots }) => snapshots,
  input: ({ input }) => input,
  page: ({ page }) => page,
  page_size_inferred: ({ pageInferred }) => (pageInferred ? 'yes' : undefined),
};

/** Renders the hosts; what could not be read is not among them. */
export function renderFleetCsv({ hosts, labels }: Fleet): string {
  const header = [...Object.keys(COLUMNS), ...labels.map((label) => `label_${label}`)];
  const rows = hosts.map((host) => [
    ...Object.values(COLUMNS).map((cell) => cell(host)),
    ...labels.map((label) => host.labels[label]),
  ]);
  return spreadsheet([header, ...rows]);
}

/** Rows as CSV that a spreadsheet opens without running any of it. */
export function spreadsheet(rows: readonly (readonly Cell[])[]): string {
  return stringify(
    rows.map((row) => row.map(harmless)),
    {
      record_delimiter: 'windows',
      // What begins like a formula gets an apostrophe in front: = + - @ and their full-width forms.
      escape_formulas: true,
      quoted_match: /[;\t]/,
    },
  );
}

/**
 * Text without control characters, and without the blanks that would hide how it begins. A spreadsheet of a country that writes decimals
 * with a comma may also split at semicolons: what would begin a cell there is neutralised as well.
 */
function harmless(cell: Cell): Cell {
  if (typeof cell !== 'string') return cell;
  return inert(cell)
    .trim()
    .replace(/(;\s*"*)(?=[=+\-@＝＋－＠])/gu, "$1'");
}
