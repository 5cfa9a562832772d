import { gateway, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const FULLER = { 'proc/sys/net/netfilter/nf_conntrack_count': 49_152 };

interface Row {
  protocol?: 'tcp' | 'udp';
  state?: string;
  unreplied?: boolean;
  src: string;
  dst: string;
  sport?: number;
  dport: number;
}

/** A row of /proc/net/nf_conntrack. */
function print({
  protocol = 'tcp',
  state = 'ESTABLISHED',
  unreplied = false,
  src,
  dst,
  sport = 40_000,
  dport,
}: Row): string {
  const timer = protocol === 'tcp' ? `6 50 ${state}` : '17 25';
  return `ipv4     2 ${protocol}      ${timer} src=${src} dst=${dst} sport=${sport} dport=${dport}${unreplied ? ' [UNREPLIED]' : ''} src=${dst} dst=${src} sport=${dport} dport=${sport}${unreplied ? '' : ' [ASSURED]'} mark=0 zone=0 use=2`;
}

const rows = (count: number, row: (n: number) => Row) => Array.from({ length: count }, (_, n) => print(row(n)));

const host = (n: number) => `${n % 250}.${Math.floor(n / 250) + 1}`;
/** Many clients of many servers, no two in one network. */
const clients = (count: number) =>
  rows(count, (n) => ({ src: `10.${host(n)}.5`, dst: `192.0.${host(n)}`, dport: 443 }));
const NINE = '10.77.0.9';
const SEVEN = '198.51.100.7';

/** A source with a service, in a table that the last case says was not counted exactly. */
const busy = await tableOf([
  ...rows(600, (n) => ({ src: NINE, dst: `192.0.${host(n)}`, dport: 1 + n, state: 'SYN_SENT', unreplied: true })),
  ...clients(100),
  ...rows(300, (n) => ({
    src: `10.${host(n)}.6`,
    dst: `192.1.${host(n)}`,
    dport: 53,
    protocol: 'udp',
    unreplied: true,
  })),
]);

testRule('concentration', [
  {
    when: 'a port scan of one host, in a table that is 75 % full',
    snapshot: gateway(
      FULLER,
      await tableOf([
        ...rows(1140, (n) => ({ src: NINE, dst: SEVEN, dport: 1 + n, state: 'SYN_SENT', unreplied: true })),
        ...clients(60),
      ]),
    ),
    severity: 'warning',
    says: 'The source 10.77.0.9 holds 95 % of the table (1 140 of 1 200 entries), for 1 140 services (ports) or more, nearly all of 198.51.100.7; 1 080 or more of them never saw an answer: it looks like a port scan.',
    from: ['proc/net/nf_conntrack'],
    confidence: 'medium',
    commands: 'none',
  },
  {
    when: 'many ports of many hosts, without answers',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(900, (n) => ({ src: NINE, dst: `192.0.${host(n)}`, dport: 1 + n, protocol: 'udp', unreplied: true })),
        ...clients(100),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 90 % of the table (900 of 1 000 entries), for 900 services (ports) or more; 800 or more of them never saw an answer: it looks like a scan, or peer-to-peer software.',
    confidence: 'low',
  },
  {
    when: 'one port of many hosts, without answers, beside as much UDP that is answered',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(500, (n) => ({ src: NINE, dst: `192.0.${host(n)}`, dport: 22, state: 'SYN_SENT', unreplied: true })),
        ...rows(500, (n) => ({ src: `10.${host(n)}.5`, dst: `192.1.${host(n)}`, dport: 443, protocol: 'udp' })),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 50 % of the table (500 of 1 000 entries), nearly all for tcp/22 at 500 destinations or more; 500 or more of them never saw an answer: it looks like a scan for that service.',
    confidence: 'medium',
  },
  {
    when: 'one port of one host, without answers',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(980, (n) => ({
          src: NINE,
          dst: SEVEN,
          sport: 1024 + n,
          dport: 80,
          state: 'SYN_SENT',
          unreplied: true,
        })),
        ...clients(20),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 98 % of the table (980 of 1 000 entries), nearly all for tcp/80 at 198.51.100.7; 960 or more of them never saw an answer: a flood, or a client of something that does not respond.',
    confidence: 'low',
  },
  {
    when: 'a quarter, and as many unanswered entries as would fit, but not for certain its own',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(400, (n) => ({ src: NINE, dst: `192.0.${host(n)}`, dport: 1 + n, state: 'SYN_SENT', unreplied: true })),
        ...clients(600),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 40 % of the table (400 of 1 000 entries): one busy machine, one that scans, or a NAT or proxy with many behind it; the table does not tell which.',
  },
  {
    when: 'a resolver',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(600, (n) => ({ src: NINE, dst: `192.0.${host(n % 40)}`, sport: 1024 + n, dport: 53, protocol: 'udp' })),
        ...clients(400),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 60 % of the table (600 of 1 000 entries), nearly all for DNS (udp/53): a resolver or forwarder, each of whose queries makes an entry.',
    confidence: 'medium',
  },
  {
    when: 'a connection for each request',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(960, (n) => ({ src: NINE, dst: SEVEN, sport: 1024 + n, dport: 8080, state: 'TIME_WAIT' })),
        ...clients(40),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 96 % of the table (960 of 1 000 entries), nearly all for tcp/8080 at 198.51.100.7; 920 or more of them are closed already: a client that makes a connection for each request, as health checks, monitoring and some proxies do.',
  },
  {
    when: 'one service, and connections that last, in a table without a limit',
    snapshot: gateway(
      { 'proc/sys/net/netfilter/nf_conntrack_max': 0 },
      await tableOf([
        ...rows(600, (n) => ({ src: NINE, dst: `192.0.${host(n)}`, sport: 1024 + n, dport: 443 })),
        ...clients(400),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 60 % of the table (600 of 1 000 entries), nearly all for tcp/443: one busy client, or a NAT or proxy with many behind it.',
  },
  {
    when: 'many services, answered',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(600, (n) => ({ src: NINE, dst: `192.0.${host(n)}`, dport: 1 + n })),
        ...rows(400, (n) => ({ src: `10.${host(n)}.5`, dst: `192.1.${host(n)}`, dport: 1 + n })),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 60 % of the table (600 of 1 000 entries), for 600 services (ports) or more, and 600 or more of them were answered: it looks like a NAT or proxy with many users behind it, or peer-to-peer software.',
  },
  {
    when: 'a few services, answered',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(400, (n) => ({ src: NINE, dst: `192.0.${host(n)}`, dport: n % 2 ? 80 : 443 })),
        ...clients(600),
      ]),
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds 40 % of the table (400 of 1 000 entries): one busy machine, or a NAT or proxy with many behind it; the table does not tell which.',
  },
  {
    when: 'its own loopback',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(600, (n) => ({ src: '127.0.0.1', dst: '127.0.0.1', sport: 1024 + n, dport: 9000, state: 'TIME_WAIT' })),
        ...clients(400),
      ]),
    ),
    severity: 'notice',
    says: 'The loopback address 127.0.0.1 holds 60 % of the table (600 of 1 000 entries): connections between programs of this machine.',
  },
  {
    when: 'a public network',
    snapshot: gateway(
      {},
      await tableOf([
        ...rows(500, (n) => ({ src: `203.0.113.${n % 250}`, dst: `192.0.${host(n)}`, sport: 1024 + n, dport: 443 })),
        ...clients(500),
      ]),
    ),
    severity: 'notice',
    says: 'The network 203.0.113.0/24 holds 50 % of the table (500 of 1 000 entries), from 250 sources or more, none of which holds a quarter: clients of one site or provider, or several proxies of one.',
  },
  {
    when: 'a private network whose entries saw no answers, in a table that is 75 % full',
    snapshot: gateway(
      FULLER,
      await tableOf([
        ...rows(950, (n) => ({
          src: `10.9.9.${n % 250}`,
          dst: `192.0.${host(n)}`,
          dport: 445,
          state: 'SYN_SENT',
          unreplied: true,
        })),
        ...clients(50),
      ]),
    ),
    severity: 'warning',
    says: 'The network 10.9.9.0/24 holds 95 % of the table (950 of 1 000 entries), from 238 sources or more, none of which holds a quarter; 900 or more of these entries never saw an answer: a flood or a scan from many machines, forged sources, or clients of something that does not respond.',
  },
  {
    when: 'a server that many use, in a table that is 75 % full',
    snapshot: gateway(
      FULLER,
      await tableOf([
        ...rows(950, (n) => ({ src: `10.${host(n)}.6`, dst: SEVEN, sport: 1024 + n, dport: 443 })),
        ...clients(50),
      ]),
    ),
    severity: 'notice',
    says: 'The destination 198.51.100.7 holds 95 % of the table (950 of 1 000 entries), nearly all for tcp/443, from 950 sources or more, none of which holds a quarter: a server that many use.',
  },
  {
    when: 'a server that does not answer',
    snapshot: gateway(
      FULLER,
      await tableOf([
        ...rows(950, (n) => ({
          src: `10.${host(n)}.6`,
          dst: SEVEN,
          sport: 1024 + n,
          dport: 443,
          state: 'SYN_SENT',
          unreplied: true,
        })),
        ...clients(50),
      ]),
    ),
    severity: 'warning',
    says: 'The destination 198.51.100.7 holds 95 % of the table (950 of 1 000 entries), nearly all for tcp/443, from 950 sources or more, none of which holds a quarter; 900 or more of these entries never saw an answer: it is flooded, or does not respond, or its answers take another way.',
  },
  {
    when: 'a SYN flood that the server answers, with one source that holds a quarter as well',
    snapshot: gateway(
      FULLER,
      await tableOf([
        ...rows(600, (n) => ({ src: `10.${host(n)}.6`, dst: SEVEN, sport: 1024 + n, dport: 443, state: 'SYN_RECV' })),
        ...rows(350, (n) => ({ src: NINE, dst: SEVEN, sport: 1024 + n, dport: 443, state: 'SYN_RECV' })),
        ...clients(50),
      ]),
    ),
    severity: 'warning',
    says: 'The destination 198.51.100.7 holds 95 % of the table (950 of 1 000 entries), nearly all for tcp/443; 900 or more of these entries are TCP in state SYN_RECV, answered but never completed: it looks like a SYN flood.',
    confidence: 'medium',
  },
  {
    when: 'clients of one private network',
    snapshot: gateway(
      {},
      await tableOf(
        rows(1000, (n) => ({ src: `192.168.1.${n % 250}`, dst: `192.0.${host(n)}`, sport: 1024 + n, dport: 443 })),
      ),
    ),
    severity: 'ok',
    says: 'No single address holds a quarter of the table: of 1 000 entries the largest source, 192.168.1.0, holds 0.40 % and the largest destination, 192.0.0.1, 0.10 %; the private network 192.168.1.0/24 holds 100 %, as the clients behind a gateway do.',
    confidence: 'high',
  },
  {
    when: 'nothing that holds a quarter',
    snapshot: gateway({}, await tableOf(clients(1000))),
    severity: 'ok',
    says: 'No single address holds a quarter of the table: of 1 000 entries the largest source, 10.0.1.5, holds 0.10 % and the largest destination, 192.0.0.1, 0.10 %; the largest network, 10.0.1.0/24, holds 0.10 %.',
  },
  {
    when: 'few rows',
    snapshot: gateway({}, await tableOf(rows(999, (n) => ({ src: NINE, dst: SEVEN, sport: 1024 + n, dport: 80 })))),
    severity: 'ok',
    says: 'The table has only 999 entries: too few for the share of one address to matter.',
  },
  {
    when: 'counts that may be too low',
    snapshot: gateway(
      {},
      {
        ...busy,
        sources: { ...busy.sources, exact: false, maxError: 7 },
        pairs: { ...busy.pairs, exact: false, maxError: 7 },
      },
    ),
    severity: 'notice',
    says: 'The source 10.77.0.9 holds at least 60 % of the table (600 of 1 000 entries); 500 or more of them never saw an answer: a flood, a scan, or a client of something that does not respond.',
  },
  {
    when: 'a loopback destination without answers, in a table that is 75 % full',
    snapshot: gateway(
      FULLER,
      await tableOf([
        ...rows(980, (n) => ({
          src: `127.1.${host(n)}`,
          dst: '127.0.0.1',
          dport: 8125,
          protocol: 'udp',
          unreplied: true,
        })),
        ...clients(20),
      ]),
    ),
    severity: 'warning',
    says: 'The loopback address 127.0.0.1 holds 98 % of the table (980 of 1 000 entries): connections between programs of this machine.',
  },
  {
    when: 'loopback of IPv6',
    snapshot: gateway(
      {},
      await tableOf(
        Array.from(
          { length: 1000 },
          (_, n) =>
            `ipv6     10 tcp      6 50 TIME_WAIT src=0000:0000:0000:0000:0000:0000:0000:0001 dst=0000:0000:0000:0000:0000:0000:0000:0001 sport=${1024 + n} dport=9000 src=0000:0000:0000:0000:0000:0000:0000:0001 dst=0000:0000:0000:0000:0000:0000:0000:0001 sport=9000 dport=${1024 + n} [ASSURED] mark=0 zone=0 use=2`,
        ),
      ),
    ),
    severity: 'notice',
    says: 'The loopback address ::1 holds 100 % of the table (1 000 of 1 000 entries): connections between programs of this machine.',
  },
  { when: 'no table', snapshot: gateway({}), severity: 'unknown', says: 'the connection table' },
]);
