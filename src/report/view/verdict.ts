/** The verdict: which sentence, and the finished values that it is made of. */
import type { Analysis, Severity, Verdict } from '../../analysis/schema.ts';
import { atLimit, droppedPackets } from '../../analysis/usage.ts';
import { causeOf } from '../../analysis/verdict.ts';
import { bytes, count, dateTime, duration, list, percent, plural, rate, ratio } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { exactly, textOf, valuesOf } from './quantity.ts';
import { inferredPage, isHiddenFromContainer, shortSourcesOf } from './sources.ts';

export const SEVERITY_WORDS: Record<Severity, string> = {
  critical: 'Critical',
  warning: 'Warning',
  notice: 'Notice',
  ok: 'Healthy',
  unknown: 'Not decided',
};

export const KIND_WORDS: Record<Verdict['kind'], string> = {
  'limit-reached': 'the limit is reached',
  'drops-now': 'packets are being dropped',
  evicting: 'entries are being evicted',
  'was-full': 'the table has been full',
  'namespace-full': 'another namespace is full',
  'long-chains': 'hash chains are too long',
  'nat-ports': 'NAT runs out of ports',
  clashes: 'packets clash over new entries',
  flood: 'unanswered connections fill the table',
  'one-source': 'one source fills the table',
  'idle-hoard': 'idle connections fill the table',
  memory: 'memory is short',
  'near-limit': 'the limit is near',
  filling: 'the table is filling',
  unlimited: 'no limit is set',
  healthy: 'room to spare',
  'cannot-tell': 'too little was captured',
};

/** Links in a chain, on average, of a table that is full, where the kernel chose limit and buckets by itself. */
const KERNEL_LINKS = 2;

/** When the one “table full” line was logged, or the last of several, in words. */
function logWhen({
  tableFullLines,
  secondsBeforeCapture: seconds,
  last,
}: Analysis['drops']['log']): string | undefined {
  if (seconds === undefined && !last) return undefined;
  const isNow = seconds !== undefined && seconds < 1;
  const known = seconds === undefined ? `at ${dateTime(last?.value ?? '')}` : `${duration(seconds)} before the capture`;
  return `${tableFullLines > 1 ? 'the last ' : ''}${isNow ? 'at the moment of the capture' : known}`;
}

function memoryTemplate(analysis: Analysis): string {
  const { memoryIsTheProblem } = analysis.verdict;
  if (memoryIsTheProblem === undefined) return 'verdicts/memory/unknown';
  return memoryIsTheProblem ? 'verdicts/memory/problem' : 'verdicts/memory/no-problem';
}

/** The first thing that was needed to judge the memory and is not known, in a sentence. */
function memoryMissing(analysis: Analysis): string | undefined {
  const { slab, pageBytes, host } = analysis;
  const holds = 'what connection tracking holds';
  if (slab.caches.length === 0) {
    return isHiddenFromContainer(analysis) ? `${holds} is not visible from a container` : `${holds} was not captured`;
  }
  if (!pageBytes) return 'the page size was not captured';
  return host.memTotalBytes ? undefined : 'the size of RAM was not captured';
}

