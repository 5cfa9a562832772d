/**
 * Reads rows as the kernel and `conntrack -L` print them, and has them counted. AssemblyScript, compiled to WebAssembly: bytes are
 * read where they are and no string is made of them. The row that the comments below refer to (one line;
 * `ct_seq_show()` in net/netfilter/nf_conntrack_standalone.c):
 *
 *     ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 packets=9 bytes=540
 *     src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 packets=7 bytes=420 [ASSURED] mark=0 zone=0 use=2
 *
 * What is not exactly like that is refused, and left to ../row.ts, which knows every form there is. Each step takes the address at which
 * it starts and returns the one at which the next step does, or 0 where it met something else than it expects. A row ends
 * with a line end, and no step goes beyond one.
 */
import { hexDigit, high, isIPv6, low, readAddress } from './addresses';
import { countRow } from './counts';
import {
  ASSURED,
  HW_OFFLOAD,
  KEYS,
  NO_FLAG,
  NOTHING,
  OFFLOAD,
  original,
  PORTS,
  QUERY,
  reply,
  row,
  Tuple,
  UNREPLIED,
  ZONE,
  ZONE_ORIG,
  ZONE_REPLY,
} from './row';
import { stateNumber } from './states';

const NEWLINE: u8 = 10;
const RETURN: u8 = 13;
const BLANK: u8 = 32;
const DIGIT_0: u8 = 48;
const EQUALS: u8 = 61;
const CAPITAL_A: u8 = 65;
const UNDERSCORE: u8 = 95;
const LETTER_A: u8 = 97;
const BRACKET: u8 = 91;
const CLOSING_BRACKET: u8 = 93;

/** Eight of them. */
const ALL_BLANKS: u64 = 0x2020202020202020;
const ALL_EQUALS: u64 = 0x3d3d3d3d3d3d3d3d;

/** Words as the number that their characters are loaded from memory as, the first in the lowest byte; ␣ is a blank. */
const IPV4: u64 = 0x2034767069; // ipv4␣
const IPV6: u64 = 0x2036767069; // ipv6␣
const IPV4_PADDED: u64 = 0x2020202034767069; // ipv4␣␣␣␣
const IPV6_PADDED: u64 = 0x2020202036767069; // ipv6␣␣␣␣
const TCP_PADDED: u64 = 0x2020202020706374; // tcp␣␣␣␣␣
const UDP_PADDED: u64 = 0x2020202020706475; // udp␣␣␣␣␣
const ICMP_PADDED: u64 = 0x20202020706d6369; // icmp␣␣␣␣
const ICMPV6_PADDED: u64 = 0x20203676706d6369; // icmpv6␣␣
const GRE_PADDED: u64 = 0x2020202020657267; // gre␣␣␣␣␣
const SCTP_PADDED: u64 = 0x2020202070746373; // sctp␣␣␣␣
const DCCP_PADDED: u64 = 0x2020202070636364; // dccp␣␣␣␣
const UDPLITE_PADDED: u64 = 0x206574696c706475; // udplite␣
const NUMBER_2: u64 = 0x203220; // ␣2␣
const NUMBER_6: u64 = 0x203620; // ␣6␣
const NUMBER_10: u64 = 0x20303120; // ␣10␣
const NUMBER_17: u64 = 0x20373120; // ␣17␣
const TIMEOUT: u64 = 0x3d74756f656d6974; // timeout=
const STREAM: u64 = 0x6d6165727473202c; // ,␣stream
const STREAM_TIMEOUT: u64 = 0x74756f656d69745f; // _timeout
const SRC: u64 = 0x3d637273; // src=
const DST: u64 = 0x3d74736420; // ␣dst=
const SPORT: u64 = 0x3d74726f707320; // ␣sport=
const DPORT: u64 = 0x3d74726f706420; // ␣dport=
const TYPE: u64 = 0x3d6570797420; // ␣type=
const CODE: u64 = 0x3d65646f6320; // ␣code=
const ID: u64 = 0x3d646920; // ␣id=
const SRCKEY: u64 = 0x3d79656b63727320; // ␣srckey=
const DSTKEY: u64 = 0x3d79656b74736420; // ␣dstkey=
const PACKETS: u64 = 0x7374656b63617020; // ␣packets
const BYTES: u64 = 0x3d736574796220; // ␣bytes=
const HEX: u64 = 0x7830; // 0x
const MARK: u64 = 0x3d6b72616d; // mark=
const USE: u64 = 0x3d657375; // use=
const ZONE_BOTH: u64 = 0x3d656e6f7a; // zone=
const ZONE_ONE: u64 = 0x2d656e6f7a; // zone-
const ORIG: u64 = 0x3d6769726f; // orig=
const REPLY: u64 = 0x3d796c706572; // reply=
const DELTA: u64 = 0x69742d61746c6564; // delta-ti
const TIME: u64 = 0x3d656d; // me=
const FLAG_UNREPLIED: u64 = 0x494c5045524e555b; // [UNREPLI
const FLAG_ASSURED: u64 = 0x444552555353415b; // [ASSURED
const FLAG_OFFLOAD: u64 = 0x44414f4c46464f5b; // [OFFLOAD
const FLAG_HW_OFFLOAD: u64 = 0x4c46464f5f57485b; // [HW_OFFL
const UNREPLIED_END: u64 = 0x5d4445; // ED]
const HW_OFFLOAD_END: u64 = 0x5d44414f; // OAD]

