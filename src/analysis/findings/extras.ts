import { kernelAtLeast } from '../../parsers/host.ts';
import { commandsToSet } from '../commands.ts';
import { releaseOf } from '../kernel.ts';
import { type Rule, seenRows, seenSetting, things } from './rule.ts';

/** Settings that give every new entry an extension while they are 1, and what they are called. */
const FEATURES = [
  { name: 'acct', is: 'accounting' },
  { name: 'timestamp', is: 'time stamps' },
  { name: 'events', is: 'events' },
];

/** Accounting, time stamps or events are on, and cost memory for every entry. */
export const extras: Rule = {
  id: 'extras',
  assess({ snapshot, measured }) {
    const { sysctls } = snapshot;
    const release = releaseOf(snapshot);
    const since = (major: number, minor: number, patch = 0) =>
      release === undefined ? undefined : kernelAtLeast(release, major, minor, patch);
    if (since(2, 6, 24) === false) return { severity: 'ok', says: 'inObject', evidence: [], confidence: 'high' };

    const on = FEATURES.filter(({ name }) => sysctls[name]?.value === 1);
    // Every kernel since 2.6.27 has this one; the others are not there where they were not compiled in.
    if (!sysctls.acct && on.length === 0) return { missing: ['nf_conntrack_acct'] };

    const { usage, memory, table } = measured;
    const perEntry = memory.extensions?.bytesPerEntry.low;
    const cost = (entries: number | undefined) => (perEntry === undefined || !entries ? undefined : perEntry * entries);
    // One allocation of 128 bytes holds them all since 4.12; before, each made it longer (nf_conntrack_extend.c, NF_CT_EXT_PREALLOC).
    const shared = since(4, 12);
    // 1 is the default of older kernels, and what connection tracking tells its listeners hangs on it; from 5.19 on 2 suffices.
    const automatic = since(5, 19) === true;
    const eventsByDefault = sysctls.events?.value === 1 && since(5, 19) === false;
    const translated = table ? table.nat.source + table.nat.both : 0;
    const values = {
      on: on.map(({ name, is }) => `${is} (nf_conntrack_${name})`),
      perEntryBytes: perEntry,
      atLeast: shared !== true,
      shared: shared === true && on.length > 1,
      entries: usage.entries && things(usage.entries.value, 'entry', 'entries'),
      nowBytes: cost(usage.entries?.value),
      max: usage.max?.value,
      atMaxBytes: cost(usage.max?.value),
      eventsByDefault,
      whileListening: sysctls.events?.value === 2,
      translated: translated > 0 ? things(translated, 'entry has', 'entries have') : undefined,
      // Up to 4.9 (nf_nat_core.c, nf_nat_fn()); later only masquerading does.
      anyNat: translated > 0 && since(4, 10) === false,
      counted:
        sysctls.acct?.value === 0 && table && table.accounted > 0
          ? things(table.accounted, 'entry has', 'entries have')
          : undefined,
    };
    const evidence = [
      ...FEATURES.flatMap(({ name }) => seenSetting(sysctls[name])),
      ...(table && table.accounted > 0 ? seenRows('packets= bytes=', table.accounted, measured) : []),
      ...(translated > 0 ? seenRows('source rewritten', translated, measured) : []),
    ];
    if (on.length === 0) return { severity: 'ok', says: 'ok', values, evidence, confidence: 'high' };
    // While events keep the 128 bytes, turning off the others frees nothing.
    const stays = eventsByDefault && shared === true;
    const changes = on.filter(({ name }) => name !== 'events' || automatic);
    return {
      severity: 'notice',
      says: 'found',
      values,
      evidence,
      confidence: 'high',
      commands: stays
        ? undefined
        : commandsToSet(changes.map(({ name }) => ({ fact: sysctls[name], to: name === 'events' ? 2 : 0 }))),
    };
  },
};
