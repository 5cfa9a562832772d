/** Renders the Handlebars templates, which were compiled when the package was built; see .config/generated.mjs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type HandlebarsWithCompiler from 'handlebars';
import runtime from 'handlebars/runtime.js';
import { packageRoot } from '../package.ts';
import type { Overrides } from './presentation.ts';

// The package's own types for the runtime are empty.
const Handlebars = runtime as unknown as Pick<typeof HandlebarsWithCompiler, 'create'>;

/** Compiled templates by their path in `templates/` without `.hbs`. */
export type Templates = Readonly<Record<string, TemplateSpecification>>;

const engines = new Map<Templates, ReturnType<typeof Handlebars.create>>();

/** Handlebars with what template-source.mjs makes of `{{rows}} rows`. */
export function withHelpers<T extends Pick<typeof HandlebarsWithCompiler, 'registerHelper'>>(handlebars: T): T {
  handlebars.registerHelper('agree', (number: string, one: string, many: string) => (number === '1' ? one : many));
  return handlebars;
}

function engine(templates: Templates): ReturnType<typeof Handlebars.create> {
  const known = engines.get(templates);
  if (known) return known;
  // One engine for each way of escaping, which is a part of what was compiled.
  const made = withHelpers(Handlebars.create());
  for (const [name, template] of Object.entries(templates)) made.registerPartial(name, made.template(template));
  engines.set(templates, made);
  return made;
}

/**
 * Renders a page of `templates/`. A value that the view model lacks is an error, not a gap.
 *
 * @param templates  `templates:html`, where Handlebars escapes, or `templates:plain`, where the caller has escaped
 *   every string of the view model beforehand
 * @param overrides  a user's templates
 */
export function renderTemplate(templates: Templates, name: string, view: object, overrides?: Overrides): string {
  if (overrides) return overrides.render(templates, name, view);
  const template = templates[name];
  if (template === undefined) throw new Error(`there is no template ${name}`);
  return engine(templates).template(template)(view);
}

/** A file of `templates/` as it is. */
export function readAsset(file: string): string {
  return readFileSync(path.join(packageRoot, 'templates', file), 'utf8');
}
