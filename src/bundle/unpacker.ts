/** What is known of the thread that unpacks large files (gunzip.ts) before the program is read, which starts it (../start/unpacker.ts). */

/** Packed bytes from which on a thread of its own pays. */
export const LARGE = 4 << 20;

/** Its file in dist/. */
export const UNPACKER = 'gunzip-worker.cjs';
