/** What is wrong with an input of a target, and the inputs that are kept. */
import { gunzipSync } from 'node:zlib';
import { TARGETS } from './targets.ts';

/** An input that something was wrong with, as a file in kept/. */
export interface Kept {
  target: string;
  /** What was wrong with it. */
  broke: string;
  /** The input itself, where it is a short text; else as base64 of gzip. */
  text?: string;
  gzip?: string;
}

/** The input that was kept. */
export function inputOf({ text, gzip }: Kept): Buffer {
  return text === undefined ? gunzipSync(Buffer.from(gzip ?? '', 'base64')) : Buffer.from(text);
}

/** Runs an input. Returns what is wrong with what came of it, or what was thrown, and where. */
export async function faultsIn(target: string, input: Buffer): Promise<string[]> {
  try {
    return (await TARGETS[target]?.check(input)) ?? [`there is no target ${target}`];
  } catch (error) {
    const { name, message, stack = '' } = error as Error;
    const places = [...stack.matchAll(/^ +at (?:async )?(?:Object\.|new )?([\w.#]+)/gm)]
      .slice(0, 4)
      .map(([, place]) => place);
    return [`${name}: ${message} (${places.join(' < ')})`];
  }
}
