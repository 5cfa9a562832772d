/**
 * Weighs entries on this machine's own kernel: makes real flows in a network namespace of their own and holds what slabinfo says
 * against what a report of that namespace would have predicted. Everything that is made or set here is put back.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { analyse } from '../../src/analysis/analyse.ts';
import { type Prices, priceOf, pricesOf } from '../../src/analysis/memory.ts';
import { kernelAtLeast } from '../../src/parsers/host.ts';
import { parseSlabinfo, selectConntrackCaches } from '../../src/parsers/slabinfo.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import { whyNoLab } from './lab.ts';

const ENTRIES = fileURLToPath(new URL('entries.mjs', import.meta.url));
const COLLECTOR = fileURLToPath(new URL('../../src/collector/collect.sh', import.meta.url));
const MAX = '/proc/sys/net/netfilter/nf_conntrack_max';
const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count';
/** Enough for the largest load here twice over, with extensions and what makes the packets. */
const NEEDED_BYTES = 1024 ** 3;
/** SLUB keeps free objects for the CPU that everything is made on: so many more than are missing fill every partly used slab. */
const SPARE_OBJECTS = 512;
/** Slabs of this size more than before do not delay the next weighing. */
const FEW_BYTES = 1024 ** 2;

/** What is switched on in the namespace; `extended` where that adds an extension to each entry. */
export const FEATURES = [
  { name: 'plain', extended: false, rules: '', sysctl: undefined },
  { name: 'accounting', extended: true, rules: '', sysctl: 'net.netfilter.nf_conntrack_acct=1' },
  {
    name: 'NAT (masquerade)',
    extended: true,
    rules: 'chain nat { type nat hook postrouting priority 100; masquerade; };',
    sysctl: undefined,
  },
  {
    name: 'labels',
    extended: true,
    rules: 'chain label { type filter hook output priority 10; ct label set 1; };',
    sysctl: undefined,
  },
] as const;
export type Feature = (typeof FEATURES)[number];

/** Bytes that so many entries take. */
interface Weight {
  slabBytes: number;
  /** The slabs and the extensions. */
  totalBytes: number;
}

/** What so many entries were predicted to take, and took. */
export interface Weighing {
  entries: number;
  predicted: Weight;
  measured: Weight;
}

/** Why this machine cannot weigh entries; undefined if it can. */
export function whyNoScale(): string | undefined {
  const reason = whyNoLab();
  if (reason !== undefined) return reason;
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  if (kernelAtLeast(release, 4, 12) !== true) return `the extensions of ${release} are not all of one size`;
  if (!existsSync('/proc/slabinfo')) return 'the kernel has no slabinfo';
  if (cpu() === undefined || !has('taskset')) return 'needs the command taskset';
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  if (Number(available) * 1024 < NEEDED_BYTES) return 'needs 1 GiB of available memory';
  return undefined;
}

/** Makes entries up to each of the sizes, which ascend, and weighs them there; last, a report of them all estimates their extensions. */
export async function weigh(
  feature: Feature,
  sizes: readonly number[],
): Promise<{ weighings: Weighing[]; estimate: Prices['extension'] }> {
  const scale = new Scale(feature);
  try {
    // Before there is any entry.
    const prices = await scale.prices();
    // New entries fill the holes of partly used slabs first: then every further one needs room of its own.
    const { holes } = objects();
    scale.add(holes + SPARE_OBJECTS);
    const before = { ...objects(), entries: scale.entries };
    const weighings: Weighing[] = [];
    for (const entries of sizes) {
      scale.add(before.entries + entries - scale.entries);
      const after = objects();
      const slabBytes = after.slabBytes - before.slabBytes;
      weighings.push({
        entries,
        predicted: predicted(feature, entries, prices),
        measured: { slabBytes, totalBytes: slabBytes + after.extensionBytes - before.extensionBytes },
      });
    }
    return { weighings, estimate: (await scale.prices()).extension };
  } finally {
    await scale.close();
  }
}

