/** A bundle with pseudonyms says what the original said, and nobody’s addresses. */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Pseudonyms } from '../../src/anonymize/pseudonyms.ts';
import { Rewriter } from '../../src/anonymize/rewriter.ts';
import { survey } from '../../src/anonymize/survey.ts';
import { readBundle } from '../../src/bundle/bundle.ts';
import { anonymize } from '../../src/commands/anonymize.ts';
import { verify } from '../../src/commands/verify.ts';
import { packageRoot } from '../../src/package.ts';
import { inventoryOf, MANIFEST, writeArchive, writeBundleOf } from '../anonymize/bundle.ts';
import { analysisOf } from '../one-analysis.ts';

const KEY = '0123456789abcdef'.repeat(4);
const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-anonymize-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let folder: string;
let keyFile: string;
let out: string;
const said = { stdout: '', stderr: '' };
beforeEach(() => {
  folder = mkdtempSync(path.join(scratch, 'test-'));
  keyFile = path.join(folder, 'key');
  out = path.join(folder, 'out.tar.gz');
  Object.assign(said, { stdout: '', stderr: '' });
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      said[stream] += String(text);
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

const SAMPLES = path.join(packageRoot, 'samples');
const CAPTURES = path.join(packageRoot, 'test/fixtures/captures');
const archives = (where: string) =>
  readdirSync(where)
    .filter((name) => name.endsWith('.tar.gz'))
    .map((name) => path.join(where, name));

const SAMPLE = path.join(SAMPLES, 'full-with-drops.tar.gz');

/** Lists of the largest in one order, whichever of two equals comes first; the last ones may be any of several equals. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const all = value.map(ordered);
    if (!value.every((item) => typeof item?.key === 'string' && typeof item.entries === 'number')) return all;
    const least = Math.min(...value.map(({ entries }) => entries));
    return all
      .map((item) => ((item as { entries: number }).entries === least ? { entries: least } : item))
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, ordered(item)]));
}

/**
 * An analysis without what is of the file itself. Outside the lists of the largest an address is only said to be one: of equals, either
 * may be named.
 */
async function comparable(input: string, translate: (text: string) => string): Promise<unknown> {
  const { inventory, ...analysis } = await analysisOf(input);
  const { table, bundle, ...others } = JSON.parse(translate(JSON.stringify(analysis)));
  const { name, sha256, bytes, anonymized, ...said } = bundle;
  const rest = JSON.stringify(others).replace(
    /\d+(?:\.\d+){3}(?: (?:tcp|udp)\/\d+)?|[\da-f]*:[\da-f:]*:[\da-f]*/g,
    'ADDRESS',
  );
  return {
    bundle: said,
    table: ordered(table),
    rest: JSON.parse(rest),
    inventory: inventory?.map(({ bytes: _, digest, ...item }) => ({ ...item, isThere: digest !== undefined })),
  };
}

describe('what the report says is what it said', () => {
  test.each([...archives(SAMPLES), ...archives(CAPTURES), path.join(SAMPLES, 'week/gw-east-4-20261118T1500.tar.gz')])(
    '%s',
    async (input) => {
      writeFileSync(keyFile, KEY);
      expect(await anonymize(input, { keyFile, out })).toBe(0);
      // The analysis of the original, with its addresses and names replaced in its own text.
      const { names } = await survey(input);
      const rewriter = new Rewriter(new Pseudonyms(Buffer.from(KEY, 'hex')), names);
      expect(await comparable(out, (text) => text)).toEqual(await comparable(input, (text) => rewriter.whole(text)));
    },
  );
});

async function contents(input: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  await readBundle(input, async ({ name, content }) => {
    const blocks: Buffer[] = [];
    for await (const block of content) blocks.push(Buffer.from(block));
    texts.set(name, Buffer.concat(blocks).toString('latin1'));
  });
  return texts;
}

test('the report says that it is of pseudonyms, and of which key', async () => {
  expect(await anonymize(SAMPLE, { keyFile, out })).toBe(0);
  const { bundle } = await analysisOf(out);
  expect(bundle.anonymized).toEqual({ scheme: 'crypto-pan/1', keyId: expect.stringMatching(/^[\da-f]{12}$/) });
  expect((await analysisOf(SAMPLE)).bundle.anonymized).toBeUndefined();
});

test('members, their order, and what identifies the host', async () => {
  // By another key some pseudonym may happen to have the digits of a secret.
  writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 });
  expect(await anonymize(SAMPLE, { keyFile, out })).toBe(0);
  const [before, after] = [await contents(SAMPLE), await contents(out)];
  const below = (name: string) => name.slice(name.indexOf('/') + 1);
  expect([...after.keys()].map(below)).toEqual([...before.keys()].map(below));
  const [top = ''] = [...after.keys()];
  expect(top).toMatch(/^conntrack-h[\da-f]{10}\.d[\da-f]{8}\.example-20261122T235546Z\/manifest\.csv$/);
  const all = [...after].flat().join('\n');
  for (const secret of ['gw-west-3', 'example.net', '45fecfa0ece6', 'a3bec3c7', '10.20.']) {
    expect([...before].flat().join('\n')).toContain(secret);
    expect(all).not.toContain(secret);
  }
  expect(after.get(top)).toMatch(/\nanonymized,crypto-pan\/1\nanonymized_key_id,[\da-f]{12}\n$/);
});

