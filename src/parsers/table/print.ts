/** Writes an entry as /proc/net/nf_conntrack would: what other forms are brought into, so that all are counted in one place. */
import { fullAddress } from './address.ts';
import type { RowFlag, TableRow, Tuple } from './entry.ts';

const FLAGS: Record<RowFlag, string> = {
  'no flag': '',
  UNREPLIED: '[UNREPLIED] ',
  ASSURED: '[ASSURED] ',
  OFFLOAD: '[OFFLOAD] ',
  HW_OFFLOAD: '[HW_OFFLOAD] ',
};

/** What a counter of the kernel can hold, and what is written for anything larger. */
const MOST_SECONDS = 0xffffffff;
const MOST_BYTES = 2 ** 63;

/** The line, with its end. The helper is left out. */
export function printRow(row: TableRow): string {
  const timeout = row.timeoutSeconds === undefined ? '' : `${Math.min(row.timeoutSeconds, MOST_SECONDS)} `;
  const state = row.state === undefined ? '' : `${row.state} `;
  const mark = row.mark === undefined ? '' : `mark=${row.mark} `;
  const age = row.deltaTimeSeconds === undefined ? '' : `delta-time=${Math.min(row.deltaTimeSeconds, MOST_SECONDS)} `;
  return (
    `any      ${row.protocolNumber} ${timeout}${state}${printTuple(row.original)}${printTuple(row.reply, row.original)}` +
    `${FLAGS[row.flag]}${mark}${printZone(row)}${age}use=1\n`
  );
}

/** @param query the other direction, whose type, code and id stand for those that the form at hand does not tell */
function printTuple(tuple: Tuple, query: Tuple = tuple): string {
  const { src, dst, sport, dport, srckey, dstkey, packets, bytes } = tuple;
  return (
    `src=${fullAddress(src)} dst=${fullAddress(dst)} ` +
    (sport !== undefined ? `sport=${sport} dport=${dport} ` : '') +
    (query.id !== undefined ? `type=${tuple.type ?? 0} code=${tuple.code ?? 0} id=${tuple.id ?? query.id} ` : '') +
    (srckey !== undefined ? `srckey=0x${srckey.toString(16)} dstkey=0x${dstkey?.toString(16)} ` : '') +
    (packets !== undefined ? `packets=${printCounter(packets)} bytes=${printCounter(bytes)} ` : '')
  );
}

/** A double above 2^53 would be written with an exponent. */
function printCounter(value = 0): string {
  return BigInt(Math.min(value, MOST_BYTES)).toString();
}

function printZone({ zone, zoneOrig, zoneReply }: TableRow): string {
  if (zoneOrig !== undefined) return `zone-orig=${zoneOrig} `;
  if (zoneReply !== undefined) return `zone-reply=${zoneReply} `;
  return zone === undefined ? '' : `zone=${zone} `;
}