/** Whether the text at `p` starts with such a word. */
@inline
function starts(p: usize, word: u64): bool {
  return (load<u64>(p) ^ word) << (clz(word) & 56) === 0;
}

/** A longer line is none, whatever it says; the other parser has the same limit. */
const LONGEST_LINE: usize = 64 * 1024;

/** Reads one row, counts it, and returns where the next line starts; 0 where the row was refused. */
export function readRow(p: usize): usize {
  const start = p;
  row.flag = NO_FLAG;
  row.zoneKind = ZONE;
  row.zone = 0;
  row.hasMark = false;
  row.hasAge = false;
  p = readHead(p);
  if (p !== 0) p = readOriginal(p);
  if (p !== 0) p = readColumns(p);
  if (p !== 0) p = readReply(p);
  if (p !== 0) p = readEnd(p);
  if (p === 0 || original.kind !== reply.kind || p - start > LONGEST_LINE + 1) return 0;
  countRow();
  return p;
}

/**
 * `ipv4     2 tcp      6 431999 ESTABLISHED `: everything up to the first `src=`. The first two columns are not in ip_conntrack
 * nor in `conntrack -L`, the timeout not with an offloaded entry, the state not with udp.
 */
@inline
function readHead(p: usize): usize {
  p = readFamily(p);
  if (p === 0) return 0;
  const name = p;
  p = readProtocol(p);
  if (p === 0) return 0;
  row.hasTimeout = load<u8>(p) - DIGIT_0 < 10;
  if (row.hasTimeout) {
    p = readNumber(p, u32.MAX_VALUE);
    if (p === 0 || load<u8>(p++) !== BLANK) return 0;
    row.timeout = value as u32;
  } else if (isNumberOfAnother(load<u64>(name), row.protocol)) return 0;
  row.state = 0;
  if (load<u8>(p) < LETTER_A) p = readState(p);
  else if (starts(p, TIMEOUT)) p = skipGreTimeouts(p);
  return p;
}

/** `ipv4     2 `, which is in most rows, or nothing. */
@inline
function readFamily(p: usize): usize {
  const name = load<u64>(p);
  if (name === IPV4_PADDED && starts(p + 8, NUMBER_2)) return p + 11;
  if (name === IPV6_PADDED && starts(p + 8, NUMBER_10)) return p + 12;
  return starts(p, IPV4) || starts(p, IPV6) ? readNameAndNumber(p) : p;
}

/** `tcp      6 `; most are this or udp. */
@inline
function readProtocol(p: usize): usize {
  const name = load<u64>(p);
  if (name === TCP_PADDED && starts(p + 8, NUMBER_6)) {
    row.protocol = 6;
    return p + 11;
  }
  if (name === UDP_PADDED && starts(p + 8, NUMBER_17)) {
    row.protocol = 17;
    return p + 12;
  }
  p = readNameAndNumber(p);
  row.protocol = value as u32;
  return p;
}

/** A number that is not the protocol's own may be the timeout of a row that has none: `tcp      120 TIME_WAIT `. */
function isNumberOfAnother(name: u64, number: u32): bool {
  if (name === TCP_PADDED) return number !== 6;
  if (name === UDP_PADDED) return number !== 17;
  if (name === ICMP_PADDED) return number !== 1;
  if (name === ICMPV6_PADDED) return number !== 58;
  if (name === GRE_PADDED) return number !== 47;
  if (name === SCTP_PADDED) return number !== 132;
  if (name === DCCP_PADDED) return number !== 33;
  return name === UDPLITE_PADDED && number !== 136;
}

