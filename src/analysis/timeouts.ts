/**
 * Which timeout rules which entry, and what it is by default. Numbers and rules are those of net/netfilter/nf_conntrack_proto_*.c;
 * the versions in which they changed are named where they matter.
 */
import { kernelAtLeast } from '../parsers/host.ts';
import type { ClassTimers, Snapshot } from '../snapshot/types.ts';
import { releaseOf } from './kernel.ts';

/** RFC 5382, REQ-5: an established TCP connection is to be kept for 2 hours 4 minutes. */
export const RFC_5382_SECONDS = 7440;
/** RFC 4787, REQ-5: a UDP mapping is to be kept for two minutes. */
export const RFC_4787_SECONDS = 120;

/** A timeout in force. */
export interface Timeout {
  /** Name without `nf_conntrack_` in front: `tcp_timeout_established`. */
  setting: string;
  seconds: number;
  /** Where it was read; absent where it is the default of this kernel version. */
  file?: string | undefined;
}

/** What is known of the timer of a class. */
export interface Rule {
  /** Absent: nothing is known to rule the class. */
  timeout?: Timeout | undefined;
  /** Why no entry of the class can be dated, if that is so. */
  unknown?: 'offloaded' | 'ambiguous' | undefined;
  /**
   * Nothing refreshes the timer of such an entry, so that entries leave in the order in which they came, and the young ones tell
   * how many arrive.
   */
  neverRefreshed: boolean;
}

/** States of TCP and the settings that rule them (proto_tcp.c, tcp_timeouts[]). */
const TCP: Record<string, string> = {
  SYN_SENT: 'tcp_timeout_syn_sent',
  SYN_SENT2: 'tcp_timeout_syn_sent',
  SYN_RECV: 'tcp_timeout_syn_recv',
  ESTABLISHED: 'tcp_timeout_established',
  FIN_WAIT: 'tcp_timeout_fin_wait',
  CLOSE_WAIT: 'tcp_timeout_close_wait',
  LAST_ACK: 'tcp_timeout_last_ack',
  TIME_WAIT: 'tcp_timeout_time_wait',
  CLOSE: 'tcp_timeout_close',
};

/** States of SCTP (proto_sctp.c, sctp_timeouts[]). */
const SCTP: Record<string, string> = {
  CLOSED: 'sctp_timeout_closed',
  COOKIE_WAIT: 'sctp_timeout_cookie_wait',
  COOKIE_ECHOED: 'sctp_timeout_cookie_echoed',
  ESTABLISHED: 'sctp_timeout_established',
  SHUTDOWN_SENT: 'sctp_timeout_shutdown_sent',
  SHUTDOWN_RECD: 'sctp_timeout_shutdown_recd',
  SHUTDOWN_ACK_SENT: 'sctp_timeout_shutdown_ack_sent',
  HEARTBEAT_SENT: 'sctp_timeout_heartbeat_sent',
};

/** Defaults in seconds that no version changed (proto_tcp.c, proto_udp.c, proto_icmp.c, proto_gre.c, proto_generic.c). */
const DEFAULTS: Record<string, number> = {
  tcp_timeout_syn_sent: 120,
  tcp_timeout_syn_recv: 60,
  tcp_timeout_established: 432_000,
  tcp_timeout_fin_wait: 120,
  tcp_timeout_close_wait: 60,
  tcp_timeout_last_ack: 30,
  tcp_timeout_time_wait: 120,
  tcp_timeout_close: 10,
  udp_timeout: 30,
  icmp_timeout: 30,
  icmpv6_timeout: 30,
  gre_timeout: 30,
  gre_timeout_stream: 180,
  generic_timeout: 600,
};

/** The same for timeouts that rule no state by themselves, and for protocols whose entries are not dated. */
const OTHER_DEFAULTS: Record<string, number> = {
  tcp_timeout_max_retrans: 300,
  tcp_timeout_unacknowledged: 300,
  sctp_timeout_closed: 10,
  sctp_timeout_cookie_wait: 3,
  sctp_timeout_cookie_echoed: 3,
  sctp_timeout_shutdown_ack_sent: 3,
  sctp_timeout_heartbeat_sent: 30,
  sctp_timeout_heartbeat_acked: 210,
  dccp_timeout_request: 240,
  dccp_timeout_respond: 480,
  dccp_timeout_partopen: 480,
  dccp_timeout_open: 43_200,
  dccp_timeout_closereq: 64,
  dccp_timeout_closing: 64,
  dccp_timeout_timewait: 240,
};

/** Timeouts that a what-if may name: those of {@link DEFAULTS} and the ones whose default depends on the version. */
export const TIMEOUT_SETTINGS: readonly string[] = [
  ...Object.keys(DEFAULTS),
  'udp_timeout_stream',
  ...Object.values(SCTP),
].sort();

