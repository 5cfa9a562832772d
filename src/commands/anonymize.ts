import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { writeAnonymized } from '../anonymize/archive.ts';
import { KeyError, readKeyFile } from '../anonymize/key.ts';
import { Pseudonyms } from '../anonymize/pseudonyms.ts';
import { type Survey, survey } from '../anonymize/survey.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { printable } from '../report/inert.ts';
import { EXIT } from './exit-codes.ts';
import { isSameFile, writeWholeBy } from './files.ts';
import { complaint, failed } from './messages.ts';

export interface AnonymizeOptions {
  keyFile: string;
  /** The archive to write. */
  out: string;
  limits?: Limits | undefined;
}

/** What is named of a list; the rest is counted. */
const SHOWN = 20;

/**
 * Writes a bundle anew with pseudonyms, whole or not at all. It is read twice: for the names in it, and to be rewritten.
 *
 * @returns exit code
 */
export async function anonymize(input: string, { keyFile, out, limits }: AnonymizeOptions): Promise<number> {
  const wrong = misplaced(input, keyFile, out);
  if (wrong !== undefined) return failed(EXIT.usage, wrong);
  let surveyed: Survey;
  try {
    surveyed = await survey(input, limits);
  } catch (error) {
    if (error instanceof BundleError) return failed(EXIT.input, error.message);
    throw error;
  }
  const { names, anonymized, end } = surveyed;
  if (anonymized !== undefined) {
    return failed(EXIT.input, `${inputName(input)} is anonymised already (${anonymized}): take the original.`);
  }
  let key: ReturnType<typeof readKeyFile>;
  try {
    key = readKeyFile(keyFile);
  } catch (error) {
    if (error instanceof KeyError) return failed(EXIT.usage, error.message);
    throw error;
  }
  const pseudonyms = new Pseudonyms(key.key);
  const { members, leftOut } = await writeWholeBy(out, (part) => writeAnonymized(input, surveyed, pseudonyms, part));
  const lines = [`${members} members, pseudonyms of key ${pseudonyms.keyId}`];
  if (key.isNew) {
    lines.push(
      `Made the key ${keyFile}. Keep it: the same key gives the same pseudonyms, and whoever has it can test guesses.`,
    );
  }
  if (leftOut.length > 0) lines.push('', 'Left out', ...shown(leftOut.map((each) => `  ${each.path}: ${each.why}`)));
  const passedOver = [...names.passedOver];
  if (passedOver.length > 0) {
    lines.push(
      '',
      'Left as they are: too short or too ordinary to be told from other words',
      ...shown(passedOver.map((name) => `  ${name}`)),
    );
  }
  process.stdout.write(printable(`${lines.join('\n')}\n\nWritten\n  ${out}\n`));
  if (key.isOpen) process.stderr.write(complaint(`others can read ${keyFile}: chmod 600 ${keyFile}`));
  if (end.damage === undefined) return EXIT.ok;
  return failed(
    EXIT.failed,
    `${inputName(input)} is damaged (${end.damage}): only what comes before that was written.`,
  );
}

function shown(lines: string[]): string[] {
  const more = lines.length - SHOWN;
  return more > 0 ? [...lines.slice(0, SHOWN), `  and ${more} more`] : lines;
}

/** Why the output cannot be written where it was asked for, if so. */
function misplaced(input: string, keyFile: string, out: string): string | undefined {
  if (input === '-') return 'anonymize reads its input twice: save standard input to a file first';
  if (isSameFile(out, keyFile)) return `--out ${out} is the key file`;
  if (isSameFile(out, input)) return `--out ${out} is the input: name another file`;
  if (isInside(out, input)) return `--out ${out} is in the folder that is read: name a file outside`;
  if (isInside(keyFile, input)) return `--key-file ${keyFile} is in the folder that is read: keep it outside`;
  if (statSync(out, { throwIfNoEntry: false })?.isDirectory()) return `--out ${out} is a folder: name a file`;
  return undefined;
}

function isInside(file: string, folder: string): boolean {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  const below = path.relative(realpathSync(folder), existing(file));
  return below !== '' && !below.startsWith('..') && !path.isAbsolute(below);
}

/** The real path of a file that may not exist yet, below folders that may not either. */
function existing(file: string): string {
  const resolved = path.resolve(file);
  try {
    return realpathSync(resolved);
  } catch {
    const parent = path.dirname(resolved);
    return parent === resolved ? resolved : path.join(existing(parent), path.basename(resolved));
  }
}
