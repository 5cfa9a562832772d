/**
 * Network address translation, read off the two tuples of an entry. Without it the reply tuple is the original one mirrored;
 * the kernel's own mark of it (IPS_SRC_NAT, IPS_DST_NAT) is printed nowhere.
 */

import type { TableRow } from './table-entry.ts';

/** What of an entry was rewritten: the source, the destination, both, or nothing. */
export type Translation = 'none' | 'source' | 'destination' | 'both';

/**
 * Which end of an entry was rewritten, by address, by port, by the id of an ICMP query or by GRE key. The type of an ICMP
 * query differs from that of its reply by nature and does not count. The kernel rewrites an id with the source only
 * (`icmp_unique_tuple()` in net/netfilter/nf_nat_core.c).
 */
export function translationOf(row: TableRow): Translation {
  const { original, reply } = row;
  const source =
    reply.dst !== original.src ||
    reply.dport !== original.sport ||
    reply.dstkey !== original.srckey ||
    (reply.id !== undefined && reply.id !== original.id);
  const destination = reply.src !== original.dst || reply.sport !== original.dport || reply.srckey !== original.dstkey;
  if (source) return destination ? 'both' : 'source';
  return destination ? 'destination' : 'none';
}
