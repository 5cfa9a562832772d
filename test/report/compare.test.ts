import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import type { Analysis } from '../../src/analysis/schema.ts';
import { renderTimelineHtml } from '../../src/report/html.ts';
import { renderTimelineJson } from '../../src/report/json.ts';
import { renderTimelineMarkdown } from '../../src/report/markdown.ts';
import { renderTimelineText } from '../../src/report/text.ts';
import { type Timeline, timelineSchema } from '../../src/timeline/schema.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { full, HOSTILE, healthy, hostile, linux24, nearLimit, nothing } from './analyses.ts';
import { codePointsOf } from './woff2.ts';

const require = createRequire(import.meta.url);

/** A snapshot so many days after the first. */
function on(day: number, analysis: Analysis): Analysis {
  const capturedAt = new Date(Date.UTC(2026, 10, 1 + day, 12)).toISOString().replace('.000', '');
  return { ...analysis, host: { ...analysis.host, capturedAt: { value: capturedAt, file: 'commands/date-utc' } } };
}

function timeline(...analyses: Analysis[]): Timeline {
  const snapshots = analyses.map((analysis, at) => ({ name: `gw-${at}.tar.gz`, analysis: on(at, analysis) }));
  return timelineOf(
    { identifiedBy: 'machine id', snapshots, notes: ['twin.tar.gz is the same capture as gw-0.tar.gz'] },
    '0',
  );
}

const CASES: Record<string, () => Timeline> = {
  'two snapshots': () => timeline(full(), healthy()),
  'a week': () => timeline(nearLimit(), healthy(), full(), nearLimit(), full(), healthy(), healthy(), nearLimit()),
  'the same twice': () => timeline(healthy(), healthy()),
  'one snapshot': () => timeline(full()),
  'hardly anything captured': () => timeline(linux24(), nothing(), nothing()),
};

