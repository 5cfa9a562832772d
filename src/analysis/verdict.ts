/** Which failure it is, if it is one. */
import type { Analysis, Verdict } from './schema.ts';
import { atLimit, FULL } from './usage.ts';

/** Alert thresholds in use: node-mixin warns above 75 %, netdata and node-problem-detector above 90 %. */
const NEAR = 0.9;
const FILLING = 0.75;
/** A share of RAM above which connection tracking is worth a look of its own; it cannot be swapped out. */
const MUCH_MEMORY = 0.2;
/** Without the size of RAM: less than this is little on any machine that forwards traffic. */
const LITTLE_BYTES = 64 * 1024 * 1024;

/** Judges one snapshot. What was not captured never counts as good news: it is listed in `missing`. */
export function verdictOf(analysis: Pick<Analysis, 'usage' | 'drops' | 'memory' | 'namespaces'>): Verdict {
  const { usage, drops, memory, namespaces } = analysis;
  const missing: string[] = [];
  if (!usage.entries) missing.push('the number of entries');
  if (!usage.max) missing.push('nf_conntrack_max');
  if (!drops.counters) missing.push('the drop counters');
  if (drops.log.captured.length === 0) missing.push('the kernel log');
  const tight = memoryIsTight(memory);
  const verdict = (kind: Verdict['kind'], severity: Verdict['severity']): Verdict => ({
    kind,
    severity,
    ...(tight !== undefined && { memoryIsTheProblem: tight }),
    missing,
  });

  const during = drops.duringCapture;
  const peakShare = usage.peakShare;
  if (usage.unlimited) return tight === true ? verdict('memory', 'warning') : verdict('unlimited', 'notice');
  const full = atLimit(usage);
  // early_drop counts entries that were evicted to make room: the packets that needed the room did pass.
  if (full && (during?.drop ?? 0) === 0 && (during?.earlyDrop ?? 0) > 0) return verdict('evicting', 'critical');
  if (full) return verdict('limit-reached', 'critical');
  // Since 5.15 a hash chain longer than a random limit refuses entries, however much room the limit leaves.
  if ((drops.counters?.totals.chaintoolong ?? 0) > 0) return verdict('long-chains', 'warning');
  if ((during?.drop ?? 0) > 0) return verdict('drops-now', 'warning');
  const evicted = drops.counters?.totals.early_drop ?? 0;
  if (drops.log.tableFullLines > 0 || evicted > 0) return verdict('was-full', 'warning');
  // One maximum is compared with the count of each namespace by itself (__nf_conntrack_alloc() in nf_conntrack_core.c).
  const max = usage.max?.value ?? Number.POSITIVE_INFINITY;
  const fullElsewhere = namespaces.some(
    ({ entries, earlyDrop }) => (entries?.value ?? 0) >= FULL * max || (earlyDrop ?? 0) > 0,
  );
  if (drops.log.namespaces.length > 0 || fullElsewhere) return verdict('namespace-full', 'warning');
  if (peakShare === undefined) return verdict('cannot-tell', 'unknown');
  if (peakShare >= NEAR) return verdict('near-limit', 'warning');
  if (tight === true) return verdict('memory', 'warning');
  if (peakShare >= FILLING) return verdict('filling', 'notice');
  return verdict('healthy', 'ok');
}

function memoryIsTight(memory: Analysis['memory']): boolean | undefined {
  if (memory.shareOfRam !== undefined) return memory.shareOfRam > MUCH_MEMORY;
  const most = memory.atMaxBytes ?? memory.totalBytes;
  return most !== undefined && most < LITTLE_BYTES ? false : undefined;
}
