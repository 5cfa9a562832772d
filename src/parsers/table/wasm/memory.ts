/** Blocks of linear memory, and the arithmetic that everything counted in them shares. */

/** Blocks that were outgrown, to be used again by tables that grow to the same size. */
const BLOCKS = 32;
const blocks = new StaticArray<usize>(BLOCKS);
const sizes = new StaticArray<usize>(BLOCKS);

/** Bytes that a processor loads at a time: blocks start where such a line does. */
const LINE: usize = 64;

/** Memory full of zeros: a block that was outgrown, or new memory, in which another instance may have left something. */
export function zeroed(bytes: usize): usize {
  for (let at = 0; at < BLOCKS; at++) {
    const block = blocks[at];
    if (block !== 0 && sizes[at] === bytes) {
      blocks[at] = 0;
      memory.fill(block, 0, bytes);
      return block;
    }
  }
  const block = (heap.alloc(bytes + LINE) + LINE - 1) & ~(LINE - 1);
  memory.fill(block, 0, bytes);
  return block;
}

/** Gives a block back; where too many are, it is forgotten. */
export function recycle(block: usize, bytes: usize): void {
  for (let at = 0; at < BLOCKS; at++) {
    if (blocks[at] === 0) {
      blocks[at] = block;
      sizes[at] = bytes;
      return;
    }
  }
}

/** Adds 1 to the `index`-th counter of an array of u32. */
@inline
export function increase(counters: usize, index: u32): void {
  const at = counters + ((index as usize) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** The last step of MurmurHash3: every bit of the value is felt in every bit of the result. */
@inline
export function mixed(value: u64): u64 {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccd;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53;
  return value ^ (value >> 33);
}
