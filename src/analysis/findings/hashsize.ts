import { settingNameOfKey } from '../../parsers/settings-names.ts';
import type { PersistedSetting, Snapshot } from '../../snapshot/types.ts';
import { moreBuckets } from '../commands.ts';
import { isSince, MAX_PER_HASHSIZE, roundedBuckets } from '../kernel.ts';
import { type Rule, seen } from './rule.ts';

/** The limit comes from the module option hashsize, and is long for the buckets. */
export const hashsize: Rule = {
  id: 'hashsize',
  assess(host) {
    const { snapshot, measured } = host;
    const { usage, hash } = measured;
    const { max } = usage;
    const { buckets } = hash;
    if (!max || !buckets) {
      return { missing: [...(max ? [] : ['nf_conntrack_max']), ...(buckets ? [] : ['nf_conntrack_buckets'])] };
    }
    const options = snapshot.persisted.filter(setsHashsize);
    const sysctls = snapshot.persisted.filter(({ kind, key }) => kind === 'sysctl' && settingNameOfKey(key) === 'max');
    const option = options.find(
      ({ value }) => max.value === MAX_PER_HASHSIZE * roundedBuckets(Number(value), snapshot),
    );
    const size = Number((option ?? options[0])?.value);
    const setTo = sysctls.find(({ value }) => Number(value) === max.value);
    const ignored = sysctls.find(({ value }) => Number(value) !== max.value);
    const values = {
      max: max.value,
      buckets: buckets.value,
      links: (2 * max.value) / buckets.value,
      // The kernel takes no other (hashsize is unsigned).
      hashsize: size > 0 ? size : undefined,
      setTo: setTo && max.value,
      wanted: ignored && (Number.isNaN(Number(ignored.value)) ? ignored.value : Number(ignored.value)),
    };
    const lines = [...options, ...sysctls].map(({ key, value, file, line }) => ({
      what: key,
      value: value ?? '',
      file,
      line,
    }));
    const evidence = [...seen('nf_conntrack_max', max), ...seen('nf_conntrack_buckets', buckets), ...lines];
    // Whoever raised the buckets as well has chains as short as the kernel's own sizing makes them since 5.15.
    if (option && !setTo && buckets.value >= max.value) {
      return { severity: 'ok', says: 'raised', values, evidence, confidence: 'high' };
    }
    if (option && !setTo) {
      return {
        severity: 'notice',
        says: ignored ? 'instead' : 'found',
        values,
        evidence,
        confidence: ignored ? 'medium' : 'high',
        commands: moreBuckets(host),
      };
    }
    // Any other ratio is not the option's work, whatever the configuration says. Up to 2.6.23 this one is the default.
    if (max.value === MAX_PER_HASHSIZE * buckets.value && !setTo && isSince(snapshot, 2, 6, 24) !== false) {
      return wasLookedFor(snapshot)
        ? { severity: 'ok', says: 'unexplained', values, evidence, confidence: 'low' }
        : { missing: ['the settings of modules (modprobe.d)', 'the kernel’s command line'] };
    }
    return { severity: 'ok', says: 'ok', values, evidence, confidence: 'high' };
  },
};

function setsHashsize({ kind, key }: PersistedSetting): boolean {
  return (kind === 'module-option' || kind === 'kernel-parameter') && /^(?:nf|ip)_conntrack hashsize$/.test(key);
}

/** Whether the collector looked into modprobe.d and at the command line; that there was nothing of interest is an answer. */
function wasLookedFor({ inventory }: Snapshot): boolean {
  const looked = (path: RegExp) =>
    inventory.some((item) => path.test(item.path) && (item.status === 'captured' || item.status === 'absent'));
  return looked(/^etc\/modprobe\./) && looked(/^proc\/cmdline$/);
}