function values(analysis: Analysis) {
  const { usage, drops, memory } = analysis;
  const { duringCapture, counters, log } = drops;
  const warnings = analysis.findings.filter(({ severity }) => severity === 'critical' || severity === 'warning').length;
  const held = memory.totalBytes ?? memory.slabBytes;
  const saysMore = memory.atMaxBytes !== undefined && !usage.unlimited && memory.atMaxBytes > (held ?? 0);
  const counted = (n: number | undefined) => (n === undefined || n === 0 ? undefined : count(n));
  return {
    isFull: atLimit(usage),
    cause: causeView(analysis),
    warnings: warnings > 0 ? plural(warnings, 'thing') : undefined,
    oneWarning: warnings === 1,
    entries: usage.entries && count(usage.entries.value),
    max: usage.max && !usage.unlimited ? count(usage.max.value) : undefined,
    share: usage.share === undefined ? undefined : percent(usage.share),
    peak: usage.peak && usage.peak.value > (usage.entries?.value ?? 0) ? count(usage.peak.value) : undefined,
    peakShare: usage.peakShare === undefined ? undefined : percent(usage.peakShare),
    free:
      usage.entries && usage.max && usage.max.value > usage.entries.value
        ? count(usage.max.value - usage.entries.value)
        : undefined,
    seconds: duringCapture && duration(duringCapture.seconds),
    drops: duringCapture && duringCapture.drop > 0 ? plural(duringCapture.drop, 'packet') : undefined,
    dropRate: duringCapture && duringCapture.drop > 0 ? rate(duringCapture.dropPerSecond) : undefined,
    evictions:
      duringCapture && duringCapture.earlyDrop > 0 ? plural(duringCapture.earlyDrop, 'entry', 'entries') : undefined,
    noDropsNow: duringCapture !== undefined && droppedPackets(duringCapture) === 0,
    refusedByChains: counted(counters?.totals.chaintoolong),
    chain: analysis.hash.linksPerBucket === undefined ? undefined : ratio(analysis.hash.linksPerBucket),
    buckets: analysis.hash.buckets && count(analysis.hash.buckets.value),
    hasFewBuckets: (analysis.hash.linksPerBucket ?? 0) >= KERNEL_LINKS,
    dropTotal: counted(counters?.totals.drop),
    earlyDropTotal: counted(counters?.totals.early_drop),
    logLines: log.tableFullLines > 0 ? plural(log.tableFullLines, '“table full” line') : undefined,
    logWhen: logWhen(log),
    held: held === undefined ? undefined : bytes(held),
    memoryMissing: memoryMissing(analysis),
    page: held === undefined ? undefined : inferredPage(analysis),
    heldShare: memory.shareOfRam === undefined ? undefined : percent(memory.shareOfRam),
    // After a burst more can be held than a packed table at the limit would need; that sentence would puzzle.
    atMax: saysMore ? bytes(memory.atMaxBytes ?? 0) : undefined,
    atMaxShare: saysMore && memory.atMaxShareOfRam !== undefined ? percent(memory.atMaxShareOfRam) : undefined,
    memory: valuesOf(analysis.findings.find(({ id }) => id === 'memory')?.values ?? {}),
    memoryNow: analysis.findings.some(({ id, says }) => id === 'memory' && says === 'now'),
    ofAnybody: analysis.findings.some(({ id, values }) => id === 'was-full' && values.anybody === true),
    missing: analysis.verdict.missing.length ? list(analysis.verdict.missing) : undefined,
  };
}

/** The finding that a verdict says no more than. */
function causeView({ verdict, findings }: Analysis) {
  const finding = causeOf(verdict.kind, (wanted) => findings.find(({ id }) => id === wanted));
  return finding && { template: textOf(finding, finding.says), values: valuesOf(finding.values) };
}

/** Proof in a line: the kernel's name of a fact and what it was. */
function proofView({ proof }: Verdict) {
  return proof.map(({ what, value, ...place }) => ({
    what,
    value: exactly(what, value),
    source: shortSourcesOf(place),
    place,
  }));
}

/** What the templates of the verdict are given. */
export function verdictView(analysis: Analysis) {
  const { kind, severity, missing, runnerUp } = analysis.verdict;
  return {
    severity,
    severityWord: SEVERITY_WORDS[severity],
    kindWord: KIND_WORDS[kind],
    template: new Verbatim(`verdicts/${kind}`),
    memoryTemplate: new Verbatim(memoryTemplate(analysis)),
    values: values(analysis),
    proof: proofView(analysis.verdict),
    // What speaks against memory is said in any case.
    runnerUp: runnerUp &&
      runnerUp.failure !== 'memory' && {
        template: new Verbatim(`verdicts/not/${runnerUp.says}`),
        values: valuesOf(runnerUp.values),
      },
    missing,
  };
}
