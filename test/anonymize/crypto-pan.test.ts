import { createCipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CryptoPan } from '../../src/anonymize/crypto-pan.ts';

/** The key of the sample trace that came with the authors' implementation. */
const SAMPLE_KEY = Uint8Array.of(
  ...[21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16],
  ...[216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2],
);

/** With the padding that the authors' implementation has: the second half of the key, encrypted. */
function published(): CryptoPan {
  const key = SAMPLE_KEY.subarray(0, 16);
  const pad = createCipheriv('aes-128-ecb', key, null).update(SAMPLE_KEY.subarray(16));
  return new CryptoPan(key, () => pad);
}

const ipv4 = (text: string) => text.split('.').reduce((address, octet) => address * 256 + Number(octet), 0);
const words = (...groups: number[]) =>
  Uint32Array.from({ length: 4 }, (_, at) => (((groups[2 * at] ?? 0) << 16) | (groups[2 * at + 1] ?? 0)) >>> 0);

describe('published test vectors', () => {
  // sample_trace_raw.dat and sample_trace_sanitized.dat.
  test.each([
    ['128.11.68.132', '135.242.180.132'],
    ['129.118.74.4', '134.136.186.123'],
    ['130.132.252.244', '133.68.164.234'],
    ['141.223.7.43', '141.167.8.160'],
    ['152.163.225.39', '151.140.114.167'],
    ['166.107.77.190', '160.132.178.185'],
    ['192.102.249.13', '252.138.62.131'],
    ['192.215.32.125', '252.43.47.189'],
    ['195.205.63.100', '255.186.223.5'],
    ['198.51.77.238', '249.18.186.254'],
    ['207.33.151.131', '241.1.233.131'],
    ['208.147.89.59', '227.237.98.191'],
    ['216.35.217.178', '235.195.157.81'],
    ['24.0.250.221', '100.15.198.226'],
    ['38.15.67.68', '64.3.66.187'],
    ['4.3.88.225', '124.60.155.63'],
    ['63.97.7.140', '95.97.9.123'],
    ['64.39.15.238', '0.219.7.41'],
    ['10.185.25.118', '117.161.29.118'],
  ])('%s becomes %s', (original, image) => {
    const address = ipv4(original);
    expect((address ^ published().flips4(address)) >>> 0).toBe(ipv4(image));
  });

  // Of Yawning Angel's implementation in Go, which others agree with; the authors' has no IPv6.
  test.each([
    ['::1', words(0, 0, 0, 0, 0, 0, 0, 1), words(0x78ff, 0xf001, 0x9fc0, 0x20df, 0x8380, 0xb1f1, 0x704, 0xed)],
    ['::2', words(0, 0, 0, 0, 0, 0, 0, 2), words(0x78ff, 0xf001, 0x9fc0, 0x20df, 0x8380, 0xb1f1, 0x704, 0xef)],
    [
      '::ffff',
      words(0, 0, 0, 0, 0, 0, 0, 0xffff),
      words(0x78ff, 0xf001, 0x9fc0, 0x20df, 0x8380, 0xb1f1, 0x704, 0xf838),
    ],
    [
      '2001:db8::1',
      words(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
      words(0x4401, 0x2bc, 0x603f, 0xd91d, 0x27f, 0xff8e, 0xe6f1, 0xdc1e),
    ],
    [
      '2001:db8::2',
      words(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2),
      words(0x4401, 0x2bc, 0x603f, 0xd91d, 0x27f, 0xff8e, 0xe6f1, 0xdc1c),
    ],
  ])('%s', (_, address, image) => {
    const flips = new Uint32Array(4);
    published().flips6(address, flips);
    expect(address.map((word, at) => (word ^ (flips[at] ?? 0)) >>> 0)).toEqual(image);
  });
});

test('an octet stays as it was as seldom as chance has it', () => {
  let same = 0;
  for (let n = 0; n < 4096; n++) {
    const key = new Uint8Array(16);
    key.set([n & 0xff, n >>> 8]);
    if ((new CryptoPan(key).flips4(ipv4('10.0.0.9')) & 0x00ff0000) === 0) same++;
  }
  // 16 of 4096 are expected; of the published padding it would be 273.
  expect(same).toBeGreaterThan(2);
  expect(same).toBeLessThan(48);
});
