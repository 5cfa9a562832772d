import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

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
