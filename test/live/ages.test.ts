/** Idle times and what-ifs, held against this machine's own kernel and the clock. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import { Lab, whyNoLab } from './lab.ts';

const reason = whyNoLab();
const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-ages-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const SILENT = 200;
const SPEAKING = 100;
const PROPOSED = 4;
const TIMEOUT = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout';

/** Seconds that remain, of each UDP entry that the kernel lists. */
function remaining(lab: Lab): number[] {
  return lab
    .run('gateway', 'cat', '/proc/net/nf_conntrack')
    .split('\n')
    .filter((line) => line.includes(' udp '))
    .map((line) => Number(line.split(/\s+/)[4]));
}

describe.skipIf(reason !== undefined)(`ages on this kernel${reason ? ` (skipped: ${reason})` : ''}`, () => {
  test('idle times follow the clock, and a lower timeout leaves what the what-if said', async () => {
    const lab = new Lab('lva', { nat: '' });
    try {
      await lab.flows({ udpUnanswered: SPEAKING, againEveryMs: 1000 });
      await lab.flows({ udpUnanswered: SILENT });
      const made = Date.now();
      await setTimeout(6000);

      const bundle = path.join(scratch, 'bundle.tar.gz');
      const before = (Date.now() - made) / 1000;
      lab.collect(bundle, { args: ['--samples', '0'] });
      const after = (Date.now() - made) / 1000;
      const { ages, table } = analyse(await readSnapshot(bundle), '0', { whatIf: { udp_timeout: PROPOSED } });
      expect(table?.entries).toBe(SILENT + SPEAKING);
      const udp = ages?.classes.find(({ key }) => key === 'udp UNREPLIED');
      expect(udp).toMatchObject({ setting: 'udp_timeout', timeoutSeconds: 30, known: SILENT + SPEAKING });
      // Two thirds are silent: the median is one of them. The table was read at some moment of the collector's run; the kernel
      // rounds what remains down, and sending took a moment.
      expect(udp?.medianIdleSeconds).toBeGreaterThanOrEqual(before - 1);
      expect(udp?.medianIdleSeconds).toBeLessThanOrEqual(after + 2);
      const [predicted] = ages?.whatIf ?? [];
      expect(predicted).toMatchObject({ setting: 'udp_timeout', gone: SILENT, steadyEntries: SPEAKING });

      // Lowering the timeout leaves the timers of the silent ones as they are …
      lab.run('gateway', 'sh', '-c', `echo ${PROPOSED} > ${TIMEOUT}`);
      expect(remaining(lab).filter((seconds) => seconds > PROPOSED).length).toBeGreaterThanOrEqual(SILENT);
      // … until their next packet. From then on each lives by the new one, and only those that go on speaking stay.
      lab.again();
      // Those that speak do so once a second.
      await setTimeout(1500);
      expect(Math.max(...remaining(lab))).toBeLessThanOrEqual(PROPOSED);
      await setTimeout((PROPOSED + 1) * 1000);
      expect(remaining(lab)).toHaveLength(predicted?.steadyEntries ?? -1);
    } finally {
      lab.close();
    }
  });
});
