import { gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';
const CLOSE_WAIT = `${SYSCTL}tcp_timeout_close_wait`;

const rows = (count: number, row: (port: number) => string) => Array.from({ length: count }, (_, n) => row(1024 + n));

/** Rows of /proc/net/nf_conntrack in a state. */
const tcp = (count: number, state: string, remaining: number, flag: '[ASSURED]' | '[UNREPLIED]' | '' = '[ASSURED]') =>
  rows(count, (port) => {
    const [unreplied, assured] = flag === '[UNREPLIED]' ? [' [UNREPLIED]', ''] : ['', flag && ` ${flag}`];
    return `ipv4     2 tcp      6 ${remaining} ${state} src=10.0.0.9 dst=198.51.100.7 sport=${port} dport=443${unreplied} src=198.51.100.7 dst=10.0.0.9 sport=443 dport=${port}${assured} mark=0 zone=0 use=2`;
  });
const others = (count: number) => tcp(count, 'ESTABLISHED', 431_990);

testRule('closing-states', [
  {
    when: 'CLOSE_WAIT for an hour, as kube-proxy sets it, in a table that is 75 % full',
    snapshot: gateway(
      { [CLOSE_WAIT]: 3600, [`${SYSCTL}count`]: 49_152 },
      await tableOf([...tcp(700, 'CLOSE_WAIT', 1000), ...tcp(100, 'CLOSE_WAIT', 3590), ...others(400)]),
    ),
    severity: 'warning',
    says: '67 % of the table (800 of 1 200 entries) is TCP in state CLOSE_WAIT: one side has closed, which was acknowledged, and the other has not. The timeout of this state is 60 min (nf_conntrack_tcp_timeout_close_wait), against 60 s by default: with that, 700 of these entries would be gone.',
    from: ['proc/net/nf_conntrack', CLOSE_WAIT],
    confidence: 'high',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_close_wait=60'],
      verify: ['sysctl net.netfilter.nf_conntrack_tcp_timeout_close_wait'],
      undo: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_close_wait=3600'],
    },
  },
  {
    when: 'TIME_WAIT and CLOSE_WAIT, by the defaults of the version',
    snapshot: gateway(
      {},
      await tableOf([...tcp(500, 'TIME_WAIT', 100), ...tcp(400, 'CLOSE_WAIT', 30), ...others(100)]),
    ),
    severity: 'notice',
    says: '50 % of the table (500 of 1 000 entries) is TCP in state TIME_WAIT: both sides have closed, as after many short connections. The timeout of this state is 2 min (nf_conntrack_tcp_timeout_time_wait), the kernel’s default. CLOSE_WAIT holds a quarter or more as well.',
  },
  {
    when: 'SYN_SENT, below the default: not to be raised',
    snapshot: gateway(
      { [`${SYSCTL}tcp_timeout_syn_sent`]: 20 },
      await tableOf([...tcp(300, 'SYN_SENT', 15, '[UNREPLIED]'), ...others(900)]),
    ),
    severity: 'notice',
    says: '25 % of the table (300 of 1 200 entries) is TCP in state SYN_SENT: a SYN has passed, and no SYN-ACK. The timeout of this state is 20 s (nf_conntrack_tcp_timeout_syn_sent), against 2 min by default.',
    commands: 'none',
  },
  {
    when: 'SYN_RECV',
    snapshot: gateway({}, await tableOf([...tcp(600, 'SYN_RECV', 50, ''), ...others(600)])),
    severity: 'notice',
    says: '50 % of the table (600 of 1 200 entries) is TCP in state SYN_RECV: a SYN was answered, and the handshake not completed. The timeout of this state is 60 s (nf_conntrack_tcp_timeout_syn_recv), the kernel’s default.',
  },
  {
    when: 'LAST_ACK on 2.6 with ip_conntrack',
    snapshot: gateway(
      {
        'commands/uname-r': '2.6.18-8.el5',
        [`${SYSCTL}max`]: '',
        'proc/sys/net/ipv4/netfilter/ip_conntrack_max': 65_536,
        'proc/sys/net/ipv4/netfilter/ip_conntrack_tcp_timeout_last_ack': 300,
      },
      await tableOf([...tcp(600, 'LAST_ACK', 290), ...others(600)]),
    ),
    severity: 'notice',
    says: '50 % of the table (600 of 1 200 entries) is TCP in state LAST_ACK: a FIN has passed, and its acknowledgement has not. The timeout of this state is 5 min (ip_conntrack_tcp_timeout_last_ack), against 30 s by default.',
    commands: { apply: ['sysctl -w net.ipv4.netfilter.ip_conntrack_tcp_timeout_last_ack=30'] },
  },
  {
    when: 'CLOSE, on a kernel that is not known',
    snapshot: gateway(
      { 'commands/uname-r': '', 'proc/slabinfo': '' },
      await tableOf([...tcp(600, 'CLOSE', 8), ...others(600)]),
    ),
    severity: 'notice',
    says: '50 % of the table (600 of 1 200 entries) is TCP in state CLOSE: the connections were reset (RST).',
  },
  {
    when: 'mostly established, and SCTP is none of TCP’s',
    snapshot: gateway(
      {},
      await tableOf([
        ...tcp(200, 'TIME_WAIT', 100),
        ...others(500),
        ...rows(
          500,
          (port) =>
            `ipv4     2 sctp     132 5 CLOSED src=10.0.0.9 dst=198.51.100.7 sport=${port} dport=5000 src=198.51.100.7 dst=10.0.0.9 sport=5000 dport=${port} mark=0 zone=0 use=2`,
        ),
      ]),
    ),
    severity: 'ok',
    says: 'No TCP state but ESTABLISHED holds a quarter of the table: the largest other is TIME_WAIT with 200 of 1 200 entries (17 %).',
    confidence: 'high',
  },
  {
    when: 'established only',
    snapshot: gateway({}, await tableOf(others(1000))),
    severity: 'ok',
    says: 'Of 1 000 entries none is TCP that is half open, closing or closed.',
  },
  {
    when: 'few rows',
    snapshot: gateway({}, await tableOf(tcp(999, 'TIME_WAIT', 100))),
    severity: 'ok',
    says: 'The table has only 999 entries: too few for the share of a state to matter.',
  },
  { when: 'no table', snapshot: gateway({}), severity: 'unknown', says: 'the connection table' },
]);
