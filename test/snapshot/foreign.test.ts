/** What other collectors make, against facts that were counted from the files before they were packed (test/fixtures/foreign/README.md). */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { analysesOf } from '../../src/analyses.ts';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Analysis } from '../../src/analysis/schema.ts';
import { BundleError, readBundle } from '../../src/bundle/bundle.ts';
import { unpackFile } from '../../src/bundle/unpack.ts';
import { packageRoot } from '../../src/package.ts';
import { renderText } from '../../src/report/text.ts';
import { readSnapshots } from '../../src/snapshot/read.ts';
import type { Snapshot } from '../../src/snapshot/types.ts';

const FOLDER = path.join(packageRoot, 'test', 'fixtures', 'foreign');

interface Expected {
  layout: string;
  archive: string;
  hostname?: string;
  kernelRelease?: string;
  capturedAt?: string;
  count?: number;
  max?: number;
  buckets?: number;
  pageBytes?: number;
  slab?: {
    active: number;
    total: number;
    objectBytes: number;
    objectsPerSlab: number;
    pagesPerSlab: number;
    line: number;
  };
  tables?: {
    member: string;
    rows: number;
    byFamily: Record<string, number>;
    byProtocolAndState: Record<string, number>;
    assured: number;
    unreplied: number;
  }[];
  counters?: { member: string; drop: number; earlyDrop: number }[];
  tableFullLogLines?: number;
}

const named = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    name,
    ...(JSON.parse(readFileSync(path.join(FOLDER, name, 'expected.json'), 'utf8')) as Expected & {
      hosts?: Expected[];
    }),
  }));

const archiveOf = ({ name, archive }: { name: string; archive: string }) => path.join(FOLDER, name, archive);

/** Counts by key, without the keys that count nothing. */
const tallies = (list: readonly { key: string; entries: number }[]) =>
  Object.fromEntries(list.filter(({ entries }) => entries > 0).map(({ key, entries }) => [key, entries]));

function check(analysis: Analysis, expected: Expected): void {
  const { host, usage, hash, slab, table, drops } = analysis;
  expect(host.hostname?.value).toBe(expected.hostname);
  expect(host.kernelRelease?.value).toBe(expected.kernelRelease);
  // sos runs `date` and `date --utc` one after the other.
  const apart = Date.parse(host.capturedAt?.value ?? '') - Date.parse(expected.capturedAt ?? '');
  expect(Math.abs(apart) <= 2000 || host.capturedAt?.value === expected.capturedAt).toBe(true);
  expect(usage.max?.value).toBe(expected.max);
  expect(hash.buckets?.value).toBe(expected.buckets);
  if (expected.count !== undefined) expect(usage.entries?.value).toBe(expected.count);
  if (expected.pageBytes !== undefined) expect(analysis.pageBytes?.value).toBe(expected.pageBytes);
  if (expected.slab) {
    expect(slab.caches[0]).toMatchObject({
      activeObjects: expected.slab.active,
      totalObjects: expected.slab.total,
      objectBytes: expected.slab.objectBytes,
      objectsPerSlab: expected.slab.objectsPerSlab,
      pagesPerSlab: expected.slab.pagesPerSlab,
      line: expected.slab.line,
    });
  } else expect(slab.caches).toEqual([]);
  const counted = expected.tables?.find(({ member }) => table?.files.includes(member));
  expect(counted === undefined).toBe(table === undefined);
  if (counted && table) {
    // Of several listings of this namespace none has many more rows: some entries expired before the last was made.
    const ofThis = (expected.tables ?? []).filter(({ member }) => !member.includes('ip_netns_exec'));
    expect(counted.rows).toBeGreaterThan(0.9 * Math.max(...ofThis.map(({ rows }) => rows)));
    expect(table.entries).toBe(counted.rows);
    expect(table.malformed.count).toBe(0);
    expect(tallies(table.byFamily)).toEqual(counted.byFamily);
    const stateless = table.byProtocol.filter(
      ({ key }) => !table.byState.some((state) => state.key.startsWith(`${key} `)),
    );
    expect(tallies([...table.byState, ...stateless])).toEqual(counted.byProtocolAndState);
    const flags = tallies(table.byFlag);
    expect(flags.ASSURED ?? 0).toBe(counted.assured);
    expect(flags.UNREPLIED ?? 0).toBe(counted.unreplied);
  }
  const counters = expected.counters?.find(({ member }) => member === drops.counters?.file);
  expect(counters === undefined).toBe(drops.counters === undefined);
  expect(drops.counters?.totals.drop).toBe(counters?.drop);
  expect(drops.counters?.totals.early_drop).toBe(counters?.earlyDrop);
}