/** `gre      47 `, all of them printed with `%-8s %u `: no `=` and no control character, blanks up to the ninth column, and a number into {@link value}. */
function readNameAndNumber(p: usize): usize {
  const name = load<u64>(p);
  const blanks = zeroBytes(name ^ ALL_BLANKS);
  const length = ctz(blanks) & 0x38;
  const isPadded = load<u8>(p + 8) === BLANK && (blanks === 0 || (name ^ ALL_BLANKS) >> length === 0);
  const hasOthers = zeroBytes(name ^ ALL_EQUALS) !== 0 || zeroBytes(name & 0x6060606060606060) !== 0;
  if (!isPadded || hasOthers || load<u8>(p) - LETTER_A >= 26) return 0;
  p = readNumber(p + 9, 255);
  return p !== 0 && load<u8>(p) === BLANK ? p + 1 : 0;
}

/** Marks the lowest byte that is zero; the marks above it may be wrong. */
@inline
function zeroBytes(bytes: u64): u64 {
  return (bytes - 0x0101010101010101) & ~bytes & 0x8080808080808080;
}

/** `ESTABLISHED `: capitals, digits and underscores, up to 32. The longest is `SHUTDOWN_ACK_SENT` of SCTP. */
function readState(p: usize): usize {
  let length = ctz(~stateCharacters(v128.load(p)));
  if (length === 16) length += ctz(~stateCharacters(v128.load(p, 16)));
  if (length < 2 || load<u8>(p) - CAPITAL_A >= 26 || load<u8>(p + length) !== BLANK) return 0;
  row.state = stateNumber(p, length);
  return p + length + 1;
}

@inline
function stateCharacters(text: v128): u32 {
  const isCapital = i8x16.lt_u(i8x16.sub(text, i8x16.splat(CAPITAL_A)), i8x16.splat(26));
  const isDigit = i8x16.lt_u(i8x16.sub(text, i8x16.splat(DIGIT_0)), i8x16.splat(10));
  return i8x16.bitmask(v128.or(v128.or(isCapital, isDigit), i8x16.eq(text, i8x16.splat(UNDERSCORE))));
}

/** `timeout=30, stream_timeout=180 `: how long an entry of GRE lives unreplied and replied, not what remains. */
function skipGreTimeouts(p: usize): usize {
  p = skipDigits(p + 8);
  if (!starts(p, STREAM) || !starts(p + 8, STREAM_TIMEOUT) || load<u8>(p + 16) !== EQUALS) return 0;
  p = skipDigits(p + 17);
  return load<u8>(p) === BLANK ? p + 1 : 0;
}

function skipDigits(p: usize): usize {
  while (load<u8>(p) - DIGIT_0 < 10) p++;
  return p;
}

function skipBlanks(p: usize): usize {
  while (load<u8>(p) === BLANK) p++;
  return p;
}

/** The addresses of the original direction as they are written, each with the blank behind it: the reply mostly mirrors them. */
let srcText: usize = 0;
let srcLength: usize = 0;
let dstText: usize = 0;
let dstLength: usize = 0;

/** `src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 packets=9 bytes=540`. */
@inline
function readOriginal(p: usize): usize {
  if (!starts(p, SRC)) return 0;
  srcText = p + 4;
  p = readAddress(srcText);
  if (p === 0 || !starts(p, DST)) return 0;
  srcLength = p + 1 - srcText;
  row.isIPv6 = isIPv6;
  original.srcHigh = high;
  original.srcLow = low;
  dstText = p + 5;
  p = readAddress(dstText);
  if (p === 0 || isIPv6 !== row.isIPv6) return 0;
  dstLength = p + 1 - dstText;
  original.dstHigh = high;
  original.dstLow = low;
  return readEnds(p, original);
}

