import { type Rule, seen } from './rule.ts';

/** A number to reckon with: what a flood of a hundred thousand new connections a second makes in ten seconds. */
const MILLION = 1_000_000;
/** Larger than any number that could be written since 6.15 (0 to INT_MAX): a negative one, read without sign. */
const NEGATIVE_FROM = 2 ** 31;

/** There is no limit: 0 switches the comparison off up to 6.18, and is refused from 6.19 on (nf_conntrack_standalone.c). */
export const unlimited: Rule = {
  id: 'unlimited',
  assess({ measured }) {
    const { usage, slab, memory, host } = measured;
    if (!usage.max) return { missing: ['nf_conntrack_max'] };
    const negative = usage.max.value >= NEGATIVE_FROM;
    const packed = slab.caches[0]?.bytesPerEntryPacked;
    const perEntry = packed === undefined ? undefined : packed + (memory.extensions?.bytesPerEntry.high ?? 0);
    const ram = host.memTotalBytes;
    const values = {
      max: usage.max.value,
      entries: usage.entries?.value,
      millionBytes: perEntry && MILLION * perEntry,
      ramBytes: ram?.value,
      entriesInRam: perEntry && ram ? Math.floor(ram.value / perEntry) : undefined,
    };
    const evidence = [
      ...seen('nf_conntrack_max', negative ? { ...usage.max, value: usage.max.value - 2 ** 32 } : usage.max),
      ...seen('nf_conntrack_count', usage.entries),
      ...seen('MemTotal', ram),
    ];
    if (!usage.unlimited && !negative) return { severity: 'ok', says: 'ok', values, evidence, confidence: 'high' };
    return {
      severity: 'notice',
      says: negative ? 'negative' : 'found',
      values,
      evidence,
      confidence: 'high',
      commands: 'as recommended',
    };
  },
};
