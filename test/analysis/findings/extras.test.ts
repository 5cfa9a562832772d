import { gateway, snapshotOf, tableOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';
const set = (release: string, values: Record<string, number>) => ({
  'commands/uname-r': release,
  ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`${SYSCTL}${name}`, value])),
});

/** Masqueraded and counted: the answer goes to the gateway’s own address. */
const MASQUERADED =
  'ipv4     2 udp      17 25 src=10.0.0.9 dst=198.51.100.7 sport=40000 dport=53 packets=1 bytes=60 src=198.51.100.7 dst=203.0.113.1 sport=53 dport=40000 packets=1 bytes=90 mark=0 zone=0 use=2';
const PLAIN =
  'ipv4     2 udp      17 25 src=10.0.0.9 dst=198.51.100.7 sport=40001 dport=53 src=198.51.100.7 dst=10.0.0.9 sport=53 dport=40001 mark=0 zone=0 use=2';

testRule('extras', [
  {
    when: 'accounting and time stamps on 6.6',
    snapshot: gateway(set('6.6.30', { acct: 1, timestamp: 1, events: 2 }), await tableOf([MASQUERADED, PLAIN])),
    severity: 'notice',
    says: 'On for every new entry: accounting (nf_conntrack_acct) and time stamps (nf_conntrack_timestamp). Together they cost 128 B for each entry: 125 KiB for 1 000 entries, as now, and 8.00 MiB for a full table of 65 536. Events are automatic (2): entries made while a program listens have them too.',
    from: [`${SYSCTL}acct`, `${SYSCTL}timestamp`, `${SYSCTL}events`, 'proc/net/nf_conntrack'],
    confidence: 'high',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_acct=0', 'sysctl -w net.netfilter.nf_conntrack_timestamp=0'],
      verify: ['sysctl net.netfilter.nf_conntrack_acct net.netfilter.nf_conntrack_timestamp'],
      undo: ['sysctl -w net.netfilter.nf_conntrack_acct=1', 'sysctl -w net.netfilter.nf_conntrack_timestamp=1'],
    },
  },
  {
    when: 'events always on, where automatic would do',
    snapshot: gateway(set('6.6.30', { acct: 0, timestamp: 0, events: 1 })),
    severity: 'notice',
    says: 'On for every new entry: events (nf_conntrack_events). That costs 128 B for each entry: 125 KiB for 1 000 entries, as now, and 8.00 MiB for a full table of 65 536.',
    commands: { apply: ['sysctl -w net.netfilter.nf_conntrack_events=2'] },
  },
  {
    when: 'events as is the default of 5.15',
    snapshot: gateway(set('5.15.0-76-generic', { acct: 0, timestamp: 0, events: 1 })),
    severity: 'notice',
    says: 'On for every new entry: events (nf_conntrack_events). That costs 128 B for each entry: 125 KiB for 1 000 entries, as now, and 8.00 MiB for a full table of 65 536. Events are on by default on this kernel.',
    commands: 'none',
  },
  {
    when: 'accounting on 4.4, where it has room of its own, and NAT',
    snapshot: gateway(set('4.4.302', { acct: 1, events: 1 }), await tableOf([MASQUERADED])),
    severity: 'notice',
    says: 'On for every new entry: accounting (nf_conntrack_acct) and events (nf_conntrack_events). That costs at least 64 B for each entry: 62.5 KiB for 1 000 entries, as now, and 4.00 MiB for a full table of 65 536. Events are on by default on this kernel. With NAT loaded, this kernel extends every entry in any case.',
    commands: { apply: ['sysctl -w net.netfilter.nf_conntrack_acct=0'] },
  },
  {
    when: 'no limit, so that there is no full table',
    snapshot: gateway({ ...set('6.6.30', { acct: 1, events: 0 }), [`${SYSCTL}max`]: 0 }),
    severity: 'notice',
    says: 'On for every new entry: accounting (nf_conntrack_acct). That costs 128 B for each entry: 125 KiB for 1 000 entries, as now.',
  },
  {
    when: 'a kernel that is not known: no price',
    snapshot: snapshotOf({ [`${SYSCTL}acct`]: 1, [`${SYSCTL}count`]: 1000 }),
    severity: 'notice',
    says: 'On for every new entry: accounting (nf_conntrack_acct).',
  },
  {
    when: 'all off, and a source rewritten',
    snapshot: gateway(set('6.6.30', { acct: 0, timestamp: 0, events: 0 }), await tableOf([MASQUERADED, PLAIN])),
    severity: 'ok',
    says: 'Accounting and time stamps are off, and so are events. 1 entry has counters still, from when accounting was on. 1 entry has a rewritten source: if that is masquerading, and not SNAT to a given address, each has an extension all the same.',
  },
  {
    when: 'events automatic',
    snapshot: gateway(set('6.6.30', { acct: 0, timestamp: 0, events: 2 }), await tableOf([PLAIN])),
    severity: 'ok',
    says: 'Accounting and time stamps are off, and events automatic (2): on only while a program listens.',
    confidence: 'high',
  },
  {
    when: 'all off, and NAT loaded on 3.10',
    snapshot: gateway(set('3.10.0-1160.el7.x86_64', { acct: 0, events: 0 }), await tableOf([MASQUERADED])),
    severity: 'ok',
    says: 'Accounting and time stamps are off, and so are events. 1 entry has counters still, from when accounting was on. 1 entry has a rewritten source: with NAT loaded, this kernel extends every entry in any case.',
  },
  {
    when: '2.6.18 has no extensions',
    snapshot: gateway({ 'commands/uname-r': '2.6.18-8.el5' }),
    severity: 'ok',
    says: 'This kernel keeps all that it knows of a connection in the entry itself: nothing is allocated beside it.',
  },
  { when: 'not captured', snapshot: gateway({}), severity: 'unknown', says: 'nf_conntrack_acct' },
]);
