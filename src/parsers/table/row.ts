/**
 * One row of the connection table, in every form that kernels and `conntrack` print it:
 *
 * - `/proc/net/nf_conntrack`, since 2.6.15: `ct_seq_show()` in net/netfilter/nf_conntrack_standalone.c
 *
 *       ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 src=9.9.9.9 dst=10.0.0.9
 *       sport=80 dport=1003 [ASSURED] mark=0 zone=0 use=2
 *
 * - `/proc/net/ip_conntrack`, 2.4 to 4.4, IPv4 only and without the first two columns: `list_conntracks()` in
 *   net/ipv4/netfilter/ip_conntrack_standalone.c, later nf_conntrack_l3proto_ipv4_compat.c; 2.4 appends
 *   its expectations (`EXPECTING: 180 use=1 proto=6 src=…`)
 * - `conntrack -L`, with and without `-o extended`, `id`, `ktimestamp`, `labels`: `__snprintf_conntrack_default()` in
 *   libnetfilter_conntrack, src/conntrack/snprintf_default.c
 * - `conntrack -L -o save` and `-o xml`: see table-save.ts and table-xml.ts
 *
 * They differ in which columns there are and in what order, never in what a column means. So this reads columns, not
 * layouts: the words before the first `src=` by position, everything after it by name. What it has no name for, it skips.
 */

import { canonicalAddress } from './address.ts';
import { haveSameEnds, isStateName, type TableRow, type Tuple, tellingFlag, tupleOf } from './entry.ts';
import { decimal, decimalAt, hexadecimal } from './numbers.ts';
import { protocolName, protocolNumber } from './protocols.ts';
import { parseSavedRow } from './save.ts';
import { parseXmlRow } from './xml.ts';

const MINUS = 45;
const EQUALS = 61;
const LETTER_A = 97;
const LETTER_Z = 122;
const OPENING_BRACKET = 91;

/**
 * Reads one line of the connection table, in any of the forms above, without its line end.
 *
 * @returns the entry; `'expectation'` for an `EXPECTING:` line of 2.4; undefined for a line that is not understood or that
 *   contradicts itself (a port above 65535, a direction missing). Never throws.
 */
export function parseTableRow(line: string): TableRow | 'expectation' | undefined {
  if (line.startsWith('EXPECTING:')) return 'expectation';
  if (line.startsWith('-')) return parseSavedRow(line);
  if (line.startsWith('<')) return parseXmlRow(line);
  return parsePrintedRow(line);
}

/** A row as the kernel or `conntrack -L` prints it. */
function parsePrintedRow(line: string): TableRow | undefined {
  const tuples = line.indexOf('src=');
  if (tuples === -1) return undefined;
  const head = parseHead(line, tuples);
  return head === undefined ? undefined : parseTuples(line, tuples, head);
}

interface Head {
  protocol: string;
  protocolNumber: number;
  timeoutSeconds: number | undefined;
  state: string | undefined;
  flags: Parameters<typeof tellingFlag>[0];
}

/**
 * The words before the first `src=`: `[l3name l3number ]name number[ timeout][ STATE]`, padded with blanks. Between them
 * /proc has `timeout=30, stream_timeout=180` for GRE: how long the entry lives unreplied and replied, not what remains. Some
 * vendors’ tools leave the number out, and put flags here. A word in front of all is of an event (`[NEW]`), which is no entry.
 */
function parseHead(line: string, end: number): Head | undefined {
  const words: string[] = [];
  const flags = { hardware: false, offload: false, assured: false, unreplied: false };
  for (let at = 0; at < end; ) {
    const next = wordEnd(line, at);
    const word = line.slice(at, next);
    if (words.length > 0 && word.charCodeAt(0) === OPENING_BRACKET) setFlag(flags, word.slice(1, -1));
    else if (word !== '' && !word.includes('=')) words.push(word);
    at = next + 1;
  }
  const hasFamily = words[0] === 'ipv4' || words[0] === 'ipv6';
  if (hasFamily) words.splice(0, numberIn(words[1]) === undefined ? 1 : 2);
  const number = protocolOf(words);
  const protocol = number === undefined ? undefined : protocolName(number);
  if (number === undefined || protocol === undefined) return undefined;

  const timeoutSeconds = words[0] === undefined ? undefined : remaining(words[0]);
  if (timeoutSeconds !== undefined) words.shift();
  const state = words.shift();
  if (words.length > 0 || (state !== undefined && !isStateName(state))) return undefined;
  return { protocol, protocolNumber: number, timeoutSeconds, state, flags };
}

/**
 * Takes the protocol's name and number off the words, and returns the number. Where a number is another than the name’s own, and no timeout
 * comes after it, it is the timeout, and the name tells the number.
 */
function protocolOf(words: string[]): number | undefined {
  const [name = '', printed] = words.splice(0, 2);
  const own = protocolNumber(name);
  const number = numberIn(printed);
  const isTimeout = own !== undefined && number !== own && remaining(words[0] ?? '') === undefined;
  if (number !== undefined && !isTimeout) return number;
  if (printed !== undefined) words.unshift(printed);
  return own;
}

/** The number of a protocol, of layer 3 or 4. */
function numberIn(word: string | undefined): number | undefined {
  return decimal(word, 255);
}

/** Seconds that remain. 2.6 prints a timer that is due but has not run yet as `-1`: nothing remains. */
function remaining(word: string): number | undefined {
  const late = word.charCodeAt(0) === MINUS;
  const seconds = decimalAt(word, late ? 1 : 0, word.length);
  return late && seconds !== undefined ? 0 : seconds;
}

