import { collectionEvicts, isSince } from '../kernel.ts';
import { atLimit, FILLING } from '../usage.ts';
import { entriesOf } from './part-of-table.ts';
import { type Host, type Rule, seen, seenRows } from './rule.ts';

/** Below this share of the table there is next to nothing to evict: 5 % are gone after a twentieth of the table in new connections. */
const LITTLE = 0.05;
/** From 4.18 on early_drop() looks into so many buckets, from the new entry's own on (NF_CT_EVICTION_RANGE). */
const LOOKED_INTO = 8;
/** Below this chance most new connections of a full table are refused, however much of it could be evicted. */
const SELDOM = 0.5;
/** ASSURED, and evicted by garbage collection all the same: tcp_can_early_drop(), sctp_can_early_drop(), dccp_can_early_drop(). */
const CLOSING = [
  ...['FIN_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT'].map((state) => `tcp ${state} ASSURED`),
  ...['SHUTDOWN_SENT', 'SHUTDOWN_RECD', 'SHUTDOWN_ACK_SENT'].map((state) => `sctp ${state} ASSURED`),
  ...['CLOSEREQ', 'CLOSING', 'TIMEWAIT'].map((state) => `dccp ${state} ASSURED`),
];

/** How much room the kernel could make in a full table. */
export const evictable: Rule = {
  id: 'evictable',
  assess(host) {
    const { snapshot, measured } = host;
    const { table, usage } = measured;
    if (!table) return { missing: ['the connection table'] };
    if (table.entries === 0) {
      return { severity: 'ok', says: 'empty', evidence: seenRows('rows', 0, measured), confidence: 'high' };
    }
    const flagged = (key: string) => entriesOf(table.byFlag, key);
    const assured = flagged('ASSURED');
    // [OFFLOAD] is printed in place of [ASSURED], and whether such an entry can be evicted differs by version and protocol.
    const offloaded = flagged('OFFLOAD') + flagged('HW_OFFLOAD');
    const atOnce = table.entries - assured - offloaded;
    const closing = table.byClass
      .filter(({ key }) => CLOSING.includes(key))
      .reduce((sum, { entries }) => sum + entries, 0);
    const collects = collectionEvicts(snapshot);
    const share = (entries: number) => entries / table.entries;
    const later = collects === true ? closing : 0;
    const values = {
      rows: table.entries,
      atOnce,
      some: atOnce > 0,
      atOnceShare: share(atOnce),
      closing: later > 0 ? later : undefined,
      assured,
      stays: assured > later,
      never: assured - later,
      neverShare: share(assured - later),
      chanceShare: chanceOf(host, share(atOnce)),
      buckets: measured.hash.buckets?.value,
      max: usage.max?.value,
      offloaded: offloaded > 0 ? offloaded : undefined,
      usageShare: usage.peakShare,
      full: atLimit(usage),
    };
    const evidence = [
      ...seenRows('neither [ASSURED] nor [OFFLOAD]', atOnce, measured),
      ...seenRows('[ASSURED]', assured, measured),
      ...(closing > 0 ? seenRows('[ASSURED] in a closing state', closing, measured) : []),
      ...(offloaded > 0 ? seenRows('[OFFLOAD]', offloaded, measured) : []),
      ...seen('nf_conntrack_count', usage.peak),
      ...seen('nf_conntrack_max', usage.max),
    ];
    const assessment = { values, evidence, confidence: 'high' as const };
    const near = usage.peakShare !== undefined && usage.peakShare >= FILLING;
    if (share(atOnce + later) >= LITTLE) {
      return near && values.chanceShare !== undefined && values.chanceShare < SELDOM && share(atOnce) >= LITTLE
        ? {
            ...assessment,
            severity: 'notice',
            says: 'sparse',
            evidence: [...evidence, ...seen('nf_conntrack_buckets', measured.hash.buckets)],
            confidence: 'medium',
            commands: 'as recommended',
          }
        : { ...assessment, severity: 'ok', says: 'ok' };
    }
    if (usage.unlimited) return { ...assessment, severity: 'ok', says: 'unlimited' };
    if (usage.peakShare !== undefined && !near) {
      return { ...assessment, severity: 'ok', says: 'room' };
    }
    const missing = [
      ...(usage.max ? [] : ['nf_conntrack_max']),
      ...(usage.peak ? [] : ['the number of entries']),
      // What closes counts for garbage collection only.
      ...(collects === undefined && share(atOnce + closing) >= LITTLE ? ['the kernel version'] : []),
    ];
    if (missing.length > 0) return { missing };
    return {
      ...assessment,
      severity: 'notice',
      says: 'found',
      confidence: share(offloaded) >= LITTLE ? 'medium' : 'high',
      commands: 'as recommended',
    };
  },
};

/**
 * The chance that a full table finds an entry to evict for a new one, by where the kernel looks: each of the entries that can
 * go has two links somewhere in the buckets, and none of them must be in the 8 that are looked into. Measured on 6.18 with more
 * buckets than entries: 4.3 % where this says 5.9 %, 4.4 % where it says 4.2 %.
 *
 * @param share  of the table that can be evicted at once
 */
function chanceOf({ snapshot, measured: { usage, hash } }: Host, share: number): number | undefined {
  if (isSince(snapshot, 4, 18) !== true) return undefined;
  if (!usage.max || usage.unlimited || !hash.buckets) return undefined;
  return 1 - Math.exp((-2 * LOOKED_INTO * share * usage.max.value) / hash.buckets.value);
}
