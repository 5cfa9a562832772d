/**
 * The Analysis: what follows from one snapshot. Plain data, written as it is by `--format json`, and the only thing that
 * reports, comparisons and other people's programs read. `conntrack-report schema` prints it as JSON Schema.
 *
 * Numbers are in the unit that the field names (`heldBytes`, `uptimeSeconds`) or plain counts; shares are 0…1.
 * A field that is absent was not captured or cannot be computed; it is never zero instead.
 */
import * as z from 'zod';

/** Version of the shape below: raised when a field changes its meaning or goes away. */
const SCHEMA_VERSION = 1;

const count = z.number().int().nonnegative();
const bytes = z.number().nonnegative().describe('bytes');
/** Of counters of 64 bits, which a damaged row can have at their most. */
const sum = z.number().nonnegative().describe('exact up to 2^53');
const share = z.number().nonnegative().describe('a share: 1 is the whole');

const fact = <T extends z.ZodType>(value: T) =>
  z.object({
    value,
    file: z.string().describe('path in the bundle'),
    line: z.number().int().positive().optional(),
    key: z
      .string()
      .optional()
      .describe('which one, where the file has several settings: net.netfilter.nf_conntrack_max'),
    inferred: z.string().optional().describe('how the value was found: no file states it'),
    roundedTo: z.number().positive().optional().describe('a coarse value: the true one differs by less than this'),
  });

export const severitySchema = z.enum(['critical', 'warning', 'notice', 'ok', 'unknown']);
export type Severity = z.infer<typeof severitySchema>;

/** Slab arithmetic for one cache; terms as in mm/slab.c and mm/slub.c. */
const slabArithmetic = z.object({
  name: z.string(),
  file: z.string(),
  line: z.number().int().positive().optional(),
  activeObjects: count,
  totalObjects: count,
  objectBytes: bytes,
  pagesPerSlab: count,
  activeSlabs: count,
  totalSlabs: count,
  objectsPerSlab: count,
  objectsPerSlabHow: z
    .enum(['column', 'objects ÷ slabs', 'slab ÷ object'])
    .describe('the objperslab column; num_objs ÷ num_slabs; or the division, which SLAB can fall one short of'),
  inUseBytes: bytes.describe('active objects × object size'),
  allocatedBytes: bytes.describe('all objects × object size'),
  utilisation: share.optional().describe('active ÷ all objects'),
  minimumSlabs: count.describe('the fewest slabs that the active objects fit into'),
  /** What follows needs the page size. */
  slabBytes: bytes.optional(),
  minimumBytes: bytes.optional(),
  heldBytes: bytes.optional().describe('slabs × slab size: what the kernel really holds'),
  heldIsUpperBound: z
    .boolean()
    .describe('SLUB fell back to smaller slabs for some: fewer objects than slabs × objects per slab'),
  activeSlabsBytes: bytes.optional(),
  wastePerSlabBytes: bytes.optional().describe('slab size − objects per slab × object size'),
  bytesPerEntryPacked: z.number().optional().describe('slab size ÷ objects per slab'),
});
export type SlabArithmetic = z.infer<typeof slabArithmetic>;

const ladderStep = z.object({
  label: z.enum(['today', '×2', '×4', 'recommended']),
  max: count,
  buckets: count.optional(),
  slabs: count.optional(),
  slabBytes: bytes.optional(),
  hashBytes: bytes.optional(),
  natHashBytes: bytes
    .optional()
    .describe(
      'NAT’s own hash table, at the most: it gets as many buckets as there are when NAT is loaded, and keeps them',
    ),
  extensionBytes: bytes.optional().describe('estimate, at the most'),
  totalBytes: bytes.optional(),
  shareOfRam: share.optional(),
});
export type LadderStep = z.infer<typeof ladderStep>;

const tally = z.object({ key: z.string(), entries: count });
const topList = z.object({
  top: z.array(tally),
  distinct: count,
  distinctError: z.number().min(0).describe('relative standard error of distinct, which is an estimate then; 0: exact'),
  exact: z.boolean(),
  exactUpTo: count.describe('different keys up to which every count is exact; IPv4 and IPv6 have a table each'),
  maxError: count.describe('the true count lies between entries and entries + maxError'),
  concentration: z
    .object({ top1: count, top10: count, top100: count })
    .describe('entries of the 1, 10 and 100 largest keys together'),
});

