import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NameIndex } from '../../src/anonymize/names.ts';
import { Pseudonyms } from '../../src/anonymize/pseudonyms.ts';
import { Rewriter, writtenIpv6 } from '../../src/anonymize/rewriter.ts';

const pseudonyms = new Pseudonyms(new Uint8Array(32).fill(7));

function names(): NameIndex {
  const index = new NameIndex();
  index.addHost('gw-west-3.acme.example.net');
  index.addHost('k8s_node1');
  index.addUser('jdoe');
  index.addId('ab'.repeat(32));
  index.addRelease('2.6.16.60-0.21-smp');
  return index;
}

const rewritten = (text: string) => new Rewriter(pseudonyms, names()).whole(text);

/** The pseudonym of an address, as it would be written by itself. */
function image4(address: string): string {
  const value = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const image = pseudonyms.addresses.ipv4(value);
  return [24, 16, 8, 0].map((shift) => (image >>> shift) & 255).join('.');
}

function image6(groups: number[], form = { upper: false, full: false, dotted: false }): string {
  const words = Uint32Array.from(
    { length: 4 },
    (_, at) => (((groups[2 * at] ?? 0) << 16) | (groups[2 * at + 1] ?? 0)) >>> 0,
  );
  pseudonyms.addresses.ipv6(words);
  return writtenIpv6(words, form);
}

describe('addresses', () => {
  const a = image4('192.0.2.77');
  const b = image4('10.1.2.3');
  test.each([
    ['src=192.0.2.77 dst=10.1.2.3', `src=${a} dst=${b}`],
    ['192.0.2.77:443,10.1.2.3.', `${a}:443,${b}.`],
    ['10.1.2.3/32 (192.0.2.77)', `${b}/32 (${a})`],
    ['192.0.2.77-10.1.2.3', `${a}-${b}`],
    ['DST=192.000.002.077', `DST=${a}`],
    ['v192.0.2.77x', `v${a}x`],
    ['eth0:10.1.2.3', `eth0:${b}`],
    ['77.2.0.192.in-addr.arpa', `${a.split('.').reverse().join('.')}.in-addr.arpa`],
    ['ip-192-0-2-77.ec2', `ip-${a.replaceAll('.', '-')}.ec2`],
  ])('%s', (text, expected) => expect(rewritten(text)).toBe(expected));

  const v6 = [0x2001, 0xdb8, 0, 1, 0, 0, 0, 0x99];
  const c = image6(v6);
  const mapped = image6([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x24d], { upper: false, full: false, dotted: true });
  test.each([
    ['2001:db8:0:1::99', c],
    ['src=2001:0db8:0000:0001:0000:0000:0000:0099', `src=${image6(v6, { upper: false, full: true, dotted: false })}`],
    ['2001:DB8:0:1::99', c.toUpperCase()],
    ['[2001:db8:0:1::99]:443', `[${c}]:443`],
    ['2001:db8:0:1:0:0:0:99:443', `${c}:443`],
    ['2001:db8:0:1::99.443', `${c}.443`],
    ['addr:2001:db8:0:1::99/64', `addr:${c}/64`],
    ['2001:db8:0:1::99%eth0', `${c}%eth0`],
    ['at 2001:db8:0:1::99:', `at ${c}:`],
    ['::ffff:192.0.2.77', mapped],
    ['::ffff:c000:24d', image6([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x24d])],
    ['fe80::', image6([0xfe80, 0, 0, 0, 0, 0, 0, 0])],
    ['addr:::2', `addr:${image6([0, 0, 0, 0, 0, 0, 0, 2])}`],
  ])('%s', (text, expected) => expect(rewritten(text)).toBe(expected));

  test.each([
    '1.2.3.4.5 and 1.3.6.1.4.1.2021',
    '256.1.1.1 1.2.3 1.2.3.4444',
    '12:30:45 2026-11-22T23:55:46.123+01:00 1:2:3:4:5:6:7:8:9:10',
    'std::dead Net::DNS a:b :: ::1',
    '0.0.0.0 127.0.0.1 255.255.255.255 255.255.255.0',
    '10.0.0.0/8 fc00::/7 fe80::/64 ff00::/8 192.168.0.0/16',
    'Linux version 2.6.16.60-0.21-smp (geeko@buildhost)',
    'labels=0x00000000000000000000000000000001',
    '00:00:00:00:00:00 ff:ff:ff:ff:ff:ff',
    '00000000-0000-0000-0000-000000000000',
    'nf_conntrack: table full, dropping packet',
  ])('%s stays', (text) => expect(rewritten(text)).toBe(text));
});

