import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { beforeEnd } from './ending.ts';

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

/** Makes a folder and those above it. Where a system refuses one without a reason, as /proc does, `recursive` of Node tries for ever. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have been faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
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
    makeFolder(path.dirname(file));
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
 * The same for a file that is too large to be made at once; nothing is left of it when a signal ends the program.
 *
 * @param file   `-`: it is made in a folder for temporary files, and then printed
 * @param write  writes the file under the name that it is given; `NAME.spool` beside it is removed, too
 * @throws what `write` throws, or the error of the file system
 */
export async function writeWholeBy<T>(file: string, write: (part: string) => Promise<T>): Promise<T> {
  if (file === '-')
    return await inTemporary(async (part) => await write(part).then((done) => print(part).then(() => done)));
  const part = `${file}.${process.pid}.part`;
  const remove = () => {
    for (const each of [part, `${part}.spool`]) rmSync(each, { force: true });
  };
  const forget = beforeEnd(remove);
  try {
    makeFolder(path.dirname(file));
    const written = await write(part);
    renameSync(part, file);
    return written;
  } catch (error) {
    remove();
    throw error;
  } finally {
    forget();
  }
}

async function print(file: string): Promise<void> {
  await pipeline(createReadStream(file), process.stdout, { end: false });
}

/** Has a file used that nobody else can read, and nothing is left of, whatever ends the program. */
async function inTemporary<T>(use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-report-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forget = beforeEnd(remove);
  try {
    return await use(path.join(folder, 'standard input'));
  } finally {
    forget();
    remove();
  }
}

/**
 * Hands out the name of a file that can be read several times: the input itself, or, of `-`, a copy that is removed in the end. A message
 * does not name the copy.
 *
 * @throws what `use` throws
 */
export async function withFile<T>(input: string, use: (file: string) => Promise<T>): Promise<T> {
  if (input !== '-') return await use(input);
  return await inTemporary(async (file) => {
    await pipeline(process.stdin, createWriteStream(file, { mode: 0o600 }));
    try {
      return await use(file);
    } catch (error) {
      if (error instanceof Error) error.message = error.message.replaceAll(file, 'standard input');
      throw error;
    }
  });
}

/** How messages call what is written. */
export function outName(out: string): string {
  return out === '-' ? 'standard output' : out;
}

/** Why an archive or a PDF is not printed, if so. */
export function notOnTerminal(out: string): string | undefined {
  return out === '-' && process.stdout.isTTY === true
    ? '--out -: standard output is a terminal; name a file, or send it into a pipe'
    : undefined;
}
