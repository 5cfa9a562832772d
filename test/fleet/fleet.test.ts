import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { fleetOf } from '../../src/fleet/fleet.ts';
import { NO_LABELS, parseLabels } from '../../src/fleet/labels.ts';
import { pageNames } from '../../src/fleet/pages.ts';
import { fleetSchema } from '../../src/fleet/schema.ts';
import { snapshotOf } from '../../src/fleet/snapshot.ts';
import { packageRoot } from '../../src/package.ts';
import { count, duration } from '../../src/report/format.ts';
import { renderFleetHtml } from '../../src/report/html.ts';
import { hostsOf, type Named } from '../../src/timeline/hosts.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { analysisOf } from '../one-analysis.ts';
import { full, healthy, linux24, nearLimit, nothing } from '../report/analyses.ts';
import { host, paged } from './hosts.ts';

const names = (inputs: ReturnType<typeof host>[]) =>
  fleetOf(paged(inputs), { labels: NO_LABELS, unread: [] }, '0').hosts.map(({ name }) => name);

describe('the order of risk', () => {
  test('the worse verdict first; what cannot be judged before what is in order', () => {
    expect(
      names([host('fine', healthy()), host('blind', nothing()), host('near', nearLimit()), host('full', full())]),
    ).toEqual(['full', 'near', 'blind', 'fine']);
  });

  test('of equals who drops most, then who is fullest, then by name', () => {
    const dropping = (perSecond: number) => {
      const analysis = full();
      const { duringCapture } = analysis.drops;
      if (!duringCapture) throw new Error('a full table drops');
      return {
        ...analysis,
        drops: { ...analysis.drops, duringCapture: { ...duringCapture, dropPerSecond: perSecond } },
      };
    };
    const filled = (peakShare: number) => {
      const analysis = healthy();
      return { ...analysis, usage: { ...analysis.usage, peakShare } };
    };
    expect(
      names([
        host('b', filled(0.2)),
        host('a', filled(0.2)),
        host('c', filled(0.3)),
        host('few', dropping(1)),
        host('many', dropping(1000)),
      ]),
    ).toEqual(['many', 'few', 'c', 'a', 'b']);
  });
});

test('a host is judged by its newest snapshot, and its trend is told by all', () => {
  const days = [full(), healthy(), nearLimit()].map((analysis, day) => host('gw', analysis, { day }));
  // As they come, not as they were taken.
  const [fleetHost, ...others] = fleetOf(
    paged([days[2], days[0], days[1]].flatMap((each) => (each ? [each] : []))),
    { labels: NO_LABELS, unread: [] },
    '0',
  ).hosts;
  expect(others).toEqual([]);
  expect(fleetHost).toMatchObject({
    name: 'gw',
    snapshots: 3,
    capturedAt: '2026-11-03T12:00:00Z',
    input: 'gw-2.tar.gz',
  });
  expect(fleetHost?.verdict.kind).toBe(nearLimit().verdict.kind);
  expect(fleetHost?.trend.map(({ capturedAt }) => capturedAt?.slice(8, 10))).toEqual(['01', '02', '03']);
  expect(fleetHost?.growth.refused).toBeDefined();
});

