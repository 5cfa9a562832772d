/** What becomes of the options that shape a report, of all commands that write one; ../cli/presentation.ts declares them. */
import path from 'node:path';
import { type Aims, DEFAULT_AIMS } from '../analysis/aims.ts';
import { type Limits, writtenLimits } from '../bundle/limits.ts';
import type { MadeBy, Paper, Presentation, Section } from '../report/presentation.ts';
import { UsageError } from './exit-codes.ts';

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

/** What else decides what a report says. */
interface Shaping {
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
