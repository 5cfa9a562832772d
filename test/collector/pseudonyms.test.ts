/** What `--anonymize` replaces and keeps, by itself and in whole runs of the collector. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Analysis } from '../../src/analysis/schema.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import {
  type Bundle,
  fakeTree,
  folder,
  has,
  missing,
  nobody,
  readBundle,
  run,
  script,
  shells,
  test,
  toolFolder,
  withFolders,
} from './harness.ts';
import { awks, compressed, HOST, hextets, hide, inFull, KEY } from './pseudonyms.ts';

const quick = ['--samples', '1', '--interval', '0'];
const here = awks.filter(([, [command]]) => has(command));
const [, first] = here[0] ?? ['', ['awk']];

/** Blocks that an address does not leave, as IANA's registries of special addresses have them. */
const BLOCKS4 = (
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 ' +
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4'
).split(' ');
const BLOCKS6 =
  '::/96 ::ffff:0:0/96 64:ff9b::/96 fc00::/8 fd00::/8 fe80::/64 fe80::/10 ff00::/8 2001::/32 2001::/23 2001:db8::/32 2002::/16 3fff::/16 2000::/3'.split(
    ' ',
  );

function blockOf(address: string): string {
  const type = address.includes(':') ? 'ipv6' : 'ipv4';
  for (const block of type === 'ipv4' ? BLOCKS4 : BLOCKS6) {
    const [net = '', length] = block.split('/');
    const list = new BlockList();
    // A BlockList takes ::ffff:a.b.c.d for the address in it: these are told by their numbers.
    if (block === '::ffff:0:0/96') {
      if (type === 'ipv6' && inFull(hextets(address)).startsWith('0000:0000:0000:0000:0000:ffff:')) return block;
      continue;
    }
    list.addSubnet(net, Number(length), type);
    if (list.check(address, type)) return block;
  }
  return 'public';
}

const STAY = ['0.0.0.0', '127.0.0.1', '255.255.255.255', '::', '::1'];

const byte = fc.integer({ min: 0, max: 255 });
const few = fc.constantFrom(0, 1, 16, 64, 99, 100, 113, 168, 254, 255);
const beginning4 = fc.constantFrom(
  '10',
  '100.64',
  '100.63',
  '127.0',
  '169.254',
  '172.16',
  '172.32',
  '192.0',
  '192.168',
  '203.0',
  '224.0',
  '255.255',
  '8.8',
  '0.0',
);
const address4 = fc.oneof(
  fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join('.')),
  fc
    .tuple(beginning4, fc.oneof(byte, few), fc.oneof(byte, few), fc.oneof(byte, few))
    .map(([start, ...rest]) => [...start.split('.'), ...rest].slice(0, 4).join('.')),
  fc.constantFrom('0.0.0.0', '127.0.0.1', '255.255.255.255'),
);
const hextet = fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 1, 0xffff, 0xdb8));
const beginning6 = fc.constantFrom(
  [],
  [0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0xffff],
  [0x64, 0xff9b, 0, 0, 0, 0],
  [0xfe80, 0, 0, 0],
  [0xfd00],
  [0xfc12],
  [0xff02],
  [0x2001],
  [0x2001, 0],
  [0x2001, 0xdb8, 1, 2],
  [0x2a00, 0x1450, 0x4001, 0x828],
);
const address6 = fc.oneof(
  fc
    .tuple(beginning6, fc.array(hextet, { minLength: 8, maxLength: 8 }))
    .map(([start, rest]) => [...start, ...rest].slice(0, 8)),
  fc.constantFrom(0, 1).map((last) => [0, 0, 0, 0, 0, 0, 0, last]),
);

/** Neighbours stay neighbours, strangers strangers: the pseudonyms of two share a beginning where they do, and only there. */
function expectSameTree(from: string[][], to: string[][], depths: number[]): void {
  for (const depth of depths) {
    const seen = new Map<string, string>();
    for (const [at, parts] of from.entries()) {
      const [before, after] = [parts.slice(0, depth).join(' '), to[at]?.slice(0, depth).join(' ') ?? ''];
      expect(seen.get(before) ?? after).toBe(after);
      seen.set(before, after);
    }
    expect(new Set(seen.values()).size).toBe(seen.size);
  }
}

