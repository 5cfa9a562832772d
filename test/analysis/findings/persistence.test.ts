import { gateway } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const MAX = 'net.netfilter.nf_conntrack_max';
const NETFILTER = 'proc/sys/net/netfilter/nf_conntrack_';
const MODULE = { 'proc/modules': 'nf_conntrack 139264 2 nf_nat,xt_conntrack, Live 0xffffffffc0a3f000' };
const BUILT_IN = { 'proc/modules': 'xfs 1511424 1 - Live 0xffffffffc0a3f000' };
const SYSTEMD = 'commands/journalctl-k,journalctl -k --no-pager -o short-iso,captured,';
const NO_LINES = 'etc/sysctl.d/*.conf,/etc/sysctl.d/*.conf,absent,not needed: no line in it names conntrack';

function inventory(...lines: string[]) {
  return {
    'inventory.csv': [
      'path,source,status,reason,start,seconds,bytes,digest',
      ...lines.map((line) => `${line},0,0,,`),
    ].join('\n'),
  };
}

/** A systemd host on 6.6 with 8 GiB, whose kernel sets both to 262 144 by itself. */
const systemd = (files: Record<string, string | number>, table?: number) =>
  gateway({
    [`${NETFILTER}max`]: 262_144,
    [`${NETFILTER}buckets`]: 262_144,
    ...BUILT_IN,
    ...inventory(SYSTEMD, NO_LINES),
    ...(table !== undefined && { [`${NETFILTER}count`]: table }),
    ...files,
  });

