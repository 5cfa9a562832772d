import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressPseudonyms } from '../../src/anonymize/addresses.ts';
import { block6, holdsIpv4, isFixed4, isFixed6, keptBits4, sharedBits } from '../../src/anonymize/blocks.ts';

const pseudonyms = new AddressPseudonyms({ ipv4: new Uint8Array(16).fill(3), ipv6: new Uint8Array(16).fill(5) });

const ipv4 = (text: string) => text.split('.').reduce((address, octet) => address * 256 + Number(octet), 0);
const shared4 = (a: number, b: number) => Math.clz32(a ^ b);

function image6(address: Uint32Array, length?: number): Uint32Array {
  const words = Uint32Array.from(address);
  pseudonyms.ipv6(words, length);
  return words;
}

const word = fc.integer({ min: 0, max: 0xffffffff });
/** Any address, and often one of a special block. */
const address4 = fc.oneof(
  word,
  fc
    .tuple(
      fc.constantFrom(
        0x0a000000,
        0x7f000000,
        0,
        0xac100000,
        0xc0a80000,
        0xa9fe0000,
        0x64400000,
        0xe0000000,
        0xff000000,
      ),
      word,
    )
    .map(([start, rest]) => (start | (rest >>> 10)) >>> 0),
);
const address6 = fc
  .tuple(
    fc.constantFrom(
      0x20010db8,
      0xfe800000,
      0xfc000000,
      0xfd123456,
      0xff020000,
      0,
      0x64ff9b,
      0x3fffffff,
      0x5f000000,
      0xfec00000,
    ),
    fc.oneof(fc.constant(0), word),
    fc.oneof(fc.constantFrom(0, 0xffff), word),
    fc.oneof(fc.constantFrom(0, 1, 2), word),
  )
  .map((words) => Uint32Array.from(words));

describe('IPv4', () => {
  test('stays in its block, and a public address stays public', () => {
    fc.assert(
      fc.property(address4, (address) => {
        const image = pseudonyms.ipv4(address);
        const kept = keptBits4(address);
        expect(keptBits4(image)).toBe(kept);
        if (kept > 0) expect(shared4(address, image)).toBeGreaterThanOrEqual(kept);
        if (isFixed4(address)) expect(image).toBe(address);
        else expect(isFixed4(image)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('addresses that share 16 bits or more share as many afterwards', () => {
    fc.assert(
      fc.property(address4, fc.integer({ min: 16, max: 31 }), word, (a, bits, noise) => {
        const flipped = (1 << (31 - bits)) >>> 0;
        const b = (a ^ (flipped | (noise & (flipped - 1)))) >>> 0;
        fc.pre(!isFixed4(a) && !isFixed4(b) && keptBits4(a) === keptBits4(b) && keptBits4(a) <= bits);
        // The one address whose image would be a fixed one goes elsewhere: in these blocks only.
        fc.pre(![0, 8, 4].includes(keptBits4(a)) || a >>> 24 === 10 || (keptBits4(a) === 0 && bits >= 16));
        expect(shared4(pseudonyms.ipv4(a), pseudonyms.ipv4(b))).toBe(bits);
      }),
      { numRuns: 2000 },
    );
  });

  test('no two have one pseudonym: all of a block, and a stretch of public ones', () => {
    const images = new Set<number>();
    for (let n = 0; n < 0x10000; n++) images.add(pseudonyms.ipv4(0xc0a80000 + n));
    expect(images.size).toBe(0x10000);
    for (let n = 0; n < 0x8000; n++) images.add(pseudonyms.ipv4(Math.imul(n, 0x20001) >>> 0));
    expect(images.size).toBeGreaterThan(0x10000 + 0x7f00);
    const seen = new Map<number, number>();
    for (let n = 0; n < 0x8000; n++) {
      const address = Math.imul(n, 0x9e3779b1) >>> 0;
      const image = pseudonyms.ipv4(address);
      expect(seen.get(image) ?? address).toBe(address);
      seen.set(image, address);
    }
  });

  test('netmasks and the addresses of this host and of all stay', () => {
    for (const address of ['0.0.0.0', '127.0.0.1', '255.255.255.255', '255.255.255.0', '255.254.0.0', '255.0.0.0']) {
      expect(pseudonyms.ipv4(ipv4(address))).toBe(ipv4(address));
    }
    expect(pseudonyms.ipv4(ipv4('127.0.0.2'))).not.toBe(ipv4('127.0.0.2'));
  });

  test('a network stays one, and holds the pseudonyms of its hosts', () => {
    const network = pseudonyms.ipv4(ipv4('203.0.113.0'), 24);
    expect(network & 0xff).toBe(0);
    expect(pseudonyms.ipv4(ipv4('203.0.113.77')) >>> 8).toBe(network >>> 8);
    expect(pseudonyms.ipv4(ipv4('10.0.0.0'), 8)).toBe(ipv4('10.0.0.0'));
    expect(pseudonyms.ipv4(ipv4('203.0.113.77'), 24)).toBe(pseudonyms.ipv4(ipv4('203.0.113.77')));
  });
});

describe('IPv6', () => {
  test('stays in its block', () => {
    fc.assert(
      fc.property(address6, (address) => {
        const image = image6(address);
        expect(block6(image)).toBe(block6(address));
        expect(holdsIpv4(image)).toBe(holdsIpv4(address));
        if (isFixed6(address)) expect(image).toEqual(address);
        else if (!holdsIpv4(address)) expect(isFixed6(image)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('addresses of a block share as many bits afterwards', () => {
    const inside = address6.filter((address) => [2, 3, 4, 6, 7].includes(block6(address)));
    fc.assert(
      fc.property(inside, fc.integer({ min: 0, max: 127 }), (a, bit) => {
        const b = Uint32Array.from(a);
        b[bit >>> 5] = (b[bit >>> 5] ?? 0) ^ (0x80000000 >>> (bit & 31));
        fc.pre(block6(a) === block6(b));
        expect(sharedBits(image6(a), image6(b))).toBe(bit);
      }),
      { numRuns: 2000 },
    );
  });

  test('an IPv4 address in it has the pseudonym that it has alone', () => {
    const inside = Uint32Array.of(0, 0, 0xffff, ipv4('198.51.100.7'));
    expect(image6(inside)[3]).toBe(pseudonyms.ipv4(ipv4('198.51.100.7')));
    expect(image6(Uint32Array.of(0x64ff9b, 0, 0, ipv4('198.51.100.7')))[3]).toBe(pseudonyms.ipv4(ipv4('198.51.100.7')));
  });

  test('a multicast address keeps its flags and its scope, a network stays one', () => {
    expect((image6(Uint32Array.of(0xff020000, 0, 0, 0xfb))[0] ?? 0) >>> 16).toBe(0xff02);
    const network = image6(Uint32Array.of(0x20010db8, 0x00010000, 0, 0), 48);
    expect([...network.subarray(2), (network[1] ?? 0) & 0xffff]).toEqual([0, 0, 0]);
    expect(image6(Uint32Array.of(0xfe800000, 0, 0, 0), 64)).toEqual(Uint32Array.of(0xfe800000, 0, 0, 0));
  });
});

test('what was asked for in between changes nothing', () => {
  const others = new AddressPseudonyms({ ipv4: new Uint8Array(16).fill(3), ipv6: new Uint8Array(16).fill(5) });
  const asked = fc.sample(word, { numRuns: 3000, seed: 1 });
  const forth = asked.map((address) => pseudonyms.ipv4(address));
  const back = [...asked].reverse().map((address) => others.ipv4(address));
  expect(back.reverse()).toEqual(forth);
});
