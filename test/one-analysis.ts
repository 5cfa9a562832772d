import { analysesOf } from '../src/analyses.ts';
import type { Analysis } from '../src/analysis/schema.ts';

/** The analysis of an input that holds one capture, or is one. */
export async function analysisOf(input: string): Promise<Analysis> {
  const [first, ...others] = await analysesOf(input);
  if (first === undefined || 'error' in first || others.length > 0) throw new Error(`${input} holds not one capture`);
  return first.analysis;
}
