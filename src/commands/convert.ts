import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { stringify } from 'csv-stringify/sync';
import { type Pack, pack } from 'tar-stream';
import { BundleError, inputName, type Member, readBundle } from '../bundle/bundle.ts';
import { layoutTitle, type Part } from '../bundle/layouts/index.ts';
import { linesOfInterest } from '../bundle/layouts/logs.ts';
import { Budget, type Limits } from '../bundle/limits.ts';
import { isSameFile, notOnTerminal, outName, withFile, writeWholeBy } from '../files.ts';
import { printable } from '../report/inert.ts';
import { newPlacer, readCapture, SOS_MANIFEST } from '../snapshot/read.ts';
import type { InventoryItem, Snapshot } from '../snapshot/types.ts';
import { EXIT } from './exit-codes.ts';
import { openProgress, type Telling } from './progress.ts';

/** What says of the other files what the inventory does, which is written. */
const MADE_ANEW = ['manifest.csv', 'inventory.csv', SOS_MANIFEST];

/** A part whose size is not known before it was read is held in memory, up to this. */
const MOST_HELD = 256 * 1024 * 1024;

/**
 * Writes what an archive of any layout holds of conntrack as our own bundle. The archive is read twice: first for what is the best source of
 * each datum, then for the bytes. What was never captured stays absent.
 *
 * @param input  an archive or a folder that holds one capture, or `-` for standard input
 * @param out    the file to write, or `-` for standard output
 * @returns exit code
 */
export async function convert(
  input: string,
  out: string,
  { limits, telling }: { limits?: Limits | undefined; telling?: Telling } = {},
): Promise<number> {
  const progress = await openProgress(2, { ...telling, isOutTaken: out === '-' });
  try {
    const wrong = notOnTerminal(out);
    if (wrong !== undefined) return progress.failed(EXIT.usage, wrong);
    if (out !== '-' && isSameFile(input, out))
      return progress.failed(EXIT.usage, `--out ${out} is the input itself: expected another file`);
    return await withFile(input, async (file) => {
      progress.step(`reading ${inputName(input)}`);
      const captured = await readCapture(file, { limits });
      if ('error' in captured) throw captured.error;
      if (captured.inner !== undefined)
        return progress.failed(
          EXIT.input,
          `${inputName(input)} is an archive of archives. Expected the one in it, ${captured.inner}.`,
        );
      const { snapshot } = captured;
      progress.step(`writing ${outName(out)}`);
      const items = await writeWholeBy(out, (part) => packInto(part, file, snapshot, limits));
      const title = `${inputName(input)}: ${layoutTitle(snapshot.bundle.layout)}`;
      progress.say(printable(`${title}\n\nWritten\n  ${outName(out)}, with ${items} files\n`));
      return EXIT.ok;
    });
  } catch (error) {
    if (error instanceof BundleError) return progress.failed(EXIT.input, error.message);
    return progress.failed(EXIT.failed, `${outName(out)} was not written: ${(error as Error).message}`);
  } finally {
    progress.stop();
  }
}

async function packInto(part: string, input: string, snapshot: Snapshot, limits: Limits | undefined): Promise<number> {
  const archive = pack();
  // It is there before anything can fail: one that was opened later would be left.
  const file = await open(part, 'w');
  const writing = pipeline(archive, createGzip(), file.createWriteStream());
  const copied = copy(input, snapshot, archive, limits).then((count) => {
    archive.finalize();
    return count;
  });
  // Whichever fails first ends the other, and what could not be written is the reason for both.
  copied.catch((error: Error) => archive.destroy(error));
  await writing;
  return await copied;
}

