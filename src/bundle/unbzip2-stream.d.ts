/** The block decoder of the package unbzip2-stream; its stream is not used. */
declare module 'unbzip2-stream/lib/bzip2.js' {
  /** Reads that many bits, up to 32; null: goes on with the next whole byte. */
  type ReadBits = (count: number | null) => number;

  const block: {
    /** Reads the header of a stream, and returns its level: blocks of that many times 100 000 bytes. */
    header(read: ReadBits): number;
    /**
     * Reads a block, or the end of a stream.
     *
     * @param put   is given each byte, before the block's check sum is looked at
     * @param work  memory to work in, of a block's size
     * @param size  a block's size
     * @param sum   check sum of the stream so far
     * @returns its check sum with this block, null at its end
     */
    decompress(read: ReadBits, put: (byte: number) => void, work: Int32Array, size: number, sum: number): number | null;
  };
  export default block;
}