/** `src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 packets=7 bytes=420`. */
@inline
function readReply(p: usize): usize {
  if (!starts(p, SRC)) return 0;
  p += 4;
  if (isSameText(p, dstText, dstLength)) {
    p += dstLength - 1;
    reply.srcHigh = original.dstHigh;
    reply.srcLow = original.dstLow;
  } else {
    p = readAddress(p);
    if (p === 0 || isIPv6 !== row.isIPv6) return 0;
    reply.srcHigh = high;
    reply.srcLow = low;
  }
  if (!starts(p, DST)) return 0;
  p += 5;
  if (isSameText(p, srcText, srcLength)) {
    p += srcLength - 1;
    reply.dstHigh = original.srcHigh;
    reply.dstLow = original.srcLow;
  } else if (rewrittenLength !== 0 && !row.isIPv6 && isSameText(p, rewrittenText, rewrittenLength)) {
    p += rewrittenLength - 1;
    reply.dstHigh = rewritten;
    reply.dstLow = 0;
  } else {
    const start = p;
    p = readAddress(p);
    if (p === 0 || isIPv6 !== row.isIPv6) return 0;
    reply.dstHigh = high;
    reply.dstLow = low;
    if (!isIPv6) {
      v128.store(rewrittenText, v128.load(start));
      rewrittenLength = p + 1 - start;
      rewritten = high;
    }
  }
  if (original.kind === PORTS && starts(p, SPORT) && (load<u64>(p + 7) & dportMask) === dportText) {
    const next = p + 7 + ((popcnt(dportMask) >> 3) as usize);
    if (starts(next - 1, DPORT) && (load<u64>(next + 6) & sportMask) === sportText) {
      reply.kind = PORTS;
      reply.first = original.second;
      reply.second = original.first;
      reply.id = 0;
      p = next + 5 + ((popcnt(sportMask) >> 3) as usize);
      reply.accounted = starts(p, PACKETS);
      return reply.accounted ? readCounters(p, reply) : p;
    }
  }
  return readEnds(p, reply);
}

/** The ports of the original direction as they are written, each with the blank behind it, and which bytes of a word that is. */
let sportText: u64 = 0;
let sportMask: u64 = 0;
let dportText: u64 = 0;
let dportMask: u64 = 0;

/** The bytes of a text of at most five characters, and of the one behind it. */
@inline
function textMask(length: usize): u64 {
  return ((0x100 as u64) << ((length as u64) << 3)) - 1;
}

/** The last IPv4 source that NAT wrote, as it is written, with the blank behind it: a gateway has few. */
const rewrittenText: usize = memory.data(16, 16);
let rewrittenLength: usize = 0;
let rewritten: u64 = 0;

/** Compares 16 bytes at a time; the last 16 may go beyond the text. */
@inline
function isSameText(p: usize, text: usize, length: usize): bool {
  while (length > 16) {
    if (v128.any_true(v128.xor(v128.load(p), v128.load(text)))) return false;
    p += 16;
    text += 16;
    length -= 16;
  }
  const same = i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(text)));
  return (~same & ((1 << (length as u32)) - 1)) === 0;
}

/** What stands behind the addresses: `sport=1003 dport=80`, `type=8 code=0 id=7` or `srckey=0x0 dstkey=0x1`, and the counters. */
function readEnds(p: usize, tuple: Tuple): usize {
  tuple.id = 0;
  if (starts(p, SPORT)) {
    tuple.kind = PORTS;
    const sport = p + 7;
    p = readNumber(sport, 0xffff);
    tuple.first = value as u32;
    if (p === 0 || !starts(p, DPORT)) return 0;
    const dport = p + 7;
    sportMask = textMask(p - sport);
    sportText = load<u64>(sport) & sportMask;
    p = readNumber(dport, 0xffff);
    tuple.second = value as u32;
    if (p === 0) return 0;
    dportMask = textMask(p - dport);
    dportText = load<u64>(dport) & dportMask;
  } else if (starts(p, TYPE)) {
    tuple.kind = QUERY;
    p = readNumber(p + 6, 0xff);
    tuple.first = value as u32;
    if (p === 0 || !starts(p, CODE)) return 0;
    p = readNumber(p + 6, 0xff);
    tuple.second = value as u32;
    if (p === 0 || !starts(p, ID)) return 0;
    p = readNumber(p + 4, 0xffff);
    tuple.id = value as u32;
  } else if (starts(p, SRCKEY)) {
    tuple.kind = KEYS;
    p = readKey(p + 8);
    tuple.first = value as u32;
    if (p === 0 || !starts(p, DSTKEY)) return 0;
    p = readKey(p + 8);
    tuple.second = value as u32;
  } else {
    tuple.kind = NOTHING;
    tuple.first = 0;
    tuple.second = 0;
  }
  tuple.accounted = p !== 0 && starts(p, PACKETS);
  return tuple.accounted ? readCounters(p, tuple) : p;
}

