/**
 * Unpacks a file of gzip (RFC 1952) by a thread of its own, so that it can be parsed meanwhile; for a small one starting it would take
 * longer than it saves.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../package.ts';
import { DamageError } from './damage.ts';
import { UNPACKER } from './unpacker.ts';

/** Size and SHA-256 of a file as it was read. */
export interface Digest {
  bytes: number;
  sha256: string;
}

/** What the thread is told: what to unpack, and then which buffers are free again. */
export type ToWorker = { file: string } | { buffer: ArrayBuffer };

/** What the thread tells: blocks, and in the end what it read, why no more could be unpacked, if so, or why no more could be read. */
export type FromWorker =
  | { block: Uint8Array<ArrayBuffer>; packedBytes: number }
  | { digest: Digest; damage?: { reason: string; isCut: boolean } }
  | { failure: Error };

/** A thread that was started before anybody knew what for. */
let spare: Worker | undefined;

/** Has the next large file unpacked by a thread that runs {@link UNPACKER} already. Until then it is not to keep the process. */
export function lendThread(worker: Worker): void {
  spare = worker;
}

function startedThread(): Worker {
  const worker = spare ?? new Worker(path.join(packageRoot, 'dist', UNPACKER));
  spare = undefined;
  worker.ref();
  return worker;
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
  const worker = startedThread();
  const tell = (message: ToWorker) => worker.postMessage(message, 'buffer' in message ? [message.buffer] : []);
  tell({ file });
  const arrived: FromWorker[] = [];
  let wake = () => {};
  const arrive = (message: FromWorker) => {
    arrived.push(message);
    wake();
  };
  worker.on('message', arrive);
  worker.on('error', (failure) => arrive({ failure }));
  async function* blocks(): AsyncGenerator<Uint8Array> {
    try {
      for (let before: ArrayBuffer | undefined; ; ) {
        const message = arrived.shift();
        if (message === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else if ('block' in message) {
          reached(message.packedBytes);
          yield Buffer.from(message.block.buffer, 0, message.block.length);
          // The one before is used up by now, and goes back; this one only when the next is asked for.
          if (before !== undefined) tell({ buffer: before });
          before = message.block.buffer;
        } else if ('failure' in message) {
          throw message.failure;
        } else {
          read(message.digest);
          if (message.damage) throw new DamageError(message.damage.reason, message.damage.isCut);
          return;
        }
      }
    } finally {
      // It takes a while, which nobody needs to wait for.
      void worker.terminate();
    }
  }
  return blocks();
}
