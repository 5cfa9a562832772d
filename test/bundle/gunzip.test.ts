import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { constants, crc32, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { DamageError } from '../../src/bundle/damage.ts';
import { decoded } from '../../src/bundle/decoder.ts';
import { gunzipFile, lend } from '../../src/bundle/gunzip.ts';
import { Inflater } from '../../src/bundle/inflater.ts';
import { type Digest, UNPACKER, Unpacker } from '../../src/bundle/unpacker.ts';
import { packageRoot } from '../../src/package.ts';
import { table } from '../bench/generate.mjs';

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-gunzip-'));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Outcome {
  bytes: Buffer;
  error?: DamageError;
}

async function outcome(blocks: AsyncIterable<Uint8Array>): Promise<Outcome> {
  const copies: Buffer[] = [];
  try {
    for await (const block of blocks) copies.push(Buffer.from(block));
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    return { bytes: Buffer.concat(copies), error };
  }
  return { bytes: Buffer.concat(copies) };
}

async function* pieces(packed: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < packed.length; at += size) yield packed.subarray(at, at + size);
}

/** Each inflater works in the memory that the one before left as it was. */
async function inPlace(packed: Uint8Array, size = packed.length || 1): Promise<Outcome> {
  const inflater = new Inflater();
  const all = await outcome(decoded(pieces(packed, size), inflater));
  inflater.close();
  return all;
}

let files = 0;
async function inThread(packed: Uint8Array): Promise<Outcome & { digest: Digest | undefined }> {
  const file = path.join(scratch, `input-${files++}`);
  writeFileSync(file, packed);
  let digest: Digest | undefined;
  const result = await outcome(
    gunzipFile(
      file,
      () => {},
      (read) => {
        digest = read;
      },
    ),
  );
  return { ...result, digest };
}

/** Everything that deflate can be asked for makes other blocks, codes and distances. */
const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

/** Noise, runs, text of the kind that bundles hold, and mixtures. */
const content = fc.oneof(
  fc.nat(3000).map((length) => randomBytes(length)),
  fc.nat(200_000).map((length) => Buffer.alloc(length, 'ab')),
  fc.tuple(fc.nat(3000), fc.nat(1000)).map(([entries, seed]) => Buffer.from([...table(entries, { seed })].join(''))),
  fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 200 }).map((parts) => Buffer.concat([...parts, ...parts])),
);

