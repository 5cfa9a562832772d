/** One report does not contradict itself: what its first page says, against the findings that it prints below. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { renderText } from '../../src/report/text.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import type { Snapshot } from '../../src/snapshot/types.ts';
import { countersText, gateway } from '../analysis/snapshot-of.ts';

const plain = (text: string) => text.replace(/[\s\u00a0\u202f]+/g, ' ');
const reported = (snapshot: Snapshot) => plain(renderText(analyse(snapshot, '0')));

async function reportOf(bundle: string): Promise<string> {
  const path = fileURLToPath(new URL(`../fixtures/captures/${bundle}.tar.gz`, import.meta.url));
  return reported(await readSnapshot(path));
}

describe('packets that long chains refused', () => {
  test('count as dropped on the first page too', async () => {
    const text = await reportOf('chains');
    expect(text).toContain('Packets dropped 71: in 5.4 s, 13 / s; 78 since the counters began');
    expect(text).toContain('the kernel dropped 71 packets of new connections (13 / s) because a hash chain');
  });

  test('whose counters were read once', () => {
    const counters = { 'proc/net/stat/nf_conntrack': countersText({ chainTooLong: 59_438, insertFailed: 59_438 }) };
    expect(reported(gateway(counters))).toContain('Packets dropped 59 438: since the counters began');
  });
});
