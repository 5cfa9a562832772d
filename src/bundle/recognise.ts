/** Tells by the first bytes of data what they are packed with, or why they cannot be read. Names are not looked at. */

export type Packing = 'gzip' | 'xz' | 'bzip2' | 'zstd';

/** As many bytes as anything here is told by. */
export const HEAD_BYTES = 512;

/** RFC 1952, 2.3.1. */
export const isGzip = (head: Uint8Array) => startsWith(head, [0x1f, 0x8b]);

/** What data are packed with; undefined: with nothing that is known here. */
export function packingOf(head: Uint8Array): Packing | undefined {
  if (isGzip(head)) return 'gzip';
  if (startsWith(head, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) return 'xz';
  if (isBzip2(head)) return 'bzip2';
  // RFC 8878, 3.1.1 and 3.1.2: a frame, or one to skip, with which pzstd starts.
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  if (startsWith(head.subarray(1), [0x2a, 0x4d, 0x18]) && ((head[0] ?? 0) & 0xf0) === 0x50) return 'zstd';
  return undefined;
}

/** `BZh`, the level, and the first block or, where there is none, the end: without these a name in a tar could be taken for it. */
function isBzip2(head: Uint8Array): boolean {
  const [level = 0] = head.subarray(3);
  const isHeader = startsWith(head, [0x42, 0x5a, 0x68]) && level >= 0x31 && level <= 0x39;
  const behind = head.subarray(4);
  const isBlock = startsWith(behind, [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]);
  return isHeader && (isBlock || startsWith(behind, [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]));
}

/** What data are that are no archive for certain, and what opens them. */
export interface Foreign {
  /** Goes on where the input's name ends. */
  what: string;
  /** The command, with its options, that decrypts from a file or standard input to standard output. */
  decrypt?: string;
  /** What else there is to know or to do. */
  advice?: string;
}

/** What data are, if they are something that is no archive of files of a host. */
export function foreignOf(head: Uint8Array): Foreign | undefined {
  const text = Buffer.from(head).toString('latin1');
  if (isOpenPgp(head) || /^\s*-----BEGIN PGP MESSAGE-----/.test(text)) {
    return { what: 'is encrypted or signed with OpenPGP', decrypt: 'gpg --decrypt' };
  }
  if (text.startsWith('Salted__')) {
    return {
      what: 'is encrypted with openssl enc',
      decrypt: 'openssl enc -d -aes-256-cbc -pbkdf2 -in',
      advice: 'The cipher and the options have to be those that it was encrypted with.',
    };
  }
  // APPNOTE.TXT of PKWARE, 4.3.7: the header of a file.
  if (startsWith(head, [0x50, 0x4b, 0x03, 0x04])) {
    return { what: 'is a ZIP file', advice: 'Unpack it, and name what was in it.' };
  }
  // lib/rpmlead.c of RPM.
  if (startsWith(head, [0xed, 0xab, 0xee, 0xdb])) {
    return { what: 'is an RPM package', advice: 'It holds software, not what was captured of a host.' };
  }
  if (/^(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b/is.test(text)) {
    return {
      what: 'is an HTML page',
      advice:
        'It may be what a web server answered in place of the file: look at it in a browser, and download the file again.',
    };
  }
  return undefined;
}

/** Packets that an OpenPGP message starts with, and the versions of each (RFC 9580, 4.3, 5 and 10.3). */
const PACKETS: Readonly<Record<number, readonly number[]>> = {
  1: [2, 3, 6],
  3: [4, 5, 6],
  4: [3, 6],
  8: [0, 1, 2, 3],
  18: [1, 2],
  20: [1],
};

/** The header of a packet, its length, and the version that comes next: one byte alone could begin the name of a file in a tar. */
function isOpenPgp(head: Uint8Array): boolean {
  const [first = 0, length = 0] = head;
  if ((first & 0x80) === 0) return false;
  const isNew = (first & 0x40) !== 0;
  const tag = isNew ? first & 0x3f : (first & 0x3f) >> 2;
  // RFC 9580, 4.2: one, two or four bytes, or none for what ends with the file; and a byte, two, five or one for a part.
  const oldLength = [1, 2, 4, 0][first & 3] ?? 0;
  const newLength = length < 192 || (length >= 224 && length < 255) ? 1 : length < 224 ? 2 : 5;
  const version = head[1 + (isNew ? newLength : oldLength)];
  return version !== undefined && PACKETS[tag]?.includes(version) === true;
}

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => head[at] === byte);
}