describe('the archives of other collectors', () => {
  test.each(named.filter(({ hosts }) => hosts === undefined))('$name', async (expected) => {
    const [first, ...others] = await analysesOf(archiveOf(expected));
    if (first === undefined || 'error' in first) throw new Error('no capture');
    expect(others).toEqual([]);
    check(first.analysis, expected);
    const [captured] = await readSnapshots(archiveOf(expected));
    const log = captured && 'snapshot' in captured ? captured.snapshot.log : [];
    // Insights keeps only lines that some rule asks for.
    const most = expected.layout.startsWith('insights') ? 10 : 0;
    const missing = (expected.tableFullLogLines ?? 0) - log.filter(({ kind }) => kind === 'table-full').length;
    expect(missing).toBeGreaterThanOrEqual(0);
    expect(missing).toBeLessThanOrEqual(most);
  });

  test.each(named.filter(({ layout = '' }) => layout.startsWith('insights')))(
    '$name: that its log does not say “table full” proves nothing',
    async (expected) => {
      const [first] = await analysesOf(archiveOf(expected));
      if (first === undefined || 'error' in first) throw new Error('no capture');
      const { drops, problems, findings } = first.analysis;
      expect(drops.log).toMatchObject({ captured: [], tableFullLines: 0 });
      expect(problems).toContainEqual(
        expect.objectContaining({ cost: 'That none of them says “table full” proves nothing.' }),
      );
      expect(findings.find(({ id }) => id === 'was-full')?.severity).not.toBe('ok');
      expect(renderText(first.analysis)).not.toContain('log lines');
    },
  );

  test.each(named.filter(({ hosts }) => hosts !== undefined))(
    '$name, with several captures in it',
    async (expected) => {
      const captures = await analysesOf(archiveOf(expected));
      expect(captures).toHaveLength(expected.hosts?.length ?? 0);
      for (const host of expected.hosts ?? []) {
        const capture = captures.find(({ inner }) => inner?.endsWith(host.archive));
        if (capture === undefined || 'error' in capture) throw new Error(`${host.archive} was not read`);
        check(capture.analysis, host);
      }
    },
  );
});

async function packed(members: Record<string, Uint8Array>): Promise<Buffer> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(members)) archive.entry({ name, mtime: new Date(0) }, Buffer.from(bytes));
  archive.finalize();
  return await buffer(archive);
}

function readAll(bytes: Uint8Array) {
  async function* stdin() {
    yield bytes;
  }
  return readSnapshots('-', { stdin: stdin() });
}

/** Reads an archive of these members, in this order. */
async function readOne(members: Record<string, Uint8Array | string>): Promise<Snapshot> {
  const bytes = Object.entries(members).map(([name, content]) => [`top/${name}`, Buffer.from(content)] as const);
  const [first] = await readAll(await packed(Object.fromEntries(bytes)));
  if (first === undefined || 'error' in first) throw new Error('no capture');
  return first.snapshot;
}

/** The members of a fixture, in its order. */
async function membersOf(name: string): Promise<Record<string, Buffer>> {
  const members: Record<string, Buffer> = {};
  const each = named.find((one) => one.name === name);
  await readBundle(each ? archiveOf(each) : '', async ({ path: member, content }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(Buffer.from(chunk));
    members[member] = Buffer.concat(chunks);
  });
  return members;
}

test('settings and tables of each network namespace', async () => {
  const { namespaces } = await readOne(await membersOf('sos-netns'));
  expect(namespaces.map(({ names, count, max, rows }) => [names, count?.value, max?.value, rows?.value])).toEqual([
    [['qrouter-web'], 400, 400, 400],
    [['tenant-b'], 22, 400, 22],
  ]);
});

