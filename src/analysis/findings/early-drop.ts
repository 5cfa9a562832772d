import { collectionEvicts } from '../kernel.ts';
import { logOf } from '../log.ts';
import { atLimit, countersAreWhole } from '../usage.ts';
import { type Rule, seen, seenCounter, things } from './rule.ts';

/**
 * The table is full, and the kernel makes room in silence. `early_drop` counts entries that were evicted, each so that a packet
 * could pass (early_drop() in nf_conntrack_core.c): not packets that were lost, and not what garbage collection evicts from 4.12
 * on after a packet was refused (gc_worker()).
 */
export const earlyDrop: Rule = {
  id: 'early-drop',
  assess({ snapshot, measured }) {
    const { usage, drops } = measured;
    const total = drops.counters?.totals.early_drop;
    if (total === undefined) return { missing: ['the early_drop counter'] };
    const during = drops.duringCapture;
    const full = atLimit(usage);
    const log = logOf(snapshot);
    const lines = log.full.length;
    const values = {
      total: things(total, 'entry', 'entries'),
      evicted: during && things(during.earlyDrop, 'entry', 'entries'),
      watchedSeconds: during?.seconds,
      evictedPerSecond: during?.earlyDropPerSecond,
      dropped: during && things(during.drop, 'packet'),
      entries: usage.peak?.value,
      max: usage.max?.value,
      share: usage.peakShare,
      full,
      noLine: drops.log.captured.length > 0 && lines === 0 && log.elsewhere.length === 0,
      lines: lines > 0 ? things(lines, 'line of the kernel log tells', 'lines of the kernel log tell') : undefined,
      unseenCollection: collectionEvicts(snapshot) === true,
    };
    const evidence = [
      ...seenCounter('early_drop', measured),
      ...seenCounter('drop', measured),
      ...seen('nf_conntrack_count', usage.peak),
      ...seen('nf_conntrack_max', usage.max),
    ];
    const assessment = { values, evidence, confidence: 'high' as const };
    if (during && during.earlyDrop > 0) {
      return {
        ...assessment,
        severity: 'critical',
        says: during.drop > 0 ? 'both' : 'found',
        commands: 'as recommended',
      };
    }
    if (total > 0 && full && !during) {
      return { ...assessment, severity: 'warning', says: 'pinned', confidence: 'medium', commands: 'as recommended' };
    }
    if (total > 0) return { ...assessment, severity: full ? 'warning' : 'notice', says: 'past' };
    if (!countersAreWhole(snapshot)) return { missing: ['the early_drop counters of all CPUs'] };
    return { ...assessment, severity: 'ok', says: 'ok' };
  },
};
