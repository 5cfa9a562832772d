/** Tests of rules are data: files as captured in, the statement out. */
import { expect, test } from 'vitest';
import { analyse } from '../../../src/analysis/analyse.ts';
import type { Finding } from '../../../src/analysis/schema.ts';
import { statementOf } from '../../../src/report/findings.ts';
import type { Snapshot } from '../../../src/snapshot/types.ts';

/** What a rule makes of a snapshot. */
export interface Case {
  /** What the host is like. */
  when: string;
  snapshot: Snapshot;
  severity: Finding['severity'];
  /** The whole sentence; with `severity: 'unknown'`, what is missing, or `covered by` another finding. */
  says: string;
  /** Files, with the line where there is one, that the evidence must be from, as `file:line`. */
  from?: string[];
  confidence?: Finding['confidence'];
  /** The blocks that matter, or that there is nothing to type. */
  commands?: Partial<NonNullable<Finding['commands']>> | 'none';
}

/** One test for each case of a rule. */
export function testRule(id: string, cases: Case[]): void {
  test.each(cases)(`${id}: $when`, ({ snapshot, severity, says, from, confidence, commands }) => {
    const finding = findingOf(id, snapshot);
    expect(finding.severity).toBe(severity);
    const unknown = finding.coveredBy ? `covered by ${finding.coveredBy}` : finding.missing.join(', ');
    expect(severity === 'unknown' ? unknown : statementOf(finding)).toBe(says);
    if (from) {
      const places = finding.evidence.map(({ file, line }) => (line === undefined ? file : `${file}:${line}`));
      expect(places).toEqual(expect.arrayContaining(from));
    }
    if (confidence) expect(finding.confidence).toBe(confidence);
    if (commands === 'none') expect(finding.commands).toBeUndefined();
    else if (commands) expect(finding.commands).toMatchObject(commands);
  });
}

function findingOf(id: string, snapshot: Snapshot): Finding {
  const finding = analyse(snapshot, '0').findings.find((each) => each.id === id);
  if (!finding) throw new Error(`there is no rule ${id}`);
  return finding;
}
