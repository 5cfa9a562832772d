/** What the inputs of the fuzzer are made of: everything that was captured and is kept in this repository. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { analyse } from '../../src/analysis/analyse.ts';
import { BundleError } from '../../src/bundle/bundle.ts';
import { DamageError } from '../../src/bundle/damage.ts';
import { unpackStream } from '../../src/bundle/unpack.ts';
import { readSnapshots } from '../../src/snapshot/read.ts';
import { member, membersOf, nameOf, type TarMember, tarOf } from './archives.ts';
import type { Json } from './mutate.ts';

/** A table of a hundred rows is like one of a thousand. */
const LONGEST = 1 << 14;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function filesIn(folder: string, pattern: RegExp): string[] {
  const names = readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' }).sort();
  return names.filter((name) => pattern.test(name)).map((name) => `${ROOT}${folder}/${name}`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Unpacks an archive, as far as it can be. */
async function unpacked(file: string): Promise<Buffer> {
  const blocks: Buffer[] = [];
  try {
    for await (const block of unpackStream(once(readFileSync(file))).blocks) blocks.push(Buffer.from(block));
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
  }
  return Buffer.concat(blocks);
}

async function archivesIn(...folders: string[]): Promise<TarMember[][]> {
  const files = folders.flatMap((folder) => filesIn(folder, /\.(?:tar\.gz|tar\.xz|txz)$/));
  return Promise.all(files.map(async (file) => membersOf(await unpacked(file))));
}

/** Bundles that collect.sh wrote. */
export const ownBundles = () => archivesIn('samples', 'test/fixtures/captures');

/** What other collectors wrote, and the files that somebody put into a folder. */
export async function foreignArchives(): Promise<TarMember[][]> {
  const loose = filesIn('test/fixtures/foreign/loose/files', /./).map((file) =>
    member(file.slice(file.lastIndexOf('/') + 1), readFileSync(file)),
  );
  return [...(await archivesIn('test/fixtures/foreign')), loose];
}

/** The same archive in the forms that it can be packed in. */
export const packedIn = (format: string) =>
  filesIn('test/fixtures/packed', new RegExp(`\\.tar\\.${format}$`)).map((file) => readFileSync(file));

/** Every text that is a member of an archive or a fixture, each once, by its path. */
export async function allTexts(): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const members of [...(await ownBundles()), ...(await foreignArchives())]) {
    for (const each of members) texts.set(each.content.toString('latin1').slice(0, LONGEST), nameOf(each));
  }
  for (const file of filesIn('test/fixtures', /^[^/]*\.txt$|^table\/.*\.txt(?:\.gz)?$/)) {
    const bytes = readFileSync(file);
    texts.set(
      (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1').slice(0, LONGEST),
      file.slice(ROOT.length),
    );
  }
  // In an order that has nothing to do with where they are from.
  const inOrder = [...texts]
    .map(([text, name]) => [createHash('sha256').update(text).digest('hex'), name, text] as const)
    .sort();
  return new Map(inOrder.map(([sum, name, text]) => [`${name} ${sum}`, text]));
}

/** Tables in all forms. */
export async function tables(): Promise<string[]> {
  const texts = [...(await allTexts())];
  return texts.filter(([name]) => /conntrack(?:-L\S*)? \w+$|table\//.test(name)).map(([, text]) => text);
}

/** An archive of files below a folder. */
export function bundleOf(files: ReadonlyMap<string, string>): TarMember[] {
  return [...files].map(([path, text]) => member(`conntrack-gw-20261122T140305Z/${path}`, text));
}

/** Analyses as JSON: of every bundle that collect.sh wrote, and what other versions wrote. */
export async function jsonAnalyses(): Promise<Json[]> {
  const analyses: Json[] = filesIn('test/fixtures/analyses', /^(?:analysis|older)\.json$/).map((file) =>
    JSON.parse(readFileSync(file, 'utf8')),
  );
  for (const members of await ownBundles()) {
    for (const capture of await capturesIn(tarOf(members))) {
      if ('snapshot' in capture) analyses.push(JSON.parse(JSON.stringify(analyse(capture.snapshot, '0'))));
    }
  }
  return analyses;
}

/** The captures in an archive; none in what is no bundle, of which samples/fleet has one. */
const capturesIn = (tar: Buffer) =>
  readSnapshots('-', { stdin: once(tar) }).catch((error: unknown) => {
    if (error instanceof BundleError) return [];
    throw error;
  });
