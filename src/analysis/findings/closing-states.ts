import { commandsToSet } from '../commands.ts';
import { releaseOf, trackerOf } from '../kernel.ts';
import { defaultsOf } from '../timeouts.ts';
import { isSmall, severityOfPart, sureness } from './part-of-table.ts';
import { type Rule, seenRows, seenSetting } from './rule.ts';

/** States of connections that are being made or have ended, and what states each (enum tcp_conntrack of nf_conntrack_proto_tcp.c). */
const SAYS: Record<string, string> = {
  SYN_SENT: 'synSent',
  SYN_SENT2: 'synSent',
  SYN_RECV: 'synRecv',
  FIN_WAIT: 'closing',
  CLOSE_WAIT: 'closeWait',
  LAST_ACK: 'closing',
  TIME_WAIT: 'timeWait',
  CLOSE: 'closed',
};

/** TCP that is not established, but half open, closing or closed, holds much of the table. */
export const closingStates: Rule = {
  id: 'closing-states',
  assess({ snapshot, measured }) {
    const { table, ages } = measured;
    if (!table) return { missing: ['the connection table'] };
    const states = table.byState
      .map(({ key, entries }) => ({ state: key.replace(/^tcp /, ''), entries, key }))
      .filter(({ key, state }) => key.startsWith('tcp ') && state in SAYS);
    const [most] = states;
    const confidence = sureness(measured);
    if (isSmall(table))
      return {
        severity: 'ok',
        says: table.entries > 0 ? 'few' : 'empty',
        values: { rows: table.entries },
        evidence: [],
        confidence,
      };
    if (!most) return { severity: 'ok', says: 'none', values: { rows: table.entries }, evidence: [], confidence };
    const { state, entries } = most;
    const governing = ages?.classes.find(({ key, setting }) => key.startsWith(`${most.key} `) && setting !== undefined);
    const { setting = '', timeoutSeconds } = governing ?? {};
    const [defaultSeconds] = defaultsOf(setting, releaseOf(snapshot));
    // Back to the default is a remedy; from a value below it, it would fill the table.
    const to =
      timeoutSeconds !== undefined && timeoutSeconds > (defaultSeconds ?? timeoutSeconds) ? defaultSeconds : undefined;
    const back = ages?.whatIf.find((each) => each.setting === setting && each.proposedSeconds === to);
    const values = {
      state,
      entries,
      rows: table.entries,
      share: entries / table.entries,
      also: states.slice(1).find((each) => severityOfPart(each.entries, measured))?.state,
      setting: `${trackerOf(snapshot)}_${setting}`,
      timeoutSeconds,
      defaultSeconds,
      changed: timeoutSeconds !== defaultSeconds,
      freed: back && back.gone > 0 ? back.gone : undefined,
    };
    const evidence = [...seenRows(most.key, entries, measured), ...seenSetting(snapshot.sysctls[setting])];
    const severity = severityOfPart(entries, measured);
    if (!severity) return { severity: 'ok', says: 'ok', values, evidence, confidence };
    return {
      severity,
      says: SAYS[state] ?? 'closing',
      values,
      evidence,
      confidence,
      commands: to === undefined ? undefined : commandsToSet([{ fact: snapshot.sysctls[setting], to }]),
    };
  },
};
