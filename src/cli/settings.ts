/**
 * What options are set to elsewhere than on the command line: in a configuration file, and above that in the environment. Which options
 * there are, and what they take, is what the commands declare.
 */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Argv } from 'yargs';
import { UsageError } from '../commands/exit-codes.ts';
import { meant } from '../commands/nearest.ts';
import type { Described } from './described.ts';
import { optionsIn } from './words.ts';

/** What the file is called that is looked for in the current folder and those above it. */
export const CONFIG_NAME = '.conntrack-report.json';

const PREFIX = 'CONNTRACK_REPORT_';
/** What the environment has besides options: the file, and what the browser asks for. */
const NO_OPTIONS = new Set([`${PREFIX}CONFIG`, `${PREFIX}NO_SANDBOX`]);

/**
 * Options that decide what is run, how much is read, or who can undo a pseudonym. A file that was only found, perhaps in a folder that
 * somebody sent, sets none of them.
 */
const TRUSTED_ONLY: ReadonlySet<string> = new Set(['browser', 'templates', 'limit', 'key-file']);

/** Of these one excludes the others, so that one that is given in a place of higher rank counts alone. */
const EXCLUSIVE: readonly string[] = ['quiet', 'verbose'];

/** A value that an option is set to, and where: `.conntrack-report.json:4`, or the variable. */
export interface Setting {
  name: string;
  value: unknown;
  where: string;
  /** The command that it is for; undefined: every one that has the option. */
  command?: string | undefined;
  /** The folder that paths are relative to, if it is not the current one. */
  folder?: string;
  /** Nobody named the file that it is in. */
  isFound?: boolean;
}

/** A configuration file, and whether it was found rather than named. */
export interface ConfigFile {
  file: string;
  isFound: boolean;
}

/**
 * The file to read, if there is one: that of `--config`, or of CONNTRACK_REPORT_CONFIG, or the nearest one upwards.
 *
 * @throws {UsageError} where the one that is found is somebody else's
 */
export function configFile(words: readonly string[], cwd = process.cwd()): ConfigFile | undefined {
  const at = words.findLastIndex((word) => /^--(?:no-)?config(?:=|$)/.test(word));
  const word = words[at];
  if (word === '--no-config') return undefined;
  const named =
    word === '--config' ? words[at + 1] : (word?.slice('--config='.length) ?? process.env[`${PREFIX}CONFIG`]);
  if (named) return { file: named, isFound: false };
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    const file = path.join(folder, CONFIG_NAME);
    if (existsSync(file)) return found(file, path.relative(cwd, file));
    if (folder === path.dirname(folder)) return undefined;
  }
}

function found(file: string, shown: string): ConfigFile {
  const owner = statSync(file).uid;
  const user = process.getuid?.() ?? owner;
  if (owner !== user && owner !== 0)
    throw new UsageError(`${shown} is somebody else’s: name it with --config to use it, or give --no-config`);
  return { file: shown, isFound: true };
}

/**
 * What the environment sets.
 *
 * @throws {UsageError} where a variable is no option
 */
export function fromEnvironment(described: readonly Described[], env = process.env): Setting[] {
  const known = new Set(described.filter(({ isPositional }) => !isPositional).map(({ name }) => name));
  return Object.entries(env).flatMap(([variable, value = '']) => {
    if (!variable.startsWith(PREFIX) || NO_OPTIONS.has(variable) || value === '') return [];
    const name = variable.slice(PREFIX.length).toLowerCase().replaceAll('_', '-');
    if (!known.has(name))
      throw new UsageError(
        `${variable}: there is no option --${name}${meant(name, [...known], (each) => PREFIX + each.toUpperCase().replaceAll('-', '_'))}`,
      );
    return [{ name, value, where: variable }];
  });
}

/**
 * Hands to yargs what a command's options are set to elsewhere, below what the words of the command line say.
 *
 * @param settings  the later, the higher its rank
 * @returns where each option was set that the command line does not set
 * @throws {UsageError} where a value is not what the option takes
 */
export function applySettings(
  command: string,
  declared: Argv,
  described: readonly Described[],
  settings: readonly Setting[],
  words: readonly string[],
): Map<string, string> {
  const options = new Map(described.filter(({ isPositional }) => !isPositional).map((each) => [each.name, each]));
  const given = new Set(optionsIn(words).map((word) => word.replace(/^--(?:no-)?/, '')));
  const values: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const setting of settings) {
    const { name, where } = setting;
    const option = options.get(name);
    // What has to be given for each run is no habit, unless it is said of this command.
    const isMeant = setting.command === command || (setting.command === undefined && option?.isDemanded !== true);
    if (option === undefined || !isMeant) continue;
    if (setting.isFound && TRUSTED_ONLY.has(name))
      throw new UsageError(
        `${where}: ${name} is taken only from a file that --config names, from the environment or from the command line`,
      );
    const value = readValue(setting, option);
    const others = EXCLUSIVE.includes(name) ? EXCLUSIVE : [name];
    if (others.some((each) => given.has(each))) continue;
    for (const each of others) {
      delete values[each];
      origins.delete(each);
    }
    values[name] = value;
    origins.set(name, where);
  }
  // In yargs this is what a configuration file sets: above the defaults, and below the command line.
  declared.config(values);
  return origins;
}

/** A setting's value as the command line would give it. */
function readValue(setting: Setting, option: Described): unknown {
  const { name, where, value } = setting;
  const expected = (what: string) => new UsageError(`${where}: ${name} is ${JSON.stringify(value)}: expected ${what}`);
  if (option.isBoolean) {
    const isTrue = [true, 'true', '1', 'yes'].includes(value as string | true);
    if (!isTrue && ![false, 'false', '0', 'no'].includes(value as string | false)) throw expected('true or false');
    return isTrue;
  }
  const parts = Array.isArray(value) ? value : [value];
  if (!parts.every((part) => typeof part === 'string' || typeof part === 'number')) throw expected('text or a number');
  const texts = parts.map((part) => pathIn(setting, option, String(part)));
  if (option.choices && !texts.every((text) => option.choices?.includes(text)))
    throw expected(`one of ${option.choices.join(', ')}`);
  return option.isList ? texts : texts.join(',');
}

/** A path of a file is relative to that file; a browser may be a word, too. */
function pathIn({ folder }: Setting, { isPath, name }: Described, text: string): string {
  const isFile = (isPath && text !== '-') || (name === 'browser' && text.includes('/'));
  return folder !== undefined && isFile ? path.join(folder, text) : text;
}
