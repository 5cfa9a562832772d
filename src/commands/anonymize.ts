import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { writeAnonymized } from '../anonymize/archive.ts';
import { KeyError, readKeyFile } from '../anonymize/key.ts';
import { Pseudonyms } from '../anonymize/pseudonyms.ts';
import { survey } from '../anonymize/survey.ts';
import { BundleError, inputName } from '../bundle/bundle.ts';
import type { Limits } from '../bundle/limits.ts';
import { isSameFile, notOnTerminal, outName, withFile, writeWholeBy } from '../files.ts';
import { printable } from '../report/inert.ts';
import { EXIT } from './exit-codes.ts';
import { openProgress, type Progress, type Telling } from './progress.ts';

export interface AnonymizeOptions {
  keyFile: string;
  /** The archive to write, or `-` for standard output. */
  out: string;
  limits?: Limits | undefined;
  telling?: Telling;
}

/** What is named of a list; the rest is counted. */
const SHOWN = 20;

/**
 * Writes a bundle anew with pseudonyms, whole or not at all. It is read twice: for the names in it, and to be rewritten.
 *
 * @returns exit code
 */
export async function anonymize(input: string, options: AnonymizeOptions): Promise<number> {
  const { keyFile, out, telling } = options;
  const progress = await openProgress(3, { ...telling, isOutTaken: out === '-' });
  try {
    const wrong = misplaced(input, keyFile, out);
    if (wrong !== undefined) return progress.failed(EXIT.usage, wrong);
    return await withFile(input, (file) => rewrite(file, inputName(input), options, progress));
  } catch (error) {
    if (error instanceof BundleError) return progress.failed(EXIT.input, error.message);
    if (error instanceof KeyError) return progress.failed(EXIT.usage, error.message);
    throw error;
  } finally {
    progress.stop();
  }
}

/** @param name  how messages call the input */
async function rewrite(
  input: string,
  name: string,
  { keyFile, out, limits }: AnonymizeOptions,
  progress: Progress,
): Promise<number> {
  progress.step(`reading ${name}`);
  const surveyed = await survey(input, limits);
  const { names, anonymized, end } = surveyed;
  if (anonymized !== undefined)
    return progress.failed(EXIT.input, `${name} is anonymised already (${anonymized}): take the original.`);
  const key = readKeyFile(keyFile);
  const pseudonyms = new Pseudonyms(key.key);
  progress.step(`writing ${outName(out)}`, 2);
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
      ...shown(passedOver.map((each) => `  ${each}`)),
    );
  }
  progress.say(printable(`${lines.join('\n')}\n\nWritten\n  ${outName(out)}\n`));
  if (key.isOpen) progress.warning(`others can read ${keyFile}: chmod 600 ${keyFile}`);
  if (end.damage === undefined) return EXIT.ok;
  return progress.failed(EXIT.failed, `${name} is damaged (${end.damage}): only what comes before that was written.`);
}

function shown(lines: string[]): string[] {
  const more = lines.length - SHOWN;
  return more > 0 ? [...lines.slice(0, SHOWN), `  and ${more} more`] : lines;
}

/** Why the output cannot be written where it was asked for, if so. */
function misplaced(input: string, keyFile: string, out: string): string | undefined {
  if (keyFile === '-') return '--key-file -: expected a file, since the key has to be kept';
  if (out === '-') return notOnTerminal(out);
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
