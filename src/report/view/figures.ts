/** The four key figures of the first page. */
import type { Analysis, Demand } from '../../analysis/schema.ts';
import { droppedPackets } from '../../analysis/usage.ts';
import { bytes, count, duration, percent, plural, rate, ratio } from '../format.ts';
import { partView } from './part.ts';
import { LOOKED_FOR, type Place, pageNote, shortSourcesOf, whyAbsent, whyNoSlab } from './sources.ts';

interface Figure {
  label: string;
  value: string;
  /** The value is words, not a number: nothing was captured. */
  absent: boolean;
  /** Two numbers: too long for the size of one. */
  long?: boolean;
  note: string;
  /** Where it was read. */
  places: Place[];
}

const HOW_COUNTED = {
  count: '',
  counters: 'by the entries column of the counters',
  table: 'rows of the table',
  lines: 'lines of the table, counted on the host',
  slab: 'active slab objects: an upper bound',
} as const;

function missing(label: string, why: string): Figure {
  return { label, value: 'not captured', absent: true, note: why, places: [] };
}

/** How the number of entries was found, where it is not the kernel's own count. */
function howCounted(analysis: Analysis): string {
  const how = HOW_COUNTED[analysis.usage.entriesHow ?? 'count'];
  const { missingFamily } = partView(analysis);
  return analysis.usage.entriesHow === 'table' && missingFamily
    ? `${how}, without ${missingFamily.family}: at least so many`
    : how;
}

function entries(analysis: Analysis): Figure {
  const { usage } = analysis;
  if (!usage.entries) return missing('Entries', whyAbsent(analysis, LOOKED_FOR.count));
  const notes = [
    usage.unlimited
      ? 'no limit is set (0)'
      : usage.max && usage.share !== undefined
        ? `${percent(usage.share)} of the limit, ${count(usage.max.value)}`
        : 'limit not captured',
    howCounted(analysis),
    usage.peak && usage.peak.value > usage.entries.value ? `${count(usage.peak.value)} at the peak of the capture` : '',
  ];
  return {
    label: 'Entries',
    value: count(usage.entries.value),
    absent: false,
    note: notes.filter(Boolean).join('; '),
    places: placesOf(usage.entries, usage.max),
  };
}

function losses(analysis: Analysis): Figure {
  const label = 'Packets dropped';
  const { counters, duringCapture, log } = analysis.drops;
  const { drop, chaintoolong } = counters?.totals ?? {};
  const total = drop === undefined ? undefined : droppedPackets({ drop, chainTooLong: chaintoolong });
  if (duringCapture) {
    const { seconds } = duringCapture;
    const dropped = droppedPackets(duringCapture);
    const notes = [
      `in ${duration(seconds)}${dropped > 0 ? `, ${rate(dropped / seconds)}` : ' of watching'}`,
      duringCapture.earlyDrop > 0 ? `${plural(duringCapture.earlyDrop, 'entry', 'entries')} evicted` : '',
      total !== undefined ? `${count(total)} since the counters began` : '',
    ];
    return {
      label,
      value: count(dropped),
      absent: false,
      note: notes.filter(Boolean).join('; '),
      places: placesOf(counters),
    };
  }
  if (counters && total !== undefined)
    return {
      label,
      value: count(total),
      absent: false,
      note: 'since the counters began; one reading gives no rate',
      places: placesOf(counters),
    };
  if (log.captured.length > 0) {
    const others = log.namespaces.length > 0 ? '. Other lines name a network namespace: see the findings' : '';
    return {
      label: '“Table full” log lines',
      value: count(log.tableFullLines),
      absent: false,
      note: `lines are rate limited: not packets. The drop counter was not captured${others}`,
      places: placesOf(...log.captured.map((file) => ({ file }))),
    };
  }
  return missing(label, whyAbsent(analysis, LOOKED_FOR.counters));
}

function memory(analysis: Analysis): Figure {
  const { memory, slab, hash, host } = analysis;
  const ram = host.memTotalBytes;
  const held = memory.totalBytes ?? memory.slabBytes;
  if (held === undefined) {
    const why = slab.caches.length ? `page size: ${whyAbsent(analysis, LOOKED_FOR.page)}` : whyNoSlab(analysis);
    return missing('Memory held', why);
  }
  const share = memory.shareOfRam ?? (ram && held / ram.value);
  const parts = [
    memory.slabBytes === undefined ? '' : 'slabs',
    memory.hashBytes === undefined ? '' : memory.natIsLoaded && memory.natHashBytes ? 'hash tables' : 'hash table',
    memory.extensions && memory.extensions.bytes.low > 0 ? 'extensions, estimated' : '',
  ].filter(Boolean);
  return {
    label: 'Memory held',
    value: bytes(held),
    absent: false,
    note: [
      ram && share !== undefined ? `${percent(share)} of ${bytes(ram.value)} RAM` : 'RAM not captured',
      parts.join(' + '),
      pageNote(analysis),
    ]
      .filter(Boolean)
      .join('; '),
    places: placesOf(slab.caches[0], hash.buckets, ram),
  };
}

function demandOrHash(analysis: Analysis): Figure {
  const { demand } = analysis.recommendation;
  if (demand)
    return {
      label: demand.isLowerBound ? 'Demand, at least' : 'Demand, inferred',
      value: demandRange(demand),
      absent: false,
      long: demandRange(demand) !== count(demand.entries),
      note: `${DEMAND_FROM[demand.decidedBy]}${demand.uncollected ? '; more until what expires is collected' : ''}`,
      places: placesOf(
        ...demand.evidence.filter(({ by }) => by === demand.decidedBy).map(({ file }) => (file ? { file } : undefined)),
      ),
    };
  const { buckets, linksPerBucket } = analysis.hash;
  if (buckets && linksPerBucket !== undefined)
    return {
      label: 'Average hash chain',
      value: ratio(linksPerBucket),
      absent: false,
      note: `2 links for each entry in ${plural(buckets.value, 'bucket')}`,
      places: placesOf(buckets),
    };
  return missing('Demand, inferred', 'too little was captured to infer it');
}

/** Both ends of the demand where they differ by more than what nobody would ask about. */
export function demandEnds({ low, high }: Pick<Demand, 'low' | 'high'>): string | undefined {
  return high !== undefined && high > 1.05 * low ? `${count(low)} to ${count(high)}` : undefined;
}

/** Both ends of the demand, or else what is likely. */
export function demandRange(demand: Demand): string {
  return demandEnds(demand) ?? count(demand.entries);
}

/** What a demand was told from. */
export const DEMAND_FROM: Record<Demand['decidedBy'], string> = {
  peak: 'the most entries in any reading',
  slab: 'by the slabs that are still held',
  limit: 'the limit, which was reached',
  namespace: 'the fullest network namespace',
  young: 'by the young entries of the table',
  'drop-rate': 'by what is let in, dropped and evicted',
};

function placesOf(...places: (Place | undefined)[]): Place[] {
  return places.filter((place) => place !== undefined);
}

/** Four figures that a customer understands, each with its source. */
export function keyFigures(analysis: Analysis) {
  return [entries(analysis), losses(analysis), memory(analysis), demandOrHash(analysis)].map((figure) => ({
    long: false,
    ...figure,
    source: shortSourcesOf(...figure.places),
  }));
}
