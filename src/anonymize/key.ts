/** The key file, and what is derived from it. */
import { hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';

/** Of a key file. */
const KEY_BYTES = 32;

/** A key file is no key. The message names it and what was expected. */
export class KeyError extends Error {
  override name = 'KeyError';
}

/** A key as it was read. */
export interface KeyFile {
  key: Uint8Array;
  /** Made just now, of random bytes. */
  isNew: boolean;
  /** Others than its owner may read the file. */
  isOpen: boolean;
}

/**
 * Reads a key, or makes one that only its owner can read.
 *
 * @throws {KeyError} if the file holds no key, or one that is too short
 * @throws the error of the file system
 */
export function readKeyFile(file: string): KeyFile {
  try {
    const key = randomBytes(KEY_BYTES);
    writeFileSync(file, `${key.toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
    return { key, isNew: true, isOpen: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const text = readFileSync(file, 'latin1').trim();
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) {
    throw new KeyError(
      `${file} is no key: expected ${2 * KEY_BYTES} hexadecimal digits, or a name that does not exist.`,
    );
  }
  const key = Buffer.from(text, 'hex');
  if (key.length < KEY_BYTES) {
    throw new KeyError(`${file} is too short a key: ${text.length} hexadecimal digits of at least ${2 * KEY_BYTES}.`);
  }
  // On Windows the mode says nothing.
  const isOpen = process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0;
  return { key, isNew: false, isOpen };
}

/** A key of so many bytes for one purpose (HKDF, RFC 5869, with SHA-256). */
export function derivedKey(key: Uint8Array, purpose: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', `conntrack-report/crypto-pan/1/${purpose}`, bytes));
}
