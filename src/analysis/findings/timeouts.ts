import type { Fact, Snapshot } from '../../snapshot/types.ts';
import { commandsToSet } from '../commands.ts';
import { isSince, releaseOf } from '../kernel.ts';
import { KUBE_PROXY_TIMEOUTS } from '../others.ts';
import { defaultsOf, RFC_4787_SECONDS, RFC_5382_SECONDS } from '../timeouts.ts';
import { FILLING } from '../usage.ts';
import { type Rule, seenSetting, things } from './rule.ts';

/** Far from the default: twice as long or more, half as long or less. Between, versions of the kernel differ themselves. */
const FAR = 2;

interface Setting {
  name: string;
  fact: Fact<number>;
  /** The likeliest default. */
  usual: number;
  far: boolean;
}

/** Timeouts that are far from the kernel's defaults, or too low for what standards ask. */
export const timeouts: Rule = {
  id: 'timeouts',
  assess({ snapshot, measured: { usage } }) {
    const captured = settingsOf(snapshot);
    if (captured.length === 0) {
      // 2.4 has them in its code (ip_conntrack_proto_tcp.c); that its other settings were captured shows that none were overlooked.
      const fixed = isSince(snapshot, 2, 6) === false && snapshot.sysctls.max;
      return fixed
        ? { severity: 'ok', says: 'fixed', evidence: seenSetting(snapshot.sysctls.max), confidence: 'high' }
        : { missing: ['the timeouts of connection tracking'] };
    }
    const far = captured.filter((setting) => setting.far);
    const established = snapshot.sysctls.tcp_timeout_established;
    const tooShort = established !== undefined && established.value < RFC_5382_SECONDS;
    const kubeProxy = Object.entries(KUBE_PROXY_TIMEOUTS).every(
      ([name, value]) => snapshot.sysctls[name]?.value === value,
    );
    const named = tooShort ? ['tcp_timeout_established'] : kubeProxy ? Object.keys(KUBE_PROXY_TIMEOUTS) : [];
    const others = far.filter(({ name }) => !named.includes(name));
    const values = {
      captured: things(captured.length, 'captured timeout'),
      established: established?.value,
      establishedSeconds: established?.value,
      far: things(others.length, 'timeout is', 'timeouts are'),
      others: others.length > 0 ? others.map(({ name, fact, usual }) => `${name} ${fact.value} (${usual})`) : undefined,
      udp: (snapshot.sysctls.udp_timeout_stream?.value ?? RFC_4787_SECONDS) < RFC_4787_SECONDS,
    };
    // Longer timeouts fill a table that is nearly full: then only what is too long is put back.
    const hasRoom = (usage.peakShare ?? 0) < FILLING;
    const evidence = [...named.map((name) => snapshot.sysctls[name]), ...others.map(({ fact }) => fact)].flatMap(
      seenSetting,
    );
    if (tooShort) {
      return {
        severity: 'warning',
        says: 'short',
        values,
        evidence,
        confidence: 'high',
        commands: hasRoom ? commandsToSet([{ fact: established, to: RFC_5382_SECONDS }]) : undefined,
      };
    }
    // kube-proxy sets its own again when it starts: commands would not hold.
    if (kubeProxy) return { severity: 'notice', says: 'kubeProxy', values, evidence, confidence: 'medium' };
    if (others.length > 0) {
      return {
        severity: 'notice',
        says: 'found',
        values,
        evidence,
        confidence: 'high',
        commands: commandsToSet(
          others
            .filter(({ fact, usual }) => hasRoom || fact.value > usual)
            .map(({ fact, usual }) => ({ fact, to: usual })),
        ),
      };
    }
    return { severity: 'ok', says: 'ok', values, evidence: seenSetting(established), confidence: 'high' };
  },
};

/** The captured timeouts whose default is known, by name. */
function settingsOf(snapshot: Snapshot): Setting[] {
  const release = releaseOf(snapshot);
  return Object.entries(snapshot.sysctls)
    .flatMap(([name, fact]) => {
      const defaults = defaultsOf(name, release);
      const [usual] = defaults;
      return usual === undefined ? [] : [{ name, fact, usual, far: isFar(name, fact.value, defaults) }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isFar(name: string, seconds: number, defaults: readonly number[]): boolean {
  if (defaults.includes(seconds)) return false;
  if (seconds >= FAR * Math.max(...defaults)) return true;
  // Less than five days is what established connections are often given, and safe down to what the standard asks for.
  if (name === 'tcp_timeout_established') return seconds < RFC_5382_SECONDS;
  if (name === 'udp_timeout_stream' && seconds < RFC_4787_SECONDS) return true;
  return FAR * seconds <= Math.min(...defaults);
}
