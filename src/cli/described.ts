/** What yargs knows of the options that a command declares, so that nothing else has to list them. */
import type { Argv } from 'yargs';

/** An option or an argument. */
export interface Described {
  name: string;
  describe: string;
  isPositional: boolean;
  isBoolean: boolean;
  /** It may be given several times. */
  isList: boolean;
  /** It names a file or a folder: declared with `normalize`. */
  isPath: boolean;
  /** There is no default. */
  isDemanded: boolean;
  choices: readonly string[] | undefined;
  /** Words of which it takes several, with commas between them: as its description lists them. */
  parts: readonly string[];
  /** The value that it has when it is not given, or words for it. */
  usual: string | undefined;
}

/** Part of yargs that its type declarations leave out. */
interface Insight {
  getOptions(): {
    key: Record<string, unknown>;
    boolean: string[];
    array: string[];
    normalize: string[];
    choices: Record<string, string[]>;
    default: Record<string, unknown>;
    defaultDescription: Record<string, string>;
    hiddenOptions: string[];
  };
  getDemandedOptions(): Record<string, unknown>;
  getGroups(): Record<string, string[]>;
  getInternalMethods(): {
    getUsageInstance(): { getDescriptions(): Record<string, string>; getPositionalGroupName(): string };
  };
}

/** Lists what a command declared, in the order of its help. */
export function describedOptions(declared: Argv): Described[] {
  const insight = declared as unknown as Insight;
  const options = insight.getOptions();
  const usage = insight.getInternalMethods().getUsageInstance();
  const descriptions = usage.getDescriptions();
  const positionals = insight.getGroups()[usage.getPositionalGroupName()] ?? [];
  const demanded = insight.getDemandedOptions();
  // Of an option with a short name there are two keys, and of one with a hyphen an alias.
  const names = Object.keys(options.key).filter((name) => name.length > 1 && !options.hiddenOptions.includes(name));
  return names.map((name) => ({
    name,
    describe: (descriptions[name] ?? '').replace(/^__yargsString__:/, ''),
    isPositional: positionals.includes(name),
    isBoolean: options.boolean.includes(name),
    isList: options.array.includes(name),
    isPath: options.normalize.includes(name),
    isDemanded: Object.hasOwn(demanded, name),
    choices: options.choices[name],
    parts: / with commas between them: (.*)$/.exec(descriptions[name] ?? '')?.[1]?.split(', ') ?? [],
    usual: options.defaultDescription[name] ?? usualOf(options.default[name]),
  }));
}

function usualOf(value: unknown): string | undefined {
  return value === undefined || value === false || (Array.isArray(value) && value.length === 0)
    ? undefined
    : String(value);
}