describe('what was dropped since the previous snapshot', () => {
  const since = (inputs: Named[]) =>
    fleetOf(paged(inputs), { labels: NO_LABELS, unread: [] }, '0').hosts[0]?.drops.sincePrevious;

  test('is what the timeline counts, over the same time', async () => {
    const files = ['20261121T1500', '20261122T1500'].map((time) =>
      path.join(packageRoot, `samples/week/gw-east-4-${time}.tar.gz`),
    );
    const inputs = await Promise.all(files.map(async (name) => ({ name, analysis: await analysisOf(name) })));
    const [made] = hostsOf(inputs);
    const interval = made && timelineOf(made, '0').intervals.at(-1);
    const counted = (name: string) => interval?.deltas.find((each) => each.name === name)?.delta;
    expect(counted('drop')).toBeDefined();
    expect(since(inputs)).toMatchObject({
      from: 'previous snapshot',
      seconds: interval?.seconds,
      packets: counted('drop'),
      evicted: counted('early_drop'),
    });
    expect(interval?.seconds).toBeGreaterThan(86_000);
  });

  /** The full table on that day, its counters at so many times what they were captured at. */
  const at = (day: number, times: number, boot?: string) => {
    const input = host('gw', full(), { day });
    const { analysis } = input;
    const { counters, duringCapture: _, ...drops } = analysis.drops;
    if (!counters) throw new Error('a full table counts');
    const totals = Object.fromEntries(Object.entries(counters.totals).map(([name, total]) => [name, total * times]));
    const uptimeSeconds = { value: 86_400 * (10 + day), file: 'proc/uptime' };
    const bootId = boot === undefined ? {} : { bootId: { value: boot, file: 'proc/sys/kernel/random/boot_id' } };
    return {
      ...input,
      analysis: {
        ...analysis,
        readings: [],
        host: { ...analysis.host, uptimeSeconds, ...bootId },
        drops: { ...drops, counters: { ...counters, totals } },
      },
    };
  };
  const DROPPED = full().drops.counters?.totals.drop ?? 0;

  test('is nothing where there is none', () => {
    expect(since([at(1, 1)])).toBeUndefined();
  });

  test('tells a reset from a boot, and counts from neither what it cannot know', () => {
    expect(since([at(1, 1, 'a'), at(2, 3, 'a')])).toMatchObject({ from: 'previous snapshot', packets: 2 * DROPPED });
    expect(since([at(1, 3, 'a'), at(2, 1, 'a')])).toEqual({ from: 'not known', why: 'ran backwards' });
    expect(since([at(1, 3, 'a'), at(2, 1, 'b')])).toMatchObject({ from: 'boot', packets: DROPPED });
  });

  test('is what the index shows, with the time that it is of', () => {
    const page = (inputs: Named[]) =>
      renderFleetHtml(fleetOf(paged(inputs), { labels: NO_LABELS, unread: [] }, '0')).replace(
        /<style>[\s\S]*<\/style>/,
        '',
      );
    expect(page([at(1, 1, 'a')])).not.toContain('previous snapshot');
    expect(page([at(1, 1, 'a'), at(2, 3, 'a')])).toContain(
      `>${count(2 * DROPPED)} in ${duration(86_400)}</span><span class="note">since the previous snapshot; `,
    );
    expect(page([at(1, 3, 'a'), at(2, 1, 'a')])).toContain('since the previous snapshot: the counters were reset');
  });
});

test('the same capture twice is one, and it is said', () => {
  const { hosts, totals } = fleetOf(
    paged([host('gw', full(), { day: 1 }), { ...host('gw', full(), { day: 1 }), name: 'copy.tar.gz' }]),
    { labels: NO_LABELS, unread: [] },
    '0',
  );
  expect(totals).toMatchObject({ hosts: 1, snapshots: 1 });
  expect(hosts[0]?.notes).toEqual(['copy.tar.gz is the same capture as gw-1.tar.gz: left out']);
});

describe('hosts that are set otherwise', () => {
  const withSettings = (name: string, settings: Record<string, number>, kernel = '6.1.0') => {
    const analysis = healthy();
    return host(name, {
      ...analysis,
      host: { ...analysis.host, kernelRelease: { value: kernel, file: 'commands/uname-r' } },
      settings: Object.entries(settings).map(([setting, value]) => ({
        name: setting,
        value,
        file: 'proc',
        persisted: [],
      })),
    });
  };
  const settingsOf = (inputs: ReturnType<typeof host>[]) => {
    const { settings, hosts } = fleetOf(paged(inputs), { labels: NO_LABELS, unread: [] }, '0');
    return settings.map((each) => ({
      ...each,
      others: each.others.map((other) => ({ ...other, hosts: other.hosts.map((at) => hosts[at]?.name) })),
    }));
  };

  test('against what more than half have', () => {
    const inputs = [
      withSettings('a', { max: 65_536, tcp_loose: 1 }),
      withSettings('b', { max: 65_536, tcp_loose: 1 }),
      withSettings('c', { max: 262_144, tcp_loose: 1 }, '5.10.0'),
    ];
    expect(settingsOf(inputs)).toEqual([
      { name: 'kernel', usual: '6.1.0', hosts: 2, known: 3, others: [{ value: '5.10.0', hosts: ['c'] }] },
      { name: 'max', usual: 65_536, hosts: 2, known: 3, others: [{ value: 262_144, hosts: ['c'] }] },
    ]);
    const { hosts } = fleetOf(paged(inputs), { labels: NO_LABELS, unread: [] }, '0');
    expect(hosts.find(({ name }) => name === 'c')?.differs).toEqual([
      { setting: 'kernel', value: '5.10.0', usual: '6.1.0' },
      { setting: 'max', value: 262_144, usual: 65_536 },
    ]);
  });

  test('a half is not most, two are not many, and what is not known is no difference', () => {
    expect(settingsOf([1, 1, 2, 2].map((max, n) => withSettings(`h${n}`, { max })))).toEqual([]);
    expect(settingsOf([1, 2].map((max, n) => withSettings(`h${n}`, { max })))).toEqual([]);
    expect(
      settingsOf(
        [{ max: 1 }, { max: 1 }, { max: 1 }, {}].map((each, n) =>
          withSettings(`h${n}`, each as Record<string, number>),
        ),
      ),
    ).toEqual([]);
  });

  test('what nobody sets is not compared', () => {
    const inputs = [1, 1, 2].map((n, at) => withSettings(`h${at}`, { count: n, 'module parameter hashsize': n }));
    expect(settingsOf(inputs)).toEqual([]);
  });
});