test('a key is made for its owner only, and gives the same pseudonyms again', async () => {
  expect(await anonymize(SAMPLE, { keyFile, out })).toBe(0);
  expect(readFileSync(keyFile, 'utf8')).toMatch(/^[\da-f]{64}\n$/);
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  const again = path.join(folder, 'again.tar.gz');
  expect(await anonymize(SAMPLE, { keyFile, out: again })).toBe(0);
  expect(gunzipSync(readFileSync(again)).equals(gunzipSync(readFileSync(out)))).toBe(true);
  const other = path.join(folder, 'other.tar.gz');
  expect(await anonymize(SAMPLE, { keyFile: path.join(folder, 'key2'), out: other })).toBe(0);
  expect(gunzipSync(readFileSync(other)).equals(gunzipSync(readFileSync(out)))).toBe(false);
});

test.each([
  ['too short', KEY.slice(2), 'too short a key'],
  ['no key', 'secret!', 'is no key'],
])('a key that is %s is refused', async (_, text, message) => {
  writeFileSync(keyFile, text);
  expect(await anonymize(SAMPLE, { keyFile, out })).toBe(2);
  expect(said.stderr).toContain(message);
  expect(existsSync(out)).toBe(false);
});

test('never over the input, or the key', async () => {
  const input = path.join(folder, 'in.tar.gz');
  copyFileSync(SAMPLE, input);
  linkSync(input, path.join(folder, 'link.tar.gz'));
  for (const wrong of [input, path.join(folder, 'link.tar.gz'), `${folder}/./in.tar.gz`, keyFile]) {
    expect(await anonymize(input, { keyFile, out: wrong })).toBe(2);
  }
  expect(readFileSync(input).equals(readFileSync(SAMPLE))).toBe(true);
  expect(existsSync(keyFile)).toBe(false);
});

test('whole or not at all', async () => {
  const input = path.join(folder, 'nothing.tar.gz');
  writeFileSync(input, 'this is no archive');
  writeFileSync(out, 'kept');
  expect(await anonymize(input, { keyFile, out })).toBe(3);
  expect(readFileSync(out, 'utf8')).toBe('kept');
  writeFileSync(`${out}.${process.pid}.part`, 'in the way');
  await expect(anonymize(SAMPLE, { keyFile, out })).rejects.toThrow('EEXIST');
  expect(readFileSync(out, 'utf8')).toBe('kept');
});

test('what is cut is written as far as it goes, and said to be', async () => {
  const input = path.join(folder, 'cut.tar.gz');
  const whole = readFileSync(SAMPLE);
  writeFileSync(input, whole.subarray(0, whole.length / 2));
  expect(await anonymize(input, { keyFile, out })).toBe(1);
  expect(said.stderr).toContain('is damaged');
  expect((await contents(out)).size).toBeGreaterThan(10);
});

test('twice is refused', async () => {
  expect(await anonymize(SAMPLE, { keyFile, out })).toBe(0);
  expect(await anonymize(out, { keyFile, out: path.join(folder, 'twice.tar.gz') })).toBe(3);
  expect(said.stderr).toContain('anonymised already');
});

