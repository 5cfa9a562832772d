/** Demand inferred from tables that were cut off, held against what the same load made where nothing was refused. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Demand } from '../../src/analysis/schema.ts';
import { FILLING } from '../../src/analysis/usage.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import { countersText, gateway, tableOf } from './snapshot-of.ts';

const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';
const BUCKETS = 'proc/sys/net/netfilter/nf_conntrack_buckets';
const STAT = 'proc/net/stat/nf_conntrack';

interface Load {
  max: number;
  liveDemand: number;
  peakCount: number;
  readings: { seconds: number; count: number; drop: number; earlyDrop: number }[];
  classes: { class: string; remaining: number[]; entries: number[] }[];
}

/** Rows of /proc/net/nf_conntrack of a class, each with a port of its own. */
function rowsOf({ classes }: Load): string[] {
  let n = 0;
  return classes.flatMap(({ class: key, remaining, entries }) => {
    const [protocol = '', ...rest] = key.split(' ');
    const flag = rest.at(-1) === 'flag' ? '' : (rest.at(-1) ?? '');
    const state = protocol === 'tcp' ? `${rest[0]} ` : '';
    const number = { tcp: 6, udp: 17, icmp: 1 }[protocol] ?? 0;
    return remaining.flatMap((seconds, at) =>
      Array.from({ length: entries[at] ?? 0 }, () => {
        const client = `10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n++ & 255}`;
        const ends = 'sport=40000 dport=443 ';
        const back = 'sport=443 dport=40000 ';
        return `ipv4     2 ${protocol.padEnd(8)} ${number} ${seconds} ${state}src=${client} dst=198.51.100.7 ${ends}${flag === 'UNREPLIED' ? '[UNREPLIED] ' : ''}src=198.51.100.7 dst=${client} ${back}${flag === 'ASSURED' ? '[ASSURED] ' : ''}mark=0 zone=0 use=2`;
      }),
    );
  });
}

const load = (name: string): Load =>
  JSON.parse(readFileSync(new URL(`../fixtures/demand/${name}.json`, import.meta.url), 'utf8'));

async function recommended(given: Load, { counters = true } = {}) {
  const [begin, end] = given.readings;
  if (!begin || !end) throw new Error('two readings are needed');
  const files = {
    'commands/uname-r': '6.18.44',
    [MAX]: given.max,
    [BUCKETS]: 262_144,
    [COUNT]: begin.count,
    'proc/uptime': `${begin.seconds} 0.00`,
    'after/proc/uptime': `${end.seconds} 0.00`,
    [`after/${COUNT}`]: end.count,
    ...(counters && {
      [STAT]: countersText({ entries: begin.count, drop: begin.drop, earlyDrop: begin.earlyDrop }),
      [`after/${STAT}`]: countersText({ entries: end.count, drop: end.drop, earlyDrop: end.earlyDrop }),
    }),
  };
  return analyse(gateway(files, await tableOf(rowsOf(given))), '0').recommendation;
}

const demandIn = async (given: Load, options?: { counters: boolean }): Promise<Demand> => {
  const { demand } = await recommended(given, options);
  if (!demand) throw new Error('no demand');
  return demand;
};

describe('a load that was cut off at 60 000, whose clients do not try again', () => {
  // The clients of these loads sent each first packet once: the higher end is the truth.
  test.each(['940', '1500', '3750'])(
    '%s new flows a second: the most live entries are near the truth',
    async (name) => {
      const given = load(name);
      const { low, high = 0, decidedBy, isLowerBound, retries } = await demandIn(given);
      expect(decidedBy).toBe('drop-rate');
      expect(isLowerBound).toBe(false);
      expect(Math.abs((retries?.mostLive ?? 0) / given.liveDemand - 1)).toBeLessThan(0.05);
      // The count has expired entries in it, for as long as they may wait at most.
      expect(high).toBeGreaterThan(given.peakCount);
      expect(high).toBeLessThan(2 * given.peakCount);
      expect(low).toBeLessThanOrEqual(1.05 * given.liveDemand);
      expect(low).toBeGreaterThan(given.max);
    },
  );

  test.each(['940', '1500', '3750'])('%s new flows a second: the limit would have been enough', async (name) => {
    const given = load(name);
    const { action, max = 0, constraint } = await recommended(given);
    expect(action).toBe('raise');
    expect(constraint).toBe('demand');
    // Expired entries wait for the garbage collector: the count is above what is alive. With the limit in force nothing is to be found filling up.
    expect(given.peakCount).toBeLessThan(FILLING * max);
  });

  test('without a drop rate only a lower bound is known, and it says so', async () => {
    const given = load('1500');
    const { low, high, isLowerBound, decidedBy } = await demandIn(given, { counters: false });
    expect({ high, isLowerBound, decidedBy }).toEqual({ high: undefined, isLowerBound: true, decidedBy: 'young' });
    expect(low).toBeGreaterThan(given.max);
    expect(low).toBeLessThan(given.liveDemand);
  });
});

