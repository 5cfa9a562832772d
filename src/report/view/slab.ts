/** The slab arithmetic, worked in steps with the numbers of the host. */
import type { Analysis, SlabArithmetic } from '../../analysis/schema.ts';
import { type Part, stackedBar } from '../charts.ts';
import { bytes, bytesBoth, count, decimal, exactBytes, percent, plural, ratio } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { inferredPage, LOOKED_FOR, pageNote, sourceOf, sourcesOf, whyAbsent, whyNoSlab } from './sources.ts';

/** Per-namespace kernels can have thousands of caches: the largest are worked, all are summed. */
const WORKED = 2;
const LISTED = 12;

interface Step {
  text: string;
  working: string;
  result: string;
  /** The same in the unit that people use, where the result is bytes. */
  rounded: string;
  /** The two that are so often mixed up. */
  key: 'minimum' | 'held' | '';
}

function step(text: string, working: string, result: string, rounded = '', key: Step['key'] = ''): Step {
  return { text, working, result, rounded, key };
}

function byteStep(text: string, working: string, value: number, key: Step['key'] = ''): Step {
  return step(text, working, exactBytes(value), value < 1024 ? '' : bytes(value), key);
}

function objectsStep(cache: SlabArithmetic): Step {
  const n = plural(cache.objectsPerSlab, 'object');
  switch (cache.objectsPerSlabHow) {
    case 'column':
      return step('One slab holds (column objperslab)', `objects of ${exactBytes(cache.objectBytes)}`, n);
    case 'objects ÷ slabs':
      return step(
        'This version of slabinfo has no such column; all objects divided by all slabs gives what one slab holds',
        `${count(cache.totalObjects)} objects ÷ ${plural(cache.totalSlabs, 'slab')}`,
        n,
      );
    case 'slab ÷ object':
      return step(
        'No slab exists yet to count in; by division one would hold at the most',
        `${cache.slabBytes === undefined ? 'slab' : exactBytes(cache.slabBytes)} ÷ ${exactBytes(cache.objectBytes)}, rounded down`,
        n,
      );
  }
}

function steps(analysis: Analysis, cache: SlabArithmetic): Step[] {
  const page = analysis.pageBytes?.value;
  const { slabBytes, objectBytes, objectsPerSlab: n } = cache;
  const all: Step[] = [];
  if (page !== undefined && slabBytes !== undefined)
    all.push(
      step(
        `A slab is ${plural(cache.pagesPerSlab, 'page')}${pageNote(analysis) && ' (page size inferred)'}`,
        `${count(cache.pagesPerSlab)} × ${exactBytes(page)}`,
        exactBytes(slabBytes),
      ),
    );
  all.push(objectsStep(cache));
  if (slabBytes !== undefined && cache.wastePerSlabBytes !== undefined)
    all.push(
      step(
        'What is left over in every slab, too small for another object',
        `${exactBytes(slabBytes)} − ${count(n)} × ${exactBytes(objectBytes)}`,
        `${exactBytes(cache.wastePerSlabBytes)} a slab`,
      ),
    );
  all.push(
    byteStep(
      'The objects in use (active_objs) weigh',
      `${count(cache.activeObjects)} × ${exactBytes(objectBytes)}`,
      cache.inUseBytes,
    ),
    step(
      'The fewest slabs that they could be packed into',
      `${count(cache.activeObjects)} ÷ ${count(n)}, rounded up`,
      plural(cache.minimumSlabs, 'slab'),
    ),
  );
  if (slabBytes !== undefined && cache.minimumBytes !== undefined)
    all.push(
      byteStep(
        'So the least that they could take, the minimum',
        `${plural(cache.minimumSlabs, 'slab')} × ${exactBytes(slabBytes)}`,
        cache.minimumBytes,
        'minimum',
      ),
    );
  if (slabBytes !== undefined && cache.heldBytes !== undefined)
    all.push(
      byteStep(
        `What the kernel really holds (num_slabs)${cache.heldIsUpperBound ? ', at the most' : ''}`,
        `${plural(cache.totalSlabs, 'slab')} × ${exactBytes(slabBytes)}`,
        cache.heldBytes,
        'held',
      ),
    );
  else
    all.push(step('Slabs that the kernel really holds (num_slabs)', '', plural(cache.totalSlabs, 'slab'), '', 'held'));
  if (cache.utilisation !== undefined)
    all.push(
      step(
        'Of the objects in those slabs, in use',
        `${count(cache.activeObjects)} ÷ ${count(cache.totalObjects)}`,
        percent(cache.utilisation),
      ),
    );
  return all;
}

