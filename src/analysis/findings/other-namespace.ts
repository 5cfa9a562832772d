import type { Namespace } from '../../snapshot/types.ts';
import { countsEachNamespace, logOf, namedElsewhere, namesNobody, secondsSince, seenMessages } from '../log.ts';
import type { Commands, Evidence } from '../schema.ts';
import { readyObjects } from '../slab.ts';
import { atLimit, countersAreWhole, entriesIn, FILLING, FULL, unsigned } from '../usage.ts';
import { type Host, type Rule, seen, seenCounter, things } from './rule.ts';

/** A name that can stand in a command as it is. */
const SAFE_NAME = /^\w[\w.-]*$/;

/** So many namespaces are looked into. */
const SHOWN = 3;

/**
 * Another namespace's table is what is full. nf_conntrack_max is one number, and each namespace compares its own count with it
 * (__nf_conntrack_alloc() in nf_conntrack_core.c; up to 2.6.31 there is one count for all).
 */
export const otherNamespace: Rule = {
  id: 'other-namespace',
  assess(host) {
    const { snapshot, measured } = host;
    const { usage, drops, slab } = measured;
    const max = usage.max && !usage.unlimited ? usage.max.value : Number.POSITIVE_INFINITY;
    const log = logOf(snapshot);
    const named = [...new Set(log.elsewhere.flatMap((line) => namedElsewhere(line, snapshot.bundle.netns) ?? []))];
    const counted = snapshot.namespaces.filter((namespace) => namespace.counters ?? entriesIn(namespace));
    const share = usage.peakShare;
    const own = [...seen('nf_conntrack_count', usage.peak), ...seen('nf_conntrack_max', usage.max)];
    const values = { share, isFull: atLimit(usage), max: usage.max?.value };

    // Where the limit itself was not captured, a namespace may still have printed it.
    const maxIn = ({ max: own }: Namespace) => (usage.max ? max : unsigned(own)?.value) ?? max;
    const held = (namespace: Namespace) => entriesIn(namespace)?.value ?? 0;
    const full = counted.filter((namespace) => maxIn(namespace) > 0 && held(namespace) >= FULL * maxIn(namespace));
    if (full.length > 0) {
      const fullest = full.map(held);
      return {
        severity: 'critical',
        says: 'full',
        values: {
          ...values,
          max: values.max ?? Math.max(...full.map(maxIn)),
          names: full.map(nameOf),
          entries: Math.max(...fullest),
          several: full.length > 1,
        },
        evidence: [...full.flatMap((namespace) => seenIn(namespace, 'entries')), ...own],
        confidence: 'high',
        commands: lookInto(full),
      };
    }
    // Only our own bundles say which namespace they are of. A single name may be its own.
    const ownIsUnknown = snapshot.bundle.netns === undefined && named.length === 1 && /^\d+$/.test(named[0] ?? '');
    if (named.length > 0) {
      const known = snapshot.namespaces.filter(({ inode = '' }) => named.includes(inode));
      return {
        severity: 'warning',
        says: 'logged',
        values: {
          ...values,
          names: named.map((name) => known.filter(({ inode }) => inode === name).map(nameOf)[0] ?? bareName(name)),
          lines: things(log.elsewhere.length, 'line of the kernel log names', 'lines of the kernel log name'),
          several: log.elsewhere.length > 1,
          agoSeconds: secondsSince(log.elsewhere),
          unsure: ownIsUnknown,
        },
        evidence: [...seenMessages(log.elsewhere), ...own],
        confidence: ownIsUnknown ? 'medium' : 'high',
        commands: lookInto(known),
      };
    }
    if (!countsEachNamespace(snapshot)) {
      return { severity: 'ok', says: 'one', values, evidence: own, confidence: 'high' };
    }
    const evicting = counted.filter(({ counters }) => (counters?.totals.early_drop ?? 0) > 0);
    if (evicting.length > 0) {
      const evicted = evicting.reduce((sum, { counters }) => sum + (counters?.totals.early_drop ?? 0), 0);
      return {
        severity: 'warning',
        says: 'evicted',
        values: { ...values, names: evicting.map(nameOf), evicted: things(evicted, 'entry', 'entries') },
        evidence: [...evicting.flatMap((namespace) => seenIn(namespace, 'early_drop')), ...own],
        confidence: 'high',
        commands: lookInto(evicting),
      };
    }
    const lines = log.full.filter(({ boot }) => boot === 'this');
    const drop = drops.counters?.totals.drop;
    // Each line is a dropped packet, counted where it was dropped: lines beyond the counter are of other namespaces.
    if (drop !== undefined && countersAreWhole(snapshot) && lines.length > drop) {
      const suspects = counted.filter(({ counters }) => (counters?.totals.drop ?? 0) > 0);
      return {
        severity: 'warning',
        says: 'unnamed',
        values: {
          ...values,
          lines: things(lines.length, 'line of the kernel log says', 'lines of the kernel log say'),
          dropped: drop > 0 ? things(drop, 'packet') : undefined,
          names: suspects.length > 0 ? suspects.map(nameOf) : undefined,
          several: suspects.length > 1,
        },
        evidence: [
          ...seenMessages(lines),
          ...seenCounter('drop', measured),
          ...suspects.flatMap((namespace) => seenIn(namespace, 'drop')),
          ...own,
        ],
        confidence: 'medium',
        commands: lookInto(suspects),
      };
    }
    const ofOne = fullCacheOfOne(host, max);
    if (ofOne) {
      return {
        severity: 'warning',
        says: 'cache',
        values: { ...values, cache: ofOne.name, objects: ofOne.activeObjects },
        evidence: [{ what: ofOne.name, value: ofOne.activeObjects, file: ofOne.file, line: ofOne.line }, ...own],
        confidence: 'medium',
        commands: lookInto([]),
      };
    }
    const hidden = hiddenEntries(host);
    if (hidden !== undefined && hidden.entries - hidden.slack >= FULL * max) {
      return {
        severity: 'notice',
        says: 'slab',
        values: { ...values, objects: hidden.objects, counted: hidden.counted, hidden: hidden.entries },
        evidence: [...hidden.evidence, ...own],
        confidence: 'low',
        commands: lookInto([]),
      };
    }
    if (namesNobody(snapshot) && drop === undefined && lines.length > 0 && share !== undefined && share < FILLING) {
      return {
        severity: 'notice',
        says: 'low',
        values: {
          ...values,
          lines: things(lines.length, 'line of the kernel log says', 'lines of the kernel log say'),
        },
        evidence: [...seenMessages(lines), ...own],
        confidence: 'low',
        commands: lookInto([]),
      };
    }
    const logged = drops.log.captured.length > 0;
    if (counted.length === 0 && !logged && slab.caches.length === 0) {
      return {
        missing: [
          'the counters of other network namespaces',
          'the kernel log',
          'the slab cache of connection tracking',
        ],
      };
    }
    const most = Math.max(...counted.map(held));
    return {
      severity: 'ok',
      says: 'ok',
      values: {
        ...values,
        namespaces: counted.length > 0 ? things(counted.length, 'other network namespace') : undefined,
        most: counted.length > 0 ? most : undefined,
        mostShare: counted.length > 0 && Number.isFinite(max) ? most / max : undefined,
        logged: logged && !namesNobody(snapshot),
        silent: logged && log.full.length === 0,
        objects: hidden?.objects,
        counted: hidden?.counted,
      },
      evidence: [...counted.flatMap((namespace) => seenIn(namespace, 'entries')), ...(hidden?.evidence ?? []), ...own],
      confidence: counted.length > 0 || hidden ? 'high' : 'medium',
    };
  },
};

