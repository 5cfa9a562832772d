/**
 * One entry of `conntrack -L -o xml`: a `<flow>` element. Printed by `__snprintf_conntrack_xml()` in libnetfilter_conntrack,
 * src/conntrack/snprintf_xml.c, each on a line of its own; other programs join the lines.
 *
 *     <flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.1</src><dst>10.0.0.2</dst></layer3>
 *     <layer4 protonum="6" protoname="tcp"><sport>1000</sport><dport>443</dport></layer4></meta><meta direction="reply">…
 *     </meta><meta direction="independent"><state>ESTABLISHED</state><timeout>999</timeout>…<assured/></meta></flow>
 *
 * ICMP has no type, code or id here, and nothing says whether an entry is offloaded. Elements with an attribute,
 * `<flow type="new">`, are events and not entries.
 */

import { canonicalAddress } from './address.ts';
import { haveSameEnds, isStateName, type TableRow, type Tuple, tellingFlag, tupleOf } from './entry.ts';
import { decimal, hexadecimal } from './numbers.ts';
import { protocolName } from './protocols.ts';

const SCTP = 132;

/** libnetfilter_conntrack names SCTP states from its list of TCP states, by position: 1.4.7 prints SYN_RECV for COOKIE_WAIT. */
const SCTP_STATES: Readonly<Record<string, string>> = {
  NONE: 'NONE',
  SYN_SENT: 'CLOSED',
  SYN_RECV: 'COOKIE_WAIT',
  ESTABLISHED: 'COOKIE_ECHOED',
  FIN_WAIT: 'ESTABLISHED',
  CLOSE_WAIT: 'SHUTDOWN_SENT',
  LAST_ACK: 'SHUTDOWN_RECD',
  TIME_WAIT: 'SHUTDOWN_ACK_SENT',
  CLOSE: 'HEARTBEAT_SENT',
};

/** Reads one `<flow>` element of `conntrack -L -o xml`; undefined where it is not one. Never throws. */
export function parseXmlRow(text: string): TableRow | undefined {
  const flow = element(text, '<flow>', '</flow>');
  const originalMeta = element(flow, '<meta direction="original">', '</meta>');
  const replyMeta = element(flow, '<meta direction="reply">', '</meta>');
  const common = element(flow, '<meta direction="independent">', '</meta>');
  const number = decimal(element(element(originalMeta, '<layer4 ', '>'), 'protonum="', '"'), 255);
  const protocol = number === undefined ? undefined : protocolName(number);
  const original = parseMeta(originalMeta);
  const reply = parseMeta(replyMeta);
  if (number === undefined || protocol === undefined || original === undefined || reply === undefined) return undefined;
  if (common === undefined || !haveSameEnds(original, reply)) return undefined;

  const name = tag(common, 'state');
  const state = number === SCTP && name !== undefined ? (SCTP_STATES[name] ?? name) : name;
  if (state !== undefined && !isStateName(state)) return undefined;
  return {
    family: original.src.includes(':') ? 'ipv6' : 'ipv4',
    protocol,
    protocolNumber: number,
    timeoutSeconds: decimal(tag(common, 'timeout')),
    state,
    flag: tellingFlag({
      hardware: false,
      offload: false,
      assured: common.includes('<assured/>'),
      unreplied: common.includes('<unreplied/>'),
    }),
    original,
    reply,
    mark: decimal(tag(common, 'mark'), 0xffffffff),
    zone: decimal(tag(common, 'zone'), 0xffff),
    zoneOrig: decimal(tag(originalMeta, 'zone'), 0xffff),
    zoneReply: decimal(tag(replyMeta, 'zone'), 0xffff),
    deltaTimeSeconds: decimal(tag(common, 'deltatime')),
    use: decimal(tag(common, 'use')),
    helper: tag(common, 'helper'),
  };
}

function parseMeta(meta: string | undefined): Tuple | undefined {
  const src = canonicalAddress(tag(meta, 'src') ?? '');
  const dst = canonicalAddress(tag(meta, 'dst') ?? '');
  if (src === undefined || dst === undefined) return undefined;
  const tuple = tupleOf(src, dst);
  tuple.sport = decimal(tag(meta, 'sport'), 0xffff);
  tuple.dport = decimal(tag(meta, 'dport'), 0xffff);
  tuple.srckey = hexadecimal(tag(meta, 'srckey') ?? '');
  tuple.dstkey = hexadecimal(tag(meta, 'dstkey') ?? '');
  tuple.packets = decimal(tag(meta, 'packets'));
  tuple.bytes = decimal(tag(meta, 'bytes'));
  return tuple;
}

function tag(text: string | undefined, name: string): string | undefined {
  return element(text, `<${name}>`, `</${name}>`);
}

/** What stands between the first `open` and the `close` after it. */
function element(text: string | undefined, open: string, close: string): string | undefined {
  if (text === undefined) return undefined;
  const start = text.indexOf(open);
  if (start === -1) return undefined;
  const end = text.indexOf(close, start + open.length);
  return end === -1 ? undefined : text.slice(start + open.length, end);
}
