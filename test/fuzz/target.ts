/** What a target of the fuzzer is, and what several are made of. */
import { mutatedMembers, packed, type TarMember, tarOf } from './archives.ts';
import { allTexts } from './material.ts';
import type { Random } from './random.ts';

/** A part of the program that is fuzzed. */
export interface Target {
  /** Its inputs are whole archives: they take a hundred times as long as others. */
  isWhole: boolean;
  /** Opens what makes its inputs, which reads all of the material. */
  open(): Promise<(random: Random) => Buffer>;
  /** What is wrong with what it makes of an input, beside what it throws. */
  check(input: Buffer): string[] | Promise<string[]>;
}

let texts: Promise<Map<string, string>> | undefined;

/** {@link allTexts}, read once. */
export const everyText = () => {
  texts ??= allTexts();
  return texts;
};

/** A target of archives that are nearly those that were captured. */
export function bundles(originals: () => Promise<TarMember[][]>, check: Target['check']): Target {
  return {
    isWhole: true,
    async open() {
      const archives = await originals();
      const corpus = [...(await everyText()).values()];
      return (random) => packed(random, tarOf(mutatedMembers(random, random.of(archives), corpus)));
    },
    check,
  };
}

/** Blocks as they come from a file or a pipe. */
export async function* stream(blocks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* blocks;
}
