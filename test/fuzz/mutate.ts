/** Texts and bytes that are nearly those that were captured. */
import type { Random } from './random.ts';

/** Numbers at which something ends: of 32 and 64 bits, of what a Number holds exactly, of what it holds. */
const EDGES = [
  '0',
  '-0',
  '1',
  '-1',
  '2147483647',
  '2147483648',
  '-2147483648',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '9223372036854775807',
  '18446744073709551615',
  '18446744073709551616',
  '1e309',
  '-1e309',
  '0x7fffffff',
  '00000000000000000017',
  '0.1',
  '.5',
  '1e-400',
  '9'.repeat(40),
  '9'.repeat(400),
];

/** What means something to a parser, an escape or a terminal, wherever it stands. */
const WORDS = [
  '',
  ' ',
  '\t',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\u001b[31m',
  '\u001b]8;;http://a.example\u0007',
  '\u009b31m',
  '\ufeff',
  '\u202e',
  '\u2028',
  '\ud800',
  '\ufffd',
  '\u00a0',
  '"',
  "'",
  '`',
  '|',
  '<b>',
  '</style>',
  '&amp;',
  '{{x}}',
  '$&',
  '\\',
  '=',
  ':',
  ' : ',
  ',',
  ';',
  '#',
  '/',
  '..',
  '[',
  ']',
  '-',
  '%',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'nf_conntrack',
  'ip_conntrack',
  'table full, dropping packet',
  '[UNREPLIED]',
  '[ASSURED]',
  'src=',
  'dst=::',
  'kB',
  'Permission denied',
  'x'.repeat(500),
];

/** Texts of the same kind, from which pieces are taken over. */
export type Corpus = readonly string[];

const WORD = /[A-Za-z0-9_.+-]/;

/** The word around a place, or the mark that is there. */
function tokenAt(text: string, at: number): [from: number, to: number] {
  if (!WORD.test(text[at] ?? '')) return [at, at + 1];
  let [from, to] = [at, at + 1];
  while (from > 0 && at - from < 64 && WORD.test(text[from - 1] ?? '')) from--;
  while (to < text.length && to - at < 64 && WORD.test(text[to] ?? '')) to++;
  return [from, to];
}

/** The whole line around a place, with its end. */
function lineAt(text: string, at: number): [from: number, to: number] {
  const end = text.indexOf('\n', at);
  return [text.lastIndexOf('\n', at - 1) + 1, end < 0 ? text.length : end + 1];
}

/** The number at or behind a place. */
function numberAt(text: string, at: number): [from: number, to: number] | undefined {
  const found = /\d+/.exec(text.slice(at, at + 400));
  return found ? [at + found.index, at + found.index + found[0].length] : undefined;
}

type Mutation = (random: Random, text: string, corpus: Corpus) => string;

const put = (text: string, [from, to]: readonly [number, number], by: string) =>
  text.slice(0, from) + by + text.slice(to);

const place = (random: Random, text: string) => random.below(text.length + 1);

const someToken = (random: Random, text: string) => text.slice(...tokenAt(text, place(random, text)));

const someLine = (random: Random, text: string) => text.slice(...lineAt(text, place(random, text)));

const toEdge: Mutation = (random, text) => {
  const found = numberAt(text, place(random, text));
  return found ? put(text, found, random.of(EDGES)) : text;
};

const nudged: Mutation = (random, text) => {
  const found = numberAt(text, place(random, text));
  if (!found) return text;
  const number = Number(text.slice(...found));
  return put(
    text,
    found,
    String(random.of([number + 1, number - 1, 2 * number, number * 1000, Math.floor(number / 2)])),
  );
};

const MUTATIONS: readonly Mutation[] = [
  toEdge,
  toEdge,
  toEdge,
  nudged,
  // Tokens: another one in its place, twice, or gone.
  (random, text) => put(text, tokenAt(text, place(random, text)), someToken(random, text)),
  (random, text, corpus) => put(text, tokenAt(text, place(random, text)), someToken(random, random.of(corpus))),
  (random, text) => {
    const token = tokenAt(text, place(random, text));
    return put(text, token, `${text.slice(...token)} `.repeat(2 + random.few()));
  },
  (random, text) => put(text, tokenAt(text, place(random, text)), ''),
  (random, text) => put(text, tokenAt(text, place(random, text)), random.of(WORDS)),
  (random, text) => {
    const at = place(random, text);
    return put(text, [at, at], random.of(WORDS));
  },
  // Lines: gone, again, from elsewhere, exchanged, cut.
  (random, text) => put(text, lineAt(text, place(random, text)), ''),
  (random, text) => {
    const line = lineAt(text, place(random, text));
    return put(text, line, text.slice(...line).repeat(random.oneIn(20) ? 300 : 2 + random.few()));
  },
  (random, text, corpus) => {
    const [at] = lineAt(text, place(random, text));
    return put(text, [at, at], someLine(random, random.of(corpus)));
  },
  (random, text, corpus) => put(text, lineAt(text, place(random, text)), someLine(random, random.of(corpus))),
  (random, text) => {
    const [at] = lineAt(text, place(random, text));
    return text.slice(at) + text.slice(0, at);
  },
  (random, text) => {
    const [from, to] = lineAt(text, place(random, text));
    return put(text, [from + random.below(to - from + 1), to], random.oneIn(2) ? '\n' : '');
  },
  (random, text) => text.slice(0, place(random, text)),
  (random, text) => text.slice(place(random, text)),
  (random, text, corpus) => {
    const other = random.of(corpus);
    return text.slice(0, place(random, text)) + other.slice(place(random, other));
  },
  (random, text) => {
    const at = place(random, text);
    return put(text, [at, at + 1], String.fromCharCode(random.below(256)));
  },
  // The whole text in other line ends, other encodings, or without blanks.
  (random, text) =>
    random.of<(text: string) => string>([
      (all) => all.replaceAll('\n', '\r\n'),
      (all) => all.replaceAll('\n', '\r'),
      (all) => all.replaceAll('\n', '\0'),
      (all) => all.replaceAll('\n', ' '),
      (all) => `\ufeff${all}`,
      (all) => Buffer.from(all, 'utf16le').toString('latin1'),
      (all) => all.replaceAll(/ +/g, '\t'),
      (all) => all.toUpperCase(),
      (all) => all.trimEnd(),
      (all) => `  ${all.replaceAll('\n', '\n  ')}`,
    ])(text),
];

/** A text of the corpus, or a stretch of a long one with its first lines, changed in a few places. */
export function mutatedText(random: Random, corpus: Corpus, longest = 4096): string {
  let text = random.of(corpus);
  if (text.length > longest && !random.oneIn(50)) {
    const head = text
      .split('\n', 2)
      .map((line) => `${line}\n`)
      .join('');
    const [from] = lineAt(text, random.below(text.length - longest / 2));
    text = head + text.slice(from, from + 256 + random.below(longest));
  }
  for (let n = random.oneIn(40) ? 0 : 1 + random.few(); n > 0; n--) text = random.of(MUTATIONS)(random, text, corpus);
  return text.slice(0, 1 << 20);
}

/** Bytes with some of them changed, removed, repeated or taken from elsewhere. */
export function mutatedBytes(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  let made = bytes;
  for (let n = 1 + random.few(); n > 0; n--) {
    const [at, other] = [random.below(made.length + 1), random.below(made.length + 1)];
    const [from, to] = [Math.min(at, other), Math.max(at, other)];
    const near = Math.min(made.length, at + 1 + random.below(16));
    switch (random.below(8)) {
      case 0:
      case 1: {
        made = Buffer.from(made);
        if (at < made.length) made[at] = random.oneIn(2) ? (made[at] ?? 0) ^ (1 << random.below(8)) : random.below(256);
        break;
      }
      case 2:
        made = made.subarray(0, at);
        break;
      case 3:
        made = Buffer.concat([made.subarray(0, from), made.subarray(to)]);
        break;
      case 4:
        made = Buffer.concat([made.subarray(0, to), made.subarray(from)]);
        break;
      case 5: {
        const donor = random.of(others);
        made = Buffer.concat([made.subarray(0, at), donor.subarray(random.below(donor.length + 1))]);
        break;
      }
      case 6:
        made = Buffer.from(made).fill(random.of([0, 0xff, 0x20, 0x30]), at, near);
        break;
      default:
        made = Buffer.concat([made, Buffer.alloc(random.of([1, 511, 512, 1024]), random.of([0, 0x20, 0xff]))]);
    }
  }
  return made.subarray(0, 4 << 20);
}

/** A value that JSON can spell. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Where a value is: in what, and under which key. */
type Slot = { of: Json[] | { [key: string]: Json }; key: string };

function slotsOf(value: Json, slots: Slot[] = []): Slot[] {
  if (typeof value !== 'object' || value === null) return slots;
  for (const [key, inner] of Object.entries(value)) {
    slots.push({ of: value, key });
    slotsOf(inner, slots);
  }
  return slots;
}

const at = ({ of, key }: Slot) => (of as { [key: string]: Json })[key] as Json;
const copy = (value: Json): Json => JSON.parse(JSON.stringify(value));

function setAt({ of, key }: Slot, value: Json): void {
  Object.defineProperty(of, key, { value, writable: true, enumerable: true, configurable: true });
}

function removed({ of, key }: Slot): void {
  if (Array.isArray(of)) of.splice(Number(key), 1);
  else delete of[key];
}

/** Numbers that JSON can spell. */
const NUMBERS = [...EDGES.map(Number).filter(Number.isFinite), 1e15, 5e-324, 1.7976931348623157e308, 2.5];

const TIMES = [
  '2026-11-22T14:03:05Z',
  '2026-11-22T14:03:05.5+13:00',
  '1970-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '+275760-09-13T00:00:00.000Z',
  '2026-02-30T00:00:00Z',
  'yesterday',
];

function otherValue(random: Random, value: Json): Json {
  if (typeof value === 'number') return random.of([...NUMBERS, value + 1, value - 1, 2 * value, value / 3]);
  if (typeof value === 'string') return random.of(/^\d{4}-/.test(value) ? TIMES : [...WORDS, `${value}${value}`]);
  if (typeof value === 'boolean') return !value;
  return random.of<Json>([null, 0, '', [], {}]);
}

/** A document changed in a few of its values, each of which mostly stays of its kind; `donors` are documents of the same form. */
export function mutatedJson(random: Random, document: Json, donors: readonly Json[]): Json {
  const made = copy(document);
  for (let n = random.oneIn(10) ? 0 : 1 + random.few() + random.few(); n > 0; n--) {
    const slots = slotsOf(made);
    if (slots.length === 0) break;
    const slot = random.of(slots);
    switch (random.below(9)) {
      case 0:
      case 1:
      case 2:
        setAt(slot, otherValue(random, at(slot)));
        break;
      case 3:
      case 4:
        removed(slot);
        break;
      // What another document has there, or anywhere under that key.
      case 5:
      case 6: {
        const same = slotsOf(random.of(donors)).filter(({ key }) => key === slot.key);
        if (same.length > 0) setAt(slot, copy(at(random.of(same))));
        break;
      }
      case 7:
        if (Array.isArray(slot.of)) {
          const again = Array.from({ length: random.oneIn(20) ? 300 : 1 + random.few() }, () => copy(at(slot)));
          slot.of.splice(random.below(slot.of.length + 1), 0, ...again);
        } else setAt({ of: slot.of, key: random.of(['x', '__proto__', slot.key.toUpperCase()]) }, copy(at(slot)));
        break;
      default:
        if (Array.isArray(slot.of)) slot.of.reverse();
        else setAt(slot, copy(at(random.of(slots))));
    }
  }
  return made;
}
