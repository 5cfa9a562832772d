/** Many hosts side by side: in order of risk, with what tells one from the others. No I/O, no clock. */
import type { Severity } from '../analysis/schema.ts';
import { growthOf } from '../timeline/growth.ts';
import type { Host, Named } from '../timeline/hosts.ts';
import { type Compared, intervalOf } from '../timeline/interval.ts';
import type { Interval } from '../timeline/schema.ts';
import type { Labels } from './labels.ts';
import type { Fleet, FleetHost, Setting } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

/** The worse, the earlier; of what cannot be judged nobody knows how bad it is. */
const BY_RISK: Severity[] = ['critical', 'warning', 'unknown', 'notice', 'ok'];

/** With fewer hosts, two of them would be "most". */
const LEAST_FOR_MOST = 3;

/** Read-only, or what the module was loaded with: not what somebody sets while the host runs. */
const NO_SETTING = /^(?:count$|module parameter )/;

/** A host with the page that was made of it. */
export interface Paged {
  host: Host<Snapshot>;
  page: string | undefined;
}

/** What is read of a fleet besides its hosts. */
export interface FleetInput {
  labels: Labels;
  unread: Fleet['unread'];
}

/**
 * Puts hosts into one list.
 *
 * @param toolVersion  version of this program
 */
export function fleetOf(paged: readonly Paged[], { labels, unread }: FleetInput, toolVersion: string): Fleet {
  const ordered = paged
    .map((each) => ({ host: hostOf(each, labels), settings: settingsOf(newestOf(each.host)) }))
    .sort((a, b) => byRisk(a.host, b.host));
  const hosts = ordered.map(({ host }) => host);
  const settings = differences(ordered.map((each) => each.settings));
  for (const { name, usual, others } of settings) {
    for (const other of others)
      for (const at of other.hosts) hosts[at]?.differs.push({ setting: name, value: other.value, usual });
  }
  const known = new Set(hosts.map(({ name }) => name?.toLowerCase()));
  return {
    schemaVersion: 1,
    tool: { name: 'conntrack-report', version: toolVersion },
    totals: totalsOf(hosts),
    labels: labels.columns,
    hosts,
    settings,
    unread,
    missing: [...labels.hosts].filter(([name]) => !known.has(name)).map(([, host]) => host),
  };
}

/** The snapshot that a host is judged by. */
export function newestOf({ snapshots }: Host<Snapshot>): Snapshot {
  const newest = snapshots.at(-1);
  if (!newest) throw new Error('a host needs a snapshot');
  return newest.analysis;
}

function hostOf({ host, page }: Paged, labels: Labels): FleetHost {
  const { bundle, host: facts, settings: _settings, between: _between, ...figures } = newestOf(host);
  const name = facts.hostname?.value;
  const points = host.snapshots.map(({ analysis }) => pointOf(analysis));
  const intervals = intervalsOf(host);
  const sincePrevious = sincePreviousOf(intervals.at(-1), facts.uptimeSeconds?.value);
  return {
    ...figures,
    drops: { ...figures.drops, ...(sincePrevious && { sincePrevious }) },
    ...(name !== undefined && { name }),
    ...(bundle.anonymized && { anonymized: bundle.anonymized }),
    identifiedBy: host.identifiedBy,
    ...(page !== undefined && { page }),
    labels: labels.hosts.get(name?.toLowerCase() ?? '')?.labels ?? {},
    input: host.snapshots.at(-1)?.name ?? '',
    ...(facts.capturedAt && { capturedAt: facts.capturedAt.value }),
    ...(facts.uptimeSeconds && { uptimeSeconds: facts.uptimeSeconds.value }),
    snapshots: points.length,
    trend: points,
    growth: growthOf(
      host.snapshots.map(({ analysis }, at) => ({ ...points[at], unlimited: analysis.unlimited })),
      intervals,
    ),
    differs: [],
    notes: host.notes,
  };
}

function pointOf({ host, entries, max, share }: Snapshot): FleetHost['trend'][number] {
  return {
    ...(host.capturedAt && { capturedAt: host.capturedAt.value }),
    ...(entries !== undefined && { entries }),
    ...(max !== undefined && { max }),
    ...(share !== undefined && { share }),
  };
}

/** What lies between each snapshot of a host and the next. */
function intervalsOf({ snapshots }: Host<Snapshot>): Interval[] {
  const compared = snapshots.map((each): Named<Compared> => ({ ...each, analysis: comparedBy(each.analysis) }));
  return compared.slice(1).map((later, at) => intervalOf(at, at + 1, compared[at] as Named<Compared>, later));
}

