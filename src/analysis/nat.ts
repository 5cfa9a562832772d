/** Source ports that source NAT uses up, towards the service that most translated connections go to. */
import type { TableSummary } from '../snapshot/types.ts';

/**
 * Ports that an address has towards one service, 1024 to 65535: what a client’s port from 1024 on is translated to where the rule names no
 * range, in every version from 2.4 on (nf_nat_l4proto_unique_tuple() in net/netfilter/nf_nat_core.c, earlier in nf_nat_proto_common.c, in 2.4
 * tcp_unique_tuple()). `ip_local_port_range` has no part in it. Lower ports are translated to lower ports, of which there are 511 below 512
 * and 424 from 600 on; they are not told apart here.
 */
export const NAT_PORTS = 64_512;

/**
 * The share of them from which on connections fail. Since 5.0 the kernel tries at most 128 + 64 + 32 + 16 + 8 ports, in five runs from random places
 * (nf_nat_l4proto_unique_tuple()). Played through, the first failure comes at 78 to 88 % of the ports in use; at 90 % 0.4 % fail, at 95 % 5.5 %, at
 * 98 % 28 %. That is how 6.18 behaved: 66 of 61 286 connections lost on the way to 95 %, 1 259 on the way to 99.6 %.
 */
export const FAILING = 0.8;

/** The service that most translated connections go to. */
export interface BusiestTarget {
  /** `203.0.113.5 tcp/443`. */
  target: string;
  entries: number;
  /** Addresses that sources are translated to, and the one that most are. */
  addresses: number;
  address: string;
  /** Ports towards the target that the address which has most of them in use has at least, and at most. */
  least: number;
  most: number;
}

/**
 * The service that most translated connections go to, of those that are told apart by ports; undefined where no source is translated.
 * The table is not counted by target and address together: with several addresses only bounds are known.
 */
export function busiestTarget(table: Pick<TableSummary, 'natTargets' | 'natAddresses'>): BusiestTarget | undefined {
  const busiest = table.natTargets.top.find(({ key }) => /\/\d+$/.test(key));
  if (!busiest) return undefined;
  const isIPv6 = busiest.key.includes(':');
  const { top, distinct, maxError } = table.natAddresses;
  const ofFamily = top.filter(({ key }) => key.includes(':') === isIPv6);
  const [first] = ofFamily;
  if (!first) return undefined;
  const addresses = distinct - (top.length - ofFamily.length);
  const { entries } = busiest;
  // One address has at least its even share, and no other address can have more than all that it was counted with.
  const others = ofFamily.slice(1).reduce((sum, tally) => sum + tally.entries, 0);
  const areAllListed = ofFamily.length === addresses;
  return {
    target: busiest.key,
    entries,
    addresses,
    address: first.key,
    least: Math.max(Math.ceil(entries / addresses), areAllListed ? entries - others : 0),
    most: Math.min(entries + table.natTargets.maxError, first.entries + maxError),
  };
}
