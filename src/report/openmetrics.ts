/**
 * One analysis in the text format of OpenMetrics 1.0 (prometheus.io/docs/specs/om/open_metrics_spec), which node_exporter’s textfile
 * collector reads too, as the older text format of Prometheus. That decides what both have in common:
 *
 * - No sample has a timestamp: the collector refuses a whole file for one (collector/textfile.go, hasTimestamps()). The time of the
 *   capture is a sample of its own.
 * - Only gauges and counters: `info`, `stateset` and `unknown` are types that the older format does not know, and an unknown type is an
 *   error there. What a label says is a gauge that is 1, as is usual in Prometheus.
 * - The family of a counter is called without `_total`, as OpenMetrics demands; the older format then takes its samples as untyped, which
 *   queries do not tell apart.
 * - Help has no quotation mark and no backslash: they are escaped in one format only.
 * - The label `netns` is on samples of other namespaces only. None has a processor: the counters are summed.
 */
import type { Analysis } from '../analysis/schema.ts';
import { inert } from './inert.ts';

type Labels = Readonly<Record<string, string | undefined>>;
type Sample = readonly [value: number | undefined, labels?: Labels];

interface Family {
  /** Without `conntrack_report_` in front, and of a counter `_total` behind. */
  name: string;
  type: 'gauge' | 'counter';
  /** A base unit, which the name then ends in. */
  unit?: 'seconds' | 'bytes';
  help: string;
  samples(analysis: Analysis): readonly Sample[];
}

const gauge = (name: string, help: string, samples: Family['samples'], unit?: Family['unit']): Family => ({
  name,
  type: 'gauge',
  ...(unit && { unit }),
  help,
  samples,
});

/** Of the namespace that was captured, and of the others. */
const counter = (name: string, key: string, help: string, others?: 'drop' | 'earlyDrop'): Family => ({
  name,
  type: 'counter',
  help,
  samples: ({ drops, namespaces }) => [
    [drops.counters?.totals[key]],
    ...(others === undefined ? [] : inEach(namespaces, (namespace) => namespace[others])),
  ],
});

