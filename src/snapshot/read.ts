/** Reads a bundle into a Snapshot: the table is summarised while it streams by, everything else is small and kept. */
import { createHash } from 'node:crypto';
import { BundleError, inputName, isReadError, type Member, readBundle } from '../bundle/bundle.ts';
import type { TableSummariser } from '../parsers/table/summariser.ts';
import type { TextFile } from './assemble.ts';
import type { Problem, Snapshot } from './types.ts';

/** The newest version of the bundle's format that this program knows; see src/bundle/README.md. */
export const FORMAT_VERSION = 1;

/** A file of the bundle that is kept whole may be this large; the largest real one, /proc/slabinfo, is about 30 KiB. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** All kept files together. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;

/** Where a table can be, and the address families that such a file covers. The best source comes first. */
const TABLES: { path: RegExp; families: ('ipv4' | 'ipv6')[] }[] = [
  { path: /^proc\/net\/nf_conntrack$/, families: ['ipv4', 'ipv6'] },
  { path: /^commands\/conntrack-L-(?:ipv4|ipv6)$/, families: [] },
  { path: /^proc\/net\/ip_conntrack$/, families: ['ipv4'] },
];

/**
 * Reads one bundle.
 *
 * @param input  path of an archive or a folder, or `-` for standard input
 * @param options.stdin    what stands for standard input
 * @param options.onTable  is told how much of the table was read, again and again while it is
 * @throws {BundleError} if the input cannot be read as a bundle at all; anything less is listed in `problems`
 */
export async function readSnapshot(
  input: string,
  { stdin, onTable }: { stdin?: AsyncIterable<Uint8Array>; onTable?: (bytes: number) => void } = {},
): Promise<Snapshot> {
  const files = new Map<string, TextFile>();
  const tables = new Map<number, TableSummariser>();
  const problems: Problem[] = [];
  let kept = 0;
  let cutTable: string | undefined;

  async function visit({ path, bytes, content }: Member): Promise<void> {
    const { isKnownPath, newSummariser } = await parsers;
    const rank = TABLES.findIndex((table) => table.path.test(path));
    if (rank < 0 && !isKnownPath(path)) return;
    if (files.has(path)) {
      throw new BundleError(
        `${inputName(input)} holds ${path} twice. Expected one capture of one host; pack the captures one by one.`,
      );
    }
    const limit = Math.min(MAX_FILE_BYTES, MAX_KEPT_BYTES - kept);
    try {
      let read: { text: string; bytes: number; sha256?: string };
      if (rank >= 0) {
        const families = TABLES[rank]?.families ?? [];
        const summariser = tables.get(rank) ?? newSummariser();
        tables.set(rank, summariser);
        read = { text: '', bytes: 0 };
        await summariser.read(
          path,
          (async function* () {
            for await (const chunk of content) {
              read.bytes += chunk.length;
              onTable?.(read.bytes);
              yield chunk;
            }
          })(),
          families.length > 0 ? families : [path.endsWith('6') ? 'ipv6' : 'ipv4'],
        );
      } else {
        read = await readWhole(content, limit);
        kept += read.text.length;
      }
      if (read.bytes > limit && rank < 0) {
        problems.push({
          file: path,
          what: `is larger than ${limit} bytes`,
          cost: 'Only its beginning was read.',
        });
      } else if (read.bytes < bytes) {
        if (rank >= 0) cutTable = `the bundle holds only ${read.bytes} of its ${bytes} bytes`;
        problems.push({
          file: path,
          what: `ends after ${read.bytes} of ${bytes} bytes`,
          cost: 'What came after that is missing.',
        });
      }
      files.set(path, read);
    } catch (error) {
      if (!isReadError(error)) throw error;
      problems.push({ file: path, what: `cannot be read: ${error.message}`, cost: 'What it holds is missing.' });
    }
  }

  // The parsers are loaded while the first bytes are being unpacked.
  const reading = readBundle(input, visit, stdin);
  const parsers = loadParsers();
  const end = await reading;
  if (files.size === 0) {
    throw new BundleError(
      `${inputName(input)} is no bundle: it holds neither manifest.csv nor any file such as proc/slabinfo or ` +
        'proc/sys/net/netfilter/nf_conntrack_count. Expected what collect.sh wrote.',
    );
  }
  if (end.damage !== undefined) {
    problems.unshift({
      file: inputName(input),
      what: end.damage,
      cost: 'Everything before the damage was read; what came after it is missing.',
    });
  }
  const best = [...tables.keys()].sort((a, b) => a - b)[0];
  const table = best === undefined ? undefined : tables.get(best)?.finish();
  if (table && cutTable !== undefined) table.cut = cutTable;
  const { assembleSnapshot, parseManifest } = await parsers;
  const snapshot = assembleSnapshot(files, table, problems);
  const named = parseManifest(files.get('manifest.csv')?.text ?? '', 'manifest.csv').value?.get('hostname');
  refuseMixture(input, named, snapshot);
  const { formatVersion } = snapshot.bundle;
  if (formatVersion !== undefined && formatVersion > FORMAT_VERSION) {
    throw new BundleError(
      `${inputName(input)} has format version ${formatVersion}; this program reads up to ${FORMAT_VERSION}. ` +
        'Expected an older bundle, or install a newer conntrack-report.',
    );
  }
  return {
    ...snapshot,
    bundle: { ...snapshot.bundle, name: baseName(input), sha256: end.sha256, bytes: end.bytes },
  };
}

async function loadParsers() {
  const [{ assembleSnapshot, isKnownPath }, { TableSummariser }, { parseManifest }] = await Promise.all([
    import('./assemble.ts'),
    import('../parsers/table/summariser.ts'),
    import('../parsers/bundle-csv.ts'),
  ]);
  // One is made now: nearly every bundle has a table.
  let ready: TableSummariser | undefined = new TableSummariser();
  const newSummariser = () => {
    const summariser = ready ?? new TableSummariser();
    ready = undefined;
    return summariser;
  };
  return { assembleSnapshot, isKnownPath, parseManifest, newSummariser };
}

/**
 * Two captures unpacked into one folder overwrite each other's files: what is left describes no machine at all.
 *
 * @param named the host that the manifest is of
 */
function refuseMixture(input: string, named: string | undefined, snapshot: Snapshot): void {
  const { hostname } = snapshot.host;
  // collect.sh writes the name as it stands in the bundle's own name.
  const inName = hostname?.value
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 60);
  if (named && hostname && inName !== named) {
    throw new BundleError(
      `${inputName(input)} mixes files of two hosts: manifest.csv is of ${named}, ${hostname.file} of ${hostname.value}. ` +
        'Expected one capture of one host; unpack each bundle into a folder of its own, or name the archives.',
    );
  }
}

/** The name that a report shows: reports are read where the folder of the input means nothing. */
function baseName(input: string): string {
  return (
    inputName(input)
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .pop() ?? input
  );
}

async function readWhole(content: AsyncIterable<Uint8Array>, limit: number) {
  const chunks: Uint8Array[] = [];
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of content) {
    hash.update(chunk);
    if (bytes < limit) chunks.push(Buffer.from(chunk.subarray(0, limit - bytes)));
    bytes += chunk.length;
  }
  return { text: Buffer.concat(chunks).toString('utf8'), bytes, sha256: hash.digest('hex') };
}
