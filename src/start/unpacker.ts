/** Starts to unpack a large file before the program itself is read, so that both happen at once. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { LARGE, startsLikeGzip, UNPACKER, Unpacker } from '../bundle/unpacker.ts';

/** Commands that unpack what they are given. */
const UNPACKING = new Set(['analyse', 'anonymize', 'compare', 'convert', 'inspect', 'report', 'verify']);

/** What unpacks the first file that the command will want to have unpacked by a thread, if any; see lend() in ../bundle/gunzip.ts. */
export function startedUnpacker([command = '', ...others]: readonly string[]): Unpacker | undefined {
  const isWanted = (name: string) => !name.startsWith('-') && isLarge(name) && startsLikeGzip(name);
  const file = UNPACKING.has(command) ? others.find(isWanted) : undefined;
  if (file === undefined) return undefined;
  const unpacker = new Unpacker(path.join(__dirname, UNPACKER), file);
  unpacker.keepsProcess(false);
  return unpacker;
}

/** Not every word is a file, and not of every file can be told: whoever needs it will hear why. */
function isLarge(name: string): boolean {
  try {
    return (statSync(name, { throwIfNoEntry: false })?.size ?? 0) >= LARGE;
  } catch {
    return false;
  }
}
