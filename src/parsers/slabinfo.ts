/**
 * `/proc/slabinfo`, as printed by
 * - 1.1: Linux 2.4, mm/slab.c `proc_getdata`/`s_show`. No column for objects in a slab, and the slab counts come where
 *   2.x has `objperslab pagesperslab`:
 *       ip_conntrack        6537  16620    384  984 1662    1 :  496  124
 * - 2.0: 2.5.71–2.6.9, and 2.1: 2.6.10 until today, mm/slab.c `s_show`, mm/slub.c, now mm/slab_common.c `cache_show`:
 *       nf_conntrack        4752   4752    256   16    1 : tunables    0    0    0 : slabdata    297    297      0
 *
 * 1.1 of an SMP kernel appends ` : limit batchcount`, and one with statistics puts ` : high allocs grown reaped errors` in
 * front of that and ` : allochit allocmiss freehit freemiss` behind. 2.x with statistics appends ` : globalstat …` and
 * ` : cpustat …`; in 2.6.18 the format string of globalstat is continued on the next source line, so that TABs are printed.
 * Names may hold blanks and colons; the numbers are therefore found from the right.
 */
import type { Problem, SlabCache, Slabinfo } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { type Row, rowText, unusableTable, whitespaceRows } from './rows.ts';
import { type NumberedLine, oddLines, quote, refuse, toCount } from './text.ts';

/** Which column is which: behind the name, and in the groups that begin with a word, by that word. */
interface Layout {
  main: string[];
  groups: Record<string, string[]>;
}

const layout1: Layout = {
  main: ['active_objs', 'num_objs', 'objsize', 'active_slabs', 'num_slabs', 'pagesperslab'],
  groups: {},
};

/** 2.0's own header says `<batchcount> <limit>`, but its code prints the limit first, as 2.1 does. */
const layout2: Layout = {
  main: ['active_objs', 'num_objs', 'objsize', 'objperslab', 'pagesperslab'],
  groups: { tunables: ['limit', 'batchcount', 'sharedfactor'], slabdata: ['active_slabs', 'num_slabs', 'sharedavail'] },
};

/** What is wrong with a slabinfo that has a header at the most; lxcfs prints such a one in containers. */
export const NO_CACHE = 'lists no cache at all';
/** What a slabinfo costs that tells nothing. */
export const noMemory = 'The memory of the connection table cannot be computed from slabs.';
const missingCaches = 'The caches on these lines are missing; if one is conntrack’s own, its memory is too.';

/** Reads one `/proc/slabinfo`, versions 1.1, 2.0, 2.1, and others if their header names the columns. */
export function parseSlabinfo(text: string, file: string): Parsed<Slabinfo> {
  const unusable = unusableTable(text);
  if (unusable !== undefined) return refuse(file, unusable, noMemory);

  const { version, variants, header, rows, repeatedAt } = readOnce(whitespaceRows(text));
  const layout = version === undefined ? layoutOfRows(rows) : layoutOfVersion(version, header);
  if (layout === undefined) {
    const what =
      version === undefined
        ? 'has neither a version line nor the columns of slabinfo'
        : `is slabinfo version ${quote(version)}, whose columns are not known`;
    return refuse(file, what, noMemory);
  }

  const caches: SlabCache[] = [];
  const odd: NumberedLine[] = [];
  for (const row of rows) {
    const cache = parseCache(row, layout);
    // Without a version line only the numbers can tell whether the columns are those of 1.1.
    if (cache === undefined || (version === undefined && !isPlausible(cache))) odd.push(rowText(row));
    else caches.push(cache);
  }
  const problems: Problem[] = oddLines(file, odd, missingCaches);
  if (repeatedAt !== undefined) {
    problems.push({
      file,
      line: repeatedAt,
      what: 'holds more than one reading of slabinfo',
      cost: 'Only the first reading is in the report.',
    });
  }
  if (caches.length === 0 && odd.length > 0) return { value: undefined, problems };
  const cut = isCut(rows) ? { lastLineIsCut: true } : {};
  return { value: { file, ...(version === undefined ? {} : { version }), variants, caches, ...cut }, problems };
}

