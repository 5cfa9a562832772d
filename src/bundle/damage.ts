/** Why packed data cannot be unpacked, or not to their end. What came before has been handed out by then. */

/** Packed data are damaged, or end too early (`isCut`). */
export class DamageError extends Error {
  override name = 'DamageError';
  readonly isCut: boolean;

  constructor(message: string, isCut: boolean) {
    super(message);
    this.isCut = isCut;
  }
}

/** Packed data are sound, but use something that the decoder does not have: the message names it. */
export class UnsupportedError extends Error {
  override name = 'UnsupportedError';
}

/** An input is not read, or no further. The message goes on where its name ends: “is encrypted …”. */
export class RefusedError extends Error {
  override name = 'RefusedError';
}
