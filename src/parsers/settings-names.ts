/**
 * Names of conntrack's sysctls, as the kernel registered them over time:
 * - `net/netfilter/nf_conntrack_*`: nf_conntrack_standalone.c, 2.6.15 until today;
 * - `net/nf_conntrack_max`: the same variable again, in the first network namespace only;
 * - `net/ipv4/netfilter/ip_conntrack_*`: ip_conntrack of 2.6, then kept for compatibility until 4.4;
 * - `net/ipv4/ip_conntrack_max`: the only one of 2.4, an alias in 2.6.
 */

const names = [
  /^net\/netfilter\/nf_conntrack_(\w+)$/,
  /^net\/nf_conntrack_(max)$/,
  /^net\/ipv4\/netfilter\/ip_conntrack_(\w+)$/,
  /^net\/ipv4\/ip_conntrack_(max)$/,
  // Not conntrack's, but they decide how many "table full" messages reach the log.
  /^net\/core\/(message_(?:burst|cost))$/,
];

/** The setting that a path in a bundle holds, without prefix: `max`, `count`, `tcp_timeout_established`. */
export function settingName(path: string): string | undefined {
  const key = keyOfPath(path);
  for (const name of names) {
    const setting = name.exec(key)?.[1];
    if (setting !== undefined) return setting;
  }
  return undefined;
}

/** The same for a key of sysctl.conf(5), with dots or slashes, and perhaps a `-` in front. */
export function settingNameOfKey(key: string): string | undefined {
  return settingName(sysctlKey(key).replaceAll('.', '/'));
}

/** A key of sysctl.conf(5) with dots between its parts; whichever separator comes first is the one that separates. */
export function sysctlKey(key: string): string {
  const bare = key.replace(/^-/, '').trim();
  if (/^[^./]*\//.test(bare)) return bare.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/'));
  return bare;
}

/** Below `proc/sys/` of the host, of a reading in a series, or of the end. */
function keyOfPath(path: string): string {
  return path.replace(/^(?:.*\/)?proc\/sys\//, '').replace(/^\//, '');
}