/** Up to 4.4, from 2.6.39 and in el6, each namespace has a slab cache of its own (nf_conntrack_init_net()): a full table is a full cache. */
function fullCacheOfOne({ measured: { slab, usage } }: Host, max: number) {
  const own = usage.peakShare !== undefined && usage.peakShare >= FULL ? 1 : 0;
  return slab.caches
    .filter(({ name, activeObjects }) => /^nf_conntrack_/.test(name) && activeObjects >= FULL * max)
    .sort((a, b) => b.activeObjects - a.activeObjects)[own];
}

/** Objects of a cache that serves all namespaces, beyond the entries of those whose count is known. */
function hiddenEntries({ snapshot, measured: { slab, usage } }: Host) {
  const [cache] = slab.caches;
  // Read at the same moment: the count, not the peak, belongs to the objects.
  const entries = usage.entriesHow === 'slab' ? undefined : usage.entries;
  if (!cache || slab.caches.length > 1 || cache.name !== 'nf_conntrack' || !entries) return undefined;
  const others = snapshot.namespaces.reduce((sum, namespace) => sum + (entriesIn(namespace)?.value ?? 0), 0);
  const counted = entries.value + others;
  return {
    objects: cache.activeObjects,
    counted,
    entries: Math.max(0, cache.activeObjects - counted),
    slack: readyObjects(snapshot, slab.caches, snapshot.host.cpus?.value ?? 1),
    evidence: [{ what: cache.name, value: cache.activeObjects, file: cache.file, line: cache.line }] as Evidence[],
  };
}

/** A namespace as people know it: by its name, or by what runs in it. */
function nameOf({ inode, names, processes }: Namespace): string {
  const known = names[0] ?? processes.slice(0, 2).join(', ');
  if (inode === undefined) return known;
  return known === '' ? `netns ${inode}` : `${known} (netns ${inode})`;
}

/** What a line of the log names: an inode, or a container of OpenVZ. */
function bareName(name: string): string {
  return /^\d+$/.test(name) ? `netns ${name}` : name;
}

function seenIn(namespace: Namespace, name: 'entries' | 'drop' | 'early_drop'): Evidence[] {
  const { inode, names, counters } = namespace;
  const what = `${name} of netns ${inode ?? names[0]}`;
  if (name === 'entries') return seen(what, entriesIn(namespace));
  return counters ? [{ what, value: counters.totals[name] ?? 0, file: counters.file }] : [];
}

/** Where to look next: lsns(8) knows a process in each namespace, and what /proc/sys/net shows is of the reader's namespace. */
function lookInto(namespaces: readonly Namespace[]): Commands {
  const entered = namespaces
    .filter(({ inode, pids = 0, names }) => (inode === undefined ? SAFE_NAME.test(names[0] ?? '') : pids > 0))
    .slice(0, SHOWN)
    .map(({ inode, names }) =>
      inode === undefined
        ? `ip netns exec ${names[0]} cat /proc/sys/net/netfilter/nf_conntrack_count`
        : `nsenter --net --target "$(lsns -t net -n -o NS,PID | awk '$1 == ${inode} { print $2 }')" cat /proc/sys/net/netfilter/nf_conntrack_count`,
    );
  return {
    apply: [],
    verify: [...(entered.length > 0 ? entered : ['lsns -t net']), 'cat /proc/sys/net/netfilter/nf_conntrack_max'],
    undo: [],
  };
}
