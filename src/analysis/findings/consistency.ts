import type { Snapshot } from '../../snapshot/types.ts';
import type { Evidence } from '../schema.ts';
import { countOf, overMax, comparisons as sizesIn } from './consistency/agreement.ts';
import { contradictionsOf } from './consistency/contradictions.ts';
import { unexplainedPlaces } from './consistency/places.ts';
import { type Rule, seen, things } from './rule.ts';

/** Numbers of one thing that were read at different moments. */
export const consistency: Rule = {
  id: 'consistency',
  assess({ snapshot, measured, comparisons }) {
    const sizes = sizesIn(snapshot, measured);
    const contradictions = [
      ...contradictionsOf(snapshot),
      ...sizes.filter(({ unexplained }) => unexplained !== undefined),
      ...unexplainedPlaces(comparisons, sizes),
    ];
    const [worst] = contradictions;
    if (worst?.unexplained) {
      const more = contradictions.length - 1;
      return {
        severity: 'notice',
        says: worst.unexplained,
        values: { ...worst.values, more: more > 0 ? things(more, 'other thing does', 'other things do') : undefined },
        evidence: contradictions.flatMap(({ evidence }) => evidence),
        confidence: 'high',
      };
    }
    if (sizes.length === 0) return { missing: notComparable(snapshot) };
    const all = [...sizes, ...overMax(snapshot)];
    const [what, count] = countOf(snapshot);
    const reasons = all.flatMap(({ explained }) => explained ?? []);
    return {
      severity: 'ok',
      says: 'ok',
      values: {
        count: count?.value,
        byLines: count !== undefined && what !== 'nf_conntrack_count',
        ...Object.assign({}, ...all.map(({ values }) => values)),
        ...Object.fromEntries(reasons.map((reason) => [reason, true])),
      },
      evidence: uniqueEvidence([...seen(what, count), ...all.flatMap(({ evidence }) => evidence)]),
      confidence: reasons.length > 0 ? 'medium' : 'high',
    };
  },
};

/** What is needed to compare anything with anything. */
function notComparable({ first, table }: Snapshot): string[] {
  return [
    ...(first.count ? [] : ['nf_conntrack_count']),
    ...(table ? [] : ['the connection table']),
    ...(first.counters ? [] : ['the counters']),
    ...(first.slab ? [] : ['/proc/slabinfo']),
  ];
}

function uniqueEvidence(evidence: Evidence[]): Evidence[] {
  const keyOf = ({ what, file, line }: Evidence) => `${what} ${file} ${line}`;
  return [...new Map(evidence.map((each) => [keyOf(each), each])).values()];
}
