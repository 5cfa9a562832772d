/** The options that shape a report, of all commands that write one. */
import type { Argv } from 'yargs';
import { inert } from '../report/inert.ts';
import { SECTIONS, type Section } from '../report/presentation.ts';

/** Longer than any title; a page has room for it. */
const LONGEST = 200;

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
