import { gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';
const COUNT = `${SYSCTL}count`;
const ESTABLISHED = `${SYSCTL}tcp_timeout_established`;
const IP_ESTABLISHED = 'proc/sys/net/ipv4/netfilter/ip_conntrack_tcp_timeout_established';

/** Rows of /proc/net/nf_conntrack, each with ports of its own. */
const rows = (count: number, row: (port: number) => string) => Array.from({ length: count }, (_, n) => row(1024 + n));

const ends = (port: number, flag = '') =>
  `src=10.0.0.${port % 250} dst=198.51.100.7 sport=${port} dport=443 src=198.51.100.7 dst=10.0.0.${port % 250} sport=443 dport=${port}${flag} mark=0 zone=0 use=2`;
const established = (remaining: number) => (port: number) =>
  `ipv4     2 tcp      6 ${remaining} ESTABLISHED ${ends(port, ' [ASSURED]')}`;
const pickedUp = (port: number) =>
  `ipv4     2 tcp      6 299 ESTABLISHED src=10.0.0.9 dst=198.51.100.7 sport=${port} dport=443 [UNREPLIED] src=198.51.100.7 dst=10.0.0.9 sport=443 dport=${port} mark=0 zone=0 use=2`;
const offloaded = (port: number) => `ipv4     2 tcp      6 ${ends(port, ' [OFFLOAD]')}`;
const dns = (port: number) => `ipv4     2 udp      17 25 ${ends(port)}`;

/** Idle for a minute, two hours, two days, under the default of five days. */
const [MINUTE, TWO_HOURS, TWO_DAYS] = [432_000 - 60, 432_000 - 7300, 432_000 - 172_800];

/** Five days; the machine has been up for ten. */
const fiveDays = { [ESTABLISHED]: 432_000, 'proc/uptime': '864000.00 1.00' };

/** A line of /proc/net/stat/nf_conntrack of 6.6: so many inserted by ctnetlink. */
const inserted = (insert: number) =>
  `entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n000004b0  00000000 00000000 00000000 00000000 00000000 00000000 00000000 ${insert.toString(16).padStart(8, '0')} 00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000`;

const hoard = [...rows(200, established(TWO_HOURS)), ...rows(600, established(TWO_DAYS)), ...rows(400, dns)];

testRule('idle-hoard', [
  {
    when: 'two thirds of a table with room',
    snapshot: gateway(fiveDays, await tableOf(hoard)),
    severity: 'notice',
    says: '67 % of the table (800 of 1 200 entries) is established TCP that has seen no packet for an hour or more, 600 of them for a day or more: the kernel keeps such an entry for 5 days after its last packet (nf_conntrack_tcp_timeout_established); if it kept them for 2 h 4 min, 600 of these would be gone.',
    from: ['proc/net/nf_conntrack', ESTABLISHED],
    confidence: 'medium',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=7440'],
      verify: ['sysctl net.netfilter.nf_conntrack_tcp_timeout_established'],
      undo: ['sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=432000'],
    },
  },
  {
    when: 'two thirds of a table that is 75 % full',
    snapshot: gateway({ ...fiveDays, [COUNT]: 49_152 }, await tableOf(hoard)),
    severity: 'warning',
    says: '67 % of the table (800 of 1 200 entries) is established TCP that has seen no packet for an hour or more, 600 of them for a day or more: the kernel keeps such an entry for 5 days after its last packet (nf_conntrack_tcp_timeout_established); if it kept them for 2 h 4 min, 600 of these would be gone.',
  },
  {
    when: 'not for a day, on 2.6 with ip_conntrack',
    snapshot: gateway(
      {
        'commands/uname-r': '2.6.18-8.el5',
        [`${SYSCTL}max`]: '',
        'proc/sys/net/ipv4/netfilter/ip_conntrack_max': 65_536,
        [IP_ESTABLISHED]: 432_000,
      },
      await tableOf(rows(1000, established(TWO_HOURS))),
    ),
    severity: 'notice',
    says: '100 % of the table (1 000 of 1 000 entries) is established TCP that has seen no packet for an hour or more: the kernel keeps such an entry for 5 days after its last packet (ip_conntrack_tcp_timeout_established).',
    from: [IP_ESTABLISHED],
    commands: { apply: ['sysctl -w net.ipv4.netfilter.ip_conntrack_tcp_timeout_established=7440'] },
  },
  {
    when: 'the timeout is the default of the version: nothing that could be put back',
    snapshot: gateway({}, await tableOf(rows(1000, established(TWO_DAYS)))),
    severity: 'notice',
    says: '100 % of the table (1 000 of 1 000 entries) is established TCP that has seen no packet for an hour or more, 1 000 of them for a day or more: the kernel keeps such an entry for 5 days after its last packet (nf_conntrack_tcp_timeout_established); if it kept them for 2 h 4 min, 1 000 of these would be gone.',
    confidence: 'medium',
    commands: 'none',
  },
  {
    when: 'loaded by conntrackd',
    snapshot: gateway(
      { ...fiveDays, 'proc/net/stat/nf_conntrack': inserted(1200) },
      await tableOf(rows(1000, established(TWO_DAYS))),
    ),
    severity: 'notice',
    says: '100 % of the table (1 000 of 1 000 entries) is established TCP that has seen no packet for an hour or more, 1 000 of them for a day or more: the kernel keeps such an entry for 5 days after its last packet (nf_conntrack_tcp_timeout_established); if it kept them for 2 h 4 min, 1 000 of these would be gone. But 1 200 entries were put into the table by a program (insert), as conntrackd does, and run on timers that tell nothing of packets seen here.',
    confidence: 'low',
  },
  {
    when: 'before 4.9 every insertion counts in insert',
    snapshot: gateway(
      { ...fiveDays, 'commands/uname-r': '3.10.0', 'proc/net/stat/nf_conntrack': inserted(1200) },
      await tableOf(rows(1000, established(TWO_HOURS))),
    ),
    severity: 'notice',
    says: '100 % of the table (1 000 of 1 000 entries) is established TCP that has seen no packet for an hour or more: the kernel keeps such an entry for 5 days after its last packet (nf_conntrack_tcp_timeout_established).',
    confidence: 'medium',
  },
  {
    when: 'the timeout is as low as it should be',
    snapshot: gateway(
      { ...fiveDays, [ESTABLISHED]: 7440 },
      await tableOf([...rows(700, established(1000)), ...rows(500, dns)]),
    ),
    severity: 'notice',
    says: '58 % of the table (700 of 1 200 entries) is established TCP that has seen no packet for an hour or more, although the timeout is no longer than 2 h 4 min (nf_conntrack_tcp_timeout_established): a lower one would break connections that may be in use.',
    commands: 'none',
  },
  {
    when: '300 s or less to go is not known, and neither are offloaded entries',
    snapshot: gateway(
      fiveDays,
      await tableOf([...rows(400, established(300)), ...rows(400, pickedUp), ...rows(400, offloaded)]),
    ),
    severity: 'ok',
    says: '0 % of the table (0 of 1 200 entries) is established TCP that has seen no packet for an hour or more: no hoard. For how long 1 200 other established entries have been idle cannot be told.',
    confidence: 'medium',
  },
  {
    when: 'more left than the timeout gives: it was lowered, and the entries live out the old one',
    snapshot: gateway({ ...fiveDays, [ESTABLISHED]: 7440 }, await tableOf(rows(1000, established(TWO_DAYS)))),
    severity: 'ok',
    says: '0 % of the table (0 of 1 000 entries) is established TCP that has seen no packet for an hour or more: no hoard. For how long 1 000 other established entries have been idle cannot be told.',
    confidence: 'medium',
  },
  {
    when: 'in use',
    snapshot: gateway(
      fiveDays,
      await tableOf([...rows(1000, established(MINUTE)), ...rows(200, established(TWO_DAYS))]),
    ),
    severity: 'ok',
    says: '17 % of the table (200 of 1 200 entries) is established TCP that has seen no packet for an hour or more: no hoard.',
    confidence: 'high',
  },
  {
    when: 'few rows',
    snapshot: gateway(fiveDays, await tableOf(rows(999, established(TWO_DAYS)))),
    severity: 'ok',
    says: 'The table has only 999 entries, 999 of them established TCP: too few for idle ones to matter.',
  },
  {
    when: 'idle for longer than the machine is up',
    snapshot: gateway({ ...fiveDays, 'proc/uptime': '5000.00 1.00' }, await tableOf(hoard)),
    severity: 'unknown',
    says: 'the timeout that was in force when the established entries saw their last packet',
  },
  {
    when: 'some idle for longer than the machine is up: those are not known',
    snapshot: gateway(
      { ...fiveDays, 'proc/uptime': '86400.00 1.00' },
      await tableOf([...hoard, ...rows(900, established(TWO_HOURS))]),
    ),
    severity: 'notice',
    says: '52 % of the table (1 100 of 2 100 entries) is established TCP that has seen no packet for an hour or more: the kernel keeps such an entry for 5 days after its last packet (nf_conntrack_tcp_timeout_established). For how long 600 other established entries have been idle cannot be told.',
  },
  {
    when: 'a table without its timeout column',
    snapshot: gateway(fiveDays, await tableOf(rows(1000, (port) => `ipv4     2 tcp      6 ESTABLISHED ${ends(port)}`))),
    severity: 'unknown',
    says: 'the timeout column of the table',
  },
  {
    when: 'neither the timeout nor the kernel is known',
    snapshot: gateway(
      { 'commands/uname-r': '', 'proc/slabinfo': '' },
      await tableOf(rows(1000, established(TWO_DAYS))),
    ),
    severity: 'unknown',
    says: 'nf_conntrack_tcp_timeout_established',
  },
  { when: 'no table', snapshot: gateway({}), severity: 'unknown', says: 'the connection table' },
]);
