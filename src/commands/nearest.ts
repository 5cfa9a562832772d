/** Finds what somebody meant to type. */

/** The name that is closest to a word, if it is close: a letter in three may be wrong, missing, added or swapped, or the end may be missing. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const given = word.toLowerCase();
  const most = Math.max(1, Math.floor(given.length / 3));
  const [best] = names
    .map((name) => ({ name, distance: distanceOf(given, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance);
  if (best) return best.name;
  const begun = names.filter((name) => given.length > 1 && name.toLowerCase().startsWith(given));
  return begun.length === 1 ? begun[0] : undefined;
}

/** What is put behind a message that a word is not known. */
export function meant(word: string, names: readonly string[], written = (name: string) => name): string {
  const name = nearest(word, names);
  return name === undefined ? '' : `; did you mean ${written(name)}?`;
}

/** Edits that make one word of the other, of which swapping two neighbours is one (optimal string alignment). */
function distanceOf(one: string, other: string): number {
  let before: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1];
      const steps = [(above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (isSame ? 0 : 1)];
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (isSwapped) steps.push((before[j - 2] ?? 0) + 1);
      row.push(Math.min(...steps));
    }
    [before, above] = [above, row];
  }
  return above[other.length] ?? 0;
}
