import { gateway } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';

testRule('unlimited', [
  {
    when: '0',
    snapshot: gateway({ [MAX]: 0 }),
    severity: 'notice',
    // 256 bytes of the object and 128 of an extension.
    says: 'nf_conntrack_max is 0: the table may grow without limit, and holds 1 000 entries now. A million entries take up to 366 MiB; 22 369 621 would take all of the 8.00 GiB of RAM.',
    from: [MAX, 'proc/meminfo:1'],
    commands: {
      undo: ['sysctl -w net.netfilter.nf_conntrack_max=0', 'sysctl -w net.netfilter.nf_conntrack_buckets=65536'],
    },
  },
  {
    when: '0, and nothing that tells the price',
    snapshot: gateway({ [MAX]: 0, 'proc/slabinfo': '' }),
    severity: 'notice',
    says: 'nf_conntrack_max is 0: the table may grow without limit, and holds 1 000 entries now.',
  },
  {
    when: '0, and the size of RAM is not known',
    snapshot: gateway({ [MAX]: 0, 'proc/meminfo': '' }),
    severity: 'notice',
    says: 'nf_conntrack_max is 0: the table may grow without limit, and holds 1 000 entries now. A million entries take up to 366 MiB.',
  },
  {
    when: 'a negative number',
    snapshot: gateway({ [MAX]: -1 }),
    severity: 'notice',
    says: 'nf_conntrack_max is a negative number, which the kernel takes for 4 294 967 295: in effect, no limit; the table holds 1 000 entries now. A million entries take up to 366 MiB; 22 369 621 would take all of the 8.00 GiB of RAM.',
  },
  { when: 'a limit', snapshot: gateway({}), severity: 'ok', says: 'The table has a limit: 65 536 entries.' },
  { when: 'not captured', snapshot: gateway({ [MAX]: '' }), severity: 'unknown', says: 'nf_conntrack_max' },
]);
