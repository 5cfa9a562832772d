/** Templates of a user: what they can do, and what is said of those that are wrong. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { renderHtml } from '../../src/report/html.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { readOverrides, TemplateError } from '../../src/report/overrides.ts';
import { renderText } from '../../src/report/text.ts';
import { full, hostile } from './analyses.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-templates-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(scratch, 't-'));
});

function write(name: string, content: string): void {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}

/** A folder with one template in it. */
function templates(name: string, content: string) {
  write(name, content);
  return readOverrides(folder).overrides;
}

describe('a template', () => {
  test('takes the place of the one of its name, and leaves the others', () => {
    const own = { templates: templates('partials/made.hbs', '<p class="own">{{hostname}} {{> prose/made}}</p>') };
    const html = renderHtml(full(), own);
    expect(html).toContain(`<p class="own">${full().host.hostname?.value} The same program`);
    const without = renderHtml(full());
    expect(html.slice(0, html.indexOf('<p class="own">'))).toBe(
      without.slice(0, without.indexOf('<section class="made">')),
    );
  });

  test('of prose is that of every format, in which it is one paragraph', () => {
    const own = { templates: templates(`verdicts/${full().verdict.kind}.hbs`, 'Full:\n{{entries}} of\n{{max}}.\n') };
    const sentence = /Full: [\d\u202f ]+ of [\d\u202f ]+\./;
    for (const text of [renderHtml(full(), own), renderMarkdown(full(), own), renderText(full(), own)])
      expect(text.match(sentence)).not.toBeNull();
  });

  test('of a finding may have some of its texts', () => {
    const own = { templates: templates('findings/table-full.hbs', '--- title\nOur title\n') };
    const [html, without] = [renderHtml(full(), own), renderHtml(full())];
    expect(html).toContain('<strong>Our title</strong>');
    const why = (page: string) => page.slice(page.indexOf('class="body"', page.indexOf('finding-table-full')));
    expect(why(html)).toBe(why(without));
  });

  test('escapes as the others do', () => {
    const line = '<i>{{hostname}}</i>';
    const html = renderHtml(hostile(), { templates: templates('partials/made.hbs', line) });
    expect(html.match(/<i>([\s\S]*?)<\/i>/)?.[1]).not.toMatch(/[<>"]/);
  });

  test('counts as the others do', () => {
    const render = (prose: string) => renderHtml(full(), { templates: templates('prose/made.hbs', prose) });
    expect(render('{{agree "1" "row" "rows"}}, {{agree "2" "row" "rows"}}')).toContain(
      '<p class="note">row, rows\n</p>',
    );
    expect(() => render('{{entries}} entries were there')).toThrow(/prose\/made\.hbs:1: "entries" is not in what/);
  });

  test('reads nothing that a view inherits, and writes to no console', () => {
    const said = vi.spyOn(console, 'error');
    const own = templates('prose/made.hbs', '[{{made.constructor}}{{lookup made "constructor"}}{{made.__proto__}}]');
    expect(renderHtml(full(), { templates: own })).toMatch(/<p class="note">\[\]\n<\/p>/);
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
  });

  test('that contains itself ends', () => {
    const own = templates('prose/made.hbs', 'x {{> prose/made}}');
    expect(() => renderHtml(full(), { templates: own })).toThrow(/prose\/made\.hbs:1: it is in itself, without end/);
  });
});

test('a style sheet is allowed by its own digest', () => {
  const html = renderHtml(full(), { templates: templates('style.css', 'body{color:teal}') });
  expect(html).toContain('body{color:teal}</style>');
  expect(html.match(/style-src 'sha256-([^']*)'/)?.[1]).not.toBe(
    renderHtml(full()).match(/style-src 'sha256-([^']*)'/)?.[1],
  );
});