const table = z.object({
  files: z.array(z.string()),
  families: z.array(z.enum(['ipv4', 'ipv6'])).describe('families that the capture covers'),
  entries: count,
  expectations: count,
  malformed: z.object({
    count,
    examples: z.array(z.object({ file: z.string(), line: count, text: z.string() })),
  }),
  cut: z.string().optional().describe('why the table is not whole'),
  part: z.enum(['head', 'tail']).optional().describe('which part of a table that is not whole was read'),
  whole: fact(count)
    .optional()
    .describe(
      'entries of the whole table, where only a part was read and they were counted: the shares are taken for its own, the counts ' +
        'are of what was read',
    ),
  shown: z
    .object({ entries: count, rows: count, file: z.string(), line: count })
    .optional()
    .describe('what conntrack says that it listed, and the rows that were read of the same files'),
  toolVersion: z.string().optional().describe('version of conntrack-tools that listed the table'),
  byFamily: z.array(tally),
  byProtocol: z.array(tally),
  byState: z.array(tally),
  byFlag: z.array(tally),
  byClass: z.array(tally),
  byZone: z.array(tally),
  byMark: z.array(tally),
  nat: z.object({ none: count, source: count, destination: count, both: count }),
  accounted: count,
  byHelper: z.array(tally),
  traffic: z
    .object({
      original: z.object({ packets: sum, bytes: sum }),
      reply: z.object({ packets: sum, bytes: sum }),
    })
    .describe('sums over the accounted rows'),
  duplicates: z.object({
    rows: count.describe('rows whose original tuple and zone were seen before: an artefact of reading'),
    window: count.optional().describe('rows back that a repetition is recognised at least; absent: anywhere'),
  }),
  sources: topList,
  destinations: topList,
  networks: topList.describe('/24 and /64 networks of the sources'),
  pairs: topList.describe('source and destination service'),
  services: topList,
  natTargets: topList.describe('rows with a rewritten source: the server that they reach, with its service'),
  natAddresses: topList.describe('rows with a rewritten source: the address that it was rewritten to'),
});

/** What lowering one timeout would change. */
const whatIf = z.object({
  setting: z.string().describe('name without nf_conntrack_ in front: tcp_timeout_established'),
  todaySeconds: count,
  todayFile: z.string().optional().describe('absent: the default of this kernel version, the setting was not captured'),
  proposedSeconds: count,
  asked: z.boolean().describe('proposed by the user with --what-if'),
  entriesGoverned: count.describe('entries whose timer this setting rules'),
  gone: count.describe('of them, entries idle for longer than the proposed timeout: they would already be gone'),
  notKnown: count.describe('of them, entries whose idle time is not known; they are counted as staying'),
  steadyEntries: count.describe('what the table would hold once all entries live by the new timeout'),
  steadySlabBytes: bytes.optional(),
  risk: z
    .enum([
      'none',
      'below-rfc-5382',
      'below-rfc-4787',
      'breaks-idle-connections',
      'breaks-slow-handshakes',
      'reuse-of-ports',
    ])
    .describe('the sentence for it is in templates/what-if'),
});
export type WhatIf = z.infer<typeof whatIf>;

/** How long entries have been idle, from the timeout in force minus what remains of it. */
const ages = z.object({
  classes: z.array(
    z.object({
      key: z.string().describe('as in table.byClass'),
      entries: count,
      setting: z.string().optional().describe('the timeout that rules the class; absent: none is known to'),
      timeoutSeconds: count.optional(),
      timeoutFile: z.string().optional().describe('absent: the default of this kernel version'),
      known: count.describe('entries whose idle time is known'),
      notKnown: z.object({
        clamped: count.describe(
          'may run on a shorter timer: unacknowledged data, retransmissions, a closed window, a mid-stream pick-up',
        ),
        custom: count.describe(
          'more remains than the setting allows: a policy of its own, or the setting was lowered since',
        ),
        offloaded: count,
        ambiguous: count.describe('which timer runs differs by kernel version or by what was not captured'),
      }),
      histogram: z
        .array(z.object({ fromSeconds: count, toSeconds: count, entries: count }))
        .describe('idle time of the known entries, log scale, from inclusive to exclusive'),
      arrivalsPerSecond: z
        .number()
        .optional()
        .describe('from the density of entries idle for 1 to 5 s; only of classes that nothing refreshes'),
      leastArrivalsPerSecond: count
        .optional()
        .describe('in that one of these seconds in which the fewest came: of a burst, far fewer'),
      turnoverPerSecond: z
        .number()
        .optional()
        .describe('entries that come a second, or of classes that packets refresh leave; absent: cannot be told'),
      lifetimeSeconds: z
        .number()
        .optional()
        .describe('how long an entry is expected to stay: entries ÷ arrivals per second'),
      medianIdleSeconds: z.number().optional(),
    }),
  ),
  idle: z
    .array(z.object({ seconds: count, entries: count, share: share }))
    .describe('entries idle for at least so long'),
  contradictions: count.describe('entries that would have been idle for longer than they exist, by delta-time'),
  whatIf: z.array(whatIf),
  together: z
    .object({
      settings: z.array(z.object({ setting: z.string(), seconds: count })),
      gone: count,
      steadyEntries: count,
      steadySlabBytes: bytes.optional(),
    })
    .optional()
    .describe('the best of the sensible values together'),
  asked: z
    .object({
      settings: z.array(z.object({ setting: z.string(), seconds: count })),
      gone: count,
      steadyEntries: count,
      steadySlabBytes: bytes.optional(),
    })
    .optional()
    .describe('the values of --what-if together'),
});
export type Ages = z.infer<typeof ages>;

