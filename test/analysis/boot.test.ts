import { describe, expect, test } from 'vitest';
import { nextBoot, orderSysctlFiles } from '../../src/analysis/boot.ts';
import { gateway } from './snapshot-of.ts';

const MAX = 'net.netfilter.nf_conntrack_max';
const SYSTEMD = { 'commands/journalctl-k': '' };
/** A host that has no journal. */
const SYSVINIT = inventory('commands/journalctl-k,journalctl -k,absent,not needed: this host has no systemd journal');
const MODULE = { 'proc/modules': 'nf_conntrack 139264 2 nf_nat,xt_conntrack, Live 0xffffffffc0a3f000' };
const BUILT_IN = { 'proc/modules': 'xfs 1511424 1 - Live 0xffffffffc0a3f000' };

function inventory(...lines: string[]) {
  return {
    'inventory.csv': [
      'path,source,status,reason,start,seconds,bytes,digest',
      ...lines.map((line) => `${line},0,0,,`),
    ].join('\n'),
  };
}

function maxOf(files: Record<string, string | number>) {
  const { value, winner, overridden, futile } = nextBoot(gateway(files)).settings.get('max') ?? {};
  const place = (line: { file: string; line: number }) => `${line.file}:${line.line}`;
  return {
    value,
    by: winner && place(winner),
    over: overridden?.map(place),
    futile: futile?.map(({ line, why }) => `${place(line)} ${why}`),
  };
}

describe('the order of sysctl.d', () => {
  test('is that of the names, whichever folder they are in', () => {
    expect(
      orderSysctlFiles([
        'etc/sysctl.d/99-sysctl.conf',
        'usr/lib/sysctl.d/95-late.conf',
        'run/sysctl.d/10-early.conf',
        'etc/sysctl.d/B.conf',
        'etc/sysctl.d/a.conf',
        'lib/sysctl.d/9-nine.conf',
      ]),
    ).toEqual({
      // By bytes: 10 before 9-, digits before capitals before small letters.
      applied: [
        'run/sysctl.d/10-early.conf',
        'lib/sysctl.d/9-nine.conf',
        'usr/lib/sysctl.d/95-late.conf',
        'etc/sysctl.d/99-sysctl.conf',
        'etc/sysctl.d/B.conf',
        'etc/sysctl.d/a.conf',
      ],
      masked: [],
    });
  });

  test('has each name once: /etc before /run, /usr/local/lib, /usr/lib and /lib', () => {
    const folders = ['lib', 'usr/lib', 'usr/local/lib', 'run', 'etc'];
    const files = folders.map((folder) => `${folder}/sysctl.d/50-x.conf`);
    for (let rank = 1; rank <= files.length; rank++) {
      const present = files.slice(0, rank);
      expect(orderSysctlFiles(present)).toEqual({
        applied: [present.at(-1)],
        masked: present.slice(0, -1).reverse(),
      });
    }
  });

  test('leaves out what is in none of the folders', () => {
    expect(orderSysctlFiles(['etc/sysctl.conf', 'etc/sysctl.d/sub/x.conf'])).toEqual({ applied: [], masked: [] });
  });
});

