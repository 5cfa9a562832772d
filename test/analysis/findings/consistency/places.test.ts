import { describe, expect, test } from 'vitest';
import { analyse } from '../../../../src/analysis/analyse.ts';
import { analysisSchema, type Comparison } from '../../../../src/analysis/schema.ts';
import { statementOf } from '../../../../src/report/findings.ts';
import { remarkOf } from '../../../../src/report/inspection.ts';
import type { Snapshot } from '../../../../src/snapshot/types.ts';
import { countersText, gateway, snapshotOf, tableOf } from '../../snapshot-of.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const STAT = 'proc/net/stat/nf_conntrack';
const row = (n: number) =>
  `ipv4     2 udp      17 25 src=10.0.${n >> 8}.${n & 255} dst=198.51.100.7 sport=40000 dport=53 src=198.51.100.7 dst=10.0.${n >> 8}.${n & 255} sport=53 dport=40000 mark=0 zone=0 use=2`;
const row6 = (n: number) =>
  `ipv6     10 udp      17 25 src=2001:db8::${n} dst=2001:db8:1::1 sport=4000 dport=53 src=2001:db8:1::1 dst=2001:db8::${n} sport=53 dport=4000 mark=0 use=1`;
const rows = (count: number) => Array.from({ length: count }, (_, n) => row(n));
const slab = (objects: number) =>
  `slabinfo - version: 2.1\nnf_conntrack ${objects} ${objects} 256 16 1 : tunables 0 0 0 : slabdata ${objects} ${objects} 0`;
const shown = (entries: number) => `conntrack v1.4.7 (conntrack-tools): ${entries} flow entries have been shown.`;

/** A capture of nothing but these. */
const bare = (files: Record<string, string | number>, table?: Snapshot['table']) =>
  gateway(
    {
      [COUNT]: '',
      'proc/sys/net/netfilter/nf_conntrack_max': '',
      'proc/sys/net/netfilter/nf_conntrack_buckets': '',
      'proc/slabinfo': '',
      ...files,
    },
    table,
  );
/** The same, as another collector reads it: from minute to minute. */
const slow = (snapshot: Snapshot): Snapshot => ({ ...snapshot, bundle: { ...snapshot.bundle, layout: 'sosreport' } });

function analysed(snapshot: Snapshot) {
  const analysis = analyse(snapshot, '0');
  expect(analysisSchema.parse(analysis)).toEqual(analysis);
  const finding = analysis.findings.find(({ id }) => id === 'consistency');
  return { comparisons: analysis.comparisons ?? [], finding, statement: finding && statementOf(finding) };
}

const placed = (comparison: Comparison | undefined) =>
  comparison?.places.map(({ what, value, file, line, used, why }) => [
    what,
    value,
    line === undefined ? file : `${file}:${line}`,
    used ?? why,
  ]);
const entriesOf = (snapshot: Snapshot) => analysed(snapshot).comparisons.find(({ of }) => of === 'entries');
const whyOf = (snapshot: Snapshot, what: string) => {
  const place = entriesOf(snapshot)?.places.find((each) => each.what === what);
  return [place?.why, place && remarkOf(place).replace(/[\u00a0\u202f]/g, ' ')];
};