const reading = z.object({
  uptimeSeconds: z.number().optional(),
  count: count.optional(),
  drop: count.optional(),
  earlyDrop: count.optional(),
  insertFailed: count.optional(),
  slabObjects: count.optional(),
});

const quantity = z
  .union([
    z.number(),
    z.string(),
    z.boolean(),
    z.array(z.string()),
    z.object({ count: z.number(), one: z.string(), many: z.string() }).describe('a number of things, with their noun'),
  ])
  .describe(
    'in the unit that the name ends in: Bytes, Seconds, PerSecond, Share (1 is the whole); else a plain number',
  );
export type Quantity = z.infer<typeof quantity>;

export const commandsSchema = z.object({
  apply: z.array(z.string()),
  verify: z.array(z.string()),
  undo: z.array(z.string()),
});
export type Commands = z.infer<typeof commandsSchema>;

const evidence = z.object({
  what: z.string().describe('the name that the kernel or the command has for it'),
  value: quantity,
  file: z.string().describe('path in the bundle'),
  line: z.number().int().positive().optional(),
});
export type Evidence = z.infer<typeof evidence>;

const failure = z.enum([
  'limit',
  'memory',
  'hash-chains',
  'nat-or-clash',
  'other-namespace',
  'attack',
  'idle-hoard',
  'none',
  'cannot-tell',
]);
export type Failure = z.infer<typeof failure>;

const verdict = z.object({
  kind: z
    .enum([
      'limit-reached',
      'drops-now',
      'evicting',
      'was-full',
      'namespace-full',
      'long-chains',
      'nat-ports',
      'clashes',
      'flood',
      'one-source',
      'idle-hoard',
      'memory',
      'near-limit',
      'filling',
      'unlimited',
      'healthy',
      'cannot-tell',
    ])
    .describe('what is wrong, and how far it has got; the sentence for it is in templates/verdicts'),
  failure: failure.describe('which failure that is'),
  severity: severitySchema,
  memoryIsTheProblem: z.boolean().optional().describe('absent: cannot be told from this capture'),
  proof: z.array(evidence).describe('what it rests on'),
  runnerUp: z
    .object({
      failure,
      says: z
        .string()
        .describe('which sentence of templates/verdicts/not says why not; of memory, what is said of it anyway'),
      values: z.record(z.string(), quantity),
    })
    .optional()
    .describe('what else it could be, and is not'),
  missing: z.array(z.string()).describe('what was not captured and would have helped to decide'),
});
export type Verdict = z.infer<typeof verdict>;

const finding = z.object({
  id: z.string().describe('the rule; `conntrack-report explain ID` tells what it looks for'),
  severity: severitySchema.describe('ok: looked for and not found; unknown: not assessed, for want of what is missing'),
  says: z.string().describe('which sentence of templates/findings states it'),
  statement: z.string().optional().describe('that sentence with the numbers of this host; in written JSON only'),
  values: z.record(z.string(), quantity).describe('the numbers of this host'),
  missing: z.array(z.string()).describe('what was not captured; the rule was not assessed if there is anything'),
  coveredBy: z.string().optional().describe('the finding that says what this one would say, and more'),
  evidence: z.array(evidence),
  confidence: z
    .enum(['high', 'medium', 'low'])
    .optional()
    .describe('high: follows from what was captured; medium: the likely reading; low: one of several'),
  commands: commandsSchema.optional(),
  asRecommended: z.boolean().optional().describe('the commands are those of the recommendation'),
});
export type Finding = z.infer<typeof finding>;

