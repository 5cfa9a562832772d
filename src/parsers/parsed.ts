import type { Problem } from '../snapshot/types.ts';

/** What a parser made of a file: a value unless it is not such a file at all, and whatever could not be read. */
export interface Parsed<T> {
  value: T | undefined;
  problems: Problem[];
}
