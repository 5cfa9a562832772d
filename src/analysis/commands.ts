/** The commands that apply a recommendation, keep it, check it and take it back, under this kernel's own names. */
import type { Snapshot } from '../snapshot/types.ts';
import { fileAfterRivals } from './keep.ts';
import { bucketsAreSetBy, isModule, keyOf, trackerOf } from './kernel.ts';
import type { Recommendation } from './schema.ts';

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
  const maxKey = keyOf(snapshot.sysctls.max?.file) ?? `net.netfilter.${tracker}_max`;
  const bucketsKey = `net.netfilter.${tracker}_buckets`;
  const old = { max: snapshot.sysctls.max?.value, buckets: snapshot.sysctls.buckets?.value };
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
  const sysctlLines = [
    ...(buckets !== undefined && how === 'sysctl' ? [`${bucketsKey} = ${buckets}`] : []),
    ...(max === undefined ? [] : [`${maxKey} = ${max}`]),
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
          ? { file: '/etc/modprobe.d/nf_conntrack.conf', lines: [`options nf_conntrack hashsize=${buckets}`] }
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