describe('the places of a number', () => {
  test('all of them, with the one that is used and why each other differs', async () => {
    const table = await tableOf(rows(980));
    const files = {
      [COUNT]: 1000,
      'commands/sysctl-a': 'net.netfilter.nf_conntrack_count = 1020\nnet.netfilter.nf_conntrack_max = 65536',
      'commands/conntrack-C': 1000,
      [STAT]: countersText({ entries: 1001 }),
      'proc/slabinfo': slab(1060),
      'commands/cpu-count': 2,
      [`after/${COUNT}`]: 950,
    };
    const other = await tableOf([...rows(990), shown(990)], 'commands/conntrack-L');
    const snapshot = { ...bare(files, table), otherTables: [other] };
    expect(placed(entriesOf(snapshot))).toEqual([
      ['nf_conntrack_count', 1000, COUNT, 'number'],
      ['nf_conntrack_count', 1020, 'commands/sysctl-a:1', 'moment'],
      ['conntrack -C', 1000, 'commands/conntrack-C', undefined],
      ['entries column', 1001, `${STAT}:2`, 'moment'],
      ['rows of the table', 980, 'proc/net/nf_conntrack', 'rows'],
      ['rows of another listing', 990, 'commands/conntrack-L', 'moment'],
      ['flow entries shown', 990, 'commands/conntrack-L:991', 'moment'],
      ['active_objs', 1060, 'proc/slabinfo:2', 'ready'],
      ['nf_conntrack_count', 950, `after/${COUNT}`, 'afterwards'],
    ]);
    expect(analysed(snapshot).finding?.severity).toBe('ok');
  });

  test('nothing where nothing is there twice', () => {
    expect(analysed(snapshotOf({ [COUNT]: 5, 'proc/sys/net/netfilter/nf_conntrack_max': 10 })).comparisons).toEqual([]);
    expect(analysed(snapshotOf({ 'commands/uname-r': '6.1.0' })).comparisons).toEqual([]);
  });

  test('when each was read, as far as the inventory tells', () => {
    const inventory = [
      'path,source,status,reason,start,seconds,bytes,digest',
      `${COUNT},x,captured,,0.5,0.1,,`,
      `${STAT},x,captured,,120,1,,`,
    ];
    const snapshot = bare({
      [COUNT]: 1000,
      [STAT]: countersText({ entries: 1010 }),
      'inventory.csv': inventory.join('\n'),
    });
    expect(entriesOf(snapshot)?.places.map(({ time }) => time)).toEqual([
      { fromSeconds: 0.5, toSeconds: 0.6 },
      { fromSeconds: 120, toSeconds: 121 },
    ]);
    expect(whyOf(snapshot, 'entries column')[1]).toBe('read 120 s later: entries came and went meanwhile');
  });

  test('two counts that no time between them explains are a finding', () => {
    const files = { [COUNT]: 1000, 'commands/sysctl-a': 'net.netfilter.nf_conntrack_count = 9000' };
    for (const snapshot of [bare(files), slow(bare(files))]) {
      expect(whyOf(snapshot, 'nf_conntrack_count')[0]).toBeUndefined();
      expect(placed(entriesOf(snapshot))?.[1]?.[3]).toBe('notExplained');
      expect(analysed(snapshot)).toMatchObject({
        finding: { severity: 'notice' },
        statement:
          'Two numbers of one thing do not fit together: nf_conntrack_count in commands/sysctl-a is 9 000, but nf_conntrack_count in ' +
          `${COUNT} is 1 000: they are of different moments, namespaces or hosts.`,
      });
    }
  });

  test('minutes explain what moments do not', () => {
    const files = { [COUNT]: 10_000, 'commands/sysctl-a': 'net.netfilter.nf_conntrack_count = 9300' };
    expect(placed(entriesOf(bare(files)))?.[1]?.[3]).toBe('notExplained');
    expect(placed(entriesOf(slow(bare(files))))?.[1]?.[3]).toBe('minutesApart');
    expect(analysed(slow(bare(files))).finding?.severity).not.toBe('notice');
  });
});

test('minutes explain rows that no effect of reading does', async () => {
  const snapshot = bare({ [COUNT]: 1000 }, await tableOf(rows(1150)));
  expect(whyOf(snapshot, 'rows of the table')[0]).toBe('notExplained');
  expect(analysed(snapshot).finding?.severity).toBe('notice');
  expect(whyOf(slow(snapshot), 'rows of the table')[0]).toBe('minutesApart');
  expect(analysed(slow(snapshot))).toMatchObject({
    finding: { severity: 'ok' },
    statement: expect.stringContaining('the files of this archive were read minutes apart'),
  });
});

describe('rows are fewer than entries since', () => {
  test('the capture of them was cut; what they say that they were is whole', async () => {
    const table = await tableOf([row(0), ...rows(300), shown(1000)], 'tail/commands/conntrack-L');
    const snapshot = slow(bare({ [COUNT]: 1000 }, table));
    expect(whyOf(snapshot, 'rows of the table')).toEqual([
      'cut',
      'used for what fills the table; only a part of the listing was kept',
    ]);
    expect(whyOf(snapshot, 'flow entries shown')[0]).toBeUndefined();
  });

  test('expired entries are not listed', async () => {
    const table = await tableOf([...rows(300), shown(300)], 'commands/conntrack-L');
    const [why, remark] = whyOf(bare({ [COUNT]: 1000 }, table), 'rows of the table');
    expect([why, remark]).toEqual([
      'expired',
      expect.stringMatching(/; 700 fewer: entries that have expired are counted/),
    ]);
    expect(whyOf(bare({ [COUNT]: 1000 }, table), 'flow entries shown')[0]).toBe('expired');
  });

  test('IPv6 is not listed', async () => {
    const both = await tableOf([...rows(500), ...Array.from({ length: 400 }, (_, n) => row6(n + 1))]);
    const old = await tableOf([...rows(500), shown(500).replace('1.4.7', '1.4.5')], 'commands/conntrack-L');
    const snapshot = { ...slow(bare({ [COUNT]: 900 }, both)), otherTables: [old] };
    expect(whyOf(snapshot, 'rows of another listing')).toEqual([
      'oneFamily',
      'IPv4 only, which is all that conntrack -L lists up to version 1.4.6',
    ]);
    expect(whyOf(snapshot, 'flow entries shown')[0]).toBe('oneFamily');
    expect(analysed(snapshot).finding?.severity).toBe('ok');
  });

  test('another listing that was cut contradicts nothing', async () => {
    const part = await tableOf([row(0), ...rows(100), shown(1000)], 'tail/commands/conntrack-L');
    const snapshot = { ...slow(bare({ [COUNT]: 1000 }, await tableOf(rows(1000)))), otherTables: [part] };
    expect(whyOf(snapshot, 'rows of another listing')[0]).toBe('cut');
    expect(analysed(snapshot).finding?.severity).toBe('ok');
  });
});

