import { describe, expect, it, test } from 'vitest';
import { snapshotOf } from '../analysis/snapshot-of.ts';
import { fixture } from '../parsers/fixture.ts';

const SYSCTL = fixture('sysctl-a-6.18.txt');
const UNAME = 'Linux gw 5.14.0-427.el9.x86_64 #1 SMP Wed Apr 10 10:29:16 EDT 2024 x86_64 x86_64 x86_64 GNU/Linux';

/** An archive of another collector: outputs of commands in place of the kernel's own files. */
const ARCHIVE = {
  'commands/sysctl-a': SYSCTL,
  'commands/uname-a': UNAME,
  'commands/hostname': 'gw.example.net',
  'commands/date': 'Wed Nov 25 21:17:23 UTC 2026',
  'commands/uptime': ' 21:17:23 up 10 days,  3:04,  2 users,  load average: 0.15, 1.13, 1.51',
  'commands/lsmod': 'Module                  Size  Used by\nnf_conntrack          176128  0',
  'proc/cpuinfo': fixture('cpuinfo-x86-2.txt'),
  'commands/getconf-a': fixture('getconf-a.txt'),
  'commands/free': 'Mem:        24684096      456872    23510636        8788     1034684    24227224',
};

test('stand-ins for everything that the kernel’s own files say', () => {
  const snapshot = snapshotOf(ARCHIVE);
  expect(snapshot.problems).toEqual([]);
  const { host, sysctls, first, meminfo, pageBytes } = snapshot;
  expect(host).toMatchObject({
    hostname: { value: 'gw', file: 'commands/sysctl-a' },
    bootId: { file: 'commands/sysctl-a' },
    kernelRelease: { value: '5.14.0-427.el9.x86_64', file: 'commands/uname-a' },
    machine: { value: 'x86_64', file: 'commands/uname-a' },
    cpus: { value: 2, file: 'proc/cpuinfo' },
    capturedAt: { value: '2026-11-25T21:17:23Z', file: 'commands/date' },
    modules: { value: ['nf_conntrack'], file: 'commands/lsmod' },
  });
  expect(sysctls.max).toMatchObject({ value: 262_144, key: 'net.netfilter.nf_conntrack_max' });
  expect(sysctls).toHaveProperty('tcp_timeout_established');
  expect(sysctls).not.toHaveProperty('count');
  expect(first).toMatchObject({ count: { value: 0 }, uptimeSeconds: { value: 875_040, roundedTo: 60 } });
  expect(meminfo.MemTotal?.value).toBe(24_684_096 * 1024);
  expect(pageBytes).toMatchObject({ value: 4096, file: 'commands/getconf-a' });
  expect(pageBytes?.inferred).toBeUndefined();
});

test('the kernel’s own files are preferred, and no problem where both agree', () => {
  const snapshot = snapshotOf({
    ...ARCHIVE,
    'proc/sys/kernel/hostname': 'gw',
    'proc/sys/net/netfilter/nf_conntrack_max': 262_144,
    'proc/sys/net/netfilter/nf_conntrack_count': 77,
    'proc/sys/net/ipv4/ip_conntrack_max': 262_144,
    'commands/uname-r': '5.14.0-427.el9.x86_64',
    'commands/uname-m': 'x86_64',
    'commands/cpu-count': 1,
    'commands/date-utc': '2026-11-25T21:00:00Z',
    'commands/getconf-PAGESIZE': 65_536,
    'proc/uptime': '12.34 5.00',
    'proc/modules': '',
    'proc/meminfo': 'MemTotal: 1024 kB',
  });
  expect(snapshot.problems).toEqual([]);
  expect(snapshot).toMatchObject({
    host: {
      hostname: { file: 'proc/sys/kernel/hostname' },
      kernelRelease: { file: 'commands/uname-r' },
      machine: { file: 'commands/uname-m' },
      cpus: { value: 1 },
      capturedAt: { value: '2026-11-25T21:00:00Z' },
      modules: { value: [] },
    },
    sysctls: { max: { file: 'proc/sys/net/netfilter/nf_conntrack_max' } },
    first: { count: { value: 77 }, uptimeSeconds: { value: 12.34 } },
    meminfo: { MemTotal: { value: 1_048_576 } },
    pageBytes: { value: 65_536 },
  });
});

