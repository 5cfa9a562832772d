import { atLimit } from '../usage.ts';
import { type Rule, seen, seenCounter, things } from './rule.ts';

/** The table is at its limit in a reading of this capture. */
export const tableFull: Rule = {
  id: 'table-full',
  assess({ measured }) {
    const { usage, drops } = measured;
    if (!usage.max || (!usage.peak && !usage.unlimited)) {
      return {
        missing: [...(usage.max ? [] : ['nf_conntrack_max']), ...(usage.peak ? [] : ['the number of entries'])],
      };
    }
    const during = drops.duringCapture;
    const values = {
      entries: usage.peak?.value,
      max: usage.max.value,
      share: usage.peakShare,
      dropped: during && things(during.drop, 'packet'),
      during: during !== undefined && during.drop > 0,
      watchedSeconds: during?.seconds,
      droppedPerSecond: during?.dropPerSecond,
    };
    const evidence = [
      ...seen('nf_conntrack_count', usage.peak),
      ...seen('nf_conntrack_max', usage.max),
      ...seenCounter('drop', measured),
    ];
    if (usage.unlimited) return { severity: 'ok', says: 'unlimited', values, evidence, confidence: 'high' };
    if (!atLimit(usage)) return { severity: 'ok', says: 'ok', values, evidence, confidence: 'high' };
    return {
      severity: 'critical',
      says: 'found',
      values,
      evidence,
      confidence: 'high',
      commands: 'as recommended',
    };
  },
};
