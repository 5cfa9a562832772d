import { gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const answered = (n: number) =>
  `ipv4     2 udp      17 25 src=10.0.0.${n % 250} dst=198.51.100.7 sport=${1024 + n} dport=53 src=198.51.100.7 dst=10.0.0.${n % 250} sport=53 dport=${1024 + n} mark=0 zone=0 use=2`;
const synSent = (n: number) =>
  `ipv4     2 tcp      6 110 SYN_SENT src=10.0.0.9 dst=198.51.100.7 sport=${1024 + n} dport=22 [UNREPLIED] src=198.51.100.7 dst=10.0.0.9 sport=22 dport=${1024 + n} mark=0 zone=0 use=2`;
const udp = (n: number) =>
  `ipv4     2 udp      17 25 src=10.0.0.9 dst=198.51.100.7 sport=${1024 + n} dport=53 [UNREPLIED] src=198.51.100.7 dst=10.0.0.9 sport=53 dport=${1024 + n} mark=0 zone=0 use=2`;
const pickedUp = (n: number) =>
  `ipv4     2 tcp      6 299 ESTABLISHED src=10.0.0.9 dst=198.51.100.7 sport=${1024 + n} dport=443 [UNREPLIED] src=198.51.100.7 dst=10.0.0.9 sport=443 dport=${1024 + n} mark=0 zone=0 use=2`;

const rows = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => row(n));

testRule('unreplied', [
  {
    when: 'half-open TCP and unanswered UDP',
    snapshot: gateway({}, await tableOf([...rows(300, answered), ...rows(800, synSent), ...rows(100, udp)])),
    severity: 'warning',
    says: '75 % of the table (900 of 1 200 entries) never saw an answer, 800 of them TCP in state SYN_SENT and 100 UDP: a flood, a scan, or a service that does not respond.',
    from: ['proc/net/nf_conntrack'],
  },
  {
    when: 'one direction only',
    snapshot: gateway({}, await tableOf([...rows(300, answered), ...rows(900, pickedUp)])),
    severity: 'warning',
    says: '75 % of the table (900 of 1 200 entries) never saw an answer, and 900 of them are established TCP connections: this machine sees one direction of their traffic only.',
  },
  {
    when: 'mostly answered',
    snapshot: gateway({}, await tableOf([...rows(900, answered), ...rows(300, udp)])),
    severity: 'ok',
    says: '25 % of the table never saw an answer (300 of 1 200 entries): nothing unusual.',
  },
  {
    when: 'too few rows to say so',
    snapshot: gateway({}, await tableOf(rows(10, udp))),
    severity: 'ok',
    says: '10 of only 10 entries never saw an answer: too few to tell a flood by their share.',
  },
  { when: 'no table', snapshot: gateway({}), severity: 'unknown', says: 'the connection table' },
]);
