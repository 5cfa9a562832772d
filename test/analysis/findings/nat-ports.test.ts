import { countersText, gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const COUNTERS = 'proc/net/stat/nf_conntrack';
const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';

/** A client behind NAT, as 6.18 prints it when many that use the same port are translated to one address. */
const translated = (n: number, { nat = '203.0.113.1', target = '198.51.100.5', zone = 0 } = {}) =>
  `ipv4     2 udp      17 599 src=10.77.${(n >> 8) & 255}.${n & 255} dst=${target} sport=5000 dport=53 [UNREPLIED] src=${target} dst=${nat} sport=53 dport=${1024 + n} mark=0 zone=${zone} use=2`;
const ping = (n: number) =>
  `ipv4     2 icmp     1 29 src=10.0.0.9 dst=198.51.100.5 type=8 code=0 id=${n} src=198.51.100.5 dst=203.0.113.1 type=0 code=0 id=${n} mark=0 zone=0 use=2`;
const plain = (n: number) =>
  `ipv4     2 udp      17 29 src=10.0.0.9 dst=198.51.100.5 sport=${1024 + n} dport=53 src=198.51.100.5 dst=10.0.0.9 sport=53 dport=${1024 + n} mark=0 zone=0 use=2`;
/** A service address of a cluster: what is unique is the reply, of the server behind it. */
const balanced = (n: number) =>
  `ipv4     2 tcp      6 100 TIME_WAIT src=10.77.${(n >> 8) & 255}.${n & 255} dst=10.96.0.1 sport=5000 dport=443 src=10.0.1.${n % 2} dst=10.0.0.1 sport=6443 dport=${1024 + n} [ASSURED] mark=0 zone=0 use=2`;

const rows = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => row(n));
const room = { [`${SYSCTL}max`]: 262_144, [`${SYSCTL}count`]: 70_000 };

/** Two readings, between which so many packets were lost. */
const losing = (lost: number, more: { chainTooLong?: number } = {}) => ({
  'proc/uptime': '1000.00 1.00',
  [COUNTERS]: countersText({ entries: 61_000 }),
  'after/proc/uptime': '1004.00 1.00',
  [`after/${COUNTERS}`]: countersText({
    entries: 61_000,
    drop: lost,
    insertFailed: lost + (more.chainTooLong ?? 0),
    found: 250 * lost,
    ...more,
  }),
});

const onOne = await tableOf(rows(61_220, (n) => translated(n)));
const onFour = await tableOf(rows(61_220, (n) => translated(n, { nat: `203.0.113.${n % 4}` })));