test('labels are those of the host, whatever the case of its name; who has none and who is missing is told', () => {
  const labels = parseLabels('hostname,site,role\nGW-1,Lyon,edge\ngw-2,Oslo,\ngw-3,Oslo,core\n', 'hosts.csv');
  const { hosts, missing } = fleetOf(
    paged([host('gw-1', healthy()), host('GW-2', healthy()), host('other', healthy())]),
    { labels, unread: [] },
    '0',
  );
  expect(Object.fromEntries(hosts.map((each) => [each.name, each.labels]))).toEqual({
    'gw-1': { site: 'Lyon', role: 'edge' },
    'GW-2': { site: 'Oslo' },
    other: {},
  });
  expect(missing).toEqual([{ hostname: 'gw-3', labels: { site: 'Oslo', role: 'core' } }]);
});

test('a fleet is what its schema says', () => {
  const inputs = [full(), healthy(), nearLimit(), nothing(), linux24()].map((analysis, n) => host(`gw-${n}`, analysis));
  const fleet = fleetOf(paged(inputs), { labels: NO_LABELS, unread: [{ input: 'x', reason: 'broken' }] }, '0');
  expect(fleetSchema.parse(JSON.parse(JSON.stringify(fleet)))).toEqual(fleet);
  expect(fleet.totals.hosts).toBe(5);
  expect(Object.values(fleet.totals.bySeverity).reduce((sum, n) => sum + n)).toBe(5);
  expect(fleet.totals.byVerdict.reduce((sum, { hosts }) => sum + hosts, 0)).toBe(5);
});

describe('pages', () => {
  const pagesOf = (...hostnames: (string | undefined)[]) =>
    pageNames(
      hostsOf(
        hostnames.map((name, n) => {
          const analysis = snapshotOf(host(name ?? '', healthy()).analysis);
          const machineIdSha256 = { value: `machine ${n}` };
          const { hostname, ...rest } = analysis.host;
          return {
            name: `${n}.tar.gz`,
            analysis: { ...analysis, host: { ...rest, machineIdSha256, ...(name !== undefined && { hostname }) } },
          };
        }),
      ),
    );

  test('are called as their host is', () => {
    expect(pagesOf('gw-1.example.net', 'GW_2')).toEqual(['gw-1.example.net.html', 'GW_2.html']);
  });

  test('leave no folder, and are no file that a system keeps for itself', () => {
    const odd = [
      '../../etc/passwd',
      'a/b',
      'a\\b',
      '.hidden',
      '..',
      '',
      'con',
      'NUL.txt',
      'a\0b',
      'x'.repeat(300),
      '<b>',
      undefined,
    ];
    const pages = pagesOf(...odd);
    for (const page of pages) {
      expect(page).toMatch(/^[A-Za-z0-9_][\w.-]{0,100}\.html$/);
      expect(page).not.toMatch(/^(?:con|nul)\./i);
    }
    expect(new Set(pages).size).toBe(odd.length);
  });

  test('of two hosts of one name are two, on a file system that minds no case too', () => {
    const pages = pagesOf('gw', 'GW', 'gw');
    expect(new Set(pages.map((page) => page.toLowerCase())).size).toBe(3);
    for (const page of pages) expect(page).toMatch(/^gw-[0-9a-f]{8}\.html$/i);
  });

  test('keep their name whatever other hosts there are', () => {
    const [, before] = pagesOf('plain', 'a b');
    const [, after] = pagesOf('another', 'a b');
    expect(after).toBe(before);
  });
});
