/** What a recommendation is to be sized for, which is the user's to choose. */

/** What the recommendation aims at. */
export interface Aims {
  /** Recommended maximum ÷ demand. 1.3 is the least that refused nothing under a steady load; the rest is for bursts and growth. */
  headroom: number;
  /** The part of RAM that a full table may take: it cannot be swapped out and is charged to no control group. */
  memoryBudget: number;
}

export const DEFAULT_AIMS: Aims = { headroom: 2, memoryBudget: 0.05 };