const visible = (html: string) =>
  html
    .replace(/<(style|title|desc)\b[^>]*>[\s\S]*?<\/\1>/g, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#x27;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/[\s\u00a0\u202f]+/g, ' ');

describe.each(Object.entries(CASES))('a comparison of %s', (_, make) => {
  it('is what its schema says, and the same every time', () => {
    const made = make();
    expect(timelineSchema.parse(JSON.parse(renderTimelineJson(made)))).toEqual(made);
    expect(renderTimelineHtml(make())).toBe(renderTimelineHtml(make()));
  });

  it('has no hole where a value should be', () => {
    const lines = [renderTimelineMarkdown(make()), renderTimelineText(make())];
    for (const text of [visible(renderTimelineHtml(make())), ...lines])
      expect(text).not.toMatch(/undefined|null|NaN|Infinity|\[object|\{\{|\(\)/);
    for (const text of lines) expect(text).not.toMatch(/ ,| \.(?!\d)/);
  });

  it('carries no script, loads nothing, and allows its one style sheet by hash', () => {
    const html = renderTimelineHtml(make());
    expect(html).not.toMatch(/<(?:script|iframe|object|embed|form|base|img)\b/i);
    for (const [, link] of html.matchAll(/\shref="([^"]*)"/g)) expect(link).toMatch(/^(?:data:,|#[\w-]+)$/);
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
    expect(html).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('keeps to the characters of the embedded fonts, and to 80 columns', () => {
    const known = codePointsOf(require.resolve('@fontsource/inter/files/inter-latin-400-normal.woff2'));
    const html = renderTimelineHtml(make());
    const text = visible(html.slice(html.indexOf('<body>')).replace(/<(code|pre)\b[\s\S]*?<\/\1>/g, ''));
    expect([...new Set(text)].filter((c) => !known.has(c.codePointAt(0) ?? 0))).toEqual([]);
    for (const line of renderTimelineText(make()).split('\n')) {
      if (!line.startsWith('    ')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });
});

it('tells growth and a fix in whole sentences, whatever they are', () => {
  const made = timeline(full(), healthy(), healthy());
  const growths = ['too-few', 'too-short', 'limit-changed', 'no-trend', 'no-times', 'unlimited', 'cut-off'] as const;
  const fixes = ['fixed', 'partly', 'not-applied', 'worse', 'too-early', 'nothing-to-fix'] as const;
  const perDay = { low: 120, likely: 150, high: 190 };
  const variants: Timeline[] = [
    ...growths.map((refused) => ({
      ...made,
      growth: { refused, points: 3, days: 2, ...(refused === 'no-trend' && { perDay }) },
    })),
    { ...made, growth: { perDay, points: 7, days: 6, daysToFull: { low: 12, high: 40 } } },
    { ...made, growth: { perDay: { low: -9, likely: -5, high: -2 }, points: 7, days: 6 } },
    ...fixes.map((verdict) => ({ ...made, fix: { ...made.fix, verdict } })),
    ...[0, 3600].map((testedSeconds) => ({
      ...made,
      fix: { ...made.fix, verdict: 'too-early' as const, testedSeconds },
    })),
    ...(['before', 'after'] as const).map((undecided) => ({
      ...made,
      fix: {
        ...made.fix,
        verdict: undecided === 'before' ? ('nothing-to-fix' as const) : ('too-early' as const),
        undecided,
      },
    })),
  ];
  for (const variant of variants) {
    const [, , , sentence = '', growth = ''] = renderTimelineText(variant, { width: 10_000 }).split('\n');
    for (const text of [sentence, growth]) {
      expect(text).toMatch(/^ {2}[A-Z].*[^\s,;:]\.$/);
      expect(text).not.toMatch(/\S {2}| ,| \.|undefined/);
    }
  }
});

it('says why it cannot be told whether a fix works', () => {
  const made = timeline(full(), healthy());
  const sentenceOf = (fix: Partial<Timeline['fix']>) =>
    renderTimelineText({ ...made, fix: { ...made.fix, ...fix } }, { width: 10_000 }).split('\n')[3];
  expect(sentenceOf({ verdict: 'too-early', testedSeconds: 3600 })).toMatch(
    /tried for 60\smin only, and .* beyond the/,
  );
  expect(sentenceOf({ verdict: 'too-early', testedSeconds: 0 })).toMatch(/is not known\.$/);
  expect(sentenceOf({ verdict: 'nothing-to-fix', undecided: 'before' })).toContain(
    'cannot be told: the earlier snapshot',
  );
});

it('says of one setting that it was changed, and of several that they were', () => {
  const made = timeline(full(), healthy());
  const growthAfter = (changed: string[]) => {
    const growth = { refused: 'limit-changed' as const, points: 1, days: 1, changed };
    return renderTimelineText({ ...made, growth }, { width: 10_000 }).split('\n')[4];
  };
  expect(growthAfter(['max'])).toContain('the limit was changed, and');
  expect(growthAfter(['max', 'udp_timeout'])).toContain('the limit and udp_timeout were changed, and');
});

it('says how many were lost where none was before', () => {
  const made = timeline(healthy(), full());
  const values = { counter: 'drop', wasPerHour: 0, isPerHour: 873 };
  const fix = {
    ...made.fix,
    checks: [{ what: 'effective' as const, result: 'no' as const, says: 'effective/no', values }],
  };
  expect(renderTimelineText({ ...made, fix }, { width: 10_000 }).split('\n')[3]).toMatch(
    /: nothing was lost then, and 873 are an hour now\.$/,
  );
});

it('says how many entries the table held since a fix, at its fullest', () => {
  const holding = (entries: number) => {
    const { usage, ...rest } = healthy();
    const value = { value: entries, file: 'proc/sys/net/netfilter/nf_conntrack_count' };
    return { ...rest, usage: { ...usage, entries: value, peak: value }, readings: [] };
  };
  const made = timeline(full(), holding(90_000), holding(120_000), holding(70_000));
  const fixed = { ...made, fix: { ...made.fix, verdict: 'fixed' as const } };
  expect(renderTimelineText(fixed, { width: 10_000 }).split('\n')[3]).toMatch(
    /with up to 120.000 entries in the table\.$/,
  );
});

it('compares one snapshot with nothing', () => {
  for (const made of [timeline(full()), timeline(healthy())]) {
    for (const text of [visible(renderTimelineHtml(made)), renderTimelineMarkdown(made), renderTimelineText(made)]) {
      expect(text).not.toMatch(/as before|it is still|not captured before|none was counted|12:00 –/);
      expect(text).toMatch(/Losses an hour\W+not known/);
    }
  }
});

it('shows what a hostile host says letter by letter', () => {
  const made = timeline(hostile(), { ...hostile(), bundle: { ...hostile().bundle, sha256: undefined } });
  const named = { ...made, notes: [HOSTILE], points: made.points.map((point) => ({ ...point, name: HOSTILE })) };
  const html = renderTimelineHtml(named);
  expect(html).not.toMatch(/<script|<img|onerror=alert\(2\)>/);
  const outputs = [html, renderTimelineMarkdown(named), renderTimelineText(named), renderTimelineJson(named)];
  for (const output of outputs) expect(output).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
});
