import { printable } from '../report/inert.ts';

/** Says on standard error why something was not done, and returns the exit code. */
export function failed(code: number, message: string): number {
  process.stderr.write(complaint(message));
  return code;
}

/** A message for standard error. It may quote names that an archive chose, which run nothing in a terminal. */
export function complaint(message: string): string {
  return `conntrack-report: ${printable(message)}\n`;
}
