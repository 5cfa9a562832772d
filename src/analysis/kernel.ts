/** What differs between kernels, and how much. Numbers name the kernel source that they come from. */
import { kernelAtLeast } from '../parsers/host.ts';
import type { Snapshot } from '../snapshot/types.ts';
import { readingsOf } from './usage.ts';

/**
 * The kernel's release, or, where it was not captured, what the format of slabinfo says of it: only 2.4 writes 1.1
 * (mm/slab.c).
 */
export function releaseOf({ host, first }: Snapshot): string | undefined {
  return host.kernelRelease?.value ?? (first.slab?.version === '1.1' ? '2.4.0' : undefined);
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
  const file = snapshot.sysctls.max?.file ?? snapshot.table?.files[0] ?? '';
  if (/\/nf_conntrack/.test(file)) return 'nf_conntrack';
  if (/\/ip_conntrack/.test(file)) return 'ip_conntrack';
  const release = releaseOf(snapshot);
  return release !== undefined && kernelAtLeast(release, 2, 6, 22) === false ? 'ip_conntrack' : 'nf_conntrack';
}

/**
 * Whether garbage collection evicts as well, once a packet was refused: from 4.12 on (not 4.10), in namespaces with 95 % of max
 * or more, what is not ASSURED or about to end (gc_worker() in nf_conntrack_core.c). No counter tells of it.
 */
export function collectionEvicts(snapshot: Snapshot): boolean | undefined {
  const release = releaseOf(snapshot);
  return release === undefined ? undefined : kernelAtLeast(release, 4, 12);
}

/** How the number of buckets is changed while the kernel runs. */
export function bucketsAreSetBy(snapshot: Snapshot): 'sysctl' | 'module parameter' | 'loading the module' {
  const release = releaseOf(snapshot);
  if (trackerOf(snapshot) === 'ip_conntrack') return 'loading the module';
  // The sysctl is writable from 4.9 on; the parameter from 2.6.18 (nf_conntrack_standalone.c, nf_conntrack_core.c).
  return release !== undefined && kernelAtLeast(release, 4, 9) === false ? 'module parameter' : 'sysctl';
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

/**
 * Buckets that go with a maximum. The kernel's documentation calls an average chain of 2 at a full table the price of as
 * many buckets as entries (nf_conntrack-sysctl.rst). A kernel that refuses entries from chains of 8 on gets twice as many.
 */
export function bucketsFor(max: number, snapshot: Snapshot): number {
  const limit = chainLimitOf(snapshot);
  const shortChains = limit !== undefined && limit !== 'none' && limit.least === SHORT_CHAINS.least;
  // The kernel rounds the table up to whole pages (nf_ct_alloc_hashtable()): a number that it keeps is easier to verify.
  const perPage = (snapshot.pageBytes?.value ?? 4096) / (pointerBytes(snapshot.host.machine?.value) ?? 8);
  return Math.ceil((shortChains ? 2 * max : max) / perPage) * perPage;
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

/** What an entry weighs beyond its slab object, in bytes, and why that is an estimate. */
export interface ExtensionEstimate {
  low: number;
  high: number;
  reasons: string[];
}

/**
 * Estimates the extension of an entry (accounting, time stamps, events, NAT, labels), which the kernel allocates apart from
 * the object and counts nowhere (nf_conntrack_extend.c). Since 4.12 the first extension takes 128 bytes whatever it is
 * (NF_CT_EXT_PREALLOC), and only a helper beside several others needs more; before, the allocation was as long as needed.
 */
export function extensionEstimate(snapshot: Snapshot): ExtensionEstimate | undefined {
  const release = releaseOf(snapshot);
  if (release === undefined) return undefined;
  if (kernelAtLeast(release, 2, 6, 24) === false) {
    return { low: 0, high: 0, reasons: ['this kernel keeps everything in the object: there are no extensions'] };
  }
  const on = (name: string) => snapshot.sysctls[name];
  const certain = [
    { name: 'acct', is: 'accounting' },
    { name: 'timestamp', is: 'time stamps' },
  ].filter(({ name }) => on(name)?.value === 1);
  const reasons = certain.map(({ name, is }) => `${is} is on (nf_conntrack_${name} = 1)`);
  const events = on('events')?.value;
  // Every entry gets the event extension when events are 1; 2, the default from 5.19, only while somebody listens.
  if (events === 1) reasons.push('events are on (nf_conntrack_events = 1)');
  const known = reasons.length > 0;
  if (events === 2) reasons.push('events are automatic (nf_conntrack_events = 2): only while a program listens');
  reasons.push('masquerading, labels, helpers and listeners cannot be seen from outside the kernel');
  if (kernelAtLeast(release, 4, 12) === false) {
    return { low: known ? 64 : 0, high: 256, reasons };
  }
  return { low: known ? 128 : 0, high: 128, reasons };
}