function heldChart(cache: SlabArithmetic, id: string) {
  const { heldBytes, inUseBytes, allocatedBytes } = cache;
  if (heldBytes === undefined || heldBytes === 0 || cache.heldIsUpperBound) return undefined;
  const free = Math.max(0, allocatedBytes - inUseBytes);
  const rest = Math.max(0, heldBytes - allocatedBytes);
  const share = (value: number) => `${bytes(value)} · ${percent(value / heldBytes)}`;
  const parts: Part[] = [
    { label: 'Objects in use', value: inUseBytes, text: share(inUseBytes), shade: 'strong' },
    { label: 'Free objects', value: free, text: share(free), shade: 'middle' },
    { label: 'Unusable rest of the slabs', value: rest, text: share(rest), shade: 'light' },
  ];
  const title = `${percent(inUseBytes / heldBytes)} of the ${bytes(heldBytes)} held are objects in use`;
  return {
    title,
    svg: new Verbatim(stackedBar(id, title, parts)),
    rows: parts.map(({ label, text }) => ({ label, text })),
  };
}

function worked(analysis: Analysis, cache: SlabArithmetic, index: number) {
  const { heldBytes, minimumBytes, slabBytes, objectBytes } = cache;
  const divided = slabBytes === undefined ? undefined : Math.floor(slabBytes / objectBytes);
  const slack = heldBytes !== undefined && minimumBytes !== undefined ? heldBytes - minimumBytes : undefined;
  const slub = analysis.slab.allocator === 'SLUB';
  return {
    name: cache.name,
    source: sourcesOf(cache, slabBytes === undefined ? undefined : analysis.pageBytes),
    steps: steps(analysis, cache).map((each, i) => ({ number: String(i + 1), ...each })),
    chart: heldChart(cache, `slab-${index}`),
    held: heldBytes === undefined ? undefined : bytesBoth(heldBytes),
    minimum: minimumBytes === undefined ? undefined : bytesBoth(minimumBytes),
    slack: slack !== undefined && slack > 0 ? bytesBoth(slack) : undefined,
    // Slack is worth a paragraph when it is a good part of what is held.
    times:
      heldBytes !== undefined && minimumBytes && heldBytes / minimumBytes >= 1.1
        ? ratio(heldBytes / minimumBytes)
        : undefined,
    dividedDiffers: divided !== undefined && divided !== cache.objectsPerSlab ? count(divided) : undefined,
    objectsPerSlab: count(cache.objectsPerSlab),
    activeSlabs: slub || cache.activeSlabs === cache.totalSlabs ? undefined : count(cache.activeSlabs),
    activeSlabsBytes:
      slub || cache.activeSlabsBytes === undefined || cache.activeSlabs === cache.totalSlabs
        ? undefined
        : exactBytes(cache.activeSlabsBytes),
    upperBound: cache.heldIsUpperBound,
  };
}

function difference(analysis: Analysis) {
  const { usage, slab } = analysis;
  if (!usage.entries || usage.entriesHow === 'slab' || !slab.total) return undefined;
  const more = slab.total.activeObjects - usage.entries.value;
  if (more === 0) return undefined;
  return {
    active: count(slab.total.activeObjects),
    entries: count(usage.entries.value),
    entriesWord: usage.entriesHow === 'table' || usage.entriesHow === 'lines' ? 'rows in the table' : 'entries counted',
    by: count(Math.abs(more)),
    more: more > 0,
    slub: slab.allocator === 'SLUB',
    slab: slab.allocator === 'SLAB',
  };
}

/** What the slab pages of the report are given. */
export function slabView(analysis: Analysis) {
  const { slab } = analysis;
  const caches = [...slab.caches].sort((a, b) => b.totalSlabs - a.totalSlabs);
  const rows = caches.length > 1 ? caches.slice(0, LISTED) : [];
  return {
    known: caches.length > 0,
    why: caches.length ? '' : whyNoSlab(analysis),
    pageMissing: caches.length > 0 && !analysis.pageBytes ? whyAbsent(analysis, LOOKED_FOR.page) : undefined,
    inferred: caches.length > 0 ? inferredPage(analysis) : undefined,
    worked: caches.slice(0, WORKED).map((cache, i) => worked(analysis, cache, i)),
    several: caches.length > 1 ? count(caches.length) : undefined,
    notListed: caches.length > LISTED ? count(caches.length - LISTED) : undefined,
    rows: rows.map((cache) => ({
      name: cache.name,
      source: sourceOf(cache),
      active: count(cache.activeObjects),
      slabs: count(cache.totalSlabs),
      minimum: cache.minimumBytes === undefined ? 'not known' : bytes(cache.minimumBytes),
      held: cache.heldBytes === undefined ? 'not known' : bytes(cache.heldBytes),
    })),
    total: slab.total && {
      active: count(slab.total.activeObjects),
      slabs: count(slab.total.totalSlabs),
      minimum: slab.total.minimumBytes === undefined ? 'not known' : bytes(slab.total.minimumBytes),
      held: slab.total.heldBytes === undefined ? 'not known' : bytes(slab.total.heldBytes),
    },
    difference: difference(analysis),
  };
}

interface MemoryRow {
  what: string;
  working: string;
  exact: string;
  rounded: string;
  share: string;
  source: string;
  total: boolean;
}

function unknownRow(what: string, why: string): MemoryRow {
  return { what, working: why, exact: 'not captured', rounded: '', share: '', source: '', total: false };
}

