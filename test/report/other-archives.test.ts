import { describe, expect, it, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { type Analysis, analysisSchema } from '../../src/analysis/schema.ts';
import { statementOf } from '../../src/report/findings.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderMarkdown, renderTimelineMarkdown } from '../../src/report/markdown.ts';
import { renderText } from '../../src/report/text.ts';
import type { Snapshot } from '../../src/snapshot/types.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { countersText, gateway, snapshotOf } from '../analysis/snapshot-of.ts';

const of = (snapshot: Snapshot) => analyse(snapshot, '0');
const inferred = () => of(gateway({ 'commands/getconf-PAGESIZE': '' }));
const words = (text: string) => text.replace(/[\s\u00a0\u202f]+/g, ' ');
const pages = (analysis: Analysis) => ({
  text: words(renderText(analysis)),
  Markdown: words(renderMarkdown(analysis).replaceAll('\\_', '_')),
  HTML: words(
    renderHtml(analysis)
      .replace(/<style>[\s\S]*?<\/style>/, '')
      .replace(/<[^>]*>/g, ''),
  ),
});

const FROM = 'rest on 4.00 KiB, inferred from the architecture, x86_64, which has pages of 4 KiB only';

describe('a page size that is inferred', () => {
  it('gives the sizes that a captured one gives, and is in the analysis with what it is from', () => {
    const analysis = inferred();
    expect(analysis.memory).toEqual(of(gateway({})).memory);
    expect(analysis.pageBytes).toMatchObject({ value: 4096, inferred: expect.stringContaining('x86_64') });
    expect(analysisSchema.parse(analysis)).toEqual(analysis);
  });

  it.each(Object.entries(pages(inferred())))('%s: its first page says so, and what from', (_format, page) => {
    const verdict = page.indexOf(FROM);
    expect(verdict).toBeGreaterThan(0);
    expect(verdict).toBeLessThan(page.indexOf('Recommendation', verdict));
    expect(page).toMatch(/of 8\.00 GiB RAM; slabs \+ hash table[^;|]*; page size inferred/);
    expect(page).toMatch(/of RAM \(page size inferred\)/);
  });

  it.each(['Markdown', 'HTML'] as const)('%s: every place that shows such a size', (format) => {
    const page = pages(inferred())[format];
    for (const place of [
      /A slab is 1 page \(page size inferred\)/,
      /64 slabs; page size inferred/,
      /Together[^|]*page size inferred|Together[^A-Z]* \| page size inferred/,
      /of 4 096 B each \(page size inferred\)/,
      /4 096 B \(4\.00 KiB\), inferred from the architecture/,
    ]) {
      expect(page).toMatch(place);
    }
    expect(page.split(FROM).length - 1).toBe(2);
  });

  test.each(['memory', 'slab-fragmentation'])('the finding %s says so, with the page size as evidence', (id) => {
    const finding = inferred().findings.find((each) => each.id === id);
    expect(finding && statementOf(finding)).toContain('(by a page size that is inferred)');
    expect(finding?.evidence).toContainEqual(
      expect.objectContaining({ what: 'page size in bytes, inferred', value: 4096, file: 'commands/uname-m' }),
    );
  });

  test('a comparison says so', () => {
    const at = (analysis: Analysis, day: number): Analysis => ({
      ...analysis,
      host: { ...analysis.host, capturedAt: { value: `2026-11-${day}T12:00:00Z`, file: 'commands/date-utc' } },
    });
    const snapshots = [at(of(gateway({})), 20), at(inferred(), 21)].map((analysis, index) => ({
      name: `${index}`,
      analysis,
    }));
    const timeline = timelineOf({ identifiedBy: 'host name', snapshots, notes: [] }, '0');
    expect(timeline.points.map(({ pageInferred }) => pageInferred)).toEqual([undefined, true]);
    expect(words(renderTimelineMarkdown(timeline))).toContain('256 KiB (page size inferred)');
  });

  test('one that was captured is not called so anywhere', () => {
    for (const page of Object.values(pages(of(gateway({}))))) expect(page).not.toMatch(/page size[^.]{0,20}inferred/);
  });
});

describe('slabs that are not seen', () => {
  const refused = { 'proc/slabinfo': 'cat: /proc/slabinfo: Permission denied' };
  const manifest = (user: number) => ({ 'manifest.csv': `key,value\nformat_version,1\nhostname,gw\nuser_id,${user}` });

  test.each([
    ['root is refused', manifest(0), 'not visible from a container: holds an error message'],
    ['nobody says who asked', {}, 'not visible from a container, nor without root: holds an error message'],
    ['an ordinary user is refused', manifest(1000), 'holds an error message: “?"?cat: /proc/slabinfo'],
  ])('%s', (_when, files, why) => {
    const analysis = of(gateway({ 'manifest.csv': '', ...refused, ...files }));
    expect(analysis.slab.total).toBeUndefined();
    expect(analysis.readings[0]?.slabObjects).toBeUndefined();
    const page = pages(analysis).Markdown;
    expect(page).toMatch(new RegExp(`the slab lines of connection tracking \\(${why}`));
    expect(page).toMatch(new RegExp(`Memory held \\| \\*\\*not captured\\*\\* \\| ${why}`));
  });

  it.each([
    ['root is refused', { ...refused, ...manifest(0) }],
    ['slabinfo lists nothing', { 'proc/slabinfo': 'slabinfo - version: 2.1' }],
  ])('the verdict says that a container does not see them: %s', (_when, files) => {
    expect(pages(of(gateway(files))).text).toContain(
      'Whether memory is a problem cannot be told: what connection tracking holds is not visible from a container.',
    );
  });

  it('gives no number of objects for a slabinfo without lines of conntrack', () => {
    const text = 'slabinfo - version: 2.1\ndentry 10 21 192 21 1 : tunables 0 0 0 : slabdata 1 1 0';
    expect(of(snapshotOf({ 'proc/slabinfo': text })).readings[0]?.slabObjects).toBeUndefined();
  });
});

describe('settings of sysctl -a', () => {
  const analysis = () =>
    of(
      gateway({
        'proc/sys/net/netfilter/nf_conntrack_max': '',
        'proc/sys/net/netfilter/nf_conntrack_buckets': '',
        'proc/sys/net/netfilter/nf_conntrack_count': '',
        'commands/sysctl-a':
          'net.netfilter.nf_conntrack_buckets = 1024\nnet.netfilter.nf_conntrack_count = 65500\nnet.netfilter.nf_conntrack_max = 65536',
      }),
    );

  test('are set by commands under their own keys', () => {
    const { recommendation } = analysis();
    expect(recommendation.commands.rollback).toContain('sysctl -w net.netfilter.nf_conntrack_max=65536');
    expect(recommendation.commands.now.at(-1)).toMatch(/^sysctl -w net\.netfilter\.nf_conntrack_max=\d+$/);
  });

  test('are cited with their line', () => {
    const page = pages(analysis());
    expect(page.Markdown).toMatch(/\| max \| 65 536 \| \| \| commands\/sysctl-a, line 3 \|/);
    expect(page.HTML).toContain('Running values, from lines of commands/sysctl-a;');
    const chains = analysis().findings.find(({ id }) => id === 'hash-chains');
    expect(chains?.evidence.map(({ what }) => what)).toContain('nf_conntrack_buckets');
  });
});

describe('a number that is in several places', () => {
  const counted = gateway({
    'proc/net/stat/nf_conntrack': countersText({ entries: 1010, drop: 7 }),
    'commands/conntrack-S': 'cpu=0   \tfound=0 insert_failed=0 drop=9 early_drop=0 ',
  });

  test('is in a table of all of them, to which the finding leads', () => {
    const page = renderHtml(of(counted));
    expect(page).toContain('<section id="comparisons">');
    expect(page).toContain('href="#comparisons"');
    const { Markdown, HTML } = pages(of(counted));
    expect(Markdown).toContain('| **Entries of this network namespace** | | | |');
    expect(Markdown).toMatch(/\| drop \| 9 \| 2 more: read later, and counters only grow \| commands\/conntrack-S \|/);
    expect(HTML).toContain('2 more: read later, and counters only grow');
    expect(HTML).not.toContain('Times count from');
  });

  test('has no table where there is none', () => {
    const once = of(snapshotOf({ 'proc/sys/net/netfilter/nf_conntrack_count': 5 }));
    expect(renderHtml(once)).not.toContain('comparisons"');
    expect(renderMarkdown(once)).not.toContain('several places');
    // An analysis that an earlier version wrote.
    const { comparisons: _, ...older } = of(counted);
    expect(renderMarkdown(older)).not.toContain('several places');
  });

  test('says when each was read, where that is known', () => {
    const times = {
      'commands/conntrack-S': { fromSeconds: 2, toSeconds: 2.5 },
      'proc/slabinfo': { fromSeconds: 3, toSeconds: 90 },
    };
    const { Markdown } = pages(of({ ...counted, times }));
    expect(Markdown).toContain('Times count from the start of the collector.');
    expect(Markdown).toMatch(/\| drop \| 9 \| 2 s \|/);
    expect(Markdown).toMatch(/\| active_objs \| 1 010 \| 3 s to 90 s \|/);
  });
});

test('a coarse value says how coarse it is', () => {
  const { 'proc/meminfo': _, ...files } = { 'proc/meminfo': '', 'commands/uptime': 'up 3 min' };
  const page = pages(of(snapshotOf({ ...files, 'commands/free-h': 'Mem: 23Gi 446Mi' }))).Markdown;
  expect(page).toContain('| RAM (MemTotal) | 24 696 061 952 B (23.0 GiB), rounded to 1 073 741 824 B (1.00 GiB) |');
  expect(page).toContain('| Up for | 180 s (3 min), rounded to 60 s |');
});