/** A setting as captured, else the default of the captured kernel version, else undefined. */
export function timeoutOf(setting: string, snapshot: Snapshot): Timeout | undefined {
  const captured = snapshot.sysctls[setting];
  if (captured) return { setting, seconds: captured.value, file: captured.file };
  const release = releaseOf(snapshot);
  const seconds = release === undefined ? undefined : defaultTimeout(setting, release);
  return seconds === undefined ? undefined : { setting, seconds };
}

/** The seconds that a kernel starts with, where they are known. */
export function defaultTimeout(setting: string, release: string): number | undefined {
  // 180 s up to 4.20, 120 s from 5.3 on; the trees between were not read.
  const stream = kernelAtLeast(release, 5, 3) ? 120 : kernelAtLeast(release, 5, 0) === false ? 180 : undefined;
  return setting === 'udp_timeout_stream' ? stream : DEFAULTS[setting];
}

/**
 * What a timeout may be when nobody set it, the likeliest first: several values where a version is not enough to tell, because
 * the change went into stable and vendor kernels as well. None: not a timeout, or not one that is known.
 */
export function defaultsOf(setting: string, release: string | undefined): readonly number[] {
  const from = (major: number, minor: number) => release !== undefined && kernelAtLeast(release, major, minor) === true;
  switch (setting) {
    case 'udp_timeout_stream':
      return from(5, 3) ? [120] : [180, 120];
    case 'sctp_timeout_established':
      // Five days, until ESTABLISHED and HEARTBEAT_ACKED became one state.
      return from(6, 8) ? [210] : [432_000, 210];
    case 'sctp_timeout_shutdown_sent':
    case 'sctp_timeout_shutdown_recd':
      // 300 ms, which the sysctl shows as 0, until 3 s became the default.
      return from(6, 8) ? [3] : [0, 3];
    default: {
      const seconds = DEFAULTS[setting] ?? OTHER_DEFAULTS[setting];
      return seconds === undefined ? [] : [seconds];
    }
  }
}

/** What rules the entries of a class on this kernel. */
export function ruleOf({ protocol, state, flag }: ClassTimers, snapshot: Snapshot): Rule {
  // The kernel keeps an offloaded entry alive by other means, and its timer says nothing (nf_flow_table_core.c).
  if (flag === 'OFFLOAD' || flag === 'HW_OFFLOAD') return { unknown: 'offloaded', neverRefreshed: false };
  const ruledBy = (setting: string | undefined, neverRefreshed = false): Rule => ({
    timeout: setting === undefined ? undefined : timeoutOf(setting, snapshot),
    neverRefreshed,
  });
  switch (protocol) {
    case 'tcp':
      return ruledBy(TCP[state ?? ''], state === 'TIME_WAIT' || (state === 'SYN_SENT' && flag === 'UNREPLIED'));
    case 'udp':
    case 'udplite':
      return udpRule(flag, snapshot, ruledBy);
    case 'sctp':
      return ruledBy(SCTP[state ?? '']);
    case 'icmp':
      return ruledBy('icmp_timeout');
    case 'icmpv6':
      return ruledBy('icmpv6_timeout');
    case 'gre':
      return ruledBy(flag === 'ASSURED' ? 'gre_timeout_stream' : 'gre_timeout');
    case 'dccp':
      return { neverRefreshed: false };
    default:
      return ruledBy('generic_timeout');
  }
}

/**
 * UDP has two timeouts, and the flag tells which one runs only on some versions (proto_udp.c): up to 4.20 an answer makes the
 * entry assured and gives it the stream timeout; from 5.3 to 5.11 it is assured at once but gets the stream timeout only when it
 * is older than two seconds; since 5.15 both come together, and an answered entry that is not assured has the short one.
 */
function udpRule(
  flag: ClassTimers['flag'],
  snapshot: Snapshot,
  ruledBy: (setting: string, neverRefreshed?: boolean) => Rule,
): Rule {
  if (flag === 'UNREPLIED') return ruledBy('udp_timeout', true);
  const release = releaseOf(snapshot);
  if (release === undefined) return { unknown: 'ambiguous', neverRefreshed: false };
  const together = kernelAtLeast(release, 5, 15);
  if (flag === 'ASSURED') {
    if (together || kernelAtLeast(release, 5, 0) === false) return ruledBy('udp_timeout_stream');
    return { unknown: 'ambiguous', neverRefreshed: false };
  }
  return together ? ruledBy('udp_timeout', true) : { unknown: 'ambiguous', neverRefreshed: false };
}
