import { gateway } from '../snapshot-of.ts';
import { testRule } from './cases.ts';

const MAX = 'proc/sys/net/netfilter/nf_conntrack_max';
const COUNT = 'proc/sys/net/netfilter/nf_conntrack_count';
const MEMINFO = 'proc/meminfo';
const SLABINFO = 'proc/slabinfo';
/** NAT is known not to be loaded, and no feature is on: only slabs and the one hash table are there for certain. */
const MODULES = { 'proc/modules': 'nf_conntrack 204800 1 xt_conntrack, Live 0x0000000000000000' };
const held = (slabs: number) =>
  `slabinfo - version: 2.1\nnf_conntrack ${slabs * 16} ${slabs * 16} 256 16 1 : tunables 0 0 0 : slabdata ${slabs} ${slabs} 0`;

testRule('memory', [
  {
    when: 'little of 8 GiB, now and at the limit',
    snapshot: gateway(MODULES),
    severity: 'ok',
    says: 'Connection tracking holds 768 KiB, under 0.01 % of RAM (8.00 GiB), and would hold up to 24.5 MiB (0.30 %) with the table full at its limit of 65 536 entries.',
    from: ['proc/slabinfo:2', 'proc/meminfo:1', MAX],
  },
  {
    when: '6 % of RAM now',
    snapshot: gateway({
      ...MODULES,
      [COUNT]: 126_000,
      [MAX]: 262_144,
      [SLABINFO]: held(7900),
      [MEMINFO]: 'MemTotal: 524288 kB',
    }),
    severity: 'notice',
    says: 'Connection tracking holds 31.4 MiB, 6.1 % of RAM (512 MiB); with the table full at its limit of 262 144 entries it would be up to 96.5 MiB (19 %).',
    confidence: 'high',
  },
  {
    when: 'more than a fifth of RAM now',
    snapshot: gateway({
      ...MODULES,
      [COUNT]: 126_000,
      [MAX]: 131_072,
      [SLABINFO]: held(7900),
      [MEMINFO]: 'MemTotal: 131072 kB',
    }),
    severity: 'warning',
    says: 'Connection tracking holds 31.4 MiB, 24 % of RAM (128 MiB); with the table full at its limit of 131 072 entries it would be up to 48.5 MiB (38 %).',
  },
  {
    when: 'a limit that would take a quarter of RAM',
    snapshot: gateway({ ...MODULES, [MAX]: 350_000, [MEMINFO]: 'MemTotal: 524288 kB' }),
    severity: 'notice',
    says: 'With the table full at its limit of 350 000 entries, connection tracking would hold up to 129 MiB, 25 % of RAM (512 MiB); now it holds 768 KiB.',
    confidence: 'medium',
  },
  {
    when: 'a limit that would take more than half of RAM',
    snapshot: gateway({ ...MODULES, [MAX]: 1_048_576, [MEMINFO]: 'MemTotal: 524288 kB' }),
    severity: 'warning',
    says: 'With the table full at its limit of 1 048 576 entries, connection tracking would hold up to 385 MiB, 75 % of RAM (512 MiB); now it holds 768 KiB.',
  },
  {
    when: 'little of RAM, but more than is available',
    snapshot: gateway({ ...MODULES, [MAX]: 131_072, [MEMINFO]: 'MemTotal: 524288 kB\nMemAvailable: 40960 kB' }),
    severity: 'warning',
    says: 'With the table full at its limit of 131 072 entries, connection tracking would hold up to 48.5 MiB, 9.5 % of RAM (512 MiB); now it holds 768 KiB, and only 40.0 MiB more were available (MemAvailable).',
    from: ['proc/meminfo:2'],
  },
  {
    when: '32 bits and 4 GiB: low memory counts, and what is available says nothing of it',
    snapshot: gateway({
      ...MODULES,
      'commands/uname-m': 'i686',
      [COUNT]: 230_000,
      [MAX]: 1_048_576,
      [SLABINFO]: held(14_400),
      [MEMINFO]: 'MemTotal: 4144988 kB\nMemAvailable: 3000 kB\nHighTotal: 3276800 kB\nLowTotal: 868188 kB',
    }),
    severity: 'notice',
    says: 'Connection tracking holds 56.5 MiB, 6.7 % of the low memory (848 MiB); with the table full at its limit of 1 048 576 entries it would be up to 384 MiB (45 %).',
    from: ['proc/meminfo:4'],
  },
  {
    when: '32 bits without memory above: all of it is low memory',
    snapshot: gateway({ ...MODULES, 'commands/uname-m': 'mips', [MEMINFO]: 'MemTotal: 61440 kB', [MAX]: 16_384 }),
    severity: 'ok',
    says: 'Connection tracking holds 512 KiB, 0.83 % of RAM (60.0 MiB), and would hold up to 6.25 MiB (10 %) with the table full at its limit of 16 384 entries.',
  },
  {
    when: 'slabs of a past burst are more than a full table needs today: they stay',
    snapshot: gateway({ ...MODULES, [MAX]: 16_384, [SLABINFO]: held(7900), [MEMINFO]: 'MemTotal: 1048576 kB' }),
    severity: 'ok',
    says: 'Connection tracking holds 31.4 MiB, 3.1 % of RAM (1.00 GiB), and would hold up to 31.4 MiB (3.1 %) with the table full at its limit of 16 384 entries.',
  },
  {
    when: 'no limit',
    snapshot: gateway({ ...MODULES, [MAX]: 0 }),
    severity: 'notice',
    says: 'Connection tracking holds 768 KiB, under 0.01 % of RAM (8.00 GiB), and nothing bounds it: nf_conntrack_max is 0.',
  },
  {
    when: 'no limit, and much is held',
    snapshot: gateway({ ...MODULES, [MAX]: 0, [SLABINFO]: held(7900), [MEMINFO]: 'MemTotal: 131072 kB' }),
    severity: 'warning',
    says: 'Connection tracking holds 31.4 MiB, 24 % of RAM (128 MiB), and nothing bounds it (nf_conntrack_max is 0).',
  },
  {
    when: 'the limit was not captured, and what is held is little',
    snapshot: gateway({ ...MODULES, [MAX]: '' }),
    severity: 'unknown',
    says: 'nf_conntrack_max',
  },
  {
    when: 'the limit was not captured, but what is held is much by itself',
    snapshot: gateway({ ...MODULES, [MAX]: '', [SLABINFO]: held(7900), [MEMINFO]: 'MemTotal: 131072 kB' }),
    severity: 'warning',
    says: 'Connection tracking holds 31.4 MiB, 24 % of RAM (128 MiB).',
  },
  {
    when: 'no slabinfo and no meminfo',
    snapshot: gateway({ [SLABINFO]: '', [MEMINFO]: '' }),
    severity: 'unknown',
    says: 'the slab lines of connection tracking, the size of RAM',
  },
  {
    when: 'no page size',
    snapshot: gateway({ 'commands/getconf-PAGESIZE': '', 'commands/uname-m': 'aarch64' }),
    severity: 'unknown',
    says: 'the page size',
  },
]);
