// What the templates are given, for people who write some of their own: from the types of the view models, with what these say of a field.
// `npm run view:make` writes it to templates/VIEW.md; a test compares.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { API } from 'typescript/unstable/sync';

const root = fileURLToPath(new URL('..', import.meta.url));
const CALL = 0; // SignatureKind.Call

/** The functions that make a view, and for what. */
const VIEWS = [
  [
    'presentation.ts',
    'presented',
    'Every page',
    'What `--title`, `--case`, `--author`, `--logo` and `--sections` gave, and how the report was made.',
  ],
  [
    'view/report.ts',
    'reportView',
    'The report',
    '`report.html.hbs`, `report.md.hbs`, and in HTML every partial; `report.text.hbs` and `brief.text.hbs` the fields up to `findings`.',
  ],
  ['view/timeline.ts', 'timelineView', 'The comparison', '`compare.html.hbs`, `compare.md.hbs`, `compare.text.hbs`.'],
  ['view/fleet.ts', 'fleetView', 'The index of a fleet', '`fleet.html.hbs`, `fleet.text.hbs`.'],
];

const HEAD = `# What the templates are given

Made by \`npm run view:make\` from the types of the view models in \`src/report/view\`; a test compares.

\`text\` is finished: formatted, in the language and zone that were asked for. \`flag\` is true or false, for \`{{#if}}\`. \`markup\` is a chart, commands, or the
name of a template that belongs there: \`{{{svg}}}\`, \`{{code}}\`, \`{{> (lookup this 'template') values}}\`. \`[]\` is a list, for \`{{#each}}\`; \`?\` may be absent;
\`*\` stands for names that depend on the host. Pages in HTML are also given \`style\`, \`styleHash\`, and the report \`unfolded\`, a flag: every finding is open.
`;

/** The whole text. */
export function viewModel() {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProject: path.join(root, 'tsconfig.json') }).getProjects();
    const { checker } = project;
    const parts = VIEWS.map(([file, name, title, what]) => {
      const source = path.join(root, 'src/report', file);
      const at = readFileSync(source, 'utf8').indexOf(`function ${name}`) + 'function '.length;
      const [call] = checker.getSignaturesOfType(
        checker.getTypeOfSymbol(checker.getSymbolAtPosition(source, at)),
        CALL,
      );
      const lines = fieldsOf(checker, [checker.getReturnTypeOfSignature(call)], '');
      const width = Math.max(...lines.map(([field]) => field.length));
      const rows = lines.map(
        ([field, type, note]) => `${`${field.padEnd(width)}  ${type}`.trimEnd()}${note && `  – ${note}`}`,
      );
      return `## ${title}\n\n${what}\n\n\`\`\`\n${rows.map((row) => row.trimEnd()).join('\n')}\n\`\`\`\n`;
    });
    return [HEAD, ...parts].join('\n');
  } finally {
    api.close();
  }
}

/** A line for each field: name, type, and what is said of it. Of a union, a field is there that one of its types has. */
function fieldsOf(checker, types, indent) {
  const fields = new Map();
  for (const type of types)
    for (const symbol of checker.getPropertiesOfType(type))
      fields.set(symbol.name, [...(fields.get(symbol.name) ?? []), symbol]);
  const lines = [...fields].flatMap(([name, symbols]) => {
    const all = symbols.flatMap((symbol) => partsOf(checker, checker.getTypeOfSymbol(symbol)));
    const there = all.filter((type) => !isNothing(checker, type));
    if (there.length === 0) return [];
    const { word, list, inner } = kindOf(checker, there);
    const isOptional = there.length < all.length || symbols.length < types.length;
    const note = symbols.map((symbol) => checker.getDocumentationCommentOfSymbol(symbol)).find(Boolean) ?? '';
    const field = `${indent}${name}${list ? '[]' : ''}${isOptional ? '?' : ''}`;
    return [
      [field, word, note.replace(/\s+/g, ' ')],
      ...(inner.length > 0 ? fieldsOf(checker, inner, `${indent}  `) : []),
    ];
  });
  const names = types.flatMap((type) => checker.getIndexInfosOfType(type)).map(({ valueType }) => valueType);
  if (names.length === 0 || lines.length > 0) return lines;
  const { word, inner } = kindOf(
    checker,
    names.flatMap((type) => partsOf(checker, type)),
  );
  return [[`${indent}*`, word, ''], ...(inner.length > 0 ? fieldsOf(checker, inner, `${indent}  `) : [])];
}

function partsOf(checker, type) {
  const text = checker.typeToString(type);
  return type.isUnionType() && text !== 'boolean' ? type.getTypes() : [type];
}

function isNothing(checker, type) {
  return /^(?:undefined|null|never|"")$/.test(checker.typeToString(type));
}

/** What a template can do with a value, and the types of the fields in it. */
function kindOf(checker, types) {
  const texts = types.map((type) => checker.typeToString(type));
  const lists = types.filter((type) => checker.isArrayType(type) || checker.isTupleType(type));
  if (lists.length > 0) {
    const elements = lists.flatMap((type) => checker.getTypeArguments(type)).flatMap((type) => partsOf(checker, type));
    return {
      ...kindOf(
        checker,
        elements.filter((type) => !isNothing(checker, type)),
      ),
      list: true,
    };
  }
  const words = new Set();
  const inner = [];
  types.forEach((type, at) => {
    const text = texts[at];
    if (text === 'Verbatim') words.add('markup');
    else if (/^(?:boolean|true|false)$/.test(text)) words.add('flag');
    else if (/^"/.test(text)) words.add(text.slice(1, -1));
    else if (/^(?:string|number|`)/.test(text) || type.isLiteralType()) words.add('text');
    else inner.push(type);
  });
  const literals = [...words].filter((word) => !['markup', 'flag', 'text'].includes(word));
  if (words.has('text') || literals.length > 7 || literals.some((word) => /\s/.test(word))) {
    for (const word of literals) words.delete(word);
    words.add('text');
  }
  return { word: [...words].sort().join(' | '), list: false, inner };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(path.join(root, 'templates/VIEW.md'), viewModel());