describe('Inflater', () => {
  it('unpacks what node:zlib packed, however it comes', async () => {
    const property = fc.asyncProperty(
      content,
      options,
      fc.integer({ min: 1, max: 5000 }),
      async (bytes, packing, size) => {
        const packed = gzipSync(bytes, packing);
        const whole = await inPlace(packed);
        expect(whole.error).toBeUndefined();
        expect(whole.bytes.equals(bytes)).toBe(true);
        expect((await inPlace(packed, size)).bytes.equals(bytes)).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });

  it('unpacks members in a row, with names and comments, and zeros behind the last', async () => {
    const [first, second] = [Buffer.from('first '.repeat(9000)), randomBytes(70_000)];
    // RFC 1952, 2.3: FEXTRA, FNAME, FCOMMENT and FHCRC together.
    const raw = deflateRawSync(second);
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(crc32(second), 0);
    trailer.writeUInt32LE(second.length, 4);
    const header = Buffer.from('\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x04\0abcdname\0comment\0', 'latin1');
    const headerCheck = Buffer.alloc(2);
    headerCheck.writeUInt16LE(crc32(header) & 0xffff);
    const packed = Buffer.concat([gzipSync(first), header, headerCheck, raw, trailer, gzipSync(''), Buffer.alloc(700)]);
    for (const size of [1, 7, 1000, packed.length]) {
      expect((await inPlace(packed, size)).bytes.equals(Buffer.concat([first, second]))).toBe(true);
    }
  });

  it('unpacks more than its blocks hold, with references across them', async () => {
    const line = randomBytes(31_000);
    const bytes = Buffer.concat(Array.from({ length: 200 }, (_, n) => Buffer.concat([line, Buffer.from(String(n))])));
    const packed = gzipSync(bytes);
    expect((await inPlace(packed, 65_536)).bytes.equals(bytes)).toBe(true);
    expect((await inThread(packed)).bytes.equals(bytes)).toBe(true);
  });

  it('hands out everything before the end of a file that was cut anywhere', async () => {
    const bytes = Buffer.from([...table(60)].join(''));
    const packed = gzipSync(bytes);
    for (let length = 0; length < packed.length; length += 7) {
      const { bytes: got, error } = await inPlace(packed.subarray(0, length), 512);
      expect(error?.isCut, `${length}`).toBe(true);
      expect(got.equals(bytes.subarray(0, got.length))).toBe(true);
      // All but what is within the last symbol or the trailer.
      if (length > packed.length - 8) expect(got.length).toBe(bytes.length);
    }
  });

  it('unpacks damaged data as node:zlib does, or says that they are damaged', async () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(content, options, damage, async (bytes, packing, edits) => {
      const packed = gzipSync(bytes, packing);
      for (const { at, byte } of edits) packed[at % packed.length] = byte;
      let expected: Buffer | undefined;
      try {
        expected = gunzipSync(packed);
      } catch {
        expected = undefined;
      }
      const { bytes: got, error } = await inPlace(packed, 3000);
      if (expected === undefined) expect(error).toBeInstanceOf(DamageError);
      else expect(got.equals(expected)).toBe(true);
    });
    await fc.assert(property, { numRuns: 500 });
  });

  it('names each kind of damage', async () => {
    const packed = gzipSync('something to be unpacked');
    const wrong = (at: number, byte: number) =>
      Buffer.concat([packed.subarray(0, at), Buffer.of(byte), packed.subarray(at + 1)]);
    const reason = async (bytes: Uint8Array) => (await inPlace(bytes)).error?.message;
    expect(await reason(wrong(2, 7))).toBe('incorrect header check');
    expect(await reason(wrong(3, 0x20))).toBe('incorrect header check');
    expect(await reason(wrong(10, 0xff))).toBe('a block of an unknown type');
    expect(await reason(wrong(packed.length - 8, 0))).toBe('incorrect data check');
    expect(await reason(wrong(packed.length - 1, 1))).toBe('incorrect length check');
    expect(await reason(Buffer.concat([packed, Buffer.from('garbage')]))).toBe('incorrect header check');
    // A fixed block (RFC 1951, 3.2.6) that refers to one byte before its beginning: length code 257, distance code 0.
    const before = Buffer.concat([
      packed.subarray(0, 10),
      Buffer.of(0b0000_0011, 0b0000_0010, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ]);
    expect(await reason(before)).toBe('a reference to before the beginning');
  });
});

describe('gunzipFile', () => {
  it('unpacks in another thread, and tells what it read', async () => {
    const bytes = Buffer.from([...table(40_000)].join(''));
    const packed = gzipSync(bytes);
    const { bytes: got, digest, error } = await inThread(packed);
    expect(error).toBeUndefined();
    expect(got.equals(bytes)).toBe(true);
    expect(digest).toEqual({ bytes: packed.length, sha256: createHash('sha256').update(packed).digest('hex') });
  });

  it('hands out everything before a damage, and reads on for the digest', async () => {
    const bytes = Buffer.from([...table(40_000)].join(''));
    const packed = gzipSync(bytes);
    packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 20);
    const { bytes: got, digest, error } = await inThread(packed);
    expect(error?.isCut).toBe(false);
    expect(got.length).toBeGreaterThan(bytes.length / 3);
    expect(digest).toEqual({ bytes: packed.length, sha256: createHash('sha256').update(packed).digest('hex') });
  });

  it('ends when nobody reads on', async () => {
    const file = path.join(scratch, 'abandoned');
    writeFileSync(file, gzipSync(Buffer.from([...table(100_000)].join(''))));
    for await (const block of gunzipFile(
      file,
      () => {},
      () => {},
    )) {
      expect(block.length).toBeGreaterThan(0);
      break;
    }
  });

  it('takes what is unpacked already, however the file is named, and of another file does not', async () => {
    const bytes = Buffer.from([...table(40_000)].join(''));
    const [file, other] = ['ahead', 'other'].map((name) => path.join(scratch, name));
    for (const each of [file, other]) writeFileSync(each ?? '', gzipSync(bytes));
    const ahead = new Unpacker(path.join(packageRoot, 'dist', UNPACKER), file ?? '');
    const asked = vi.spyOn(ahead, 'next');
    lend(ahead);
    // What it tells before anybody asks is not lost.
    await setTimeout(300);
    expect((await inThreadOf(other ?? '')).bytes.equals(bytes)).toBe(true);
    expect(asked).not.toHaveBeenCalled();
    for (let time = 0; time < 2; time++)
      expect((await inThreadOf(path.relative('', file ?? ''))).bytes.equals(bytes)).toBe(true);
    const blocks = Math.ceil(bytes.length / (2 << 20));
    expect(asked.mock.calls.length).toBeGreaterThan(blocks);
    expect(asked.mock.calls.length).toBeLessThan(2 * blocks);
  });

  it('passes on why a file cannot be read', async () => {
    await expect(inThreadOf('/nowhere/at/all')).rejects.toThrow('ENOENT');
  });
});

const inThreadOf = (file: string) =>
  outcome(
    gunzipFile(
      file,
      () => {},
      () => {},
    ),
  );
