import type { Snapshot } from '../../snapshot/types.ts';
import { isSince } from '../kernel.ts';
import { logOf, namesNobody, secondsSince, seenMessages, stampOf } from '../log.ts';
import { atLimit, countersAreWhole } from '../usage.ts';
import { type Rule, seenCounter, things } from './rule.ts';

/** The table has been at its limit before. */
export const wasFull: Rule = {
  id: 'was-full',
  assess({ snapshot, measured }) {
    const { full, elsewhere, suppressed } = logOf(snapshot);
    const { totals } = measured.drops.counters ?? {};
    const logged = measured.drops.log.captured.length > 0;
    const whole = countersAreWhole(snapshot);
    const drop = totals?.drop;
    const evicted = totals?.early_drop ?? 0;
    const failed = totals?.insert_failed ?? 0;
    const ofThisBoot = full.filter(({ boot }) => boot === 'this').length;
    const earlier = full.filter(({ boot }) => boot === 'earlier').length;
    // Each line is a packet that was dropped, and counted in the namespace that dropped it (nf_conntrack_in()).
    const allElsewhere = full.length > 0 && ofThisBoot === full.length && drop === 0 && evicted === 0 && whole;
    const here = !namesNobody(snapshot) || (drop !== undefined && drop >= full.length - earlier);
    const agoSeconds = secondsSince(full);
    const values = {
      lines: things(full.length, 'line of the kernel log says', 'lines of the kernel log say'),
      several: full.length > 1,
      agoSeconds,
      last: agoSeconds === undefined ? stampOf(full.at(-1))?.value : undefined,
      suppressed: suppressed > 0 ? suppressed : undefined,
      earlier: earlier > 0 ? earlier : undefined,
      evicted: evicted > 0 ? things(evicted, 'entry', 'entries') : undefined,
      dropped: drop ? things(drop, 'packet') : undefined,
      failed,
      anybody: full.length > 0 && !here,
      counted: totals !== undefined,
      logged,
      othersOnly: elsewhere.length > 0 && snapshot.bundle.netns !== undefined,
      maybeOwn: elsewhere.length > 0 && snapshot.bundle.netns === undefined,
    };
    const evidence = [
      ...seenMessages(full),
      ...seenCounter('drop', measured),
      ...seenCounter('early_drop', measured),
      ...seenCounter('insert_failed', measured),
    ];
    if (allElsewhere) return { severity: 'ok', says: 'elsewhere', values, evidence, confidence: 'medium' };
    if (full.length > 0) {
      return {
        severity: 'warning',
        says: earlier === full.length ? 'earlier' : 'log',
        values,
        evidence,
        confidence: here ? 'high' : 'medium',
        commands: 'as recommended',
      };
    }
    // Only a table at its limit evicts (__nf_conntrack_alloc() calls early_drop() for nothing else).
    if (evicted > 0) {
      return { severity: 'warning', says: 'evicted', values, evidence, confidence: 'high', commands: 'as recommended' };
    }
    // A clash counts as a drop and as a failed insert; what is more than that was dropped for another reason.
    if ((drop ?? 0) > failed) {
      return {
        severity: atLimit(measured.usage) ? 'warning' : 'notice',
        says: 'dropped',
        values,
        evidence,
        confidence: 'low',
      };
    }
    if (totals && whole) return { severity: 'ok', says: 'ok', values, evidence, confidence: 'high' };
    if (logged && hasNoCounters(snapshot)) {
      return { severity: 'ok', says: 'logOnly', values, evidence, confidence: 'medium' };
    }
    // Evictions leave no line: a log without one says only that nothing was refused.
    return {
      missing: [
        totals ? 'the counters of all CPUs' : 'the drop and eviction counters',
        ...(logged ? [] : ['the kernel log']),
      ],
    };
  },
};

/** 2.4 and early 2.6 have no counters (/proc/net/stat/ip_conntrack is of 2.6.9). */
function hasNoCounters(snapshot: Snapshot): boolean {
  return isSince(snapshot, 2, 6, 9) === false;
}
