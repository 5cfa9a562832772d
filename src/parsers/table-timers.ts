/**
 * Counting how much time the entries of a class have left. How long an entry has been idle follows from it only with the timeout
 * in force, which the analysis knows and the table does not.
 */

import type { ClassTimers } from '../snapshot/types.ts';
import type { TableRow } from './table-entry.ts';

/** Different remaining times that are counted to the second, of all classes together. A default table has under 440 000. */
const MOST_SECONDS = 2 ** 20;

/** Above {@link MOST_SECONDS}, which only timeouts of months reach, new times are counted by the hour. */
const COARSE = 3600;

/** Timers that can hide a longer one: unacknowledged data, retransmissions and mid-stream pick-up have 300 s by default. */
const SHORT_TIMER = 300;

/** The remaining times of one class. */
export class TimerTally {
  readonly #budget: { seconds: number };
  readonly #seconds = new Map<number, number>();
  readonly #shortSums = new Map<number, number>();
  #withoutTimer = 0;

  /** @param budget how many more different times may be counted to the second; shared by all classes of a table */
  constructor(budget: { seconds: number }) {
    this.#budget = budget;
  }

  /** Counts one entry. */
  add({ timeoutSeconds, deltaTimeSeconds }: TableRow): void {
    if (timeoutSeconds === undefined) {
      this.#withoutTimer++;
      return;
    }
    this.#count(this.#seconds, timeoutSeconds);
    if (deltaTimeSeconds !== undefined && timeoutSeconds <= SHORT_TIMER) {
      this.#count(this.#shortSums, timeoutSeconds + deltaTimeSeconds);
    }
  }

  /** What was counted, ascending. */
  summary(): Pick<ClassTimers, 'withoutTimer' | 'seconds' | 'entries' | 'shortTimers'> {
    const [seconds, entries] = columns(this.#seconds);
    const [sums, sumEntries] = columns(this.#shortSums);
    return { withoutTimer: this.#withoutTimer, seconds, entries, shortTimers: { sums, entries: sumEntries } };
  }

  #count(counts: Map<number, number>, time: number): void {
    const key = this.#budget.seconds > 0 || counts.has(time) ? time : time - (time % COARSE);
    const before = counts.get(key);
    if (before === undefined) this.#budget.seconds--;
    counts.set(key, (before ?? 0) + 1);
  }
}

/** A budget for the classes of one table. */
export function timerBudget(): { seconds: number } {
  return { seconds: MOST_SECONDS };
}

function columns(counts: Map<number, number>): [Uint32Array, Uint32Array] {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return [Uint32Array.from(sorted, ([time]) => time), Uint32Array.from(sorted, ([, entries]) => entries)];
}