/** ` packets=9 bytes=540`, with accounting on. */
function readCounters(p: usize, tuple: Tuple): usize {
  if (load<u8>(p + 8) !== EQUALS) return 0;
  p = readNumber(p + 9, u64.MAX_VALUE);
  tuple.packets = value;
  if (p === 0 || !starts(p, BYTES)) return 0;
  p = readNumber(p + 7, u64.MAX_VALUE);
  tuple.bytes = value;
  return p;
}

/** How the last row ended behind its flag, with the line end, and what that says. */
const END_BYTES: usize = 64;
const endText: usize = memory.data(64, 16);
let endLength: usize = 0;
let endHasMark: bool = false;
let endMark: u32 = 0;
let endZoneKind: u32 = 0;
let endZone: u32 = 0;

/** ` [ASSURED] mark=0 zone=0 use=2` and the line end. Most rows end as the row before them, and need not be read again. */
@inline
function readEnd(p: usize): usize {
  if (load<u8>(p + 1) === BRACKET && load<u8>(p) === BLANK) p = readFlag(p + 1);
  if (p === 0) return 0;
  const isPlain = row.zoneKind === ZONE && row.zone === 0 && !row.hasMark && !row.hasAge;
  if (isPlain && endLength !== 0 && isSameText(p, endText, endLength)) {
    row.hasMark = endHasMark;
    row.mark = endMark;
    row.zoneKind = endZoneKind;
    row.zone = endZone;
    return p + endLength;
  }
  const start = p;
  const flag = row.flag;
  p = readColumns(p);
  if (p === 0 || load<u8>(p) > BLANK) return 0;
  p += load<u8>(p) === RETURN ? 2 : 1;
  if (isPlain && row.flag === flag && !row.hasAge && p - start <= END_BYTES) {
    for (let at: usize = 0; at < END_BYTES; at += 16) v128.store(endText + at, v128.load(start + at));
    endLength = p - start;
    endHasMark = row.hasMark;
    endMark = row.mark;
    endZoneKind = row.zoneKind;
    endZone = row.zone;
  }
  return p;
}

/** `[ASSURED] mark=0 zone=0 use=2`: columns by name, up to the next `src=` or the line end. Those that have no name here are skipped. */
function readColumns(p: usize): usize {
  while (p !== 0) {
    p = skipBlanks(p);
    const first = load<u8>(p);
    if (first === NEWLINE || (first === RETURN && load<u8>(p + 1) === NEWLINE) || starts(p, SRC)) return p;
    if (first === BRACKET) {
      p = readFlag(p);
    } else if (starts(p, MARK)) {
      p = readNumber(p + 5, u32.MAX_VALUE);
      row.hasMark = true;
      row.mark = value as u32;
    } else if (starts(p, USE)) {
      p = readNumber(p + 4, u64.MAX_VALUE);
    } else if (starts(p, ZONE_BOTH)) {
      p = readZone(p + 5, ZONE);
    } else if (starts(p, ZONE_ONE) && starts(p + 5, ORIG)) {
      p = readZone(p + 10, ZONE_ORIG);
    } else if (starts(p, ZONE_ONE) && starts(p + 5, REPLY)) {
      p = readZone(p + 11, ZONE_REPLY);
    } else if (starts(p, DELTA) && starts(p + 8, TIME)) {
      p = readNumber(p + 11, u32.MAX_VALUE);
      row.hasAge = true;
      row.age = value as u32;
    } else {
      p = skipColumn(p);
    }
  }
  return p;
}

/** A zone for one direction is printed instead of that for both; where both have one, that of the original direction is told. */
function readZone(p: usize, kind: u32): usize {
  p = readNumber(p, 0xffff);
  const isHidden = kind === ZONE ? row.zoneKind !== ZONE : row.zoneKind === ZONE_ORIG && kind === ZONE_REPLY;
  if (!isHidden) {
    row.zoneKind = kind;
    row.zone = value as u32;
  }
  return p;
}

