/** The analysis itself, for other programs. */
import type { Analysis } from '../analysis/schema.ts';
import { inertJson } from './inert.ts';

/** JSON that is also safe to print: active characters are escaped, and parse to what they were. */
export function renderJson(analysis: Analysis): string {
  return `${inertJson(JSON.stringify(analysis, null, 2))}\n`;
}