describe('objects of the slab', () => {
  const namespaces = {
    'netns.csv': 'inode,pids,processes,names\n4026532453,3,nginx,web',
    'netns/4026532453/proc/net/stat/nf_conntrack': countersText({ entries: 9000 }),
    'commands/cpu-count': 2,
  };

  test.each([
    [10_000, 'elsewhere', 'the objects of all network namespaces: 9 000 entries are in others'],
    [10_040, 'ready', /^the objects of all network namespaces, of which 9 000 entries are in others; free objects/],
  ])('with those of other namespaces: %d', (objects, why, remark) => {
    const snapshot = bare({ [COUNT]: 1000, 'proc/slabinfo': slab(objects), ...namespaces });
    expect(whyOf(snapshot, 'active_objs')).toEqual([why, expect.stringMatching(remark)]);
  });

  test('more than is seen', () => {
    const snapshot = bare({ [COUNT]: 1000, 'proc/slabinfo': slab(9000), 'commands/cpu-count': 2 });
    expect(whyOf(snapshot, 'active_objs')).toEqual(['hidden', expect.stringContaining('8 000 more can be entries of')]);
  });
});

describe('other namespaces', () => {
  const named = (count: number, listed: number): Snapshot => ({
    ...slow(bare({})),
    namespaces: [
      {
        processes: [],
        names: ['web'],
        count: { value: count, file: 'netns/web/commands/sysctl-a', line: 3 },
        rows: { value: listed, file: 'netns/web/commands/conntrack-L', how: 'rows' },
      },
    ],
  });
  test.each([
    [400, 400, 'ok', undefined],
    [400, 210, 'ok', 'expired'],
    [400, 430, 'ok', 'moment'],
    [4000, 4600, 'ok', 'minutesApart'],
    [400, 2000, 'notice', 'notExplained'],
  ])('%d by the count, %d rows', (count, listed, severity, why) => {
    const { comparisons, finding } = analysed(named(count, listed));
    expect(comparisons.map(placed)).toEqual([
      [
        ['nf_conntrack_count', count, 'netns/web/commands/sysctl-a:3', 'number'],
        ['rows of the table', listed, 'netns/web/commands/conntrack-L', why],
      ],
    ]);
    expect(comparisons[0]?.name).toBe('web');
    expect(finding?.severity === 'notice').toBe(severity === 'notice');
  });
});

describe('settings', () => {
  const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';
  test('that were written while the capture was made', () => {
    const snapshot = bare({
      [MAX]: 65_536,
      'proc/sys/net/nf_conntrack_max': 131_072,
      'commands/sysctl-a': 'net.netfilter.nf_conntrack_max = 65536\nnet.netfilter.nf_conntrack_buckets = 16384',
      'sys/module/nf_conntrack/parameters/hashsize': 16_384,
    });
    const { comparisons } = analysed(snapshot);
    expect(comparisons.map(({ of }) => of)).toEqual(['max', 'buckets']);
    expect(comparisons.map(placed)).toEqual([
      [
        ['nf_conntrack_max', 65_536, MAX, 'number'],
        ['nf_conntrack_max', 131_072, 'proc/sys/net/nf_conntrack_max', 'written'],
        ['net.netfilter.nf_conntrack_max', 65_536, 'commands/sysctl-a:1', undefined],
      ],
      [
        ['net.netfilter.nf_conntrack_buckets', 16_384, 'commands/sysctl-a:2', 'number'],
        ['hashsize', 16_384, 'sys/module/nf_conntrack/parameters/hashsize', undefined],
      ],
    ]);
  });

  test('buckets that the module’s parameter does not name', () => {
    const snapshot = bare({
      'proc/sys/net/netfilter/nf_conntrack_buckets': 16_384,
      'sys/module/nf_conntrack/parameters/hashsize': 65_536,
    });
    expect(analysed(snapshot).statement).toMatch(
      /^Two numbers of one thing do not fit together: hashsize in .* is 65 536, but/,
    );
  });
});

