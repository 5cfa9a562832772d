/** What is different between two snapshots of one host. */
import type { Analysis, Finding, Severity } from '../analysis/schema.ts';
import type { FindingChange, Point, Timeline } from './schema.ts';

/** How bad a finding is; one that was not assessed cannot be compared. */
const RANK: Record<Exclude<Severity, 'unknown'>, number> = { ok: 0, notice: 1, warning: 2, critical: 3 };

/** Findings of two snapshots: those that changed come first. */
export function findingChanges(earlier: Analysis, later: Analysis): FindingChange[] {
  const before = new Map(earlier.findings.map((finding) => [finding.id, finding]));
  const after = new Map(later.findings.map((finding) => [finding.id, finding]));
  const order: FindingChange['change'][] = ['new', 'worse', 'gone', 'better', 'not comparable', 'unchanged'];
  return [...new Set([...after.keys(), ...before.keys()])]
    .map((id) => changeOf(id, before.get(id), after.get(id)))
    .sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change));
}

function changeOf(id: string, earlier: Finding | undefined, later: Finding | undefined): FindingChange {
  const [before, after] = [severityOf(earlier), severityOf(later)];
  const both = { id, ...(before && { before }), ...(after && { after }) };
  if (!before || !after || before === 'unknown' || after === 'unknown') return { ...both, change: 'not comparable' };
  const step = RANK[after] - RANK[before];
  if (step === 0) return { ...both, change: 'unchanged' };
  if (before === 'ok') return { ...both, change: 'new' };
  if (after === 'ok') return { ...both, change: 'gone' };
  return { ...both, change: step > 0 ? 'worse' : 'better' };
}

/** What another finding says better is there; it counts as in order by itself. */
function severityOf(finding: Finding | undefined): Severity | undefined {
  return finding?.coveredBy === undefined ? finding?.severity : 'ok';
}

/** Who fills the table, before and after: the largest of either. */
export function fillersOf(before: Point, after: Point): Timeline['fillers'] {
  return [...pairs('class', before.classes, after.classes), ...pairs('source', before.sources, after.sources)];
}

/** How many of each kind are shown. */
const SHOWN = 6;

function pairs(kind: 'class' | 'source', before: Point['classes'], after: Point['classes']): Timeline['fillers'] {
  const [was, is] = [before, after].map((tallies) => new Map(tallies.map(({ key, entries }) => [key, entries])));
  return [...new Set([...after, ...before].map(({ key }) => key))]
    .map((key) => {
      const [earlier, later] = [was?.get(key), is?.get(key)];
      return {
        kind,
        key,
        ...(earlier !== undefined && { before: earlier }),
        ...(later !== undefined && { after: later }),
      };
    })
    .sort((a, b) => Math.max(b.before ?? 0, b.after ?? 0) - Math.max(a.before ?? 0, a.after ?? 0))
    .slice(0, SHOWN);
}
