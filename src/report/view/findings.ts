/** The findings: which sentence states each, the numbers in it, the proof and the commands. */
import type { Analysis, Finding } from '../../analysis/schema.ts';
import { list, plural } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { exactly, written } from './quantity.ts';
import { sourceOf } from './sources.ts';
import { SEVERITY_WORDS } from './verdict.ts';

const CONFIDENCE = {
  high: 'follows from what was captured',
  medium: 'the likely reading of what was captured',
  low: 'one of several readings of what was captured',
} as const;

/** The numbers of a finding as its sentences say them. */
export function valuesOf(finding: Finding): Record<string, string | boolean> {
  return Object.fromEntries(Object.entries(finding.values).map(([name, value]) => [name, written(name, value)]));
}

/** The template of one of a finding's texts. */
export function textOf({ id }: Pick<Finding, 'id'>, text: string): Verbatim {
  return new Verbatim(`findings/${id}/${text}`);
}

function row(finding: Finding) {
  return {
    id: finding.id,
    severity: finding.severity,
    severityWord: SEVERITY_WORDS[finding.severity],
    title: textOf(finding, 'title'),
    statement: textOf(finding, finding.says),
    why: textOf(finding, 'why'),
    remedy: textOf(finding, 'do'),
    values: valuesOf(finding),
    confidence: finding.confidence && CONFIDENCE[finding.confidence],
    evidence: finding.evidence.map(({ what, value, ...place }) => ({
      what,
      value: exactly(what, value),
      source: sourceOf(place),
    })),
    commands: [
      ...block('Apply', finding.commands?.apply),
      ...block('Check', finding.commands?.verify),
      ...block('Undo', finding.commands?.undo),
    ],
    missing: list(finding.missing),
  };
}

function block(title: string, lines: readonly string[] = []) {
  return lines.length > 0 ? [{ title, code: new Verbatim(lines.join('\n')) }] : [];
}

/** What the page of findings is given: what is wrong, what was not assessed, and what is in order. */
export function findingsView({ findings }: Pick<Analysis, 'findings'>) {
  const rows = findings.map(row);
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
