import { commandsToSet } from '../commands.ts';
import { isSince, trackerOf } from '../kernel.ts';
import type { Ages } from '../schema.ts';
import { RFC_5382_SECONDS } from '../timeouts.ts';
import { isSmall, severityOfPart, sum, sureness } from './part-of-table.ts';
import { type Host, type Rule, seenRows, seenSetting, things } from './rule.ts';

const HOUR = 3600;
const DAY = 86_400;

const SETTING = 'tcp_timeout_established';

/** Established TCP; rows of offloaded entries show no state, and only established ones are offloaded (nft_flow_offload.c). */
const ESTABLISHED = /^tcp (?:ESTABLISHED|OFFLOAD|HW_OFFLOAD)\b/;

/** Established connections that nobody has used for hours hold much of the table. */
export const idleHoard: Rule = {
  id: 'idle-hoard',
  assess({ snapshot, measured }) {
    const { table, ages } = measured;
    if (!table) return { missing: ['the connection table'] };
    const classes = (ages?.classes ?? []).filter(({ key }) => ESTABLISHED.test(key));
    const entries = sum(classes.map((each) => each.entries));
    const known = sum(classes.map((each) => each.known));
    const undated = sum(classes.map(({ notKnown }) => notKnown.ambiguous));
    const values = { established: entries, rows: table.entries };
    const confidence = sureness(measured);
    if (isSmall(table))
      return { severity: 'ok', says: table.entries > 0 ? 'few' : 'empty', values, evidence: [], confidence };
    if (entries > 0 && undated === entries) {
      const withTimeout = classes.some(({ timeoutSeconds }) => timeoutSeconds !== undefined);
      return { missing: [withTimeout ? 'the timeout column of the table' : `nf_conntrack_${SETTING}`] };
    }

    // Nothing has been idle for longer than the machine is up: such a timer was set by something else than today's timeout.
    const uptime = measured.host.uptimeSeconds?.value ?? Number.POSITIVE_INFINITY;
    const impossible = idleFor(classes, uptime);
    const idle = idleFor(classes, HOUR, uptime);
    if (impossible > idle && severityOfPart(impossible, measured)) {
      return { missing: ['the timeout that was in force when the established entries saw their last packet'] };
    }
    const day = idleFor(classes, DAY, uptime);
    const timeout = classes.find(({ timeoutSeconds }) => timeoutSeconds !== undefined);
    const lower = ages?.whatIf.find(
      ({ setting, proposedSeconds }) => setting === SETTING && proposedSeconds === RFC_5382_SECONDS,
    );
    const unknown = entries - known + impossible;
    const loaded = loadedEntries({ snapshot, measured });
    const all = {
      ...values,
      idle,
      share: idle / table.entries,
      idleDay: day > 0 ? day : undefined,
      setting: `${trackerOf(snapshot)}_${SETTING}`,
      timeoutSeconds: timeout?.timeoutSeconds,
      // What is gone counts the impossible ones too.
      freed: lower && lower.gone > 0 && impossible === 0 ? lower.gone : undefined,
      unknown: unknown > 0 ? things(unknown, 'other established entry', 'other established entries') : undefined,
      loaded: loaded > known / 2 ? loaded : undefined,
    };
    const evidence = [
      ...seenRows('tcp ESTABLISHED idle for an hour or more', idle, measured),
      ...seenSetting(snapshot.sysctls[SETTING]),
    ];
    const severity = severityOfPart(idle, measured);
    if (!severity) {
      // An unknown part that would make a hoard leaves a doubt.
      const doubt = severityOfPart(idle + unknown, measured) !== undefined;
      return { severity: 'ok', says: 'ok', values: all, evidence, confidence: doubt ? 'medium' : confidence };
    }
    const canBeLowered = (timeout?.timeoutSeconds ?? 0) > RFC_5382_SECONDS;
    return {
      severity,
      says: canBeLowered ? 'found' : 'lowest',
      values: all,
      evidence,
      // A policy with a shorter timeout (nft ct timeout, xt_CT) makes entries look idle, and cannot be seen.
      confidence: all.loaded ? 'low' : 'medium',
      commands: canBeLowered ? commandsToSet([{ fact: snapshot.sysctls[SETTING], to: RFC_5382_SECONDS }]) : undefined,
    };
  },
};

/** Entries that have been idle for `from` seconds or longer, but less than `to`, as the bins of the histograms tell. */
function idleFor(classes: Ages['classes'], from: number, to = Number.POSITIVE_INFINITY): number {
  const bins = classes.flatMap(({ histogram }) => histogram);
  return sum(bins.filter(({ fromSeconds }) => fromSeconds >= from && fromSeconds < to).map((bin) => bin.entries));
}

/**
 * Entries that a program put into the table: conntrackd after a failover, `conntrack -I`. They run on the timer that they came
 * with, which tells nothing of packets here. Since 4.9 `insert` counts no others (nf_conntrack_netlink.c).
 */
function loadedEntries({ snapshot, measured }: Pick<Host, 'snapshot' | 'measured'>): number {
  if (isSince(snapshot, 4, 9) !== true) return 0;
  return measured.drops.counters?.totals.insert ?? 0;
}
