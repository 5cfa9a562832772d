import { moreBuckets } from '../commands.ts';
import { type ChainLimit, chainLimitOf } from '../kernel.ts';
import { type Rule, seen, seenCounter, seenSetting, things } from './rule.ts';

/** Average links in a chain from which look-ups are slow enough to act on; kube-proxy’s own sizing allows 8. */
const LONG = 8;

/**
 * The share of new connections, at a full table, from which refusals are noticed: one in 10 000, at a load of 3 where chains are
 * refused from 8 entries on. These kernels come with a load of 2, at which it is one in 200 000.
 */
const NOTICED = 1e-4;

/** Chains of the hash table refuse new entries, will when the table is at its limit, or are long enough to slow every packet down. */
export const hashChains: Rule = {
  id: 'hash-chains',
  assess(host) {
    const { snapshot, measured } = host;
    const { usage, drops, hash } = measured;
    const { buckets, entries: held, ofAllNamespaces: everywhere = false } = hash;
    const [chain, chainAtMax] = [hash.linksPerBucket, hash.linksPerBucketAtMax];
    const max = usage.unlimited ? undefined : usage.max;
    const during = drops.duringCapture;
    const values = {
      entries: usage.peak?.value,
      max: max?.value,
      held: held?.value,
      everywhere,
      buckets: buckets?.value,
      chain,
      chainAtMax,
      watchedSeconds: during?.seconds,
    };
    const evidence = [
      ...seenCounter('chaintoolong', measured),
      ...seenSetting(buckets),
      ...seen(everywhere ? 'active_objs of all conntrack caches' : 'nf_conntrack_count', held),
      ...seen('nf_conntrack_max', max),
    ];
    const found = {
      values,
      evidence,
      confidence: 'high' as const,
      commands: moreBuckets(host),
    };
    const dropped = (packets: number) => ({ refused: things(packets, 'packet') });

    if (during?.chainTooLong) {
      const now = { ...dropped(during.chainTooLong), refusedPerSecond: during.chainTooLong / during.seconds };
      return { ...found, severity: 'critical', says: 'refusing', values: { ...values, ...now } };
    }
    const before = drops.counters?.totals.chaintoolong;
    if (before) return { ...found, severity: 'warning', says: 'refused', values: { ...values, ...dropped(before) } };
    // One hash table serves all namespaces since 4.9, and there is no such counter before 5.15.
    const elsewhere = snapshot.namespaces.flatMap(({ counters }) =>
      counters?.totals.chaintoolong ? [counters] : [],
    )[0];
    if (elsewhere) {
      const there = elsewhere.totals.chaintoolong ?? 0;
      return {
        ...found,
        severity: 'warning',
        says: 'elsewhere',
        values: { ...values, ...dropped(there) },
        evidence: [{ what: 'chaintoolong', value: there, file: elsewhere.file }, ...evidence],
      };
    }
    const limit = chainLimitOf(snapshot);
    if (limit !== undefined && limit !== 'none' && chainAtMax !== undefined) {
      const share = refusedShare(chainAtMax, limit);
      if (share >= NOTICED) {
        const { certain, least, most } = limit;
        return {
          ...found,
          severity: certain ? 'warning' : 'notice',
          says: certain ? 'willRefuse' : 'mayRefuse',
          values: { ...values, least, most, ...pictured(share) },
          confidence: certain ? 'medium' : 'low',
        };
      }
    }
    if (chain !== undefined && chain > LONG) return { ...found, severity: 'notice', says: 'long' };

    const isCounted = limit === 'none' || before !== undefined;
    if (chain === undefined || !isCounted) {
      return {
        missing: [
          ...(buckets ? [] : ['the number of buckets']),
          ...(held ? [] : ['the number of entries']),
          ...(isCounted ? [] : [drops.counters ? 'the counter chaintoolong' : 'the drop counters']),
        ],
      };
    }
    return { severity: 'ok', says: limit === 'none' ? 'okWithoutLimit' : 'ok', values, evidence, confidence: 'high' };
  },
};

/**
 * The share of new connections that find one of their two chains too long, when the entries are spread by chance (Poisson): a
 * chain of n entries refuses one more where the limit drawn is n − 2 or less, since `if (chainlen++ > max_chainlen)` is asked at each of
 * them (__nf_conntrack_confirm() in nf_conntrack_core.c). Played through for 1 024 buckets, this rule stops at 40 560 entries of 100 000;
 * 6.18 stopped at 40 562.
 */
function refusedShare(load: number, { least, most }: ChainLimit): number {
  // Hardly any chain is as short as a quarter of the average, and the probability of an empty one is soon too small for a number.
  if (load > 4 * most) return 1;
  let probability = Math.exp(-load);
  let refused = 0;
  // Chains of four times the average and more are rarer than anything that counts here.
  for (let n = 1; n < 4 * (load + most); n++) {
    probability *= load / n;
    const share = Math.min(1, Math.max(0, n - 1 - least) / (most - least + 1));
    refused += probability * share;
  }
  return 1 - (1 - refused) ** 2;
}

/** A share below 1 % is easier to picture as one in so many; of one above a half the number says nothing, as the limit is out of reach. */
function pictured(share: number): Record<string, number> {
  if (share < 0.01) return { oneIn: Number((1 / share).toPrecision(2)) };
  return share < 0.5 ? { lostShare: share } : {};
}