test('files are named with their digests, whatever is hidden beside them', () => {
  write('.git/config', 'x');
  write('.DS_Store', 'x');
  write('README.md', 'x');
  write('prose/made.hbs', '');
  expect(readOverrides(folder).files).toEqual([
    { name: 'README.md', sha256: '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' },
    { name: 'prose/made.hbs', sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
  ]);
});

describe('it is said with file and line', () => {
  test.each([
    [
      'a block that does not end',
      'partials/made.hbs',
      '\n\n{{#if made}}\n',
      /partials\/made\.hbs:4: it is no Handlebars: /,
    ],
    ['a tag that does not end', 'partials/made.hbs', 'x\n{{made', /partials\/made\.hbs:2: it is no Handlebars: /],
    [
      'a block that another ends',
      'partials/made.hbs',
      '\n{{#if made}}\n{{/each}}',
      /made\.hbs:2: it is no Handlebars: if doesn't match each/,
    ],
    [
      'a helper that there is not',
      'partials/made.hbs',
      'x\n{{upper tool}}',
      /:2: there is no helper upper; there are if, unless/,
    ],
    ['one in another', 'partials/made.hbs', '{{#if (eq tool "x")}}{{/if}}', /:1: there is no helper eq/],
    ['a log', 'partials/made.hbs', '\n\n\n{{log tool}}', /:4: there is no helper log/],
    [
      'a partial that there is not',
      'report.html.hbs',
      '{{> partials/none}}',
      /:1: there is no template partials\/none/,
    ],
    [
      'a partial of another format',
      'report.md.hbs',
      '{{> partials/made}}',
      /that a page of Markdown or plain text could have/,
    ],
    ['a decorator', 'partials/made.hbs', '{{#*inline "x"}}{{/inline}}', /:1: there are no decorators/],
    [
      'a text that no finding says',
      'findings/table-full.hbs',
      '--- title\nx\n--- because\ny',
      /table-full\.hbs:3: expected one of the lines --- title, /,
    ],
    ['text before the first', 'findings/table-full.hbs', 'x\n--- title\n', /table-full\.hbs:1: expected it to begin/],
    [
      'a finding’s text that is wrong',
      'findings/table-full.hbs',
      '--- title\nx\n--- why\n\n{{#if x}}',
      /table-full\.hbs:5: it is no Handlebars/,
    ],
    [
      'a name that there is not',
      'partials/footer.hbs',
      'x',
      /partials\/footer\.hbs: there is no such template; these are there:\n[\s\S]*partials\/: ages\.hbs, [\s\S]*made\.hbs/,
    ],
    ['what is no template', 'partials/made.js', 'x', /made\.js: there is no such template/],
    ['a file without end', 'partials/made.hbs', 'x'.repeat(300_000), /it has 300000 bytes, and may have 262144/],
  ])('%s', (_, name, content, message) => {
    write(name, content);
    expect(() => readOverrides(folder)).toThrow(TemplateError);
    expect(() => readOverrides(folder)).toThrow(message);
  });

  test.each([
    ['a value that there is not', 'x\n\n{{titel}}', /made\.hbs:3: "titel" is not in what this template is given/],
    ['a value of a value', '{{made.comand}}', /made\.hbs:1: "comand" is not in/],
    ['a value of none', '{{made.nothing.more}}', /made\.hbs:1: "(?:nothing|more)" is not in/],
  ])('%s, once it is filled in', (_, content, message) => {
    const own = templates('partials/made.hbs', content);
    expect(() => renderHtml(full(), { templates: own })).toThrow(message);
  });

  test('a folder without templates, and none', () => {
    expect(() => readOverrides(folder)).toThrow(/there is no template in it/);
    expect(() => readOverrides(path.join(folder, 'none'))).toThrow(/cannot be read: ENOENT/);
  });
});

test('every template of the package is taken as it is, and changes nothing', () => {
  const { overrides, files } = readOverrides('templates');
  expect(files.length).toBeGreaterThan(150);
  expect(renderHtml(full(), { templates: overrides })).toBe(renderHtml(full()));
  expect(renderMarkdown(full(), { templates: overrides })).toBe(renderMarkdown(full()));
  expect(renderText(full(), { templates: overrides })).toBe(renderText(full()));
});

test('the example of templates/README.md does what it says', () => {
  const readme = readFileSync('templates/README.md', 'utf8');
  const [, file = '', example = ''] = /`acme\/([\w/.]+)`[\s\S]*?```handlebars\n([\s\S]*?)```/.exec(readme) ?? [];
  const html = renderHtml(full(), { templates: templates(file, example), caseId: '4711' });
  expect(html).toContain(`Call ACME support about ${full().host.hostname?.value} and name case <strong>4711</strong>.`);
  expect(html).not.toContain('How this report was made');
});