testRule('nat-ports', [
  {
    when: 'connections fail for want of a port',
    snapshot: gateway({ ...room, ...losing(101) }, onOne),
    severity: 'critical',
    says: '61 220 connections to 198.51.100.5 udp/53 leave from the NAT address 203.0.113.1 and use 95 % of the 64 512 source ports that it has towards that service; within 4 s the kernel dropped 101 packets of new connections though the table had room.',
    from: ['proc/net/nf_conntrack', `after/${COUNTERS}`],
    confidence: 'high',
  },
  {
    when: 'many ports are in use, and nothing is lost',
    snapshot: gateway({ ...room, ...losing(0) }, onOne),
    severity: 'warning',
    says: '61 220 connections to 198.51.100.5 udp/53 leave from the NAT address 203.0.113.1 and use 95 % of the 64 512 source ports that it has towards that service.',
  },
  {
    when: 'what is lost is lost to long hash chains',
    snapshot: gateway({ ...room, ...losing(0, { chainTooLong: 50 }) }, onOne),
    severity: 'warning',
    says: '61 220 connections to 198.51.100.5 udp/53 leave from the NAT address 203.0.113.1 and use 95 % of the 64 512 source ports that it has towards that service.',
  },
  {
    when: 'what is lost may be lost to the limit of the table',
    snapshot: gateway({ ...losing(101), [`${SYSCTL}count`]: 65_500 }, onOne),
    severity: 'warning',
    says: '61 220 connections to 198.51.100.5 udp/53 leave from the NAT address 203.0.113.1 and use 95 % of the 64 512 source ports that it has towards that service.',
  },
  {
    when: 'packets are lost while three in four ports are in use: that is too few to fail',
    snapshot: gateway({ ...room, ...losing(101) }, await tableOf(rows(48_500, (n) => translated(n)))),
    severity: 'warning',
    says: '48 500 connections to 198.51.100.5 udp/53 leave from the NAT address 203.0.113.1 and use 75 % of the 64 512 source ports that it has towards that service.',
  },
  {
    when: 'four addresses, as busy as each other',
    snapshot: gateway({ ...room }, onFour),
    severity: 'ok',
    says: 'Source NAT has ports left: most translated connections go to 198.51.100.5 udp/53, 61 220 connections, which is at most 24 % of the 64 512 source ports that a NAT address has towards one service.',
  },
  {
    when: 'two addresses, of which either may carry one service alone',
    snapshot: gateway(
      { ...room },
      await tableOf([
        ...rows(25_000, (n) => translated(n, { nat: '203.0.113.1' })),
        ...rows(25_000, (n) => translated(n, { nat: '203.0.113.2' })),
        ...rows(30_000, (n) => translated(n, { nat: '203.0.113.1', target: '198.51.100.6' })),
        ...rows(30_000, (n) => translated(n, { nat: '203.0.113.2', target: '198.51.100.7' })),
      ]),
    ),
    severity: 'notice',
    says: '50 000 connections to 198.51.100.5 udp/53 leave from 2 NAT addresses: 39 % of the 64 512 source ports of each if they are spread evenly, up to 78 % of those of one if they are not.',
    confidence: 'low',
  },
  {
    when: 'a second address that cannot carry much of it',
    snapshot: gateway(
      { ...room, ...losing(7) },
      await tableOf([
        ...rows(60_000, (n) => translated(n)),
        ...rows(1000, (n) => translated(n, { nat: '203.0.113.2', target: '198.51.100.6' })),
      ]),
    ),
    severity: 'critical',
    says: '60 000 connections to 198.51.100.5 udp/53 leave from 2 NAT addresses, of which one uses at least 91 % of the 64 512 source ports that it has towards that service; within 4 s the kernel dropped 7 packets of new connections though the table had room.',
    confidence: 'medium',
  },
  {
    when: 'one address, in several zones, which do not share ports',
    snapshot: gateway({ ...room }, await tableOf(rows(61_220, (n) => translated(n, { zone: n % 2 })))),
    severity: 'warning',
    says: '61 220 connections to 198.51.100.5 udp/53 leave from the NAT address 203.0.113.1 and use 95 % of the 64 512 source ports that it has towards that service.',
    confidence: 'medium',
  },
  {
    when: 'the servers behind a service address have the ports once for each',
    snapshot: gateway({ ...room }, await tableOf(rows(60_000, balanced))),
    severity: 'ok',
    says: 'Source NAT has ports left: most translated connections go to 10.0.1.0 tcp/6443, 30 000 connections, which is 47 % of the 64 512 source ports that a NAT address has towards one service.',
  },
  {
    when: 'no source NAT',
    snapshot: gateway({ ...room }, await tableOf(rows(60_000, plain))),
    severity: 'ok',
    says: 'No entry of the table had its source rewritten to reach a service: source ports cannot run out.',
  },
  {
    when: 'only what has no ports is translated',
    snapshot: gateway({ ...room }, await tableOf(rows(60_000, ping))),
    severity: 'ok',
    says: 'No entry of the table had its source rewritten to reach a service: source ports cannot run out.',
  },
  {
    when: 'a part of the table',
    snapshot: gateway({ ...room }, { ...onFour, cut: 'the archive ends early' }),
    severity: 'unknown',
    says: 'the whole connection table',
  },
  { when: 'no table', snapshot: gateway({}), severity: 'unknown', says: 'the connection table' },
]);
