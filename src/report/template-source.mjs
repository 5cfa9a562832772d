// What the files of templates/ are made into before Handlebars compiles them: by the build (.config/generated.mjs), and by the program where a
// user has templates of his own. Plain JavaScript, since the build runs it as it is.

/** The pages of HTML, or of all that is not, and what they may be made of. */
const IS_IN = {
  html: (name) => !/\.(?:md|text)$/.test(name),
  plain: (name) => !/^partials\/|\.html$/.test(name),
};

export const isIn = (format, name) => IS_IN[format](name);

/** How Handlebars compiles a template of a format. */
export function compilerOptions(format, name) {
  return {
    // A finding has the numbers that the host has; what states it asks for them before it names them.
    strict: !name.startsWith('findings/'),
    // HTML is escaped by Handlebars.
    noEscape: format !== 'html',
    preventIndent: true,
  };
}

/**
 * The templates that a file holds: one, or of a finding several texts, each behind a line `--- name`, and each a template of its own:
 * `findings/table-full/why`. `raw` is what stands in the file from `line` on.
 */
export function textsOf(name, content) {
  if (!name.startsWith('findings/')) return [{ name, source: sourceOf(name, content), raw: content, line: 1 }];
  const [head = '', ...sections] = content.split(/^--- (\S+)\n/m);
  let line = 1 + linesIn(head);
  return Array.from({ length: sections.length / 2 }, (_, at) => {
    const [text = '', raw = ''] = sections.slice(2 * at, 2 * at + 2);
    const each = { name: `${name}/${text}`, source: sourceOf(`${name}/${text}`, raw), raw, line: line + 1 };
    line += 1 + linesIn(raw);
    return each;
  });
}

const linesIn = (text) => text.split('\n').length - 1;

function sourceOf(name, source) {
  const isPage = !name.includes('/') || name.startsWith('partials/');
  return isPage ? source : prose(name, source);
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