describe('counters', () => {
  const commands = (counters: Record<string, number>, cpus = 2) =>
    Array.from({ length: cpus }, (_, cpu) => {
      const values = Object.entries(counters).map(([name, value]) => `${name}=${cpu === 0 ? value : 0}`);
      return `cpu=${cpu}   \tfound=0 ${values.join(' ')} `;
    }).join('\n');
  const kernel = (numbers: Parameters<typeof countersText>[0], cpus = 2) => {
    const [header = '', line = ''] = countersText(numbers).split('\n');
    const others = Array.from({ length: cpus - 1 }, () => line.replace(/[\da-f]{8}/g, '00000000'));
    return [header, line, ...others].join('\n');
  };
  const counted = (ours: Parameters<typeof countersText>[0], theirs: Record<string, number>, cpus = 2) =>
    slow(bare({ [STAT]: kernel(ours), 'commands/conntrack-S': commands(theirs, cpus), 'commands/cpu-count': 2 }));
  const whysOf = (snapshot: Snapshot) =>
    Object.fromEntries(
      analysed(snapshot)
        .comparisons.filter(({ of }) => of === 'counter')
        .map(({ name, places }) => [name, places.map(({ value, used, why }) => used ?? why ?? value)]),
    );

  test('the same in hexadecimal and in decimal', () => {
    const snapshot = counted({ drop: 0x1234, earlyDrop: 10 }, { drop: 0x1234, early_drop: 10 });
    expect(whysOf(snapshot)).toEqual({ drop: ['number', 0x1234], early_drop: ['number', 10] });
    expect(analysed(snapshot).finding?.severity).not.toBe('notice');
  });

  test.each([
    ['all of them grew', { drop: 50, insert_failed: 9, early_drop: 10 }, 'later'],
    ['all of them were lower', { drop: 4, insert_failed: 5, early_drop: 9 }, 'earlier'],
  ])('honest growth is no contradiction: %s', (_, theirs, why) => {
    const snapshot = counted({ drop: 5, insertFailed: 6, earlyDrop: 10 }, theirs);
    expect(whysOf(snapshot).drop).toEqual(['number', why]);
    expect(analysed(snapshot).finding?.severity).not.toBe('notice');
  });

  test('one that is higher and one that is lower are of two namespaces', () => {
    const snapshot = counted({ drop: 500, insertFailed: 6 }, { drop: 20, insert_failed: 900 });
    expect(whysOf(snapshot)).toMatchObject({
      drop: ['number', 'notExplained'],
      insert_failed: ['number', 'notExplained'],
    });
    expect(analysed(snapshot).statement).toBe(
      'Two readings of the counters do not fit together: insert_failed is 900 in commands/conntrack-S and 6 in ' +
        `${STAT}, but counters of one namespace only grow, and between these two some would have fallen, and 1 other thing does not fit either.`,
    );
  });

  test('what was certainly read later is not lower', () => {
    const at = (path: string, from: number) => ({ [path]: { fromSeconds: from, toSeconds: from + 1 } });
    const snapshot = counted({ drop: 50 }, { drop: 20 });
    const [later, earlier] = [at('commands/conntrack-S', 60), at('commands/conntrack-S', 0)];
    const read = (times: Snapshot['times']) => whysOf({ ...snapshot, times: { ...at(STAT, 30), ...times } }).drop;
    expect(read(later)).toEqual(['number', 'notExplained']);
    expect(read(earlier)).toEqual(['number', 'earlier']);
    // Within one plugin of sos, either may have been first.
    expect(read({ 'commands/conntrack-S': { fromSeconds: 0, toSeconds: 90 } })).toEqual(['number', 'earlier']);
  });

  test('a counter that went past its end, and fewer CPUs, say nothing', () => {
    expect(whysOf(counted({ drop: 0xffff_fff0 }, { drop: 3 })).drop).toEqual(['number', 'wrapped']);
    const fewer = counted({ drop: 50, insertFailed: 1 }, { drop: 20, insert_failed: 3 }, 1);
    expect(whysOf(fewer).drop).toEqual(['number', 'fewerCpus']);
    expect(analysed(fewer).finding?.severity).not.toBe('notice');
  });

  test('a column that the command does not have, or another kernel calls otherwise, is compared with nothing', () => {
    const header =
      'entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart';
    const line = header
      .trim()
      .split(/\s+/)
      .map((_, at) => (at + 16).toString(16).padStart(8, '0'))
      .join(' ');
    const snapshot = slow(
      bare({
        [STAT]: `${header}\n${line}`,
        'commands/conntrack-S':
          'cpu=0   \tfound=18 invalid=20 insert=24 insert_failed=25 drop=26 early_drop=27 error=28 search_restart=32 clash_resolve=7 chaintoolong=9 ',
      }),
    );
    expect(whysOf(snapshot)).toEqual({ drop: ['number', 26], early_drop: ['number', 27] });
  });
});
