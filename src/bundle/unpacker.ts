/** The thread that unpacks large files of gzip. The program's start has it, too, without all the rest: ../start/unpacker.ts. */
import { closeSync, openSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { isGzip } from './recognise.ts';

/** Packed bytes from which on a thread of its own pays. */
export const LARGE = 4 << 20;

/** What the thread runs, in dist/. */
export const UNPACKER = 'gunzip-worker.cjs';

/** What it is given. */
export interface WorkerData {
  file: string;
}

/** Size and SHA-256 of a file as it was read. */
export interface Digest {
  bytes: number;
  sha256: string;
}

/** What it tells: blocks, and in the end what it read, why no more could be unpacked, if so, or why no more could be read. */
export type Told =
  | { block: Uint8Array<ArrayBuffer>; packedBytes: number }
  | { digest: Digest; damage?: { reason: string; isCut: boolean } }
  | { failure: Error };

/** A thread that unpacks a file, and what it told so far. It starts at once, and waits where its blocks do not come back. */
export class Unpacker {
  readonly file: string;
  readonly #worker: Worker;
  readonly #told: Told[] = [];
  #wake = () => {};

  /** @param script  path of {@link UNPACKER} */
  constructor(script: string, file: string) {
    this.file = file;
    this.#worker = new Worker(script, { workerData: { file } satisfies WorkerData });
    const hear = (told: Told) => {
      this.#told.push(told);
      this.#wake();
    };
    // From the beginning: what nobody hears is lost.
    this.#worker.on('message', hear);
    this.#worker.on('error', (failure) => hear({ failure }));
  }

  /** What it tells next. */
  async next(): Promise<Told> {
    for (let told = this.#told.shift(); ; told = this.#told.shift()) {
      if (told !== undefined) return told;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Gives the memory of a block back, which is used up. */
  giveBack(buffer: ArrayBuffer): void {
    this.#worker.postMessage(buffer, [buffer]);
  }

  /** Whether it keeps the process from ending. */
  keepsProcess(keeps: boolean): void {
    if (keeps) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Ends the thread. That takes a while, which nobody needs to wait for. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** A file that cannot be read does not; whoever reads it will hear why. */
export function startsLikeGzip(file: string): boolean {
  const head = new Uint8Array(2);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, head);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
  return isGzip(head);
}
