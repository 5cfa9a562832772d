/** What differs between kernels, and how much. Numbers name the kernel source that they come from. */
import { kernelAtLeast } from '../parsers/host.ts';
import type { Fact, Snapshot } from '../snapshot/types.ts';
import { readingsOf } from './usage.ts';

/**
 * The kernel's release, or, where it was not captured, what the format of slabinfo says of it: only 2.4 writes 1.1
 * (mm/slab.c).
 */
export function releaseOf({ host, first }: Snapshot): string | undefined {
  return host.kernelRelease?.value ?? (first.slab?.version === '1.1' ? '2.4.0' : undefined);
}

/** Whether the kernel is of this version or a later one; undefined where that was not captured. */
export function isSince(snapshot: Snapshot, major: number, minor: number, patch = 0): boolean | undefined {
  const release = releaseOf(snapshot);
  return release === undefined ? undefined : kernelAtLeast(release, major, minor, patch);
}

/** Size of a pointer by `uname -m`: 32-bit machines count half as much for a bucket. */
export function pointerBytes(machine: string | undefined): 4 | 8 | undefined {
  if (machine === undefined) return undefined;
  if (/64|s390x|alpha/.test(machine)) return 8;
  if (/^(?:i[3-6]86|arm|mips|ppc|parisc|m68k|sparc|sh|s390)/.test(machine)) return 4;
  return undefined;
}

/**
 * Bytes of one hash bucket: a `hlist_nulls_head`, one pointer, since 2.6.24; a `list_head`, two pointers, in the
 * `ip_conntrack` of 2.4 and 2.6 and in the `nf_conntrack` of 2.6.18 (nf_conntrack_core.c, ip_conntrack_core.c).
 */
export function bucketBytes(release: string | undefined, pointer: 4 | 8 | undefined): number | undefined {
  if (pointer === undefined || release === undefined) return undefined;
  const single = kernelAtLeast(release, 2, 6, 24);
  return single === undefined ? undefined : single ? pointer : 2 * pointer;
}

/** Which tracker the kernel has: `ip_conntrack` up to 2.6.19, `nf_conntrack` beside it from 2.6.15 and alone from 2.6.22. */
export function trackerOf(snapshot: Snapshot): 'ip_conntrack' | 'nf_conntrack' {
  const { max } = snapshot.sysctls;
  const name = (max && settingNameOf(max)) ?? snapshot.table?.files[0] ?? '';
  if (/(?:^|\/)nf_conntrack/.test(name)) return 'nf_conntrack';
  if (/(?:^|\/)ip_conntrack/.test(name)) return 'ip_conntrack';
  return isSince(snapshot, 2, 6, 22) === false ? 'ip_conntrack' : 'nf_conntrack';
}

/**
 * Whether garbage collection evicts as well, once a packet was refused: from 4.12 on (not 4.10), in namespaces with 95 % of max
 * or more, what is not ASSURED or about to end (gc_worker() in nf_conntrack_core.c). No counter tells of it.
 */
export function collectionEvicts(snapshot: Snapshot): boolean | undefined {
  return isSince(snapshot, 4, 12);
}

/**
 * For how long at most an expired entry is counted until garbage collection reaches it, in seconds. Up to 4.8 each entry has a timer that frees it
 * on time; from 4.9 a worker goes through the table, a 128th at a time at first, and since 5.15 as a whole, every 1 to 60 seconds, the later the
 * longer the entries of all namespaces live (gc_worker() in nf_conntrack_core.c). The trees between 5.11 and 5.15 were not read.
 */
export function collectionSeconds(snapshot: Snapshot): number | undefined {
  const release = releaseOf(snapshot);
  if (release === undefined) return undefined;
  if (kernelAtLeast(release, 4, 9) === false) return 0;
  return kernelAtLeast(release, 5, 12) ? 60 : 16;
}

/** Whether conntrack is a module; a kernel that is built without modules has no list of them. */
export function isModule(snapshot: Snapshot): boolean | undefined {
  const { host, inventory } = snapshot;
  if (host.modules) return host.modules.value.includes(trackerOf(snapshot));
  return inventory.some(({ path, status }) => path === 'proc/modules' && status === 'absent') ? false : undefined;
}