describe('what came by fits and starts tells no rate', () => {
  test('a burst that filled the table', async () => {
    const bundle = fileURLToPath(new URL('../fixtures/captures/table-full.tar.gz', import.meta.url));
    const { demand } = analyse(await readSnapshot(bundle), '0').recommendation;
    expect(demand).toMatchObject({ low: 1000, isLowerBound: true, decidedBy: 'limit' });
  });

  /** A load of which nothing got in for two of the last seconds. */
  const interrupted = (name: string): Load => {
    const given = load(name);
    // 30 s and 120 s are the timeouts of the classes that nothing refreshes.
    const isOfThen = (remaining = 0) => [25, 26, 115, 116].includes(remaining);
    const classes = given.classes.map(({ remaining, entries, ...each }) => ({
      ...each,
      remaining,
      entries: entries.map((count, at) => (isOfThen(remaining[at]) ? 0 : count)),
    }));
    return { ...given, classes };
  };

  test('a table that is full', async () => {
    const given = interrupted('1500');
    const { low, high, isLowerBound } = await demandIn(given);
    expect({ low, high, isLowerBound }).toEqual({ low: given.max, high: undefined, isLowerBound: true });
  });

  test('a table with room', async () => {
    const { low, high, uncollected } = await demandIn(interrupted('500'));
    expect({ high, uncollected }).toEqual({ high: low, uncollected: undefined });
  });
});

test('a load whose clients try again what is refused, and come again when they were evicted, is between the ends', async () => {
  const bundle = fileURLToPath(new URL('../fixtures/captures/mixed-load.tar.gz', import.meta.url));
  const { demand, max } = analyse(await readSnapshot(bundle), '0').recommendation;
  const [live, peakCount] = [1617, 2063];
  expect(demand).toMatchObject({ decidedBy: 'drop-rate', isLowerBound: false });
  expect(demand?.low).toBeLessThan(live);
  expect(demand?.high).toBeGreaterThan(live);
  expect(peakCount).toBeLessThan(FILLING * (max ?? 0));
});

test('a load that fits is what it held at most, and what is counted before a collection', async () => {
  const given = load('500');
  const { low, high, decidedBy, isLowerBound, uncollected } = await demandIn(given);
  const peak = Math.max(...given.readings.map(({ count }) => count));
  expect({ low, decidedBy, isLowerBound }).toEqual({ low: peak, decidedBy: 'peak', isLowerBound: false });
  expect(high).toBe(uncollected?.entries);
  expect(Math.abs((uncollected?.arrivalsPerSecond ?? 0) / 500 - 1)).toBeLessThan(0.05);
  expect(high).toBeGreaterThan(given.peakCount);
  expect(high).toBeLessThan(2 * given.peakCount);
});

describe('slabs that are still held', () => {
  const slabs = (objects: number) =>
    `slabinfo - version: 2.1\nnf_conntrack 1010 ${objects} 256 16 1 : tunables 0 0 0 : slabdata ${objects / 16} ${objects / 16} 0`;
  const alone = {
    'netns.csv': 'inode,pids,processes,names',
    'inventory.csv': 'path,source,status,reason,start,seconds,bytes,digest\nnetns.csv,/proc,captured,,0,0,,',
    'commands/cpu-count': 2,
  };

  test('tell what the table once held, where no other namespace could have filled them', async () => {
    const { demand } = analyse(gateway({ ...alone, 'proc/slabinfo': slabs(40_000) }), '0').recommendation;
    expect(demand).toMatchObject({ decidedBy: 'slab', entries: 40_000 - 4 * 16 * 2, isLowerBound: false });
  });

  test.each([
    ['more than the limit allows', { ...alone, 'proc/slabinfo': slabs(400_000) }],
    ['other namespaces unknown', { 'proc/slabinfo': slabs(40_000) }],
    [
      'another namespace',
      {
        ...alone,
        'netns.csv': 'inode,pids,processes,names\n4026532001,1,nginx,web',
        'proc/slabinfo': slabs(40_000),
      },
    ],
  ])('tell nothing: %s', (_, files) => {
    const { demand } = analyse(gateway(files), '0').recommendation;
    expect(demand).toMatchObject({ decidedBy: 'peak', entries: 1000 });
  });
});
