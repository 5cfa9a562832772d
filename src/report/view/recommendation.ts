/** The recommendation: what to do, the ladder of what it costs, and the commands. */
import { headroomOverHigh, sizeFor } from '../../analysis/recommend.ts';
import type { Analysis, LadderStep } from '../../analysis/schema.ts';
import { bytes, bytesIn, columnUnit, count, duration, exactBytes, percent, ratio } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { demandEnds, demandRange } from './figures.ts';
import { pageNote } from './sources.ts';

interface Cell {
  text: string;
  label: string;
}

interface Row {
  label: string;
  note: string;
  pick: boolean;
  cells: Cell[];
}

type Column = { label: string; value: (step: LadderStep) => string | undefined };

function columns(ladder: readonly LadderStep[]): Column[] {
  const sizes = ladder.flatMap((step) => [step.totalBytes ?? step.slabBytes ?? 0]);
  const unit = columnUnit(sizes);
  const size = (value: number | undefined) => (value === undefined ? undefined : bytesIn(value, unit));
  const whole = (value: number | undefined) => (value === undefined ? undefined : count(value));
  const all: Column[] = [
    { label: 'Buckets', value: (step) => whole(step.buckets) },
    { label: 'Slabs', value: (step) => whole(step.slabs) },
    // To the byte: this is the arithmetic that a reader will want to check.
    { label: 'Slab memory', value: (step) => (step.slabBytes === undefined ? undefined : exactBytes(step.slabBytes)) },
    { label: 'Hash table', value: (step) => size(step.hashBytes) },
    { label: 'NAT’s table', value: (step) => size(step.natHashBytes) },
    { label: 'Extensions', value: (step) => (step.extensionBytes ? size(step.extensionBytes) : undefined) },
    { label: 'Total', value: (step) => size(step.totalBytes) },
    { label: 'Share of RAM', value: (step) => (step.shareOfRam === undefined ? undefined : percent(step.shareOfRam)) },
  ];
  // A column that nothing is known of is left out; the note under the table says what is missing.
  return all.filter((column) => ladder.some((step) => column.value(step) !== undefined));
}

function ladderView(analysis: Analysis) {
  const { recommendation, slab, hash, host } = analysis;
  const { ladder, action } = recommendation;
  if (ladder.length === 0) return undefined;
  const shown = columns(ladder);
  const hasRecommended = ladder.some((step) => step.label === 'recommended');
  const rows: Row[] = [...ladder]
    .sort((a, b) => a.max - b.max)
    .map((step) => {
      const stays = step.label === 'today' && !hasRecommended && action === 'leave';
      return {
        label: count(step.max),
        note: stays ? 'today, and recommended' : step.label,
        pick: step.label === 'recommended' || stays,
        cells: shown.map((column) => ({ label: column.label, text: column.value(step) ?? 'not known' })),
      };
    });
  const cache = slab.caches[0];
  return {
    columns: shown.map((column) => column.label),
    rows,
    slabKnown: ladder.some((step) => step.slabBytes !== undefined),
    extensionsKnown: ladder.some((step) => step.extensionBytes),
    ramMissing: host.memTotalBytes === undefined,
    objectsPerSlab: cache && count(cache.objectsPerSlab),
    slabBytes: cache?.slabBytes === undefined ? undefined : exactBytes(cache.slabBytes),
    pageInferred: pageNote(analysis) !== '',
    bytesPerBucket: hash.bytesPerBucket === undefined ? undefined : exactBytes(hash.bytesPerBucket),
    extensionLow: analysis.memory.extensions && exactBytes(analysis.memory.extensions.bytesPerEntry.low),
    extensionHigh:
      analysis.memory.extensions &&
      analysis.memory.extensions.bytesPerEntry.high !== analysis.memory.extensions.bytesPerEntry.low
        ? exactBytes(analysis.memory.extensions.bytesPerEntry.high)
        : undefined,
  };
}

function block(title: string, lines: readonly string[], file = '') {
  return lines.length ? [{ title, file, code: new Verbatim(lines.join('\n')) }] : [];
}

