/** What verify finds wrong, and what it does not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { anonymize } from '../../src/commands/anonymize.ts';
import { verify } from '../../src/commands/verify.ts';
import { packageRoot } from '../../src/package.ts';
import { inventoryOf, MANIFEST, writeArchive, writeBundleOf } from '../anonymize/bundle.ts';

const KEY = '0123456789abcdef'.repeat(4);
const SAMPLE = path.join(packageRoot, 'samples/full-with-drops.tar.gz');
const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-verify-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let bundle: string;
let original: string;
let said: string;
beforeEach(() => {
  const folder = mkdtempSync(path.join(scratch, 'test-'));
  bundle = path.join(folder, 'bundle.tar.gz');
  original = path.join(folder, 'original.tar.gz');
  said = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

const whole = () => verify(bundle, { original: undefined });
const leaks = () => verify(bundle, { original });

const FILES = { 'proc/uptime': '10.00 20.00\n', 'commands/cpu-count': '2\n' };
const CUT_AT_DIGEST = /(?<=proc\/uptime.*sha256:)./;

describe('against its own lists', () => {
  test('a real bundle is in order', async () => {
    expect(await verify(SAMPLE, { original: undefined })).toBe(0);
    expect(said).toContain('In order');
    expect(said).not.toContain('WRONG');
  });

  test.each([
    [
      'a changed file',
      { ...FILES, 'proc/uptime': '10.00 20.01\n' },
      inventoryOf(FILES),
      'proc/uptime has another digest',
    ],
    [
      'a longer file',
      { ...FILES, 'proc/uptime': '10.00 20.00\n\n' },
      inventoryOf(FILES),
      'proc/uptime has another size',
    ],
    ['a missing file', { 'proc/uptime': FILES['proc/uptime'] }, inventoryOf(FILES), 'commands/cpu-count is missing'],
    ['one file too many', { ...FILES, 'etc/x.conf': 'x' }, inventoryOf(FILES), 'etc/x.conf is not listed'],
    ['a damaged inventory', FILES, inventoryOf(FILES).replace('digest', 'sum'), 'inventory.csv does not begin'],
    ['another digest', FILES, inventoryOf(FILES).replace(CUT_AT_DIGEST, 'z'), 'proc/uptime has another digest'],
  ])('%s', async (_, files, inventory, message) => {
    await writeArchive(bundle, { 'manifest.csv': MANIFEST, ...files, 'inventory.csv': inventory });
    expect(await whole()).toBe(5);
    expect(said).toContain(message);
  });

  test('sums of cksum, as coreutils prints them', async () => {
    // printf '10.00 20.00\n' | cksum
    const inventory = inventoryOf(FILES).replace(/sha256:\w+/, 'cksum:CKSUM');
    const files = (sum: string) => ({
      'manifest.csv': MANIFEST,
      ...FILES,
      'inventory.csv': inventory.replace('CKSUM', sum),
    });
    await writeArchive(bundle, files('2063962251'));
    expect(await whole()).toBe(0);
    await writeArchive(bundle, files('1'));
    expect(await whole()).toBe(5);
  });

  test('a newer format, and none', async () => {
    const newer = MANIFEST.replace('format_version,1', 'format_version,2');
    await writeArchive(bundle, { 'manifest.csv': newer, ...FILES, 'inventory.csv': inventoryOf(FILES) });
    expect(await whole()).toBe(5);
    expect(said).toContain('format version 2: expected 1 to 1');
    await writeArchive(bundle, FILES);
    expect(await whole()).toBe(5);
    expect(said).toContain('no bundle of collect.sh');
  });

  test('a cut archive', async () => {
    const bytes = readFileSync(SAMPLE);
    writeFileSync(bundle, bytes.subarray(0, bytes.length - 2000));
    expect(await whole()).toBe(5);
    expect(said).toContain('the compressed data end too early');
  });

  test('what cannot be read', async () => {
    writeFileSync(bundle, 'this is no archive');
    expect(await whole()).toBe(3);
  });
});

const LOG = [
  'Nov 22 14:03:05 gw1 kernel: IN=eth0 MAC=00:1b:21:3c:9d:f8:00:1b:21:3c:9d:f9:08:00 SRC=203.0.113.77 DST=10.9.8.7',
  'fe80::21b:21ff:fe3c:9df8 2001:db8:7::1 a3bec3c7-96dc-480b-ac70-1051d0de9a0c ntp.acme.example 10.0.0.0/8 ::1',
].join('\n');

describe('against the original', () => {
  test('nothing is left of a real one, and everything is where nothing was done', async () => {
    const keyFile = `${bundle}.key`;
    writeFileSync(keyFile, KEY);
    expect(await anonymize(SAMPLE, { keyFile, out: bundle })).toBe(0);
    expect(await verify(bundle, { original: SAMPLE })).toBe(0);
    expect(said).toContain('nothing of the original was found');
    said = '';
    expect(await verify(SAMPLE, { original: SAMPLE })).toBe(5);
    expect(said).toContain('commands/uname:1: host gw-west-3.example.net');
    expect(said).toContain('proc/net/nf_conntrack:1: address 10.20.0.2');
    expect(said).toMatch(/- and \d+ more/);
  });

  test.each([
    ['an address', 'x 203.0.113.77', 'notes/x:1: address 203.0.113.77'],
    ['an address in IPv6', '::ffff:cb00:714d', 'notes/x:1: address 203.0.113.77'],
    ['an address the other way round', '77.113.0.203.in-addr.arpa', 'notes/x:1: address 203.0.113.77'],
    ['in capitals and full', '\n\nA 2001:0DB8:0007:0000:0000:0000:0000:0001', 'notes/x:3: address 2001:db8:7::1'],
    ['a hardware address', 'at 00-1B-21-3C-9D-F9', 'notes/x:1: hardware address 00:1b:21:3c:9d:f9'],
    ['an id without dashes', 'A3BEC3C796DC480BAC701051D0DE9A0C', 'notes/x:1: id A3BEC3C796DC480BAC701051D0DE9A0C'],
    ['a host name', 'GW1: up', 'notes/x:1: host GW1'],
    ['a host of the domain', 'www.acme.example', 'notes/x:1: host www.acme.example'],
  ])('%s that is left', async (_, text, message) => {
    const top = 'conntrack-x-20261122T140305Z/';
    await writeBundleOf(original, { 'var/log/kern.log': LOG, 'notes/x': 'nothing' });
    await writeArchive(
      bundle,
      { 'notes/x': text, 'var/log/kern.log': '10.0.0.0/8 0.0.0.0 ::1 127.0.0.1 255.255.255.0' },
      top,
    );
    expect(await leaks()).toBe(5);
    expect(said).toContain(message);
    await writeArchive(
      bundle,
      { 'notes/x': 'nothing', 'var/log/kern.log': '10.0.0.0/8 0.0.0.0 ::1 127.0.0.1 255.255.255.0' },
      top,
    );
    expect(await leaks()).toBe(0);
  });

  test('a pseudonym that is another address by chance is told from one that is left', async () => {
    const top = 'tree/';
    await writeArchive(original, { 'proc/net/nf_conntrack': 'src=10.1.1.1 sport=1\nsrc=10.1.1.2 sport=2\n' }, top);
    await writeArchive(bundle, { 'proc/net/nf_conntrack': 'src=10.1.1.2 sport=1\nsrc=10.1.1.9 sport=2\n' }, top);
    expect(await leaks()).toBe(0);
    expect(said).toContain('1 pseudonyms happen to be another address');
    await writeArchive(bundle, { 'proc/net/nf_conntrack': 'src=10.1.1.2 sport=7\nsrc=10.1.1.9 sport=2\n' }, top);
    expect(await leaks()).toBe(5);
    await writeArchive(bundle, { 'proc/net/nf_conntrack': 'src=10.1.1.9 sport=1\nsrc=10.1.1.2 sport=2' }, top);
    expect(await leaks()).toBe(5);
    expect(said).toContain('proc/net/nf_conntrack:2: address 10.1.1.2');
  });

  test('what is no text cannot be searched', async () => {
    await writeArchive(original, { 'proc/uptime': '1.00 2.00\n' }, 'a/');
    await writeArchive(bundle, { 'proc/uptime': '1.00 2.00\n', 'proc/x': Buffer.from([1, 0, 2]) }, 'a/');
    expect(await leaks()).toBe(5);
    expect(said).toContain('proc/x is no text');
  });
});
