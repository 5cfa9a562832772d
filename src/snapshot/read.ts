/** Reads a bundle into a Snapshot: the table is summarised while it streams by, everything else is small and kept. */
import { createHash } from 'node:crypto';
import { BundleError, inputName, isReadError, type Member, readBundle } from '../bundle/bundle.ts';
import type { TableSummariser } from '../parsers/table/summariser.ts';
import type { TextFile } from './assemble.ts';
import type { NamespaceRows, Problem, Snapshot } from './types.ts';

/** The newest version of the bundle's format that this program knows; see src/bundle/README.md. */
const FORMAT_VERSION = 1;

/** A file of the bundle that is kept whole may be this large; the largest real one, /proc/slabinfo, is about 30 KiB. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** All kept files together. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;

/** Where a table can be, and the address families that such a file covers, unless it has to tell itself. The best source comes first. */
const TABLES: { path: RegExp; familiesOf(path: string): ('ipv4' | 'ipv6')[] | undefined }[] = [
  { path: /^proc\/net\/nf_conntrack$/, familiesOf: () => ['ipv4', 'ipv6'] },
  {
    path: /^commands\/conntrack-L-(?:ipv4|ipv6)$/,
    familiesOf: (path) => [path.endsWith('6') ? 'ipv6' : 'ipv4'],
  },
  { path: /^commands\/conntrack-L$/, familiesOf: () => undefined },
  { path: /^proc\/net\/ip_conntrack$/, familiesOf: () => ['ipv4'] },
];

/** The table of another network namespace, by its name. */
const NAMESPACE_TABLE = /^netns\/([^/]+)\/commands\/conntrack-L$/;
/** So many of these are read row by row; of the others, of which a host can have hundreds, the lines are counted. */
const NAMESPACES_READ = 32;

/** In front of the path of a table of which only the end was kept. */
const TAIL = 'tail/';

/** What a path is as a source of the table, if it is one; the lowest rank is the best source. */
function tableAt(path: string) {
  const isTail = path.startsWith(TAIL);
  const name = isTail ? path.slice(TAIL.length) : path;
  const rank = TABLES.findIndex((table) => table.path.test(name));
  const families = TABLES[rank]?.familiesOf(name);
  return rank < 0 ? undefined : { rank: isTail ? rank + TABLES.length : rank, families, isTail };
}

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
  const cuts = new Map<number, string>();
  const namespaceRows = new Map<string, NamespaceRows>();
  const problems: Problem[] = [];
  let kept = 0;

  async function visit({ path, bytes, content }: Member): Promise<void> {
    const { countRowLines, isKnownPath, newSummariser } = await parsers;
    const source = tableAt(path);
    const namespace = NAMESPACE_TABLE.exec(path)?.[1];
    if (source === undefined && namespace === undefined && !isKnownPath(path)) return;
    if (files.has(path)) {
      throw new BundleError(
        `${inputName(input)} holds ${path} twice. Expected one capture of one host; pack the captures one by one.`,
      );
    }
    const limit = Math.min(MAX_FILE_BYTES, MAX_KEPT_BYTES - kept);
    try {
      let read: { text: string; bytes: number; sha256?: string };
      if (source !== undefined) {
        const summariser = tables.get(source.rank) ?? newSummariser();
        tables.set(source.rank, summariser);
        read = { text: '', bytes: 0 };
        const failure = await summariser.read(path, sized(content, read, onTable), source.families, {
          isTail: source.isTail,
        });
        if (failure !== undefined) {
          problems.push({ file: path, what: failure, cost: 'The table that it should hold is missing.' });
        }
      } else if (namespace !== undefined) {
        read = { text: '', bytes: 0 };
        const counted = sized(content, read);
        if (namespaceRows.size >= NAMESPACES_READ) {
          namespaceRows.set(namespace, { value: await countRowLines(counted), file: path, how: 'lines' });
        } else {
          const summariser = newSummariser();
          const failure = await summariser.read(path, counted);
          const { entries } = summariser.finish();
          if (failure === undefined) namespaceRows.set(namespace, { value: entries, file: path, how: 'rows' });
          else problems.push({ file: path, what: failure, cost: 'How many entries this namespace has is not known.' });
        }
      } else {
        read = await readWhole(content, limit);
        kept += read.text.length;
      }
      if (read.bytes > limit && source === undefined && namespace === undefined) {
        problems.push({
          file: path,
          what: `is larger than ${limit} bytes`,
          cost: 'Only its beginning was read.',
        });
      } else if (read.bytes < bytes) {
        if (source !== undefined) cuts.set(source.rank, `the bundle holds only ${read.bytes} of its ${bytes} bytes`);
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
  const [best] = [...tables].filter(([, summariser]) => summariser.hasTable).sort(([a], [b]) => a - b);
  const table = best?.[1].finish(cuts.get(best[0]));
  const { assembleSnapshot, parseManifest } = await parsers;
  const snapshot = assembleSnapshot(files, table, problems, namespaceRows);
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
  const [{ assembleSnapshot, isKnownPath }, { countRowLines }, { TableSummariser }, { parseManifest }] =
    await Promise.all([
      import('./assemble.ts'),
      import('../parsers/table/count.ts'),
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
  return { assembleSnapshot, countRowLines, isKnownPath, parseManifest, newSummariser };
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

/** Passes blocks on, and adds up their bytes. */
async function* sized(
  content: AsyncIterable<Uint8Array>,
  read: { bytes: number },
  onBytes?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    read.bytes += chunk.length;
    onBytes?.(read.bytes);
    yield chunk;
  }
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
