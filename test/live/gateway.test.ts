/**
 * The whole road on this machine's own kernel: real flows through a gateway, the collector, the report's figures, held
 * against what the kernel and the traffic generator say.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Analysis } from '../../src/analysis/schema.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import { Lab, setLimits, whyNoLab } from './lab.ts';

const reason = whyNoLab();
const scratch = mkdtempSync(path.join(tmpdir(), 'conntrack-report-live-'));
afterAll(() => rmSync(scratch, { recursive: true }));

async function analysed(lab: Lab, args: string[] = []): Promise<Analysis> {
  const bundle = path.join(scratch, 'bundle.tar.gz');
  rmSync(bundle, { force: true });
  lab.collect(bundle, { hostname: 'gw.lab', args });
  return analyse(await readSnapshot(bundle), '0');
}

/** TCP states of a bundle's table, counted by other programs: tar and awk. */
function statesByAwk(bundle: string): { key: string; entries: number }[] {
  const script = `tar xzOf "$1" --wildcards '*/proc/net/nf_conntrack' | awk '$3 == "tcp" { n[$6]++ } END { for (s in n) print n[s], "tcp", s }'`;
  return execFileSync('sh', ['-c', script, 'sh', bundle], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => ({ key: line.slice(line.indexOf(' ') + 1), entries: Number.parseInt(line, 10) }))
    .sort((a, b) => b.entries - a.entries || (a.key < b.key ? -1 : 1));
}

const entriesOf = (tallies: { key: string; entries: number }[], key: string) =>
  tallies.find((tally) => tally.key === key)?.entries ?? 0;