for (const [name, awk] of awks) {
  const why = missing(awk[0]);
  const text = (lines: string[]) => hide(lines, { mode: 'text', awk });

  describe(`under ${name}`, () => {
    test('IPv4: any addresses stay different, neighbours, and in their blocks', why, () => {
      fc.assert(
        fc.property(fc.uniqueArray(address4, { minLength: 200, maxLength: 200 }), (addresses) => {
          const tokens = text(addresses);
          expect(tokens.map(blockOf)).toEqual(addresses.map(blockOf));
          const parts = (list: string[]) => list.map((address) => address.split('.'));
          expectSameTree(parts(addresses), parts(tokens), [2, 3, 4]);
          for (const [at, address] of addresses.entries()) if (STAY.includes(address)) expect(tokens[at]).toBe(address);
        }),
        { numRuns: 10, endOnFailure: true },
      );
    });

    test('IPv6: the same, in full, compressed and in upper case', why, () => {
      fc.assert(
        fc.property(fc.uniqueArray(address6, { minLength: 100, maxLength: 100, selector: String }), (addresses) => {
          const full = text(addresses.map(inFull));
          expect(full.every((token) => /^[0-9a-f]{4}(?::[0-9a-f]{4}){7}$/.test(token))).toBe(true);
          const numbers = full.map(hextets);
          // One that needs all 39 characters anyway is printed in full.
          const spelled = numbers.map((each, at) =>
            compressed(addresses[at] ?? []).length === 39 ? inFull(each) : compressed(each),
          );
          expect(text(addresses.map(compressed))).toEqual(spelled);
          expect(text(addresses.map(compressed).map((each) => each.toUpperCase()))).toEqual(spelled);
          expect(full.map(blockOf)).toEqual(addresses.map(inFull).map(blockOf));
          const parts = (list: number[][]) => list.map((each) => each.map(String));
          expectSameTree(parts(addresses), parts(numbers), [1, 2, 3, 4, 5, 6, 7, 8]);
          for (const [at, address] of addresses.entries())
            if (STAY.includes(compressed(address))) expect(numbers[at]).toEqual(address);
        }),
        { numRuns: 10, endOnFailure: true },
      );
    });

    test('an IPv4 address in an IPv6 one has the pseudonym that it has alone', why, () => {
      const [alone = ''] = text(['198.18.7.9']);
      const [a = 0, b = 0, c = 0, d = 0] = alone.split('.').map(Number);
      expect(text(['::ffff:198.18.7.9', '::198.18.7.9', '64:ff9b::198.18.7.9', '64:ff9b::c612:709'])).toEqual([
        `::ffff:${alone}`,
        `::${alone}`,
        `64:ff9b::${alone}`,
        `64:ff9b::${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`,
      ]);
      expect(text(['0000:0000:0000:0000:0000:ffff:c612:0709'])).toEqual([
        inFull([0, 0, 0, 0, 0, 0xffff, a * 256 + b, c * 256 + d]),
      ]);
    });

    test('gives what every other awk gives', why, () => {
      const lines = [...corpus(), ...Object.keys(TEXTS)];
      expect(text(lines)).toEqual(hide(lines, { mode: 'text', awk: first }));
      expect(hide(corpus(), { mode: 'table', awk })).toEqual(hide(corpus(), { mode: 'table', awk: first }));
    });

    test('finds addresses and names in any text', why, () => {
      const [v4 = '', v6 = '', other = ''] = text(['10.0.0.1', '2001:db8::1', 'mailhub.example.net']);
      const tokens = {
        v4,
        v6,
        v6full: inFull(hextets(v6)),
        host: text([HOST])[0] ?? '',
        short: text(['gw-west-3'])[0] ?? '',
        other,
      };
      expect(tokens.host).toMatch(/^host-[0-9a-f]{10}\.domain-[0-9a-f]{10}$/);
      expect(tokens.host.startsWith(`${tokens.short}.`)).toBe(true);
      expect(other.split('.')[1]).toBe(tokens.host.split('.')[1]);
      const made = text(Object.keys(TEXTS));
      for (const [at, expected] of Object.values(TEXTS).entries()) {
        const wanted = expected.replace(/\{([a-z]\w+)\}/g, (_, key: keyof typeof tokens) => tokens[key]);
        if (wanted.startsWith('^')) expect(made[at]).toMatch(new RegExp(wanted));
        else expect(made[at]).toBe(wanted);
      }
    });

    test('changes nothing in a row but its addresses, and hides what a cut row begins with', why, () => {
      const rows = corpus();
      const made = hide(rows, { mode: 'table', awk });
      const blank = (line: string) => line.replace(/(src|dst)=[^ ]*/g, '$1=');
      expect(made.map(blank)).toEqual(rows.map(blank));
      for (const [at, line] of rows.entries()) {
        const own = [...line.matchAll(/(?:src|dst)=([^ ]*)/g)].map(([, address = '']) => address);
        expect([...(made[at] ?? '').matchAll(/(?:src|dst)=([^ ]*)/g)].map(([, token]) => token)).toEqual(text(own));
      }
      const cut = 'ipv4     2 tcp      6 300 ESTABLISHED src=192.168.1.7 dst=10.20.3';
      expect(hide([cut], { mode: 'table', awk })[0]).toMatch(/ dst=unreadable-[0-9a-f]{10}$/);
      const odd = 'ipv4 2 tcp 6 1 x.y:z via=10.0.0.1 src=10.0.0.1 dst=10.0.0.2 secctx=a:b:c gw=10.0.0.1 use=1';
      expect(hide([odd], { mode: 'table', awk })[0]).not.toMatch(/10\.0\.0\.[12]/);
    });
  });
}

