import { describe, expect, test } from 'vitest';
import { othersOf } from '../../src/analysis/others.ts';
import { snapshotOf } from './snapshot-of.ts';

const GIB = 2 ** 20;

/** nf_conntrack_init_start(): up to 5.14 four times the buckets, which are RAM ÷ 16 384 ÷ 8 up to a bound; later as many as buckets. */
describe('what others would set', () => {
  test.each([
    ['6.6.0', 'x86_64', 16 * GIB, 4, { kernelDefault: 262_144, ramRule: 524_288, kubeProxy: 131_072 }],
    ['5.4.0', 'x86_64', 2 * GIB, 8, { kernelDefault: 65_536, ramRule: 65_536, kubeProxy: 262_144 }],
    ['6.6.0', 'i686', 2 * GIB, 64, { kernelDefault: 65_536, ramRule: 131_072, kubeProxy: 1_048_576 }],
  ])('%s on %s', (release, machine, kib, cpus, expected) => {
    const snapshot = snapshotOf({
      'commands/uname-r': release,
      'commands/uname-m': machine,
      'commands/cpu-count': cpus,
      'proc/meminfo': `MemTotal: ${kib} kB\n`,
    });
    expect(othersOf(snapshot)).toEqual(expected);
  });

  test('is told as far as it was captured', () => {
    expect(othersOf(snapshotOf({ 'commands/cpu-count': 2 }))).toEqual({ kubeProxy: 131_072 });
    expect(othersOf(snapshotOf({ 'commands/uname-m': 'x86_64' }))).toEqual({});
  });
});
