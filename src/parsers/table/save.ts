/**
 * One row of `conntrack -L -o save`: options that would make `conntrack -R` restore the entry. Printed by
 * `ct_save_snprintf()` in conntrack-tools, src/conntrack.c; as 1.4.7 prints it.
 *
 *     -A -t 431998 -u SEEN_REPLY,ASSURED -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1000 --dport 443
 *     --reply-port-src 443 --reply-port-dst 1000 --state ESTABLISHED
 *
 * There are no counters, no mark and no use count, the reply of an ICMP query has neither type nor id, GRE keys are decimal,
 * and a protocol without a name is a number.
 */

import { canonicalAddress } from './address.ts';
import { haveSameEnds, isStateName, type TableRow, type Tuple, tellingFlag, tupleOf } from './entry.ts';
import { decimal } from './numbers.ts';
import { protocolName, protocolNumber } from './protocols.ts';

/** Reads one line of `conntrack -L -o save`; undefined where it is not one. Never throws. */
export function parseSavedRow(line: string): TableRow | undefined {
  const options = parseOptions(line);
  const protocol = options?.get('-p');
  if (options === undefined || protocol === undefined) return undefined;
  const number = protocolNumber(protocol) ?? decimal(protocol, 255);
  const name = number === undefined ? undefined : protocolName(number);
  const original = parseTuple(options, '-s', '-d');
  const reply = parseTuple(options, '-r', '-q');
  const state = options.get('--state');
  if (number === undefined || name === undefined || original === undefined || reply === undefined) return undefined;
  if (state !== undefined && !isStateName(state)) return undefined;

  original.sport = decimal(options.get('--sport'), 0xffff);
  original.dport = decimal(options.get('--dport'), 0xffff);
  reply.sport = decimal(options.get('--reply-port-src'), 0xffff);
  reply.dport = decimal(options.get('--reply-port-dst'), 0xffff);
  original.type = decimal(options.get('--icmp-type') ?? options.get('--icmpv6-type'), 0xff);
  original.code = decimal(options.get('--icmp-code') ?? options.get('--icmpv6-code'), 0xff);
  original.id = decimal(options.get('--icmp-id') ?? options.get('--icmpv6-id'), 0xffff);
  original.srckey = decimal(options.get('--srckey'), 0xffffffff);
  original.dstkey = decimal(options.get('--dstkey'), 0xffffffff);
  reply.srckey = decimal(options.get('--reply-key-src'), 0xffffffff);
  reply.dstkey = decimal(options.get('--reply-key-dst'), 0xffffffff);
  if (!haveSameEnds(original, reply, false)) return undefined;

  const status = (options.get('-u') ?? '').split(',');
  return {
    family: original.src.includes(':') ? 'ipv6' : 'ipv4',
    protocol: name,
    protocolNumber: number,
    timeoutSeconds: decimal(options.get('-t')),
    state,
    flag: tellingFlag({
      hardware: status.includes('HW_OFFLOAD'),
      offload: status.includes('OFFLOAD'),
      assured: status.includes('ASSURED'),
      unreplied: !status.includes('SEEN_REPLY'),
    }),
    original,
    reply,
    mark: undefined,
    zone: decimal(options.get('-w'), 0xffff),
    zoneOrig: decimal(options.get('--orig-zone'), 0xffff),
    zoneReply: decimal(options.get('--reply-zone'), 0xffff),
    deltaTimeSeconds: undefined,
    use: undefined,
    helper: undefined,
  };
}

/** `-A` first, then each option with its value. */
function parseOptions(line: string): Map<string, string> | undefined {
  const [command, ...words] = line.trimEnd().split(' ');
  if (command !== '-A' || words.length % 2 !== 0) return undefined;
  const options = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) {
    const [option = '', value = ''] = words.slice(at, at + 2);
    if (!option.startsWith('-')) return undefined;
    options.set(option, value);
  }
  return options;
}

function parseTuple(options: Map<string, string>, source: string, destination: string): Tuple | undefined {
  const src = canonicalAddress(options.get(source) ?? '');
  const dst = canonicalAddress(options.get(destination) ?? '');
  return src === undefined || dst === undefined ? undefined : tupleOf(src, dst);
}