/** What a text becomes; what begins with ^ is a pattern. */
const TEXTS: Record<string, string> = {
  '14:03:05 2026-11-22T14:03:05+00:00 [12345.678901] 0000:03:00.0 std: a.b':
    '14:03:05 2026-11-22T14:03:05+00:00 [12345.678901] 0000:03:00.0 std: a.b',
  'net.netfilter.nf_conntrack_max = 262144 # 0.5.0 5.10.0-13':
    'net.netfilter.nf_conntrack_max = 262144 # 0.5.0 5.10.0-13',
  'from 10.0.0.1.': 'from {v4}.',
  '10.0.0.1:80->10.0.0.1/24,[2001:db8::1]:443': '{v4}:80->{v4}/24,[{v6}]:443',
  'SRC=10.0.0.1 DST=10.0.0.1 LEN=40 SPT=4000': 'SRC={v4} DST={v4} LEN=40 SPT=4000',
  'SRC=2001:0db8:0000:0000:0000:0000:0000:0001 x': 'SRC={v6full} x',
  'from 2001:DB8::1: bad; fe80::1%eth0': '^from {v6}: bad; fe80::[0-9a-f:]+%eth0$',
  'see 2001:db8:0:0:0:0:0:1, eth0:10.0.0.1': 'see {v6}, eth0:{v4}',
  'MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00 SRC':
    '^MAC=(?!00:11)(?:[0-9a-f]{2}:){6}(?!66:77)(?:[0-9a-f]{2}:){6}08:00 SRC$',
  '00-11-22-33-44-55 enx001122334455 ff:ff:ff:ff:ff:ff':
    '^(?!00-11)[0-9a-f]{2}(-[0-9a-f]{2}){5} enx(?!0011)[0-9a-f]{12} ff:ff:ff:ff:ff:ff$',
  'gw-west-3 GW-WEST-3.example.net, xgw-west-3 /srv/gw-west-3/x': '{short} {host}, xgw-west-3 /srv/{short}/x',
  'at mailhub.example.net or example.network': 'at {other} or example.network',
  'fd000000000000000000000000000001 and 1.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa':
    '^id-[0-9a-f]{10} and unreadable-[0-9a-f]{10}ip6\\.arpa$',
  '1234.10.0.0.1 and 2001:db8:1:2:3:4:5': '^1234\\.(?!10\\.0\\.0\\.0)\\S+ and unreadable-[0-9a-f]{10}$',
  '300.1.2 1.2.3': '300.1.2 1.2.3',
};

/** Rows as kernels and conntrack(8) print them, with addresses of every kind. */
function corpus(): string[] {
  const addresses = [
    '10.20.0.5',
    '203.0.113.9',
    '8.8.8.8',
    '192.168.1.1',
    '100.64.7.7',
    '127.0.0.1',
    '224.0.0.251',
    '255.255.255.255',
    '0.0.0.0',
  ];
  const six = [
    '2001:db8::5',
    '2a00:1450:4001:828::200e',
    'fd00:1::7',
    'fe80::211:22ff:fe33:4455',
    'ff02::fb',
    '::1',
    '::ffff:10.20.0.5',
  ];
  const row = (family: string, a: string, b: string, c: string) => [
    `${family} tcp      6 431999 ESTABLISHED src=${a} dst=${b} sport=33000 dport=443 packets=10 bytes=4000 src=${b} dst=${c} sport=443 dport=33000 packets=8 bytes=9000 [ASSURED] mark=0 secctx=system_u:object_r:unlabeled_t:s0 zone=0 delta-time=3 use=2`,
    `${family} icmp     1 29 src=${a} dst=${b} type=8 code=0 id=7 [UNREPLIED] src=${b} dst=${c} type=0 code=0 id=7 mark=0 zone-orig=7 use=2`,
    `${family} gre      47 17 timeout=30, stream_timeout=180 src=${a} dst=${b} srckey=0x0 dstkey=0x1 src=${b} dst=${a} srckey=0x1 dstkey=0x0 use=2`,
  ];
  const mixed = (list: string[], family: string) =>
    list.flatMap((a, at) => row(family, a, list[(at + 1) % list.length] ?? '', list[(at + 2) % list.length] ?? ''));
  return [
    ...mixed(addresses, 'ipv4     2'),
    ...mixed(six, 'ipv6     10'),
    ...mixed(
      six.map((each) => inFull(hextets(each))),
      'ipv6     10',
    ),
    'EXPECTING: - use=1 proto=6 src=10.20.0.5 dst=8.8.8.8 sport=0 dport=20 ',
    '297 l3proto = 2 proto=6 src=10.20.0.5 dst=8.8.8.8 sport=0 dport=50001 ftp',
  ];
}

