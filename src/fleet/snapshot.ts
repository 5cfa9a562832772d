/** What a fleet keeps of each snapshot: a few of the figures of its analysis, small enough to hold hundreds of thousands. */
import * as z from 'zod';
import { type Analysis, analysisSchema, anonymizedSchema } from '../analysis/schema.ts';

const { verdict, recommendation, usage, drops } = analysisSchema.shape;
const count = z.number().int().nonnegative();
const known = <T extends z.ZodType>(value: T) => z.object({ value }).optional();

export const snapshotSchema = z.object({
  bundle: z.object({ sha256: z.string().optional(), netns: z.string().optional(), anonymized: anonymizedSchema }),
  host: z.object({
    hostname: known(z.string()),
    machineIdSha256: known(z.string()),
    bootId: known(z.string()),
    capturedAt: known(z.string()),
    uptimeSeconds: known(z.number()),
  }),
  kernelRelease: z.string().optional(),
  osName: z.string().optional(),
  machine: z.string().optional(),
  cpus: count.optional(),
  memTotalBytes: z.number().optional(),
  verdict: verdict.pick({ kind: true, severity: true, failure: true }),
  findings: z
    .object({ critical: z.array(z.string()), warning: z.array(z.string()) })
    .describe('ids of what was found, by severity'),
  entries: count.optional().describe('the most in any reading of the snapshot'),
  max: count.optional(),
  unlimited: usage.shape.unlimited,
  share: z.number().optional().describe('entries ÷ max'),
  buckets: count.optional(),
  memoryBytes: z.number().optional(),
  pageInferred: z.boolean().optional().describe('true: that rests on a page size that is inferred'),
  drops: z.object({
    during: z
      .object({ seconds: z.number(), packets: count, perSecond: z.number(), evicted: count })
      .optional()
      .describe('while the snapshot was taken'),
    total: count.optional().describe('packets, since the counters began'),
    evictedTotal: count.optional().describe('entries, since the counters began'),
    tableFullLines: count.optional().describe('lines of the kernel log, which are rate limited: not packets'),
  }),
  between: z
    .object({
      counters: z.object({ file: z.string(), totals: z.record(z.string(), z.number()) }).optional(),
      duringCapture: drops.shape.duringCapture,
      readings: z.array(z.object({ drop: count, uptimeSeconds: z.number() })),
      namespaces: z.array(z.object({ inode: z.string() })),
    })
    .describe('what tells what was counted since the snapshot before'),
  recommendation: recommendation.pick({ action: true, max: true, buckets: true }),
  settings: z.record(z.string(), z.number()).describe('as they run, by name without nf_conntrack_ in front'),
});

/** What a fleet keeps of a snapshot. */
export type Snapshot = z.infer<typeof snapshotSchema>;

/** The figures of one analysis that a fleet is made of. */
export function snapshotOf(analysis: Analysis): Snapshot {
  const { bundle, host, usage, hash, memory, drops, readings, recommendation, findings, pageBytes } = analysis;
  const { duringCapture: during, counters, log } = drops;
  const only = <T>(fact: { value: T } | undefined) => fact && { value: fact.value };
  const idsOf = (severity: string) => findings.filter((each) => each.severity === severity).map(({ id }) => id);
  return snapshotSchema.parse({
    bundle: { sha256: bundle.sha256, netns: bundle.netns, anonymized: bundle.anonymized },
    host: {
      hostname: only(host.hostname),
      machineIdSha256: only(host.machineIdSha256),
      bootId: only(host.bootId),
      capturedAt: only(host.capturedAt),
      uptimeSeconds: only(host.uptimeSeconds),
    },
    kernelRelease: host.kernelRelease?.value,
    osName: host.osName?.value,
    machine: host.machine?.value,
    cpus: host.cpus?.value,
    memTotalBytes: host.memTotalBytes?.value,
    verdict: analysis.verdict,
    findings: { critical: idsOf('critical'), warning: idsOf('warning') },
    entries: (usage.peak ?? usage.entries)?.value,
    max: usage.max?.value,
    unlimited: usage.unlimited,
    share: usage.peakShare ?? usage.share,
    buckets: hash.buckets?.value,
    memoryBytes: memory.totalBytes ?? memory.slabBytes,
    pageInferred: memory.slabBytes !== undefined && pageBytes?.inferred !== undefined ? true : undefined,
    drops: {
      during: during && {
        seconds: during.seconds,
        packets: during.drop,
        perSecond: during.dropPerSecond,
        evicted: during.earlyDrop,
      },
      total: counters?.totals.drop,
      evictedTotal: counters?.totals.early_drop,
      tableFullLines: log.captured.length > 0 ? log.tableFullLines : undefined,
    },
    between: {
      counters: counters && { file: counters.file, totals: counters.totals },
      duringCapture: during,
      readings: readings.filter((each) => each.drop !== undefined && each.uptimeSeconds !== undefined).slice(-1),
      namespaces: analysis.namespaces.filter(({ inode }) => inode !== undefined),
    },
    recommendation,
    settings: Object.fromEntries(analysis.settings.map(({ name, value }) => [name, value])),
  });
}
