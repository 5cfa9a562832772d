/** Holds what one member is rewritten to until its size is known, which a tar archive says first: in memory, or in a file. */
import { closeSync, createReadStream, openSync, rmSync, writeSync } from 'node:fs';

/** Bytes that are held in memory. */
const IN_MEMORY = 1 << 20;

/** Holds one text at a time. */
export class Spool {
  readonly #file: string;
  #descriptor: number | undefined;
  #blocks: Buffer[] = [];
  bytes = 0;

  /** @param file which is made when a text is large, for its owner only, and removed by {@link close} */
  constructor(file: string) {
    this.#file = file;
  }

  /** Drops what was held. */
  clear(): void {
    this.#blocks = [];
    this.bytes = 0;
  }

  /** @throws the error of the file system */
  write(block: Uint8Array): void {
    if (this.bytes + block.length <= IN_MEMORY) this.#blocks.push(Buffer.from(block));
    else {
      this.#descriptor ??= openSync(this.#file, 'wx+', 0o600);
      let at = this.bytes - this.#held();
      // What is in memory stays there: it comes first.
      for (let done = 0; done < block.length; ) {
        const written = writeSync(this.#descriptor, block, done, block.length - done, at);
        done += written;
        at += written;
      }
    }
    this.bytes += block.length;
  }

  #held(): number {
    return this.#blocks.reduce((sum, { length }) => sum + length, 0);
  }

  async *read(): AsyncGenerator<Uint8Array> {
    yield* this.#blocks;
    const left = this.bytes - this.#held();
    if (left === 0 || this.#descriptor === undefined) return;
    yield* createReadStream('', {
      fd: this.#descriptor,
      start: 0,
      end: left - 1,
      autoClose: false,
      highWaterMark: IN_MEMORY,
    });
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    rmSync(this.#file, { force: true });
  }
}