describe('the whole of IPv4', () => {
  test('its 65 536 /16 are permuted, each within its block', missing(first[0]), () => {
    const nets = Array.from({ length: 65_536 }, (_, n) => `${n >> 8}.${n & 255}.1.1`);
    const tokens = hide(nets, { mode: 'text', awk: first });
    expect(new Set(tokens.map((token) => token.split('.').slice(0, 2).join('.'))).size).toBe(65_536);
    expect(nets.filter((net, at) => net === tokens[at])).toEqual([]);
    const lists = new Map<string, BlockList>();
    for (const block of BLOCKS4) {
      const [net = '', length] = block.split('/');
      const list = new BlockList();
      list.addSubnet(net, Number(length));
      lists.set(block, list);
    }
    const block = (address: string) => [...lists].find(([, list]) => list.check(address))?.[0];
    expect(tokens.filter((token, at) => block(token) !== block(nets[at] ?? ''))).toEqual([]);
  });

  test('a table with more addresses than are kept at a time has one pseudonym for each', missing(first[0]), () => {
    const addresses = Array.from({ length: 30_000 }, (_, n) => `${1 + (n % 9)}.${n % 251}.${n % 241}.${n % 239}`);
    const rows = [...addresses, ...addresses].map((address) => `udp 17 9 src=${address} dst=10.0.0.1 use=1`);
    const tokens = hide(rows, { mode: 'table', awk: first });
    expect(tokens.slice(30_000)).toEqual(tokens.slice(0, 30_000));
    expect(new Set(tokens).size).toBe(new Set(rows).size);
  });
});

