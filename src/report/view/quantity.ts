/** Quantities as they are written: the name of a value says its unit. */
import templates from 'templates:plain';
import type { Finding, Quantity } from '../../analysis/schema.ts';
import {
  bytes,
  bytesBoth,
  count,
  decimal,
  duration,
  list,
  percent,
  plural,
  rate,
  ratio,
  secondsExact,
} from '../format.ts';
import { Verbatim } from '../inert.ts';

/** How a number is written by what its name ends in; the first that fits. */
const UNITS: [RegExp, (value: number) => string][] = [
  [/Bytes$/, bytes],
  [/PerSecond$/, rate],
  [/[sS]econds$/, duration],
  [/[sS]hare$/, percent],
];

function plain(value: number): string {
  // So little that two decimals would make nothing of it.
  if (value > 0 && value < 0.005) return `under ${decimal(0.01, 2)}`;
  return Number.isInteger(value) ? count(value) : ratio(value);
}

/** A quantity in words; true and false stay what they are, for a template to ask for. */
function written(name: string, value: Quantity): string | boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return list(value);
  if (typeof value === 'object') return plural(value.count, value.one, value.many);
  const [, write = plain] = UNITS.find(([ending]) => ending.test(name)) ?? [];
  return write(value);
}

/** Evidence to the last digit, under the kernel's own names: timeouts in seconds, memory in bytes. */
export function exactly(name: string, value: Quantity): string {
  if (typeof value !== 'number') return String(written(name, value));
  if (/timeout|uptime/.test(name)) return secondsExact(value);
  return /^(?:Mem|Slab|SUnreclaim)|bytes|page size/i.test(name) ? bytesBoth(value) : plain(value);
}

/** Quantities as the sentences say them. */
export function valuesOf(values: Readonly<Record<string, Quantity>>): Record<string, string | boolean> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, written(name, value)]));
}

/** Texts that every finding has, besides its sentences. */
const TEXTS = ['title', 'looks', 'why', 'do'];

const isText = (name: string) => Object.hasOwn(templates, name);

/** The template of one of a finding's texts; of one that only a newer version knows, whose analysis was read, what is said of all such. */
export function textOf({ id }: Pick<Finding, 'id'>, text: string): Verbatim {
  const name = `findings/${id}/${text}`;
  return new Verbatim(isText(name) ? name : `findings/other/${TEXTS.includes(text) ? text : 'says'}`);
}

/** What the sentence of a finding is given. */
export function saidOf({ id, says, statement, values }: Finding): Record<string, string | boolean | undefined> {
  return isText(`findings/${id}/${says}`) ? valuesOf(values) : { id, statement };
}
