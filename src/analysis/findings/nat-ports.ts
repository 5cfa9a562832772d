import { busiestTarget, FAILING, NAT_PORTS } from '../nat.ts';
import { atLimit, FILLING } from '../usage.ts';
import { type Rule, seenCounter, seenRows, things } from './rule.ts';

/** As for the table itself, the share from which node-mixin warns; no connection fails for want of a port before. */
const NEAR = FILLING;

/** Source NAT has few ports left, or none, towards one service. */
export const natPorts: Rule = {
  id: 'nat-ports',
  assess({ measured }) {
    const { table, usage, drops } = measured;
    if (!table) return { missing: ['the connection table'] };
    const busiest = busiestTarget(table);
    const during = drops.duringCapture;
    const lost = during === undefined ? 0 : Math.min(during.drop, during.insertFailed - (during.chainTooLong ?? 0));
    const fails = lost > 0 && !atLimit(usage);
    const values = {
      target: busiest?.target,
      entries: busiest && things(busiest.entries, 'connection'),
      ports: NAT_PORTS,
      address: busiest && busiest.addresses === 1 ? busiest.address : undefined,
      addresses: busiest?.addresses,
      leastShare: busiest && busiest.least / NAT_PORTS,
      mostShare: busiest && busiest.most / NAT_PORTS,
      watchedSeconds: during?.seconds,
      lost: fails ? things(lost, 'packet') : undefined,
    };
    const evidence = [
      ...(busiest ? seenRows(`with a rewritten source to ${busiest.target}`, busiest.entries, measured) : []),
      ...table.natAddresses.top
        .slice(0, 3)
        .flatMap(({ key, entries }) => seenRows(`translated to ${key}`, entries, measured)),
      ...seenCounter('insert_failed', measured),
      ...seenCounter('drop', measured),
      // Ports that were tried and in use, since 4.9 (nf_conntrack_tuple_taken()); before, packets that had an entry.
      ...(busiest ? seenCounter('found', measured) : []),
    ];
    // What is translated in different zones does not share ports.
    const isExact = busiest?.addresses === 1 && table.byZone.length <= 1;
    const least = (busiest?.least ?? 0) / NAT_PORTS;
    const most = (busiest?.most ?? 0) / NAT_PORTS;
    if (least >= FAILING && fails) {
      return { severity: 'critical', says: 'failing', values, evidence, confidence: isExact ? 'high' : 'medium' };
    }
    if (least >= NEAR) {
      return { severity: 'warning', says: 'near', values, evidence, confidence: isExact ? 'high' : 'medium' };
    }
    if (most >= NEAR) {
      const severity = most >= FAILING && fails ? 'warning' : 'notice';
      return { severity, says: 'perhaps', values, evidence, confidence: 'low' };
    }
    if (table.cut !== undefined) return { missing: ['the whole connection table'] };
    return { severity: 'ok', says: busiest ? 'ok' : 'none', values, evidence, confidence: 'high' };
  },
};