/** What demand can be told from. */
const DEMAND_EVIDENCE = ['peak', 'slab', 'limit', 'namespace', 'young', 'drop-rate'] as const;

const demand = z
  .object({
    entries: count.describe('what the recommendation is sized for'),
    low: count,
    high: count.optional(),
    isLowerBound: z.boolean().describe('entries were refused or evicted, and nothing bounds how many: high is absent'),
    decidedBy: z
      .enum(DEMAND_EVIDENCE)
      .describe('the evidence that decided; the sentence for it is in templates/demand'),
    evidence: z.array(
      z.object({
        by: z.enum(DEMAND_EVIDENCE),
        entries: count,
        file: z.string().optional(),
        line: z.number().int().positive().optional(),
      }),
    ),
    uncollected: z
      .object({
        entries: count,
        arrivalsPerSecond: z.number(),
        waitSeconds: z.number().describe('how long an expired entry is counted at most'),
      })
      .optional()
      .describe('why the higher end is higher: expired entries are counted until they are collected'),
    retries: z
      .object({
        admittedPerSecond: z.number(),
        refusedShare: share.describe('of the attempts to open a connection, those that were refused'),
        attempts: count,
        likely: count.describe('demand if a connection that is refused is tried so many times in all'),
        mostLive: count.describe('live entries if what is refused or evicted never comes again'),
      })
      .optional(),
  })
  .describe('what the table would hold if nothing were refused or evicted');
export type Demand = z.infer<typeof demand>;

const recommendation = z.object({
  action: z
    .enum(['leave', 'raise', 'lower', 'raise-buckets', 'set-a-limit', 'fix-cause', 'cannot-tell'])
    .describe('"leave" is a recommendation too; "fix-cause": not the limit, but what the verdict names'),
  max: count.optional(),
  buckets: count.optional(),
  demand: demand.optional(),
  fix: z
    .object({ frees: count, leaves: count, leavesShare: share.describe('of the limit') })
    .optional()
    .describe('entries that the fix of the cause would free, and those that would be left'),
  headroom: z.number().describe('recommended maximum ÷ demand that is aimed at'),
  constraint: z
    .enum(['demand', 'kernel-default', 'memory-budget', 'present-limit', 'cause', 'none'])
    .describe('what decided the number'),
  memoryBudgetBytes: bytes.optional(),
  others: z
    .object({
      kernelDefault: count.optional().describe('by this kernel itself, without a hashsize'),
      ramRule: count.optional().describe('RAM ÷ 16 384, halved on 64 bits'),
      kubeProxy: count.optional(),
    })
    .describe('limits that others would set on this machine; each absent where what it needs was not captured'),
  ladder: z.array(ladderStep),
  commands: z.object({
    now: z.array(z.string()),
    persist: z.array(z.object({ file: z.string(), lines: z.array(z.string()) })),
    verify: z.array(z.string()),
    rollback: z.array(z.string()),
  }),
  notes: z.array(z.string()),
});
export type Recommendation = z.infer<typeof recommendation>;

const comparison = z
  .object({
    of: z.enum(['entries', 'namespace', 'max', 'buckets', 'counter']),
    name: z.string().optional().describe('of a namespace, or of a counter'),
    places: z.array(
      z.object({
        what: z.string().describe('the name that the kernel or the command has for it'),
        value: count,
        file: z.string().describe('path in the bundle'),
        line: z.number().int().positive().optional(),
        time: z
          .object({ fromSeconds: z.number(), toSeconds: z.number() })
          .optional()
          .describe('when it was read, after the start of the collector: within this time; absent: not known'),
        used: z
          .enum(['number', 'rows'])
          .optional()
          .describe('what this report goes by: for the number, or for what the table is filled with'),
        why: z
          .enum([
            'moment',
            'minutesApart',
            'afterwards',
            'expired',
            'cut',
            'oneFamily',
            'malformed',
            'skipped',
            'repeated',
            'elsewhere',
            'ready',
            'hidden',
            'cpusUnknown',
            'estimated',
            'written',
            'later',
            'earlier',
            'fewerCpus',
            'wrapped',
            'notExplained',
          ])
          .optional()
          .describe('why it differs from what is used for the number; absent: it does not'),
        values: z.record(z.string(), quantity).describe('numbers that say why'),
      }),
    ),
  })
  .describe('one number that the capture has in several places');
