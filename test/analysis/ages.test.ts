import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { agesOf } from '../../src/analysis/ages.ts';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Ages } from '../../src/analysis/schema.ts';
import { TableSummariser } from '../../src/parsers/table/summariser.ts';
import { snapshotOf } from './snapshot-of.ts';

async function summary(text: string) {
  const summariser = new TableSummariser();
  const chunks = (async function* () {
    yield Buffer.from(text);
  })();
  await summariser.read('proc/net/nf_conntrack', chunks, ['ipv4', 'ipv6']);
  return summariser.finish();
}

let port = 1024;
/** A row of /proc/net/nf_conntrack, each with ports of its own. */
function row(protocol: 'tcp' | 'udp', remaining: number | undefined, state: string, flags: string, more = ''): string {
  port++;
  const number = protocol === 'tcp' ? 6 : 17;
  const [unreplied, assured] = flags === '[UNREPLIED]' ? [' [UNREPLIED]', ''] : ['', flags && ` ${flags}`];
  return `ipv4     2 ${protocol.padEnd(8)} ${number} ${remaining ?? ''} ${state} src=10.0.0.1 dst=10.0.0.2 sport=${port} dport=443${unreplied} src=10.0.0.2 dst=10.0.0.1 sport=443 dport=${port}${assured} mark=0 zone=0${more} use=2`.replace(
    / {2,}(?=src)/,
    ' ',
  );
}

const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';

/** Ages of rows on a kernel, with settings. */
async function ages(rows: string[], release: string, settings: Record<string, number> = {}, asked = {}): Promise<Ages> {
  const files = Object.fromEntries(Object.entries(settings).map(([name, seconds]) => [SYSCTL + name, seconds]));
  const snapshot = snapshotOf({ 'commands/uname-r': release, ...files }, await summary(`${rows.join('\n')}\n`));
  const found = agesOf(snapshot, undefined, asked);
  if (!found) throw new Error('no ages');
  return found;
}

const only = (found: Ages) => {
  expect(found.classes).toHaveLength(1);
  return found.classes[0] as Ages['classes'][number];
};

describe('idle is the timeout in force less what remains', () => {
  test('by the captured setting, which is named', async () => {
    const found = await ages([row('tcp', 86_400 - 4000, 'ESTABLISHED', '[ASSURED]')], '6.6.0', {
      tcp_timeout_established: 86_400,
    });
    expect(only(found)).toMatchObject({
      setting: 'tcp_timeout_established',
      timeoutSeconds: 86_400,
      timeoutFile: `${SYSCTL}tcp_timeout_established`,
      known: 1,
      medianIdleSeconds: 4000,
    });
    expect(only(found).histogram.find((bin) => bin.entries > 0)).toEqual({
      fromSeconds: 3600,
      toSeconds: 7200,
      entries: 1,
    });
    expect(found.idle).toEqual([
      { seconds: 60, entries: 1, share: 1 },
      { seconds: 3600, entries: 1, share: 1 },
      { seconds: 86_400, entries: 0, share: 0 },
    ]);
  });

  test('a timeout of 0: the entries of its last second are in a bin of their own', async () => {
    const found = await ages([row('udp', 0, '', '[UNREPLIED]')], '6.6.30', { udp_timeout: 0 });
    expect(only(found).histogram).toEqual([{ fromSeconds: 0, toSeconds: 1, entries: 1 }]);
  });

  test('by the default of the version where the setting was not captured', async () => {
    const found = only(await ages([row('tcp', 431_000, 'ESTABLISHED', '[ASSURED]')], '6.6.0'));
    expect(found).toMatchObject({ timeoutSeconds: 432_000, medianIdleSeconds: 1000 });
    expect(found).not.toHaveProperty('timeoutFile', expect.anything());
  });

  test('not at all where neither is known', async () => {
    const table = await summary(`${row('tcp', 431_000, 'ESTABLISHED', '[ASSURED]')}\n`);
    const found = agesOf(snapshotOf({ 'commands/getconf-PAGESIZE': 4096 }, table), undefined);
    expect(found?.classes[0]).toMatchObject({ known: 0, notKnown: { ambiguous: 1 } });
  });
});

describe('what cannot be dated is not', () => {
  test.each([
    [
      '300 s left of five days: on a short timer, or silent for long',
      'tcp',
      300,
      'ESTABLISHED',
      '[ASSURED]',
      'clamped',
    ],
    ['301 s left is on the long timer for certain', 'tcp', 301, 'ESTABLISHED', '[ASSURED]', 'known'],
    ['picked up in mid-stream', 'tcp', 299, 'ESTABLISHED', '[UNREPLIED]', 'clamped'],
    ['a short timeout hides no shorter one', 'tcp', 60, 'TIME_WAIT', '[ASSURED]', 'known'],
    ['more left than the setting gives', 'udp', 7776, '', '[UNREPLIED]', 'custom'],
    ['offloaded', 'tcp', undefined, '', '[OFFLOAD]', 'offloaded'],
    ['offloaded to hardware', 'udp', undefined, '', '[HW_OFFLOAD]', 'offloaded'],
  ] as const)('%s', async (_what, protocol, remaining, state, flags, expected) => {
    const found = only(await ages([row(protocol, remaining, state, flags)], '6.6.0'));
    expect({ known: found.known, ...found.notKnown }).toEqual({
      known: 0,
      clamped: 0,
      custom: 0,
      offloaded: 0,
      ambiguous: 0,
      [expected]: 1,
    });
  });

  test.each([
    ['[ASSURED]', '4.19.0', 'udp_timeout_stream', 180],
    ['[ASSURED]', '5.4.0', undefined, undefined],
    ['[ASSURED]', '5.15.0', 'udp_timeout_stream', 120],
    ['', '4.19.0', undefined, undefined],
    ['', '5.15.0', 'udp_timeout', 30],
    ['[UNREPLIED]', '3.10.0', 'udp_timeout', 30],
  ])('UDP %s on %s is ruled by %s', async (flags, release, setting, timeoutSeconds) => {
    const found = only(await ages([row('udp', 20, '', flags)], release));
    expect(found.setting).toBe(setting);
    expect(found.timeoutSeconds).toBe(timeoutSeconds);
    expect(found.notKnown.ambiguous).toBe(setting === undefined ? 1 : 0);
  });

  test('an entry that is younger than its timer would have it is a contradiction', async () => {
    const found = await ages(
      [row('udp', 10, '', '[UNREPLIED]', ' delta-time=20'), row('udp', 10, '', '[UNREPLIED]', ' delta-time=3')],
      '6.6.0',
    );
    expect(found.contradictions).toBe(1);
  });
});