describe.skipIf(reason !== undefined)(`a gateway of this kernel${reason ? ` (skipped: ${reason})` : ''}`, () => {
  test('5 000 flows: count, states, top talker and slab bytes are the kernel’s own', async () => {
    const lab = new Lab('lvf');
    try {
      await lab.startServers();
      const made = await lab.flows({
        tcpOpen: 1000,
        tcpShort: 500,
        synOnly: 100,
        udpAnswered: 2400,
        udpUnanswered: 1000,
      });
      expect(made.refused).toBe(0);
      const count = lab.read('/proc/sys/net/netfilter/nf_conntrack_count');
      expect(count).toBeGreaterThanOrEqual(5000);
      // The kernel's table, read by another program in the same moment; UDP lives for 30 s, the rest for longer.
      const top = lab.run(
        'gateway',
        'sh',
        '-c',
        String.raw`sed 's/.*\bsrc=\([^ ]*\) dst=[^ ]* .*\bsrc=.*/\1/' /proc/net/nf_conntrack | sort | uniq -c | sort -rn | head -n 1`,
      );
      const analysis = await analysed(lab, ['--samples', '2']);
      const { table, usage, slab } = analysis;
      expect(usage.entries?.value).toBe(count);
      expect(table?.entries).toBe(count);
      expect(table?.malformed.count).toBe(0);
      const states = table?.byState ?? [];
      expect(entriesOf(states, 'tcp ESTABLISHED')).toBe(made.tcpOpen);
      expect(entriesOf(states, 'tcp SYN_SENT')).toBe(made.synOnly);
      // One that ended with a reset, which nobody asked for but happens, is CLOSE.
      expect(entriesOf(states, 'tcp TIME_WAIT') + entriesOf(states, 'tcp CLOSE')).toBe(made.tcpShort);
      expect(states).toEqual(statesByAwk(path.join(scratch, 'bundle.tar.gz')));
      expect(entriesOf(table?.byClass ?? [], 'udp UNREPLIED')).toBe(made.udpUnanswered);
      expect(entriesOf(table?.byClass ?? [], 'udp no flag')).toBe(made.udpAnswered);
      // Everything that leaves is masqueraded.
      expect(table?.nat.source).toBe(count);
      const [entries, address] = top.trim().split(/\s+/);
      expect(table?.sources.top[0]).toEqual({ key: address, entries: Number(entries) });
      // Masquerading adds an extension to each entry, but not to its slab object.
      const cache = slab.caches[0];
      expect(cache?.heldBytes).toBe((cache?.totalSlabs ?? 0) * (cache?.pagesPerSlab ?? 0) * 4096);
      expect(cache?.activeObjects).toBeGreaterThanOrEqual(count);
      expect(analysis.host.hostname?.value).toBe('gw.lab');
      expect(analysis.problems).toEqual([]);
    } finally {
      lab.close();
    }
  });

  test('with pseudonyms the figures are those of the clear capture, and no address of the lab is in the bundle', async () => {
    const lab = new Lab('lva');
    try {
      lab.setTimeouts({ udp_timeout: 600, udp_timeout_stream: 600, tcp_timeout_time_wait: 600 });
      await lab.startServers();
      await lab.flows({ tcpOpen: 300, tcpShort: 100, synOnly: 50, udpAnswered: 400, udpUnanswered: 150 });
      const clear = await analysed(lab, ['--samples', '1']);
      const hidden = await analysed(lab, ['--samples', '1', '--anonymize']);
      expect(hidden.bundle.anonymized).toEqual({
        scheme: 'octet-tree-1',
        keyId: expect.stringMatching(/^[0-9a-f]{16}$/),
      });
      expect(hidden.problems).toEqual([]);
      expect(hidden.usage.entries?.value).toBe(clear.usage.entries?.value);
      expect(hidden.table?.malformed.count).toBe(0);
      const figures = ({ table, verdict, usage }: Analysis) => ({
        entries: table?.entries,
        states: table?.byState,
        classes: table?.byClass,
        nat: table?.nat,
        lists: [table?.sources, table?.destinations, table?.networks].map((list) => ({
          ...list,
          top: list?.top.map(({ entries }) => entries),
        })),
        verdict: verdict.kind,
        max: usage.max?.value,
      });
      expect(figures(hidden)).toEqual(figures(clear));
      const clients = clear.table?.sources.top.map(({ key }) => key) ?? [];
      expect(clients.every((key) => key.startsWith('10.20.'))).toBe(true);
      expect(hidden.table?.sources.top.every(({ key }) => key.startsWith('10.'))).toBe(true);

      // Of a key that is made anew, 10.20 could be the pseudonym of 10.20 itself, once in 256 times: here it is known not to be.
      const key = path.join(scratch, 'secret.key');
      writeFileSync(key, `${'0123456789abcdef'.repeat(4)}\n`, { mode: 0o600 });
      await analysed(lab, ['--samples', '1', '--anonymize', '--key-file', key]);
      const everything = execFileSync('tar', ['xzOf', path.join(scratch, 'bundle.tar.gz')], {
        encoding: 'latin1',
        maxBuffer: 1 << 28,
      });
      const names = execFileSync('tar', ['tzf', path.join(scratch, 'bundle.tar.gz')], { encoding: 'latin1' });
      for (const secret of ['10.20.', '10.19.', '198.18.0.1 ', 'gw.lab', 'lva-g', 'lva-c']) {
        expect(everything, secret).not.toContain(secret);
        expect(names, secret).not.toContain(secret);
      }
    } finally {
      lab.close();
    }
  });

  test('a table that is filled until packets drop is found out', async () => {
    const lab = new Lab('lvd');
    try {
      setLimits({ max: 1500 });
      await lab.startServers();
      const made = await lab.flows({ tcpOpen: 1400, udpUnanswered: 2000, perSecond: 100 });
      expect(made.refused + made.udpUnanswered).toBe(2000 + 1400 - made.tcpOpen);
      const analysis = await analysed(lab);
      const drops = Number(lab.counters().drop);
      expect(drops).toBeGreaterThan(0);
      expect(analysis.verdict).toMatchObject({ kind: 'limit-reached', severity: 'critical' });
      expect(analysis.usage.max?.value).toBe(1500);
      // The kernel went on counting after the collector's last reading.
      expect(analysis.drops.counters?.totals.drop).toBeGreaterThan(0);
      expect(analysis.drops.counters?.totals.drop).toBeLessThanOrEqual(drops);
      expect(analysis.drops.duringCapture?.drop).toBeGreaterThan(0);
      expect(analysis.recommendation.action).toBe('raise');
      expect(analysis.recommendation.max).toBeGreaterThan(1500);
    } finally {
      lab.close();
    }
  });
});
