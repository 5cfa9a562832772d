/**
 * The Timeline: what follows from several snapshots of one host. Plain data, written as it is by `compare --format json`;
 * `conntrack-report schema timeline` prints it as JSON Schema.
 *
 * Numbers are in the unit that the field names; what is absent was not captured or cannot be computed. Snapshots are counted from 0, the
 * earliest first.
 */
import * as z from 'zod';
import { anonymizedSchema, commandsSchema, madeSchema, severitySchema } from '../analysis/schema.ts';

/** Version of the shape below: raised when a field changes its meaning or goes away. */
const SCHEMA_VERSION = 1;

const count = z.number().int().nonnegative();
const index = count.describe('number of a snapshot');
const tally = z.object({ key: z.string(), entries: count });

const point = z.object({
  name: z.string().describe('as the user named it'),
  sha256: z.string().optional(),
  capturedAt: z.string().optional().describe('ISO 8601'),
  clockSaid: z
    .string()
    .optional()
    .describe(
      'the time in the capture, where it was wrong: capturedAt follows from the uptime and a later capture then',
    ),
  uptimeSeconds: z.number().optional(),
  bootId: z.string().optional(),
  netns: z.string().optional(),
  kernelRelease: z.string().optional(),
  entries: count.optional().describe('the most in any reading of the snapshot'),
  max: count.optional(),
  unlimited: z.boolean(),
  buckets: count.optional(),
  share: z.number().optional().describe('entries ÷ max'),
  slabBytes: z.number().optional(),
  memoryBytes: z.number().optional(),
  pageInferred: z.boolean().optional().describe('true: both rest on a page size that is inferred'),
  counters: z.record(z.string(), count).optional().describe('since they began'),
  dropPerSecond: z.number().optional().describe('while the snapshot was taken'),
  earlyDropPerSecond: z.number().optional(),
  lastFullAt: z.string().optional().describe('time of the last “table full” line'),
  classes: z.array(tally).describe('the largest classes of entries'),
  sources: z.array(tally),
  verdict: z.object({ kind: z.string(), severity: severitySchema }),
  recommended: z.object({ action: z.string(), max: count.optional(), buckets: count.optional() }),
});
export type Point = z.infer<typeof point>;

/** What one counter counted between two snapshots. */
export const delta = z.object({
  name: z.string(),
  how: z
    .enum(['counted', 'wrapped', 'since boot', 'since the namespace', 'not known'])
    .describe('wrapped: the 32 bits of a processor, or of several, ran over'),
  delta: count.optional(),
  perSecond: z.number().optional(),
  why: z
    .enum(['not captured', 'ran backwards', 'may have run over', 'absurd rate', 'another source', 'another namespace'])
    .optional()
    .describe('why it is not known'),
});
export type Delta = z.infer<typeof delta>;

const interval = z.object({
  from: index,
  to: index,
  seconds: z.number().optional(),
  rebooted: z.boolean().optional().describe('absent: cannot be told'),
  namespaceChanged: z.boolean().optional(),
  countersFell: z
    .boolean()
    .optional()
    .describe('they are lower without a reason: the module was loaded anew, or a capture lacks processors'),
  deltas: z.array(delta),
  settings: z
    .array(z.object({ name: z.string(), before: z.number(), after: z.number() }))
    .describe('those that changed; what was not captured in either is none'),
});
export type Interval = z.infer<typeof interval>;

const findingChange = z.object({
  id: z.string(),
  change: z.enum(['new', 'gone', 'worse', 'better', 'unchanged', 'not comparable']),
  before: severitySchema.optional(),
  after: severitySchema.optional(),
});
export type FindingChange = z.infer<typeof findingChange>;

const check = z.object({
  what: z.enum(['applied', 'buckets', 'persisted', 'effective']),
  result: z.enum(['yes', 'partly', 'no', 'not known']),
  says: z.string().describe('which sentence of templates/checks states it'),
  values: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.array(z.string())])),
});
export type Check = z.infer<typeof check>;

const fix = z.object({
  before: index,
  after: index,
  verdict: z.enum(['fixed', 'partly', 'not-applied', 'worse', 'too-early', 'nothing-to-fix']),
  checks: z.array(check),
  testedSeconds: z
    .number()
    .optional()
    .describe('how long what is in force now is known to have been put to the test without a loss'),
  undecided: z
    .enum(['one-snapshot', 'before', 'after'])
    .optional()
    .describe('what the verdict lacks: a second snapshot, or figures of the snapshot before or after'),
});
export type Fix = z.infer<typeof fix>;

const growth = z.object({
  /** Absent: refused. */
  perDay: z.object({ low: z.number(), likely: z.number(), high: z.number() }).optional().describe('entries a day'),
  daysToFull: z
    .object({ low: z.number(), high: z.number().optional().describe('absent: it may never be, as far as can be told') })
    .optional()
    .describe('absent: there is no trend towards the limit, or it is further off than these days can tell'),
  refused: z
    .enum(['too-few', 'too-short', 'limit-changed', 'no-trend', 'no-times', 'unlimited', 'cut-off'])
    .optional()
    .describe('why nothing is forecast; the sentence is in templates/growth'),
  changed: z
    .array(z.string())
    .optional()
    .describe('settings whose change began what is looked at: what came before is of another kind'),
  points: count.describe('snapshots that it rests on: of a day with several, the fullest'),
  days: z.number().describe('from the first to the last of them'),
});
export type Growth = z.infer<typeof growth>;

export const timelineSchema = z
  .object({
    schemaVersion: z.literal(SCHEMA_VERSION),
    tool: z.object({ name: z.literal('conntrack-report'), version: z.string() }),
    made: madeSchema,
    host: z.object({
      identifiedBy: z.enum(['machine id', 'host name', 'boot id', 'nothing']),
      hostname: z.string().optional(),
      anonymized: anonymizedSchema,
      osName: z.string().optional(),
      memTotalBytes: z.number().optional(),
      cpus: count.optional(),
    }),
    points: z.array(point),
    intervals: z.array(interval),
    findings: z.array(findingChange).describe('between the snapshots that fix compares'),
    fillers: z
      .array(
        z.object({
          kind: z.enum(['class', 'source']),
          key: z.string(),
          before: count.optional(),
          after: count.optional(),
        }),
      )
      .describe('who fills the table, before and after; absent: not among the largest'),
    fix,
    growth,
    recommendation: z.object({
      from: index.describe('the snapshot with the highest demand, which it is sized for'),
      action: z.enum(['leave', 'raise', 'lower', 'raise-buckets', 'set-a-limit', 'fix-cause', 'cannot-tell']),
      max: count.optional(),
      buckets: count.optional(),
      demand: z.object({ low: count, high: count.optional(), isLowerBound: z.boolean() }).optional(),
      totalBytes: z.number().optional().describe('with the table full'),
      shareOfRam: z.number().optional(),
      commands: commandsSchema,
    }),
    notes: z.array(z.string()).describe('what was done with inputs that are not among the points'),
  })
  .describe('Several snapshots of one host, by conntrack-report');

/** What follows from several snapshots of one host. */
export type Timeline = z.infer<typeof timelineSchema>;