/** Whether the last row has fewer fields than any other: a name can make a row longer, but none shorter. */
function isCut(rows: readonly Row[]): boolean {
  const least = rows
    .slice(0, -1)
    .reduce((fewest, { fields }) => Math.min(fewest, fields.length), Number.POSITIVE_INFINITY);
  return Number.isFinite(least) && (rows.at(-1)?.fields.length ?? 0) < least;
}

/** The rows of the first reading: whoever appended several to one file must not see their sum. */
function readOnce(all: Row[]) {
  let version: string | undefined;
  let variants: string[] = [];
  let header: string[] | undefined;
  let repeatedAt: number | undefined;
  const rows: Row[] = [];
  for (const row of all) {
    const found = /^slabinfo - version: (\S+)(.*)$/.exec(rowText(row).text);
    if (found !== null) {
      if (version !== undefined || rows.length > 0) {
        repeatedAt = row.line;
        break;
      }
      version = found[1];
      variants = [...(found[2] ?? '').matchAll(/\(([^)]*)\)/g)].map((word) => word[1] ?? '');
    } else if (row.fields[0]?.startsWith('#')) {
      header ??= row.fields;
    } else {
      rows.push(row);
    }
  }
  return { version, variants, header, rows, repeatedAt };
}

function layoutOfVersion(version: string, header: string[] | undefined): Layout | undefined {
  if (version === '1.1') return layout1;
  if (version === '2.0' || version === '2.1') return layout2;
  return header && layoutOfHeader(header);
}

/** `# name <active_objs> … : tunables <limit> … : slabdata <active_slabs> …`, if it names everything that is needed. */
function layoutOfHeader(header: string[]): Layout | undefined {
  const [main = [], ...others] = splitGroups(header);
  const columns = (words: string[]) => words.filter((word) => /^<\w+>$/.test(word)).map((word) => word.slice(1, -1));
  const layout: Layout = { main: columns(main), groups: {} };
  for (const [word, ...rest] of others) if (word !== undefined) layout.groups[word] = columns(rest);
  const known = [...layout.main, ...Object.values(layout.groups).flat()];
  const needed = ['active_objs', 'num_objs', 'objsize', 'active_slabs', 'num_slabs', 'pagesperslab'];
  return needed.every((column) => known.includes(column)) ? layout : undefined;
}

/** Without a version line: only 2.x prints `slabdata`. */
function layoutOfRows(rows: Row[]): Layout | undefined {
  if (rows.some(({ fields }) => fields.includes('slabdata'))) return layout2;
  const plausible = rows.some((row) => {
    const cache = parseCache(row, layout1);
    return cache !== undefined && isPlausible(cache);
  });
  return plausible ? layout1 : undefined;
}

/** The fields between colons that stand alone. */
function splitGroups(fields: string[]): string[][] {
  const groups: string[][] = [[]];
  for (const field of fields) {
    if (field === ':') groups.push([]);
    else groups.at(-1)?.push(field);
  }
  return groups;
}

function parseCache({ fields, line }: Row, layout: Layout): SlabCache | undefined {
  const { main, named, plain } = groupsOfRow(fields, layout);
  const nameWords = main.slice(0, -layout.main.length);
  if (nameWords.length === 0) return undefined;

  const columns = new Map(layout.main.map((column, index) => [column, toCount(main[nameWords.length + index])]));
  for (const [word, names] of Object.entries(layout.groups)) {
    const group = named.get(word);
    // A line that was cut may be cut inside a number: a group counts only if it is whole.
    if (group === undefined || group.length < names.length) continue;
    for (const [index, name] of names.entries()) columns.set(name, toCount(group[index]));
  }

  const activeObjects = columns.get('active_objs');
  const totalObjects = columns.get('num_objs');
  const objectBytes = columns.get('objsize');
  const objectsPerSlab = columns.get('objperslab');
  const pagesPerSlab = columns.get('pagesperslab');
  const activeSlabs = columns.get('active_slabs');
  const totalSlabs = columns.get('num_slabs');
  if (
    activeObjects === undefined ||
    totalObjects === undefined ||
    objectBytes === undefined ||
    pagesPerSlab === undefined ||
    activeSlabs === undefined ||
    totalSlabs === undefined ||
    (layout.main.includes('objperslab') && objectsPerSlab === undefined)
  ) {
    return undefined;
  }
  // The SMP group of 1.1 has no word in front; it is the one with two numbers.
  const smp = plain.find((group) => group.length === 2);
  const limit = columns.get('limit') ?? toCount(smp?.[0]);
  const batchCount = columns.get('batchcount') ?? toCount(smp?.[1]);
  const shared = columns.get('sharedfactor');
  return {
    name: nameWords.join(' '),
    activeObjects,
    totalObjects,
    objectBytes,
    ...(objectsPerSlab === undefined ? {} : { objectsPerSlab }),
    pagesPerSlab,
    activeSlabs,
    totalSlabs,
    ...(limit === undefined || batchCount === undefined
      ? {}
      : { tunables: { limit, batchCount, ...(shared === undefined ? {} : { shared }) } }),
    line,
  };
}

