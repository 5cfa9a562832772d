/** A user's own templates in place of some of the package's: read, checked, and compiled by Handlebars as the build compiles the others. */
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import html from 'templates:html';
import plain from 'templates:plain';
import Handlebars from 'handlebars';
import { inert } from './inert.ts';
import type { Overrides } from './presentation.ts';
import { compilerOptions, isIn, type TemplateFormat, textsOf } from './template-source.mjs';
import { type Templates, withHelpers } from './templates.ts';

const FORMATS: Readonly<Record<TemplateFormat, Templates>> = { html, plain };
/** How messages call the pages of a format. */
const PAGES: Readonly<Record<TemplateFormat, string>> = { html: 'HTML', plain: 'Markdown or plain text' };
const STYLES = ['style.css', 'fleet.css'];

/** The largest template of the package has 16 KiB. */
const MAX_BYTES = 256 * 1024;

/** How often a template may be in itself: nothing that a report has is nested at all. */
const MOST_NESTED = 50;

/** What a template may call besides placing values; Handlebars’ own `log` is not among them. */
const HELPERS = ['if', 'unless', 'each', 'with', 'lookup', 'agree'];

/** A template that cannot be used; the message names file and line. */
export class TemplateError extends Error {
  override name = 'TemplateError';
}

/** A template of the user, with where it is from. */
interface Source {
  file: string;
  line: number;
  source: string;
}

/**
 * Reads the templates of a folder, and checks each.
 *
 * @returns what a presentation takes, and the files by their paths in the folder, with the SHA-256 of each
 * @throws {TemplateError} if there are none, one is called like none of the package's, cannot be parsed, or calls what there is not
 */
export function readOverrides(folder: string): { overrides: Overrides; files: { name: string; sha256: string }[] } {
  const names = filesIn(folder);
  if (names.length === 0) throw new TemplateError(`--templates ${folder}: there is no template in it`);
  const known = knownFiles();
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new TemplateError(
      `--templates ${path.join(folder, unknown)}: there is no such template; these are there:\n${listed(known)}`,
    );
  const styles = new Map<string, string>();
  const sources = new Map<string, Source>();
  const files: { name: string; sha256: string }[] = [];
  for (const name of names) {
    const file = path.join(folder, name);
    const content = contentOf(file);
    files.push({ name, sha256: createHash('sha256').update(content).digest('hex') });
    if (STYLES.includes(name)) styles.set(name, content);
    else if (name.endsWith('.hbs'))
      for (const [of, source] of sourcesOf(file, name.slice(0, -'.hbs'.length), content)) sources.set(of, source);
  }
  return { overrides: new UserTemplates(sources, styles), files };
}

/** Files below a folder, by their paths with `/`; what is hidden belongs to editors and to git. */
function filesIn(folder: string, below = ''): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(path.join(folder, below), { withFileTypes: true });
  } catch (error) {
    throw new TemplateError(`--templates ${folder} cannot be read: ${(error as Error).message}`);
  }
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      return entry.isDirectory() ? filesIn(folder, name) : [name];
    });
}

