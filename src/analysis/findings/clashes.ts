import type { Snapshot } from '../../snapshot/types.ts';
import { isSince } from '../kernel.ts';
import { busiestTarget, FAILING, NAT_PORTS } from '../nat.ts';
import { atLimit, wasFullJustNow } from '../usage.ts';
import { type Measured, type Rule, seen, seenCounter, seenRows, things } from './rule.ts';

/** A resolver asks again after 5 s (resolv.conf(5), `timeout`): from one loss a second on somebody always waits for it. */
const ALWAYS_PER_SECOND = 1;
/** One loss a minute over the whole uptime: less is what a user takes for a slow page now and then. */
const OFTEN_PER_SECOND = 1 / 60;
/** One in ten hours: a smaller rate is nothing to tell. */
const TOLD_PER_SECOND = 1 / 36_000;
/** A service that source NAT reaches with so many times more ports than the next one, while it fails: its rule may allow no more. */
const OUTSTANDING = 3;
/** DNS that makes up less of the table is not worth a word. */
const MUCH_DNS = 0.05;

/** Packets of new connections were dropped although the table has room and hash chains are short. */
export const clashes: Rule = {
  id: 'clashes',
  assess({ snapshot, measured }) {
    const { usage, drops, table } = measured;
    const totals = drops.counters?.totals;
    if (!totals || totals.insert_failed === undefined) return { missing: ['the drop counters'] };
    const during = drops.duringCapture;
    const before = lostToClashes(snapshot, {
      insertFailed: totals.insert_failed,
      drop: totals.drop ?? 0,
      chainTooLong: totals.chaintoolong,
    });
    const now = during && lostToClashes(snapshot, during);
    const uptime = measured.host.uptimeSeconds;
    const average = uptime && uptime.value > 0 ? before / uptime.value : undefined;
    const busiest = table && busiestTarget(table);
    const dns = table?.services.top.find(({ key }) => key === 'udp/53')?.entries ?? 0;
    const dnsShare = table && table.entries > 0 ? dns / table.entries : 0;
    const portsFail = busiest !== undefined && busiest.most >= FAILING * NAT_PORTS;
    const values = {
      lost: things(before, 'packet'),
      averagePerSecond: average !== undefined && average >= TOLD_PER_SECOND ? average : undefined,
      insertFailed: totals.insert_failed,
      chainTooLong: (totals.chaintoolong ?? 0) > 0,
      harmless: totals.insert_failed > (totals.chaintoolong ?? 0) && before === 0,
      solved: totals.clash_resolve
        ? things(totals.clash_resolve, 'clash was solved', 'clashes were solved')
        : undefined,
      dnsShare: dnsShare >= MUCH_DNS ? dnsShare : undefined,
      target: portsFail ? busiest.target : undefined,
      ...(portsFail ? {} : outOfRange(measured)),
      watchedSeconds: during?.seconds,
    };
    const evidence = [
      ...['insert_failed', 'drop', 'chaintoolong', 'clash_resolve'].flatMap((name) => seenCounter(name, measured)),
      ...seen('uptime', uptime),
      ...(values.dnsShare === undefined ? [] : seenRows('udp/53', dns, measured)),
    ];
    const confidence = portsFail || values.natTarget !== undefined ? ('low' as const) : ('medium' as const);

    // The limit drops packets too, and which of them it was cannot be told.
    if (atLimit(usage) && before > 0) return { missing: ['counters of a time when the table was not full'] };
    if (during && now) {
      const perSecond = now / during.seconds;
      return {
        severity: perSecond >= ALWAYS_PER_SECOND ? 'critical' : 'warning',
        says: 'now',
        values: { ...values, lost: things(now, 'packet'), lostPerSecond: perSecond },
        evidence,
        confidence,
      };
    }
    if (during && during.drop > 0 && !wasFullJustNow(drops) && !atLimit(usage)) {
      return {
        severity: 'warning',
        says: 'otherwise',
        values: { ...values, dropped: things(during.drop, 'packet'), droppedPerSecond: during.dropPerSecond },
        evidence,
        confidence: 'low',
      };
    }
    if (before === 0) return { severity: 'ok', says: 'none', values, evidence, confidence: 'high' };
    if (average !== undefined && average < OFTEN_PER_SECOND) {
      return { severity: 'ok', says: 'few', values, evidence, confidence: 'medium' };
    }
    return { severity: 'warning', says: 'before', values, evidence, confidence };
  },
};

/**
 * The service that source NAT may have run out of ports for because its rule names a range: that is nowhere in a capture, but then one
 * service has far more ports than any other, the same loss goes on, and none of it is solved. A clash by chance is mostly solved.
 */
function outOfRange({ table, drops }: Measured): { natTarget?: string; natPorts?: number } {
  const [first, second] = table?.natTargets.top ?? [];
  const during = drops.duringCapture;
  if (!first || !during || during.insertFailed === 0 || during.clashResolve !== 0) return {};
  return first.entries > OUTSTANDING * (second?.entries ?? 0) ? { natTarget: first.key, natPorts: first.entries } : {};
}

/**
 * Packets that were dropped because an entry with their tuple was there already, at most. `insert_failed` counts them in every version, but
 * not only them (nf_conntrack_core.c):
 *
 * - since 5.15 connections refused for a long chain, which `chaintoolong` counts too;
 * - from 4.7, which first solved clashes of UDP, to 5.9 the solved ones as well; `drop` counts the others alone;
 * - entries that `conntrack -I` or conntrackd made twice, which cost no packet and are not in `drop`.
 *
 * So the smaller of the two is the most that it can be; they are never added up. Before 4.7 a clash was not in `drop`.
 */
function lostToClashes(
  snapshot: Snapshot,
  { insertFailed, drop, chainTooLong = 0 }: { insertFailed: number; drop: number; chainTooLong?: number | undefined },
): number {
  const failed = Math.max(0, insertFailed - chainTooLong);
  return isSince(snapshot, 4, 7) === false ? failed : Math.min(failed, drop);
}
