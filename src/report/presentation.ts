/** How a report looks, and what stands on it besides what it says of a host: the same options give the same bytes. */
import type { Notation } from './format.ts';
import { inert, Verbatim } from './inert.ts';

export type Paper = 'a4' | 'letter';

/** The parts of a report that may be left out, in their order, and what is in each. */
export const SECTIONS = {
  recommendation: 'what to set, what that costs, and the commands',
  findings: 'the findings',
  slab: 'the slab arithmetic, the memory in all and the hash table',
  table: 'what fills the table',
  idle: 'how long entries have been idle, and lower timeouts',
  drops: 'drops, evictions, the kernel log and other namespaces',
  capture: 'what was captured and what was not',
  appendix: 'facts, counters, settings and files',
} as const;

export type Section = keyof typeof SECTIONS;

/** An option or a file that decided what is in a report. */
export interface MadeBy {
  /** The command line, in words; file names are without their folders. */
  words: readonly string[];
  /** Options that differ from their defaults, as they would be typed. */
  options: Readonly<Record<string, string>>;
  /** Files among them, with the SHA-256 of their content. */
  files: readonly { name: string; sha256: string }[];
}

/** Templates of a user in place of some of the package's own. */
export interface Overrides {
  /**
   * Renders a page.
   *
   * @param templates  what it is rendered with where there is none in its place: all of a format
   */
  render(templates: object, name: string, view: object): string;
  /** A style sheet in place of one of the package's own, if there is one. */
  asset(file: string): string | undefined;
}

export interface Presentation extends Notation {
  paper?: Paper | undefined;
  /** In place of the report’s own title. */
  title?: string | undefined;
  /** A number or name under which the case is filed. */
  caseId?: string | undefined;
  author?: string | undefined;
  /** A picture as a `data:` URL, as readLogo() makes one. */
  logo?: string | undefined;
  /** The parts to show; undefined: all. */
  sections?: readonly Section[] | undefined;
  /** Templates in place of the package’s own. */
  templates?: Overrides | undefined;
  /** How to make the report again. */
  madeBy?: MadeBy | undefined;
}

/** What a report was made of; `sha256` is absent where it has no digest. */
export interface Input {
  name: string;
  sha256?: string | undefined;
}

/**
 * Adds to a view what the presentation has in it.
 *
 * @param inputs  what the report was made of
 * @param format  the option that asks for this format, if it has to be asked for
 */
export function presented<T extends { title?: string }>(
  view: T,
  presentation: Presentation,
  inputs: readonly Input[],
  format?: string,
) {
  const { title, caseId, author, logo, madeBy } = presentation;
  const said = (text: string | undefined) => (text ? inert(text) : undefined);
  return {
    ...view,
    title: said(title) ?? view.title ?? '',
    caseId: said(caseId),
    author: said(author),
    logo,
    /** Title, case and author in a line, where somebody gave one. */
    handover: [said(title), said(caseId) && `case ${said(caseId)}`, said(author)].filter(Boolean).join(' · '),
    sections: Object.fromEntries(
      Object.keys(SECTIONS).map((name) => [name, isShown(presentation, name as Section)]),
    ) as Record<Section, boolean>,
    made: {
      command: madeBy && new Verbatim(commandLine(madeBy, format, ' \\\n  ')),
      inputs: inputs.map(({ name, sha256 }) => ({ name: inert(name), sha256: sha256 && inert(sha256) })),
      files: (madeBy?.files ?? []).map(({ name, sha256 }) => ({ name: inert(name), sha256 })),
    },
  };
}

/** Whether a report has a part. */
export function isShown({ sections }: Pick<Presentation, 'sections'>, section: Section): boolean {
  return sections === undefined || sections.includes(section);
}

/** What the JSON says of how it was made. */
export function madeByOf({ madeBy }: Pick<Presentation, 'madeBy'>, format?: string) {
  return madeBy && { made: { command: commandLine(madeBy, format), options: madeBy.options, files: madeBy.files } };
}

/**
 * The command line that makes a report again, for a POSIX shell.
 *
 * @param between  what stands before an option
 */
function commandLine({ words }: MadeBy, format: string | undefined, between = ' '): string {
  const all = [...words, ...(format === undefined ? [] : ['--format', format])];
  return all.map((word, at) => (at === 0 ? '' : word.startsWith('--') ? between : ' ') + quoted(inert(word))).join('');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
