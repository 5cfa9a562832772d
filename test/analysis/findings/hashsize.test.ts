import { gateway } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';
const BUCKETS = 'proc/sys/net/netfilter/nf_conntrack_buckets';
const OPTION = { 'etc/modprobe.d/nf_conntrack.conf': '# more connections\noptions nf_conntrack hashsize=65536' };
const LOOKED = {
  'inventory.csv': [
    'path,source,status,reason,start,seconds,bytes,digest',
    'etc/modprobe.d/*,/etc/modprobe.d/*,absent,not needed: no line in it names conntrack,0.1,0.0,,',
    'proc/cmdline,/proc/cmdline,captured,,0.1,0.0,0,',
  ].join('\n'),
};

testRule('hashsize', [
  {
    when: 'an option, and eight times as many entries',
    snapshot: gateway({ ...OPTION, [BUCKETS]: 65_536, [MAX]: 524_288 }),
    severity: 'notice',
    says: 'nf_conntrack_max is 524 288 because hashsize=65 536 is set, and nothing sets a limit: the kernel then takes 8 × buckets. When the table is full, a chain of its 65 536 buckets has 16 links on average.',
    from: ['etc/modprobe.d/nf_conntrack.conf:2', MAX, BUCKETS],
    confidence: 'high',
    commands: {
      apply: ['sysctl -w net.netfilter.nf_conntrack_buckets=524288'],
      undo: ['sysctl -w net.netfilter.nf_conntrack_buckets=65536'],
    },
  },
  {
    when: 'on the command line of the kernel, and rounded up to a page',
    snapshot: gateway({
      'proc/cmdline': 'BOOT_IMAGE=/vmlinuz root=/dev/sda1 nf_conntrack.hashsize=100000',
      [BUCKETS]: 100_352,
      [MAX]: 802_816,
    }),
    severity: 'notice',
    says: 'nf_conntrack_max is 802 816 because hashsize=100 000 is set, and nothing sets a limit: the kernel then takes 8 × buckets. When the table is full, a chain of its 100 352 buckets has 16 links on average.',
    from: ['proc/cmdline:1'],
  },
  {
    when: 'buckets raised since: the limit is still from the option',
    snapshot: gateway({ ...OPTION, [BUCKETS]: 262_144, [MAX]: 524_288 }),
    severity: 'notice',
    says: 'nf_conntrack_max is 524 288 because hashsize=65 536 is set, and nothing sets a limit: the kernel then takes 8 × buckets. When the table is full, a chain of its 262 144 buckets has 4 links on average.',
  },
  {
    when: 'buckets raised since, to as many as the limit',
    snapshot: gateway({ ...OPTION, [BUCKETS]: 524_288, [MAX]: 524_288 }),
    severity: 'ok',
    says: 'nf_conntrack_max is 524 288, as hashsize=65 536 makes it (8 × buckets); but the buckets were raised since, to 524 288: when the table is full, a chain has 2 links on average.',
  },
  {
    when: 'a kernel whose buckets cannot be changed while it runs',
    snapshot: gateway({
      'commands/uname-r': '2.6.18-8.el5',
      [BUCKETS]: '',
      [MAX]: '',
      'etc/modprobe.conf': 'options ip_conntrack hashsize=16384',
      'sys/module/ip_conntrack/parameters/hashsize': 16_384,
      'proc/sys/net/ipv4/netfilter/ip_conntrack_max': 131_072,
    }),
    severity: 'notice',
    says: 'nf_conntrack_max is 131 072 because hashsize=16 384 is set, and nothing sets a limit: the kernel then takes 8 × buckets. When the table is full, a chain of its 16 384 buckets has 16 links on average.',
  },
  {
    when: 'a sysctl sets the same number',
    snapshot: gateway({
      ...OPTION,
      'etc/sysctl.d/90-conntrack.conf': 'net.netfilter.nf_conntrack_max = 524288',
      [BUCKETS]: 65_536,
      [MAX]: 524_288,
    }),
    severity: 'ok',
    says: 'nf_conntrack_max is 524 288 as a sysctl file sets it, though hashsize=65 536 is set.',
  },
  {
    when: 'a sysctl sets another number, which is not in force',
    snapshot: gateway({
      ...OPTION,
      'etc/sysctl.conf': 'net.ipv4.netfilter.ip_conntrack_max = 131072',
      [BUCKETS]: 65_536,
      [MAX]: 524_288,
    }),
    severity: 'notice',
    says: 'nf_conntrack_max is 524 288, as hashsize=65 536 makes it (8 × buckets), and not 131 072, as a sysctl file has it: that line was not in force at the capture. When the table is full, a chain of its 65 536 buckets has 16 links on average.',
    from: ['etc/sysctl.conf:1'],
    confidence: 'medium',
  },
  {
    when: 'an option, but another limit',
    snapshot: gateway({ ...OPTION, [BUCKETS]: 65_536, [MAX]: 262_144 }),
    severity: 'ok',
    says: 'nf_conntrack_max does not come from hashsize: it is 262 144, with 65 536 buckets, though hashsize=65 536 is set.',
  },
  {
    when: 'eight times, and it was not looked for the option',
    snapshot: gateway({ [BUCKETS]: 8192, [MAX]: 65_536 }),
    severity: 'unknown',
    says: 'the settings of modules (modprobe.d), the kernel’s command line',
  },
  {
    when: 'eight times, and nobody set it',
    snapshot: gateway({ ...LOOKED, [BUCKETS]: 8192, [MAX]: 65_536 }),
    severity: 'ok',
    says: 'nf_conntrack_max is 65 536, exactly 8 × the 8 192 buckets, as hashsize would make it; but no setting that was looked at names hashsize.',
    confidence: 'low',
  },
  {
    when: 'eight times by default, as up to 2.6.23',
    snapshot: gateway({ 'commands/uname-r': '2.6.18', [BUCKETS]: 8192, [MAX]: 65_536 }),
    severity: 'ok',
    says: 'nf_conntrack_max does not come from hashsize: it is 65 536, with 8 192 buckets.',
  },
  {
    when: 'the default of 5.15 needs no configuration to be told',
    snapshot: gateway({}),
    severity: 'ok',
    says: 'nf_conntrack_max does not come from hashsize: it is 65 536, with 65 536 buckets.',
  },
  { when: 'no buckets', snapshot: gateway({ [BUCKETS]: '' }), severity: 'unknown', says: 'nf_conntrack_buckets' },
]);
