/** Links within a page: from a term where it is first used to what it means, and from a source to the fact that was read there. */
import { TERMS } from './view/glossary.ts';

/** Elements in which no word becomes a link: headings, what is shown letter by letter, charts, and what is one already. */
const CLOSED = /^(?:a|code|pre|h1|h2|h3|svg|header|summary|thead|dt)$/;

/** Elements that have no end. */
const EMPTY = /^(?:br|wbr|img|meta|link|rect|path|line|circle)$/;

/** What stands around a text: which elements are open, the innermost last, and whether any so far says what becomes of the text. */
interface Open {
  tag: string;
  isLink: boolean;
  isSource: boolean;
  isClosed: boolean;
}

const OUTSIDE: Open = { tag: '', isLink: false, isSource: false, isClosed: false };

/** Rows of the appendix by the source that they state, as it is written in HTML; the first of each. */
function factsIn(body: string): Map<string, string> {
  const rows = [...body.matchAll(/<tr id="(fact-\d+)">.*<td class="paths">([^<]*)<\/td><\/tr>/g)];
  return new Map(rows.toReversed().map(([, id = '', source = '']) => [source, id]));
}

/** Terms that have words to be found by, and all of these. */
const FOUND = TERMS.filter(({ words }) => words !== '');
const WORDS = new RegExp(`(?<![\\w&#/.-])(?:${FOUND.map(({ words }) => `(${words})`).join('|')})(?![\\w/-])`, 'g');

/** Makes a link of each term where it is met first. */
function termLinks() {
  const met = new Set<number>();
  return (text: string): string => {
    if (met.size === FOUND.length) return text;
    return text.replace(WORDS, (word, ...groups) => {
      const at = groups.findIndex((group) => group !== undefined);
      if (met.has(at)) return word;
      met.add(at);
      return `<a class="term" href="#term-${FOUND[at]?.id}">${word}</a>`;
    });
  };
}

/**
 * Adds the links to a rendered page. Only text between tags is changed, and what a captured string says cannot decide where a link goes.
 */
export function linked(page: string): string {
  const [start, end] = [page.indexOf('<body>'), page.indexOf('<section id="glossary">')];
  const [head, body] = [page.slice(0, Math.max(0, start)), page.slice(Math.max(0, start))];
  if (start === -1 || end === -1) return head + withoutDeadLinks(body);
  return head + withoutDeadLinks(withLinks(page.slice(start, end)) + page.slice(end));
}

function withLinks(body: string): string {
  const facts = factsIn(body);
  const withTerms = termLinks();
  const withFacts = (text: string) =>
    text
      .split('; ')
      .map((source) => (facts.has(source) ? `<a href="#${facts.get(source)}">${source}</a>` : source))
      .join('; ');
  const open: Open[] = [];
  let done = '';
  for (let at = 0; at < body.length; ) {
    const tagAt = body.indexOf('<', at);
    const tagEnd = tagAt === -1 ? -1 : body.indexOf('>', tagAt);
    // A template of the user may leave a tag open: it is text.
    const text = tagEnd === -1 ? body.slice(at) : body.slice(at, tagAt);
    const { isLink, isSource, isClosed } = open.at(-1) ?? OUTSIDE;
    if (isLink || text.trim() === '') done += text;
    else if (isSource) done += withFacts(text);
    else done += isClosed ? text : withTerms(text);
    if (tagEnd === -1) break;
    at = tagEnd + 1;
    const tag = body.slice(tagAt, at);
    done += tag;
    nest(open, tag);
  }
  return done;
}

/** Takes note of an element that begins or ends. */
function nest(open: Open[], part: string): void {
  const [, slash, tag = ''] = /^<(\/?)([a-z][a-z0-9]*)/i.exec(part) ?? [];
  if (tag === '') return;
  if (slash) open.splice(open.findLastIndex((each) => each.tag === tag));
  else if (!EMPTY.test(tag) && !part.endsWith('/>')) {
    const around = open.at(-1) ?? OUTSIDE;
    open.push({
      tag,
      isLink: around.isLink || tag === 'a',
      isSource: around.isSource || part.includes('class="source"'),
      isClosed: around.isClosed || CLOSED.test(tag),
    });
  }
}

/** A part that a link leads to can have been left out: then it is text. */
function withoutDeadLinks(body: string): string {
  const ids = new Set([...body.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));
  return body.replace(/<a href="#([^"]+)">([^<]*)<\/a>/g, (link, id: string, text: string) =>
    ids.has(id) ? link : text,
  );
}
