/** What archives are called, where there is nothing but a name to choose by; what they are is told by their content. */

/** Of several layers of packing each may have left its ending. */
export const ARCHIVE = /\.(?:tar|tgz|txz|tbz2?|tzst)(?:\.(?:gz|xz|bz2|zst))*$/i;

/** One that is encrypted, which only its owner can read; sos calls it `secured-…`. A signature beside an archive (`.asc`, `.sig`) is none. */
export const ENCRYPTED =
  /(?:\.(?:tar|tgz|txz|tbz2?|tzst)(?:\.(?:gz|xz|bz2|zst))*\.(?:gpg|pgp|enc)|(?:^|\/)secured-[^/]*\.(?:gpg|pgp|asc|enc))$/i;
