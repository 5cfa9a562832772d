/** Which words can be told from ordinary ones, and in what form they are compared. */

/**
 * Names that no pseudonym takes the place of: words that the files of a capture hold anyway, for another reason, and what a system is
 * called before anybody names it. Replacing them would change what the files say.
 */
const ORDINARY = new Set(
  `localhost localdomain local lan home internal none host hostname node router gateway firewall server linux debian ubuntu openwrt
  fedora centos rocky alma suse opensuse sles rhel redhat alpine arch raspberrypi vyos pfsense kernel root admin user users guest nobody
  tcp udp icmp icmpv6 gre sctp dccp udplite unknown ipv4 ipv6 src dst sport dport type code id mark zone use packets bytes secctx
  labels helper assured unreplied offload established time_wait syn_sent syn_recv close_wait fin_wait last_ack close listen none
  proc sys etc run usr lib var log net netfilter netns nf_conntrack ip_conntrack nf_conntrack_count nf_conntrack_max conntrack stat
  slabinfo meminfo slab module modules parameters commands series after manifest inventory csv format bundle version command_line
  captured absent denied cut failed path source status reason start seconds digest key value pids processes names inode mem swap cached
  dmesg journalctl uname uptime date sysctl modprobe conf options hashsize random table full dropping packet memory cpu smp x86_64
  aarch64 data systeminfo sos_commands networking new old drop insert found searched entries expect example test`.split(
    /\s+/,
  ),
);

const ORDINARY_DOMAINS = new Set([
  'localdomain',
  'local',
  'lan',
  'home',
  'internal',
  'home.arpa',
  'in-addr.arpa',
  'ip6.arpa',
]);

/** The form in which names are compared: as the collector writes a host name, in lower case. */
export function canonicalName(name: string): string {
  return name
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 60)
    .toLowerCase();
}

/** Whether a name is too short, a number, or too ordinary to be told from other words. */
export function isOrdinary(name: string): boolean {
  return name.length < 3 || /^[\d.]+$/.test(name) || ORDINARY.has(name.toLowerCase());
}

/** Whether a domain is everybody's. */
export function isOrdinaryDomain(domain: string): boolean {
  return ORDINARY_DOMAINS.has(domain.toLowerCase());
}
