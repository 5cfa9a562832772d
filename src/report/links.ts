/** Links within a page: from a term where it is first used to what it means, and from a source to the fact that was read there. */
import { TERMS } from './view/glossary.ts';

/** Elements in which no word becomes a link: headings, what is shown letter by letter, charts, and what is one already. */
const CLOSED = /^(?:a|code|pre|h1|h2|h3|svg|header|summary|thead|dt)$/;

/** Elements that have no end. */
const EMPTY = /^(?:br|wbr|img|meta|link|rect|path|line|circle)$/;

interface Open {
  tag: string;
  isSource: boolean;
  isClosed: boolean;
}

/** Rows of the appendix by the source that they state, as it is written in HTML; the first of each. */
function factsIn(body: string): Map<string, string> {
  const rows = [...body.matchAll(/<tr id="(fact-\d+)">.*<td class="paths">([^<]*)<\/td><\/tr>/g)];
  return new Map(rows.toReversed().map(([, id = '', source = '']) => [source, id]));
}

function termLinks() {
  let left = TERMS.filter(({ words }) => words !== '');
  let words: RegExp | undefined;
  const renew = () => {
    const all = left.map(({ words }) => `(${words})`).join('|');
    words = left.length === 0 ? undefined : new RegExp(`(?<![\\w&#/.-])(?:${all})(?![\\w/-])`);
  };
  renew();
  return (text: string): string => {
    let [done, rest] = ['', text];
    for (let found = words?.exec(rest); found; found = words?.exec(rest)) {
      const [word, ...groups] = found;
      const term = left[groups.findIndex((group) => group !== undefined)];
      done += `${rest.slice(0, found.index)}<a class="term" href="#term-${term?.id}">${word}</a>`;
      rest = rest.slice(found.index + word.length);
      left = left.filter((each) => each !== term);
      renew();
    }
    return done + rest;
  };
}

/**
 * Adds the links to a rendered page. Only text between tags is changed, and what a captured string says cannot decide where a link goes.
 */
export function linked(page: string): string {
  const [start, end] = [page.indexOf('<body>'), page.indexOf('<section id="glossary">')];
  if (start === -1 || end === -1) return withoutDeadLinks(page);
  const body = page.slice(start, end);
  const facts = factsIn(body);
  const withTerms = termLinks();
  const withFacts = (text: string) =>
    text
      .split('; ')
      .map((source) => (facts.has(source) ? `<a href="#${facts.get(source)}">${source}</a>` : source))
      .join('; ');
  const open: Open[] = [];
  const parts = body.split(/(<[^>]*>)/).map((part) => {
    const [, slash, tag = ''] = /^<(\/?)([a-z][a-z0-9]*)/i.exec(part) ?? [];
    if (tag !== '') {
      if (slash) open.splice(open.findLastIndex((each) => each.tag === tag));
      else if (!EMPTY.test(tag) && !part.endsWith('/>'))
        open.push({ tag, isSource: /class="source"/.test(part), isClosed: CLOSED.test(tag) });
      return part;
    }
    if (open.some(({ tag }) => tag === 'a')) return part;
    if (open.some(({ isSource }) => isSource)) return withFacts(part);
    return open.some(({ isClosed }) => isClosed) ? part : withTerms(part);
  });
  return withoutDeadLinks(page.slice(0, start) + parts.join('') + page.slice(end));
}

/** A part that a link leads to can have been left out: then it is text. */
function withoutDeadLinks(page: string): string {
  const ids = new Set([...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));
  return page.replace(/<a href="#([^"]+)">([^<]*)<\/a>/g, (link, id: string, text: string) =>
    ids.has(id) ? link : text,
  );
}
