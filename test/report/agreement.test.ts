/** One report does not contradict itself: what its first page says, against the findings that it prints below. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { renderText } from '../../src/report/text.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import type { Snapshot } from '../../src/snapshot/types.ts';
import { countersText, gateway, tableOf } from '../analysis/snapshot-of.ts';

const plain = (text: string) => text.replace(/[\s\u00a0\u202f]+/g, ' ');
const reported = (snapshot: Snapshot) => plain(renderText(analyse(snapshot, '0')));

async function reportOf(bundle: string): Promise<string> {
  const path = fileURLToPath(new URL(`../fixtures/captures/${bundle}.tar.gz`, import.meta.url));
  return reported(await readSnapshot(path));
}

describe('packets that long chains refused', () => {
  test('count as dropped on the first page too', async () => {
    const text = await reportOf('chains');
    expect(text).toContain('Packets dropped 71: in 5.4 s, 13 / s; 78 since the counters began');
    expect(text).toContain('the kernel dropped 71 packets of new connections (13 / s) because a hash chain');
  });

  test('whose counters were read once', () => {
    const counters = { 'proc/net/stat/nf_conntrack': countersText({ chainTooLong: 59_438, insertFailed: 59_438 }) };
    expect(reported(gateway(counters))).toContain('Packets dropped 59 438: since the counters began');
  });
});

describe('the table of another namespace', () => {
  test('is full: that is the limit, though not this table', async () => {
    const text = await reportOf('other-namespace');
    expect(text).toContain(
      'Not the table of this namespace: no reading shows more than 180 of 2 000 entries (9.0 %). Memory is not',
    );
    expect(text).not.toMatch(/Not the limit|has no “table full” line/);
    expect(text).toContain('Raise the limit from 2 000');
  });
});

describe('memory', () => {
  const slabs = (objects: number) =>
    `slabinfo - version: 2.1\nnf_conntrack ${objects} ${objects} 256 16 1 : tunables 0 0 0 : slabdata ${objects / 16} ${objects / 16} 0`;

  test('low memory of a 32-bit kernel is short, though RAM is not', () => {
    const text = reported(
      gateway({
        'commands/uname-m': 'i686',
        'proc/meminfo': `MemTotal: ${8 * 2 ** 20} kB\nLowTotal: ${860 * 1024} kB`,
        'proc/slabinfo': slabs(1_000_000),
        'proc/sys/net/netfilter/nf_conntrack_max': 2_000_000,
        'proc/sys/net/netfilter/nf_conntrack_count': 1_000_000,
      }),
    );
    expect(text).toMatch(/Warning: memory is short Connection tracking holds 24\d MiB, 2\d % of the low memory, none/);
    expect(text).toMatch(
      /Memory is part of the problem: connection tracking holds 24\d MiB, 2\d % of the low memory, and/,
    );
    expect(text).not.toContain('Memory is not the problem');
  });

  test('a full table would take most of it', () => {
    const text = reported(gateway({ 'proc/sys/net/netfilter/nf_conntrack_max': 20_000_000 }));
    expect(text).toContain('Memory can become the problem: connection tracking holds');
    expect(text).toMatch(/would hold 7\.\d+ GiB \(\d\d %\) with the table full/);
    expect(text).toMatch(/! {1,2}With the table full at its limit of 20 000 000 entries/);
  });
});

describe('a hash table that is too small', () => {
  test('costs what its new buckets cost, and has one length of its chains', async () => {
    const text = await reportOf('few-buckets');
    expect(text).toContain('With the table full: 50.0 MiB, 0.21 % of RAM; 1.98 MiB more than with today’s buckets.');
    expect(text).toContain('with 79.22 links in a chain of its 1 024 buckets on average');
    expect(text).toContain('now the 1 024 buckets hold chains of 79.22 links on average');
  });

  test('only when the table is full', () => {
    const files = { 'commands/uname-r': '5.19.0', 'proc/sys/net/netfilter/nf_conntrack_buckets': 16_384 };
    expect(reported(gateway(files))).toMatch(
      /raise the hash table from 16 384 to 131 072 buckets: in a full table its/,
    );
  });
});

describe('what fills the table', () => {
  const halfOpen = (n: number) =>
    `ipv4     2 tcp      6 50 SYN_RECV src=198.18.${n >> 8}.${n & 255} dst=10.0.0.9 sport=${1024 + n} dport=443 src=10.0.0.9 dst=198.18.${n >> 8}.${n & 255} sport=443 dport=${1024 + n} mark=0 zone=0 use=2`;
  const open = (n: number) =>
    `ipv4     2 tcp      6 431990 ESTABLISHED src=10.0.${n >> 8}.${n & 255} dst=198.51.100.${n & 255} sport=${1024 + n} dport=443 src=198.51.100.${n & 255} dst=10.0.${n >> 8}.${n & 255} sport=443 dport=${1024 + n} [ASSURED] mark=0 zone=0 use=2`;
  const rows = (count: number, row: (n: number) => string) => Array.from({ length: count }, (_, n) => row(n));
  const full = { 'proc/sys/net/netfilter/nf_conntrack_max': 2000, 'proc/sys/net/netfilter/nf_conntrack_count': 2000 };

  test('handshakes that nobody completes: not the limit', async () => {
    const text = reported(gateway(full, await tableOf([...rows(1400, halfOpen), ...rows(600, open)])));
    expect(text).toContain('Critical: unanswered connections fill the table');
    expect(text).toContain('70 % of the table (1 400 of 2 000 entries) is TCP in state SYN_RECV');
    expect(text).toContain('Not the limit: without these entries the table would hold 600 of 2 000 (30 %).');
    expect(text).toContain('Do not raise the limit of 2 000 entries');
  });

  test('too few of them to be the cause, and too many to call it no flood', async () => {
    const text = reported(gateway(full, await tableOf([...rows(700, halfOpen), ...rows(1300, open)])));
    expect(text).toContain('Critical: the limit is reached');
    expect(text).not.toContain('Not a flood');
  });
});

describe('a log that does not say whose table was full', () => {
  test('no more does the verdict', () => {
    const dmesg = '[ 10.1] nf_conntrack: nf_conntrack: table full, dropping packet';
    const text = reported(gateway({ 'commands/dmesg': dmesg }));
    expect(text).toContain('is 1.5 % full now but it, or that of another network namespace, has been at its limit');
    expect(text).toContain('Which namespace’s table it was, this kernel does not say.');
  });
});
