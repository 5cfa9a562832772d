import { type Rule, seen, seenCounter, things } from './rule.ts';

/**
 * New connections a second that entries stand for, on a gateway with the default timeouts: 80 s each, by four loads of mixed traffic that were
 * measured, 500 to 3 750 connections a second. Long-lived connections make it less, and this too many: the rule then finds less.
 */
const SECONDS_PER_ENTRY = 80;

/** On a small table a few scanners make more invalid packets than there are connections. */
const LEAST_PER_SECOND = 1;

/** More packets fit no connection than late ones of closed connections explain. */
export const invalid: Rule = {
  id: 'invalid',
  assess({ measured }) {
    const { usage, drops, host } = measured;
    const total = drops.counters?.totals.invalid;
    if (total === undefined) return { missing: ['the counter invalid'] };
    if (total === 0)
      return { severity: 'ok', says: 'none', evidence: seenCounter('invalid', measured), confidence: 'high' };
    const during = drops.duringCapture?.invalid === undefined ? undefined : drops.duringCapture;
    const now = during?.invalid === undefined ? undefined : during.invalid / during.seconds;
    // The latest reading has all that was counted, a few seconds after the uptime that is known here.
    const uptime = host.uptimeSeconds;
    const average = uptime && uptime.value > 0 ? total / uptime.value : undefined;
    const entries = usage.peak;
    if (!entries || (now === undefined && average === undefined)) {
      return {
        missing: [
          ...(entries ? [] : ['the number of entries']),
          ...((now ?? average) === undefined ? ['the uptime'] : []),
        ],
      };
    }
    // A closed connection can leave a late packet, of a retransmission or a reset, at either end: about one for each is ordinary.
    const ordinary = entries.value / SECONDS_PER_ENTRY;
    const isMuch = (perSecond: number | undefined) =>
      perSecond !== undefined && perSecond >= LEAST_PER_SECOND && perSecond > ordinary;
    const values = {
      invalid: things(during?.invalid ?? 0, 'packet'),
      total: things(total, 'packet'),
      nowPerSecond: now,
      averagePerSecond: average,
      watchedSeconds: during?.seconds,
      entries: entries.value,
      ordinaryPerSecond: ordinary,
    };
    const evidence = [
      ...seenCounter('invalid', measured),
      ...seen('uptime', uptime),
      ...seen('nf_conntrack_count', entries),
    ];
    if (isMuch(now)) return { severity: 'notice', says: 'now', values, evidence, confidence: 'medium' };
    if (isMuch(average)) return { severity: 'notice', says: 'before', values, evidence, confidence: 'medium' };
    return { severity: 'ok', says: 'ok', values, evidence, confidence: 'medium' };
  },
};
