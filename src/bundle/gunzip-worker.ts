/** The thread that gunzip.ts starts for a large file: reads and unpacks it, and waits where its blocks are not used up. */
import { createHash } from 'node:crypto';
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Digest, FromWorker, WorkerData } from './gunzip.ts';
import { type Block, BLOCKS, GunzipError, Inflater } from './inflater.ts';

const { file, memory, released } = workerData as WorkerData;
const send = (message: FromWorker) => parentPort?.postMessage(message);

let made = 0;

function sendAll(blocks: Iterable<Block>): void {
  for (const block of blocks) {
    send({ block });
    made++;
    // Going on takes the memory of another block.
    for (let used = Atomics.load(released, 0); made - used >= BLOCKS; used = Atomics.load(released, 0)) {
      Atomics.wait(released, 0, used);
    }
  }
}

/** Unpacks the file; behind a damage it is only read on, for its digest. */
function work(): { digest: Digest; damage?: { reason: string; isCut: boolean } } {
  const inflater = new Inflater(memory);
  const hash = createHash('sha256');
  const descriptor = openSync(file, 'r');
  let bytes = 0;
  let damage: { reason: string; isCut: boolean } | undefined;
  for (;;) {
    const space = inflater.space();
    const length = readSync(descriptor, space, 0, space.length, null);
    hash.update(space.subarray(0, length));
    bytes += length;
    try {
      if (damage === undefined) sendAll(length > 0 ? inflater.take(length) : inflater.end());
    } catch (error) {
      if (!(error instanceof GunzipError)) throw error;
      damage = { reason: error.message, isCut: error.isCut };
    }
    if (length === 0) return { digest: { bytes, sha256: hash.digest('hex') }, ...(damage && { damage }) };
  }
}

try {
  send(work());
} catch (failure) {
  send({ failure: failure as Error });
}
