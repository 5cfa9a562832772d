/** The thread that unpacker.ts starts for a large file: reads and unpacks it, and waits where its blocks do not come back. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { DamageError } from './damage.ts';
import { Inflater } from './inflater.ts';
import type { Digest, Told, WorkerData } from './unpacker.ts';

const { file } = workerData as WorkerData;

/** What was read of it so far. */
let bytes = 0;

/** Buffers that go to and fro: memory that two threads share is slow to copy from. They are large, as passing one on takes a while. */
const BUFFERS = 4;
const BUFFER_BYTES = 2 << 20;
const buffers = Array.from({ length: BUFFERS }, () => new ArrayBuffer(BUFFER_BYTES));
let wake = () => {};
parentPort?.on('message', (buffer: ArrayBuffer) => {
  buffers.push(buffer);
  wake();
});

function send(message: Told): void {
  parentPort?.postMessage(message, 'block' in message ? [message.block.buffer] : []);
}

async function sendAll(blocks: Iterable<Uint8Array>): Promise<void> {
  for (const unpacked of blocks) {
    let buffer = buffers.pop();
    while (buffer === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      buffer = buffers.pop();
    }
    const block = new Uint8Array(buffer, 0, unpacked.length);
    block.set(unpacked);
    send({ block, packedBytes: bytes });
  }
}

/** Unpacks the file; behind a damage it is only read on, for its digest. */
async function work(): Promise<{ digest: Digest; damage?: { reason: string; isCut: boolean } }> {
  const inflater = new Inflater();
  const hash = createHash('sha256');
  const descriptor = openSync(file, 'r');
  let damage: { reason: string; isCut: boolean } | undefined;
  for (;;) {
    const space = inflater.space();
    const length = readSync(descriptor, space, 0, space.length, null);
    hash.update(space.subarray(0, length));
    bytes += length;
    try {
      if (damage === undefined) await sendAll(length > 0 ? inflater.take(length) : inflater.end());
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      damage = { reason: error.message, isCut: error.isCut };
    }
    if (length > 0) continue;
    closeSync(descriptor);
    return { digest: { bytes, sha256: hash.digest('hex') }, ...(damage && { damage }) };
  }
}

work().then(send, (failure: Error) => send({ failure }));
