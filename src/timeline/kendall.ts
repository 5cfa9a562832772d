/** The distribution of Kendall's statistic: how many pairs of a sequence without a trend are in order by chance. */

/** Of both sides together, what lies outside the interval. */
const ALPHA = 0.05;

/** Of the normal distribution, for 95 of 100. */
const Z_95 = 1.96;

/** Of sums of shares: 6 of 240 sequences are 2.5 %, and not more. */
const ROUNDING = 1e-9;

/** Values in a season up to which the distribution is computed as it is; from ten on it is close to the normal one (Kendall, 1938). */
const EXACT_UP_TO = 40;

/**
 * Which of the sorted slopes of all pairs bounds the slope with 95 % confidence, counted from either end.
 *
 * @param seasons  number of values in each season; only pairs within one count
 * @returns 1 for the first and the last slope; 0 where the pairs are too few to bound it
 */
export function rankOfBound(seasons: readonly number[]): number {
  if (seasons.every((values) => values <= EXACT_UP_TO)) {
    let [rank, below] = [0, 0];
    for (const share of inversions(seasons)) {
      below += share;
      if (2 * below > ALPHA + ROUNDING) break;
      rank++;
    }
    return rank;
  }
  const sum = (of: (values: number) => number) => seasons.reduce((total, values) => total + of(values), 0);
  const pairs = sum((n) => (n * (n - 1)) / 2);
  return Math.floor((pairs - Z_95 * Math.sqrt(sum((n) => (n * (n - 1) * (2 * n + 5)) / 18))) / 2);
}

/**
 * Shares of the sequences that have 0, 1, 2, … pairs out of order. Each value, put in front of those before it, adds from none to all of
 * them with equal chance, and so do the seasons one after the other.
 */
function inversions(seasons: readonly number[]): number[] {
  let shares = [1];
  for (const values of seasons) {
    for (let n = 2; n <= values; n++) {
      const wider = new Array<number>(shares.length + n - 1).fill(0);
      for (const [at, share] of shares.entries()) {
        for (let more = 0; more < n; more++) wider[at + more] = (wider[at + more] ?? 0) + share / n;
      }
      shares = wider;
    }
  }
  return shares;
}