/** The sysctl that a fact is the value of: `net.netfilter.nf_conntrack_max`, also for `proc/sys/net/netfilter/nf_conntrack_max`. */
export function keyOf(fact: Fact<number> | undefined): string | undefined {
  if (fact?.key !== undefined) return fact.key;
  return fact?.file.startsWith('proc/sys/') ? fact.file.slice('proc/sys/'.length).replaceAll('/', '.') : undefined;
}

/** The kernel's own name of a setting: `nf_conntrack_max`, and `hashsize` for a parameter of the module. */
export function settingNameOf({ file, key }: Fact<number>): string {
  return key?.replace(/^.*\./, '') ?? file.slice(file.lastIndexOf('/') + 1);
}

/** How the number of buckets is changed while the kernel runs. */
export function bucketsAreSetBy(snapshot: Snapshot): 'sysctl' | 'module parameter' | 'loading the module' {
  if (trackerOf(snapshot) === 'ip_conntrack') return 'loading the module';
  // The sysctl is writable from 4.9 on; the parameter from 2.6.18 (nf_conntrack_standalone.c, nf_conntrack_core.c).
  return isSince(snapshot, 4, 9) === false ? 'module parameter' : 'sysctl';
}

/** How long a hash chain may be for the kernel to add an entry to it: a number that it draws for each, from and up to these. */
export interface ChainLimit {
  least: number;
  most: number;
  /** Whether the kernel is known to have this one; otherwise it may have the higher one of later kernels. */
  certain: boolean;
}

const SHORT_CHAINS = { least: 8, most: 31 };
const LONG_CHAINS = { least: 50, most: 79 };

/**
 * The limit of a chain, which came with 5.15 (nf_conntrack_core.c, MIN_CHAINLEN and MAX_CHAINLEN); raised in March 2023 by
 * "netfilter: conntrack: adopt safer max chain length", in 6.3, 6.2.7, 6.1.20 and 5.15.103. Distributions have taken both over:
 * the counter of refused entries shows that there is a limit on a kernel that is older by its name, and the name does not tell
 * which one where it hides the release that it is made from (`5.15.0-76-generic`, `6.1.0-18-amd64`).
 *
 * @returns `none` where chains may be of any length; undefined where it cannot be told
 */
export function chainLimitOf(snapshot: Snapshot): ChainLimit | 'none' | undefined {
  const release = releaseOf(snapshot);
  const since = (...version: [number, number, number?]) =>
    release === undefined ? undefined : kernelAtLeast(release, ...version);
  const counters = readingsOf(snapshot).flatMap((reading) => reading.counters ?? []);
  const counted = counters.some(({ totals }) => totals.chaintoolong !== undefined);
  // `conntrack -S` names the counter since 1.4.7 only; the kernel's own file has the column on every kernel that counts.
  const uncounted = !counted && counters.some(({ file }) => file.includes('proc/net/stat/'));
  if (uncounted || (!counted && since(5, 15) === false)) return 'none';
  if (!counted && since(5, 15) === undefined) return undefined;
  const isOf = (major: number, minor: number) => release?.startsWith(`${major}.${minor}.`) === true;
  const fixed =
    since(6, 3) === true ||
    (isOf(6, 2) && since(6, 2, 7) === true) ||
    (isOf(6, 1) && since(6, 1, 20) === true) ||
    (isOf(5, 15) && since(5, 15, 103) === true);
  if (fixed) return { ...LONG_CHAINS, certain: true };
  return { ...SHORT_CHAINS, certain: since(5, 15) === true && !/^\d+\.\d+\.0-/.test(release ?? '') };
}

/** With a `hashsize` the kernel makes the maximum eight times as many, whatever its default factor is (nf_conntrack_init_start(), max_factor). */
export const MAX_PER_HASHSIZE = 8;

/** The kernel rounds the table up to whole pages from 2.6.24 on (nf_ct_alloc_hashtable()). */
export function roundedBuckets(buckets: number, snapshot: Snapshot): number {
  if (isSince(snapshot, 2, 6, 24) === false) return buckets;
  const perPage = (snapshot.pageBytes?.value ?? 4096) / (pointerBytes(snapshot.host.machine?.value) ?? 8);
  return Math.ceil(buckets / perPage) * perPage;
}

