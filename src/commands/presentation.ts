/** The options that shape a report, of all commands that write one: what they are called, and what becomes of them. */
import path from 'node:path';
import type { Argv } from 'yargs';
import { type Aims, DEFAULT_AIMS } from '../analysis/aims.ts';
import { type Limits, writtenLimits } from '../bundle/limits.ts';
import { inert } from '../report/inert.ts';
import { type MadeBy, type Paper, type Presentation, SECTIONS, type Section } from '../report/presentation.ts';
import { UsageError } from './exit-codes.ts';

/** Longer than any title; a page has room for it. */
const LONGEST = 200;

/** What was given on the command line. */
export interface PresentationOptions {
  title?: string | undefined;
  case?: string | undefined;
  author?: string | undefined;
  logo?: string | undefined;
  utc?: boolean | undefined;
  timezone?: string | undefined;
  locale?: string | undefined;
  sections?: Section[] | undefined;
  templates?: string | undefined;
}

/** What a report says of itself, and how it writes times and numbers. */
export function presentationOptions<T>(command: Argv<T>) {
  const text = (option: string, describe: string) =>
    ({ describe, type: 'string', requiresArg: true, coerce: (given?: string) => parseText(option, given) }) as const;
  const file = (describe: string) => ({ describe, type: 'string', requiresArg: true, normalize: true }) as const;
  return command
    .option('title', text('title', 'title of the report, in place of its own'))
    .option('case', text('case', 'number or name of the case, for the first page'))
    .option('author', text('author', 'who prepared it, for the first page'))
    .option('logo', file('SVG or PNG for the first page'))
    .option('utc', { describe: 'times in UTC, whatever --timezone says', type: 'boolean', default: false })
    .option('timezone', {
      describe: 'zone of all times, such as Europe/Berlin',
      type: 'string',
      defaultDescription: 'UTC',
      requiresArg: true,
      coerce: parseTimezone,
    })
    .option('locale', {
      describe: 'language whose thousands and decimal signs numbers have, such as de or en-US',
      type: 'string',
      defaultDescription: '65 536.5',
      requiresArg: true,
      coerce: parseLocale,
    })
    .option('templates', file('folder with templates in place of the program’s own (templates/README.md)'));
}

/** Which parts a report has. */
export function sectionsOption<T>(command: Argv<T>) {
  return command.option('sections', {
    describe: `parts after the first page, with commas between them: ${Object.keys(SECTIONS).join(', ')}`,
    type: 'string',
    defaultDescription: 'all',
    requiresArg: true,
    coerce: parseSections,
  });
}

function parseText(option: string, given: string | undefined): string | undefined {
  if (given === undefined || given.trim() === '') return undefined;
  const text = inert(given.trim());
  if (text.length > LONGEST)
    throw new Error(`--${option} has ${given.length} characters, and there is room for ${LONGEST}`);
  return text;
}

function parseTimezone(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  try {
    // Offsets are no names of zones; newer versions of Node take them.
    if (!/^[a-z]/i.test(given)) throw new RangeError();
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions();
    // An alias, of which versions of Node differ in which is the name, stays what it is.
    return timeZone.toLowerCase() === given.toLowerCase() ? timeZone : given;
  } catch {
    const place = given.split('/').pop()?.toLowerCase() ?? '';
    const near = Intl.supportedValuesOf('timeZone').filter((zone) => zone.toLowerCase().endsWith(`/${place}`));
    const meant = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'expected one such as Europe/Berlin or UTC';
    throw new Error(`--timezone ${given}: the IANA time zone database has no zone of that name; ${meant}`);
  }
}

function parseLocale(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  try {
    const [locale] = Intl.NumberFormat.supportedLocalesOf(given);
    if (locale !== undefined) return locale;
  } catch {
    // What is no language tag at all is not supported either.
  }
  const [, tag] = /^([a-z]{2,3}[_-][A-Z]{2})\b/i.exec(given) ?? [];
  const meant = tag?.replace('_', '-');
  const known = meant !== undefined && meant !== given && Intl.NumberFormat.supportedLocalesOf(meant).length > 0;
  throw new Error(
    `--locale ${given}: ${known ? `did you mean ${meant}?` : 'expected a language tag such as de, en-US or fr-CH'}`,
  );
}

