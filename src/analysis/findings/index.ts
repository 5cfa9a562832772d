/** Everything that is looked for in a capture, and what was found. */
import type { Analysis, Finding, Severity } from '../schema.ts';
import { blindSpots } from './blind-spots.ts';
import { clashes } from './clashes.ts';
import { closingStates } from './closing-states.ts';
import { concentration } from './concentration.ts';
import { consistency } from './consistency.ts';
import { earlyDrop } from './early-drop.ts';
import { evictable } from './evictable.ts';
import { expectations } from './expectations.ts';
import { extras } from './extras.ts';
import { hashChains } from './hash-chains.ts';
import { hashsize } from './hashsize.ts';
import { idleHoard } from './idle-hoard.ts';
import { invalid } from './invalid.ts';
import { memory } from './memory.ts';
import { natPorts } from './nat-ports.ts';
import { nearLimit } from './near-limit.ts';
import { otherNamespace } from './other-namespace.ts';
import { persistence } from './persistence.ts';
import type { Host, Rule } from './rule.ts';
import { slabFragmentation } from './slab-fragmentation.ts';
import { slabSurplus } from './slab-surplus.ts';
import { tableFull } from './table-full.ts';
import { timeouts } from './timeouts.ts';
import { unlimited } from './unlimited.ts';
import { unreplied } from './unreplied.ts';
import { wasFull } from './was-full.ts';

/** In the order in which the catalogue lists them, and a report those of one severity. */
const RULES: readonly Rule[] = [
  tableFull,
  wasFull,
  nearLimit,
  earlyDrop,
  evictable,
  otherNamespace,
  hashChains,
  clashes,
  natPorts,
  concentration,
  unreplied,
  idleHoard,
  closingStates,
  memory,
  slabFragmentation,
  slabSurplus,
  expectations,
  persistence,
  hashsize,
  unlimited,
  timeouts,
  extras,
  invalid,
  consistency,
  blindSpots,
];

const ORDER: Record<Severity, number> = { critical: 0, warning: 1, notice: 2, unknown: 3, ok: 4 };

/** The names of all rules, in the order of the catalogue. */
export const RULE_IDS: readonly string[] = RULES.map(({ id }) => id);

/** By their names, before it is known what is recommended. */
export type Findings = ReadonlyMap<string, Finding>;

/** Applies every rule. */
export function assess(host: Host): Findings {
  return new Map(RULES.map((rule) => [rule.id, found(rule, host)]));
}

function found(rule: Rule, host: Host): Finding {
  const assessment = rule.assess(host);
  if ('missing' in assessment) {
    const { missing } = assessment;
    return { id: rule.id, severity: 'unknown', says: 'unknown', values: {}, missing, evidence: [] };
  }
  if ('coveredBy' in assessment) {
    const { coveredBy } = assessment;
    return { id: rule.id, severity: 'unknown', says: 'covered', values: {}, missing: [], evidence: [], coveredBy };
  }
  const { severity, says, values = {}, evidence, confidence, commands } = assessment;
  const known = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return {
    id: rule.id,
    severity,
    says,
    values: Object.fromEntries(known),
    missing: [],
    evidence,
    confidence,
    ...(commands === 'as recommended' ? { asRecommended: true } : { commands }),
  };
}

/** The findings as they are reported: the most severe first, with commands that do what is recommended. */
export function reported(host: Host, recommendation: Analysis['recommendation']): Finding[] {
  const { action, max, buckets, commands } = recommendation;
  const changes = action === 'raise' || action === 'lower' || action === 'raise-buckets' || action === 'set-a-limit';
  const { now: apply, verify, rollback: undo } = commands;
  return [...assess({ ...host, recommended: changes ? { max, buckets } : undefined }).values()]
    .map((finding) =>
      finding.asRecommended && apply.length > 0 ? { ...finding, commands: { apply, verify, undo } } : finding,
    )
    .sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
}