describe('what the next boot sets', () => {
  test.each([
    {
      when: 'the last file by name, and in it the last line',
      files: {
        'etc/sysctl.d/10-a.conf': `${MAX} = 100000`,
        'usr/lib/sysctl.d/60-vendor.conf': `${MAX} = 1000\n${MAX} = 200000`,
        'etc/sysctl.d/50-b.conf': `${MAX} = 300000`,
      },
      is: {
        value: 200_000,
        by: 'usr/lib/sysctl.d/60-vendor.conf:2',
        over: ['etc/sysctl.d/10-a.conf:1', 'etc/sysctl.d/50-b.conf:1', 'usr/lib/sysctl.d/60-vendor.conf:1'],
        futile: [],
      },
    },
    {
      when: 'the file in /etc, not the one of the same name in /usr/lib',
      files: { 'etc/sysctl.d/50-x.conf': `${MAX} = 100000`, 'usr/lib/sysctl.d/50-x.conf': `${MAX} = 200000` },
      is: { value: 100_000, by: 'etc/sysctl.d/50-x.conf:1', over: [], futile: ['usr/lib/sysctl.d/50-x.conf:1 masked'] },
    },
    {
      when: 'a masked file sets nothing, even where the file that masks it says nothing of the limit',
      files: {
        'etc/sysctl.d/50-x.conf': 'net.netfilter.nf_conntrack_acct = 0',
        'usr/lib/sysctl.d/50-x.conf': `${MAX} = 200000`,
      },
      is: { value: 262_144, by: undefined, over: [], futile: ['usr/lib/sysctl.d/50-x.conf:1 masked'] },
    },
    {
      when: 'systemd: /etc/sysctl.conf through its link, in the place of the link',
      files: {
        ...SYSTEMD,
        'etc/sysctl.conf': `${MAX} = 100000`,
        'etc/sysctl.d/99-sysctl.conf': `${MAX} = 100000`,
        'etc/sysctl.d/zz.conf': `${MAX} = 200000`,
      },
      is: { value: 200_000, by: 'etc/sysctl.d/zz.conf:1', over: ['etc/sysctl.d/99-sysctl.conf:1'], futile: [] },
    },
    {
      when: 'systemd: /etc/sysctl.conf without a link is not read',
      files: { ...SYSTEMD, 'etc/sysctl.conf': `${MAX} = 100000`, 'etc/sysctl.d/10-a.conf': `${MAX} = 200000` },
      is: { value: 200_000, by: 'etc/sysctl.d/10-a.conf:1', over: [], futile: ['etc/sysctl.conf:1 not read'] },
    },
    {
      when: 'systemd before version 207 read it itself',
      files: { ...SYSTEMD, 'commands/uname-r': '3.2.0-4-amd64', 'etc/sysctl.conf': `${MAX} = 100000` },
      is: { value: 100_000, by: 'etc/sysctl.conf:1', over: [], futile: [] },
    },
    {
      when: 'sysctl --system: /etc/sysctl.conf last',
      files: { ...SYSVINIT, 'etc/sysctl.conf': `${MAX} = 100000`, 'etc/sysctl.d/zz.conf': `${MAX} = 200000` },
      is: { value: 100_000, by: 'etc/sysctl.conf:1', over: ['etc/sysctl.d/zz.conf:1'], futile: [] },
    },
    {
      when: 'several names of one setting',
      files: {
        'etc/sysctl.d/10-a.conf': 'net/netfilter/nf_conntrack_max=100000',
        'etc/sysctl.d/20-b.conf': '-net.nf_conntrack_max = 200000',
      },
      is: { value: 200_000, by: 'etc/sysctl.d/20-b.conf:1', over: ['etc/sysctl.d/10-a.conf:1'], futile: [] },
    },
    {
      when: 'names that are gone since 4.9 set nothing',
      files: {
        'etc/sysctl.d/10-a.conf': `${MAX} = 100000`,
        'etc/sysctl.d/20-b.conf': 'net.ipv4.netfilter.ip_conntrack_max = 200000',
        'etc/sysctl.d/30-c.conf': 'net.ipv4.ip_conntrack_max = 300000',
      },
      is: {
        value: 100_000,
        by: 'etc/sysctl.d/10-a.conf:1',
        over: [],
        futile: ['etc/sysctl.d/20-b.conf:1 no such setting', 'etc/sysctl.d/30-c.conf:1 no such setting'],
      },
    },
    {
      when: 'they count where the inventory lists them',
      files: {
        'commands/uname-r': '3.10.0-1160.el7.x86_64',
        'etc/sysctl.conf': 'net.ipv4.netfilter.ip_conntrack_max = 200000',
        ...inventory(
          'proc/sys/net/netfilter/nf_conntrack_max,/proc/sys/net/netfilter/nf_conntrack_max,captured,',
          'proc/sys/net/ipv4/netfilter/ip_conntrack_max,/proc/sys/net/ipv4/netfilter/ip_conntrack_max,captured,',
        ),
      },
      is: { value: 200_000, by: 'etc/sysctl.conf:1', over: [], futile: [] },
    },
    {
      when: 'what is no number is refused by the kernel; what follows a blank is not looked at',
      files: { 'etc/sysctl.d/10-a.conf': `${MAX} = 100000 # raised`, 'etc/sysctl.d/20-b.conf': `${MAX} = 256k` },
      is: { value: 100_000, by: 'etc/sysctl.d/10-a.conf:1', over: [], futile: ['etc/sysctl.d/20-b.conf:1 no number'] },
    },
    {
      when: 'a hashsize makes it eight times as many',
      files: { ...MODULE, 'etc/modprobe.d/nf.conf': 'options nf_conntrack hashsize=20000' },
      // Rounded up to 20 480, a multiple of the 512 buckets of a page.
      is: { value: 163_840, by: 'etc/modprobe.d/nf.conf:1', over: [], futile: [] },
    },
    {
      when: 'a hashsize, but a sysctl line comes later',
      files: {
        ...MODULE,
        'etc/modprobe.d/nf.conf': 'options nf_conntrack hashsize=65536',
        'etc/sysctl.d/10-a.conf': `${MAX} = 100000`,
      },
      is: { value: 100_000, by: 'etc/sysctl.d/10-a.conf:1', over: ['etc/modprobe.d/nf.conf:1'], futile: [] },
    },
    {
      when: 'of several hashsizes the one of the command line, then that of the last file',
      files: {
        ...MODULE,
        'proc/cmdline': 'nf_conntrack.hashsize=8192',
        'etc/modprobe.d/b.conf': 'options nf_conntrack hashsize=65536',
        'etc/modprobe.d/a.conf': 'options nf_conntrack hashsize=32768',
      },
      is: {
        value: 65_536,
        by: 'proc/cmdline:1',
        over: ['etc/modprobe.d/a.conf:1', 'etc/modprobe.d/b.conf:1'],
        futile: [],
      },
    },
    {
      when: 'module options do not reach what is built in',
      files: { ...BUILT_IN, 'etc/modprobe.d/nf.conf': 'options nf_conntrack hashsize=65536' },
      is: { value: 262_144, by: undefined, over: [], futile: ['etc/modprobe.d/nf.conf:1 built in'] },
    },
    {
      when: 'modprobe reads *.conf only',
      files: { ...MODULE, 'etc/modprobe.d/nf.conf.old': 'options nf_conntrack hashsize=65536' },
      is: { value: 262_144, by: undefined, over: [], futile: ['etc/modprobe.d/nf.conf.old:1 not read'] },
    },
    {
      when: 'nothing sets it: the kernel alone, on 4.19 as on 6.6',
      files: { 'commands/uname-r': '4.19.0-21-amd64' },
      is: { value: 262_144, by: undefined, over: [], futile: [] },
    },
    {
      when: 'nothing sets it, and how much memory there is was not captured',
      files: { 'proc/meminfo': '' },
      is: { value: undefined, by: undefined, over: [], futile: [] },
    },
  ])('$when', ({ files, is }) => {
    expect(maxOf(files)).toEqual(is);
  });

  test('buckets: the default of 4.19 is a quarter of the maximum, that of 6.6 as many', () => {
    const bucketsOf = (release: string) =>
      nextBoot(gateway({ 'commands/uname-r': release })).settings.get('buckets')?.value;
    expect(bucketsOf('4.19.0-21-amd64')).toBe(65_536);
    expect(bucketsOf('6.6.30')).toBe(262_144);
  });

  test.each([
    { when: 'its own', release: '3.10.0-229.el7.x86_64', running: [65_536, 16_384], is: [65_536, 16_384] },
    {
      when: 'that of 4.2, backported',
      release: '3.10.0-1160.el7.x86_64',
      running: [262_144, 65_536],
      is: [262_144, 65_536],
    },
    {
      when: 'its own, where only one of two fits',
      release: '3.10.0-1160.el7.x86_64',
      running: [262_144, 16_384],
      is: [65_536, 16_384],
    },
    { when: 'never that of an earlier version', release: '6.6.30', running: [262_144, 65_536], is: [262_144, 262_144] },
  ])('the default of $release with $running in force: $when', ({ release, running, is }) => {
    const [max = 0, buckets = 0] = running;
    const { settings } = nextBoot(
      gateway({
        'commands/uname-r': release,
        'proc/sys/net/netfilter/nf_conntrack_max': max,
        'proc/sys/net/netfilter/nf_conntrack_buckets': buckets,
      }),
    );
    expect([settings.get('max')?.value, settings.get('buckets')?.value]).toEqual(is);
  });

  test('buckets are read only until 4.9', () => {
    const files = { 'etc/sysctl.conf': 'net.netfilter.nf_conntrack_buckets = 131072' };
    const on = (release: string) =>
      nextBoot(gateway({ ...files, 'commands/uname-r': release })).settings.get('buckets');
    expect(on('6.6.30')).toMatchObject({ value: 131_072, futile: [] });
    expect(on('4.4.0-210-generic')).toMatchObject({ value: 65_536, futile: [{ why: 'read only' }] });
  });

  test('a switch starts from the parameter of the module', () => {
    const on = (line: string) =>
      nextBoot(
        gateway({
          ...MODULE,
          'proc/sys/net/netfilter/nf_conntrack_acct': 1,
          'etc/modprobe.d/nf.conf': `options nf_conntrack ${line}`,
        }),
      ).settings.get('acct')?.value;
    expect(on('acct=Y')).toBe(1);
    expect(on('acct')).toBe(1);
    expect(on('acct=0')).toBe(0);
    expect(on('hashsize=512')).toBe(0);
  });

  test.each([
    { release: '4.20.0', stream: 180 },
    { release: '6.6.30', stream: 120 },
    { release: '5.1.0', stream: undefined },
  ])('the default of udp_timeout_stream on $release is $stream', ({ release, stream }) => {
    const files = { 'commands/uname-r': release, 'proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream': 60 };
    expect(nextBoot(gateway(files)).settings.get('udp_timeout_stream')?.value).toBe(stream);
  });
});

