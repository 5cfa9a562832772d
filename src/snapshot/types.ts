/**
 * What was captured, typed. Every value that the kernel or a command printed is a {@link Fact}: it knows the file, and
 * where there is one the line, that it was read from. What was not captured is absent; it is never zero.
 */
import type { LayoutId } from '../bundle/layouts/index.ts';

/** A value with where it came from: a path in the bundle and, for files of more than one line, a line number from 1. */
export interface Fact<T> {
  value: T;
  file: string;
  line?: number | undefined;
  /** In a file of several settings, the one that this is: `net.netfilter.nf_conntrack_max`. */
  key?: string | undefined;
  /** How the value was found where no file states it, to be read behind “inferred”: `from the architecture, x86_64, …`. */
  inferred?: string | undefined;
  /** Resolution, in the unit of the value, where it is coarse: the true value differs by less than this. */
  roundedTo?: number | undefined;
}

/** Something that could not be read, and what that costs the reader of the report. */
export interface Problem {
  /** Path in the bundle, or the bundle's own name. */
  file: string;
  line?: number | undefined;
  /** What was wrong, in words, with the offending text quoted if it is short. */
  what: string;
  /** What is therefore missing from the report. */
  cost: string;
  /** Contradictions within the capture, apart from what merely cannot be read: two names of one setting, two sources of one fact, a digest. */
  kind?: 'names-differ' | 'facts-differ' | 'digest' | undefined;
  /** The setting that two names differ on, where the file does not tell: `nf_conntrack_max`. */
  setting?: string | undefined;
}

/** One line of `/proc/slabinfo`, columns under the names that slabinfo(5) gives them. */
export interface SlabCache {
  name: string;
  activeObjects: number;
  totalObjects: number;
  objectBytes: number;
  /** The `objperslab` column; 2.4 (slabinfo 1.1) has none. */
  objectsPerSlab?: number | undefined;
  pagesPerSlab: number;
  activeSlabs: number;
  totalSlabs: number;
  /** `limit batchcount shared`; SLUB prints zeros, uniprocessor 2.4 prints none. */
  tunables?: { limit: number; batchCount: number; shared?: number | undefined } | undefined;
  /** Line in slabinfo; a cache that sysfs describes has none. */
  line?: number | undefined;
}

/** One reading of `/proc/slabinfo`. */
export interface Slabinfo {
  file: string;
  /** `1.1`, `2.0`, `2.1`; absent when the first line is missing and the columns had to tell. */
  version?: string | undefined;
  /** Header words in parentheses: `SMP`, `statistics`. */
  variants: string[];
  caches: SlabCache[];
  /** The file ends within a line, so that caches behind it may be missing. */
  lastLineIsCut?: boolean | undefined;
}

/**
 * Counters of one network namespace, summed over the CPUs, from `/proc/net/stat/nf_conntrack` or `conntrack -S`.
 * Keys are the kernel's own header names; `clashres` and `chaintoolong` are stored as `clash_resolve` and `chaintoolong`
 * wherever a header calls them otherwise. `entries` is not summed: every CPU repeats it.
 */
export interface Counters {
  file: string;
  cpus: number;
  /** Entries in the namespace: the first CPU's `entries` column. */
  entries?: Fact<number> | undefined;
  totals: Record<string, number>;
}

/** What was read at one moment. */
export interface Reading {
  /** Seconds since boot (`/proc/uptime`). */
  uptimeSeconds?: Fact<number> | undefined;
  count?: Fact<number> | undefined;
  counters?: Counters | undefined;
  slab?: Slabinfo | undefined;
}

/** A number of entries that share something: `key` is what the kernel prints (`tcp ESTABLISHED`, `10.0.0.1`). */
export interface Tally {
  key: string;
  entries: number;
}

/** The largest of many keys. */
export interface TopList {
  top: Tally[];
  /** How many different keys there were. */
  distinct: number;
  /** Relative standard error of `distinct`, which is an estimate once a table had more than `exactUpTo` keys; 0: exact. */
  distinctError: number;
  exact: boolean;
  /** Up to so many different keys every count is exact; IPv4 and IPv6 have a table each. */
  exactUpTo: number;
  /** The true count of a key lies between `entries` and `entries + maxError`; 0 means exact. */
  maxError: number;
  /** Entries of the 1, 10 and 100 largest keys together, each at least `entries` as counted. */
  concentration: { top1: number; top10: number; top100: number };
}

/**
 * Remaining lifetimes of the entries of one class, as the table's timeout column shows them: whole seconds, rounded down. How
 * old an entry is follows from them only together with the timeout in force, which is not in the table.
 */
