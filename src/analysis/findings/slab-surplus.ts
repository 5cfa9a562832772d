import { kernelAtLeast } from '../../parsers/host.ts';
import type { Snapshot } from '../../snapshot/types.ts';
import { isSince, releaseOf } from '../kernel.ts';
import { tablesOf } from '../memory.ts';
import { readyObjects } from '../slab.ts';
import { type Measured, type Rule, seen, seenObjects, things } from './rule.ts';

/** What is not explained is worth a sentence from so many entries, and from so large a part of those that are counted, on. */
const WORTH_ENTRIES = 1000;
const WORTH_SHARE = 0.1;
/** SLUB's count of a scattered cache: 1 % off since 6.12, when it became an estimate, and 1 % in lists of CPUs (both measured on 6.18). */
const SCATTERED_SHARE = 0.02;
/** Where the number of CPUs was not captured: more than most gateways have, so that their lists are not taken for entries. */
const MANY_CPUS = 64;
/** Namespaces that a command is given for. */
const FEW = 3;

/** More objects in use than entries that are counted anywhere in the capture. */
export const slabSurplus: Rule = {
  id: 'slab-surplus',
  assess({ snapshot, measured }) {
    const { slab, usage, namespaces } = measured;
    if (!slab.total) return { missing: ['the slab lines of connection tracking'] };
    if (!usage.entries || !countsAll(snapshot, measured)) return { missing: ['the number of entries'] };
    const { active, own } = closest(measured, { active: slab.total.activeObjects, own: usage.entries.value });
    const elsewhere = namespaces.reduce((sum, { entries }) => sum + (entries?.value ?? 0), 0);
    const surplus = active - own - elsewhere;
    const uncounted = namespaces.filter(({ entries }) => entries === undefined);
    const names = uncounted.flatMap((namespace) => namespace.names).filter((name) => /^[\w.-]+$/.test(name));
    const caches = tablesOf(slab.caches);
    const values = {
      active,
      counted: own + elsewhere,
      elsewhere: elsewhere > 0 ? elsewhere : undefined,
      surplus: surplus > 0 ? surplus : undefined,
      uncounted: things(uncounted.length, 'other network namespace'),
      caches: things(caches, 'network namespace'),
      several: caches > 1,
    };
    const evidence = [
      ...seenObjects(measured),
      ...seen('nf_conntrack_count', usage.entries),
      ...namespaces
        .slice(0, FEW)
        .flatMap(({ inode, names, entries }) => seen(`entries of network namespace ${inode ?? names[0]}`, entries)),
    ];
    const judged = { values, evidence };
    // Either number is then of another moment or another host, which is for the rule of consistency to say.
    if (-surplus >= Math.max(WORTH_ENTRIES, WORTH_SHARE * (own + elsewhere))) {
      return { ...judged, severity: 'ok', says: 'fewer', confidence: 'medium' };
    }
    const unexplained = surplus - slackOf(snapshot, measured);
    if (unexplained < Math.max(WORTH_ENTRIES, WORTH_SHARE * (own + elsewhere))) {
      return { ...judged, severity: 'ok', says: 'ok', confidence: 'high' };
    }
    const commands =
      names.length > 0
        ? {
            apply: [],
            verify: names
              .slice(0, FEW)
              .map((name) => `ip netns exec ${name} cat /proc/sys/net/netfilter/nf_conntrack_count`),
            undo: [],
          }
        : undefined;
    if (caches > 1) return { ...judged, severity: 'notice', says: 'caches', confidence: 'high', commands };
    if (uncounted.length > 0) {
      return { ...judged, severity: 'notice', says: 'uncounted', confidence: 'medium', commands };
    }
    if (!namespacesAreKnown(snapshot)) {
      return { ...judged, severity: 'notice', says: 'unlisted', confidence: 'medium' };
    }
    return { ...judged, severity: 'notice', says: 'unexplained', confidence: 'low' };
  },
};

/**
 * Whether the number of entries is of all that take an object in this namespace. Rows are not, from 4.9 on: they leave out expired
 * entries that wait for the collector of garbage. Until then each entry had a timer of its own. A table of one address family is not.
 */
function countsAll(snapshot: Snapshot, { usage, table }: Measured): boolean {
  if (usage.entriesHow === 'count' || usage.entriesHow === 'counters') return true;
  const timers = isSince(snapshot, 4, 9) === false;
  if (!timers) return false;
  return (
    usage.entriesHow === 'lines' || (usage.entriesHow === 'table' && table !== undefined && coversAll(snapshot, table))
  );
}

/** 2.4 and 2.6's ip_conntrack know IPv4 only. */
function coversAll(snapshot: Snapshot, { files, families }: NonNullable<Measured['table']>): boolean {
  const release = releaseOf(snapshot) ?? '';
  return (
    families.length === 2 ||
    (kernelAtLeast(release, 2, 6, 22) === false && files.every((file) => file.endsWith('ip_conntrack')))
  );
}

/** Count and slabs are read one after the other: of all readings the one with the smallest gap, which no burst in between has made. */
function closest({ readings }: Measured, first: { active: number; own: number }): { active: number; own: number } {
  return readings
    .flatMap(({ slabObjects, count }) =>
      slabObjects === undefined || count === undefined ? [] : [{ active: slabObjects, own: count }],
    )
    .reduce((least, each) => (each.active - each.own < least.active - least.own ? each : least), first);
}

/** Free objects that the allocator may count as in use, and what its estimate may be off by. */
function slackOf(snapshot: Snapshot, { slab, host }: Measured): number {
  const cpus = host.cpus?.value ?? snapshot.first.counters?.cpus ?? MANY_CPUS;
  const scattered = slab.caches.reduce((sum, { totalObjects }) => sum + SCATTERED_SHARE * totalObjects, 0);
  return readyObjects(snapshot, slab.caches, cpus) + scattered;
}

/**
 * Whether the list of namespaces is whole: without root only those of own processes are in it, and kernels before 3.0 show none.
 * There were none at all before 2.6.24.
 */
function namespacesAreKnown(snapshot: Snapshot): boolean {
  if (snapshot.inventory.some(({ path, status }) => path === 'netns.csv' && status === 'captured')) return true;
  return isSince(snapshot, 2, 6, 24) === false;
}