describe('whether the settings exist when the lines are applied', () => {
  test.each([
    { when: 'built in', files: BUILT_IN, is: { sysctls: 'in time', isModule: false } },
    {
      when: 'a kernel without modules',
      files: inventory('proc/modules,/proc/modules,absent,no such file'),
      is: { sysctls: 'in time', isModule: false },
    },
    { when: 'a module that nothing loads early', files: MODULE, is: { sysctls: 'too early', isModule: true } },
    {
      when: 'named in modules-load.d',
      files: { ...MODULE, 'etc/modules-load.d/k8s.conf': 'nf_conntrack' },
      is: { sysctls: 'in time', loadedBy: { file: 'etc/modules-load.d/k8s.conf', line: 1 } },
    },
    {
      when: 'brought along by another one, in /etc/modules',
      files: { ...MODULE, 'etc/modules': 'nf_conntrack_ftp' },
      is: { sysctls: 'in time' },
    },
    {
      when: 'a file of modules-load.d that is not called *.conf',
      files: { ...MODULE, 'etc/modules-load.d/nf_conntrack': 'nf_conntrack' },
      is: { sysctls: 'too early' },
    },
    {
      when: 'on the command line',
      files: { ...MODULE, 'proc/cmdline': 'modules_load=nf_conntrack' },
      is: { sysctls: 'in time' },
    },
    {
      when: 'applied whenever the module is loaded',
      files: {
        ...MODULE,
        'etc/modprobe.d/nf.conf':
          'install nf_conntrack /sbin/modprobe --ignore-install nf_conntrack && /sbin/sysctl -q --pattern conntrack --system',
      },
      is: { sysctls: 'in time' },
    },
    { when: 'not captured', files: {}, is: {} },
  ])('$when', ({ files, is }) => {
    const { sysctls, isModule, loadedBy } = nextBoot(gateway(files));
    expect({ sysctls, isModule, loadedBy }).toMatchObject(is);
    if (Object.keys(is).length === 0) expect(sysctls).toBeUndefined();
  });
});

describe('who applies the lines', () => {
  test.each([
    { when: 'a journal was read', files: SYSTEMD, init: 'systemd' },
    {
      when: 'a journal may not be read',
      files: inventory('commands/journalctl-k,journalctl -k,denied,Permission denied'),
      init: 'systemd',
    },
    { when: 'there is no journalctl', files: SYSVINIT, init: 'other' },
    {
      when: 'journalctl is there without a journal, as in a container',
      files: inventory('commands/journalctl-k,journalctl -k,absent,No journal files were found.'),
      init: undefined,
    },
    { when: '2.6.18', files: { 'commands/uname-r': '2.6.18-398.el5' }, init: 'other' },
    { when: 'not captured', files: {}, init: undefined },
  ])('$when', ({ files, init }) => {
    expect(nextBoot(gateway(files)).init).toBe(init);
  });
});
