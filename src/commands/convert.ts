import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { stringify } from 'csv-stringify/sync';
import { type Pack, pack } from 'tar-stream';
import { BundleError, inputName, type Member, readBundle } from '../bundle/bundle.ts';
import { layoutTitle, type Part } from '../bundle/layouts/index.ts';
import { linesOfInterest } from '../bundle/layouts/logs.ts';
import { Budget, type Limits } from '../bundle/limits.ts';
import { printable } from '../report/inert.ts';
import { newPlacer, readSnapshot, SOS_MANIFEST } from '../snapshot/read.ts';
import type { Snapshot } from '../snapshot/types.ts';
import { EXIT } from './exit-codes.ts';
import { isSameFile, writeWholeBy } from './files.ts';
import { failed } from './messages.ts';

/** What says of the other files what the inventory does, which is written. */
const MADE_ANEW = ['manifest.csv', 'inventory.csv', SOS_MANIFEST];

/** A part whose size is not known before it was read is held in memory, up to this. */
const MOST_HELD = 256 * 1024 * 1024;

/**
 * Writes what an archive of any layout holds of conntrack as our own bundle. The archive is read twice: first for what is the best source of
 * each datum, then for the bytes. What was never captured stays absent.
 *
 * @param input  an archive or a folder that holds one capture
 * @param out    the file to write
 * @returns exit code
 */
export async function convert(
  input: string,
  out: string,
  { limits }: { limits?: Limits | undefined } = {},
): Promise<number> {
  if (input === '-')
    return failed(EXIT.usage, 'convert reads its input twice: expected a file or a folder, not standard input');
  if (isSameFile(input, out)) return failed(EXIT.usage, `--out ${out} is the input itself: expected another file`);
  try {
    const snapshot = await readSnapshot(input, { limits });
    const items = await writeWholeBy(out, async (part) => {
      const archive = pack();
      const writing = pipeline(archive, createGzip(), createWriteStream(part));
      const copied = copy(input, snapshot, archive, limits).then((count) => {
        archive.finalize();
        return count;
      });
      // Whichever fails first ends the other, and what could not be written is the reason for both.
      copied.catch((error: Error) => archive.destroy(error));
      await writing;
      return await copied;
    });
    process.stdout.write(
      printable(
        `${inputName(input)}: ${layoutTitle(snapshot.bundle.layout)}\n\nWritten\n  ${out}, with ${items} files\n`,
      ),
    );
    return EXIT.ok;
  } catch (error) {
    if (error instanceof BundleError) return failed(EXIT.input, error.message);
    return failed(EXIT.failed, `${out} was not written: ${(error as Error).message}`);
  }
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
  const inventory: (string | number)[][] = [
    ['path', 'source', 'status', 'reason', 'start', 'seconds', 'bytes', 'digest'],
  ];
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
      ['converted_from', bundle.layout],
      ...(host.hostname ? [['hostname', hostname]] : []),
      ...(capturedAt ? [['captured_at', capturedAt]] : []),
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
      if (inventory.some(([path]) => path === name)) continue;
      const digest = await add(name, size, content);
      const time = snapshot.times[place.path];
      const [start, seconds] = time ? [time.fromSeconds, time.toSeconds - time.fromSeconds] : [];
      inventory.push([
        name,
        file,
        'captured',
        '',
        start?.toFixed(3) ?? '',
        seconds?.toFixed(3) ?? '',
        size,
        `sha256:${digest}`,
      ]);
    }
  };
  await readBundle(input, visit, undefined, new Budget(limits));
  await text('inventory.csv', stringify(inventory));
  return inventory.length + 1;
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
