/** Loads and renders the Handlebars templates. Heavy: imported only when a format made from templates is rendered. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import { packageRoot } from '../package.ts';

const folder = path.join(packageRoot, 'templates');

/** Who escapes: Handlebars, for HTML; or the caller, who has escaped every string of the view model beforehand. */
export type Escaping = 'html' | 'by-caller';

const engines = new Map<Escaping, typeof Handlebars>();

function engine(escaping: Escaping): typeof Handlebars {
  const known = engines.get(escaping);
  if (known) return known;
  // One engine for each way of escaping: a partial is compiled once, with the options of whoever used it first.
  const made = Handlebars.create();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.hbs')) continue;
    const name = file.slice(0, -'.hbs'.length).split(path.sep).join('/');
    const source = readFileSync(path.join(folder, file), 'utf8');
    made.registerPartial(name, name.startsWith('partials/') ? source : prose(name, source));
  }
  engines.set(escaping, made);
  return made;
}

/** Prose may be broken into lines in its file; in a report it is one paragraph, or the text of one table cell. */
function prose(name: string, source: string): string {
  const line = source.trim().replace(/\s*\n\s*/g, ' ');
  return /^(?:counters|what-if)\//.test(name) ? line : `${line}\n`;
}

/** Renders a page of `templates/`. A value that the view model lacks is an error, not a gap. */
export function renderTemplate(file: string, view: object, escaping: Escaping): string {
  const source = readFileSync(path.join(folder, file), 'utf8');
  return engine(escaping).compile(source, {
    strict: true,
    noEscape: escaping === 'by-caller',
    preventIndent: true,
  })(view);
}

/** A file of `templates/` as it is. */
export function readAsset(file: string): string {
  return readFileSync(path.join(folder, file), 'utf8');
}