function costs(ladder: readonly LadderStep[]) {
  const today = ladder.find((step) => step.label === 'today');
  const aim = ladder.find((step) => step.label === 'recommended') ?? today;
  const total = aim?.totalBytes ?? aim?.slabBytes;
  const now = today?.totalBytes ?? today?.slabBytes;
  return {
    full: total === undefined ? undefined : bytes(total),
    fullShare: aim?.shareOfRam === undefined ? undefined : percent(aim.shareOfRam),
    more: total !== undefined && now !== undefined && total > now ? bytes(total - now) : undefined,
    hash: aim?.hashBytes === undefined ? undefined : bytes(aim.hashBytes),
  };
}

/** What others would set, where anything of that is known. */
function othersView({ kernelDefault, ramRule, kubeProxy }: Analysis['recommendation']['others']) {
  const known = (limit: number | undefined) => limit && count(limit);
  const others = { kernelDefault: known(kernelDefault), ramRule: known(ramRule), kubeProxy: known(kubeProxy) };
  return Object.values(others).some((limit) => limit !== undefined) ? others : undefined;
}

/** What the templates of the recommendation are given. */
export function recommendationView(analysis: Analysis) {
  const { recommendation, usage, hash } = analysis;
  const { action, max, buckets, demand, headroom, constraint, memoryBudgetBytes, commands, fix } = recommendation;
  const cost = costs(recommendation.ladder);
  const demandIsRange = demand !== undefined && demandEnds(demand) !== undefined;
  const changesMax = max !== undefined && max !== usage.max?.value;
  const changesBuckets = buckets !== undefined && buckets !== hash.buckets?.value;
  return {
    template: new Verbatim(`recommendations/${action}`),
    values: {
      max: max === undefined ? undefined : count(max),
      maxToday: usage.max && !usage.unlimited ? count(usage.max.value) : undefined,
      buckets: buckets === undefined ? undefined : count(buckets),
      bucketsToday: hash.buckets && count(hash.buckets.value),
      changesMax,
      changesBuckets,
      onlyAtLimit: analysis.findings.some(({ id, says }) => id === 'hash-chains' && /^(?:will|may)Refuse$/.test(says)),
      changes: changesMax || changesBuckets,
      // Where the limit is not what is wrong, nothing is sized.
      demand: demand && action !== 'fix-cause' ? demandRange(demand) : undefined,
      demandBy: demand && new Verbatim(`demand/${demand.decidedBy}`),
      demandIsRange,
      demandFills: demand && max !== undefined ? percent((demand.high ?? demand.entries) / max) : undefined,
      arrivals: demandIsRange && demand?.uncollected ? ratio(demand.uncollected.arrivalsPerSecond) : undefined,
      wait: demand?.uncollected && duration(demand.uncollected.waitSeconds),
      admitted: demand?.retries && ratio(demand.retries.admittedPerSecond),
      refused: demand?.retries?.refusedShare ? percent(demand.retries.refusedShare) : undefined,
      attempts: demand?.retries && count(demand.retries.attempts),
      likely: demand?.retries && count(demand.retries.likely),
      frees: fix && count(fix.frees),
      leaves: fix && count(fix.leaves),
      leavesShare: fix && percent(fix.leavesShare),
      demandIsLowerBound: demand?.isLowerBound ?? false,
      headroom: headroom > 0 ? ratio(headroom) : undefined,
      demandIsMet: demand !== undefined && max !== undefined && max >= sizeFor(demand, headroom),
      highFills: percent(1 / headroomOverHigh(headroom)),
      boundByKernel: constraint === 'kernel-default',
      boundByMemory: constraint === 'memory-budget',
      boundByLimit: constraint === 'present-limit',
      budget: memoryBudgetBytes === undefined ? undefined : bytes(memoryBudgetBytes),
      ...cost,
      pageInferred: pageNote(analysis) !== '',
      said: cost.full !== undefined || demand !== undefined,
    },
    ladder: ladderView(analysis),
    commands: [
      ...block('Now, until the next boot', commands.now),
      ...commands.persist.flatMap((p) => block('To keep it', p.lines, p.file)),
      ...block('Check', commands.verify),
      ...block('Roll back', commands.rollback),
    ],
    commandsNow: commands.now,
    notes: recommendation.notes,
    others: othersView(recommendation.others),
  };
}