/** What a report would say. Masquerading and labels cannot be seen in a capture: of the estimate's two ends, the one meant here. */
function predicted({ extended }: Feature, entries: number, prices: Prices): Weight {
  const { slabBytes = Number.NaN } = priceOf('today', entries, undefined, prices);
  const { low, high } = prices.extension ?? { low: Number.NaN, high: Number.NaN };
  return { slabBytes, totalBytes: slabBytes + entries * (extended ? high : low) };
}

/** What slabinfo says of entries and of what extensions are made of. */
function objects(): { holes: number; slabBytes: number; extensionBytes: number } {
  const info = parseSlabinfo(readFileSync('/proc/slabinfo', 'utf8'), 'proc/slabinfo').value;
  const cache = info && selectConntrackCaches(info).entries[0];
  if (!cache) throw new Error('slabinfo has no line of conntrack');
  const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
  return {
    holes: cache.totalObjects - cache.activeObjects,
    slabBytes: cache.totalSlabs * cache.pagesPerSlab * pageBytes,
    // By objects, not by slabs: others leave thousands of free ones there, which are used first.
    extensionBytes: info.caches
      .filter(({ name }) => /^kmalloc-(?:rnd-\d+-)?128$/.test(name))
      .reduce((sum, { activeObjects, objectBytes }) => sum + activeObjects * objectBytes, 0),
  };
}

/** A namespace that tracks what it sends to itself. */
class Scale {
  static readonly #NAME = 'weigh';
  readonly #savedMax = readFileSync(MAX, 'utf8').trim();
  readonly #heldBefore = objects().slabBytes;
  entries = 0;

  constructor({ rules, sysctl }: Feature) {
    try {
      ip('netns', 'add', Scale.#NAME);
      ip('-n', Scale.#NAME, 'link', 'set', 'lo', 'up');
      ip('-n', Scale.#NAME, 'addr', 'add', '10.19.0.1/32', 'dev', 'lo');
      // A datagram to these leaves, is tracked, comes back, and is dropped before anybody answers it.
      ip('-n', Scale.#NAME, 'route', 'add', 'local', '203.0.113.0/24', 'dev', 'lo');
      this.#run(
        'nft',
        `table ip weigh {
          chain track { type filter hook output priority 0; ct state new accept; };
          chain input { type filter hook input priority -300; drop; };
          ${rules}
        }`,
      );
      // Both belong to the namespace and go with it.
      for (const setting of ['net.netfilter.nf_conntrack_udp_timeout=600', ...(sysctl ? [sysctl] : [])]) {
        this.#run('sysctl', '-qw', setting);
      }
    } catch (error) {
      this.#remove();
      throw error;
    }
  }

  /** Prices as a report of this namespace has them now. */
  async prices(): Promise<Prices> {
    const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-weigh-'));
    try {
      const bundle = path.join(scratch, 'bundle.tar.gz');
      this.#run('sh', COLLECTOR, '--output', bundle, '--samples', '0', '--no-table');
      const snapshot = await readSnapshot(bundle);
      return pricesOf(snapshot, analyse(snapshot, '0').slab.caches);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }

  /** Makes so many more entries. */
  add(count: number): void {
    // The limit is one number for all namespaces.
    writeFileSync(MAX, String(Math.max(Number(this.#savedMax), this.entries + count + 1000)));
    this.#run('taskset', '-c', cpu() ?? '0', process.execPath, ENTRIES, String(this.entries), String(count));
    this.entries += count;
    const counted = Number(this.#run('cat', COUNT));
    if (counted !== this.entries) throw new Error(`${counted} entries are there, of ${this.entries}`);
  }

  /** Puts the limit back, removes the namespace, and waits until the kernel has freed its entries. */
  async close(): Promise<void> {
    this.#remove();
    const most = this.#heldBefore + FEW_BYTES;
    for (let tries = 0; tries < 100 && objects().slabBytes > most; tries++) await setTimeout(100);
  }

  #remove(): void {
    writeFileSync(MAX, this.#savedMax);
    if (existsSync(`/run/netns/${Scale.#NAME}`)) ip('netns', 'del', Scale.#NAME);
  }

  #run(command: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', Scale.#NAME, command, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** The first CPU that this process may run on. */
function cpu(): string | undefined {
  return /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
}

function has(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
