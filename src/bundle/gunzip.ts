/**
 * Unpacks a file of gzip (RFC 1952) by a thread of its own, so that it can be parsed meanwhile; for a small one starting it would take
 * longer than it saves.
 */
import path from 'node:path';
import { packageRoot } from '../package.ts';
import { DamageError } from './damage.ts';
import { type Digest, UNPACKER, Unpacker } from './unpacker.ts';

/** What is unpacked already, before anybody asked for it. */
let ahead: Unpacker | undefined;

/** Has {@link gunzipFile} take what is unpacked already; see ../start/unpacker.ts. */
export function lend(unpacker: Unpacker): void {
  ahead = unpacker;
}

function unpackerOf(file: string): Unpacker {
  const unpacker = ahead;
  if (unpacker === undefined || path.resolve(unpacker.file) !== path.resolve(file))
    return new Unpacker(path.join(packageRoot, 'dist', UNPACKER), file);
  ahead = undefined;
  unpacker.keepsProcess(true);
  return unpacker;
}

/**
 * Yields what was packed, in blocks that are used again: one is to be used up by the time that the one after the next is asked for. The
 * thread starts at once and ends with the generator.
 *
 * @param reached  is told with each block how many bytes of the file it took
 * @param read     is told what was read, before the generator ends or throws
 * @throws {DamageError} where the file is damaged or ends early, once everything before has been handed out; the error of the file
 *   system where it cannot be read
 */
export function gunzipFile(
  file: string,
  reached: (packedBytes: number) => void,
  read: (digest: Digest) => void,
): AsyncGenerator<Uint8Array> {
  const unpacker = unpackerOf(file);
  async function* blocks(): AsyncGenerator<Uint8Array> {
    try {
      for (let before: ArrayBuffer | undefined; ; ) {
        const told = await unpacker.next();
        if ('block' in told) {
          reached(told.packedBytes);
          yield Buffer.from(told.block.buffer, 0, told.block.length);
          // The one before is used up by now, and goes back; this one only when the next is asked for.
          if (before !== undefined) unpacker.giveBack(before);
          before = told.block.buffer;
        } else if ('failure' in told) {
          throw told.failure;
        } else {
          read(told.digest);
          if (told.damage) throw new DamageError(told.damage.reason, told.damage.isCut);
          return;
        }
      }
    } finally {
      void unpacker.end();
    }
  }
  return blocks();
}
