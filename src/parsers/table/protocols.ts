/**
 * Layer-4 protocols under one name each. The number is the authority: where a kernel has no tracker for a protocol,
 * /proc prints `unknown  33` for what `conntrack -L` calls `dccp     33`.
 *
 * Names: `l4proto_name()` in net/netfilter/nf_conntrack_standalone.c, `l4proto2str[]` in libnetfilter_conntrack.
 */

const NAMES: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  47: 'gre',
  58: 'icmpv6',
  132: 'sctp',
  136: 'udplite',
};

const NUMBERS = new Map(Object.entries(NAMES).map(([number, name]) => [name, Number(number)]));

const PROTOCOLS = Array.from({ length: 256 }, (_, number) => NAMES[number] ?? `protocol ${number}`);

/** The canonical name of a protocol number, `protocol 103` where the kernel has none; undefined above 255. */
export function protocolName(number: number): string | undefined {
  return PROTOCOLS[number];
}

/** The number behind a protocol's name, as `conntrack -o save` prints it after `-p`. */
export function protocolNumber(name: string): number | undefined {
  return NUMBERS.get(name);
}
