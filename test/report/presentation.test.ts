/** What a report can be told of its looks: that it is there, does nothing else, and the same twice. */
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { fleetOf } from '../../src/fleet/fleet.ts';
import { NO_LABELS } from '../../src/fleet/labels.ts';
import { snapshotOf } from '../../src/fleet/snapshot.ts';
import { renderFleetHtml, renderHtml, renderTimelineHtml } from '../../src/report/html.ts';
import { openRenderer, openTimelineRenderer } from '../../src/report/index.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown, renderTimelineMarkdown } from '../../src/report/markdown.ts';
import { type MadeBy, type Presentation, SECTIONS, type Section } from '../../src/report/presentation.ts';
import { renderText } from '../../src/report/text.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import { hostsOf } from '../../src/timeline/hosts.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { ATTACKS } from './attacks.ts';

const analysis = analyse(await readSnapshot('samples/full-with-drops.tar.gz'), '0');
const name = 'full-with-drops.tar.gz';
const [host] = hostsOf([{ name, analysis }]);
const [kept] = hostsOf([{ name, analysis: snapshotOf(analysis) }]);
if (!host || !kept) throw new Error('no host');
const timeline = timelineOf(host, '0');
const fleet = fleetOf([{ host: kept, page: undefined }], { labels: NO_LABELS, unread: [] }, '0');

const bodyOf = (html: string) => html.slice(html.indexOf('<body'));
const MADE_BY: MadeBy = {
  words: ['conntrack-report', 'report', name, '--title', "Jane's -- gateway", '--locale', 'de'],
  options: { title: "Jane's -- gateway", locale: 'de' },
  files: [{ name: 'logo.svg', sha256: 'ab'.repeat(32) }],
};
const LOGO = `data:image/png;base64,${Buffer.from('x').toString('base64')}`;

