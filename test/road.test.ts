/** The road that README.md draws: what a part of the program needs to run never leads back to it. Types may be told in both directions. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../src/package.ts';

const IMPORT = /^(?:import|export)\s(?!type\s)[^;]*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm;

/** A folder of src, or a file beside them. */
const partOf = (file: string) => file.split(path.sep)[0] ?? '';

function needs(): Map<string, Set<string>> {
  const src = path.join(packageRoot, 'src');
  const parts = new Map<string, Set<string>>();
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.includes('wasm')) continue;
    const needed = parts.get(partOf(file)) ?? new Set();
    parts.set(partOf(file), needed);
    for (const [, from = '', later = from] of readFileSync(path.join(src, file), 'utf8').matchAll(IMPORT)) {
      const target = partOf(path.join(path.dirname(file), later));
      if (target !== partOf(file)) needed.add(target);
    }
  }
  return parts;
}

test('imports point along it', () => {
  const parts = needs();
  expect(parts.get('commands')).toContain('fleet');
  const loops: string[] = [];
  const follow = (part: string, on: readonly string[]): void => {
    if (on.includes(part)) loops.push([...on, part].join(' > '));
    else for (const next of parts.get(part) ?? []) follow(next, [...on, part]);
  };
  for (const part of parts.keys()) follow(part, []);
  expect(loops).toEqual([]);
});

test('only the command line knows of commands', () => {
  const knowing = [...needs()].filter(([, needed]) => needed.has('commands')).map(([part]) => part);
  expect(knowing).toEqual(['cli.ts', 'cli']);
});