export interface ClassTimers {
  /** Key of `byClass`. */
  key: string;
  /** `tcp`, `udp`, … as in `byProtocol`. */
  protocol: string;
  /** `ESTABLISHED`, …, for protocols that have states. */
  state?: string | undefined;
  flag: 'no flag' | 'UNREPLIED' | 'ASSURED' | 'OFFLOAD' | 'HW_OFFLOAD';
  /** Rows without a timeout column: the kernel prints none for offloaded entries. */
  withoutTimer: number;
  /** Remaining seconds that occur, ascending, and how many entries have each. */
  seconds: Uint32Array;
  entries: Uint32Array;
  /**
   * Of the rows with at most 300 s left and a `delta-time=` (the entry's age): remaining + age, ascending, and how many entries
   * have each. A sum below the timeout in force proves that a shorter timer was running.
   */
  shortTimers: { sums: Uint32Array; entries: Uint32Array };
}

/** The connection table, aggregated while it was read. */
export interface TableSummary {
  /** Files that it was read from: one, or one for each address family. */
  files: string[];
  /** Families that the capture covers; IPv6 that was not asked for is not zero. */
  families: ('ipv4' | 'ipv6')[];
  /** Rows that were understood, duplicates included. */
  entries: number;
  /** `EXPECTING:` rows of 2.4, which are not entries. */
  expectations: number;
  malformed: { count: number; examples: { file: string; line: number; text: string }[] };
  /** Why the table is not whole, if it is not. */
  cut?: string | undefined;
  /** Which part of such a table there is: its beginning, or its end. */
  part?: 'head' | 'tail' | undefined;
  /**
   * What `conntrack -L` says that it listed, where its last line was captured with the rows: a Fact, beside the rows that were read of the
   * files that have such a line. Several of them are added up, under the place of the first.
   */
  shown?: { entries: number; rows: number; file: string; line: number } | undefined;
  /** Version of conntrack-tools that the same line names: `1.4.5`. */
  toolVersion?: string | undefined;
  byFamily: Tally[];
  /** By layer-4 protocol: `tcp`, `udp`, …, by number (`protocol 103`) where the kernel has no name. */
  byProtocol: Tally[];
  /** By protocol and state (`tcp ESTABLISHED`), for protocols that have states. */
  byState: Tally[];
  /** By flag: `no flag`, `UNREPLIED`, `ASSURED`, `OFFLOAD`, `HW_OFFLOAD`. */
  byFlag: Tally[];
  /** By protocol, state and flag together: `tcp ESTABLISHED ASSURED`, `udp UNREPLIED`, `udp no flag`. */
  byClass: Tally[];
  byZone: Tally[];
  byMark: Tally[];
  /** Reply tuple is not the mirrored original: address or port of the source, the destination, or both rewritten. */
  nat: { none: number; source: number; destination: number; both: number };
  /** Whether rows carry `packets=` and `bytes=`. */
  accounted: number;
  /** By helper (`helper=` of `conntrack -L`). */
  byHelper: Tally[];
  /** Sums over the rows that carry `packets=` and `bytes=`, for each direction. */
  traffic: { original: { packets: number; bytes: number }; reply: { packets: number; bytes: number } };
  /**
   * Rows whose original tuple and zone were seen before, an artefact of reading a table that changes; `window` is how many
   * rows back a repetition is recognised at least, absent where it is recognised anywhere.
   */
  duplicates: { rows: number; window?: number | undefined };
  timers: ClassTimers[];
  sources: TopList;
  destinations: TopList;
  /** Networks of the sources: /24 of IPv4, /64 of IPv6 (`10.0.0.0/24`, `2001:db8::/64`). */
  networks: TopList;
  /** Source and destination service together: `10.0.0.1 tcp/443`. */
  pairs: TopList;
  /** Destination services of the original direction: `tcp/443`, `udp/53`, `icmp`. */
  services: TopList;
  /**
   * Of the rows whose source was rewritten, the servers that they reach, by address and service: `203.0.113.5 tcp/443`. Taken from
   * the reply, so that where the destination was rewritten too it is the server behind it.
   */
  natTargets: TopList;
  /** Addresses that the sources of these rows were rewritten to. */
  natAddresses: TopList;
}

/** A `table full` message or a rate-limit message of the kernel log. */
export interface LogLine {
  file: string;
  line: number;
  kind: 'table-full' | 'suppressed' | 'expectation-full' | 'boot';
  /** For `suppressed`: how many messages were not printed. */
  suppressed?: number | undefined;
  /** For `table-full` since 6.17 in a namespace other than the first: the inode of the namespace. */
  netns?: string | undefined;
  /** Seconds since boot, from `[ 123.456789]`. */
  uptimeSeconds?: number | undefined;
  /** The time stamp as printed in front, if any. */
  stamp?: string | undefined;
  text: string;
}

/** A line of a persisted setting. */
export interface PersistedSetting {
  file: string;
  line: number;
  kind: 'sysctl' | 'module-option' | 'module-load' | 'kernel-parameter';
  /** `net.netfilter.nf_conntrack_max`, `nf_conntrack hashsize`, `nf_conntrack`. */
  key: string;
  value?: string | undefined;
}

