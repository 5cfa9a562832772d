/** The commands that apply a recommendation, keep it, check it and take it back, under this kernel's own names. */
import type { Fact, Snapshot } from '../snapshot/types.ts';
import { fileAfterRivals, HASHSIZE_FILE } from './keep.ts';
import { bucketsAreSetBy, bucketsFor, isModule, keyOf, trackerOf } from './kernel.ts';
import type { Analysis, Commands, Recommendation } from './schema.ts';

/** What is to be set; what is absent stays as it is. */
export interface NewLimits {
  max?: number | undefined;
  buckets?: number | undefined;
}

const HASHSIZE = '/sys/module/nf_conntrack/parameters/hashsize';

/** Commands for new limits. Buckets come first: a larger table must not meet short chains. */
export function commandsFor(snapshot: Snapshot, { max, buckets }: NewLimits): Recommendation['commands'] {
  const tracker = trackerOf(snapshot);
  const how = bucketsAreSetBy(snapshot);
  const maxKey = keyOf(snapshot.sysctls.max) ?? `net.netfilter.${tracker}_max`;
  const bucketsKey = `net.netfilter.${tracker}_buckets`;
  const old = {
    max: snapshot.sysctls.max?.value,
    buckets: (snapshot.sysctls.buckets ?? snapshot.moduleParameters.hashsize)?.value,
  };
  const set = (limits: { max: number | undefined; buckets: number | undefined }) => ({
    max: limits.max === undefined ? [] : [`sysctl -w ${maxKey}=${limits.max}`],
    buckets:
      limits.buckets === undefined || how === 'loading the module'
        ? []
        : how === 'sysctl'
          ? [`sysctl -w ${bucketsKey}=${limits.buckets}`]
          : [`echo ${limits.buckets} > ${HASHSIZE}`],
  });
  const apply = set({ max, buckets });
  const undo = set({
    max: max === undefined ? undefined : old.max,
    buckets: buckets === undefined ? undefined : old.buckets,
  });
  // From the next boot on a hashsize makes the limit eight times as many, unless a line says what it is.
  const keptMax = max ?? (buckets !== undefined && how !== 'sysctl' ? old.max : undefined);
  const sysctlLines = [
    ...(buckets !== undefined && how === 'sysctl' ? [`${bucketsKey} = ${buckets}`] : []),
    ...(keptMax === undefined ? [] : [`${maxKey} = ${keptMax}`]),
  ];
  const persist: Recommendation['commands']['persist'] = [];
  if (tracker === 'ip_conntrack') {
    // 2.4 and early 2.6 have no sysctl.d and no modules-load.d, and take the buckets when the module is loaded only.
    if (buckets !== undefined) {
      persist.push({
        file: '/etc/modules.conf (2.4) or /etc/modprobe.conf (2.6)',
        lines: [`options ip_conntrack hashsize=${buckets}`],
      });
    }
    if (sysctlLines.length > 0) persist.push({ file: '/etc/sysctl.conf', lines: sysctlLines });
  } else {
    if (sysctlLines.length > 0)
      persist.push({ file: fileAfterRivals(snapshot, ['max', 'buckets']), lines: sysctlLines });
    if (buckets !== undefined && how === 'module parameter') {
      persist.push(
        isModule(snapshot) !== false
          ? { file: HASHSIZE_FILE, lines: [`options nf_conntrack hashsize=${buckets}`] }
          : { file: 'the kernel’s command line, in the boot loader', lines: [`nf_conntrack.hashsize=${buckets}`] },
      );
    }
    // The keys do not exist before the module is loaded: a firewall that loads it later leaves them unset.
    if (isModule(snapshot) !== false)
      persist.push({ file: '/etc/modules-load.d/nf_conntrack.conf', lines: ['nf_conntrack'] });
  }
  return {
    now: [...apply.buckets, ...apply.max],
    persist,
    verify: [
      `sysctl ${maxKey}${how === 'sysctl' ? ` ${bucketsKey}` : ''}${tracker === 'nf_conntrack' ? ' net.netfilter.nf_conntrack_count' : ''}`,
      'sh collect.sh',
    ],
    rollback: [...undo.max, ...undo.buckets],
  };
}

/** As many buckets as go with a limit, today's if none is given, and with what is there already, whosever it is. */
export function bucketsNeeded(
  snapshot: Snapshot,
  { usage, hash }: Pick<Analysis, 'usage' | 'hash'>,
  limit = usage.unlimited ? undefined : usage.max?.value,
): number {
  const entries = hash.entries?.value ?? 0;
  return bucketsFor(Math.max(limit ?? 2 * entries, entries), snapshot);
}

/**
 * Commands that raise the buckets to what is needed, on a kernel that can do so while it runs; those of the recommendation where it raises
 * them too. Undefined where there are enough.
 */
export function moreBuckets({
  snapshot,
  measured,
  recommended,
}: {
  snapshot: Snapshot;
  measured: Pick<Analysis, 'usage' | 'hash'>;
  recommended?: NewLimits | undefined;
}): Commands | 'as recommended' | undefined {
  const today = measured.hash.buckets?.value ?? 0;
  if ((recommended?.buckets ?? 0) > today) return 'as recommended';
  const buckets = bucketsNeeded(snapshot, measured, recommended?.max);
  if (buckets <= today) return undefined;
  const { now, verify, rollback } = commandsFor(snapshot, { buckets });
  return now.length > 0 ? { apply: now, verify, undo: rollback } : undefined;
}

/** Commands that change settings; one that was not captured is left alone, since it could not be put back. */
export function commandsToSet(
  changes: readonly { fact: Fact<number> | undefined; to: number }[],
): Commands | undefined {
  const known = changes.flatMap(({ fact, to }) => {
    const key = keyOf(fact);
    return fact && key !== undefined ? [{ key, from: fact.value, to }] : [];
  });
  if (known.length === 0) return undefined;
  return {
    apply: known.map(({ key, to }) => `sysctl -w ${key}=${to}`),
    verify: [`sysctl ${known.map(({ key }) => key).join(' ')}`],
    undo: known.map(({ key, from }) => `sysctl -w ${key}=${from}`),
  };
}
