/** Puts in place of paths of our own bundle, which rules know, where in an archive of another layout their content is. */
import type { Origin } from '../snapshot/types.ts';

/** Lists of paths, by the name of the field. */
const LISTS = new Set(['files', 'captured']);

/** The same plain data: every `file` with its `line`, every `…File`, and every list of files, as they are in the archive. */
export function located<T>(data: T, origins: Readonly<Record<string, Origin>>): T {
  const originOf = (path: unknown) =>
    typeof path === 'string' && Object.hasOwn(origins, path) ? origins[path] : undefined;
  const walk = (value: unknown, name?: string): unknown => {
    if (Array.isArray(value)) {
      return value.map((item) =>
        name !== undefined && LISTS.has(name) ? (originOf(item)?.file ?? walk(item)) : walk(item),
      );
    }
    if (name?.endsWith('File')) return originOf(value)?.file ?? value;
    if (typeof value !== 'object' || value === null) return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, field]) => [key, walk(field, key)]));
    const origin = originOf(copy.file);
    if (origin === undefined) return copy;
    const line = typeof copy.line === 'number' ? copy.line : origin.linesBefore > 0 ? 1 : undefined;
    return { ...copy, file: origin.file, ...(line !== undefined && { line: origin.linesBefore + line }) };
  };
  return Object.keys(origins).length === 0 ? data : (walk(data) as T);
}