function contentOf(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, and may have ${MAX_BYTES}`);
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch (error) {
    throw new TemplateError(`--templates ${file} cannot be read: ${(error as Error).message}`);
  }
}

/** What a file may be called: as those of the package are, from which it may have been copied with what explains them. */
function knownFiles(): string[] {
  const names = Object.values(FORMATS).flatMap((templates) => Object.keys(templates).map(fileOf));
  return [...new Set(names)].sort().concat(STYLES, 'README.md', 'VIEW.md');
}

/** The file of a template: the texts of a finding share one. */
function fileOf(name: string): string {
  return `${name.startsWith('findings/') ? name.slice(0, name.lastIndexOf('/')) : name}.hbs`;
}

/** Files by folder, a folder a line. */
function listed(files: readonly string[]): string {
  const folders = new Map<string, string[]>();
  for (const file of files) {
    const folder = path.posix.dirname(file);
    folders.set(folder, [...(folders.get(folder) ?? []), path.posix.basename(file)]);
  }
  return [...folders]
    .map(([folder, names]) => `  ${folder === '.' ? '' : `${folder}/: `}${names.join(', ')}`)
    .join('\n');
}

function sourcesOf(file: string, name: string, content: string): [string, Source][] {
  const texts = textsOf(name, content);
  const formats = (Object.keys(FORMATS) as TemplateFormat[]).filter((format) => isIn(format, name));
  if (name.startsWith('findings/')) {
    const there = Object.keys(plain).filter((each) => each.startsWith(`${name}/`));
    const wrong = texts.find((each) => !there.includes(each.name));
    const expected = there.map((each) => `--- ${each.slice(name.length + 1)}`).join(', ');
    if (wrong) throw new TemplateError(`--templates ${file}:${wrong.line - 1}: expected one of the lines ${expected}`);
    const [head = ''] = content.split(/^--- \S+$/m);
    if (head.trim() !== '')
      throw new TemplateError(`--templates ${file}:1: expected it to begin with one of the lines ${expected}`);
  }
  return texts.map(({ name: of, source, raw, line }) => {
    check(file, line, raw, formats);
    return [of, { file, line, source }];
  });
}

/** Says where a template is wrong. */
function check(file: string, line: number, source: string, formats: readonly TemplateFormat[]): void {
  const wrong = (at: number, what: string): never => {
    throw new TemplateError(`--templates ${file}:${line + at - 1}: ${what}`);
  };
  const calls = ({ path: called, params, hash, loc }: Call) => {
    if (called.type !== 'PathExpression' || (params.length === 0 && !hash)) return;
    const { original } = called as hbs.AST.PathExpression;
    if (!HELPERS.includes(original))
      wrong(loc.start.line, `there is no helper ${original}; there are ${HELPERS.join(', ')}`);
  };
  const visitor = new Handlebars.Visitor();
  const visits = {
    MustacheStatement: calls,
    BlockStatement: calls,
    SubExpression: calls,
    PartialStatement: ({ name, loc }: hbs.AST.PartialStatement) => {
      if (name.type !== 'PathExpression') return;
      const { original } = name as hbs.AST.PathExpression;
      const format = formats.find((each) => !Object.hasOwn(FORMATS[each], original));
      if (format)
        wrong(loc.start.line, `there is no template ${original} that a page of ${PAGES[format]} could have in it`);
    },
    Decorator: ({ loc }: hbs.AST.Decorator) => wrong(loc.start.line, 'there are no decorators'),
    DecoratorBlock: ({ loc }: hbs.AST.DecoratorBlock) => wrong(loc.start.line, 'there are no decorators'),
  };
  for (const [kind, visit] of Object.entries(visits)) {
    const inherited = Reflect.get(visitor, kind) as (node: unknown) => void;
    Reflect.set(visitor, kind, (node: never) => {
      visit(node);
      inherited.call(visitor, node);
    });
  }
  visitor.accept(parsed(source, wrong));
}

function parsed(source: string, wrong: (at: number, what: string) => never): hbs.AST.Program {
  try {
    return Handlebars.parse(source);
  } catch (error) {
    const { message } = error as Error;
    const [, at = '1'] = /on line (\d+)|- (\d+):\d+$/.exec(message)?.filter(Boolean) ?? [];
    const what = message.split('\n').filter((each) => !/^-*\^$|^\.\.\.|^Parse error/.test(each));
    return wrong(Number(at), `it is no Handlebars: ${what.at(-1) || message.split('\n')[0]}`);
  }
}

type Call = Pick<hbs.AST.MustacheStatement, 'path' | 'params' | 'hash' | 'loc'>;

type Engine = (name: string, view: object) => string;

class UserTemplates implements Overrides {
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #styles: ReadonlyMap<string, string>;
  readonly #engines = new Map<object, Engine>();

  constructor(sources: ReadonlyMap<string, Source>, styles: ReadonlyMap<string, string>) {
    this.#sources = sources;
    this.#styles = styles;
  }

  /** @throws {TemplateError} where a template asks for a value that there is not */
  render(templates: object, name: string, view: object): string {
    let engine = this.#engines.get(templates);
    if (engine === undefined) {
      const format = (Object.keys(FORMATS) as TemplateFormat[]).find((each) => FORMATS[each] === templates) ?? 'html';
      engine = this.#engine(format);
      this.#engines.set(templates, engine);
    }
    return engine(name, view);
  }

  asset(file: string): string | undefined {
    return this.#styles.get(file);
  }

  #engine(format: TemplateFormat): Engine {
    const made = withHelpers(Handlebars.create());
    made.unregisterHelper('log');
    const pages = new Map<string, HandlebarsTemplateDelegate>();
    for (const [name, template] of Object.entries(FORMATS[format])) {
      const own = this.#sources.get(name);
      const page = own
        ? located(own, made.compile(own.source, compilerOptions(format, name)))
        : made.template(template);
      pages.set(name, page);
      made.registerPartial(name, page);
    }
    // What a view inherits is no part of it.
    const options = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };
    return (name, view) => pages.get(name)?.(view, options) ?? '';
  }
}

/** The same template, which names its file where it fails. */
function located({ file, line }: Source, template: HandlebarsTemplateDelegate): HandlebarsTemplateDelegate {
  let depth = 0;
  return (view, options) => {
    if (depth === MOST_NESTED) throw new TemplateError(`${file}:${line}: it is in itself, without end`);
    depth++;
    try {
      return template(view, options);
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      const [, what = '', at = '1'] = /^([\s\S]*?)(?: - (\d+):\d+)?$/.exec((error as Error).message) ?? [];
      const said = what.replace(
        / not defined in (?:\[object Object\]|undefined|null)$/,
        ' is not in what this template is given',
      );
      throw new TemplateError(`${file}:${line + Number(at) - 1}: ${inert(said)}`);
    } finally {
      depth--;
    }
  };
}
