import { describe, expect, test } from 'vitest';
import { topFolderOf } from '../../../src/bundle/layouts/index.ts';
import { newPlacer } from '../../../src/snapshot/read.ts';

async function placed(...paths: string[]) {
  const placer = await newPlacer();
  const places = paths.map((path) => {
    const place = placer.placeOf(path);
    return place === undefined || 'prefix' in place ? place && 'parts' : place.path;
  });
  return { layout: placer.layout, places };
}

describe('the top folder', () => {
  test.each([
    ['proc/slabinfo', ''],
    ['sosreport-gw/proc/slabinfo', 'sosreport-gw/'],
    ['sosreport-gw/sos_commands/host/proc/x', 'sosreport-gw/'],
    ['sosreport-gw/boot/config-6.1', 'sosreport-gw/'],
    ['insights-gw/data/insights_commands/date', 'insights-gw/'],
    ['insights-gw/insights_archive.txt', 'insights-gw/'],
    ['scc_gw/basic-environment.txt', 'scc_gw/'],
    ['gw/systeminfo/sysctla', 'gw/'],
    ['./networking/conntrack.txt', './'],
    ['files/slabinfo', 'files/'],
    ['files/deeper/slabinfo', undefined],
    ['notes.txt', undefined],
  ])('of %s is %s', (path, top) => {
    expect(topFolderOf(path)).toBe(top);
  });
});

describe('a layout is recognised', () => {
  test.each([
    ['bundle', ['manifest.csv', 'proc/slabinfo'], ['manifest.csv', 'proc/slabinfo']],
    ['tree', ['proc/slabinfo', 'home/x/notes.txt'], ['proc/slabinfo', undefined]],
    [
      'sosreport',
      ['etc/sysctl.conf', 'proc/77/net/nf_conntrack', 'sos_commands/kernel/dmesg', 'sos_commands/host/passwd'],
      ['etc/sysctl.conf', 'proc/net/nf_conntrack', 'commands/dmesg', undefined],
    ],
    ['supportconfig', ['basic-environment.txt', 'memory.txt', 'rpm.txt'], ['parts', 'parts', undefined]],
    [
      'insights',
      ['data/proc/meminfo', 'data/insights_commands/getconf_PAGE_SIZE'],
      ['proc/meminfo', 'commands/getconf-PAGESIZE'],
    ],
    ['eks', ['networking/conntrack.txt', 'kernel/dmesg.current'], ['parts', 'commands/dmesg']],
    ['rancher', ['systeminfo/conntrack', 'systeminfo/dmesg'], ['commands/conntrack-S', 'commands/dmesg']],
    ['loose', ['slabinfo', 'dmesg.txt'], ['proc/slabinfo', 'commands/dmesg']],
  ] as const)('as %s', async (layout, paths, places) => {
    expect(await placed(...paths)).toEqual({ layout, places });
  });

  test('in our own bundle nothing stands for anything else', async () => {
    const { places } = await placed(
      'manifest.csv',
      'proc/77/net/nf_conntrack',
      'sos_commands/kernel/dmesg',
      'slabinfo',
    );
    expect(places).toEqual(['manifest.csv', undefined, undefined, undefined]);
  });

  test('no path leaves the folder of its kind', async () => {
    for (const path of ['etc/../../root', 'proc/./slabinfo', 'sos_commands/../etc/passwd']) {
      expect((await placed('sos_commands/x', path)).places[1]).toBeUndefined();
    }
  });
});
