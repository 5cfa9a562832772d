/** Starts the program from the one file that .config/build.mjs makes of it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';
import type { Unpacker } from '../bundle/unpacker.ts';
import type { parts } from '../program.ts';
import { Compiled } from './compiled.ts';

/** The file, with a digest of it in its name. */
declare const PROGRAM: string;

/** The parameters of a CommonJS module, as far as the program has them. */
type Program = (module: { exports: { parts?: typeof parts } }, require: NodeJS.Require, file: string) => void;

/** A process that is killed when its work is done never exits by itself: what it compiled is kept after so long. */
const SOON_MS = 1000;

/**
 * Starts a part of the program.
 *
 * @param use       what it is started for, in letters and dashes; the same code is compiled each time that it is the same
 * @param unpacker  see startedUnpacker()
 */
export function start(part: 'cli' | 'fleetWorker', use: string, unpacker?: Unpacker): void {
  const file = path.join(__dirname, PROGRAM);
  const compiled = new Compiled(path.basename(PROGRAM, '.cjs'), use);
  const script = new Script(`(function (module, require, __filename) {${readFileSync(file, 'latin1')}\n})`, {
    filename: file,
    ...(compiled.data && { cachedData: compiled.data }),
  });
  const isTaken = script.cachedDataRejected === false;
  if (compiled.isDue(isTaken)) {
    const keep = () => compiled.keep(script.createCachedData());
    if (part === 'fleetWorker') setTimeout(keep, SOON_MS).unref();
    else process.on('exit', (code) => code === 0 && keep());
  }
  const module: { exports: { parts?: typeof parts } } = { exports: {} };
  (script.runInThisContext() as Program)(module, createRequire(file), file);
  void module.exports.parts?.[part](unpacker);
}