describe('hardware addresses and ids', () => {
  test('one spelling after the other', () => {
    const mac = rewritten('00:1b:21:3c:9d:f8');
    expect(mac).toMatch(/^[\da-f]{2}(?::[\da-f]{2}){5}$/);
    // Locally administered, and of one station.
    expect(Number.parseInt(mac, 16) & 3).toBe(2);
    expect(rewritten('00-1B-21-3C-9D-F8')).toBe(mac.toUpperCase().replaceAll(':', '-'));
    expect(rewritten('lladdr 00:1b:21:3c:9d:f8,')).toBe(`lladdr ${mac},`);
    const other = rewritten('00:1b:21:3c:9d:f9');
    expect(other).not.toBe(mac);
    expect(rewritten('MAC=00:1b:21:3c:9d:f8:00:1b:21:3c:9d:f9:08:00 SRC=')).toBe(`MAC=${mac}:${other}:08:00 SRC=`);
    expect(Number.parseInt(rewritten('01:00:5e:00:00:fb'), 16) & 3).toBe(3);
  });

  test('an id is one id with dashes and without', () => {
    const uuid = rewritten('a3bec3c7-96dc-480b-ac70-1051d0de9a0c');
    expect(uuid).toMatch(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(uuid).not.toContain('a3bec3c7');
    expect(rewritten('/journal/A3BEC3C796DC480BAC701051D0DE9A0C/')).toBe(`/journal/${uuid.replaceAll('-', '')}/`);
    expect(rewritten('ab'.repeat(32))).toMatch(/^(?!abab)[\da-f]{64}$/);
  });
});

describe('names', () => {
  const host = pseudonyms.name('host', 'gw-west-3');
  const domain = pseudonyms.name('domain', 'acme.example.net');
  test.each([
    ['gw-west-3.acme.example.net', `${host}.${domain}`],
    ['GW-West-3 kernel:', `${host} kernel:`],
    [
      'conntrack-gw-west-3.acme.example.net-20261122T235546Z/manifest.csv',
      `conntrack-${host}.${domain}-20261122T235546Z/manifest.csv`,
    ],
    ['gw-west-33 and xgw-west-3', 'gw-west-33 and xgw-west-3'],
    ['ntp1.acme.example.net.', `${pseudonyms.name('host', 'ntp1.acme.example.net')}.`],
    ['/home/jdoe/x', `/home/${pseudonyms.name('user', 'jdoe')}/x`],
    ['k8s_node1', pseudonyms.name('host', 'k8s-node1')],
    ['mail.example.net', pseudonyms.name('host', 'mail.example.net')],
  ])('%s', (text, expected) => expect(rewritten(text)).toBe(expected));

  test('a subdomain is seen to be one', () => {
    expect(domain.endsWith(`.${pseudonyms.name('domain', 'example.net')}`)).toBe(true);
  });

  test('ordinary words are left, and said to be', () => {
    const index = new NameIndex();
    index.addHost('kernel');
    index.addHost('gw');
    index.addHost('localhost');
    expect([...index]).toEqual([]);
    expect([...index.passedOver]).toEqual(['kernel', 'gw']);
  });
});

const TEXT = [
  'ipv6 10 tcp 6 99 ESTABLISHED src=2001:0db8:0000:0001:0000:0000:0000:0099 dst=::ffff:192.0.2.77 sport=1 [ASSURED]',
  'Nov 22 14:03:05 gw-west-3 kernel: IN=eth0 MAC=00:1b:21:3c:9d:f8:00:1b:21:3c:9d:f9:08:00 SRC=10.1.2.3 DST=fe80::1%eth0',
  '1.2.3.4.5 77.2.0.192.in-addr.arpa ntp.acme.example.net a3bec3c7-96dc-480b-ac70-1051d0de9a0c ip-10-1-2-3 12:30:45',
  `${'x'.repeat(900)}10.1.2.3 ${'1.'.repeat(300)}10.1.2.3 ${':1'.repeat(200)}:10.1.2.3 `,
].join('\n');

/** In blocks of the sizes that are given, again and again. */
function inBlocks(bytes: Buffer, sizes: number[]): string {
  const rewriter = new Rewriter(pseudonyms, names());
  const parts: Buffer[] = [];
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    parts.push(Buffer.from(rewriter.push(bytes.subarray(at, at + size))));
    at += size;
  }
  parts.push(Buffer.from(rewriter.finish()));
  return Buffer.concat(parts).toString('latin1');
}

