/** Starts the thread that unpacks a large file before the program itself is read: either takes as long. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { LARGE, UNPACKER } from '../bundle/unpacker.ts';

/** Commands that unpack what they are given, by the thread. */
const UNPACKING = new Set(['analyse', 'compare', 'convert', 'inspect', 'report', 'verify']);

/** The thread, if the command will want it; see lendThread() in ../bundle/gunzip.ts. */
export function startedUnpacker([command = '', ...others]: readonly string[]): Worker | undefined {
  const isLarge = (name: string) =>
    !name.startsWith('-') && (statSync(name, { throwIfNoEntry: false })?.size ?? 0) >= LARGE;
  if (!UNPACKING.has(command) || !others.some(isLarge)) return undefined;
  const worker = new Worker(path.join(__dirname, UNPACKER));
  worker.unref();
  return worker;
}