/** `[ASSURED]`; what else a later version puts in brackets is skipped. */
function readFlag(p: usize): usize {
  if (starts(p, FLAG_ASSURED) && load<u8>(p + 8) === CLOSING_BRACKET) {
    row.flag = max(row.flag, ASSURED);
    return p + 9;
  }
  if (starts(p, FLAG_UNREPLIED) && starts(p + 8, UNREPLIED_END)) {
    row.flag = max(row.flag, UNREPLIED);
    return p + 11;
  }
  if (starts(p, FLAG_OFFLOAD) && load<u8>(p + 8) === CLOSING_BRACKET) {
    row.flag = max(row.flag, OFFLOAD);
    return p + 9;
  }
  if (starts(p, FLAG_HW_OFFLOAD) && starts(p + 8, HW_OFFLOAD_END)) {
    row.flag = max(row.flag, HW_OFFLOAD);
    return p + 12;
  }
  while (load<u8>(p) !== CLOSING_BRACKET) if (load<u8>(p++) === NEWLINE) return 0;
  return p + 1;
}

/**
 * Columns of which the whole row has to be known, a tuple's out of place or a helper, are left to the other parser; and so is a row
 * that the summary line of `conntrack` was spliced into, wherever it was.
 */
const ELSEWHERE: u64[] = [
  0x3d747364, // dst=
  0x3d74726f7073, // sport=
  0x3d74726f7064, // dport=
  0x3d65707974, // type=
  0x3d65646f63, // code=
  0x3d79656b637273, // srckey=
  0x3d79656b747364, // dstkey=
  0x3d7374656b636170, // packets=
  0x3d7365747962, // bytes=
  0x3d7265706c6568, // helper=
  0x6172746e6e6f6328, // (conntra
];

function skipColumn(p: usize): usize {
  for (let at = 0; at < ELSEWHERE.length; at++) if (starts(p, unchecked(ELSEWHERE[at]))) return 0;
  while (load<u8>(p) !== BLANK && load<u8>(p) !== NEWLINE) p++;
  return p;
}

/** What the last step read. */
let value: u64 = 0;

/** Digits that fit into 64 bits, whatever they are. */
const MOST_DIGITS: usize = 19;

/** Reads a decimal number into {@link value}; a blank or the line end follows. */
@inline
function readNumber(p: usize, most: u64): usize {
  const digit = load<u8>(p) - DIGIT_0;
  if (digit < 10 && load<u8>(p + 1) === BLANK) {
    value = digit;
    return p + 1;
  }
  return readLongNumber(p, most);
}

@inline
function readLongNumber(p: usize, most: u64): usize {
  const digits = digitsAt(p);
  if (digits === 0) return 0;
  value = eightDigits(p, digits);
  const end = p + MOST_DIGITS;
  p += digits;
  if (digits === 8) {
    for (let digit = load<u8>(p) - DIGIT_0; digit < 10 && p < end; digit = load<u8>(++p) - DIGIT_0) value = value * 10 + digit;
  }
  return value <= most && isColumnEnd(p) ? p : 0;
}

/** How many of the next eight characters are digits, up to the first that is none. Both tests are needed: `:` to `?` are 0x3a to 0x3f. */
@inline
function digitsAt(p: usize): usize {
  const characters = load<u64>(p);
  const high = characters & 0xf0f0f0f0f0f0f0f0;
  const carried = (characters + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0;
  const others = (high ^ 0x3030303030303030) | (carried ^ 0x3030303030303030);
  return others === 0 ? 8 : (ctz(others) >> 3) as usize;
}

/** The value of one to eight digits: pairs, then pairs of pairs, then the two halves are put together, all at once. */
@inline
function eightDigits(p: usize, digits: usize): u64 {
  let sums = (load<u64>(p) << (64 - ((digits as u64) << 3))) & 0x0f0f0f0f0f0f0f0f;
  sums = ((sums * 10 + (sums >> 8)) & 0x00ff00ff00ff00ff) * (0x640001) >> 16 & 0x0000ffff0000ffff;
  return (sums * 0x271000000001) >> 32;
}

/** Reads a key of GRE, `0x1f`, into {@link value}. */
function readKey(p: usize): usize {
  if (!starts(p, HEX)) return 0;
  p += 2;
  const start = p;
  value = 0;
  for (let digit = hexDigit(load<u8>(p)); digit < 16; digit = hexDigit(load<u8>(p))) {
    value = (value << 4) | digit;
    p++;
  }
  return p > start && p - start <= 8 && isColumnEnd(p) ? p : 0;
}

@inline
function isColumnEnd(p: usize): bool {
  const character = load<u8>(p);
  return character === BLANK || character === NEWLINE || (character === RETURN && load<u8>(p + 1) === NEWLINE);
}