describe('sources that differ', () => {
  test.each([
    ['proc/sys/kernel/hostname', 'other', 'commands/sysctl-a', 'says that the host name is gw where proc/sys'],
    ['commands/uname-r', '6.1.0', 'commands/uname-a', 'says that the kernel release is 5.14.0-427.el9.x86_64 where'],
    [
      'commands/uname-m',
      'i686',
      'commands/uname-a',
      'says that the machine is x86_64 where commands/uname-m says i686',
    ],
    ['proc/sys/kernel/random/boot_id', '1', 'commands/sysctl-a', 'says that the boot id is 0f9a8d6c'],
  ])('%s', (path, text, file, what) => {
    const { problems } = snapshotOf({ ...ARCHIVE, [path]: text });
    expect(problems).toContainEqual(
      expect.objectContaining({ file, kind: 'facts-differ', what: expect.stringContaining(what) }),
    );
  });

  test('cpuinfo of another kind of machine', () => {
    const { problems, host } = snapshotOf({ ...ARCHIVE, 'commands/uname-m': 'aarch64' });
    expect(host.machine?.value).toBe('aarch64');
    expect(problems.map(({ file }) => file)).toEqual(['commands/uname-a', 'proc/cpuinfo']);
  });

  test('a setting', () => {
    const { problems, sysctls } = snapshotOf({ ...ARCHIVE, 'proc/sys/net/nf_conntrack_max': 65_536 });
    expect(sysctls.max).toMatchObject({ value: 65_536, file: 'proc/sys/net/nf_conntrack_max' });
    const differ = { file: 'commands/sysctl-a', kind: 'names-differ', setting: 'nf_conntrack_max' };
    expect(problems[0]).toMatchObject({ ...differ, what: expect.stringContaining('says 262144 where proc/sys') });
  });
});

test('sysctl -a prefers the present name to an older one', () => {
  const old = 'net.ipv4.netfilter.ip_conntrack_max = 4096\nnet.netfilter.nf_conntrack_max = 4096';
  expect(snapshotOf({ 'commands/sysctl-a': old }).sysctls.max?.key).toBe('net.netfilter.nf_conntrack_max');
});

describe('time', () => {
  it('takes none whose offset is not sure, and says which zone', () => {
    const { host, problems } = snapshotOf({ 'commands/date': 'Wed 25 Nov 2026 09:17:23 PM CET' });
    expect(host.capturedAt).toBeUndefined();
    expect(problems).toMatchObject([{ file: 'commands/date', what: expect.stringContaining('the letters CET') }]);
  });

  it('prefers what timedatectl has in UTC', () => {
    const { host, problems } = snapshotOf({
      'commands/date': 'Wed 25 Nov 2026 09:17:23 PM CET',
      'commands/timedatectl': '  Universal time: Wed 2026-11-25 20:17:23 UTC',
    });
    expect(host.capturedAt?.value).toBe('2026-11-25T20:17:23Z');
    expect(problems).toEqual([]);
  });
});

describe('the page size', () => {
  it('is inferred only where no file states it', () => {
    const { 'commands/getconf-a': _, ...without } = ARCHIVE;
    expect(snapshotOf(without).pageBytes).toMatchObject({ value: 4096, inferred: expect.stringContaining('x86_64') });
    const stated = snapshotOf({ ...without, 'commands/getconf-PAGE_SIZE': 4096 }).pageBytes;
    expect(stated).toEqual({ value: 4096, file: 'commands/getconf-PAGE_SIZE' });
  });

  it('does not complain of a configuration that says nothing where something else does', () => {
    const config = 'CONFIG_X86_64=y';
    expect(snapshotOf({ 'boot/config': config, 'commands/uname-m': 'x86_64' }).problems).toEqual([]);
    const { problems } = snapshotOf({ 'boot/config': config, 'commands/uname-m': 'aarch64' });
    expect(problems).toMatchObject([{ file: 'boot/config', what: 'has no option that fixes the page size' }]);
  });
});

describe('errors in place of data', () => {
  const errors = [
    'cat: /proc/slabinfo: Permission denied',
    'bash: conntrack: command not found',
    'sysctl: cannot stat /proc/sys/net/netfilter/nf_conntrack_max: No such file or directory',
    'conntrack v1.4.5 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this',
  ];
  const paths = [
    ...Object.keys(ARCHIVE),
    'proc/slabinfo',
    'proc/meminfo',
    'proc/uptime',
    'proc/net/stat/nf_conntrack',
    'proc/sys/net/netfilter/nf_conntrack_count',
    'proc/sys/net/netfilter/nf_conntrack_max',
    'proc/net/nf_conntrack_expect',
    'commands/conntrack-S',
    'commands/wc-l-table',
    'commands/dmesg',
    'boot/config',
  ];
  test.each(paths.flatMap((path) => errors.map((error) => [path, error] as const)))('%s: %s', (path, error) => {
    const { problems, ...snapshot } = snapshotOf({ [path]: error });
    expect(problems).toMatchObject([{ file: path, what: expect.stringContaining(error.slice(0, 60)) }]);
    const empty = snapshotOf({});
    expect({ ...snapshot, problems: [] }).toEqual(empty);
  });

  it('a slabinfo without a cache says nothing, least of all zero', () => {
    const { first, problems } = snapshotOf({ 'proc/slabinfo': 'slabinfo - version: 2.1\n# name <active_objs>' });
    expect(first.slab).toBeUndefined();
    expect(problems).toMatchObject([{ what: 'lists no cache at all' }]);
  });
});