/**
 * Buckets that go with a maximum. The kernel's documentation calls an average chain of 2 at a full table the price of as
 * many buckets as entries (nf_conntrack-sysctl.rst). A kernel that refuses entries from chains of 8 on gets twice as many.
 */
export function bucketsFor(max: number, snapshot: Snapshot): number {
  const limit = chainLimitOf(snapshot);
  const shortChains = limit !== undefined && limit !== 'none' && limit.least === SHORT_CHAINS.least;
  // A number that the kernel keeps as it is is easier to verify.
  return roundedBuckets(shortChains ? 2 * max : max, snapshot);
}

/**
 * The maximum that a kernel sets by itself for a machine with so much RAM and 4 KiB pages, when no `hashsize` is given
 * (nf_conntrack_init_start(), in 2.4 ip_conntrack_init()).
 *
 * @param ramBytes  MemTotal
 */
export function defaultMax(release: string, ramBytes: number, pointer: 4 | 8): number {
  const gib = 2 ** 30;
  if (kernelAtLeast(release, 2, 6, 24) === false) {
    return 8 * (ramBytes > gib ? 8192 : Math.max(16, Math.floor(ramBytes / 16_384 / (2 * pointer))));
  }
  const small = Math.floor(ramBytes / 16_384 / pointer);
  if (kernelAtLeast(release, 4, 2) === false) return 4 * (ramBytes > gib ? 16_384 : Math.max(32, small));
  if (kernelAtLeast(release, 5, 15) === false) {
    return 4 * (ramBytes > 4 * gib ? 65_536 : ramBytes > gib ? 16_384 : Math.max(32, small));
  }
  if (ramBytes > 4 * gib && pointer === 8) return 262_144;
  return ramBytes > gib ? 65_536 : Math.max(1024, small);
}

/**
 * Whether NAT is there, as far as the capture tells. Its code needs symbols of connection tracking, so that where that is a
 * module NAT is one too, and the list of modules decides; a kernel that has both built in lists neither.
 */
export function natIsLoaded({ host, table }: Snapshot): boolean | undefined {
  if (table && table.nat.source + table.nat.destination + table.nat.both > 0) return true;
  const modules = host.modules?.value;
  if (!modules) return undefined;
  // In 2.4 it is part of iptable_nat, in 2.6 a module `ip_nat`, since 2.6.20 `nf_nat`.
  if (modules.some((name) => /^(?:nf_nat|ip_nat|iptable_nat)$/.test(name))) return true;
  return modules.some((name) => /^(?:nf|ip)_conntrack$/.test(name)) ? false : undefined;
}

/**
 * Bytes of NAT's own hash table, which finds entries by their source. It gets as many buckets as connection tracking has when
 * NAT is loaded, and is not resized when those change (nf_nat_init() in nf_nat_core.c). Two tables until 2.6.11, `bysource` and
 * `byipsproto`; from 4.8 to 4.13 one that grows with the entries, doubled when three quarters full (rhashtable.c).
 *
 * @param buckets  of connection tracking, when NAT is loaded
 */
export function natHashBytes(
  release: string | undefined,
  pointer: 4 | 8 | undefined,
  buckets: number | undefined,
  entries: number,
): number | undefined {
  const perBucket = bucketBytes(release, pointer);
  if (release === undefined || perBucket === undefined) return undefined;
  const since = (...version: [number, number, number?]) => kernelAtLeast(release, ...version) === true;
  const least = 1024;
  if (since(4, 8) && !since(4, 14)) {
    return perBucket * 2 ** Math.ceil(Math.log2(Math.max(least, (entries * 4) / 3)));
  }
  if (buckets === undefined) return undefined;
  if (since(4, 14)) return perBucket * Math.max(least, buckets);
  return perBucket * buckets * (since(2, 6, 11) ? 1 : 2);
}

/** What an entry weighs beyond its slab object, in bytes, and why that is an estimate. */
export interface ExtensionEstimate {
  low: number;
  high: number;
  reasons: string[];
}