describe('members', () => {
  const input = () => path.join(folder, 'in.tar.gz');

  test('what is no text is left out, named, and said in the inventory', async () => {
    await writeBundleOf(input(), {
      'proc/uptime': '1.00 2.00\n',
      'etc/binary': Buffer.from('text\0text'),
      'etc/packed.bz2': 'BZh91AY',
      'proc/net/tcp': '0: 0100007F:0035\n',
    });
    expect(await anonymize(input(), { keyFile, out })).toBe(0);
    const texts = await contents(out);
    expect([...texts.keys()].map((name) => name.split('/').pop())).toEqual(['manifest.csv', 'uptime', 'inventory.csv']);
    for (const name of ['etc/binary: it is no text', 'etc/packed.bz2', 'proc/net/tcp: addresses in it are bare']) {
      expect(said.stdout).toContain(name);
    }
    expect([...texts.values()].at(-1)).toContain(
      'etc/binary,/etc/binary,absent,left out when it was anonymised: it is no text,0.10,0.00,,\n',
    );
    expect(await verify(out, { original: input() })).toBe(0);
  });

  test('an inventory that is not the last, and one that was wrong before', async () => {
    const files = { 'proc/uptime': '1.00 2.00\n', 'var/log/kern.log': 'SRC=192.0.2.1\n' };
    const wrong = inventoryOf(files).replace(/(?<=uptime.*sha256:)\w{6}/, '000000');
    await writeArchive(input(), { 'inventory.csv': wrong, 'manifest.csv': MANIFEST, ...files });
    expect(await anonymize(input(), { keyFile, out })).toBe(0);
    expect(await verify(out, { original: undefined })).toBe(5);
    expect(said.stdout).toContain('proc/uptime has another digest');
    expect(said.stdout).not.toContain('kern.log has');
  });

  test('a large one goes through a file, which is removed', async () => {
    const rows = Array.from(
      { length: 40_000 },
      (_, n) => `src=10.${n & 255}.${(n >>> 8) & 255}.7 dst=2001:db8::${n.toString(16)} sport=${n}`,
    );
    await writeBundleOf(input(), { 'proc/net/nf_conntrack': rows.join('\n') });
    expect(await anonymize(input(), { keyFile, out })).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['in.tar.gz', 'key', 'out.tar.gz']);
    expect(await verify(out, { original: input() })).toBe(0);
  });

  test('the host, where only the top folder is left to tell it', async () => {
    await writeArchive(input(), { 'proc/slabinfo': 'x', 'commands/dmesg': '[1.0] gw1.acme.example: nf_conntrack\n' });
    expect(await anonymize(input(), { keyFile, out })).toBe(0);
    expect([...(await contents(out))].flat().join('\n')).not.toContain('acme');
    expect(gunzipSync(readFileSync(out)).toString('latin1')).not.toContain('acme');
    expect(await verify(input(), { original: input() })).toBe(5);
  });

  test('comments of settings, and names wherever they are said', async () => {
    await writeArchive(
      input(),
      {
        'etc/sysctl.d/9.conf': '# conntrack for Acme Ltd\nnet.netfilter.nf_conntrack_max = 9 # Bob asked\n',
        'sos_commands/kernel/sysctl_-a': 'kernel.domainname = corp.acme.test\nkernel.hostname = edge7\n',
        'sos_commands/logs/journalctl_--no-pager': '2026-11-22T14:03:05+0100 relay9 sshd[12]: from 192.0.2.1\n',
        'sos_commands/kernel/uname_-a': 'Linux edge7 2.6.16.60-0.21-smp #1 SMP x86_64\n',
        'etc/passwd': 'root:x:0:0::/root:/bin/sh\nmiller:x:1001:1001::/home/miller:/bin/sh\n',
        'etc/hosts': '127.0.0.1 localhost\n192.0.2.9 billing.corp.acme.test billing # x\n',
        notes: 'edge7 relay9 billing miller db.corp.acme.test 2.6.16.60-0.21-smp\n',
      },
      'sosreport-edge7-2026/',
    );
    expect(await anonymize(input(), { keyFile, out })).toBe(0);
    const all = [...(await contents(out))].flat().join('\n');
    for (const secret of ['Acme', 'acme', 'Bob', 'edge7', 'relay9', 'billing', 'miller', '192.0.2.'])
      expect(all).not.toContain(secret);
    for (const kept of [
      'nf_conntrack_max = 9 #',
      '2.6.16.60-0.21-smp #1',
      '127.0.0.1 localhost',
      'root:x:0:0::/root',
      'sshd[12]',
    ]) {
      expect(all).toContain(kept);
    }
  });
});
