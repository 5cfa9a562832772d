/** Bundles for tests: any files, with an inventory that fits them. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

export const MANIFEST = 'key,value\nformat,conntrack-report bundle\nformat_version,1\nhostname,gw1.acme.example\n';

const HEADER = 'path,source,status,reason,start,seconds,bytes,digest';

/** An inventory of files, each captured. */
export function inventoryOf(files: Readonly<Record<string, string | Buffer>>): string {
  const lines = Object.entries(files).map(([path, content]) => {
    const sum = createHash('sha256').update(content).digest('hex');
    return `${path},/${path},captured,,0.10,0.00,${Buffer.byteLength(content)},sha256:${sum}`;
  });
  return `${[HEADER, ...lines].join('\n')}\n`;
}

/** Writes an archive of files in the order given, below a top folder. */
export async function writeArchive(
  file: string,
  files: Readonly<Record<string, string | Buffer>>,
  top = 'conntrack-gw1.acme.example-20261122T140305Z/',
): Promise<void> {
  const tar = pack();
  for (const [path, content] of Object.entries(files)) tar.entry({ name: `${top}${path}` }, content);
  tar.finalize();
  const blocks: Buffer[] = [];
  for await (const block of tar) blocks.push(block as Buffer);
  writeFileSync(file, gzipSync(Buffer.concat(blocks)));
}

/** Writes a bundle with manifest and inventory. */
export async function writeBundleOf(file: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  await writeArchive(file, { 'manifest.csv': MANIFEST, ...files, 'inventory.csv': inventoryOf(files) });
}
