/** What of the table was not read, as the first page and the pages on its contents say it. */
import type { Analysis } from '../../analysis/schema.ts';
import { count } from '../format.ts';
import { sourceOf } from './sources.ts';

/** What the texts are given on a table that is not whole, or not of both families. */
export function partView({ table }: Analysis) {
  if (!table) return { tail: undefined, missingFamily: undefined };
  const { cut, part, whole, families, toolVersion } = table;
  const isOfNoFamily = table.files.some((file) => /commands\/conntrack-L$/.test(file));
  const missing = families.length === 1 ? (families[0] === 'ipv4' ? 'IPv6' : 'IPv4') : undefined;
  return {
    tail:
      part === 'tail'
        ? {
            rows: count(table.entries),
            whole: whole && count(whole.value),
            source: whole ? sourceOf(whole) : '',
            why: cut,
          }
        : undefined,
    missingFamily: missing && {
      family: missing,
      // Had this version listed both families, both would be covered.
      version: missing === 'IPv6' && isOfNoFamily ? toolVersion : undefined,
      isVersionUnknown: missing === 'IPv6' && isOfNoFamily && toolVersion === undefined,
    },
  };
}
