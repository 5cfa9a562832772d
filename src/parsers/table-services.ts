/**
 * Counting entries by the service that they were opened to. Five protocols of 65 536 ports each fit into 1.3 MiB, so unlike
 * addresses these counts are always exact.
 */

import type { Tally, TopList } from '../snapshot/types.ts';
import type { TableRow } from './table-entry.ts';
import { concentrationOf, sortTallies } from './table-tally.ts';

const PORTS = 65_536;
const DCCP = 33;
const UDP_LITE = 136;

interface ServiceCounts {
  protocol: string;
  /** By destination port of the original direction; the rest are entries without one. */
  byPort: Uint32Array | undefined;
  withoutPort: number;
}

/** Entries by protocol and destination port of the original direction. */
export class ServiceTally {
  readonly #protocols: (ServiceCounts | undefined)[] = [];

  /** Counts one entry. */
  add(row: TableRow): void {
    let counts = this.#protocols[row.protocolNumber];
    if (counts === undefined) {
      counts = { protocol: row.protocol, byPort: undefined, withoutPort: 0 };
      this.#protocols[row.protocolNumber] = counts;
    }
    const port = servicePort(row);
    if (port === undefined) {
      counts.withoutPort++;
    } else {
      counts.byPort ??= new Uint32Array(PORTS);
      counts.byPort[port] = (counts.byPort[port] ?? 0) + 1;
    }
  }

  /** The `length` largest services: `tcp/443`, `udp/53`; `icmp` and `protocol 50`, which have no ports, by protocol. */
  topList(length: number): TopList {
    const tallies: Tally[] = [];
    for (const counts of this.#protocols) {
      if (counts === undefined) continue;
      if (counts.withoutPort > 0) tallies.push({ key: counts.protocol, entries: counts.withoutPort });
      counts.byPort?.forEach((entries, port) => {
        if (entries > 0) tallies.push({ key: `${counts.protocol}/${port}`, entries });
      });
    }
    sortTallies(tallies);
    return {
      top: tallies.slice(0, length),
      distinct: tallies.length,
      exact: true,
      maxError: 0,
      concentration: concentrationOf(tallies),
    };
  }
}

/** `tcp/443`; `icmp` and `protocol 50`, which have no ports, by protocol. */
export function serviceOf(row: TableRow): string {
  const port = servicePort(row);
  return port === undefined ? row.protocol : `${row.protocol}/${port}`;
}

/**
 * On kernels that do not track DCCP and UDP-Lite the entry has no ports, /proc prints none, and `conntrack -L`, which knows
 * the protocol, prints `sport=0 dport=0`.
 */
function servicePort(row: TableRow): number | undefined {
  const { sport, dport } = row.original;
  const mayBeUntracked = row.protocolNumber === DCCP || row.protocolNumber === UDP_LITE;
  return mayBeUntracked && sport === 0 && dport === 0 ? undefined : dport;
}
