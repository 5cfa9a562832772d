/** What unpacks one kind of compressed data, piece by piece. */
export interface Decoder {
  /**
   * Takes the next piece of the input, and yields the blocks that are full. One is to be used up by the time that the one after the
   * next is asked for.
   *
   * @throws {DamageError} after a block with everything before the damage
   * @throws {UnsupportedError} after a block with everything before
   */
  push(chunk: Uint8Array): Iterable<Uint8Array>;
  /** Ends the input, and yields what is left; throws as {@link push} does. */
  end(): Iterable<Uint8Array>;
  /** Lets go of what it needs: none of the blocks may be used any more. */
  close(): void;
}

/**
 * Yields what was packed, in blocks that are used again: one is to be used up by the time that the one after the next is asked for.
 *
 * @throws {DamageError} where the source is damaged or ends early, once everything before has been handed out
 * @throws {UnsupportedError} where the decoder cannot go on, the same
 */
export async function* decoded(source: AsyncIterable<Uint8Array>, decoder: Decoder): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield* decoder.push(chunk);
  yield* decoder.end();
}

const BLOCK_BYTES = 1 << 20;

/** Gathers what comes out of a decoder in small pieces into blocks, two that are used in turn. */
export class Blocks {
  #block = Buffer.allocUnsafe(BLOCK_BYTES);
  #other = Buffer.allocUnsafe(BLOCK_BYTES);
  #length = 0;

  /** Takes a copy of the bytes, and yields the blocks that are full. */
  *add(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.#length);
      this.#block.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
      if (this.#length === BLOCK_BYTES) yield* this.rest();
    }
  }

  /** Yields the block at hand, unless it is empty. */
  *rest(): Generator<Uint8Array> {
    if (this.#length === 0) return;
    const full = this.#block.subarray(0, this.#length);
    [this.#block, this.#other] = [this.#other, this.#block];
    this.#length = 0;
    yield full;
  }
}