testRule('persistence', [
  {
    when: 'raised by hand, and written nowhere',
    snapshot: systemd({ [`${NETFILTER}max`]: 1_048_576 }, 300_000),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max) is 1 048 576 now, but no file that was looked at sets it: the next boot goes back to the kernel’s own 262 144, less than the 300 000 entries that the table held.',
    from: [`${NETFILTER}max`],
    confidence: 'medium',
    commands: {
      apply: [`printf '%s\\n' '${MAX} = 1048576' > /etc/sysctl.d/90-conntrack.conf`],
      verify: ['grep -rn conntrack /etc/sysctl.* /etc/mod*', `sysctl ${MAX}   # again after the next boot`],
      undo: ['rm /etc/sysctl.d/90-conntrack.conf'],
    },
  },
  {
    when: 'raised by hand where conntrack is a module: the file alone would come too early',
    snapshot: systemd({ ...MODULE, [`${NETFILTER}max`]: 1_048_576 }),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max) is 1 048 576 now, but no file that was looked at sets it: the next boot goes back to the kernel’s own 262 144.',
    commands: {
      apply: [
        `printf '%s\\n' '${MAX} = 1048576' > /etc/sysctl.d/90-conntrack.conf`,
        "printf '%s\\n' 'nf_conntrack' > /etc/modules-load.d/nf_conntrack.conf",
      ],
      undo: ['rm /etc/sysctl.d/90-conntrack.conf', 'rm /etc/modules-load.d/nf_conntrack.conf'],
    },
  },
  {
    when: 'lowered by hand: the next boot has more room',
    snapshot: systemd({ [`${NETFILTER}max`]: 65_536 }),
    severity: 'notice',
    says: 'The limit (nf_conntrack_max) is 65 536 now, but no file that was looked at sets it: the next boot goes back to the kernel’s own 262 144.',
  },
  {
    when: 'no limit now, and one at the next boot; containers run here',
    snapshot: systemd({
      [`${NETFILTER}max`]: 0,
      'netns.csv': 'inode,pids,processes,names\n4026532453,3,nginx,cni-2f0a9f1e-1f6a-8a3d-5a0e-0123456789ab',
    }),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max) is 0 (no limit) now, but no file that was looked at sets it: the next boot goes back to the kernel’s own 262 144, unless the software of the containers here sets it again.',
  },
  {
    when: 'a timeout that was changed by hand',
    snapshot: systemd({ [`${NETFILTER}tcp_timeout_established`]: 7440, [`${NETFILTER}tcp_loose`]: 0 }),
    severity: 'notice',
    says: 'A switch (nf_conntrack_tcp_loose) is 0 now, but no file that was looked at sets it: the next boot goes back to the kernel’s own 1; not kept either: nf_conntrack_tcp_timeout_established.',
    commands: {
      apply: [
        "printf '%s\\n' 'net.netfilter.nf_conntrack_tcp_loose = 0' 'net.netfilter.nf_conntrack_tcp_timeout_established = 7440' > /etc/sysctl.d/90-conntrack.conf",
      ],
    },
  },
  {
    when: 'the last file says something else than what is in force',
    snapshot: systemd(
      {
        [`${NETFILTER}max`]: 524_288,
        'etc/sysctl.d/10-gateway.conf': `# raised in May\n${MAX} = 524288`,
        'etc/sysctl.d/99-hardening.conf': `${MAX} = 131072`,
      },
      200_000,
    ),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max) is 524 288 now, but /etc/sysctl.d/99-hardening.conf:1 makes it 131 072 at the next boot, less than the 200 000 entries that the table held.',
    from: [`${NETFILTER}max`, 'etc/sysctl.d/10-gateway.conf:2', 'etc/sysctl.d/99-hardening.conf:1'],
    confidence: 'high',
    commands: { apply: [`printf '%s\\n' '${MAX} = 524288' > /etc/sysctl.d/99-zz-conntrack.conf`] },
  },
  {
    when: 'a hashsize for the module multiplies the limit by eight',
    snapshot: systemd({
      ...MODULE,
      [`${NETFILTER}max`]: 262_144,
      'etc/modprobe.d/nf_conntrack.conf': 'options nf_conntrack hashsize=262144',
    }),
    severity: 'notice',
    says: 'The limit (nf_conntrack_max) is 262 144 now, but /etc/modprobe.d/nf_conntrack.conf:1 makes it 2 097 152 at the next boot.',
  },
  {
    when: 'a vendor file may be masked by one that is not in the bundle',
    snapshot: systemd({ 'usr/lib/sysctl.d/60-vendor.conf': `${MAX} = 65536` }),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max) is 262 144 now, but /usr/lib/sysctl.d/60-vendor.conf:1 makes it 65 536 at the next boot.',
    confidence: 'medium',
  },
  {
    when: 'without systemd /etc/sysctl.conf is read last, and its line has to go',
    snapshot: systemd({
      ...inventory('commands/journalctl-k,journalctl -k,absent,not needed: this host has no systemd journal', NO_LINES),
      [`${NETFILTER}max`]: 524_288,
      'etc/sysctl.conf': `net.ipv4.ip_forward = 1\n${MAX} = 131072`,
      'etc/sysctl.d/90-conntrack.conf': `${MAX} = 524288`,
    }),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max) is 524 288 now, but /etc/sysctl.conf:2 makes it 131 072 at the next boot.',
    confidence: 'high',
    commands: {
      apply: [
        "sed -i.before '2{/conntrack/s/^/# /;}' /etc/sysctl.conf",
        `printf '%s\\n' '${MAX} = 524288' > /etc/sysctl.d/99-zz-conntrack.conf`,
      ],
      undo: ['mv /etc/sysctl.conf.before /etc/sysctl.conf', 'rm /etc/sysctl.d/99-zz-conntrack.conf'],
    },
  },
  {
    when: 'the line had no effect: it was there before the module',
    snapshot: systemd({ ...MODULE, 'etc/sysctl.d/90-conntrack.conf': `${MAX} = 1048576` }),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max) is 262 144, as without any setting, though /etc/sysctl.d/90-conntrack.conf:1 sets 1 048 576: that line was probably applied before the module nf_conntrack was loaded, and had no effect.',
    from: ['proc/modules', 'etc/sysctl.d/90-conntrack.conf:1'],
    confidence: 'medium',
    commands: {
      apply: [
        `printf '%s\\n' '${MAX} = 1048576' > /etc/sysctl.d/99-zz-conntrack.conf`,
        "printf '%s\\n' 'nf_conntrack' > /etc/modules-load.d/nf_conntrack.conf",
        `sysctl -w ${MAX}=1048576`,
      ],
      undo: [
        'rm /etc/sysctl.d/99-zz-conntrack.conf',
        'rm /etc/modules-load.d/nf_conntrack.conf',
        `sysctl -w ${MAX}=262144`,
      ],
    },
  },
  {
    when: 'persisted and in force, but nothing loads the module before',
    snapshot: systemd(
      { ...MODULE, [`${NETFILTER}max`]: 1_048_576, 'etc/sysctl.d/90-conntrack.conf': `${MAX} = 1048576` },
      300_000,
    ),
    severity: 'warning',
    says: '/etc/sysctl.d/90-conntrack.conf:1 sets the limit (nf_conntrack_max) to 1 048 576, as it is now, but nothing that was captured loads the module nf_conntrack before such lines are applied: unless something else does, the next boot skips the line without a word and leaves 262 144, less than the 300 000 entries that the table held.',
    confidence: 'medium',
    commands: {
      apply: ["printf '%s\\n' 'nf_conntrack' > /etc/modules-load.d/nf_conntrack.conf"],
      undo: ['rm /etc/modules-load.d/nf_conntrack.conf'],
    },
  },
  {
    when: 'the same, but what is persisted is the default anyway',
    snapshot: systemd({ ...MODULE, 'etc/sysctl.d/90-conntrack.conf': `${MAX} = 262144` }),
    severity: 'ok',
    says: '2 settings were compared with what the next boot sets, and it changes none of them; /etc/sysctl.d/90-conntrack.conf:1 sets the limit (nf_conntrack_max) to the 262 144 in force.',
  },
  {
    when: 'systemd does not read /etc/sysctl.conf without its link',
    snapshot: systemd({ [`${NETFILTER}max`]: 1_048_576, 'etc/sysctl.conf': `${MAX} = 1048576` }),
    severity: 'warning',
    says: '/etc/sysctl.conf:1 is to set the limit (nf_conntrack_max), but has no effect, because nothing reads that file at boot: it is 1 048 576 now.',
    confidence: 'high',
    commands: { apply: [`printf '%s\\n' '${MAX} = 1048576' > /etc/sysctl.d/90-conntrack.conf`] },
  },
  {
    when: 'a name that this kernel does not have; what it meant is set under the right one',
    snapshot: systemd({ 'etc/sysctl.d/old.conf': 'net.ipv4.netfilter.ip_conntrack_max = 500000' }),
    severity: 'warning',
    says: '/etc/sysctl.d/old.conf:1 is to set the limit (nf_conntrack_max), but has no effect, because this kernel has no setting called net.ipv4.netfilter.ip_conntrack_max: it is 262 144 now.',
    commands: {
      apply: [`printf '%s\\n' '${MAX} = 500000' > /etc/sysctl.d/90-conntrack.conf`, `sysctl -w ${MAX}=500000`],
    },
  },
  {
    when: 'a masked file',
    snapshot: systemd({
      'etc/sysctl.d/50-x.conf': 'net.netfilter.nf_conntrack_acct = 0',
      'usr/lib/sysctl.d/50-x.conf': `${MAX} = 500000`,
    }),
    severity: 'warning',
    says: '/usr/lib/sysctl.d/50-x.conf:1 is to set the limit (nf_conntrack_max), but has no effect, because a file of the same name in a folder of higher rank takes its place: it is 262 144 now.',
  },
  {
    when: 'a value that is no number',
    snapshot: systemd({ 'etc/sysctl.d/x.conf': `${MAX} = 512k` }),
    severity: 'warning',
    says: '/etc/sysctl.d/x.conf:1 is to set the limit (nf_conntrack_max), but has no effect, because its value, 512k, is not a number: it is 262 144 now.',
  },
  {
    when: 'buckets by sysctl on a kernel that does not take them so: 4.4, where hashsize would also raise the limit',
    snapshot: systemd({
      ...MODULE,
      'commands/uname-r': '4.4.0-210-generic',
      [`${NETFILTER}buckets`]: 65_536,
      'etc/modules': 'nf_conntrack',
      'etc/sysctl.d/x.conf': 'net.netfilter.nf_conntrack_buckets = 131072',
    }),
    severity: 'warning',
    says: '/etc/sysctl.d/x.conf:1 is to set the number of hash buckets (nf_conntrack_buckets), but has no effect, because on this kernel that setting is read only: it is 65 536 now.',
    commands: {
      apply: [
        `printf '%s\\n' '${MAX} = 262144' > /etc/sysctl.d/90-conntrack.conf`,
        "printf '%s\\n' 'options nf_conntrack hashsize=131072' > /etc/modprobe.d/zz-nf_conntrack.conf",
      ],
    },
  },
  {
    when: 'a module option for what is built in',
    snapshot: systemd({ 'etc/modprobe.d/nf.conf': 'options nf_conntrack hashsize=65536' }),
    severity: 'warning',
    says: '/etc/modprobe.d/nf.conf:1 is to set the limit (nf_conntrack_max), but has no effect, because conntrack is built into this kernel, and module options do not reach it: it is 262 144 now; not kept either: nf_conntrack_buckets.',
  },
  {
    when: 'what kube-proxy sets by itself',
    snapshot: systemd({
      'commands/cpu-count': 16,
      [`${NETFILTER}max`]: 524_288,
      [`${NETFILTER}tcp_timeout_established`]: 86_400,
      [`${NETFILTER}tcp_timeout_close_wait`]: 3600,
    }),
    severity: 'notice',
    says: 'The limit (nf_conntrack_max, 524 288 on 16 CPUs) and the timeouts of established (24 h) and half-closed (60 min) TCP connections are just what kube-proxy sets by default: it does so again whenever it starts.',
    confidence: 'medium',
    commands: { apply: [] },
  },
  {
    when: 'kube-proxy overrules what is persisted',
    snapshot: systemd({
      'commands/cpu-count': 4,
      [`${NETFILTER}max`]: 131_072,
      [`${NETFILTER}tcp_timeout_established`]: 86_400,
      [`${NETFILTER}tcp_timeout_close_wait`]: 3600,
      'etc/sysctl.d/90-conntrack.conf': `${MAX} = 1000000`,
    }),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max, 131 072 on 4 CPUs) and the timeouts of established (24 h) and half-closed (60 min) TCP connections are just what kube-proxy sets by default: it does so again whenever it starts, whatever /etc/sysctl.d/90-conntrack.conf:1 says (1000000).',
    from: ['etc/sysctl.d/90-conntrack.conf:1'],
  },
  {
    when: 'its limit by chance, without its timeouts',
    snapshot: systemd({
      'commands/cpu-count': 4,
      [`${NETFILTER}max`]: 131_072,
      'etc/sysctl.d/x.conf': `${MAX} = 131072`,
    }),
    severity: 'ok',
    says: '2 settings were compared with what the next boot sets, and it changes none of them; /etc/sysctl.d/x.conf:1 sets the limit (nf_conntrack_max) to the 131 072 in force.',
    from: ['etc/sysctl.d/x.conf:1'],
    confidence: 'high',
  },
  {
    when: 'nothing persisted, and nothing changed',
    snapshot: systemd({ [`${NETFILTER}tcp_timeout_established`]: 432_000 }),
    severity: 'ok',
    says: '3 settings were compared with what the next boot sets, and it changes none of them; the limit (nf_conntrack_max, 262 144) is the kernel’s own default.',
    confidence: 'high',
  },
  {
    when: 'a small machine, whose default follows from slightly more memory than MemTotal',
    snapshot: systemd({
      'proc/meminfo': 'MemTotal: 485000 kB',
      [`${NETFILTER}max`]: 4096,
      [`${NETFILTER}buckets`]: 4096,
    }),
    severity: 'ok',
    says: '2 settings were compared with what the next boot sets, and it changes none of them; the limit (nf_conntrack_max, 4 096) is the kernel’s own default.',
  },
  {
    when: 'captured in another namespace: timeouts of the first are none of its business',
    snapshot: systemd({
      ...inventory(
        SYSTEMD,
        NO_LINES,
        'proc/sys/net/nf_conntrack_max,/proc/sys/net/nf_conntrack_max,absent,not needed: only other kernels have it',
      ),
      [`${NETFILTER}tcp_timeout_established`]: 432_000,
      'etc/sysctl.d/x.conf': 'net.netfilter.nf_conntrack_tcp_timeout_established = 7440',
    }),
    severity: 'ok',
    says: '2 settings were compared with what the next boot sets, and it changes none of them; the limit (nf_conntrack_max, 262 144) is the kernel’s own default.',
  },
  {
    when: '2.4: sysctl.conf, and the tools of its time',
    snapshot: gateway({
      'commands/uname-r': '2.4.21-47.ELsmp',
      'commands/uname-m': 'i686',
      'proc/meminfo': `MemTotal: ${2 * 2 ** 20} kB`,
      [`${NETFILTER}max`]: '',
      [`${NETFILTER}buckets`]: '',
      [`${NETFILTER}count`]: '',
      'proc/sys/net/ipv4/ip_conntrack_max': 200_000,
      ...inventory('etc/sysctl.conf,/etc/sysctl.conf,absent,not needed: no line in it names conntrack'),
    }),
    severity: 'warning',
    says: 'The limit (ip_conntrack_max) is 200 000 now, but no file that was looked at sets it: the next boot goes back to the kernel’s own 65 536.',
    commands: {
      apply: [
        'cp -p /etc/sysctl.conf /etc/sysctl.conf.before',
        "printf '%s\\n' 'net.ipv4.ip_conntrack_max = 200000' >> /etc/sysctl.conf",
      ],
      undo: ['mv /etc/sysctl.conf.before /etc/sysctl.conf'],
    },
  },
  {
    when: 'a plain tree without any such file: nobody says that there is none',
    snapshot: gateway({}),
    severity: 'unknown',
    says: 'the persisted settings (sysctl.conf, sysctl.d)',
  },
  {
    when: 'the files may not be read',
    snapshot: gateway(inventory('etc/sysctl.conf,/etc/sysctl.conf,denied,Permission denied')),
    severity: 'unknown',
    says: 'the persisted settings (sysctl.conf, sysctl.d)',
  },
  {
    when: 'a file that may not be read may decide otherwise',
    snapshot: systemd({
      ...inventory(SYSTEMD, 'etc/sysctl.d/99-secret.conf,/etc/sysctl.d/99-secret.conf,denied,Permission denied'),
      'etc/sysctl.d/x.conf': `${MAX} = 65536`,
    }),
    severity: 'warning',
    says: 'The limit (nf_conntrack_max) is 262 144 now, but /etc/sysctl.d/x.conf:1 makes it 65 536 at the next boot.',
    confidence: 'medium',
  },
  {
    when: 'no limit in the capture',
    snapshot: systemd({ [`${NETFILTER}max`]: '' }),
    severity: 'unknown',
    says: 'nf_conntrack_max',
  },
  {
    when: 'nothing sets the limit, and what the kernel would set is not known',
    snapshot: systemd({ 'proc/meminfo': '', 'commands/uname-m': '' }),
    severity: 'unknown',
    says: 'the size of RAM (MemTotal), the machine type (uname -m)',
  },
]);
