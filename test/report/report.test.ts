import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { type Analysis, analysisSchema } from '../../src/analysis/schema.ts';
import { renderCsv } from '../../src/report/csv.ts';
import { renderHtml } from '../../src/report/html.ts';
import { FORMATS, openRenderer, TIMELINE_FORMATS } from '../../src/report/index.ts';
import { renderJson } from '../../src/report/json.ts';
import { escapeMarkdown, renderMarkdown } from '../../src/report/markdown.ts';
import { renderOpenMetrics } from '../../src/report/openmetrics.ts';
import { renderText } from '../../src/report/text.ts';
import { ALL, full, HOSTILE, healthy, hostile, linux24, nearLimit, nothing } from './analyses.ts';
import { codePointsOf } from './woff2.ts';

const require = createRequire(import.meta.url);
const CASES = Object.entries(ALL).map(([name, make]) => ({ name, make }));
const HARMLESS = CASES.filter(({ name }) => name !== 'hostile');

/** What a reader sees of a page, in ordinary blanks. */
function visibleText(html: string): string {
  return html
    .replace(/<(style|title|desc)\b[^>]*>[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#x([0-9A-F]+);/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/[\s\u00a0\u202f]+/g, ' ');
}

const bodyOf = (html: string) => html.slice(html.indexOf('<body>'));
const blanks = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe.each(CASES)('$name', ({ make }) => {
  it('renders the same bytes every time', () => {
    expect(renderHtml(make())).toBe(renderHtml(make()));
    expect(renderMarkdown(make())).toBe(renderMarkdown(make()));
    expect(renderText(make())).toBe(renderText(make()));
  });

  it('has no hole where a value should be', () => {
    for (const text of [visibleText(renderHtml(make())), renderMarkdown(make()), renderText(make())])
      expect(text).not.toMatch(/undefined|null|NaN|Infinity|\[object/);
  });

  it('carries no script and loads nothing', () => {
    const html = renderHtml(make());
    expect(html).not.toMatch(/<(?:script|iframe|object|embed|form|base|img)\b/i);
    expect(html).not.toMatch(/<[^>]*\s(?:on\w+|src|srcset|style|href=(?!"(?:data:,|#[\w-]+)"))\s*=/i);
    expect(html.match(/url\([^)]{0,16}/g)?.every((url) => /^url\((?:data:font\/|#)/.test(url))).toBe(true);
    expect(html).toContain("default-src 'none'");
  });

  it('allows its one style sheet by hash', () => {
    const html = renderHtml(make());
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
    expect(html).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(html.match(/<style/g)).toHaveLength(1);
  });

  it('writes JSON that parses to the analysis, with what its findings state, and ends in a newline', () => {
    const written: Analysis = JSON.parse(renderJson(make()));
    const findings = written.findings.map(({ statement, ...finding }) => {
      expect(statement === undefined).toBe(finding.severity === 'unknown');
      return finding;
    });
    expect({ ...written, findings }).toEqual(make());
    expect(renderJson(make())).toMatch(/}\n$/);
  });

  it('uses every id once', () => {
    const ids = [...renderHtml(make()).matchAll(/ id="([^"]*)"/g)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe.each(HARMLESS)('$name', ({ make }) => {
  it('keeps to the characters of the embedded fonts', () => {
    const html = bodyOf(renderHtml(make()));
    const faces = [
      { text: html.replace(/<(code|pre)\b[\s\S]*?<\/\1>/g, ''), file: 'inter/files/inter-latin-400-normal.woff2' },
      {
        text: (html.match(/<(code|pre|span class="working")\b[\s\S]*?<\/(code|pre|span)>/g) ?? []).join(''),
        file: 'jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2',
      },
    ];
    for (const { text, file } of faces) {
      const known = codePointsOf(require.resolve(`@fontsource/${file}`));
      // Narrow no-break spaces are made from the space of the font.
      const foreign = [...new Set(visibleText(text))].filter((c) => !known.has(c.codePointAt(0) ?? 0));
      expect(foreign).toEqual([]);
    }
  });

  it('fits a terminal of 80 columns in about 25 lines', () => {
    const lines = renderText(make()).trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 80 && !line.startsWith('    '))).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(38);
  });
});

describe('the machine of the well-known article', () => {
  const html = visibleText(renderHtml(linux24()));

  it('works the arithmetic with its own numbers', () => {
    for (const number of [
      '2 510 208 B',
      '654 slabs',
      '2 678 784 B',
      '256 B a slab',
      '1 662 slabs × 4 096 B',
      '6 807 552 B',
      '10 objects',
    ])
      expect(html).toContain(number);
    expect(html).toContain('984');
    expect(html).toContain('39 %');
  });

  it('says what is held and that the minimum is not it', () => {
    expect(html).toMatch(/The kernel holds 6 807 552 B/);
    expect(html).toMatch(/minimum, 2 678 784 B.*often quoted as the memory in use, and is not/);
    expect(html).toContain('This is not a leak');
  });

  it('never shows zero for what was not captured', () => {
    expect(html).toMatch(/Packets dropped not captured/);
    expect(html).toMatch(/Not captured: the number of buckets/);
    expect(html).toMatch(/Not captured: the connection table/);
    expect(html).toMatch(/RAM was not captured: no shares/);
  });
});

describe('a full table', () => {
  const analysis = full();
  const html = visibleText(renderHtml(analysis));

  it('begins with verdict, figures, recommendation and cost', () => {
    const places = [
      'the limit is reached',
      'The table is full',
      'Packets dropped',
      'Raise the limit from 65 536 to 196 608',
      '75.0 MiB',
    ].map((text) => html.indexOf(text));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places.at(-1)).toBeLessThan(html.indexOf('The slab arithmetic'));
  });

  it('tells lines from packets and evictions from losses', () => {
    expect(html).toContain('Lines are not packets');
    expect(html).toMatch(/83 117 messages, of which some may be of another kind/);
    expect(html).toMatch(/early_drop Entries evicted to make room/);
  });

  it('gives the commands to apply, keep, check and take back', () => {
    for (const title of ['Now, until the next boot', 'To keep it', 'Check', 'Roll back']) expect(html).toContain(title);
    expect(html).toContain('sysctl -w net.netfilter.nf_conntrack_max=65536');
  });

  it('answers a question with every chart', () => {
    expect(html).toContain('UDP without an answer is 57 % of the table');
    expect(html).toContain('UDP is 73 % of the table');
  });

  it('names sources and reasons', () => {
    expect(html).toContain('proc/slabinfo, line 37');
    expect(html).toContain('no result within 10 s');
    expect(html).toContain('differs: 131072 in etc/sysctl.d/90-gateway.conf, line 4');
  });

  it('has the same content as Markdown', () => {
    const markdown = blanks(renderMarkdown(analysis));
    for (const text of [
      'Raise the limit from 65 536 to 196 608',
      '18 792 448 B',
      'UDP without an answer is 57 %',
      'Lines are not packets',
      'no result within 10 s',
    ])
      expect(markdown).toContain(text);
    expect(markdown).toContain('```sh\nsysctl -w net.netfilter.nf_conntrack_buckets=196608\n');
  });

  it('has tables in Markdown whose rows all have as many cells as the head', () => {
    let columns = 0;
    for (const line of renderMarkdown(analysis).split('\n')) {
      if (!line.startsWith('|')) columns = 0;
      else {
        const cells = line.replace(/\\\|/g, '').split('|').length;
        if (columns === 0) columns = cells;
        expect(cells, line).toBe(columns);
      }
    }
  });
});

describe('sentences', () => {
  const kinds = analysisSchema.shape.verdict.shape.kind.options;
  const actions = analysisSchema.shape.recommendation.shape.action.options;
  const bases: Record<string, () => Analysis> = { full, healthy, nearLimit, linux24, nothing };

  it.each(kinds.flatMap((kind) => Object.keys(bases).map((base) => [kind, base] as const)))(
    'of verdict %s with the values of %s are whole',
    (kind, base) => {
      const analysis = bases[base]?.() ?? nothing();
      const text = renderText({ ...analysis, verdict: { ...analysis.verdict, kind } }, { width: 10_000 });
      const sentence = text.split('\n').find((line) => line.startsWith('  ')) ?? '';
      expect(sentence).toMatch(/^ {2}[A-Z].*[^\s,;:]\.$/);
      expect(sentence).not.toMatch(/ {2}\S.*( {2}| ,| \.|,,|\.\.|\(\)|: *[;.,])/);
    },
  );

  it.each(actions.flatMap((action) => Object.keys(bases).map((base) => [action, base] as const)))(
    'of action %s with the values of %s are whole',
    (action, base) => {
      const analysis = bases[base]?.() ?? nothing();
      const text = renderText(
        { ...analysis, recommendation: { ...analysis.recommendation, action } },
        { width: 10_000 },
      );
      const sentence = text.slice(text.indexOf('Recommendation\n')).split('\n')[1] ?? '';
      expect(sentence).toMatch(/^ {2}[A-Z].*[^\s,;:]\.$/);
    },
  );

  it('do not say that memory is fine when that is not known', () => {
    expect(renderText(nothing())).toContain('Whether memory is a problem cannot be told');
    expect(renderText(healthy())).toContain('Memory is not the problem');
  });
});

describe('findings', () => {
  it('fold on the screen, and stand open on paper', () => {
    expect(renderHtml(full())).toMatch(/<details class="finding critical">/);
    expect(renderHtml(full(), { unfolded: true })).toMatch(/<details class="finding critical" open>/);
  });

  it('tell what is in order, and what was not assessed for want of what', () => {
    for (const text of [visibleText(renderHtml(full())), renderMarkdown(full())]) {
      expect(blanks(text)).toMatch(/Findings.*1 critical, 1 in order, 1 not assessed/s);
      expect(blanks(text)).toMatch(/the kernel dropped 1 packet within/);
      expect(blanks(text)).toMatch(/never saw an answer \(0 of/);
      expect(blanks(text)).toMatch(/not known without the kernel log/);
    }
  });

  it.each([
    ['a finding', { id: 'of-tomorrow' }],
    ['a sentence of a finding', { says: 'ofTomorrow' }],
  ])('%s that only a newer version knows is said as that one wrote it', (_, newer) => {
    const analysis = full();
    const [first] = analysis.findings;
    if (first) analysis.findings.push({ ...first, ...newer, statement: `The <b>moon</b> ${HOSTILE} is full.` });
    for (const text of [visibleText(renderHtml(analysis)), renderMarkdown(analysis), renderText(analysis)])
      expect(text.replaceAll('\\', '')).toMatch(/The (?:<|&lt;)b(?:>|&gt;)moon/);
    expect(renderHtml(analysis)).not.toContain('<b>moon');
    expect(JSON.parse(renderJson(analysis)).findings.at(-1).statement).toMatch(/^The <b>moon<\/b>.* is full\.$/s);
    expect(visibleText(renderHtml(analysis)).includes('A finding of a newer version')).toBe('id' in newer);
  });

  it.each([
    [59_100, false],
    [90_000, true],
  ])('a demand of 59 000 to %s entries has a higher end: %s', (high, hasEnds) => {
    const analysis = full();
    const uncollected = { entries: high, arrivalsPerSecond: 20, waitSeconds: 60 };
    const demand = {
      entries: 59_000,
      low: 59_000,
      high,
      isLowerBound: false,
      decidedBy: 'peak' as const,
      evidence: [],
      uncollected,
    };
    const { recommendation } = analysis;
    const text = renderMarkdown({ ...analysis, recommendation: { ...recommendation, constraint: 'demand', demand } });
    expect(/demand of [^(]* to [^(]*entries \(/.test(text)).toBe(hasEnds);
    expect(text.includes('higher end')).toBe(hasEnds);
  });

  it('are a line each on a terminal', () => {
    const text = renderText(full(), { width: 10_000 });
    expect(text).toMatch(/^Findings: 1 critical, 1 in order, 1 not assessed$/m);
    expect(text).toMatch(/^ {2}!! The table held /m);
  });
});

describe('hostile strings', () => {
  it('are text in HTML', () => {
    const body = bodyOf(renderHtml(hostile()));
    expect(body).toContain('&lt;script&gt;alert(1)');
    expect(body).not.toMatch(/<script|<img|onerror=alert\(2\)>/);
    expect(body).toContain('{{verdict}}');
    expect(body.match(/<section/g)?.length).toBe(body.match(/<\/section>/g)?.length);
  });

  it('are spelled out where they would act on a terminal', () => {
    const outputs = [renderHtml(hostile()), renderMarkdown(hostile()), renderText(hostile()), renderJson(hostile())];
    // Everything of the control and format categories but the line break.
    for (const output of outputs) expect(output).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(renderText(hostile())).toContain('\\x1b[31mred');
  });

  it('are text in Markdown', () => {
    const escaped = escapeMarkdown(HOSTILE);
    expect(escaped).toContain('@<!-- -->someone');
    expect(escaped.replace('<!-- -->', '')).not.toMatch(/(?<!\\)[<>|`*[\]]/);
    expect(escaped).not.toMatch(/https:\/\/|www\.evil/);
  });

  it.each(['now', 'verify'] as const)('do not end a block of commands (%s)', (which) => {
    const analysis = full();
    analysis.recommendation.commands[which] = ['```', '````', '# <b>heading</b>'];
    const markdown = renderMarkdown(analysis);
    expect(markdown).toContain('`````sh\n```\n````\n# <b>heading</b>\n`````\n');
  });

  it('do not break out of the table that they are in', () => {
    for (const line of renderMarkdown(hostile())
      .split('\n')
      .filter((l) => l.startsWith('| ')))
      expect(line).toMatch(/\|$/);
  });
});

describe('a terminal', () => {
  it('gets colour only where it is asked for', () => {
    const coloured = renderText(full(), { color: true });
    expect(renderText(full())).not.toContain('\x1b');
    expect(coloured).toContain('\x1b[1;31mCritical');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colour is made of them.
    expect(coloured.replace(/\x1b\[[\d;]*m/g, '')).toBe(renderText(full()));
  });

  it('gets commands in one piece however narrow it is', () => {
    const lines = renderText(full(), { width: 40 }).split('\n');
    expect(lines).toContain('    sysctl -w net.netfilter.nf_conntrack_buckets=196608');
    expect(lines.filter((line) => line.length > 40 && !line.startsWith('    '))).toEqual([]);
  });

  it('gets few lines for one report of many', () => {
    expect(renderText(full(), { brief: true }).split('\n').length).toBeLessThan(10);
  });
});

it('renders through one door, with an extension for each format', async () => {
  const renderer = openRenderer(nearLimit(), { paper: 'letter' });
  expect(Object.keys(FORMATS).sort()).toEqual(['csv', 'html', 'json', 'md', 'openmetrics', 'pdf', 'text']);
  expect(Object.keys(TIMELINE_FORMATS).sort()).toEqual(['html', 'json', 'md', 'pdf', 'text']);
  expect(renderer.extension('text')).toBe('txt');
  expect(await renderer.text('html')).toContain('@page{size:letter}');
  expect(await renderer.text('json')).toBe(renderJson(nearLimit()));
  expect(await renderer.text('md')).toBe(renderMarkdown(nearLimit()));
  expect(await renderer.text('csv')).toBe(renderCsv(nearLimit()));
  expect(renderer.extension('openmetrics')).toBe('prom');
  expect(await renderer.text('openmetrics')).toBe(renderOpenMetrics(nearLimit()));
  expect(await renderer.summary()).toBe(await renderer.text('text'));
});