export type Comparison = z.infer<typeof comparison>;

const problem = z.object({
  file: z.string(),
  line: z.number().int().positive().optional(),
  what: z.string(),
  cost: z.string(),
  kind: z
    .enum(['names-differ', 'facts-differ', 'digest'])
    .optional()
    .describe(
      'a contradiction: two names of one setting, two sources of one fact, or content and digest say different things',
    ),
  setting: z.string().optional().describe('the setting that two names differ on, where the file does not tell'),
});

/** Addresses and names are pseudonyms. */
export const anonymizedSchema = z
  .object({
    scheme: z.string().describe('how they were made'),
    keyId: z
      .string()
      .describe('equal where two bundles were made with one key: only then a pseudonym is the same in both'),
  })
  .optional()
  .describe('addresses and names are pseudonyms; absent: they are not');

export const madeSchema = z
  .object({
    command: z.string().describe('the command line that makes it again, in the folder of what it was made of'),
    options: z.record(z.string(), z.string()).describe('those that differ from their defaults'),
    files: z.array(z.object({ name: z.string(), sha256: z.string() })).describe('files among the options'),
  })
  .optional()
  .describe('absent: it was made by no command of a person, or by a version that did not say');

export const analysisSchema = z
  .object({
    schemaVersion: z.literal(SCHEMA_VERSION),
    tool: z.object({ name: z.literal('conntrack-report'), version: z.string() }),
    made: madeSchema,
    bundle: z.object({
      name: z.string(),
      layout: z.enum(['bundle', 'tree', 'sosreport', 'supportconfig', 'insights', 'eks', 'rancher', 'loose']),
      formatVersion: count.optional(),
      collectorVersion: z.string().optional(),
      commandLine: z.string().optional(),
      userId: count.optional(),
      netns: z.string().optional().describe('inode of the network namespace that was captured'),
      anonymized: anonymizedSchema,
      sha256: z.string().optional(),
      bytes: bytes.optional(),
    }),
    host: z.object({
      hostname: fact(z.string()).optional(),
      kernelRelease: fact(z.string()).optional(),
      machine: fact(z.string()).optional(),
      osName: fact(z.string()).optional(),
      cpus: fact(count).optional(),
      memTotalBytes: fact(bytes).optional(),
      memAvailableBytes: fact(bytes).optional(),
      uptimeSeconds: fact(z.number()).optional(),
      capturedAt: fact(z.string()).optional(),
      bootId: fact(z.string()).optional(),
      machineIdSha256: fact(z.string()).optional(),
    }),
    verdict,
    usage: z.object({
      entries: fact(count).optional().describe('entries at the start of the capture'),
      entriesHow: z
        .enum(['count', 'counters', 'table', 'lines', 'slab'])
        .optional()
        .describe(
          'nf_conntrack_count; the entries column; rows of the table; its lines as counted on the host; active slab objects (an upper bound)',
        ),
      peak: fact(count).optional().describe('the most entries in any reading of this capture'),
      max: fact(count).optional(),
      unlimited: z.boolean().describe('max is 0: no limit (up to 6.18)'),
      share: share.optional(),
      peakShare: share.optional(),
    }),
    drops: z.object({
      counters: z
        .object({
          file: z.string(),
          line: z.number().int().positive().optional(),
          totals: z
            .record(z.string(), count)
            .describe('summed over the CPUs, since the namespace was made, up to the last reading of the capture'),
        })
        .optional(),
      duringCapture: z
        .object({
          seconds: z.number(),
          drop: count,
          earlyDrop: count,
          insertFailed: count,
          chainTooLong: count.optional().describe('absent: this kernel does not count it'),
          clashResolve: count.optional().describe('absent: this kernel does not count it'),
          invalid: count.optional(),
          dropPerSecond: z.number(),
          earlyDropPerSecond: z.number(),
        })
        .optional(),
      log: z.object({
        captured: z.array(z.string()).describe('log files that were captured'),
        tableFullLines: count.describe('lines, which are rate limited: not packets'),
        suppressedMessages: count.describe('upper bound: the rate limit is shared with other network messages'),
        namespaces: z
          .array(z.string())
          .describe('inodes of other namespaces whose table was full, as since 6.17 the lines name them'),
        first: fact(z.string()).optional(),
        last: fact(z.string()).optional(),
        secondsBeforeCapture: z.number().optional().describe('from the last table-full line to the capture'),
      }),
    }),
    readings: z.array(reading).describe('first, series and last, in order'),
    pageBytes: fact(count).optional(),
    pointerBytes: z.union([z.literal(4), z.literal(8)]).optional(),
    slab: z.object({
      file: z.string().optional(),
      line: z.number().int().positive().optional(),
      version: z.string().optional(),
      allocator: z.enum(['SLAB', 'SLUB']).optional(),
      caches: z.array(slabArithmetic).describe('caches of connection tracking entries'),
      expectations: z.array(slabArithmetic).describe('caches of expectations, never added to the entries'),
      total: z
        .object({
          activeObjects: count,
          totalObjects: count,
          totalSlabs: count,
          inUseBytes: bytes,
          minimumBytes: bytes.optional(),
          heldBytes: bytes.optional(),
        })
        .optional(),
    }),
    hash: z.object({
      buckets: fact(count).optional(),
      entries: fact(count).optional().describe('linked into the table, at the most in any reading'),
      ofAllNamespaces: z
        .boolean()
        .optional()
        .describe('true: those are the objects of the slab, since other namespaces have many in the same table'),
      linksPerBucket: z.number().optional().describe('2 × entries ÷ buckets: every entry is linked in both directions'),
      linksPerBucketAtMax: z.number().optional(),
      bytesPerBucket: count.optional(),
      bytes: bytes.optional().describe('of one table'),
      tables: count.optional().describe('kernels from 2.6.33 to 4.6 with several namespaces: a table for each'),
    }),
    memory: z.object({
      slabBytes: bytes.optional(),
      hashBytes: bytes.optional().describe('of all namespaces, on kernels that have a hash table for each'),
      natIsLoaded: z.boolean().optional().describe('absent: cannot be told from this capture'),
      natHashBytes: bytes
        .optional()
        .describe('NAT’s own hash table, estimated from the buckets of today; absent where NAT is not loaded'),
      extensions: z
        .object({
          bytesPerEntry: z.object({ low: bytes, high: bytes }),
          bytes: z.object({ low: bytes, high: bytes }),
          reasons: z.array(z.string()).describe('why an estimate: what is on, and what cannot be seen'),
        })
        .optional(),
      totalBytes: bytes
        .optional()
        .describe('slab + hash + NAT’s table where NAT is known to be loaded + the low estimate of the extensions'),
      shareOfRam: share.optional(),
      atMaxBytes: bytes.optional(),
      atMaxShareOfRam: share.optional(),
    }),
    table: table.optional(),
    ages: ages.optional().describe('absent: no table, or one without timeouts'),
    expectations: z.object({
      count: fact(count).optional(),
      max: fact(count).optional(),
    }),
    namespaces: z.array(
      z.object({
        inode: z.string().optional().describe('absent where only the name is known'),
        pids: count.optional(),
        processes: z.array(z.string()),
        names: z.array(z.string()),
        entries: fact(count).optional().describe('its count, or else the rows of its table'),
        max: fact(count).optional().describe('nf_conntrack_max as it is in it'),
        rows: fact(count)
          .extend({
            how: z
              .enum(['rows', 'lines', 'shown'])
              .describe('rows that were understood, lines that look like one, or what the command says that it listed'),
          })
          .optional(),
        drop: count.optional(),
        earlyDrop: count.optional(),
      }),
    ),
    settings: z.array(
      z.object({
        name: z.string().describe('without nf_conntrack_ or ip_conntrack_ in front'),
        value: z.number(),
        file: z.string(),
        line: z.number().int().positive().optional(),
        persisted: z.array(z.object({ file: z.string(), line: count, value: z.string().optional() })),
      }),
    ),
    comparisons: z
      .array(comparison)
      .optional()
      .describe(
        'numbers that the capture has in several places; absent: written by a version that did not compare them',
      ),
    findings: z.array(finding).describe('the most severe first'),
    recommendation,
    inventory: z.array(
      z.object({
        path: z.string(),
        source: z.string(),
        status: z.enum(['captured', 'absent', 'denied', 'cut', 'failed']),
        reason: z.string(),
        startSeconds: z.number().optional(),
        seconds: z.number().optional(),
        bytes: bytes.optional(),
        digest: z.string().optional(),
      }),
    ),
    problems: z.array(problem),
  })
  .describe('Analysis of one snapshot by conntrack-report');

/** What follows from one snapshot. */
export type Analysis = z.infer<typeof analysisSchema>;
