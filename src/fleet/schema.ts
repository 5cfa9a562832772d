/**
 * The Fleet: many hosts side by side. Plain data, written as it is into fleet.json; `conntrack-report schema fleet` prints it as JSON
 * Schema.
 *
 * Numbers are in the unit that the field names; what is absent was not captured or cannot be computed.
 */
import * as z from 'zod';
import { anonymizedSchema, madeSchema, severitySchema } from '../analysis/schema.ts';
import { delta, timelineSchema } from '../timeline/schema.ts';
import { snapshotSchema } from './snapshot.ts';

/** Version of the shape below: raised when a field changes its meaning or goes away. */
const SCHEMA_VERSION = 1;

const count = z.number().int().nonnegative();
const value = z.union([z.number(), z.string()]);
const newest = snapshotSchema.omit({ bundle: true, host: true, settings: true, between: true });
const timeline = timelineSchema.shape;

const sincePrevious = z
  .object({
    from: z
      .enum(['previous snapshot', 'boot', 'namespace', 'not known'])
      .describe('when the counters that tell it began: a boot, or a new namespace, lies between the two'),
    why: delta.shape.why,
    seconds: z.number().optional().describe('that the figures are of'),
    packets: count.optional(),
    perSecond: z.number().optional(),
    evicted: count.optional(),
  })
  .optional()
  .describe('what was dropped between the previous snapshot of the host and its newest; absent: it is the only one');

const host = newest
  .extend({
    drops: newest.shape.drops.extend({ sincePrevious }),
    name: z.string().optional().describe('absent: the host name was not captured'),
    anonymized: anonymizedSchema,
    identifiedBy: timeline.host.shape.identifiedBy,
    page: z.string().optional().describe('its page, below the folder of this file; absent: it could not be written'),
    labels: z.record(z.string(), z.string()),
    input: z.string().describe('where its newest snapshot was read from'),
    capturedAt: z.string().optional().describe('of the newest snapshot; ISO 8601'),
    uptimeSeconds: z.number().optional(),
    snapshots: count,
    trend: z
      .array(
        z.object({
          capturedAt: z.string().optional(),
          entries: count.optional(),
          max: count.optional(),
          share: z.number().optional(),
        }),
      )
      .describe('the snapshots, the earliest first'),
    growth: timeline.growth,
    differs: z
      .array(z.object({ setting: z.string(), value, usual: value }))
      .describe('settings that most other hosts have set to the usual value'),
    notes: z.array(z.string()).describe('what was done with inputs that are not among the snapshots'),
  })
  .describe('a host, with the figures of its newest snapshot');
export type FleetHost = z.infer<typeof host>;

const setting = z.object({
  name: z.string(),
  usual: value.describe('what more than half of the hosts have of which it is known'),
  hosts: count.describe('so many have that'),
  known: count.describe('hosts of which it is known'),
  others: z.array(z.object({ value, hosts: z.array(count).describe('numbers of hosts, from 0') })),
});
export type Setting = z.infer<typeof setting>;

export const fleetSchema = z
  .object({
    schemaVersion: z.literal(SCHEMA_VERSION),
    tool: z.object({ name: z.literal('conntrack-report'), version: z.string() }),
    made: madeSchema,
    totals: z.object({
      hosts: count,
      snapshots: count,
      bySeverity: z.record(severitySchema, count),
      byVerdict: z.array(z.object({ kind: newest.shape.verdict.shape.kind, severity: severitySchema, hosts: count })),
      dropping: count.describe('hosts that dropped packets while their newest snapshot was taken'),
    }),
    labels: z.array(z.string()).describe('the labels that there are, in the order of their columns'),
    hosts: z.array(host).describe('in order of risk'),
    settings: z.array(setting).describe('settings in which a host differs from most'),
    unread: z.array(z.object({ input: z.string(), reason: z.string() })),
    missing: z
      .array(z.object({ hostname: z.string(), labels: z.record(z.string(), z.string()) }))
      .describe('hosts that have labels, and no snapshot'),
  })
  .describe('A fleet of hosts, by conntrack-report');

/** Many hosts side by side. */
export type Fleet = z.infer<typeof fleetSchema>;
