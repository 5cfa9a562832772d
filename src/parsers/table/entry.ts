/**
 * The entry that every form of the connection table's rows is read into.
 */

const DIGIT_0 = 48;
const DIGIT_9 = 57;
const LETTER_A = 65;
const LETTER_Z = 90;
const UNDERSCORE = 95;

/** What a row is flagged with, by the flag that tells most: see {@link tellingFlag}. */
export type RowFlag = 'no flag' | 'UNREPLIED' | 'ASSURED' | 'OFFLOAD' | 'HW_OFFLOAD';

/** One direction of an entry. Ports for tcp, udp, udplite, sctp and dccp; type, code and id for ICMP; keys for GRE. */
export interface Tuple {
  /** Canonical: IPv6 as RFC 5952 has it. */
  src: string;
  dst: string;
  sport: number | undefined;
  dport: number | undefined;
  type: number | undefined;
  code: number | undefined;
  id: number | undefined;
  srckey: number | undefined;
  dstkey: number | undefined;
  /** `packets=` and `bytes=`; 2.6 ip_conntrack wraps them at 2^32. Doubles: exact up to 2^53. */
  packets: number | undefined;
  bytes: number | undefined;
}

/** One entry of the table. What the row does not say is undefined. */
export interface TableRow {
  family: 'ipv4' | 'ipv6';
  /** Canonical by number: `tcp`, or `protocol 103` for what the kernel has no name for. */
  protocol: string;
  protocolNumber: number;
  /** Seconds that remain. Offloaded entries show none since 5.x. */
  timeoutSeconds: number | undefined;
  /** TCP, SCTP and DCCP only, and not for offloaded TCP since 5.x. */
  state: string | undefined;
  flag: RowFlag;
  original: Tuple;
  reply: Tuple;
  mark: number | undefined;
  /** Of both directions; undefined where the row shows none, or one for a single direction. */
  zone: number | undefined;
  zoneOrig: number | undefined;
  zoneReply: number | undefined;
  /** Age in seconds, with nf_conntrack_timestamp on. */
  deltaTimeSeconds: number | undefined;
  /** References; /proc counts the reader's own as well. */
  use: number | undefined;
  helper: string | undefined;
}

/**
 * Chooses the one flag that an entry is counted under. Offload hides the rest: the kernel prints either it or `[ASSURED]`.
 * `[UNREPLIED]` beside `[ASSURED]` is only seen on entries that ctnetlink inserted so; early drop spares what is assured,
 * and that is what counts when the table is full.
 */
export function tellingFlag(flags: {
  hardware: boolean;
  offload: boolean;
  assured: boolean;
  unreplied: boolean;
}): RowFlag {
  if (flags.hardware) return 'HW_OFFLOAD';
  if (flags.offload) return 'OFFLOAD';
  if (flags.assured) return 'ASSURED';
  return flags.unreplied ? 'UNREPLIED' : 'no flag';
}

/** A tuple of which nothing but the addresses is known yet. */
export function tupleOf(src: string, dst: string): Tuple {
  return {
    src,
    dst,
    sport: undefined,
    dport: undefined,
    type: undefined,
    code: undefined,
    id: undefined,
    srckey: undefined,
    dstkey: undefined,
    packets: undefined,
    bytes: undefined,
  };
}

/** Whether a word can be a state: capitals, as in `SYN_SENT2`. The longest, `SHUTDOWN_ACK_SENT`, has 17. */
export function isStateName(word: string): boolean {
  if (word.length < 2 || word.length > 32) return false;
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    const isLetter = code >= LETTER_A && code <= LETTER_Z;
    if (!isLetter && (at === 0 || (code !== UNDERSCORE && (code < DIGIT_0 || code > DIGIT_9)))) return false;
  }
  return true;
}

/**
 * Whether both directions have the same columns behind the addresses: ports, a query's id, or keys, and of each pair both, counters
 * too. A row that was cut off in its reply tuple does not.
 *
 * @param knowsReplyId false for `conntrack -o save`, which does not tell the reply's id
 */
export function haveSameEnds(original: Tuple, reply: Tuple, knowsReplyId = true): boolean {
  const isWhole = ({ sport, dport, srckey, dstkey, type, code, id, packets, bytes }: Tuple) =>
    (sport === undefined) === (dport === undefined) &&
    (srckey === undefined) === (dstkey === undefined) &&
    (type === undefined) === (id === undefined) &&
    (type === undefined) === (code === undefined) &&
    (packets === undefined) === (bytes === undefined) &&
    [sport, srckey, type].filter((end) => end !== undefined).length <= 1;
  return (
    isWhole(original) &&
    isWhole(reply) &&
    (original.sport === undefined) === (reply.sport === undefined) &&
    (original.srckey === undefined) === (reply.srckey === undefined) &&
    (!knowsReplyId || (original.id === undefined) === (reply.id === undefined)) &&
    original.src.includes(':') === reply.src.includes(':')
  );
}
