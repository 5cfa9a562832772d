/**
 * What V8 compiled of the program in an earlier run: compiling it again would take a third of the time of a small report. One file for
 * each use and release, of this program and of Node.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { crc32 } from 'node:zlib';
import { privateFolder } from '../private-folder.ts';

/** Files that are kept, of a megabyte or two each; the oldest go. */
const MOST_FILES = 16;
/** After so long a file is written anew, with what was compiled since. */
const DAY_MS = 86_400_000;
const CHECK_BYTES = 4;

/** A file of what was compiled, which need not be there. */
export class Compiled {
  readonly #file: string | undefined;
  /** What V8 may take; it tells whether it does. */
  readonly data: Buffer | undefined;

  /**
   * @param program  names the program and its release
   * @param use      what it is started for
   */
  constructor(program: string, use: string) {
    try {
      // Two releases of Node can have a V8 of the same number that understands the other's code otherwise: it crashes.
      const kind = `${process.version}-${process.arch}-${cachedDataVersionTag().toString(16)}`;
      this.#file = path.join(privateFolder(), 'compiled', `${program}-${kind}-${use}`);
      this.data = checked(readFileSync(this.#file));
    } catch {
      // There is none, or no place for any.
    }
  }

  /** Whether the file is to be written, again or for the first time. */
  isDue(isTaken: boolean): boolean {
    if (this.#file === undefined) return false;
    if (this.data === undefined || !isTaken) return true;
    const written = statSync(this.#file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return Date.now() - written > DAY_MS;
  }

  /** Writes the file; where that is not possible, there is none. */
  keep(data: Buffer): void {
    if (this.#file === undefined) return;
    const part = `${this.#file}.${process.pid}.part`;
    try {
      const folder = path.dirname(this.#file);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const check = Buffer.alloc(CHECK_BYTES);
      check.writeUInt32LE(crc32(data));
      writeFileSync(part, Buffer.concat([check, data]), { mode: 0o600 });
      renameSync(part, this.#file);
      removeOldest(folder);
    } catch {
      rmSync(part, { force: true });
    }
  }
}

/** What is in a file, if it is as it was written: V8 does not look, and would run whatever it is. */
function checked(bytes: Buffer): Buffer | undefined {
  if (bytes.length < CHECK_BYTES) return undefined;
  const data = bytes.subarray(CHECK_BYTES);
  return bytes.readUInt32LE() === crc32(data) ? data : undefined;
}

function removeOldest(folder: string): void {
  const files = readdirSync(folder).map((name) => {
    const file = path.join(folder, name);
    return { file, written: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
  });
  files.sort((a, b) => b.written - a.written);
  for (const { file } of files.slice(MOST_FILES)) rmSync(file, { force: true });
}
