/** Reads a configuration file: JSON, in which comments and a comma too many are allowed. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { UsageError } from '../commands/exit-codes.ts';
import { meant } from '../commands/nearest.ts';
import type { Described } from './described.ts';
import type { ConfigFile, Setting } from './settings.ts';

/** No file that people write is larger. */
const MAX_BYTES = 1 << 20;

/**
 * Lists what a file sets, in its own order, what is for one command last.
 *
 * @param commands  the options of each command
 * @throws {UsageError} that names the line, where the file cannot be read, or names what is not there
 */
export function readConfig(
  { file, isFound }: ConfigFile,
  commands: ReadonlyMap<string, readonly Described[]>,
): Setting[] {
  const text = textOf(file);
  const at = (offset: number) => `${file}:${text.slice(0, offset).split('\n').length}`;
  const errors: ParseError[] = [];
  const top = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const what = printParseErrorCode(error.error)
      .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toLowerCase();
    throw new UsageError(`${at(error.offset)}: no JSON: ${what}`);
  }
  if (top?.type !== 'object') throw new UsageError(`${file}:1: expected {"OPTION": VALUE, …}`);
  const folder = path.dirname(file);
  const all = optionNames([...commands.values()].flat());
  const setting = ({ key, name, value }: Entry, command?: string): Setting => {
    const where = at(key.offset);
    if (value.type === 'null' || value.type === 'object') throw new UsageError(`${where}: ${name} has no value`);
    return { name, value: plain(value), where, command, folder, isFound };
  };
  const general: Setting[] = [];
  const special: Setting[] = [];
  for (const entry of entriesOf(top, at)) {
    const { name, key, value } = entry;
    const described = commands.get(name);
    if (name === '$schema') continue;
    if (described !== undefined && value.type === 'object') {
      const names = optionNames(described);
      for (const inner of entriesOf(value, at)) {
        if (!names.includes(inner.name))
          throw new UsageError(
            `${at(inner.key.offset)}: ${name} has no option ${inner.name}${meant(inner.name, names)}`,
          );
        special.push(setting(inner, name));
      }
    } else if (all.includes(name)) general.push(setting(entry));
    else {
      const known = [...all, ...commands.keys()];
      const what =
        described === undefined ? `there is no option ${name}` : `${name} is a command: expected {"OPTION": VALUE, …}`;
      throw new UsageError(`${at(key.offset)}: ${what}${described === undefined ? meant(name, known) : ''}`);
    }
  }
  return [...general, ...special];
}

function textOf(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length <= MAX_BYTES) return bytes.toString('utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
  throw new UsageError(`${file} is larger than any configuration: more than ${MAX_BYTES} bytes`);
}

interface Entry {
  name: string;
  key: Node;
  value: Node;
}

function entriesOf(object: Node, at: (offset: number) => string): Entry[] {
  const seen = new Set<string>();
  return (object.children ?? []).flatMap(({ children: [key, value] = [] }) => {
    if (key === undefined || value === undefined) return [];
    const name = String(key.value);
    if (seen.has(name)) throw new UsageError(`${at(key.offset)}: ${name} is set twice`);
    seen.add(name);
    return [{ name, key, value }];
  });
}

const plain = (node: Node): unknown => (node.type === 'array' ? (node.children ?? []).map(plain) : node.value);

/** What a file can set: every option but what is asked for in one run only. */
export function optionNames(described: readonly Described[]): string[] {
  const names = described.filter(({ isPositional }) => !isPositional).map(({ name }) => name);
  return [...new Set(names)].filter((name) => !['help', 'version', 'config'].includes(name));
}

/** JSON Schema (draft 2020-12) of a configuration file. */
export function configSchema(commands: readonly { name: string; describe: string; options: Described[] }[]): object {
  const propertiesOf = (described: readonly Described[]) => {
    const names = new Set(optionNames(described));
    return Object.fromEntries(
      described.filter(({ name }) => names.has(name)).map((each) => [each.name, optionSchema(each)]),
    );
  };
  const sections = commands.map(({ name, describe, options }) => {
    const section = {
      type: 'object',
      description: describe,
      properties: propertiesOf(options),
      additionalProperties: false,
    };
    return [name, section] as const;
  });
  const general = commands.flatMap(({ options }) => options.filter(({ isDemanded }) => !isDemanded));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of conntrack-report',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      ...propertiesOf(general),
      ...Object.fromEntries(sections.filter(([, { properties }]) => Object.keys(properties).length > 0)),
    },
    additionalProperties: false,
  };
}

function optionSchema({ describe, isBoolean, choices }: Described): object {
  if (isBoolean) return { description: describe, type: 'boolean' };
  if (choices !== undefined) return { description: describe, enum: choices };
  const one = ['string', 'number'];
  return { description: describe, anyOf: [{ type: one }, { type: 'array', items: { type: one } }] };
}