/** What the memory table is given: each part of what connection tracking holds, and what it would hold when full. */
export function memoryView(analysis: Analysis) {
  const { memory, hash, host, slab, usage } = analysis;
  const ram = host.memTotalBytes?.value;
  const row = (what: string, working: string, value: number, source: string, total = false): MemoryRow => ({
    what,
    working,
    exact: exactBytes(value),
    rounded: value < 1024 ? '' : bytes(value),
    share: ram === undefined ? 'RAM not captured' : percent(value / ram),
    source,
    total,
  });
  const slabWhy = slab.caches.length ? `page size: ${whyAbsent(analysis, LOOKED_FOR.page)}` : whyNoSlab(analysis);
  const withPage = (working: string) => [working, pageNote(analysis)].filter(Boolean).join('; ');
  const rows = [
    memory.slabBytes === undefined
      ? unknownRow('Slabs of entries', slabWhy)
      : row(
          'Slabs of entries',
          withPage(slab.total ? plural(slab.total.totalSlabs, 'slab') : ''),
          memory.slabBytes,
          sourcesOf(...slab.caches.slice(0, 2)),
        ),
    memory.hashBytes === undefined
      ? unknownRow(
          'Hash table',
          hash.buckets ? 'size of a bucket: kernel or machine not captured' : whyAbsent(analysis, LOOKED_FOR.buckets),
        )
      : row(
          'Hash table',
          hash.buckets && hash.bytesPerBucket !== undefined
            ? `${plural(hash.buckets.value, 'bucket')} × ${exactBytes(hash.bytesPerBucket)}${hash.tables === undefined ? '' : ` × ${plural(hash.tables, 'namespace')}`}`
            : '',
          memory.hashBytes,
          sourcesOf(hash.buckets),
        ),
  ];
  const natIsSure = memory.natIsLoaded === true;
  if (memory.natHashBytes !== undefined) {
    const nat = row(
      'NAT’s own hash table',
      natIsSure ? 'as the hash table' : 'if NAT is loaded',
      memory.natHashBytes,
      'estimated from the buckets of today',
    );
    rows.push(natIsSure ? nat : { ...nat, exact: 'estimate', rounded: `up to ${bytes(memory.natHashBytes)}` });
  }
  const ext = memory.extensions;
  const exact = ext === undefined || ext.bytes.low === ext.bytes.high;
  if (ext && ext.bytes.high > 0) {
    const [low, high] = [exactBytes(ext.bytesPerEntry.low), exactBytes(ext.bytesPerEntry.high)];
    const most = row('', '', ext.bytes.high, '');
    rows.push({
      what: 'Extensions, estimated',
      working: `${exact ? low : `${low} to ${high}`} an entry`,
      exact: exact ? exactBytes(ext.bytes.low) : 'estimate',
      rounded: exact ? bytes(ext.bytes.low) : `${bytes(ext.bytes.low)} – ${bytes(ext.bytes.high)}`,
      share: exact || ram === undefined ? most.share : `up to ${most.share}`,
      source: 'in other kmalloc caches, not counted by the kernel',
      total: false,
    });
  }
  if (memory.totalBytes !== undefined) {
    const known = memory.hashBytes === undefined ? 'Together, without the hash table' : 'Together';
    const whole = exact && (natIsSure || memory.natHashBytes === undefined);
    rows.push(row(whole ? known : `${known}, at the least`, withPage(''), memory.totalBytes, '', true));
  }
  return {
    rows: memory.totalBytes === undefined && memory.hashBytes === undefined ? [] : rows,
    ramMissing: ram === undefined,
    atMax: memory.atMaxBytes === undefined || usage.unlimited ? undefined : bytes(memory.atMaxBytes),
    atMaxShare: memory.atMaxShareOfRam === undefined ? undefined : percent(memory.atMaxShareOfRam),
    inferred: pageNote(analysis) !== '',
    max: usage.max && !usage.unlimited ? count(usage.max.value) : undefined,
    natKnown: memory.natHashBytes !== undefined,
    reasons: ext && ext.bytes.high > 0 ? ext.reasons.join('; ') : undefined,
  };
}

/** What the paragraph on the hash table is given. */
export function hashView(analysis: Analysis) {
  const { hash, usage } = analysis;
  return {
    known: hash.buckets !== undefined,
    why: hash.buckets ? '' : whyAbsent(analysis, LOOKED_FOR.buckets),
    buckets: hash.buckets && count(hash.buckets.value),
    source: hash.buckets && sourceOf(hash.buckets),
    entries: hash.entries && count(hash.entries.value),
    ofAllNamespaces: hash.ofAllNamespaces === true,
    chain: hash.linksPerBucket === undefined ? undefined : decimal(hash.linksPerBucket, 2),
    chainAtMax:
      hash.linksPerBucketAtMax === undefined || usage.unlimited ? undefined : decimal(hash.linksPerBucketAtMax, 2),
    max: usage.max && !usage.unlimited ? count(usage.max.value) : undefined,
    long: (hash.linksPerBucketAtMax ?? 0) > 2,
  };
}