const FAMILIES: readonly Family[] = [
  gauge(
    'capture_timestamp_seconds',
    'Time of the capture by the clock of the host, since the epoch.',
    ({ host }) => [[unixTime(host.capturedAt?.value)]],
    'seconds',
  ),
  gauge('snapshot_info', 'What was captured, and what analysed it.', ({ host, bundle, tool }) => [
    [
      1,
      {
        bundle: bundle.name,
        kernel: host.kernelRelease?.value,
        machine: host.machine?.value,
        os: host.osName?.value,
        version: tool.version,
      },
    ],
  ]),
  gauge('verdict_info', 'What is wrong, which failure that is, and how severe.', ({ verdict }) => [
    [1, { verdict: verdict.kind, failure: verdict.failure, severity: verdict.severity }],
  ]),
  gauge('findings', 'Findings, by severity; ok: looked for and not found, unknown: not assessed.', ({ findings }) =>
    (['critical', 'warning', 'notice', 'ok', 'unknown'] as const).map((severity) => [
      findings.filter((finding) => finding.severity === severity).length,
      { severity },
    ]),
  ),
  gauge('entries', 'Entries in the table when the capture began.', ({ usage, namespaces }) => [
    [usage.entries?.value],
    ...inEach(namespaces, ({ entries }) => entries?.value),
  ]),
  gauge('entries_peak', 'The most entries in any reading of the capture.', ({ usage }) => [[usage.peak?.value]]),
  gauge('entries_limit', 'nf_conntrack_max; 0 is no limit, up to Linux 6.18.', ({ usage, namespaces }) => [
    [usage.max?.value],
    ...inEach(namespaces, ({ max }) => max?.value),
  ]),
  gauge('buckets', 'Buckets of the hash table.', ({ hash }) => [[hash.buckets?.value]]),
  counter('packets_dropped', 'drop', 'Packets dropped since the counters began.', 'drop'),
  counter('entries_evicted', 'early_drop', 'Entries evicted to make room since the counters began.', 'earlyDrop'),
  counter('insert_failed', 'insert_failed', 'Entries that could not be inserted since the counters began.'),
  counter('chain_too_long', 'chaintoolong', 'Packets dropped for a long hash chain since the counters began.'),
  counter('clash_resolved', 'clash_resolve', 'Clashes of entries that were resolved since the counters began.'),
  counter('packets_invalid', 'invalid', 'Packets that could not be tracked since the counters began.'),
  gauge(
    'capture_duration_seconds',
    'From the first to the last reading of the counters.',
    ({ drops }) => [[drops.duringCapture?.seconds]],
    'seconds',
  ),
  gauge('capture_packets_dropped', 'Packets dropped between these readings.', ({ drops }) => [
    [drops.duringCapture?.drop],
  ]),
  gauge('capture_entries_evicted', 'Entries evicted between these readings.', ({ drops }) => [
    [drops.duringCapture?.earlyDrop],
  ]),
  gauge('log_table_full_lines', 'Lines of the kernel log that say table full, which are rate limited.', ({ drops }) => [
    [drops.log.captured.length > 0 ? drops.log.tableFullLines : undefined],
  ]),
  gauge('slab_bytes', 'Held by the slabs of entries.', ({ memory }) => [[memory.slabBytes]], 'bytes'),
  gauge('hash_bytes', 'Held by the hash tables.', ({ memory }) => [[memory.hashBytes]], 'bytes'),
  gauge('memory_bytes', 'Held by connection tracking in all.', ({ memory }) => [[memory.totalBytes]], 'bytes'),
  gauge(
    'memory_at_limit_bytes',
    'What connection tracking would hold in all with the table full.',
    ({ memory }) => [[memory.atMaxBytes]],
    'bytes',
  ),
  gauge('host_memory_bytes', 'RAM of the host.', ({ host }) => [[host.memTotalBytes?.value]], 'bytes'),
  gauge('host_uptime_seconds', 'Since the host booted.', ({ host }) => [[host.uptimeSeconds?.value]], 'seconds'),
  gauge('demand_entries', 'What the table would hold if nothing were refused or evicted.', ({ recommendation }) => [
    [recommendation.demand?.low, { bound: 'low' }],
    [recommendation.demand?.high, { bound: 'high' }],
  ]),
  gauge('recommended_entries_limit', 'nf_conntrack_max to set.', ({ recommendation }) => [[recommendation.max]]),
  gauge('recommended_buckets', 'Buckets to set.', ({ recommendation }) => [[recommendation.buckets]]),
];

/** Renders the figures of one snapshot; what was not captured has no sample. */
export function renderOpenMetrics(analysis: Analysis): string {
  const host = analysis.host.hostname?.value;
  const families = FAMILIES.flatMap(({ name: short, type, unit, help, samples }) => {
    const name = `conntrack_report_${short}`;
    const known = samples(analysis).filter(([value]) => value !== undefined && Number.isFinite(value));
    if (known.length === 0) return [];
    const sampleName = type === 'counter' ? `${name}_total` : name;
    return [
      `# TYPE ${name} ${type}`,
      ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
      `# HELP ${name} ${help}`,
      ...known.map(([value, labels]) => `${sampleName}${labelSet({ host, ...labels })} ${value}`),
    ];
  });
  return `${[...families, '# EOF'].join('\n')}\n`;
}

/** A label that is not known is left out, which is what an empty one means. */
function labelSet(labels: Labels): string {
  const pairs = Object.entries(labels).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${inert(value).replace(/[\\"]/g, '\\$&')}"`],
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/**
 * A sample of each other namespace, under its name, or else its inode. Two samples with the same labels would make the file invalid:
 * the second of a name has its place in the list behind it.
 */
function inEach(
  namespaces: Analysis['namespaces'],
  pick: (namespace: Analysis['namespaces'][number]) => number | undefined,
): Sample[] {
  const taken = new Set<string>();
  return namespaces.map((namespace, at) => {
    const name = inert(namespace.names[0] ?? namespace.inode ?? '');
    const netns = name === '' || taken.has(name) ? `${name}#${at + 1}` : name;
    taken.add(netns);
    return [pick(namespace), { netns }];
  });
}

/** Seconds since the epoch; a date that is none has no sample. */
function unixTime(iso: string | undefined): number | undefined {
  return iso === undefined ? undefined : Date.parse(iso) / 1000;
}
