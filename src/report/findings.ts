/** Findings in plain words, where no report is made of them: in JSON, and in the catalogue. */
import templates from 'templates:plain';
import { RULE_IDS } from '../analysis/findings/index.ts';
import type { Finding } from '../analysis/schema.ts';
import { withOrdinaryBlanks } from './format.ts';
import { renderTemplate } from './templates.ts';
import { saidOf, textOf } from './view/quantity.ts';

/** What a finding states, with the numbers of its host; undefined if it was not assessed. */
export function statementOf(finding: Finding): string | undefined {
  if (finding.severity === 'unknown') return undefined;
  return withOrdinaryBlanks(renderTemplate(templates, textOf(finding, finding.says).text, saidOf(finding)));
}

/** One rule of the catalogue: what it looks for, why it matters and what to do. */
export function explained(id: string): { id: string; title: string; looks: string; why: string; remedy: string } {
  const text = (name: string) => renderTemplate(templates, textOf({ id }, name).text, {});
  return { id, title: text('title'), looks: text('looks'), why: text('why'), remedy: text('do') };
}

/** Every rule, in the order of the catalogue. */
export function catalogue(): ReturnType<typeof explained>[] {
  return RULE_IDS.map(explained);
}
