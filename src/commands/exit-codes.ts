/** What the program's exit codes mean; README.md has the same table. */
export const EXIT = {
  /** Everything that was asked for is done. */
  ok: 0,
  /** A result could not be produced or written: no browser for the PDF, disk full, no permission. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** An input is no bundle, or cannot be read at all; the other inputs were still reported. */
  input: 3,
  /** All was done, and a verdict or a finding is as severe as --fail-on says. */
  found: 4,
  /** What was verified is not as it should be: changed, incomplete, or with something left in it. */
  wrong: 5,
} as const;

/** What was asked for cannot be done, whatever the inputs are; the message says what to do. */
export class UsageError extends Error {
  override name = 'UsageError';
}
