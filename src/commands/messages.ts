import { printable } from '../report/inert.ts';

/** A message for standard error. It may quote names that an archive chose, which run nothing in a terminal. */
export function complaint(message: string): string {
  return `conntrack-report: ${printable(message)}\n`;
}
