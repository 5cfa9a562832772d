/**
 * Opens what a user calls a bundle (an archive, a folder or standard input) and hands out its files one after the
 * other, as byte streams. Nothing is written to disk.
 */
import { type Stats, statSync } from 'node:fs';
import { readArchive } from './archive.ts';
import { RefusedError } from './damage.ts';
import { readFolder } from './folder.ts';
import { isTelling, topFolderOf } from './layouts/index.ts';
import { Budget } from './limits.ts';
import { type Unpacked, unpackFile, unpackInner, unpackStream } from './unpack.ts';

/** One file of a bundle. Its bytes have to be consumed before the next member is asked for. */
export interface Member {
  /** Path below the bundle's top folder, with `/`. */
  path: string;
  /** The same with the top folder, as the container has it. */
  name: string;
  /** Where it is, if it is a file of its own. */
  file?: string;
  /** When the file was changed last, as the container has it. */
  modified: Date;
  /** Size that the container declares. */
  bytes: number;
  /** Blocks that are to be used up, or copied, by the time that the next is asked for. */
  content: AsyncIterable<Uint8Array>;
}

/** What a container reader yields: a member under its full name. */
export type RawMember = Omit<Member, 'path'>;

/** What is known of a bundle once it has been read to its end. */
export interface BundleEnd {
  /** SHA-256 and size of the archive as it was read; a folder has neither. */
  sha256?: string;
  bytes?: number;
  /** Why the bundle is not whole, if it is not: everything before the damage was handed out. */
  damage?: string;
}

/**
 * The input is no bundle, or cannot be read at all. The message names the input and what was expected; its cause, if there is one, is that of the
 * file system, and has nothing to do with what is in the input.
 */
export class BundleError extends Error {
  override name = 'BundleError';
}

const EXPECTED =
  'Expected a bundle that collect.sh wrote (.tar.gz, .tar, .tar.xz, .tar.bz2, .tar.zst, or the folder that one was unpacked into).';

/**
 * Calls `visit` for each file of a bundle, in the bundle's own order, and waits for it.
 *
 * @param input   path of an archive or a folder, or `-` for standard input
 * @param budget  what may be read of it
 * @throws {BundleError} if the input does not exist, is no archive, is encrypted, is empty, holds no file, or holds several bundles
 */
export async function readBundle(
  input: string,
  visit: (member: Member) => Promise<void>,
  stdin: AsyncIterable<Uint8Array> = process.stdin,
  budget = new Budget(),
): Promise<BundleEnd> {
  const name = inputName(input);
  const stats = input === '-' ? undefined : statOf(input);
  if (stats?.isDirectory()) {
    let damage: string | undefined;
    const damaged = (why: string) => {
      damage ??= why;
    };
    if ((await visitAll(name, readFolder(input, damaged, budget), visit)) === 0)
      throw new BundleError(
        `${name} is a folder without files${damage === undefined ? '' : ` (${damage})`}. ${EXPECTED}`,
      );
    return { ...(damage !== undefined && { damage }) };
  }
  const unpacked = stats === undefined ? unpackStream(stdin, budget) : unpackFile(input, stats.size, budget);
  return readUnpacked(name, unpacked, visit, budget);
}

/**
 * The same for an archive that another one, or a folder, holds.
 *
 * @param name    how messages call it
 * @param budget  of the outermost
 * @param file    its path, if it is a file of its own
 */
export function readStream(
  name: string,
  source: AsyncIterable<Uint8Array>,
  visit: (member: Member) => Promise<void>,
  budget: Budget,
  file?: string,
): Promise<BundleEnd> {
  return readUnpacked(name, unpackInner(source, budget, file), visit, budget);
}

async function readUnpacked(
  name: string,
  unpacked: Unpacked,
  visit: (member: Member) => Promise<void>,
  budget: Budget,
): Promise<BundleEnd> {
  let damage: string | undefined;
  let refusal: string | undefined;
  const damaged = (why: string, error?: unknown) => {
    if (damage === undefined && error instanceof RefusedError) refusal = why;
    damage ??= why;
  };
  try {
    const members = await visitAll(name, readArchive(unpacked.blocks, damaged, budget), visit);
    if (members > 0) return { ...(await unpacked.digest()), ...(damage !== undefined && { damage }) };
  } finally {
    unpacked.close();
  }
  if (unpacked.bytes() === 0) throw new BundleError(`${name} is empty. ${EXPECTED}`);
  if (refusal !== undefined) throw new BundleError(`${name} ${refusal}`);
  throw new BundleError(`${name} is not an archive that can be read (${damage ?? 'it holds no file'}). ${EXPECTED}`);
}

/** How messages and reports call an input. */
export function inputName(input: string): string {
  return input === '-' ? 'standard input' : input;
}

function statOf(input: string): Stats {
  try {
    return statSync(input);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new BundleError(`${input} does not exist. ${EXPECTED}`, { cause: error });
    throw new BundleError(`${input} cannot be read (${(error as Error).message}). ${EXPECTED}`, { cause: error });
  }
}

/** Strips the top folder, refuses a second one, and returns the number of members. */
async function visitAll(
  input: string,
  members: AsyncIterable<RawMember>,
  visit: (member: Member) => Promise<void>,
): Promise<number> {
  let top: string | undefined;
  let seen = 0;
  try {
    for await (const member of members) {
      seen++;
      const clean = member.name.replace(/^(?:\.?\/)+/, '');
      const root = topFolderOf(clean);
      if (root !== undefined) {
        top ??= root;
        // A file of the host may lie anywhere, and its path may end as one of ours does.
        const isBelow = root.startsWith(top) && !isTelling(clean.slice(root.length));
        if (root !== top && !isBelow)
          throw new BundleError(
            `${input} mixes files of two bundles, ${called(top)} and ${called(root)}. Expected one bundle; unpack it, or name each by itself.`,
          );
      }
      await visit({ ...member, path: top !== undefined && clean.startsWith(top) ? clean.slice(top.length) : clean });
    }
  } catch (error) {
    if (isReadError(error))
      throw new BundleError(`${input} cannot be read (${error.message}). ${EXPECTED}`, { cause: error });
    throw error;
  }
  return seen;
}

const called = (root: string) => root || 'files without a top folder';

/** An error of the operating system, as against a mistake in this program. */
export function isReadError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}