test('a contradiction is told with the names that files have in the archive', async () => {
  const snapshot = await readOne({
    ...(await membersOf('sos-whole')),
    'proc/sys/net/netfilter/nf_conntrack_count': '9000',
  });
  const { comparisons = [], findings } = analyse(snapshot, '0');
  expect(comparisons[0]?.places.slice(0, 2).map(({ file, line, why }) => [file, line, why])).toEqual([
    ['proc/sys/net/netfilter/nf_conntrack_count', undefined, undefined],
    ['sos_commands/kernel/sysctl_-a', 968, 'notExplained'],
  ]);
  const finding = findings.find(({ id }) => id === 'consistency');
  expect(finding?.severity).toBe('notice');
  expect(JSON.stringify(finding)).not.toMatch(/"commands\//);
});

test('what supportconfig says that it did not find is not taken for an empty file', async () => {
  const section = (title: string, text: string) => `#==[ Log File ]===#\n# ${title}\n${text}\n`;
  const messages =
    section('/var/log/messages - File not found', '') + section('/var/log/syslog - Last 1000 Lines', 'Nov 1 gw x');
  const { logFiles } = await readOne({ 'basic-environment.txt': '', 'messages.txt': messages });
  expect(logFiles).toEqual(['var/log/syslog']);
});

describe('a listing of a network namespace that sos cut', () => {
  const COMMAND = 'conntrack/ip_netns_exec_qrouter-web_conntrack_-L_-o_extended';
  const cut = async (where: string, change: (rest: string, members: Record<string, Buffer>) => string) => {
    const { [`sos_commands/${COMMAND}`]: whole = Buffer.alloc(0), ...members } = await membersOf('sos-netns');
    const text = whole.toString('latin1');
    members[where] = Buffer.from(change(text.slice(text.length / 2), members), 'latin1');
    const { namespaces, problems } = await readOne(members);
    const { rows } = namespaces.find(({ names }) => names.includes('qrouter-web')) ?? {};
    return { rows, told: problems.some(({ what }) => what === 'is only the end of what the command printed') };
  };
  const manifest = (rest: string, members: Record<string, Buffer>) => {
    const text = members['sos_reports/manifest.json']?.toString() ?? '';
    const said = text.replace(
      `"filepath": "sos_commands/${COMMAND}"`,
      `"truncated": true, "filepath": "sos_strings/${COMMAND}.tailed"`,
    );
    expect(said).not.toBe(text);
    members['sos_reports/manifest.json'] = Buffer.from(said);
    return rest;
  };

  test.each([
    ['by its name', `sos_strings/${COMMAND}.tailed`, (rest: string) => rest],
    ['by the manifest', `sos_commands/${COMMAND}`, manifest],
  ])('has as many entries as the command says: %s', async (_, where, change) => {
    expect(await cut(where, change)).toMatchObject({ rows: { value: 400, how: 'shown' }, told: false });
  });

  test('has no number where it does not say so', async () => {
    const unsaid = (rest: string) => rest.replace(/^.*conntrack v.*\n/m, '').replace(/conntrack v.*shown\.\n/, '');
    expect(await cut(`sos_strings/${COMMAND}.tailed`, unsaid)).toEqual({ rows: undefined, told: true });
  });
});

test('lines that name a network namespace are not passed over where no counter was captured', async () => {
  const [first] = await analysesOf(
    archiveOf(named.find(({ name }) => name === 'supportconfig') ?? { name: '', archive: '' }),
  );
  if (first === undefined || 'error' in first) throw new Error('no capture');
  const text = renderText(first.analysis).replace(/\s+/g, ' ');
  expect(text).toContain('not captured. Other lines name a network namespace: see the findings');
  expect(renderText(first.analysis)).toMatch(/log lines {2}0: lines are.*\n {20}/);
});

describe('an output that sos cut', () => {
  const LISTING = 'conntrack/conntrack_-L_-o_extended';
  const MANIFEST = 'sos_reports/manifest.json';
  /** What follows from it, of an archive without the whole table of /proc. */
  const part = async (change: (members: Record<string, Buffer>, tail: Buffer) => void, first: 'manifest' | 'table') => {
    const { [`sos_strings/${LISTING}.tailed`]: tail = Buffer.alloc(0), ...members } = await membersOf('sos-truncated');
    for (const member of Object.keys(members))
      if (/^proc\/\d+\/net\/nf_conntrack$/.test(member)) delete members[member];
    change(members, tail);
    const { [MANIFEST]: manifest, ...others } = members;
    const last = manifest && { [MANIFEST]: manifest };
    const { table } = await readOne(first === 'table' ? { ...others, ...last } : { ...last, ...others });
    return table;
  };

  test.each([
    [
      'by its name alone',
      (all: Record<string, Buffer>, tail: Buffer) => {
        all[`sos_strings/${LISTING}.tailed`] = tail;
        delete all[MANIFEST];
      },
    ],
    [
      'by the manifest alone, in whose place a link was followed',
      (all: Record<string, Buffer>, tail: Buffer) => {
        all[`sos_commands/${LISTING}`] = tail;
      },
    ],
    [
      'by both, and twice',
      (all: Record<string, Buffer>, tail: Buffer) => {
        all[`sos_commands/${LISTING}`] = tail;
        all[`sos_strings/${LISTING}.tailed`] = tail;
      },
    ],
  ] as const)('is the end of a table: %s', async (_, change) => {
    for (const first of ['manifest', 'table'] as const) {
      expect(await part(change, first)).toMatchObject({
        part: 'tail',
        cut: 'only the end of what the command printed was kept',
        entries: 410,
        malformed: { count: 0 },
        shown: { entries: 1120 },
      });
    }
  });

  test('is not the table where a whole one is', async () => {
    const members = await membersOf('sos-truncated');
    const tail = members[`sos_strings/${LISTING}.tailed`] ?? '';
    const whole = { ...members, [`sos_commands/${LISTING}`]: tail };
    expect((await readOne(whole)).table).toMatchObject({ entries: 1120, cut: undefined });
  });

  test('when each file was read is known', async () => {
    const { times } = await readOne(await membersOf('sos-truncated'));
    expect(times['proc/slabinfo']).toEqual({ fromSeconds: 1.541, toSeconds: 2.223 });
    expect(Object.keys(times)).toContain('proc/net/stat/nf_conntrack');
  });
});

describe('a listing of IPv6 beside one of no family', () => {
  const row = (n: number) =>
    `udp      17 25 src=10.0.0.${n} dst=198.51.100.7 sport=40000 dport=53 src=198.51.100.7 dst=10.0.0.${n} sport=53 dport=40000 mark=0 use=1`;
  const row6 = (n: number) =>
    `udp      17 25 src=2001:db8::${n} dst=2001:db8:1::1 sport=4000 dport=53 src=2001:db8:1::1 dst=2001:db8::${n} sport=53 dport=4000 mark=0 use=1`;
  const BANNER = '*** Output of conntrack -L ***\n';
  const text = (rows: string[]) => `${BANNER}${rows.join('\n')}\n`;
  const [four, six] = [
    [row(1), row(2), row(3)],
    [row6(1), row6(2)],
  ];

  test.each([
    ['has what an old conntrack leaves out', four, 5, [], 0],
    ['repeats what a new one lists', [...four, ...six], 5, ['ipv6'], 2],
  ] as const)('%s', async (_, listed, entries, otherFamilies, otherEntries) => {
    const all = { 'networking/conntrack.txt': text([...listed]), 'networking/conntrack6.txt': text(six) };
    for (const members of [all, Object.fromEntries(Object.entries(all).reverse())]) {
      const { table, otherTables } = await readOne({ 'system/instance-id.txt': 'i-1', ...members });
      expect(table).toMatchObject({ entries, families: ['ipv4', 'ipv6'] });
      expect(otherTables.map(({ families }) => families)).toEqual(otherEntries > 0 ? [otherFamilies] : []);
      expect(otherTables.map((each) => each.entries)).toEqual(otherEntries > 0 ? [otherEntries] : []);
    }
  });

  test('is the table where there is no other', async () => {
    const { table } = await readOne({ 'networking/conntrack6.txt': text(six) });
    expect(table).toMatchObject({ entries: 2, families: ['ipv6'] });
  });
});

describe('archives within archives', () => {
  const file = (name: string) => {
    const each = named.find((one) => one.name === name);
    return readFileSync(each ? archiveOf(each) : '');
  };

  test('as must-gather packs what sos collect packed, with one that is damaged', async () => {
    const all = await readAll(
      await packed({
        'must-gather.1/version': Buffer.from('x'),
        'must-gather.1/quay-io/nodes/sosreport-a.tar.xz': file('sos-netns'),
        'must-gather.1/collected.tar.xz': file('sos-collect'),
        'must-gather.1/quay-io/nodes/sosreport-b.tar.xz': file('sos-whole').subarray(0, 30),
        'must-gather.1/quay-io/nodes/sosreport-c.tar.xz.gz': gzipSync(file('sos-netns')),
        'must-gather.1/quay-io/nodes/secured-sosreport-d.tar.xz.gpg': readFileSync(
          path.join(FOLDER, '..', 'packed', 'secured-tree.tar.xz.gpg'),
        ),
        'must-gather.1/other.tar.gz': gzipSync(await packed({ 'a/notes.txt': Buffer.from('x') })),
      }),
    );
    const names = all.map(({ inner = '' }) => inner.replace(/^must-gather\.1\//, ''));
    expect(names).toEqual([
      'quay-io/nodes/sosreport-a.tar.xz',
      expect.stringMatching(/^collected\.tar\.xz: .*sosreport-node-1-/),
      expect.stringMatching(/^collected\.tar\.xz: .*sosreport-node-2-/),
      'quay-io/nodes/sosreport-b.tar.xz',
      'quay-io/nodes/sosreport-c.tar.xz.gz',
      'quay-io/nodes/secured-sosreport-d.tar.xz.gpg',
    ]);
    const [last] = all.slice(-1);
    expect(last && 'error' in last && last.error.message).toMatch(
      /secured-sosreport-d\.tar\.xz\.gpg is encrypted .* Decrypt it on the way: gpg --decrypt \| conntrack-report report -$/,
    );
    expect(all.map((each) => ('error' in each ? 'error' : each.snapshot.host.hostname?.value))).toEqual([
      'gw-netns.example.net',
      'node-1.example.net',
      'node-2.example.net',
      'error',
      'gw-netns.example.net',
      'error',
    ]);
  });

  test('no deeper than three, and never in what is a capture itself', async () => {
    let bytes: Buffer = file('sos-whole');
    for (let depth = 0; depth < 4; depth++) bytes = await packed({ 'sosreport-x.tar': bytes });
    const [deep, ...others] = await readAll(bytes);
    expect(others).toEqual([]);
    expect(deep && 'error' in deep && deep.error.message).toMatch(/is not read: it lies deeper in archives than/);
    const own = await packed({
      'proc/slabinfo': Buffer.from('x'),
      'proc/a.tar': await packed({ 'proc/meminfo': Buffer.from('x') }),
    });
    expect(await readAll(own)).toHaveLength(1);
  });
});

describe('an archive that is damaged', () => {
  /** The whole archive, unpacked: damage in what is packed ends at the checksum. */
  const plain = async (each: (typeof named)[number]) => {
    const file = archiveOf(each);
    return await buffer(unpackFile(file, readFileSync(file).length).blocks);
  };

  test.each(named.filter(({ archive }) => archive.includes('.t')))(
    '$name: is read as far as it is whole, or refused',
    async (each) => {
      const bytes = await plain(each);
      const damage = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255) });
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length), fc.array(damage, { maxLength: 20 }), async (length, changes) => {
          const changed = Buffer.from(bytes.subarray(0, length));
          for (const { at, byte } of changes) if (at < length) changed[at] = byte;
          const stdin = (async function* () {
            yield changed;
          })();
          try {
            await readSnapshots('-', { stdin });
          } catch (error) {
            expect(error).toBeInstanceOf(BundleError);
          }
        }),
        { numRuns: 15 },
      );
    },
  );
});
