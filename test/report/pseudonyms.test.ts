/** A bundle with pseudonyms in it is called so where a reader begins, in every format. */
import { describe, expect, it } from 'vitest';
import { type Analysis, analysisSchema } from '../../src/analysis/schema.ts';
import { fleetOf } from '../../src/fleet/fleet.ts';
import { NO_LABELS } from '../../src/fleet/labels.ts';
import { fleetSchema } from '../../src/fleet/schema.ts';
import { parseManifest } from '../../src/parsers/bundle-csv.ts';
import { renderFleetHtml, renderHtml, renderTimelineHtml } from '../../src/report/html.ts';
import { renderMarkdown, renderTimelineMarkdown } from '../../src/report/markdown.ts';
import { renderFleetText, renderText, renderTimelineText } from '../../src/report/text.ts';
import { assembleSnapshot } from '../../src/snapshot/assemble.ts';
import { timelineSchema } from '../../src/timeline/schema.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { host, paged } from '../fleet/hosts.ts';
import { full, healthy } from './analyses.ts';

const anonymized = { scheme: 'octet-tree-1', keyId: '0123456789abcdef' };
const SENTENCE =
  'Addresses and names are pseudonyms: the host put them in place of the real ones before the capture left it (octet-tree-1, key 0123456789abcdef).';

const hidden = (analysis: Analysis): Analysis => ({ ...analysis, bundle: { ...analysis.bundle, anonymized } });

const flat = (page: string) => page.replace(/<style>[\s\S]*?<\/style>/g, '').replace(/[\s\u00a0\u202f]+/g, ' ');

/** What stands before the first section, or before the first finding of a page without sections. */
const beginning = (page: string) => flat(page).split(/<section|\*\*Critical|Critical: /)[0] ?? '';

describe('a bundle with pseudonyms', () => {
  const manifest = 'key,value\nformat,conntrack-report bundle\nformat_version,1\n';
  const bundleOf = (lines: string) => {
    const text = manifest + lines;
    expect(parseManifest(text, 'manifest.csv').problems).toEqual([]);
    return assembleSnapshot(new Map([['manifest.csv', { text, bytes: text.length }]]), undefined, []).bundle;
  };

  it('is known by its manifest', () => {
    expect(bundleOf('anonymized,octet-tree-1\nanonymized_key_id,0123456789abcdef\n').anonymized).toEqual(anonymized);
    expect(bundleOf('anonymized,octet-tree-1\n').anonymized).toEqual({ scheme: 'octet-tree-1', keyId: 'not known' });
    expect(bundleOf('').anonymized).toBeUndefined();
  });

  it.each([
    ['html', renderHtml],
    ['Markdown', renderMarkdown],
    ['text', (analysis: Analysis) => renderText(analysis, { width: 1000 })],
    ['brief text', (analysis: Analysis) => renderText(analysis, { width: 1000, brief: true })],
  ])('is called so at the beginning of the report as %s, and no other is', (_, render) => {
    const analysis = hidden(full());
    expect(analysisSchema.parse(analysis)).toEqual(analysis);
    expect(beginning(render(analysis)).replaceAll('\\', '')).toContain(SENTENCE);
    expect(render(full())).not.toContain('pseudonym');
  });

  it.each([
    ['html', renderTimelineHtml],
    ['Markdown', renderTimelineMarkdown],
    ['text', (timeline: ReturnType<typeof timelineOf>) => renderTimelineText(timeline, { width: 1000 })],
  ])('is called so in a comparison as %s, and no other is', (_, render) => {
    const over = (...analyses: Analysis[]) => {
      const snapshots = analyses.map((analysis, at) => ({ name: `${at}`, analysis }));
      return timelineOf({ identifiedBy: 'machine id', snapshots, notes: [] }, '0');
    };
    const timeline = over(hidden(full()), hidden(healthy()));
    expect(timelineSchema.parse(timeline)).toEqual(timeline);
    expect(flat(render(timeline)).replaceAll('\\', '')).toContain(SENTENCE);
    expect(render(over(full(), healthy()))).not.toContain('pseudonym');
  });

  it('is called so in a fleet', () => {
    const made = (...inputs: Parameters<typeof paged>[0]) =>
      fleetOf(paged(inputs), { labels: NO_LABELS, unread: [] }, '0');
    const fleet = made(host('a', hidden(full())), host('b', healthy()));
    expect(fleetSchema.parse(fleet)).toEqual(fleet);
    expect(fleet.hosts.map((each) => each.anonymized)).toEqual([anonymized, undefined]);
    const says = 'Addresses and names of 1 host are pseudonyms';
    expect(beginning(renderFleetHtml(fleet, { groupBy: undefined }))).toContain(says);
    expect(flat(renderFleetText(fleet, { width: 1000 }))).toContain(says);
    expect(renderFleetText(made(host('a', full())))).not.toContain('pseudonym');
  });
});