describe('arrivals', () => {
  test('of a class that nothing refreshes: the median of the five youngest seconds', async () => {
    // Aged 1 to 5 s: 3, 3, 40 (a hiccup), 3 and 2 entries; and old ones, which say nothing.
    const rows = [3, 3, 40, 3, 2].flatMap((entries, index) =>
      Array.from({ length: entries }, () => row('udp', 30 - 1 - index, '', '[UNREPLIED]')),
    );
    const found = await ages([...rows, row('udp', 3, '', '[UNREPLIED]')], '6.6.0');
    expect(only(found)).toMatchObject({ entries: 52, arrivalsPerSecond: 3, lifetimeSeconds: 52 / 3 });
  });

  test('not of one that packets refresh', async () => {
    expect(only(await ages([row('udp', 100, '', '[ASSURED]')], '6.6.0')).arrivalsPerSecond).toBeUndefined();
  });
});

describe('what if', () => {
  const established = (idle: number) => row('tcp', 432_000 - idle, 'ESTABLISHED', '[ASSURED]');

  test('entries idle for as long as the proposed timeout would be gone; those that are not dated stay', async () => {
    const rows = [
      established(10),
      established(7439),
      established(7440),
      established(90_000),
      row('tcp', 200, 'ESTABLISHED', '[ASSURED]'),
    ];
    const found = await ages(rows, '6.6.0');
    expect(
      found.whatIf.map(({ proposedSeconds, gone, notKnown, steadyEntries, risk }) => [
        proposedSeconds,
        gone,
        notKnown,
        steadyEntries,
        risk,
      ]),
    ).toEqual([
      [86_400, 1, 1, 4, 'breaks-idle-connections'],
      [7440, 2, 1, 3, 'breaks-idle-connections'],
      [3600, 3, 1, 2, 'below-rfc-5382'],
    ]);
    // The lowest that breaks no standard.
    expect(found.together).toMatchObject({
      settings: [{ setting: 'tcp_timeout_established', seconds: 7440 }],
      gone: 2,
    });
  });

  test('the user’s own values', async () => {
    const found = await ages([established(10), established(2000)], '6.6.0', {}, { tcp_timeout_established: 1000 });
    expect(found.whatIf).toMatchObject([{ asked: true, proposedSeconds: 1000, gone: 1, risk: 'below-rfc-5382' }]);
    expect(found.asked).toMatchObject({ gone: 1, steadyEntries: 1 });
  });

  test('a value that is set already is not proposed', async () => {
    const found = await ages([row('tcp', 3000, 'ESTABLISHED', '[ASSURED]')], '6.6.0', {
      tcp_timeout_established: 3600,
    });
    expect(found.whatIf).toEqual([]);
  });

  test('slab memory follows', async () => {
    const table = await summary(`${[1, 2, 90_000].map(established).join('\n')}\n`);
    const snapshot = snapshotOf(
      {
        'commands/uname-r': '6.6.0',
        'commands/getconf-PAGESIZE': 4096,
        'proc/slabinfo': 'slabinfo - version: 2.1\nnf_conntrack 3 4 2048 2 1 : tunables 0 0 0 : slabdata 2 2 0',
      },
      table,
    );
    const { ages: found } = analyse(snapshot, '0');
    expect(found?.whatIf[0]).toMatchObject({ steadyEntries: 2, steadySlabBytes: 4096 });
  });
});

test('a real table: as awk dates it', async () => {
  const text = gunzipSync(readFileSync(new URL('../fixtures/table/healthy/proc.txt.gz', import.meta.url))).toString();
  const found = agesOf(snapshotOf({ 'commands/uname-r': '6.18.0' }, await summary(text)), undefined);
  // An independent pass over the same bytes: columns 3, 5 and 6 are protocol, remaining time and state.
  const idle = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , protocol, , , state]) => protocol === 'tcp' && state === 'ESTABLISHED')
    .map((columns) => Number(columns[4]))
    .filter((remaining) => remaining > 300)
    .map((remaining) => 432_000 - remaining);
  const established = found?.classes.filter(({ key }) => key.startsWith('tcp ESTABLISHED')) ?? [];
  expect(established.reduce((sum, { known }) => sum + known, 0)).toBe(idle.length);
  const overADay = established
    .flatMap(({ histogram }) => histogram)
    .filter(({ fromSeconds }) => fromSeconds >= 86_400)
    .reduce((sum, { entries }) => sum + entries, 0);
  expect(overADay).toBe(idle.filter((seconds) => seconds >= 86_400).length);
  expect(overADay).toBeGreaterThan(0);
});
