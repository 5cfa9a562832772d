// Declarations of the library, in dist/types: what the compiler makes of src/index.ts and of the files that its types come from. The three
// that are made of schemas would need zod to be read, which the package does not depend on: their types are written out, from the JSON
// Schemas, with what these say of each field.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = path.join(root, 'dist', 'types');

const SCHEMAS = { 'analysis/schema': 'Analysis', 'timeline/schema': 'Timeline', 'fleet/schema': 'Fleet' };

function typesOf(name) {
  const schema = execFileSync(process.execPath, [path.join(root, 'dist/cli.cjs'), 'schema', name.toLowerCase()], {
    encoding: 'utf8',
  });
  const { description, ...shape } = JSON.parse(schema);
  return `/** ${description}. */\nexport type ${name} = ${typeOf(shape, '')};\n`;
}

/** @param indent  of the line that the type begins in */
function typeOf(schema, indent) {
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map((each) => typeOf(each, indent)).join(' | ');
  if (schema.type === 'array') return `Array<${typeOf(schema.items, indent)}>`;
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ type }, indent)).join(' | ');
  if (schema.type === 'integer') return 'number';
  if (['number', 'string', 'boolean'].includes(schema.type)) return schema.type;
  if (schema.type !== 'object') throw new Error(`no type for ${JSON.stringify(schema)}`);
  if (!schema.properties) {
    const keys = schema.propertyNames ? typeOf(schema.propertyNames, indent) : 'string';
    return `Record<${keys}, ${typeOf(schema.additionalProperties, indent)}>`;
  }
  const inner = `${indent}  `;
  const fields = Object.entries(schema.properties).map(([name, field]) => {
    const comment = field.description ? `${inner}/** ${field.description.replaceAll('*/', '* /')} */\n` : '';
    return `${comment}${inner}${name}${schema.required?.includes(name) ? '' : '?'}: ${typeOf(field, inner)};\n`;
  });
  return `{\n${fields.join('')}${indent}}`;
}

// Below node_modules, so that the compiler finds the declarations of Node.
const made = mkdtempSync(path.join(root, 'node_modules', '.types-'));
try {
  const config = path.join(made, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: '../../src',
    outDir: 'out',
  };
  const files = ['index.ts', 'generated.d.ts', 'bundle/unbzip2-stream.d.ts'].map((file) => `../../src/${file}`);
  writeFileSync(
    config,
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: [], exclude: [], files }),
  );
  // It complains of types without a name in files that are not needed here; check:types is what checks.
  const { error } = spawnSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', config]);
  if (error) throw error;
  rmSync(out, { recursive: true, force: true });
  const needed = new Set(['index']);
  for (const name of needed) {
    const text =
      name in SCHEMAS ? typesOf(SCHEMAS[name]) : readFileSync(path.join(made, 'out', `${name}.d.ts`), 'utf8');
    const file = path.join(out, `${name}.d.ts`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(
      file,
      text.replace(/(?<=from ')(\.[^']+)\.ts(?=')/g, (_, relative) => {
        needed.add(path.posix.join(path.posix.dirname(name), relative));
        return `${relative}.js`;
      }),
    );
  }
} finally {
  rmSync(made, { recursive: true });
}