/** Everything from the first `src=`. Words without a `=` are skipped: labels and security contexts can hold blanks. */
function parseTuples(line: string, start: number, head: Head): TableRow | undefined {
  const original = tupleOf('', '');
  const reply = tupleOf('', '');
  const { flags } = head;
  const row: TableRow = {
    family: 'ipv4',
    protocol: head.protocol,
    protocolNumber: head.protocolNumber,
    timeoutSeconds: head.timeoutSeconds,
    state: head.state,
    flag: 'no flag',
    original,
    reply,
    mark: undefined,
    zone: undefined,
    zoneOrig: undefined,
    zoneReply: undefined,
    deltaTimeSeconds: undefined,
    use: undefined,
    helper: undefined,
  };
  let tuple: Tuple | undefined;
  for (let at = start; at < line.length; ) {
    if (line.charCodeAt(at) === OPENING_BRACKET) {
      const close = line.indexOf(']', at);
      if (close === -1) return undefined;
      setFlag(flags, line.slice(at + 1, close));
      at = close + 1;
      continue;
    }
    let equals = at;
    while (equals < line.length && isNameCharacter(line.charCodeAt(equals))) equals++;
    const end = wordEnd(line, equals);
    if (line.charCodeAt(equals) === EQUALS) {
      const key = line.slice(at, equals);
      if (key === 'src') {
        if (tuple === reply) return undefined;
        tuple = tuple === undefined ? original : reply;
      }
      if (tuple === undefined || !setColumn(row, tuple, key, line, equals + 1, end)) return undefined;
    }
    at = end + 1;
  }
  if (!isComplete(original) || !isComplete(reply) || !haveSameEnds(original, reply)) return undefined;
  row.family = original.src.includes(':') ? 'ipv6' : 'ipv4';
  row.flag = tellingFlag(flags);
  return row;
}

/** Names of columns are small letters and dashes. */
function isNameCharacter(code: number): boolean {
  return (code >= LETTER_A && code <= LETTER_Z) || code === MINUS;
}

/** Where the word that starts or goes on at `at` ends. */
function wordEnd(line: string, at: number): number {
  const blank = line.indexOf(' ', at);
  return blank === -1 ? line.length : blank;
}

/** `[start=Sat Nov 22 20:11:00 2025]` and whatever a later version puts in brackets is passed over. */
function setFlag(flags: Parameters<typeof tellingFlag>[0], name: string): void {
  if (name === 'ASSURED') flags.assured = true;
  else if (name === 'UNREPLIED') flags.unreplied = true;
  else if (name === 'OFFLOAD') flags.offload = true;
  else if (name === 'HW_OFFLOAD') flags.hardware = true;
}

/** Stores the value `line[start, end)` of a named column; false where it is not what that column can hold. */
function setColumn(row: TableRow, tuple: Tuple, key: string, line: string, start: number, end: number): boolean {
  switch (key) {
    case 'src':
      if (tuple.src !== '') return false;
      tuple.src = canonicalAddress(line.slice(start, end)) ?? '';
      return tuple.src !== '';
    case 'dst':
      if (tuple.dst !== '') return false;
      tuple.dst = canonicalAddress(line.slice(start, end)) ?? '';
      return tuple.dst !== '';
    case 'sport':
      tuple.sport = decimalAt(line, start, end, 0xffff);
      return tuple.sport !== undefined;
    case 'dport':
      tuple.dport = decimalAt(line, start, end, 0xffff);
      return tuple.dport !== undefined;
    case 'mark':
      row.mark = decimalAt(line, start, end, 0xffffffff);
      return row.mark !== undefined;
    case 'zone':
      row.zone = decimalAt(line, start, end, 0xffff);
      return row.zone !== undefined;
    case 'use':
      row.use = decimalAt(line, start, end);
      return row.use !== undefined;
    case 'packets':
      tuple.packets = decimalAt(line, start, end);
      return tuple.packets !== undefined;
    case 'bytes':
      tuple.bytes = decimalAt(line, start, end);
      return tuple.bytes !== undefined;
    case 'delta-time':
      row.deltaTimeSeconds = decimalAt(line, start, end);
      return row.deltaTimeSeconds !== undefined;
    case 'type':
      tuple.type = decimalAt(line, start, end, 0xff);
      return tuple.type !== undefined;
    case 'code':
      tuple.code = decimalAt(line, start, end, 0xff);
      return tuple.code !== undefined;
    case 'id':
      // After the tuples it is the id of the entry (conntrack -o id); in them, after the type, that of an ICMP query
      if (tuple.type === undefined || tuple.id !== undefined) return true;
      tuple.id = decimalAt(line, start, end, 0xffff);
      return tuple.id !== undefined;
    case 'srckey':
      tuple.srckey = hexadecimal(line.slice(start, end));
      return tuple.srckey !== undefined;
    case 'dstkey':
      tuple.dstkey = hexadecimal(line.slice(start, end));
      return tuple.dstkey !== undefined;
    case 'zone-orig':
      row.zoneOrig = decimalAt(line, start, end, 0xffff);
      return row.zoneOrig !== undefined;
    case 'zone-reply':
      row.zoneReply = decimalAt(line, start, end, 0xffff);
      return row.zoneReply !== undefined;
    case 'helper':
      row.helper = line.slice(start, end);
      return true;
    default:
      return true;
  }
}

function isComplete(tuple: Tuple): boolean {
  return tuple.src !== '' && tuple.dst !== '' && tuple.src.includes(':') === tuple.dst.includes(':');
}
