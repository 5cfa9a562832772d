/** One entry of the table, as the scanner reads it and the counters take it. */

/** What a tuple has behind its addresses. */
export const NOTHING: u32 = 0;
/** `sport=` and `dport=`: tcp, udp, udplite, sctp, dccp. */
export const PORTS: u32 = 1;
/** `type=`, `code=` and `id=`: ICMP. */
export const QUERY: u32 = 2;
/** `srckey=` and `dstkey=`: GRE. */
export const KEYS: u32 = 3;

/** One direction. Addresses are in network order; an IPv4 address is the first four bytes of its field, the rest are 0. */
@unmanaged
export class Tuple {
  srcHigh: u64;
  srcLow: u64;
  dstHigh: u64;
  dstLow: u64;
  kind: u32;
  /** Source port, type or source key. */
  first: u32;
  /** Destination port, code or destination key. */
  second: u32;
  id: u32;
  accounted: bool;
  packets: u64;
  bytes: u64;
}

/** Flags, in the order in which one hides another: an entry is counted under the highest. */
export const NO_FLAG: u32 = 0;
export const UNREPLIED: u32 = 1;
export const ASSURED: u32 = 2;
export const OFFLOAD: u32 = 3;
export const HW_OFFLOAD: u32 = 4;

/** Zones: of both directions, or of one. */
export const ZONE: u32 = 0;
export const ZONE_ORIG: u32 = 1;
export const ZONE_REPLY: u32 = 2;

/** What the directions have in common. */
@unmanaged
export class Row {
  isIPv6: bool;
  protocol: u32;
  /** Number of the state's name; 0 where there is none. */
  state: u32;
  flag: u32;
  hasTimeout: bool;
  timeout: u32;
  hasAge: bool;
  /** Seconds since the entry was made, from `delta-time=`. */
  age: u32;
  zoneKind: u32;
  zone: u32;
  hasMark: bool;
  mark: u32;
}

/** The entry at hand, at an address that the compiler knows. */
export const row: Row = changetype<Row>(memory.data(offsetof<Row>(), 16));
export const original: Tuple = changetype<Tuple>(memory.data(offsetof<Tuple>(), 16));
export const reply: Tuple = changetype<Tuple>(memory.data(offsetof<Tuple>(), 16));
