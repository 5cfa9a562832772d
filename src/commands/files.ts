import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes a file whole or not at all: under another name first, then renamed, so that an earlier file stays until the new
 * one is complete.
 *
 * @param parts  a folder of the same file system for what is not complete; default: beside the file
 * @throws the error of the file system, with the path in its message
 */
export async function writeWhole(file: string, content: string | Uint8Array, parts?: string): Promise<void> {
  const temporary = parts === undefined ? `${file}.${process.pid}.part` : path.join(parts, path.basename(file));
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(temporary, content);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
