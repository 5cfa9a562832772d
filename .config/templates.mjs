// Compiles the Handlebars templates when `templates:html` or `templates:by-caller` is imported: compiling them in every run would
// take longer than all the rest of a small report.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Handlebars from 'handlebars';

const folder = fileURLToPath(new URL('../templates/', import.meta.url));
/** The pages of a module, and what they may be made of; partials are of HTML. */
const IS_IN = {
  html: (name) => !/\.(?:md|text)$/.test(name),
  'by-caller': (name) => !/^partials\/|\.html$/.test(name),
};
const MODULE = /^templates:(html|by-caller)$/;

/** The module's source: each template as what Handlebars.template() takes, by its path in templates/ without `.hbs`. */
function compiledTemplates(escaping) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.hbs'));
  const names = files.map((file) => file.slice(0, -'.hbs'.length).split(path.sep).join('/')).sort();
  const entries = names.filter(IS_IN[escaping]).map((name) => {
    const source = readFileSync(path.join(folder, `${name}.hbs`), 'utf8');
    const isPage = !name.includes('/') || name.startsWith('partials/');
    const spec = Handlebars.precompile(isPage ? source : prose(name, source), {
      strict: true,
      noEscape: escaping === 'by-caller',
      preventIndent: true,
    });
    return `${JSON.stringify(name)}: ${spec}`;
  });
  return `export default {${entries.join(',\n')}};`;
}

/** Prose may be broken into lines in its file; in a report it is one paragraph, or the text of one table cell. */
function prose(name, source) {
  const line = source.trim().replace(/\s*\n\s*/g, ' ');
  return /^(?:counters|what-if)\//.test(name) ? line : `${line}\n`;
}

/** For esbuild. */
export const templatesForEsbuild = {
  name: 'templates',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: MODULE }, ({ path: name }) => ({ path: name, namespace: 'templates' }));
    onLoad({ filter: /.*/, namespace: 'templates' }, ({ path: name }) => ({
      contents: compiledTemplates(MODULE.exec(name)[1]),
    }));
  },
};

/** For Vite, which runs the tests. */
export const templatesForVite = {
  name: 'templates',
  enforce: 'pre',
  resolveId: (name) => (MODULE.test(name) ? `\0${name}` : undefined),
  load: (id) => (MODULE.test(id.slice(1)) ? compiledTemplates(MODULE.exec(id.slice(1))[1]) : undefined),
};
