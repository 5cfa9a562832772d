/** Where a number is from, and why one is missing. */
import type { Analysis } from '../../analysis/schema.ts';
import { NO_CACHE } from '../../parsers/slabinfo.ts';
import { bytes } from '../format.ts';

type Inventory = Analysis['inventory'];
export type Status = Inventory[number]['status'];

/** What a status means when the inventory gives no reason of its own. */
const STATUS_WORDS: Record<Status, string> = {
  captured: 'captured, but nothing usable was in it',
  absent: 'not there on this host',
  denied: 'no permission to read it',
  cut: 'captured only in part',
  failed: 'reading it failed',
};

/** Where something was read. */
export interface Place {
  file: string;
  line?: number | undefined;
}

/** `proc/slabinfo, line 37`. */
export function sourceOf(place: Place): string {
  return place.line === undefined ? place.file : `${place.file}, line ${place.line}`;
}

/** Several places in one note, each once. */
export function sourcesOf(...places: (Place | undefined)[]): string {
  return [...new Set(places.flatMap((place) => (place ? [sourceOf(place)] : [])))].join('; ');
}

/** The file's own name; with its folder where the name alone could be the counters as well as the table. */
function fileName(file: string): string {
  return /(?:[^/]+\/)?[in][pf]_conntrack$/.exec(file)?.[0] ?? file.slice(file.lastIndexOf('/') + 1);
}

/** The same in little room: file names only. The appendix has the whole paths. */
export function shortSourcesOf(...places: Parameters<typeof sourcesOf>): string {
  return sourcesOf(...places.map((place) => place && { ...place, file: fileName(place.file) }));
}

/** The reason that an inventory line gives, or what its status means. */
export function reasonOf(item: Inventory[number]): string {
  return item.reason || STATUS_WORDS[item.status];
}

/** Why nothing is known of what files of this name hold; what was tried last on the host has the last word. */
export function whyAbsent(analysis: Analysis, wanted: RegExp): string {
  const items = analysis.inventory.filter((item) => wanted.test(item.path));
  // A refusal says more than that an older name of the same file does not exist.
  const telling =
    items.find((item) => item.status === 'denied' || item.status === 'failed') ??
    items.find((item) => item.status === 'captured' || item.status === 'cut') ??
    items.at(-1);
  // Archives of others have no inventory: then what could not be made of a file is all that is known.
  if (!telling) return analysis.problems.find((p) => wanted.test(p.file))?.what ?? 'not in this capture';
  const problem = analysis.problems.find((p) => p.file === telling.path);
  return problem && telling.status === 'captured' ? problem.what : reasonOf(telling);
}

/** That sizes rest on a page size that was not captured, in the few words that a note has room for. */
export function pageNote({ pageBytes }: Analysis): string {
  return pageBytes?.inferred === undefined ? '' : 'page size inferred';
}

/** The same in a sentence's values: the page size, and what it is inferred from. */
export function inferredPage({ pageBytes }: Analysis): { size: string; from: string } | undefined {
  return pageBytes?.inferred === undefined ? undefined : { size: bytes(pageBytes.value), from: pageBytes.inferred };
}

function slabinfoIsRefused({ inventory, problems }: Analysis): boolean {
  const isSlabinfo = (path: string) => path === 'proc/slabinfo';
  return (
    inventory.some(({ path, status }) => isSlabinfo(path) && status === 'denied') ||
    problems.some(({ file, what }) => isSlabinfo(file) && /permission denied|not permitted/i.test(what))
  );
}

/**
 * Whether slabs are not seen because the capture is a container's. The kernel lets root read slabinfo (mm/slab_common.c, SLABINFO_RIGHTS):
 * where even root is refused, it is the root of a container. Such a slabinfo can also be there, and list nothing.
 */
export function isHiddenFromContainer(analysis: Analysis): boolean {
  const isEmptied = analysis.problems.some(({ file, what }) => file === 'proc/slabinfo' && what === NO_CACHE);
  return isEmptied || (analysis.bundle.userId === 0 && slabinfoIsRefused(analysis));
}

/** Why nothing is known of the slabs. */
export function whyNoSlab(analysis: Analysis): string {
  const why = whyAbsent(analysis, LOOKED_FOR.slab);
  if (isHiddenFromContainer(analysis)) return `not visible from a container: ${why}`;
  const mayBeHidden = analysis.bundle.userId === undefined && slabinfoIsRefused(analysis);
  return mayBeHidden ? `not visible from a container, nor without root: ${why}` : why;
}

/** What files to look for in the inventory when a value is missing. */
export const LOOKED_FOR = {
  count: /_conntrack_count$/,
  max: /_conntrack_max$/,
  counters: /proc\/net\/stat\/|conntrack-S$/,
  slab: /slabinfo$|sys\/(kernel\/)?slab\//,
  page: /getconf-(?:PAGE_?SIZE|a)$|self\/smaps$/,
  memory: /meminfo$/,
  buckets: /_conntrack_buckets$|hashsize$/,
  table: /^(?:tail\/)?(?:proc\/net\/[in][pf]_conntrack|commands\/conntrack-L[^/]*)$/,
  log: /dmesg$|journalctl|var\/log\//,
} as const;
