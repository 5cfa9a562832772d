import { TableSummariser } from '../../src/parsers/table/summariser.ts';
import { assembleSnapshot } from '../../src/snapshot/assemble.ts';
import type { Snapshot, TableSummary } from '../../src/snapshot/types.ts';

/** A snapshot of the files that a test names, read by the real parsers. */
export function snapshotOf(files: Record<string, string | number>, table?: TableSummary): Snapshot {
  const texts = Object.entries(files).map(([path, text]) => {
    const whole = `${text}\n`;
    return [path, { text: whole, bytes: whole.length }] as const;
  });
  return assembleSnapshot(new Map(texts), table, []);
}

const HEADER =
  'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error expect_new expect_create expect_delete search_restart';

/** `/proc/net/stat/nf_conntrack` of 5.15 and later, one CPU. */
export function countersText(values: {
  entries?: number;
  drop?: number;
  earlyDrop?: number;
  insertFailed?: number;
  chainTooLong?: number;
  clashResolve?: number;
  found?: number;
  invalid?: number;
}): string {
  const hex = (value = 0) => value.toString(16).padStart(8, '0');
  const { entries, clashResolve, found, invalid, chainTooLong, insertFailed, drop, earlyDrop } = values;
  const upToInvalid = [entries, clashResolve, found, 0, invalid];
  const all = [...upToInvalid, 0, 0, chainTooLong, 0, insertFailed, drop, earlyDrop, 0, 0, 0, 0, 0];
  return `${HEADER}\n${all.map(hex).join(' ')}`;
}

/** A gateway with 8 GiB on 6.1, as far as a bundle tells, with some files replaced or added. */
export function gateway(files: Record<string, string | number>, table?: TableSummary): Snapshot {
  return snapshotOf(
    {
      'manifest.csv': 'key,value\nformat_version,1\nhostname,gw',
      'commands/uname-r': '6.6.30',
      'commands/uname-m': 'x86_64',
      'commands/getconf-PAGESIZE': 4096,
      'proc/meminfo': `MemTotal: ${8 * 2 ** 20} kB`,
      'proc/sys/net/netfilter/nf_conntrack_max': 65_536,
      'proc/sys/net/netfilter/nf_conntrack_buckets': 65_536,
      'proc/sys/net/netfilter/nf_conntrack_count': 1000,
      'proc/slabinfo': 'slabinfo - version: 2.1\nnf_conntrack 1010 1024 256 16 1 : tunables 0 0 0 : slabdata 64 64 0',
      ...files,
    },
    table,
  );
}

/** A connection table of these rows, read by the real scanner: of /proc/net/nf_conntrack, unless it is another file. */
export async function tableOf(rows: readonly string[], file = 'proc/net/nf_conntrack'): Promise<TableSummary> {
  const summariser = new TableSummariser();
  async function* bytes() {
    yield Buffer.from(rows.map((row) => `${row}\n`).join(''));
  }
  const families = file.startsWith('proc/') ? (['ipv4', 'ipv6'] as const) : undefined;
  await summariser.read(file, bytes(), families, { isTail: file.startsWith('tail/') });
  return summariser.finish();
}
