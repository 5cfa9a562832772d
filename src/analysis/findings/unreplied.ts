import { entriesOf, isSmall } from './part-of-table.ts';
import { type Rule, seenRows } from './rule.ts';

/** From this share of the table on, entries without an answer are more than scans and lost packets explain. */
const MANY = 0.5;

/** Most entries never saw an answer. */
export const unreplied: Rule = {
  id: 'unreplied',
  assess({ measured }) {
    const { table } = measured;
    if (!table) return { missing: ['the connection table'] };
    const classOf = (key: string) => entriesOf(table.byClass, key);
    const without = entriesOf(table.byFlag, 'UNREPLIED');
    const share = table.entries > 0 ? without / table.entries : 0;
    const synSent = classOf('tcp SYN_SENT UNREPLIED');
    const udp = classOf('udp UNREPLIED');
    // A connection that is known from one direction only: no SYN was seen, and no answer either (tcp_loose).
    const pickedUp = classOf('tcp ESTABLISHED UNREPLIED');
    const values = {
      unreplied: without,
      rows: table.entries,
      share,
      synSent: synSent || undefined,
      udp: udp || undefined,
      onlyUdp: udp === without,
      pickedUp,
    };
    const evidence = seenRows('[UNREPLIED]', without, measured);
    if (isSmall(table))
      return { severity: 'ok', says: table.entries > 0 ? 'few' : 'empty', values, evidence, confidence: 'high' };
    if (share < MANY) return { severity: 'ok', says: 'ok', values, evidence, confidence: 'high' };
    return {
      severity: 'warning',
      says: pickedUp > without / 2 ? 'oneWay' : 'found',
      values,
      evidence: [
        ...evidence,
        ...(synSent > 0 ? seenRows('tcp SYN_SENT [UNREPLIED]', synSent, measured) : []),
        ...(udp > 0 ? seenRows('udp [UNREPLIED]', udp, measured) : []),
        ...(pickedUp > 0 ? seenRows('tcp ESTABLISHED [UNREPLIED]', pickedUp, measured) : []),
      ],
      confidence: 'medium',
    };
  },
};
