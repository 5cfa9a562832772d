/**
 * A bundle is untrusted: its strings may hold terminal escapes, bidirectional overrides and megabytes of text. What they
 * would do is taken from them here, before anything else of the report sees them; what they say stays readable.
 */

/** Long enough for any path or message; what is longer is not meant to be read. */
const LONGEST = 400;

/** C0, DEL and C1 controls, and the invisible characters that reorder, join or hide text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const ACTIVE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** Nearly every text is. */
const PLAIN = /^[ -~]*$/;

function spelled(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Text without active characters: white space becomes a blank, the others are spelled out (`\x1b`). */
export function inert(text: string): string {
  if (text.length <= LONGEST && PLAIN.test(text)) return text;
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return cut
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\t\n\v\f\r]+/g, ' ')
    .replace(ACTIVE, spelled);
}

/** Text of several lines, of any length, without active characters: for a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd').replace(ACTIVE, (c) => (c === '\n' ? c : spelled(c)));
}

/** JSON text in which active characters outside ASCII are escaped as well; it parses to the same value. */
export function inertJson(json: string): string {
  return json.replace(ACTIVE, (c) => (c === '\n' ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

/** Text that is shown letter by letter in a code block: no escaping but the one of the block itself. */
export class Verbatim {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/**
 * The same plain data with every string replaced, and if asked every key; {@link Verbatim} text stays. What nothing changes in is not
 * copied: that is nearly all of a fleet.
 */
export function mapStrings<T>(data: T, replace: (text: string) => string, replaceKey = (key: string) => key): T {
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return replace(value);
    if (value instanceof Verbatim) return value;
    if (Array.isArray(value)) {
      const walked = value.map(walk);
      return walked.some((inner, at) => inner !== value[at]) ? walked : value;
    }
    if (value === null || typeof value !== 'object') return value;
    const after: [string, unknown][] = [];
    let isSame = true;
    // A closure that calls itself would be compiled for longer than it runs.
    for (const [key, before] of Object.entries(value)) {
      const newKey = replaceKey(key);
      const inner = walk(before);
      isSame &&= newKey === key && inner === before;
      after.push([newKey, inner]);
    }
    return isSame ? value : Object.fromEntries(after);
  };
  return walk(data) as T;
}