describe('a title, a case, an author and a logo', () => {
  const given: Presentation = { title: 'Handover', caseId: '4711-x', author: 'Jane Doe', logo: LOGO };

  test('are on the first page of every HTML', () => {
    for (const html of [
      renderHtml(analysis, given),
      renderTimelineHtml(timeline, given),
      renderFleetHtml(fleet, given),
    ]) {
      const header = html.slice(html.indexOf('<header'), html.indexOf('</header>'));
      expect(header).toContain('<h1>Handover</h1>');
      expect(header).toContain('<dd>4711-x</dd>');
      expect(header).toContain('<dd>Jane Doe</dd>');
      expect(header.replaceAll('&#x3D;', '=')).toContain(`src="${LOGO}"`);
      expect(html).toMatch(/<title>Handover · /);
    }
  });

  test('are in Markdown and text', () => {
    for (const md of [renderMarkdown(analysis, given), renderTimelineMarkdown(timeline, given)])
      expect(md).toMatch(/^# Handover\n\n[\s\S]*\nCase 4711-x\n\nPrepared by Jane Doe\n/);
    expect(renderText(analysis, given)).toMatch(/^Handover · case 4711-x · Jane Doe\n/);
  });

  test('leave nothing where there are none', () => {
    const header = bodyOf(renderHtml(analysis)).split('</header>')[0];
    expect(header).not.toMatch(/<img|Case|Prepared by/);
    expect(renderText(analysis)).toMatch(/^gw-west-3/);
  });

  test.each(Object.entries(ATTACKS))('are inert: %s', (_, attack) => {
    const hostile = {
      title: attack,
      caseId: attack,
      author: attack,
      logo: LOGO,
      madeBy: { ...MADE_BY, words: [attack] },
    };
    for (const html of [
      renderHtml(analysis, hostile),
      renderTimelineHtml(timeline, hostile),
      renderFleetHtml(fleet, hostile),
    ]) {
      const body = bodyOf(html);
      expect(body).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]/u);
      expect(body).not.toMatch(/<(?:script|iframe|base|form|input|use|link|object|details open ontoggle)\b/i);
      expect(body.match(/<img\b/g)).toHaveLength(1);
      expect(html.match(/<(?:style|title)>/g)).toHaveLength(2);
    }
    const md = renderMarkdown(analysis, hostile).replace(/^(`{3,})sh\n[\s\S]*?^\1$/gm, '');
    expect(md.replaceAll('@<!-- -->', '')).not.toMatch(/(?<!\\)<(?!\/?(?:sub|sup|details|summary|br)\b)/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(renderText(analysis, hostile)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2066]/);
  });
});

describe('a time zone', () => {
  const berlin = { timezone: 'Europe/Berlin' };

  test('is that of every time that is shown', () => {
    const [html, md] = [bodyOf(renderHtml(analysis, berlin)), renderMarkdown(analysis, berlin)];
    expect(html).toContain('<dd>2026-11-23 00:55:46 +01:00</dd>');
    expect(md).toContain('Captured 2026-11-23 00:55:46 +01:00');
    for (const text of [html, md, renderText(analysis, berlin), bodyOf(renderTimelineHtml(timeline, berlin))])
      expect(text).not.toContain('UTC');
    expect(renderTimelineMarkdown(timeline, berlin)).toContain('| Captured, Europe/Berlin |');
  });

  test('is UTC by default, and after a report in another one', () => {
    renderHtml(analysis, berlin);
    expect(renderHtml(analysis)).toContain('<dd>2026-11-22 23:55:46 UTC</dd>');
  });

  test('is in no JSON', () => {
    expect(renderJson(analysis, { ...berlin, locale: 'de' } as Presentation)).toBe(renderJson(analysis));
  });
});

test('a locale writes the signs of all numbers', () => {
  expect(renderText(analysis, { locale: 'de' })).toContain('Raise the limit from 4.096 to 262.144 entries.');
  expect(renderText(analysis, { locale: 'en-US' })).toContain('Raise the limit from 4,096 to 262,144 entries.');
  const body = bodyOf(renderHtml(analysis, { locale: 'de' })).replace(/<(code|pre|svg|style)[\s\S]*?<\/\1>/g, '');
  expect(body).toContain('0,41\u202f%');
  expect(body.match(/\d\u202f\d{3}/)).toBeNull();
  expect(body.match(/\d\.(?!\d{3}\D)\d+\u202f/)).toBeNull();
});

describe('sections', () => {
  /** A heading that only this part has. */
  const HEADINGS: Record<Section, string> = {
    recommendation: 'Recommendation',
    findings: 'Findings',
    slab: 'The slab arithmetic',
    table: 'What fills the table',
    idle: 'How long entries have been idle',
    drops: 'Drops, evictions and the kernel log',
    capture: 'What was captured, and what was not',
    appendix: 'Appendix: settings',
  };
  const headingsOf = (html: string) => [...html.matchAll(/<h2[^>]*>([^<]*)<\/h2>/g)].map(([, text]) => text);
  const inMarkdown = (md: string) => [...md.matchAll(/^## (.*)$/gm)].map(([, text]) => text);

  test.each(Object.entries(HEADINGS))('%s is there if it is asked for, and alone', (section, heading) => {
    const only = { sections: [section as Section] };
    for (const headings of [headingsOf(renderHtml(analysis, only)), inMarkdown(renderMarkdown(analysis, only))]) {
      expect(headings.filter((each) => Object.values(HEADINGS).includes(each ?? ''))).toEqual([heading]);
      expect(headings.at(-1)).toBe('How this report was made');
    }
    const others = { sections: (Object.keys(SECTIONS) as Section[]).filter((each) => each !== section) };
    expect(headingsOf(renderHtml(analysis, others))).not.toContain(heading);
  });

  test('are all there by default', () => {
    expect(headingsOf(renderHtml(analysis))).toEqual(expect.arrayContaining(Object.values(HEADINGS)));
    expect(renderHtml(analysis, { sections: Object.keys(SECTIONS) as Section[] })).toBe(renderHtml(analysis));
  });

  test('have no link to a part that is not there', () => {
    for (const section of Object.keys(SECTIONS) as Section[]) {
      const html = bodyOf(renderHtml(analysis, { sections: [section] }));
      const ids = new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id));
      for (const [, id] of html.matchAll(/href="#([^"]*)"/g)) expect(ids, section).toContain(id);
    }
  });

  test('have the commands of a finding where those of the recommendation are not', () => {
    const without = renderHtml(analysis, { sections: ['findings'] });
    expect(without).not.toContain('The commands are those of the recommendation');
    expect(without).toContain('sysctl -w net.netfilter.nf_conntrack_max');
    expect(renderHtml(analysis)).toContain('The commands are those of the recommendation');
  });
});

describe('how it was made', () => {
  const COMMAND = `conntrack-report report ${name} --title 'Jane'\\''s -- gateway' --locale de`;
  const made = { madeBy: MADE_BY };
  const spoken = (html: string) =>
    html.replace(/&#x([0-9A-F]+);/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

  test('is a command line that can be pasted, in each format', () => {
    const joined = (text: string) => spoken(text).replaceAll(' \\\n  ', ' ');
    expect(joined(renderHtml(analysis, made))).toContain(`<pre>${COMMAND}</pre>`);
    expect(joined(renderMarkdown(analysis, made))).toContain(`\`\`\`sh\n${COMMAND} --format md\n\`\`\``);
    expect(JSON.parse(renderJson(analysis, made)).made).toEqual({
      command: `${COMMAND} --format json`,
      options: MADE_BY.options,
      files: MADE_BY.files,
    });
  });

  test('names what it was made of by digest', () => {
    const part = bodyOf(renderHtml(analysis, made)).split('class="made"')[1] ?? '';
    expect(analysis.bundle.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(part).toContain(`>${analysis.bundle.sha256}<`);
    expect(part).toContain(`>${'ab'.repeat(32)}<`);
    const { sha256: _, ...folder } = analysis.bundle;
    const ofFolder = bodyOf(renderHtml({ ...analysis, bundle: folder }, made)).split('class="made"')[1];
    expect(ofFolder).toContain('no digest: it is no archive');
  });

  test('is the same in the same words, in every text format', async () => {
    const given: Presentation = { ...made, title: 'x', timezone: 'Asia/Kolkata', locale: 'fr-CH', logo: LOGO };
    for (const format of ['html', 'md', 'text', 'json'] as const) {
      expect(await openRenderer(analysis, given).text(format)).toBe(await openRenderer(analysis, given).text(format));
      expect(await openTimelineRenderer(timeline, given).text(format)).toBe(
        await openTimelineRenderer(timeline, given).text(format),
      );
    }
  });
});