function comparedBy({ bundle, host, cpus, between, settings }: Snapshot): Compared {
  const { counters, duringCapture, ...rest } = between;
  return {
    bundle,
    host: { ...host, ...(cpus !== undefined && { cpus: { value: cpus } }) },
    drops: { counters, duringCapture },
    settings: Object.entries(settings).map(([name, value]) => ({ name, value })),
    ...rest,
  };
}

const FROM = {
  counted: 'previous snapshot',
  wrapped: 'previous snapshot',
  'since boot': 'boot',
  'since the namespace': 'namespace',
  'not known': 'not known',
} as const;

/** What was dropped since the snapshot before the newest, if there is one. */
function sincePreviousOf(
  interval: Interval | undefined,
  uptimeSeconds: number | undefined,
): FleetHost['drops']['sincePrevious'] {
  if (interval === undefined) return undefined;
  const [dropped, evicted] = ['drop', 'early_drop'].map((name) => interval.deltas.find((each) => each.name === name));
  if (dropped === undefined) return { from: 'not known', why: 'not captured' };
  const { how, why, delta, perSecond } = dropped;
  const from = FROM[how];
  const seconds = {
    'previous snapshot': interval.seconds,
    boot: uptimeSeconds,
    namespace: undefined,
    'not known': undefined,
  }[from];
  return {
    from,
    ...(why !== undefined && { why }),
    ...(seconds !== undefined && { seconds }),
    ...(delta !== undefined && { packets: delta }),
    ...(perSecond !== undefined && { perSecond }),
    ...(evicted?.delta !== undefined && { evicted: evicted.delta }),
  };
}

function byRisk(a: FleetHost, b: FleetHost): number {
  const rank = ({ verdict }: FleetHost) => BY_RISK.indexOf(verdict.severity);
  const dropped = ({ drops }: FleetHost) => drops.during?.perSecond ?? 0;
  const warnings = ({ findings }: FleetHost) => findings.critical.length * 100 + findings.warning.length;
  return (
    rank(a) - rank(b) ||
    dropped(b) - dropped(a) ||
    (b.share ?? 0) - (a.share ?? 0) ||
    warnings(b) - warnings(a) ||
    compare(a.name ?? '', b.name ?? '') ||
    compare(a.input, b.input)
  );
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function totalsOf(hosts: readonly FleetHost[]): Fleet['totals'] {
  const bySeverity = { critical: 0, warning: 0, notice: 0, ok: 0, unknown: 0 };
  const byVerdict: Fleet['totals']['byVerdict'] = [];
  for (const { verdict } of hosts) {
    bySeverity[verdict.severity]++;
    const same = byVerdict.find(({ kind, severity }) => kind === verdict.kind && severity === verdict.severity);
    if (same) same.hosts++;
    else byVerdict.push({ kind: verdict.kind, severity: verdict.severity, hosts: 1 });
  }
  return {
    hosts: hosts.length,
    snapshots: hosts.reduce((sum, { snapshots }) => sum + snapshots, 0),
    bySeverity,
    byVerdict,
    dropping: hosts.filter(({ drops }) => (drops.during?.packets ?? 0) > 0).length,
  };
}

/** What is compared between hosts. */
function settingsOf({ settings, kernelRelease }: Snapshot): Map<string, number | string> {
  const all: [string, number | string][] = Object.entries(settings).filter(([name]) => !NO_SETTING.test(name));
  if (kernelRelease !== undefined) all.push(['kernel', kernelRelease]);
  return new Map(all);
}

/** Settings of which most hosts have one value, and some another. */
function differences(hosts: readonly ReadonlyMap<string, number | string>[]): Setting[] {
  const names = [...new Set(hosts.flatMap((settings) => [...settings.keys()]))].sort();
  return names.flatMap((name) => {
    const values = new Map<number | string, number[]>();
    for (const [at, settings] of hosts.entries()) {
      const value = settings.get(name);
      if (value === undefined) continue;
      const same = values.get(value);
      if (same) same.push(at);
      else values.set(value, [at]);
    }
    const known = [...values.values()].reduce((sum, { length }) => sum + length, 0);
    const [usual, ...others] = [...values].sort(([, a], [, b]) => b.length - a.length);
    if (!usual || others.length === 0 || known < LEAST_FOR_MOST || usual[1].length <= known / 2) return [];
    return [
      {
        name,
        usual: usual[0],
        hosts: usual[1].length,
        known,
        others: others.map(([value, at]) => ({ value, hosts: at })),
      },
    ];
  });
}
