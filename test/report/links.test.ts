/** Where a page leads: from a number to its source and its finding, from a term to what it means. */
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import type { Analysis } from '../../src/analysis/schema.ts';
import { packageRoot } from '../../src/package.ts';
import { renderHtml } from '../../src/report/html.ts';
import { inert, mapStrings } from '../../src/report/inert.ts';
import { linked } from '../../src/report/links.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { TERMS } from '../../src/report/view/glossary.ts';
import { sourceOf } from '../../src/report/view/sources.ts';
import { analysisOf } from '../one-analysis.ts';
import { ALL, full, huge } from './analyses.ts';

const bodyOf = (html: string) => html.slice(html.indexOf('<body>'));
const plain = (html: string) =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&#x([0-9A-F]+);/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');

/** Every place that something in an analysis was read from. */
function placesIn(value: unknown): { file: string; line?: number }[] {
  if (Array.isArray(value)) return value.flatMap(placesIn);
  if (value === null || typeof value !== 'object') return [];
  const own = 'file' in value && typeof value.file === 'string' ? [value as { file: string; line?: number }] : [];
  return [...own, ...Object.values(value).flatMap(placesIn)];
}

/** Without what has no number: commands to write, and the settings, which have a table of names and folders. */
function factsOf({ recommendation, settings: _, ...others }: Analysis) {
  return placesIn({ ...others, demand: recommendation.demand });
}

function unsaid(analysis: Analysis, body: string): string[] {
  const said = plain(body);
  return factsOf(mapStrings(analysis, inert, inert))
    .map(sourceOf)
    .filter((source) => !said.includes(source));
}

test.each(['full-with-drops', 'linux-2.4'])('the report of %s says of every fact where it was read', async (name) => {
  const analysis = await analysisOf(path.join(packageRoot, 'samples', `${name}.tar.gz`));
  expect(unsaid(analysis, bodyOf(renderHtml(analysis)))).toEqual([]);
});

describe.each(Object.entries(ALL))('%s', (_, make) => {
  const body = bodyOf(renderHtml(make()));
  const ids = [...body.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);

  it('has no link that leads nowhere, and no place twice', () => {
    const links = [...body.matchAll(/<a [^>]*href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says of every fact where it was read', () => expect(unsaid(make(), body)).toEqual([]));

  it('links a term once, in front of the list that explains it', () => {
    const terms = [...body.matchAll(/<a class="term" href="#term-([^"]+)">/g)].map(([, id]) => id);
    expect(new Set(terms).size).toBe(terms.length);
    expect(body.lastIndexOf('class="term"')).toBeLessThan(body.indexOf('id="glossary"'));
    for (const { id, name } of TERMS)
      expect(body).toMatch(new RegExp(`<div id="term-${id}"><dt>${name}</dt><dd>[A-Z].+\\.`));
  });
});

describe('a report', () => {
  const body = bodyOf(renderHtml(full()));
  const rows = new Map(
    [...body.matchAll(/<tr id="(fact-\d+)"><th scope="row">(.*?)<\/th>.*?<td class="paths">(.*?)<\/td><\/tr>/g)].map(
      ([, id = '', what = '', source = '']) => [id, `${what}: ${plain(source)}`],
    ),
  );

  it('leads from each key figure to its source and to a finding that rests on it', () => {
    const figures = body.slice(body.indexOf('class="figures"'), body.indexOf('id="gauge-title"'));
    const targets = [...figures.matchAll(/href="#(fact-\d+)">([^<]+)</g)].map(([, id = '']) => rows.get(id));
    expect(targets).toContain('Entries: proc/sys/net/netfilter/nf_conntrack_count');
    expect(targets).toContain('RAM (MemTotal): proc/meminfo, line 1');
    expect(targets).not.toContain(undefined);
    expect(figures).toMatch(/Entries(?:(?!class="figure")[\s\S])*href="#finding-table-full"/);
    expect(body).toMatch(/<div class="body" id="finding-table-full">/);
  });

  it('leads from a source in the text to the fact', () => {
    const [, id = ''] = /<a href="#(fact-\d+)">proc\/slabinfo, line 37<\/a>/.exec(body) ?? [];
    expect(rows.get(id)).toBe('Cache nf_conntrack: proc/slabinfo, line 37');
  });

  it('leads from where a term is first used to what it means, but not from headings, code and charts', () => {
    expect(body).toMatch(
      /class="sentence">The table is full: it holds [^<]* <a class="term" href="#term-entry">entries<\/a>/,
    );
    expect(body).not.toMatch(/<(?:h[1-3]|code|pre|text)\b[^>]*>[^<]*<a class="term"/);
  });

  it('has the terms in Markdown too', () => {
    expect(renderMarkdown(huge())).toMatch(/## Terms\n\n- \*\*Entry\*\*: What the kernel remembers/);
  });
});

test('only whole words outside of paths and entities become links', () => {
  const page = (text: string) => `<body><p>${text}</p><section id="glossary"></section>`;
  expect(linked(page('x-entry /entry #entry &entry; entry/x 1 &lt;entry&gt; entry'))).toBe(
    page('x-entry /entry #entry &entry; entry/x 1 &lt;<a class="term" href="#term-entry">entry</a>&gt; entry'),
  );
  expect(linked('<body>entry')).toBe('<body>entry');
  expect(linked(page('<a href="#fact-1">here</a> <b id="fact-2"></b><a href="#fact-2">there</a>'))).toBe(
    page('here <b id="fact-2"></b><a href="#fact-2">there</a>'),
  );
});

test('a tag that a template leaves open ends neither the page nor the search for its end', () => {
  const page = '<body><p>no entry</p><p>1 < 2 <section id="glossary"></section></body>';
  expect(linked(page)).toBe(page.replace('entry', '<a class="term" href="#term-entry">entry</a>'));
});