function parseSections(given: string | undefined): Section[] | undefined {
  if (given === undefined) return undefined;
  const names = given.split(',').map((name) => name.trim().toLowerCase());
  const wrong = names.find((name) => !Object.hasOwn(SECTIONS, name));
  if (wrong !== undefined)
    throw new Error(`--sections ${wrong}: expected one or more of ${Object.keys(SECTIONS).join(', ')}`);
  return (Object.keys(SECTIONS) as Section[]).filter((name) => names.includes(name));
}

/** What else decides what a report says. */
export interface Shaping {
  paper: Paper;
  aims: Aims;
  limits?: Limits | undefined;
  whatIf?: Readonly<Record<string, number>>;
}

/**
 * Reads what the options name.
 *
 * @throws {UsageError} if that cannot be taken
 */
export async function openPresentation(given: PresentationOptions, shaping: Shaping): Promise<OpenPresentation> {
  const { title, case: caseId, author, locale, sections } = given;
  const timezone = given.utc ? undefined : given.timezone;
  const files: { name: string; sha256: string }[] = [];
  const presentation: Presentation = { title, caseId, author, timezone, locale, sections, paper: shaping.paper };
  if (given.logo !== undefined) {
    const [{ createHash }, { LogoError, readLogo }] = await Promise.all([
      import('node:crypto'),
      import('../report/logo.ts'),
    ]);
    try {
      const { url, content } = readLogo(given.logo);
      presentation.logo = url;
      files.push({
        name: path.basename(given.logo),
        sha256: createHash('sha256').update(content).digest('hex'),
      });
    } catch (error) {
      throw error instanceof LogoError ? new UsageError(error.message) : error;
    }
  }
  if (given.templates !== undefined) {
    const { readOverrides, TemplateError } = await import('../report/overrides.ts');
    try {
      const { overrides, files: own } = readOverrides(given.templates);
      presentation.templates = overrides;
      const folder = path.basename(path.resolve(given.templates));
      files.push(...own.map(({ name, sha256 }) => ({ name: `${folder}/${name}`, sha256 })));
    } catch (error) {
      throw error instanceof TemplateError ? new UsageError(error.message) : error;
    }
  }
  const options = optionsOf({ ...given, timezone }, shaping);
  return { presentation, files, options };
}

/** A presentation for the reports of one command, and what it was made of. */
export interface OpenPresentation {
  presentation: Presentation;
  options: Readonly<Record<string, string>>;
  files: MadeBy['files'];
}

/** Every option that differs from its default, as it would be typed. */
function optionsOf(given: PresentationOptions, { paper, aims, limits, whatIf = {} }: Shaping): Record<string, string> {
  const differs = (value: number, usual: number) => (value === usual ? undefined : value);
  const percent = differs(aims.memoryBudget, DEFAULT_AIMS.memoryBudget);
  const options = {
    title: given.title,
    case: given.case,
    author: given.author,
    logo: given.logo && path.basename(given.logo),
    timezone: given.timezone,
    locale: given.locale,
    sections: given.sections?.join(','),
    templates: given.templates && path.basename(path.resolve(given.templates)),
    paper: paper === 'a4' ? undefined : paper,
    headroom: differs(aims.headroom, DEFAULT_AIMS.headroom),
    // Of a share, what was typed: 7, not 7.000000000000001.
    'memory-budget': percent && Number((100 * percent).toPrecision(12)),
    'what-if': Object.entries(whatIf)
      .map(([setting, seconds]) => `${setting}=${seconds}`)
      .join(','),
    limit: limits && writtenLimits(limits),
  };
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    ),
  );
}

/**
 * The presentation of one report, with the command line that makes it again.
 *
 * @param inputs  what the command was given; of a path only the last part is told
 * @param others  options of this command that are not among those of every report
 */
export function presentationOf(
  { presentation, options, files }: OpenPresentation,
  command: 'report' | 'compare' | 'fleet',
  inputs: readonly string[],
  others: Readonly<Record<string, string | readonly string[]>> = {},
): Presentation {
  const all = { ...options, ...others };
  const words = Object.entries(all).flatMap(([name, values]) =>
    // A value that looks like an option is none behind an equals sign.
    [values].flat().flatMap((value) => (value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value])),
  );
  const madeBy = {
    // In whatever order they are given, they make the same.
    words: ['conntrack-report', command, ...inputs.map(nameOf).sort(), ...words],
    options: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value].flat().join(',')])),
    files,
  };
  return { ...presentation, madeBy };
}

function nameOf(input: string): string {
  if (input === '-') return input;
  const name = path.basename(path.resolve(input));
  return name.startsWith('-') ? `./${name}` : name;
}
