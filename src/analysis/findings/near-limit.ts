import { mostCounted } from '../demand.ts';
import { atLimit, FILLING, NEAR } from '../usage.ts';
import { type Rule, seen, seenRows } from './rule.ts';

/** The table fills up, and is not full yet. */
export const nearLimit: Rule = {
  id: 'near-limit',
  assess({ snapshot, measured }) {
    const { usage } = measured;
    const { max, peak, peakShare, unlimited } = usage;
    if (!max || (!peak && !unlimited)) {
      return { missing: [...(max ? [] : ['nf_conntrack_max']), ...(peak ? [] : ['the number of entries'])] };
    }
    const values = {
      entries: peak?.value,
      max: max.value,
      share: peakShare,
      free: peak && Math.max(0, max.value - peak.value),
    };
    // Objects of the slab cache are an upper bound, and those of all namespaces: they prove room, but not the lack of it.
    const upperBound = usage.entriesHow === 'slab';
    const evidence = [
      ...seen(upperBound ? 'active slab objects' : 'nf_conntrack_count', peak),
      ...seen('nf_conntrack_max', max),
    ];
    if (peakShare === undefined) return { severity: 'ok', says: 'unlimited', values, evidence, confidence: 'high' };
    const most = mostCounted(snapshot, measured);
    if (peakShare < FILLING && most && most.entries > max.value) {
      return {
        severity: 'notice',
        says: 'mayFill',
        values: { ...values, most: most.entries, arrivals: most.arrivalsPerSecond, waitSeconds: most.waitSeconds },
        evidence: [...evidence, ...seenRows('live entries', measured.table?.entries ?? 0, measured)],
        confidence: 'medium',
        commands: 'as recommended',
      };
    }
    if (peakShare < FILLING) return { severity: 'ok', says: 'ok', values, evidence, confidence: 'high' };
    if (atLimit(usage)) return { coveredBy: 'table-full' };
    return {
      severity: peakShare >= NEAR ? 'warning' : 'notice',
      says: upperBound ? 'upperBound' : 'found',
      values,
      evidence,
      confidence: upperBound ? 'low' : 'high',
      commands: 'as recommended',
    };
  },
};
