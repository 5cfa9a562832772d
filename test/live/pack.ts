/** Packs a bundle anew so that it is small: the same files, in one gzip stream at its best, with what is alike side by side. */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as tar from 'tar-stream';

/** What gzip finds no likeness in if it is further apart than 32 KiB. */
const BESIDE: Record<string, string> = { 'after/proc/slabinfo': 'proc/slabinfo' };

export async function packSmall(file: string): Promise<number> {
  const members: { header: tar.Header; content: Buffer }[] = [];
  const extract = tar.extract();
  extract.end(gunzipSync(readFileSync(file)));
  for await (const entry of extract) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    members.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  const pathOf = ({ header }: (typeof members)[number]) => header.name.slice(header.name.indexOf('/') + 1);
  const moved = members.filter((member) => pathOf(member) in BESIDE);
  const pack = tar.pack();
  for (const member of members.filter((each) => !moved.includes(each))) {
    const beside = moved.filter((each) => BESIDE[pathOf(each)] === pathOf(member));
    for (const { header, content } of [member, ...beside]) pack.entry(header, content);
  }
  pack.finalize();
  const blocks: Uint8Array[] = [];
  for await (const block of pack) blocks.push(block as Uint8Array);
  const small = gzipSync(Buffer.concat(blocks), { level: 9, memLevel: 9 });
  writeFileSync(file, small, { mode: 0o644 });
  return small.length;
}
