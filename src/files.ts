import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Leaves room in the 255 bytes of a file name for what comes in front of it and behind. */
const LONGEST_NAME = 100;

/** Names that Windows keeps for devices, whatever their extension. */
export const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** What a captured string may be a part of the name of a file as: no folder, nothing that runs or hides. */
export function inFileName(text: string): string {
  const safe = text
    .slice(0, LONGEST_NAME)
    .replace(/[^\w.-]/g, '_')
    .replace(/^[.-]+|\.+$/g, '');
  return safe === '' || DEVICE.test(safe) ? `_${safe}` : safe;
}

/** Whether two names are of one file, under whatever path, link or hard link. */
export function isSameFile(a: string, b: string): boolean {
  if (path.resolve(a) === path.resolve(b)) return true;
  const [one, other] = [a, b].map((file) => statSync(file, { throwIfNoEntry: false, bigint: true }));
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

/**
 * Writes a file whole or not at all: under another name first, then renamed, so that an earlier file stays until the new
 * one is complete.
 *
 * @param parts  a folder of the same file system for what is not complete; default: beside the file
 * @throws the error of the file system, with the path in its message
 */
export function writeWhole(file: string, content: string | Uint8Array, parts?: string): void {
  const temporary = parts === undefined ? `${file}.${process.pid}.part` : path.join(parts, path.basename(file));
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(temporary, content);
    renameSync(temporary, file);
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // Why it was not written is what the user is to know.
    }
    throw error;
  }
}

/**
 * The same for a file that is too large to be made at once.
 *
 * @param write  writes the file under the name that it is given
 * @throws what `write` throws, or the error of the file system
 */
export async function writeWholeBy<T>(file: string, write: (part: string) => Promise<T>): Promise<T> {
  const part = `${file}.${process.pid}.part`;
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    const written = await write(part);
    renameSync(part, file);
    return written;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
