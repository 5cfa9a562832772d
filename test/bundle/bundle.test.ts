import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, describe, expect, test } from 'vitest';
import { BundleError, readBundle } from '../../src/bundle/bundle.ts';
import { packageRoot } from '../../src/package.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-bundle-'));
afterAll(() => rmSync(scratch, { recursive: true }));

async function tarOf(files: Record<string, string>): Promise<Buffer> {
  const archive = pack();
  for (const [name, text] of Object.entries(files)) archive.entry({ name, mtime: new Date(0) }, text);
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

let files = 0;
function saved(bytes: Uint8Array): string {
  const file = path.join(scratch, `input-${files++}`);
  writeFileSync(file, bytes);
  return file;
}

async function contents(input: string, stdin?: AsyncIterable<Uint8Array>) {
  const members: Record<string, string> = {};
  const end = await readBundle(
    input,
    async ({ path: name, content }) => {
      members[name] = '';
      for await (const chunk of content) members[name] += Buffer.from(chunk).toString();
    },
    stdin,
  );
  return { members, end };
}

const TREE = {
  'conntrack-gw/manifest.csv': 'key,value\n',
  'conntrack-gw/proc/slabinfo': 'slabinfo - version: 2.1\n',
  'conntrack-gw/series/01/proc/uptime': '1 2\n',
  'conntrack-gw/note.txt': 'by hand\n',
};
const INSIDE = {
  'manifest.csv': 'key,value\n',
  'proc/slabinfo': 'slabinfo - version: 2.1\n',
  'series/01/proc/uptime': '1 2\n',
  'note.txt': 'by hand\n',
};

describe('archives', () => {
  test('plain and gzip, from a file and from standard input, without the top folder', async () => {
    const tar = await tarOf(TREE);
    expect((await contents(saved(tar))).members).toEqual(INSIDE);
    const zipped = gzipSync(tar);
    const { members, end } = await contents(saved(zipped));
    expect(members).toEqual(INSIDE);
    expect(end.bytes).toBe(zipped.length);
    expect(end.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(end.damage).toBeUndefined();
    const stream = (async function* () {
      // Byte by byte at first: the magic number may come in two pieces.
      yield zipped.subarray(0, 1);
      yield zipped.subarray(1);
    })();
    expect((await contents('-', stream)).members).toEqual(INSIDE);
  });

  test('several gzip members in a row are one archive', async () => {
    const tar = await tarOf(TREE);
    const parts = [tar.subarray(0, 700), tar.subarray(700, 1900), tar.subarray(1900)].map((part) => gzipSync(part));
    expect((await contents(saved(Buffer.concat(parts)))).members).toEqual(INSIDE);
  });

  test('with ./ in front, and without a top folder', async () => {
    const dotted = Object.fromEntries(Object.entries(TREE).map(([name, text]) => [`./${name}`, text]));
    expect((await contents(saved(await tarOf(dotted)))).members).toEqual(INSIDE);
    expect((await contents(saved(await tarOf({ 'proc/slabinfo': 'x' })))).members).toEqual({ 'proc/slabinfo': 'x' });
  });

  test('cut at any byte, plain: every byte before the cut is handed out', async () => {
    const tar = await tarOf(TREE);
    for (let cut = 1; cut < tar.length; cut += 37) {
      const whole = Math.floor(cut / 512) < 1;
      const read = contents(saved(tar.subarray(0, cut)));
      if (whole) {
        await expect(read, `cut at ${cut}`).rejects.toThrow(BundleError);
        continue;
      }
      const { members } = await read;
      // Each of these small members takes a header and one block of 512 bytes.
      const expected = Object.entries(INSIDE).flatMap(([name, text], index) => {
        const start = index * 1024 + 512;
        return cut < start ? [] : [[name, text.slice(0, cut - start)]];
      });
      expect(members, `cut at ${cut}`).toEqual(Object.fromEntries(expected));
    }
  });

  test('cut or damaged gzip: what came before is there, and the damage has a name', async () => {
    const tar = await tarOf({ ...TREE, 'conntrack-gw/proc/big': 'line after line\n'.repeat(100_000) });
    const zipped = gzipSync(tar);
    const cut = await contents(saved(zipped.subarray(0, zipped.length - 200)));
    expect(cut.members).toMatchObject(INSIDE);
    expect(cut.members['proc/big']?.length).toBeGreaterThan(1_000_000);
    expect(cut.end.damage).toBe('the compressed data end too early');
    const damaged = Buffer.from(zipped);
    // The check sum (RFC 1952 §2.3.1): whatever else is changed can by chance be sound.
    damaged.writeUInt32LE(~zipped.readUInt32LE(zipped.length - 8) >>> 0, zipped.length - 8);
    expect((await contents(saved(damaged))).end.damage).toMatch(/^the compressed data are damaged: /);
  });

  test('a refusal does not wait for the rest of a stream that stalls', { timeout: 5000 }, async () => {
    const mixed = await tarOf({ 'conntrack-a/proc/version': 'a', 'conntrack-b/proc/version': 'b' });
    async function* stalling() {
      // Without the end of the archive, which is still to come.
      yield mixed.subarray(0, 2 * 1024);
      await new Promise(() => {});
    }
    await expect(contents('-', stalling())).rejects.toThrow('mixes files of two bundles');
  });

  test.each([
    ['an empty file', Buffer.alloc(0), /is empty\. Expected a bundle/],
    ['text', Buffer.from('hello\n'.repeat(500)), /is not an archive that can be read/],
    ['gzip that holds no archive', gzipSync(Buffer.from('hello\n'.repeat(500))), /is not an archive that can be read/],
    ['two zero blocks', Buffer.alloc(1024), /it holds no file/],
  ])('%s is refused by name', async (_what, bytes, message) => {
    const file = saved(bytes);
    await expect(contents(file)).rejects.toThrow(message);
    await expect(contents(file)).rejects.toThrow(file);
  });

  test('nothing goes on running after an input was refused', () => {
    const file = saved(Buffer.from('hello\n'.repeat(500)));
    const { status, signal } = spawnSync(process.execPath, [path.join(packageRoot, 'dist/cli.cjs'), 'report', file], {
      timeout: 20_000,
    });
    expect({ status, signal }).toEqual({ status: 3, signal: null });
  });

  test('two bundles in one archive are refused', async () => {
    const mixed = await tarOf({ ...TREE, 'conntrack-other/proc/slabinfo': 'x' });
    await expect(contents(saved(mixed))).rejects.toThrow(
      /mixes files of two bundles, conntrack-gw\/ and conntrack-other\//,
    );
  });
});

describe('folders', () => {
  function folderOf(tree: Record<string, string>): string {
    const folder = mkdtempSync(path.join(scratch, 'folder-'));
    for (const [name, text] of Object.entries(tree)) {
      mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    return folder;
  }

  test('the bundle itself, or the folder that holds it', async () => {
    const folder = folderOf(TREE);
    expect((await contents(folder)).members).toEqual(INSIDE);
    expect((await contents(path.join(folder, 'conntrack-gw'))).members).toMatchObject({
      'proc/slabinfo': expect.any(String),
    });
  });

  test('links and FIFOs are passed over', async () => {
    const folder = folderOf(TREE);
    symlinkSync('/etc/passwd', path.join(folder, 'conntrack-gw/proc/meminfo'));
    execFileSync('mkfifo', [path.join(folder, 'conntrack-gw/proc/version')]);
    expect((await contents(folder)).members).toEqual(INSIDE);
  });

  test('no such file, and an empty folder', async () => {
    await expect(contents(path.join(scratch, 'nothing'))).rejects.toThrow(/nothing does not exist\. Expected/);
    await expect(contents(folderOf({}))).rejects.toThrow(/is a folder without files/);
  });
});
