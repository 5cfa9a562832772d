/** Whole bundles of real losses: which failure each is, and what must not be said of it. test/fixtures/README.md tells what happened in each. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import type { Analysis } from '../../src/analysis/schema.ts';
import { statementOf } from '../../src/report/findings.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';

interface Case {
  bundle: string;
  verdict: Pick<Analysis['verdict'], 'kind' | 'failure' | 'severity'>;
  runnerUp: string;
  action: Analysis['recommendation']['action'];
  /** Findings that are neither in order nor left open, by id, with what they must say. */
  found: Record<string, RegExp>;
}

const CASES: Case[] = [
  {
    bundle: 'evicting',
    verdict: { kind: 'flood', failure: 'attack', severity: 'critical' },
    runnerUp: 'limit',
    action: 'fix-cause',
    found: {
      'table-full': /^The table held 1 536 of at most 1 536 entries \(100 %\); no packet was dropped/,
      'early-drop': /^The kernel evicted 539 entries within .* full without a trace\.$/,
      'was-full': /1 010 entries evicted to make room since they began; the kernel log has no line about it/,
      unreplied: /^70 % of the table \(1 080 of 1 536 entries\) never saw an answer, all of them UDP/,
      concentration: /^The destination 203\.0\.113\.250 holds 70 % of the table/,
      persistence: /^The limit \(nf_conntrack_max\) is 1 536 now/,
    },
  },
  {
    bundle: 'other-namespace',
    verdict: { kind: 'namespace-full', failure: 'other-namespace', severity: 'critical' },
    runnerUp: 'limit',
    action: 'raise',
    found: {
      'other-namespace': /^web-g \(netns \d+\) holds 2 000 of at most 2 000 entries/,
      persistence: /^The limit \(nf_conntrack_max\) is 2 000 now/,
    },
  },
  {
    bundle: 'chains',
    verdict: { kind: 'long-chains', failure: 'hash-chains', severity: 'critical' },
    runnerUp: 'limit',
    action: 'raise-buckets',
    found: {
      'hash-chains':
        /^Within .* the kernel dropped 71 packets of new connections .*\(chaintoolong\).*512 buckets are too few\.$/,
      unreplied: /never saw an answer/,
      concentration: /^The destination 203\.0\.113\.250/,
      persistence: /nf_conntrack_buckets/,
      'blind-spots': /./,
    },
  },
  {
    bundle: 'clashes',
    verdict: { kind: 'clashes', failure: 'nat-or-clash', severity: 'critical' },
    runnerUp: 'limit',
    action: 'fix-cause',
    found: {
      // 84 of insert_failed and 84 of drop are the same packets.
      clashes: /^Within .* the kernel dropped up to 84 packets of new connections .*DNS over UDP/,
      concentration: /^The destination 203\.0\.113\.1 holds 45 %/,
      persistence: /./,
    },
  },
  {
    bundle: 'nat-ports',
    verdict: { kind: 'clashes', failure: 'nat-or-clash', severity: 'critical' },
    runnerUp: 'limit',
    action: 'fix-cause',
    found: {
      clashes:
        /218 packets .*none was solved, and source NAT uses 77 ports towards 203\.0\.113\.1 udp\/53: perhaps its rule allows no more\.$/,
      persistence: /./,
    },
  },
  {
    // One reading, as other collectors take it: neither a rate nor what goes on now can be told.
    bundle: 'table-full',
    verdict: { kind: 'limit-reached', failure: 'limit', severity: 'critical' },
    runnerUp: 'attack',
    action: 'raise',
    found: {
      'table-full': /^The table held 1 000 of at most 1 000 entries \(100 %\)\.$/,
      'was-full':
        /^10 lines of the kernel log .*up to 134 more, other messages included; .*1 340 packets dropped and 60 entries evicted/,
      'early-drop': /60 entries evicted .* the counters were read only once\.$/,
      concentration: /^The loopback address 127\.77\.0\.1 holds 100 %/,
      evictable: /^Of 1 000 entries 1 000 \(100 %\) could be evicted, but .* about 5\.9 % of these searches find one/,
      'blind-spots': /a second reading of the counters/,
    },
  },
  {
    bundle: 'few-buckets',
    verdict: { kind: 'long-chains', failure: 'hash-chains', severity: 'warning' },
    runnerUp: 'limit',
    action: 'raise-buckets',
    found: {
      'hash-chains':
        /^So far the kernel dropped 59 438 packets .*1 024 buckets hold chains of 79\.22 links on average\.$/,
      'blind-spots': /the kernel log, the connection table/,
    },
  },
  {
    bundle: 'odd-protocols',
    verdict: { kind: 'healthy', failure: 'none', severity: 'ok' },
    runnerUp: 'hash-chains',
    action: 'leave',
    found: { 'blind-spots': /./ },
  },
];

test.each(CASES)('$bundle', async ({ bundle, verdict, runnerUp, action, found }) => {
  const file = fileURLToPath(new URL(`../fixtures/captures/${bundle}.tar.gz`, import.meta.url));
  const analysis = analyse(await readSnapshot(file), '0');
  expect(analysis.verdict).toMatchObject(verdict);
  expect(analysis.verdict.runnerUp?.failure).toBe(runnerUp);
  expect(analysis.verdict.proof.length).toBeGreaterThan(0);
  expect(analysis.recommendation.action).toBe(action);
  const said = analysis.findings.filter(({ severity }) => ['critical', 'warning', 'notice'].includes(severity));
  expect(said.map(({ id }) => id).sort()).toEqual(Object.keys(found).sort());
  for (const finding of said) expect(statementOf(finding)).toMatch(found[finding.id] ?? /never/);
  // Whatever is said has its place in the bundle, but for what is not in it.
  for (const { id, evidence } of said.filter((each) => each.id !== 'blind-spots'))
    expect(evidence.length, id).toBeGreaterThan(0);
});
