import { gateway, snapshotOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';

/** Settings of a gateway, by their names without what is in front. */
const set = (values: Record<string, number>, release = '6.6.30') =>
  gateway({
    'commands/uname-r': release,
    ...Object.fromEntries(Object.entries(values).map(([name, seconds]) => [`${SYSCTL}${name}`, seconds])),
  });

/** As 6.18 prints them when nobody set any. */
const DEFAULTS = {
  generic_timeout: 600,
  gre_timeout: 30,
  gre_timeout_stream: 180,
  icmp_timeout: 30,
  icmpv6_timeout: 30,
  sctp_timeout_closed: 10,
  sctp_timeout_cookie_echoed: 3,
  sctp_timeout_cookie_wait: 3,
  sctp_timeout_established: 210,
  sctp_timeout_heartbeat_sent: 30,
  sctp_timeout_shutdown_ack_sent: 3,
  sctp_timeout_shutdown_recd: 3,
  sctp_timeout_shutdown_sent: 3,
  tcp_timeout_close: 10,
  tcp_timeout_close_wait: 60,
  tcp_timeout_established: 432_000,
  tcp_timeout_fin_wait: 120,
  tcp_timeout_last_ack: 30,
  tcp_timeout_max_retrans: 300,
  tcp_timeout_syn_recv: 60,
  tcp_timeout_syn_sent: 120,
  tcp_timeout_time_wait: 120,
  tcp_timeout_unacknowledged: 300,
  udp_timeout: 30,
  udp_timeout_stream: 120,
};

/** What older kernels have instead; the sysctl shows 300 ms as 0. */
const OLD = {
  ...DEFAULTS,
  sctp_timeout_established: 432_000,
  sctp_timeout_heartbeat_acked: 210,
  sctp_timeout_shutdown_recd: 0,
  sctp_timeout_shutdown_sent: 0,
  udp_timeout_stream: 180,
  dccp_timeout_request: 240,
  dccp_timeout_respond: 480,
  dccp_timeout_partopen: 480,
  dccp_timeout_open: 43_200,
  dccp_timeout_closereq: 64,
  dccp_timeout_closing: 64,
  dccp_timeout_timewait: 240,
};

testRule('timeouts', [
  {
    when: 'a table that is nearly full is not filled by longer ones',
    snapshot: gateway({
      [`${SYSCTL}count`]: 60_000,
      [`${SYSCTL}udp_timeout`]: 10,
      [`${SYSCTL}tcp_timeout_time_wait`]: 600,
    }),
    severity: 'notice',
    says: '2 timeouts are far from the kernel’s defaults, in seconds (default in brackets): tcp_timeout_time_wait 600 (120) and udp_timeout 10 (30).',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_time_wait=120'],
      undo: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_time_wait=600'],
    },
  },
  {
    when: 'established TCP that is cut short, in a table that is nearly full',
    snapshot: gateway({ [`${SYSCTL}count`]: 60_000, [`${SYSCTL}tcp_timeout_established`]: 600 }),
    severity: 'warning',
    says: 'Established TCP is kept for only 600 s after its last packet (nf_conntrack_tcp_timeout_established), less than the 7440 s (2 h 4 min) that RFC 5382 asks for: connections that are silent for longer lose their entry, and behind NAT they break.',
    commands: 'none',
  },
  {
    when: 'established below RFC 5382, and something else far off',
    snapshot: set({ ...DEFAULTS, tcp_timeout_established: 1200, generic_timeout: 60 }),
    severity: 'warning',
    says: 'Established TCP is kept for only 1 200 s after its last packet (nf_conntrack_tcp_timeout_established), less than the 7440 s (2 h 4 min) that RFC 5382 asks for: connections that are silent for longer lose their entry, and behind NAT they break. Besides, these timeouts are far from the kernel’s defaults, in seconds (default in brackets): generic_timeout 60 (600).',
    from: [`${SYSCTL}tcp_timeout_established`, `${SYSCTL}generic_timeout`],
    confidence: 'high',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=7440'],
      verify: ['sysctl net.netfilter.nf_conntrack_tcp_timeout_established'],
      undo: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=1200'],
    },
  },
  {
    when: 'a second below RFC 5382',
    snapshot: set({ ...DEFAULTS, tcp_timeout_established: 7439 }),
    severity: 'warning',
    says: 'Established TCP is kept for only 7 439 s after its last packet (nf_conntrack_tcp_timeout_established), less than the 7440 s (2 h 4 min) that RFC 5382 asks for: connections that are silent for longer lose their entry, and behind NAT they break.',
  },
  {
    when: 'just what RFC 5382 asks for',
    snapshot: set({ ...DEFAULTS, tcp_timeout_established: 7440 }),
    severity: 'ok',
    says: 'Of 25 captured timeouts none is far from the kernel’s default; established TCP is kept for 2 h 4 min after its last packet.',
  },
  {
    when: 'kube-proxy',
    snapshot: set({ ...DEFAULTS, tcp_timeout_established: 86_400, tcp_timeout_close_wait: 3600 }),
    severity: 'notice',
    says: 'Two timeouts are as kube-proxy sets them: tcp_timeout_established is 86400 s (the kernel’s default is 432000 s) and tcp_timeout_close_wait is 3600 s (60 s).',
    from: [`${SYSCTL}tcp_timeout_established`, `${SYSCTL}tcp_timeout_close_wait`],
    confidence: 'medium',
    commands: 'none',
  },
  {
    when: 'too long, and UDP too short',
    snapshot: set({ ...DEFAULTS, tcp_timeout_close_wait: 3600, udp_timeout: 60, udp_timeout_stream: 90 }),
    severity: 'notice',
    says: '3 timeouts are far from the kernel’s defaults, in seconds (default in brackets): tcp_timeout_close_wait 3600 (60), udp_timeout 60 (30) and udp_timeout_stream 90 (120). Less than 120 s for udp_timeout_stream is below the two minutes that RFC 4787 asks for.',
    commands: {
      apply: [
        'sysctl -w net.netfilter.nf_conntrack_tcp_timeout_close_wait=60',
        'sysctl -w net.netfilter.nf_conntrack_udp_timeout=30',
        'sysctl -w net.netfilter.nf_conntrack_udp_timeout_stream=120',
      ],
    },
  },
  {
    when: 'SCTP for five days from 6.8 on',
    snapshot: set({ ...DEFAULTS, sctp_timeout_established: 432_000 }, '6.8.0'),
    severity: 'notice',
    says: '1 timeout is far from the kernel’s defaults, in seconds (default in brackets): sctp_timeout_established 432000 (210).',
  },
  {
    when: 'the defaults of 6.18',
    snapshot: set(DEFAULTS, '6.18.2'),
    severity: 'ok',
    says: 'Of 25 captured timeouts none is far from the kernel’s default; established TCP is kept for 5 days after its last packet.',
    confidence: 'high',
  },
  {
    when: 'the defaults of 4.18',
    snapshot: set(OLD, '4.18.0-147.el8.x86_64'),
    severity: 'ok',
    says: 'Of 33 captured timeouts none is far from the kernel’s default; established TCP is kept for 5 days after its last packet.',
  },
  {
    when: 'a stable kernel that took the new SCTP timeouts over',
    snapshot: set({ ...DEFAULTS, tcp_timeout_established: 86_400 }, '5.15.190'),
    severity: 'ok',
    says: 'Of 25 captured timeouts none is far from the kernel’s default; established TCP is kept for 24 h after its last packet.',
  },
  {
    when: 'a kernel that is not known',
    snapshot: snapshotOf({ [`${SYSCTL}udp_timeout_stream`]: 180, [`${SYSCTL}sctp_timeout_established`]: 432_000 }),
    severity: 'ok',
    says: 'Of 2 captured timeouts none is far from the kernel’s default.',
  },
  {
    when: '2.4',
    snapshot: snapshotOf({ 'commands/uname-r': '2.4.32', 'proc/sys/net/ipv4/ip_conntrack_max': 65_536 }),
    severity: 'ok',
    says: 'This kernel has its timeouts fixed in its code: it has no settings for them.',
    from: ['proc/sys/net/ipv4/ip_conntrack_max'],
  },
  {
    when: 'none captured on 2.4, and no other setting either',
    snapshot: snapshotOf({ 'commands/uname-r': '2.4.32' }),
    severity: 'unknown',
    says: 'the timeouts of connection tracking',
  },
  {
    when: 'none captured',
    snapshot: gateway({}),
    severity: 'unknown',
    says: 'the timeouts of connection tracking',
  },
]);
