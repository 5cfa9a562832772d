import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BundleError, readBundle } from '../../src/bundle/bundle.ts';
import { DamageError, RefusedError } from '../../src/bundle/damage.ts';
import { type Unpacked, unpackFile, unpackStream } from '../../src/bundle/unpack.ts';
import { packageRoot } from '../../src/package.ts';
import { table } from '../bench/generate.mjs';

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-unpack-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const fixtureFile = (name: string) => path.join(packageRoot, 'test/fixtures/packed', name);
const fixture = (name: string) => readFileSync(fixtureFile(name));

/** What the fixtures hold. */
const TREE = gunzipSync(fixture('tree.tar.gz'));
const FORMATS = ['gz', 'xz', 'bz2', 'zst'] as const;
const TREES = FORMATS.map((format) => [format, fixture(`tree.tar.${format}`)] as const);
/** Bytes that each format is told by. */
const MAGIC_BYTES = { gz: 2, xz: 6, bz2: 10, zst: 4 };

let files = 0;
function saved(bytes: Uint8Array, name = `input-${files++}`): string {
  const file = path.join(scratch, name);
  writeFileSync(file, bytes);
  return file;
}

async function* pieces(packed: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < packed.length; at += size) yield packed.subarray(at, at + size);
}

interface Outcome {
  bytes: Buffer;
  error?: DamageError | RefusedError;
  digest: Awaited<ReturnType<Unpacked['digest']>>;
}

/** Everything that is handed out; any other error is a mistake of the program. */
async function outcome(unpacked: Unpacked): Promise<Outcome> {
  const copies: Buffer[] = [];
  let error: Outcome['error'];
  try {
    for await (const block of unpacked.blocks) copies.push(Buffer.from(block));
  } catch (thrown) {
    if (!(thrown instanceof DamageError || thrown instanceof RefusedError)) throw thrown;
    error = thrown;
  }
  const digest = await unpacked.digest();
  unpacked.close();
  return { bytes: Buffer.concat(copies), digest, ...(error && { error }) };
}

const unpacked = (packed: Uint8Array, size = packed.length || 1) => outcome(unpackStream(pieces(packed, size)));