/** Writes the members; resolves to their number. */
async function copy(input: string, snapshot: Snapshot, archive: Pack, limits: Limits | undefined): Promise<number> {
  const { host, bundle } = snapshot;
  const capturedAt = host.capturedAt?.value;
  const stamp = capturedAt?.replace(/[-:]/g, '').replace(/\.\d+/, '');
  // As collect.sh writes the name.
  const hostname = host.hostname?.value.replace(/[^A-Za-z0-9.-]/g, '-').slice(0, 60);
  const top = ['conntrack', hostname || 'host', stamp].filter((part) => part !== undefined).join('-');
  const mtime = new Date(capturedAt ?? 0);
  const written = new Map<string, InventoryItem>();
  const add = async (name: string, size: number, content: AsyncIterable<Uint8Array>): Promise<string> => {
    const hash = createHash('sha256');
    const entry = archive.entry({ name: `${top}/${name}`, size, mtime });
    const done = new Promise<void>((resolve, reject) => {
      entry.once('finish', () => resolve());
      entry.once('error', reject);
    });
    // Awaited below; a failure may come before.
    done.catch(() => {});
    let written = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      written += chunk.length;
      if (!entry.write(Buffer.from(chunk)))
        await Promise.race([new Promise<void>((resolve) => entry.once('drain', () => resolve())), done]);
    }
    if (written < size) throw new Error(`${name} is damaged: it ends after ${written} of ${size} bytes`);
    entry.end(undefined);
    await done;
    return hash.digest('hex');
  };
  const text = (name: string, content: string) => add(name, Buffer.byteLength(content), inOne(Buffer.from(content)));

  await text(
    'manifest.csv',
    stringify([
      ['key', 'value'],
      ['format', 'conntrack-report bundle'],
      ['format_version', '1'],
      ...(bundle.layout === 'bundle' ? [] : [['converted_from', bundle.layout]]),
      ...(host.hostname ? [['hostname', hostname]] : []),
      ...(capturedAt ? [['captured_at', capturedAt]] : []),
      ...ownLines(bundle),
    ]),
  );
  const placer = await newPlacer();
  const visit = async (member: Member) => {
    for await (const part of placer.partsOf(member)) {
      if (!isBest(part, snapshot)) continue;
      const { place, file } = part;
      const { size, content } = await sized(part, limits);
      const name = snapshot.truncated.includes(place.path) ? `tail/${place.path}` : place.path;
      // One that sos cut is in its archive once, and once more where links were followed.
      if (written.has(name)) continue;
      const digest = await add(name, size, content);
      const time = snapshot.times[place.path];
      written.set(name, {
        path: name,
        source: file,
        status: 'captured',
        reason: '',
        ...(time && { startSeconds: time.fromSeconds, seconds: time.toSeconds - time.fromSeconds }),
        bytes: size,
        digest: `sha256:${digest}`,
      });
    }
  };
  await readBundle(input, visit, undefined, new Budget(limits));
  // In the order of the collector, as far as it is known.
  const items = new Map(snapshot.inventory.map((item) => [item.path, missing(item)] as const));
  for (const [name, item] of written) items.set(name, { ...item, ...told(item, snapshot) });
  const lines = [...items.values()].map((item) => INVENTORY.map((column) => item[column] ?? ''));
  const header = INVENTORY.map((column) => (column === 'startSeconds' ? 'start' : column));
  await text('inventory.csv', stringify([header, ...lines]));
  return written.size + 2;
}

const INVENTORY = ['path', 'source', 'status', 'reason', 'startSeconds', 'seconds', 'bytes', 'digest'] as const;

/** What the manifest of a bundle of collect.sh says beside when and where: what is made of it is no less a capture of that collector. */
function ownLines({ collectorVersion, commandLine, userId, netns, anonymized }: Snapshot['bundle']): string[][] {
  const lines = {
    collector_version: collectorVersion,
    command_line: commandLine,
    user_id: userId,
    netns,
    anonymized: anonymized?.scheme,
    anonymized_key_id: anonymized?.keyId,
  };
  return Object.entries(lines).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
}

/** What the collector said of a member: where it is from, when it was read, and whether it is all of it. */
function told({ path }: InventoryItem, { inventory }: Snapshot): Partial<InventoryItem> {
  const item = inventory.find((each) => each.path === path);
  if (item?.status !== 'captured' && item?.status !== 'cut') return {};
  const { bytes: _bytes, digest: _digest, ...known } = item;
  return known;
}

/** A line for what the bundle does not have, and why. */
function missing(item: InventoryItem): InventoryItem {
  if (item.status !== 'captured' && item.status !== 'cut') return item;
  const { bytes: _bytes, digest: _digest, ...rest } = item;
  return { ...rest, status: 'failed', reason: 'captured, and not in what was converted' };
}

/** Whether the first reading took this part for its path. A log of which only some lines were captured says nothing by what is not in it. */
function isBest({ place, file, linesBefore }: Part, { origins, logFiles, bundle }: Snapshot): boolean {
  if (MADE_ANEW.includes(place.path)) return false;
  if (place.isFiltered && !logFiles.includes(place.path)) return false;
  const origin = Object.hasOwn(origins, place.path) ? origins[place.path] : undefined;
  if (origin === undefined) return file === place.path || bundle.layout === 'bundle';
  return origin.file === file && origin.linesBefore === linesBefore;
}

async function sized(
  part: Part,
  limits: Limits | undefined,
): Promise<{ size: number; content: AsyncIterable<Uint8Array> }> {
  if (part.bytes !== undefined && !part.place.isLog) return { size: part.bytes, content: part.content };
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of part.place.isLog ? linesOfInterest(part.content, limits) : part.content) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > MOST_HELD) throw new Error(`${part.file} holds a part of more than ${MOST_HELD} bytes`);
  }
  return { size, content: inOne(Buffer.concat(chunks)) };
}

async function* inOne(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