/** Bytes of an entry's extension since 4.12, as soon as there is one (NF_CT_EXT_PREALLOC in nf_conntrack_extend.c). */
const EXTENSION_BYTES = 128;
/** With a helper and several others beside it: the next sizes of kmalloc are 192 and 256, and 255 the most that it may be. */
const EXTENSION_WITH_HELPER_BYTES = 256;
/** The caches that an extension of 128 bytes can be in; with CONFIG_RANDOM_KMALLOC_CACHES there are sixteen (mm/slab_common.c). */
const EXTENSION_CACHE = /^kmalloc-(?:rnd-\d+-)?128$/;
/**
 * How far two counts of objects can be apart from the truth together. SLUB counts free objects on the lists of each CPU as in use,
 * 2 to 3 % of a cache that is mostly empty, and from 6.12 on estimates a very scattered cache to 1 % (both measured on 6.18).
 */
const OBJECTS_ERROR = 0.05;

/**
 * Estimates the extension of an entry (accounting, time stamps, events, NAT, labels), which the kernel allocates apart from
 * the object and counts nowhere (nf_conntrack_extend.c). Since 4.12 the first extension takes 128 bytes whatever it is, and
 * only a helper beside several others needs more; before, the allocation was as long as needed.
 *
 * @param entries  entries of this namespace, whose features these are
 */
export function extensionEstimate(snapshot: Snapshot, entries: number | undefined): ExtensionEstimate | undefined {
  const release = releaseOf(snapshot);
  if (release === undefined) return undefined;
  if (kernelAtLeast(release, 2, 6, 24) === false) {
    return { low: 0, high: 0, reasons: ['this kernel keeps everything in the object: there are no extensions'] };
  }
  const prealloc = kernelAtLeast(release, 4, 12) !== false;
  const on = (name: string) => snapshot.sysctls[name]?.value;
  const reasons: string[] = [];
  const accounted = snapshot.table?.accounted ?? 0;
  if (on('acct') === 1) reasons.push('accounting is on (nf_conntrack_acct = 1)');
  else if (on('acct') === undefined && accounted > 0 && accounted === snapshot.table?.entries)
    reasons.push('accounting is on (every row has packets= and bytes=)');
  if (on('timestamp') === 1) reasons.push('time stamps are on (nf_conntrack_timestamp = 1)');
  // Every entry gets the event extension when events are 1; 2, the default from 5.19, only while somebody listens.
  if (on('events') === 1) reasons.push('events are on (nf_conntrack_events = 1)');
  // Until 4.11 every entry gets NAT's extension once rules of NAT are there, translated or not (nf_nat_core.c).
  if (!prealloc && natIsLoaded(snapshot) === true) reasons.push('NAT is loaded, which extends every entry before 4.12');
  const known = reasons.length > 0;
  if (on('events') === 2) reasons.push('events are automatic (nf_conntrack_events = 2): only while a program listens');
  if (!known || !prealloc)
    reasons.push('masquerading, labels, helpers and listeners cannot be seen from outside the kernel');
  if (!prealloc) return { low: known ? 64 : 0, high: 256, reasons };

  // An entry of which nothing is known has 128 bytes or none; how many objects of 128 bytes there are bounds how many have them.
  const most = known ? 1 : shareOfExtended(snapshot, entries);
  if (most < 1) {
    reasons.push('all of kmalloc-128, of which others use a part, holds fewer objects than there are entries');
  }
  const helped = withHelper(snapshot);
  if (helped > 0) reasons.push('some entries have a helper, whose extension can be twice as long');
  return {
    low: known ? EXTENSION_BYTES : 0,
    high: Math.ceil(most * EXTENSION_BYTES + helped * (EXTENSION_WITH_HELPER_BYTES - EXTENSION_BYTES)),
    reasons,
  };
}

/** The share of these entries that can have an extension at the most: each takes an object of 128 bytes. */
function shareOfExtended({ first: { slab } }: Snapshot, entries: number | undefined): number {
  const caches = slab?.caches.filter(({ name }) => EXTENSION_CACHE.test(name)) ?? [];
  if (!entries || caches.length === 0) return 1;
  const objects = caches.reduce((sum, cache) => sum + cache.activeObjects, 0);
  return Math.min(1, ((1 + OBJECTS_ERROR) * objects) / entries);
}

/** The share of the rows that show a helper, which only `conntrack -L` prints. */
function withHelper({ table }: Snapshot): number {
  const rows = table?.byHelper.reduce((sum, { entries }) => sum + entries, 0) ?? 0;
  return table && table.entries > 0 ? rows / table.entries : 0;
}