const isCut = ({ error }: Outcome) => error instanceof DamageError && error.isCut;
const digestOf = (bytes: Uint8Array) => ({
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

describe.each(TREES)('.tar.%s', (format, packed) => {
  it('is unpacked, wherever its pieces begin', async () => {
    for (let at = 1; at < packed.length; at++) {
      const halves = (async function* () {
        yield packed.subarray(0, at);
        yield packed.subarray(at);
      })();
      const { bytes, error } = await outcome(unpackStream(halves));
      expect(error, `${at}`).toBeUndefined();
      expect(bytes.equals(TREE), `${at}`).toBe(true);
    }
    const byByte = await unpacked(packed, 1);
    expect(byByte.bytes.equals(TREE)).toBe(true);
    expect(byByte.digest).toEqual(digestOf(packed));
  });

  it('is unpacked from a file, with its digest', async () => {
    const { bytes, digest, error } = await outcome(unpackFile(fixtureFile(`tree.tar.${format}`), packed.length));
    expect(error).toBeUndefined();
    expect(bytes.equals(TREE)).toBe(true);
    expect(digest).toEqual(digestOf(packed));
  });

  it('may be several in a row, with zeros behind', async () => {
    for (const size of [1, 1000, 10_000]) {
      const { bytes, error } = await unpacked(Buffer.concat([packed, packed, packed, Buffer.alloc(1024)]), size);
      expect(error).toBeUndefined();
      expect(bytes.equals(Buffer.concat([TREE, TREE, TREE]))).toBe(true);
    }
  });

  it('cut at any byte: what comes out is the beginning of it, and that it is cut is said', async () => {
    for (let length = MAGIC_BYTES[format]; length < packed.length; length++) {
      const result = await unpacked(packed.subarray(0, length));
      expect(isCut(result), `${length}`).toBe(true);
      expect(result.bytes.equals(TREE.subarray(0, result.bytes.length)), `${length}`).toBe(true);
    }
  });

  it('cut in the second of two: the first is whole', async () => {
    const result = await unpacked(Buffer.concat([packed, packed.subarray(0, packed.length >> 1)]));
    expect(isCut(result)).toBe(true);
    expect(result.bytes.subarray(0, TREE.length).equals(TREE)).toBe(true);
  });

  it('with something else behind: it is whole, and that is said', async () => {
    const { bytes, error } = await unpacked(Buffer.concat([packed, Buffer.from('something else')]));
    expect(error).toBeInstanceOf(DamageError);
    expect(bytes.equals(TREE)).toBe(true);
  });

  it('with a byte changed anywhere: it is whole, or the damage is said', async () => {
    for (let at = 0; at < packed.length; at += 3) {
      const changed = Buffer.from(packed);
      changed[at] = (changed[at] ?? 0) ^ (1 + (at % 255));
      const { bytes, error } = await unpacked(changed);
      // What is not recognised any more is handed out as it is.
      if (error === undefined && !bytes.equals(changed)) expect(bytes.equals(TREE), `${at}`).toBe(true);
      // A block of bzip2 is checked before anything of it is handed out.
      if (error && format === 'bz2') expect(bytes.equals(TREE.subarray(0, bytes.length)), `${at}`).toBe(true);
    }
  });

  it('with several changes: nothing but damage is thrown', async () => {
    const changes = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 8 });
    const property = fc.asyncProperty(changes, fc.integer({ min: 1, max: 2000 }), async (edits, size) => {
      const changed = Buffer.from(packed);
      for (const { at, byte } of edits) changed[at % packed.length] = byte;
      const { bytes, digest, error } = await unpacked(changed, size);
      if (error === undefined) expect(digest).toEqual(digestOf(changed));
      expect(bytes.length).toBeLessThan(1 << 24);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it('damaged, in a file: it is read on for its digest', async () => {
    const cut = packed.subarray(0, packed.length - 6);
    // Noise of more than a block that is read at a time, and of more than a small file.
    for (const noise of [randomBytes(10), randomBytes(6 << 20)]) {
      const damaged = Buffer.concat([cut, Buffer.alloc(6, 0x55), noise]);
      const { error, digest } = await outcome(unpackFile(saved(damaged), damaged.length));
      expect(error).toBeInstanceOf(DamageError);
      expect(digest).toEqual(digestOf(damaged));
    }
  });

  it('is read as a bundle, and so is what comes before a damage', async () => {
    const read = async (input: string) => {
      const members: string[] = [];
      const end = await readBundle(input, async (member) => {
        members.push(member.path);
        for await (const _ of member.content);
      });
      return { members, end };
    };
    const members = ['proc/meminfo', 'proc/net/stat/nf_conntrack', 'proc/slabinfo'];
    expect(await read(fixtureFile(`tree.tar.${format}`))).toEqual({ members, end: digestOf(packed) });
    const cut = Buffer.concat([packed, packed.subarray(0, 40)]);
    expect(await read(saved(cut))).toEqual({
      members,
      end: { ...digestOf(cut), damage: 'the compressed data end too early' },
    });
  });
});

describe('what the commands make', () => {
  /** More than a block of each format, and nearly incompressible in its middle. */
  const original = Buffer.concat([
    Buffer.from([...table(8000)].join('')),
    randomBytes(300_000),
    Buffer.from([...table(8000, { seed: 2 })].join('')),
    Buffer.alloc(3_000_000),
  ]);

  it.for([
    'gzip -9',
    'xz -0',
    'xz -9',
    'xz -T2 --block-size=200000',
    'xz --check=none',
    'bzip2 -1',
    'bzip2 -9',
    'zstd -q -1',
    'zstd -q -12',
    'zstd -q --no-check',
    'zstd -q --long=27',
  ])('%s', async (line, context) => {
    const [command = '', ...options] = line.split(' ');
    if (!isThere(command)) context.skip(`${command} is not there`);
    const packed = pack(command, options, original);
    for (const size of [65_536, packed.length]) {
      const { bytes, error } = await unpacked(packed, size);
      expect(error).toBeUndefined();
      expect(bytes.equals(original)).toBe(true);
    }
    for (const part of [0.2, 0.5, 0.9]) {
      const { bytes, error } = await unpacked(packed.subarray(0, packed.length * part), 65_536);
      expect(error).toBeInstanceOf(DamageError);
      expect(bytes.equals(original.subarray(0, bytes.length))).toBe(true);
      // A block of bzip2 or zstd is handed out when it is there; of bzip2 there are 900 000 bytes in one.
      if (part === 0.9) expect(bytes.length).toBeGreaterThan(1_500_000);
    }
  });

  it.each([1, 2, 3])('zstd: a frame that ends where the buffer is full, after %d blocks', async (blocks) => {
    const noise = randomBytes(blocks << 17);
    const { bytes, error } = await unpacked(zstdRaw(noise));
    expect(error).toBeUndefined();
    expect(bytes.equals(noise)).toBe(true);
  });

  it('zstd: frames that are to be skipped', async () => {
    const skipped = Buffer.from('\x5e\x2a\x4d\x18\x03\0\0\0abc', 'latin1');
    const packed = fixture('tree.tar.zst');
    const { bytes, error } = await unpacked(Buffer.concat([skipped, packed, skipped, packed, skipped]));
    expect(error).toBeUndefined();
    expect(bytes.equals(Buffer.concat([TREE, TREE]))).toBe(true);
  });
});

describe('packed more than once', () => {
  it('each layer is taken off', async () => {
    const twice = gzipSync(fixture('tree.tar.xz'));
    expect((await unpacked(twice)).bytes.equals(TREE)).toBe(true);
    const thrice = gzipSync(gzipSync(fixture('tree.tar.bz2')));
    expect((await unpacked(thrice, 100)).bytes.equals(TREE)).toBe(true);
  });

  it('xz within xz', async (context) => {
    if (!isThere('xz')) context.skip('xz is not there');
    const { bytes, error } = await unpacked(pack('xz', [], fixture('tree.tar.xz')));
    expect(error).toBeUndefined();
    expect(bytes.equals(TREE)).toBe(true);
  });

  it('up to three times', async () => {
    const { bytes, error } = await unpacked(gzipSync(gzipSync(gzipSync(fixture('tree.tar.zst')))));
    expect(bytes.length).toBe(0);
    expect(error?.message).toBe(
      'is packed more than 3 times (gzip, gzip, gzip, zstd), as --limit nesting=3 allows. Unpack it first: gzip -dc | gzip -dc | gzip -dc > archive.unpacked',
    );
  });

  it('from a large file, whose gzip is unpacked by a thread', async () => {
    const noise = randomBytes(5 << 20);
    const inner = Buffer.concat([fixture('tree.tar.zst'), zstdRaw(noise)]);
    const packed = gzipSync(inner, { level: 1 });
    const { bytes, digest, error } = await outcome(unpackFile(saved(packed), packed.length));
    expect(error).toBeUndefined();
    expect(bytes.equals(Buffer.concat([TREE, noise]))).toBe(true);
    expect(digest).toEqual(digestOf(packed));
  });
});

describe('what is refused', () => {
  const refusalOf = async (bytes: Uint8Array, name: string) => {
    const file = saved(bytes, name);
    const error = await readBundle(file, async () => {}).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(BundleError);
    return (error as Error).message.replaceAll(`${scratch}/`, '');
  };

  it.each([
    [
      'secured-tree.tar.xz.gpg',
      'secured-tree.tar.xz.gpg is encrypted or signed with OpenPGP. Decrypt it first: gpg --decrypt secured-tree.tar.xz.gpg > secured-tree.tar.xz',
    ],
    [
      'secured-tree.tar.xz.asc',
      'secured-tree.tar.xz.asc is encrypted or signed with OpenPGP. Decrypt it first: gpg --decrypt secured-tree.tar.xz.asc > secured-tree.tar.xz',
    ],
    [
      'tree.tar.xz.enc',
      'tree.tar.xz.enc is encrypted with openssl enc. The cipher and the options have to be those that it was encrypted with. ' +
        'Decrypt it first: openssl enc -d -aes-256-cbc -pbkdf2 -in tree.tar.xz.enc > tree.tar.xz',
    ],
    [
      'sha256.tar.xz',
      'sha256.tar.xz is packed by xz with a check (such as --check=sha256) or a filter, which this program cannot unpack. ' +
        'Unpack it on the way: xz -dc sha256.tar.xz | conntrack-report report -',
    ],
    [
      'dictionary-128m.tar.xz',
      'dictionary-128m.tar.xz is packed by xz with a dictionary of more than 64 MiB, which this program cannot unpack. ' +
        'Unpack it on the way: xz -dc dictionary-128m.tar.xz | conntrack-report report -',
    ],
    [
      'window-256m.tar.zst',
      'window-256m.tar.zst is packed by zstd with a window of more than 128 MiB (--long), which this program cannot unpack. ' +
        'Unpack it on the way: zstd -dc window-256m.tar.zst | conntrack-report report -',
    ],
  ])('%s', async (name, message) => {
    expect(await refusalOf(fixture(name), name)).toBe(message);
  });

  it.each([
    ['to a public key, a byte of length', [0x84, 0x5e, 3]],
    ['to a public key, two bytes of length', [0x85, 1, 0x0c, 3]],
    ['to a public key, new', [0xc1, 0xc0, 0x4c, 3]],
    ['with a passphrase', [0x8c, 0x0d, 4, 9]],
    ['with a passphrase, new', [0xc3, 0x0d, 4, 9]],
    ['in parts', [0xd2, 0xed, 1, 0xaa]],
  ])('OpenPGP %s', async (_, start) => {
    expect(await refusalOf(Buffer.concat([Buffer.from(start), randomBytes(600)]), 'a b.gpg')).toBe(
      "a b.gpg is encrypted or signed with OpenPGP. Decrypt it first: gpg --decrypt 'a b.gpg' > 'a b'",
    );
  });

  it('an encrypted file that was packed again, and one that comes through a pipe', async () => {
    expect(await refusalOf(gzipSync(fixture('secured-tree.tar.xz.gpg')), 'a.gz')).toBe(
      'a.gz is encrypted or signed with OpenPGP (within gzip). Decrypt it first: gzip -dc a.gz | gpg --decrypt > a',
    );
    await expect(readBundle('-', async () => {}, pieces(fixture('tree.tar.xz.enc'), 10))).rejects.toThrow(
      'Decrypt it on the way: openssl enc -d -aes-256-cbc -pbkdf2 | conntrack-report report -',
    );
  });

  it.each([
    ['a ZIP file', Buffer.from('PK\x03\x04rest', 'latin1'), /^x is a ZIP file\. Unpack it/],
    ['an RPM', Buffer.from('\xed\xab\xee\xdb\x03\0', 'latin1'), /^x is an RPM package\. /],
    ['HTML', Buffer.from('\n<!DOCTYPE html>\n<html><body>404</body></html>'), /^x is an HTML page\. .*download/],
    ['HTML with a mark', Buffer.from('\ufeff<HTML lang=en>'), /^x is an HTML page\. /],
  ])('%s', async (_, bytes, message) => {
    expect(await refusalOf(bytes, 'x')).toMatch(message);
  });

  it('names decide nothing', async () => {
    const file = saved(fixture('tree.tar.bz2'), 'secured-tree.tar.xz.gpg');
    let members = 0;
    await readBundle(file, async () => {
      members++;
    });
    expect(members).toBe(3);
  });

  it('a tar whose first name begins as an OpenPGP packet does is read', async () => {
    const tar = Buffer.from(TREE);
    // é is two bytes, of which the first is a tag; and the header's check sum made anew.
    tar.write('\xc3\xa9tat-gw/proc/', 0, 'latin1');
    tar.fill(' ', 148, 156);
    const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect((await unpacked(tar)).error).toBeUndefined();
  });
});

describe('bombs', () => {
  const zeros = Buffer.alloc(64 << 20);

  it.for(['gzip', 'zstd', 'xz'])('%s: 10 GiB of zeros end early, in little memory', async (command, context) => {
    if (!isThere(command)) context.skip(`${command} is not there`);
    const part = command === 'gzip' ? gzipSync(zeros) : pack(command, ['-q'], zeros);
    const bomb = Buffer.concat(Array.from({ length: 160 }, () => part));
    const file = saved(bomb);
    const before = process.memoryUsage().rss;
    const input = unpackFile(file, bomb.length);
    let bytes = 0;
    const reading = (async () => {
      for await (const block of input.blocks) bytes += block.length;
    })();
    await expect(reading).rejects.toThrow(
      'unpacks to more than 1GiB and 200 times its size, as no capture does, and is read no further (--limit ratio=200)',
    );
    expect(bytes).toBeGreaterThan(0.9 * 2 ** 30);
    expect(bytes).toBeLessThanOrEqual(2 ** 30);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
    expect((await input.digest()).bytes).toBe(bomb.length);
    input.close();
  });
});

it('an empty input is said to be empty', async () => {
  await expect(readBundle(saved(Buffer.alloc(0)), async () => {})).rejects.toThrow(/ is empty\. Expected/);
  await expect(readBundle('-', async () => {}, pieces(Buffer.alloc(0), 1))).rejects.toThrow(
    /^standard input is empty\. /,
  );
  await expect(readBundle(saved(gzipSync('')), async () => {})).rejects.toThrow(/it holds no file/);
});

function isThere(command: string): boolean {
  return spawnSync(command, ['--version']).error === undefined;
}

function pack(command: string, options: string[], bytes: Uint8Array): Buffer {
  return execFileSync(command, [...options, '-c'], { input: bytes, maxBuffer: 1 << 28 });
}

/** A frame of zstd whose blocks are stored as they are (RFC 8878, 3.1.1), of at most 128 KiB each. */
function zstdRaw(bytes: Uint8Array): Buffer {
  const parts = [Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38)];
  for (let at = 0; at < bytes.length; at += 1 << 17) {
    const block = bytes.subarray(at, at + (1 << 17));
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | (at + block.length === bytes.length ? 1 : 0), 0, 3);
    parts.push(header, Buffer.from(block));
  }
  return Buffer.concat(parts);
}
