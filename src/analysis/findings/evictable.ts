import { collectionEvicts } from '../kernel.ts';
import { FILLING } from '../usage.ts';
import { type Rule, seen, seenRows } from './rule.ts';

/**
 * Below this share the limit is a hard wall: early_drop() looks at 8 buckets from 4.18 on, at 8 entries up to 4.4
 * (NF_CT_EVICTION_RANGE). With 5 % it comes back empty-handed in 44 % of all tries from 16 links, 2 a bucket as the default of
 * 5.15 has them, and in 66 % from 8 (0.95 to the power of 16, of 8).
 */
const LITTLE = 0.05;
/** ASSURED, and evicted by garbage collection all the same: tcp_can_early_drop(), sctp_can_early_drop(), dccp_can_early_drop(). */
const CLOSING = [
  ...['FIN_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT'].map((state) => `tcp ${state} ASSURED`),
  ...['SHUTDOWN_SENT', 'SHUTDOWN_RECD', 'SHUTDOWN_ACK_SENT'].map((state) => `sctp ${state} ASSURED`),
  ...['CLOSEREQ', 'CLOSING', 'TIMEWAIT'].map((state) => `dccp ${state} ASSURED`),
];

/** How much room the kernel could make in a full table. */
export const evictable: Rule = {
  id: 'evictable',
  assess({ snapshot, measured }) {
    const { table, usage } = measured;
    if (!table) return { missing: ['the connection table'] };
    if (table.entries === 0) {
      return { severity: 'ok', says: 'empty', evidence: seenRows('rows', 0, measured), confidence: 'high' };
    }
    const flagged = (key: string) => table.byFlag.find((tally) => tally.key === key)?.entries ?? 0;
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
      never: assured - later,
      neverShare: share(assured - later),
      offloaded: offloaded > 0 ? offloaded : undefined,
      usageShare: usage.peakShare,
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
    if (share(atOnce + later) >= LITTLE) return { ...assessment, severity: 'ok', says: 'ok' };
    if (usage.unlimited) return { ...assessment, severity: 'ok', says: 'unlimited' };
    if (usage.peakShare !== undefined && usage.peakShare < FILLING) {
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