test('a text is rewritten alike wherever its blocks end', () => {
  const bytes = Buffer.from(`${'-'.repeat(600)}\n${TEXT}\n${'-'.repeat(600)}`);
  const whole = inBlocks(bytes, [bytes.length]);
  for (let at = 1; at < bytes.length; at++)
    expect(inBlocks(bytes, [at, bytes.length]), `block ends at ${at}`).toBe(whole);
  expect(inBlocks(bytes, [1])).toBe(whole);
});

test('what an earlier text has left in memory is not read', () => {
  const rewriter = new Rewriter(pseudonyms, names());
  for (const [earlier, text] of [
    ['2001:db8:0:1::/home/jdoe', '2001:db8:0:1::'],
    ['192.0.2.77.in-addr.arpa', '192.0.2.77'],
    ['192.0.2.0/24', '192.0.2.0'],
    ['192.0.2.77.5', '192.0.2.77'],
    ['192.0.2.771', '192.0.2.77'],
    ['ip-192-0-2-77x', 'ip-192-0-2-77'],
    ['00:1b:21:3c:9d:f8:00', '00:1b:21:3c:9d:f8'],
    [`${'ab'.repeat(32)}f`, 'ab'.repeat(32)],
    ['jdoes', 'jdoe'],
    ['gw-west-3.acme.example.net.uk', 'gw-west-3.acme.example.net'],
  ] as const) {
    rewriter.whole(earlier);
    expect(rewriter.whole(text), earlier).toBe(rewritten(text));
    expect(rewritten(text)).not.toBe(text);
  }
});

test('any bytes, in any blocks: nothing is thrown, and what is no address comes through', () => {
  const piece = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEFgz:.-_/% \n[]='), maxLength: 60 }),
    fc.constantFrom('10.1.2.3', '2001:db8::', '::ffff:', '00:1b:21:3c:9d:f8', 'gw-west-3', '.acme.example.net', 'ip-'),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
      (pieces, sizes) => {
        const bytes = Buffer.from(pieces.join(''));
        const whole = inBlocks(bytes, [bytes.length + 1]);
        expect(inBlocks(bytes, sizes)).toBe(whole);
        expect(whole.split('\n').length).toBe(bytes.toString('latin1').split('\n').length);
      },
    ),
    { numRuns: 300 },
  );
});

test('every address is found between any two bytes that are no part of one', () => {
  const around = fc.constantFrom(' ', '=', ',', '"', '(', '[', '/', '@', '\t', '\n', ';', '<', '|', '\u00e9');
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), around, around, (v4, v6, before, after) => {
      const out = rewritten(`${before}${v4}${after}${before}${v6}${after}`);
      fc.pre(after !== '/');
      const expected4 = image4(v4);
      expect(out.startsWith(`${before}${expected4}${after}`)).toBe(true);
      // What Node reads of it is what it reads of the pseudonym of the same address alone.
      expect(out.slice(`${before}${expected4}${after}${before}`.length, -after.length)).toBe(rewritten(v6));
    }),
    { numRuns: 300 },
  );
});

test('time grows with the text, whatever is in it', () => {
  const rewriter = new Rewriter(pseudonyms, names());
  for (const unit of ['1.', ':1', '1:', 'a', 'gw-', 'example.net.', '10-', 'a-']) {
    const bytes = Buffer.from(unit.repeat(Math.ceil((1 << 20) / unit.length)));
    const began = performance.now();
    for (let at = 0; at < bytes.length; at += 1 << 16) rewriter.push(bytes.subarray(at, at + (1 << 16)));
    rewriter.finish();
    // Twenty times what it takes here; quadratic time would be minutes.
    expect(performance.now() - began, unit).toBeLessThan(5_000);
  }
});