describe('the key', () => {
  const start = (key: string) => hide([], { mode: 'start', awk: first, key });

  test('decides all pseudonyms, and is told by 16 digits', missing(first[0]), () => {
    const other = `${KEY.slice(0, -1)}b`;
    expect(start(KEY)).toEqual(start(KEY));
    expect(start(KEY)[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(start(other)[0]).not.toBe(start(KEY)[0]);
    expect(start(other)[1]).not.toBe(start(KEY)[1]);
    const addresses = Array.from({ length: 200 }, (_, n) => `10.20.${n}.7`);
    const made = [KEY, other].map((key) => hide(addresses, { mode: 'text', awk: first, key }));
    // By chance one in 65 536 is the same.
    expect(made[0]?.filter((token, at) => token === made[1]?.[at]).length).toBeLessThan(3);
  });
});

/** The files of a bundle as the collector hides them: what it writes, in a folder that can be read as a bundle. */
function hiddenBundle(bundle: Bundle, awk: string[]): { clear: string; made: string } {
  const root = folder();
  const host = bundle.manifest.hostname ?? '';
  const [clear, made] = [path.join(root, 'tree'), path.join(root, 'clean')];
  const tables = bundle.names.filter((name) => /^proc\/net\/(?:nf|ip)_conntrack$|conntrack-L/.test(name));
  for (const [name, content] of bundle.files) {
    for (const place of [clear, made]) mkdirSync(path.join(place, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(clear, name), content);
    if (tables.includes(name)) {
      const rows = content.toString('latin1').split('\n').slice(0, -1);
      writeFileSync(path.join(made, name), `${hide(rows, { mode: 'table', awk, host }).join('\n')}\n`, 'latin1');
    }
  }
  const items = bundle.inventory.map((item) => [item.path, item.source, item.status, item.reason, '0', '0'].join('\t'));
  const listed = hide([...tables.map((name) => `\t${name}`), ...items], { mode: 'files', awk, host, cwd: made });
  expect(listed.map((line) => line.split('\t')[2])).toEqual(bundle.inventory.map(({ status }) => status));
  const [keyId, hostname] = hide([], { mode: 'start', awk, host });
  const manifest = bundle.text('manifest.csv').replace(/^hostname,.*$/m, `hostname,${hostname}`);
  writeFileSync(path.join(made, 'manifest.csv'), `${manifest}anonymized,octet-tree-1\nanonymized_key_id,${keyId}\n`);
  rmSync(path.join(clear, 'inventory.csv'));
  return { clear, made };
}

/**
 * All of an analysis but what is meant to differ: addresses, names, and the order of those that have equally many entries.
 */
function figures(analysis: Analysis, hostname: string): unknown {
  const { bundle: _bundle, host, namespaces, ...rest } = analysis;
  const { hostname: _hostname, machineIdSha256: _machine, bootId: _boot, ...facts } = host;
  const address = /(?:\d{1,3}\.){3}\d{1,3}(?:\/\d+)?|[0-9a-f]{0,4}(?:::?[0-9a-f]{1,4}){2,}(?:::)?(?:\/\d+)?/g;
  const inOrder = (value: { entries: number }[]) =>
    value.toSorted((a, b) => b.entries - a.entries || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const shared = namespaces.map(({ names, ...namespace }) => ({ names: names.length, ...namespace }));
  return JSON.parse(JSON.stringify({ ...rest, namespaces: shared, host: facts }), (_key, value) => {
    if (typeof value === 'string') return value.replace(address, '(address)').replaceAll(hostname, '(host)');
    return Array.isArray(value) && value[0]?.entries !== undefined ? inOrder(value) : value;
  });
}

describe('the figures of a report', () => {
  const samples = ['full-with-drops', 'healthy', 'nearly-full'];
  for (const [name, awk] of awks) {
    for (const sample of samples) {
      test(`of ${sample} are the same with pseudonyms by ${name}`, missing(awk[0]), async () => {
        const bundle = await readBundle(
          readFileSync(path.join(import.meta.dirname, '../../samples', `${sample}.tar.gz`)),
        );
        const { clear, made } = hiddenBundle(bundle, awk);
        const [before, after] = [await readSnapshot(clear), await readSnapshot(made)];
        expect(after.bundle.anonymized?.scheme).toBe('octet-tree-1');
        expect(after.problems).toEqual(before.problems);
        const [plain, hidden] = [analyse(before, '0'), analyse(after, '0')];
        expect(plain.table?.entries).toBeGreaterThan(0);
        expect(figures(hidden, hidden.host.hostname?.value ?? '')).toEqual(
          figures(plain, bundle.manifest.hostname ?? ''),
        );
        // Of those that have equally many the last places are anybody's.
        const keys = ({ table }: Analysis) => {
          const top = table?.sources.top ?? [];
          return top.filter(({ entries }) => entries > (top.at(-1)?.entries ?? 0)).map(({ key }) => key);
        };
        expect(keys(plain).length).toBeGreaterThan(0);
        expect(keys(hidden).filter((key) => keys(plain).includes(key))).toEqual([]);
        expect(keys(hidden).sort()).toEqual(hide(keys(plain), { mode: 'text', awk }).sort());
      });
    }
  }
});

/** A host whose every file names addresses, itself and others. */
const SOURCES = ['10.20.0.5', '203.0.114.9', '192.168.77.1', '2001:db8:7::5', 'fd00:1::7', '2a00:1450:4001:828::200e'];
const NAMES = ['gw-west-3', 'example.net', 'mailhub', 'relay7', '00:1b:21:3c:4d:5e', '001b213c4d5e'];

function nosyHost() {
  const [a = '', b = '', c = '', six = '', ula = '', google = ''] = SOURCES;
  const full = (address: string) => inFull(hextets(address));
  const log = [
    `Nov 22 14:03:05 gw-west-3 kernel: [ 5525.877663] nf_conntrack: nf_conntrack: table full, dropping packet`,
    `Nov 22 14:03:06 relay7 kernel: conntrack-invalid IN=enx001b213c4d5e OUT= MAC=00:1b:21:3c:4d:5e:66:77:88:99:aa:bb:08:00 SRC=${a} DST=${b} LEN=40 PROTO=TCP SPT=4000 DPT=22`,
    `2026-11-22T14:03:07+00:00 gw-west-3.example.net kernel: conntrack-drop SRC=${full(six)} DST=${six.toUpperCase()} at mailhub.example.net`,
    `Nov 22 14:03:08 gw-west-3 conntrackd[7]: conntrack of ${google}: peer ${c}:3780 is gone`,
  ].join('\n');
  const files = {
    'proc/uptime': '1234.56 2000.00\n',
    'proc/version': 'Linux version 6.12.5 (root@gw-west-3.example.net) #1 SMP\n',
    'proc/cmdline': `root=/dev/sda nf_conntrack.hashsize=65536 nf_conntrack.peer=${a}\n`,
    'proc/sys/kernel/hostname': `${HOST}\n`,
    'proc/sys/kernel/random/boot_id': '3a8d6f2e-11c4-4c5b-9d0e-7f6a5b4c3d2e\n',
    'proc/sys/net/netfilter/nf_conntrack_count': '4\n',
    'proc/sys/net/netfilter/nf_conntrack_max': '65536\n',
    'proc/net/nf_conntrack': [
      `ipv4     2 tcp      6 300 ESTABLISHED src=${a} dst=${b} sport=33000 dport=443 src=${b} dst=${c} sport=443 dport=33000 [ASSURED] mark=0 zone=0 use=2`,
      `ipv4     2 udp      17 20 src=${a} dst=${c} sport=5353 dport=53 [UNREPLIED] src=${c} dst=${a} sport=53 dport=5353 mark=0 zone=0 use=2`,
      `ipv6     10 tcp      6 300 ESTABLISHED src=${full(six)} dst=${full(google)} sport=40000 dport=443 src=${full(google)} dst=${full(six)} sport=443 dport=40000 [ASSURED] mark=0 zone=0 use=2`,
      `ipv6     10 udp      17 20 src=${full(ula)} dst=${full(six)} sport=1 dport=2 [UNREPLIED] src=${full(six)} dst=${full(ula)} sport=2 dport=1 mark=0 zone=0 use=2`,
      '',
    ].join('\n'),
    'proc/net/nf_conntrack_expect': `297 l3proto = 2 proto=6 src=${a} dst=${b} sport=0 dport=50001 ftp\n`,
    'var/log/kern.log': `${log}\n`,
    'etc/sysctl.d/90-gw-west-3.conf': `# conntrack of ${HOST}, peers ${a} ${six}\nnet.netfilter.nf_conntrack_max = 65536\n`,
    'etc/modprobe.d/fw.conf': `options nf_conntrack hashsize=65536 # by mailhub.example.net ${ula}\n`,
    'etc/os-release': 'NAME="Some Linux"\nVERSION="10.0.0.1"\n',
    'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  };
  const uname = `case $1 in -n) echo ${HOST} ;; -a) echo "Linux ${HOST} 2.6.32.71 #1 SMP x86_64 GNU/Linux" ;; -r) echo 2.6.32.71 ;; *) echo x86_64 ;; esac`;
  const tools = {
    uname: `#!/bin/sh\n${uname}\n`,
    dmesg: `#!/bin/sh\necho '[ 1.0] conntrack: refused ${b}->${c} on ${HOST}'\n`,
    journalctl: `#!/bin/sh\necho 'cannot open ${a} on gw-west-3 ${six}: Permission denied' >&2; exit 1\n`,
    conntrack: `#!/bin/sh\necho 'conntrack: ${c} ${google}' >&2; exit 1\n`,
  };
  return { files, tools };
}

interface Collected {
  bundle: Bundle;
  file: string;
  cwd: string;
  stdout: string;
}

/** Runs the collector on that host, with a key that is there already unless the test wants it otherwise. */
async function collect(
  args: string[],
  {
    shell = ['dash'],
    tools = {},
    key,
  }: { shell?: string[]; tools?: Record<string, string>; key?: string | undefined } = {},
): Promise<Collected> {
  const host = nosyHost();
  const root = fakeTree(host.files);
  const cwd = folder();
  const keyFile = path.join(cwd, 'secret.key');
  if (key !== undefined) writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
  const places = Object.fromEntries(
    ['/proc', '/etc/sysctl.d', '/etc/modprobe.d', '/var/log'].map((place) => [place, path.join(root, place)]),
  );
  const env = { PATH: `${toolFolder({ ...host.tools, ...tools })}:${process.env.PATH}` };
  const command = withFolders(places, [
    ...shell,
    script,
    ...quick,
    ...args,
    ...(key === undefined ? [] : ['--key-file', keyFile]),
  ]);
  const result = await run(command, { cwd, env });
  if (result.status !== 0) {
    expect(readdirSync(cwd).filter((name) => name !== 'secret.key')).toEqual([]);
    throw new Error(result.stderr);
  }
  expect(result.stderr).toBe('');
  const [file = '', ...others] = readdirSync(cwd).filter((name) => name.endsWith('.tar.gz'));
  expect(others).toEqual([]);
  return { bundle: await readBundle(readFileSync(path.join(cwd, file))), file, cwd, stdout: result.stdout.toString() };
}

/** Each spelling of an address that a grep might find it by. */
function spellings(address: string): string[] {
  if (!address.includes(':')) return [address];
  const numbers = hextets(address);
  const full = inFull(numbers);
  const loose = numbers.map((number) => number.toString(16)).join(':');
  return [address, compressed(numbers), full, loose, full.replaceAll(':', '')];
}

function expectNoLeak({ bundle, file }: Collected): void {
  const everything = [file, bundle.top, ...bundle.names, ...[...bundle.files.values()].map(String)]
    .join('\n')
    .toLowerCase();
  for (const secret of [...SOURCES.flatMap(spellings), ...NAMES, '0123456789abcdef0123456789abcdef', '3a8d6f2e', KEY]) {
    expect(everything, secret).not.toContain(secret.toLowerCase());
  }
}

const whyNoHost = missing('root', 'mounts', 'dash');

describe('a whole run with --anonymize', () => {
  test('without it the bundle holds all that is looked for here', whyNoHost, async () => {
    const { bundle } = await collect([]);
    const everything = [...bundle.names, ...[...bundle.files.values()].map(String)].join('\n').toLowerCase();
    for (const secret of [...SOURCES, ...NAMES, '3a8d6f2e']) {
      expect(everything).toContain(secret);
    }
  });

  const runs: [name: string, why: string | undefined, shell: string[], awk: string[] | undefined][] = [
    ...shells.map(
      ([name, shell]) =>
        [name, missing(shell[0]), shell, undefined] as [string, string | undefined, string[], undefined],
    ),
    ...awks.map(
      ([name, awk]) =>
        [`dash and ${name}`, missing(awk[0]), ['dash'], awk] as [string, string | undefined, string[], string[]],
    ),
  ];
  for (const [name, why, shell, awk] of runs) {
    test(`holds no address and no name in clear, under ${name}`, whyNoHost ?? why, async () => {
      const real = awk && (await run(['sh', '-c', `command -v ${awk[0]}`], { cwd: '/' })).stdout.toString().trim();
      const tools = awk ? { awk: `#!/bin/sh\nexec ${[real, ...awk.slice(1)].join(' ')} "$@"\n` } : {};
      const made = await collect(['--anonymize'], { shell, tools, key: KEY });
      expectNoLeak(made);
      const { bundle, file } = made;
      const host = hide([], { mode: 'start', awk: first })[1] ?? '';
      expect(file.startsWith(`conntrack-${host}-`)).toBe(true);
      expect(bundle.manifest).toMatchObject({
        hostname: host,
        command_line: '--samples 1 --interval 0 --anonymize --key-file PATH',
        anonymized: 'octet-tree-1',
        anonymized_key_id: hide([], { mode: 'start', awk: first })[0],
      });
      expect(bundle.text('proc/sys/kernel/hostname')).toBe(`${host}\n`);
      expect(bundle.text('commands/uname')).toBe(`Linux ${host} 2.6.32.71 #1 SMP x86_64 GNU/Linux\n`);
      expect(bundle.text('proc/sys/kernel/random/boot_id')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/);
      expect(bundle.text('commands/machine-id-sha256')).toMatch(/^[0-9a-f]{64}\n$/);
      expect(bundle.text('etc/os-release')).toBe(readFileSync('/etc/os-release', 'utf8'));
      expect(bundle.names).toContain(`etc/sysctl.d/90-${host.split('.')[0]}.conf`);
      const { files } = nosyHost();
      const rows = files['proc/net/nf_conntrack'].split('\n').slice(0, -1);
      expect(bundle.text('proc/net/nf_conntrack').split('\n').slice(0, -1)).toEqual(
        hide(rows, { mode: 'table', awk: first }),
      );
      const snapshot = await readSnapshot(path.join(made.cwd, file));
      expect(snapshot.problems).toEqual([]);
      expect(snapshot.log.map(({ kind }) => kind)).toContain('table-full');
      expect(snapshot.persisted.map(({ key, value }) => `${key} ${value}`)).toContain(
        'net.netfilter.nf_conntrack_max 65536',
      );
      expect(snapshot.table?.entries).toBe(4);
    });
  }

  test('the same key gives the same next time; without one nothing is the same', whyNoHost, async () => {
    const ids = ({ bundle }: Collected) =>
      [
        'proc/sys/kernel/hostname',
        'proc/sys/kernel/random/boot_id',
        'proc/net/nf_conntrack',
        'commands/machine-id-sha256',
      ].map(bundle.text);
    const once = await collect(['--anonymize'], { key: KEY });
    const again = await collect(['--anonymize'], { key: KEY });
    const fresh = await collect(['--anonymize']);
    expect(ids(again)).toEqual(ids(once));
    for (const [at, id] of ids(fresh).entries()) expect(id).not.toBe(ids(once)[at]);
    expect(fresh.bundle.manifest.anonymized_key_id).not.toBe(once.bundle.manifest.anonymized_key_id);
    expect(readdirSync(fresh.cwd)).toEqual([fresh.file]);
  });

  test('the key is on no command line and in no environment', whyNoHost, async () => {
    const trace = path.join(folder(), 'trace');
    const watched = ['awk', 'cat', 'gzip', 'head', 'sed', 'tr', 'grep', 'xargs', 'tee', 'wc', 'mv'];
    const tools: Record<string, string> = {};
    for (const tool of watched) {
      const real = (await run(['sh', '-c', `command -v ${tool}`], { cwd: '/' })).stdout.toString().trim();
      tools[tool] = `#!/bin/sh\nprintf '%s\\n' ${tool} "$@" "$(env)" >> '${trace}'\nexec ${real} "$@"\n`;
    }
    await collect(['--anonymize'], { key: KEY, tools });
    const seen = readFileSync(trace, 'utf8');
    for (const tool of ['awk', 'cat', 'gzip']) expect(seen).toContain(`${tool}\n`);
    expect(seen).not.toContain(KEY);
  });

  test(
    'nothing is written where awk fails to hide the files, and no more of the table than it hid',
    whyNoHost,
    async () => {
      const failing = (mode: string, body: string) => ({
        awk: `#!/bin/sh\ncase " $* " in *" mode=${mode} "*) ${body} ;; esac\nexec ${first.join(' ')} "$@"\n`,
      });
      await expect(collect(['--anonymize'], { key: KEY, tools: failing('files', 'exit 3') })).rejects.toThrow(
        'addresses and names could not be replaced. Nothing was written.',
      );
      await expect(collect(['--anonymize'], { key: KEY, tools: failing('start', 'exit 3') })).rejects.toThrow(
        'could not make pseudonyms',
      );
      const cut = await collect(['--anonymize'], {
        key: KEY,
        tools: failing('table', `${first.join(' ')} "$@" | head -n 2; exit 3`),
      });
      expect(cut.bundle.text('proc/net/nf_conntrack').split('\n')).toHaveLength(3);
      expect(cut.bundle.line('proc/net/nf_conntrack')).toMatchObject({
        status: 'cut',
        reason: 'the addresses of 2 of about 4 entries were replaced; at the next one awk stopped',
      });
      expectNoLeak(cut);
    },
  );
});

describe('the key file', () => {
  const shell = has('dash') ? 'dash' : 'sh';
  const start = (cwd: string, args: string[], uid?: number) =>
    run([shell, script, ...quick, '--no-table', '--anonymize', '--output', 'x.tar.gz', ...args], {
      cwd,
      ...(uid !== undefined && { uid }),
    });

  it('is made if it is not there, for its owner only, and read the next time', async () => {
    const cwd = folder();
    expect(await start(cwd, ['--key-file', 'a key'])).toMatchObject({ status: 0, stderr: '' });
    const made = readFileSync(path.join(cwd, 'a key'), 'utf8');
    expect(made).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(path.join(cwd, 'a key')).mode & 0o777).toBe(0o600);
    const { manifest } = await readBundle(readFileSync(path.join(cwd, 'x.tar.gz')));
    expect(await start(cwd, ['--key-file=a key'])).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(path.join(cwd, 'a key'), 'utf8')).toBe(made);
    const next = (await readBundle(readFileSync(path.join(cwd, 'x.tar.gz')))).manifest;
    expect(next.anonymized_key_id).toBe(manifest.anonymized_key_id);
    expect(next.anonymized_key_id).toBe(hide([], { mode: 'start', awk: first, key: made.trim() })[0]);
  });

  it.each([
    ['is a password', 'hunter2\n', 0o600, /is no key file: its first line is not 64 hexadecimal digits/],
    ['is short', `${KEY.slice(1)}\n`, 0o600, /is no key file: its first line is not 64 hexadecimal digits/],
    ['is empty', '', 0o600, /is no key file/],
    ['is too regular', `${'01'.repeat(32)}\n`, 0o600, /is too regular to be a secret/],
    ['may be read by others', `${KEY}\n`, 0o644, /others than its owner may read or write the key file .* chmod 600 /],
    ['may be written by a group', `${KEY}\n`, 0o620, /others than its owner may read or write the key file/],
  ])('is refused if it %s', async (_, content, mode, message) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'k'), content);
    chmodSync(path.join(cwd, 'k'), mode);
    const result = await start(cwd, ['--key-file', 'k']);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toContain('Nothing was written.');
    expect(result.stderr).not.toContain(KEY.slice(1, 30));
    expect(readdirSync(cwd)).toEqual(['k']);
  });

  test('is refused if it cannot be read, or made', missing('root'), async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'k'), `${KEY}\n`, { mode: 0o600 });
    expect((await start(cwd, ['--key-file', 'k'], nobody)).stderr).toContain('the key file ./k cannot be read');
    expect((await start(cwd, ['--key-file', 'no/such/folder/k'])).stderr).toContain('cannot be made');
    expect((await start(cwd, ['--key-file', '.'])).stderr).toContain('the key file ./. is no file');
    expect(readdirSync(cwd)).toEqual(['k']);
  });

  it('needs --anonymize, and a name', async () => {
    const cwd = folder();
    expect(await run([shell, script, '--key-file', 'k'], { cwd })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--key-file needs --anonymize'),
    });
    expect(await run([shell, script, '--anonymize', '--key-file='], { cwd })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--key-file needs a file'),
    });
  });

  test('has no influence from a variable of its name that the caller exported', missing(shell), async () => {
    const cwd = folder();
    const trace = path.join(cwd, 'trace');
    const tools = toolFolder({ uname: `#!/bin/sh\nenv >> '${trace}'\necho gw\n` });
    const result = await run([shell, script, ...quick, '--no-table', '--anonymize'], {
      cwd,
      env: { PATH: `${tools}:${process.env.PATH}`, key: 'exported' },
    });
    expect(result.status).toBe(0);
    expect(readFileSync(trace, 'utf8')).not.toMatch(/^key=/m);
  });
});