/** Name and numbers, then the groups behind; a colon that stands alone inside a name begins neither kind of group. */
function groupsOfRow(fields: string[], layout: Layout) {
  const groups = splitGroups(fields);
  const named = new Map<string, string[]>();
  const plain: string[][] = [];
  while (groups.length > 1) {
    const [word, ...rest] = groups.at(-1) ?? [];
    if (word === undefined) break;
    if (isGroupWord(word, layout)) named.set(word, rest);
    else if (Object.keys(layout.groups).length === 0 && [word, ...rest].every((field) => toCount(field) !== undefined))
      plain.unshift([word, ...rest]);
    else break;
    groups.pop();
  }
  const main = groups.flatMap((group, index) => (index === 0 ? group : [':', ...group]));
  return { main, named, plain };
}

function isGroupWord(word: string, layout: Layout): boolean {
  return Object.hasOwn(layout.groups, word) || word === 'globalstat' || word === 'cpustat';
}

/** Whether numbers can be what the columns say: slabs are whole powers of two of pages, and objects fit into them. */
function isPlausible(cache: SlabCache): boolean {
  const largestPage = 65536;
  const { activeObjects, totalObjects, objectBytes, pagesPerSlab, activeSlabs, totalSlabs } = cache;
  return (
    activeObjects <= totalObjects &&
    activeSlabs <= totalSlabs &&
    objectBytes > 0 &&
    pagesPerSlab > 0 &&
    Number.isInteger(Math.log2(pagesPerSlab)) &&
    totalObjects * objectBytes <= totalSlabs * pagesPerSlab * largestPage
  );
}

/**
 * Caches that hold conntrack entries, all of which add up, and those that hold expectations. Kernels of 2.6.35–4.4 have a
 * cache for each network namespace, `nf_conntrack_ffffffff81b2a920`; nf_conntrack of 2.6.18 has `nf_conntrack:basic` and
 * `nf_conntrack:help`. A cgroup's copy, `nf_conntrack(12:web)`, is contained in the line without parentheses.
 */
export function selectConntrackCaches(slabinfo: Slabinfo): { entries: SlabCache[]; expectations: SlabCache[] } {
  const entry = /^(?:ip_conntrack|nf_conntrack(?:_[0-9a-f]+)?|nf_conntrack:(?:basic|help))$/;
  const expectation = /^(?:ip|nf)_conntrack_expect$/;
  return {
    entries: slabinfo.caches.filter(({ name }) => entry.test(name)),
    expectations: slabinfo.caches.filter(({ name }) => expectation.test(name)),
  };
}

/**
 * Which allocator printed this: SLUB has no tunables and prints zeros, and counts every slab as active; SLAB, the only
 * one of 2.4, has tunables. Nothing where the lines do not tell.
 */
export function detectAllocator(slabinfo: Slabinfo): 'SLAB' | 'SLUB' | undefined {
  const { caches } = slabinfo;
  if (caches.some(({ objectsPerSlab }) => objectsPerSlab === undefined)) return 'SLAB';
  if (caches.some(({ tunables }) => tunables !== undefined && tunables.limit > 0)) return 'SLAB';
  const likeSlub = caches.every(
    ({ tunables, activeSlabs, totalSlabs }) => tunables?.limit === 0 && activeSlabs === totalSlabs,
  );
  return likeSlub && caches.length > 0 ? 'SLUB' : undefined;
}