/** Another network namespace on the host. Archives of other collectors know it by its name only, and have no processes of it. */
export interface Namespace {
  inode?: string | undefined;
  pids?: number | undefined;
  processes: string[];
  names: string[];
  counters?: Counters | undefined;
  /** `nf_conntrack_count` and `nf_conntrack_max` as they are in it. */
  count?: Fact<number> | undefined;
  max?: Fact<number> | undefined;
  rows?: NamespaceRows | undefined;
}

/**
 * Rows of the table of a namespace: those that were understood; of the many after the first, the lines that look like one; of a listing of
 * which only the end was kept, what the command says that it listed.
 */
export interface NamespaceRows extends Fact<number> {
  how: 'rows' | 'lines' | 'shown';
}

/** A line of the bundle's inventory. */
export interface InventoryItem {
  path: string;
  source: string;
  status: 'captured' | 'absent' | 'denied' | 'cut' | 'failed';
  reason: string;
  startSeconds?: number | undefined;
  seconds?: number | undefined;
  bytes?: number | undefined;
  digest?: string | undefined;
}

/** `/sys/kernel/slab/nf_conntrack/*` of SLUB. */
interface SysfsSlab {
  folder: string;
  values: Record<string, number>;
}

/** Within which time something was read, in seconds after the collector began. */
export interface Span {
  fromSeconds: number;
  toSeconds: number;
}

/** Where in an archive of another layout it is that a path of our own stands for. */
export interface Origin {
  file: string;
  /** Lines of that file in front of it. */
  linesBefore: number;
}

/** Everything that was captured. */
export interface Snapshot {
  bundle: {
    /** As the user named it: a file name, a folder name, or `standard input`. */
    name: string;
    layout: LayoutId;
    formatVersion?: number | undefined;
    collectorVersion?: string | undefined;
    commandLine?: string | undefined;
    userId?: number | undefined;
    /** Inode of the network namespace that was captured. */
    netns?: string | undefined;
    /** How the collector replaced addresses and names, and what tells the key that it did so with from others. */
    anonymized?: { scheme: string; keyId: string } | undefined;
    /** SHA-256 of the archive as read, and its size; a folder has neither. */
    sha256?: string | undefined;
    bytes?: number | undefined;
  };
  host: {
    hostname?: Fact<string> | undefined;
    /** `uname -r`. */
    kernelRelease?: Fact<string> | undefined;
    /** `uname -m`. */
    machine?: Fact<string> | undefined;
    osName?: Fact<string> | undefined;
    cpus?: Fact<number> | undefined;
    /** ISO 8601, UTC. */
    capturedAt?: Fact<string> | undefined;
    bootId?: Fact<string> | undefined;
    machineIdSha256?: Fact<string> | undefined;
    modules?: Fact<string[]> | undefined;
  };
  pageBytes?: Fact<number> | undefined;
  /** Fields of `/proc/meminfo` in bytes, under the kernel's names (`MemTotal`). */
  meminfo: Record<string, Fact<number>>;
  /**
   * Conntrack settings under their present names without the `nf_conntrack_` or `ip_conntrack_` in front: `max`, `buckets`,
   * `tcp_timeout_established`, `expect_max`. The count is not here but in the readings.
   */
  sysctls: Record<string, Fact<number>>;
  /** Parameters of the module: `hashsize`, `acct`, … */
  moduleParameters: Record<string, Fact<number>>;
  first: Reading;
  series: Reading[];
  last?: Reading | undefined;
  sysfsSlab?: SysfsSlab | undefined;
  table?: TableSummary | undefined;
  /** Other listings of the same table, which only tell whether they fit to it. */
  otherTables: Pick<TableSummary, 'files' | 'families' | 'entries' | 'byFamily' | 'cut' | 'shown'>[];
  /** The same of the count, of the counters as first read, and of settings, by their names in `sysctls`. */
  otherCounts: Fact<number>[];
  otherCounters: Counters[];
  otherSettings: Record<string, Fact<number>[]>;
  /** Rows of the table as counted on the host, where the kernel has no count and the table itself was not captured. */
  tableLines?: Fact<number> | undefined;
  /** Rows of the expectation table. */
  expectations?: Fact<number> | undefined;
  log: LogLine[];
  /** Log files that were captured, whether or not a line of interest was in them. */
  logFiles: string[];
  persisted: PersistedSetting[];
  namespaces: Namespace[];
  inventory: InventoryItem[];
  problems: Problem[];
  /** Of each path that is not the archive's own, what it stands for. */
  origins: Record<string, Origin>;
  /** When a path was read, as far as another collector says so; ours says it in the inventory. */
  times: Record<string, Span>;
  /** Paths of tables of which the collector says elsewhere than in the path that it kept only the end. */
  truncated: string[];
  /** Files that were passed over, as a better source of the same path was there. */
  passedOver: { file: string; path: string }[];
}
