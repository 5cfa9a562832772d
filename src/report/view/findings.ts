/** The findings: which sentence states each, the numbers in it, the proof and the commands. */
import type { Analysis, Finding } from '../../analysis/schema.ts';
import { list, plural } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { exactly, saidOf, textOf } from './quantity.ts';
import { sourceOf } from './sources.ts';
import { SEVERITY_WORDS } from './verdict.ts';

const CONFIDENCE = {
  high: 'follows from what was captured',
  medium: 'the likely reading of what was captured',
  low: 'one of several readings of what was captured',
} as const;

/** What stands in front of a line on a terminal: severity without colour. */
const MARKS: Record<Finding['severity'], string> = {
  critical: '!!',
  warning: '! ',
  notice: '- ',
  ok: '  ',
  unknown: '? ',
};

/** Evidence and commands from which on a finding takes so much of a page that it may go over two. */
const LONG = { evidence: 9, lines: 16 };

function row(finding: Finding, { hasRecommendation, hasComparisons }: Parts) {
  // They are not said twice.
  const asRecommended = finding.asRecommended === true && hasRecommendation;
  const commands = asRecommended ? undefined : commandsView(finding.commands);
  return {
    id: finding.id,
    severity: finding.severity,
    severityWord: SEVERITY_WORDS[finding.severity],
    mark: MARKS[finding.severity],
    title: textOf(finding, 'title'),
    statement: textOf(finding, finding.says),
    why: textOf(finding, 'why'),
    remedy: textOf(finding, 'do'),
    values: saidOf(finding),
    confidence: finding.confidence && CONFIDENCE[finding.confidence],
    evidence: finding.evidence.map(({ what, value, ...place }) => ({
      what,
      value: exactly(what, value),
      source: sourceOf(place),
    })),
    commands,
    long: finding.evidence.length >= LONG.evidence || (commands?.text.split('\n').length ?? 0) >= LONG.lines,
    asRecommended: asRecommended && finding.commands !== undefined,
    missing: list(finding.missing),
    isCompared: hasComparisons && finding.id === 'consistency',
  };
}

/** One block, to be read from top to bottom: what each part is for stands in a comment of the shell. */
function commandsView(commands: Finding['commands']): Verbatim | undefined {
  if (!commands) return undefined;
  const parts = [
    ['apply', commands.apply],
    ['check', commands.verify],
    ['undo', commands.undo],
  ] as const;
  const lines = parts.flatMap(([title, each]) => (each.length > 0 ? [`# ${title}`, ...each] : []));
  return new Verbatim(lines.join('\n'));
}

/** Which parts of the report findings can point to. */
interface Parts {
  /** The commands of the recommendation. */
  hasRecommendation: boolean;
  /** The table of numbers that are in several places. */
  hasComparisons: boolean;
}

/** What the page of findings is given: what is wrong, what was not assessed, and what is in order. */
export function findingsView({ findings }: Pick<Analysis, 'findings'>, parts: Parts) {
  const rows = findings.filter(({ coveredBy }) => coveredBy === undefined).map((finding) => row(finding, parts));
  const found = rows.filter(({ severity }) => severity !== 'ok' && severity !== 'unknown');
  const ok = rows.filter(({ severity }) => severity === 'ok');
  const unknown = rows.filter(({ severity }) => severity === 'unknown');
  return {
    any: rows.length > 0,
    summary: [
      ...(['critical', 'warning', 'notice'] as const).flatMap((severity) => {
        const n = found.filter((each) => each.severity === severity).length;
        return n > 0 ? [plural(n, severity, severity === 'critical' ? 'critical' : `${severity}s`)] : [];
      }),
      ...(ok.length > 0 ? [`${ok.length} in order`] : []),
      ...(unknown.length > 0 ? [`${unknown.length} not assessed`] : []),
    ].join(', '),
    found,
    ok,
    unknown,
  };
}
