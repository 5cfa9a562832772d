import { gateway, snapshotOf } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const SLABINFO = 'proc/slabinfo';
const slub = (line: string) => ({ [SLABINFO]: `slabinfo - version: 2.1\n${line}` });

testRule('slab-fragmentation', [
  {
    when: '500 000 entries were there, of which 70 % expired (measured on 6.18)',
    snapshot: gateway(slub('nf_conntrack 154757 498304 256 16 1 : tunables 0 0 0 : slabdata 31144 31144 0')),
    severity: 'notice',
    says: 'The slabs of connection tracking hold 122 MiB, where the entries in use would fit into 37.8 MiB: 69 % of their objects are free, because there have been more entries, about 498 304 or more at once.',
    from: ['proc/slabinfo:2'],
    confidence: 'high',
  },
  {
    when: 'SLUB fell back to smaller slabs: what is held is an upper bound',
    snapshot: gateway(slub('nf_conntrack 20000 60000 320 51 4 : tunables 0 0 0 : slabdata 1300 1300 0')),
    severity: 'notice',
    says: 'The slabs of connection tracking hold 20.3 MiB, where the entries in use would fit into 6.14 MiB: 67 % of their objects are free, because there have been more entries, about 60 000 or more at once.',
    confidence: 'medium',
  },
  {
    when: 'SLAB, which counts empty slabs',
    snapshot: gateway(
      slub('nf_conntrack_ffffffff81b2a920 9000 60000 312 12 1 : tunables 54 27 8 : slabdata 3000 5000 0'),
    ),
    severity: 'notice',
    says: 'The slabs of connection tracking hold 19.5 MiB, where the entries in use would fit into 2.93 MiB: 85 % of their objects are free, because there have been more entries, about 60 000 or more at once; 7.81 MiB of it is in empty slabs, which the kernel gives back when memory runs short.',
  },
  {
    when: 'more than twice, but of little',
    snapshot: snapshotOf({
      [SLABINFO]: 'slabinfo - version: 1.1 (SMP)\nip_conntrack 6537 16620 384 984 1662 1 : 496 124',
      'commands/getconf-PAGESIZE': 4096,
    }),
    severity: 'ok',
    says: 'The slabs of connection tracking hold 6.49 MiB, and the entries in use could not be packed into less than 2.55 MiB.',
  },
  {
    when: 'the same on a router with 64 MiB',
    snapshot: snapshotOf({
      [SLABINFO]: 'slabinfo - version: 1.1 (SMP)\nip_conntrack 6537 16620 384 984 1662 1 : 496 124',
      'commands/getconf-PAGESIZE': 4096,
      'proc/meminfo': 'MemTotal: 62000 kB',
    }),
    severity: 'notice',
    says: 'The slabs of connection tracking hold 6.49 MiB, where the entries in use would fit into 2.55 MiB: 61 % of their objects are free, because there have been more entries, about 16 620 or more at once; 2.65 MiB of it is in empty slabs, which the kernel gives back when memory runs short.',
  },
  {
    when: 'much is held, and most of it is needed',
    snapshot: gateway(slub('nf_conntrack 542386 544896 256 16 1 : tunables 0 0 0 : slabdata 34056 34056 0')),
    severity: 'ok',
    says: 'The slabs of connection tracking hold 133 MiB, and the entries in use could not be packed into less than 132 MiB.',
  },
  {
    when: 'no slab at all',
    snapshot: gateway(slub('nf_conntrack 0 0 256 16 1 : tunables 0 0 0 : slabdata 0 0 0')),
    severity: 'ok',
    says: 'Connection tracking holds no slab.',
  },
  {
    when: 'no slabinfo',
    snapshot: gateway({ [SLABINFO]: '' }),
    severity: 'unknown',
    says: 'the slab lines of connection tracking',
  },
  {
    when: 'no page size',
    snapshot: gateway({ 'commands/getconf-PAGESIZE': '', 'commands/uname-m': 'aarch64' }),
    severity: 'unknown',
    says: 'the page size',
  },
]);
