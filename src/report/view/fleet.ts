/** Many hosts: the worst first, with what tells one from the others. */
import type { Severity } from '../../analysis/schema.ts';
import { NEAR } from '../../analysis/usage.ts';
import type { Fleet, FleetHost } from '../../fleet/schema.ts';
import { bytes, count, dateTime, duration, list, percent, plural, rate } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { sparkline, usageBar } from '../small-charts.ts';
import { KIND_WORDS, SEVERITY_WORDS } from './verdict.ts';

/** Names in a sentence before the rest is only counted. */
const NAMES = 5;

/** Names in a cell. */
const NAMES_IN_CELL = 12;

/** A snapshot so many days older than the newest of the fleet is one of a host that may no longer report. */
const LATE_DAYS = 2;

const DAY_MS = 86_400_000;

/** What stands in front of a line on a terminal. */
const MARKS: Record<Severity, string> = { critical: '!!', warning: '! ', unknown: '? ', notice: '  ', ok: '  ' };

const ACTIONS: Record<FleetHost['recommendation']['action'], (to: string, buckets: string) => string> = {
  leave: () => 'Leave the limit',
  raise: (to) => `Raise the limit to ${to}`,
  lower: (to) => `The limit may be lowered to ${to}`,
  'raise-buckets': (_, buckets) => `Raise the buckets to ${buckets}`,
  'set-a-limit': (to) => `Set a limit of ${to}`,
  'fix-cause': () => 'Deal with the cause, not the limit',
  'cannot-tell': () => 'Cannot be told',
};

/** Without a name, where it was read from tells which host it is. */
const nameOf = ({ name, input }: FleetHost) => name ?? `${input.split(/[\\/]/).pop()} (no host name)`;

function named(names: readonly string[], most: number): string {
  return names.length > most
    ? `${names.slice(0, most).join(', ')} and ${count(names.length - most)} more`
    : list(names);
}

function usageView({ entries, max, share, unlimited }: FleetHost) {
  return {
    text:
      entries === undefined
        ? 'not captured'
        : unlimited
          ? `${count(entries)}, no limit`
          : `${count(entries)}${max === undefined ? '' : ` of ${count(max)}`}`,
    share: share === undefined || unlimited ? '' : percent(share),
    bar: share === undefined || unlimited ? undefined : new Verbatim(usageBar(share, share >= NEAR)),
  };
}

/** From when the counters told what was dropped since the previous snapshot. */
const SINCE = {
  'previous snapshot': 'since the previous snapshot',
  boot: 'since the boot after the previous snapshot',
  namespace: 'since the namespace was made anew, after the previous snapshot',
} as const;

/** What was dropped since the snapshot before, as far as that can be told, and while this one was taken. */
function dropsView({ drops }: FleetHost) {
  const { sincePrevious: since, during } = drops;
  const newest = newestDropsView(drops);
  if (since === undefined) return newest;
  if (since.from === 'not known' || since.packets === undefined) {
    const reset = since.why === 'ran backwards' ? 'the counters were reset' : 'cannot be told';
    return { ...newest, note: [newest.note, `since the previous snapshot: ${reset}`].filter(Boolean).join('; ') };
  }
  const { packets, seconds, perSecond, evicted } = since;
  const parts = [
    SINCE[since.from],
    packets > 0 && perSecond !== undefined ? rate(perSecond) : '',
    evicted ? `${plural(evicted, 'entry', 'entries')} evicted` : '',
    during && during.packets > 0 ? `${count(during.packets)} in the ${duration(during.seconds)} of the newest` : '',
  ];
  return {
    text: `${count(packets)}${seconds === undefined ? '' : ` in ${duration(seconds)}`}`,
    note: parts.filter(Boolean).join('; '),
    bad: packets > 0,
  };
}

/** Drops while the snapshot was taken say most; then those since the counters began; then what the log has. */
function newestDropsView({ during, total, evictedTotal, tableFullLines }: FleetHost['drops']) {
  const before = total === undefined || total === 0 ? '' : `${count(total)} since the counters began`;
  const evicted = (n: number | undefined) => (n ? `${plural(n, 'entry', 'entries')} evicted` : '');
  const note = (...parts: string[]) => parts.filter(Boolean).join('; ');
  if (during && during.packets > 0)
    return {
      text: `${count(during.packets)} in ${duration(during.seconds)}`,
      note: note(rate(during.perSecond), evicted(during.evicted), before),
      bad: true,
    };
  if (during)
    return { text: `0 in ${duration(during.seconds)}`, note: note(evicted(during.evicted), before), bad: false };
  if (total !== undefined)
    return { text: count(total), note: note('since the counters began', evicted(evictedTotal)), bad: false };
  if (tableFullLines !== undefined)
    return { text: plural(tableFullLines, '“table full” line'), note: 'the counter was not captured', bad: false };
  return { text: 'not captured', note: '', bad: false };
}

function recommendationView({ recommendation: { action, max, buckets } }: FleetHost): string {
  const to = (value: number | undefined) => (value === undefined ? 'what the report says' : count(value));
  return ACTIONS[action](to(max), to(buckets));
}

function trendView({ trend, growth, snapshots }: FleetHost) {
  const known = trend.flatMap(({ capturedAt, entries }, at) =>
    entries === undefined ? [] : [{ time: Date.parse(capturedAt ?? ''), at, y: entries }],
  );
  // Without a clock for all, one after the other.
  const isTimed = known.every(({ time }) => !Number.isNaN(time));
  const line = sparkline(known.map(({ time, at, y }) => ({ x: isTimed ? time : at, y })));
  return {
    line: line === undefined ? undefined : new Verbatim(line),
    note: plural(snapshots, 'snapshot'),
    full: growth.daysToFull && fullIn(growth.daysToFull),
  };
}

/** Of what is so far away nobody knows the day. */
const FAR_DAYS = 3650;

function fullIn({ low, high }: NonNullable<FleetHost['growth']['daysToFull']>): string | undefined {
  const [first, last] = [low, high ?? Number.POSITIVE_INFINITY].map((days) => Math.max(1, Math.round(days))) as [
    number,
    number,
  ];
  if (first > FAR_DAYS) return undefined;
  if (last > FAR_DAYS) return `full in ${plural(first, 'day')} at the earliest`;
  return first === last ? `full in ${plural(first, 'day')}` : `full in ${count(first)} to ${plural(last, 'day')}`;
}

function rowView(host: FleetHost, newest: number, groupBy: string | undefined) {
  const { verdict, findings } = host;
  const found = [
    findings.critical.length > 0 ? `${count(findings.critical.length)} critical` : '',
    findings.warning.length > 0 ? plural(findings.warning.length, 'warning') : '',
  ].filter(Boolean);
  const seen = Date.parse(host.capturedAt ?? '');
  const days = (newest - seen) / DAY_MS;
  return {
    name: nameOf(host),
    // pageNames() leaves nothing in it that would have to be escaped.
    page: host.page,
    labels: Object.entries(host.labels)
      .filter(([label]) => label !== groupBy)
      .map(([, value]) => value)
      .join(' · '),
    about: [
      host.kernelRelease && `Linux ${host.kernelRelease}`,
      host.memTotalBytes && `${bytes(host.memTotalBytes)} RAM`,
    ]
      .filter(Boolean)
      .join(' · '),
    severity: verdict.severity,
    severityWord: SEVERITY_WORDS[verdict.severity],
    kindWord: KIND_WORDS[verdict.kind],
    mark: MARKS[verdict.severity],
    found: found.length > 0 ? `Findings: ${list(found)}` : '',
    usage: usageView(host),
    drops: dropsView(host),
    recommendation: recommendationView(host),
    trend: trendView(host),
    seen: host.capturedAt === undefined ? 'time not captured' : dateTime(host.capturedAt),
    late: days > LATE_DAYS ? `${duration(days * 86_400)} before the newest` : '',
    notes: host.notes,
  };
}

type Row = ReturnType<typeof rowView>;

/** How many of each severity, in words. */
function countsView(rows: readonly { severity: Severity }[]): string {
  const of = (severity: Severity) => rows.filter((row) => row.severity === severity).length;
  const parts: [number, string][] = [
    [of('critical'), 'critical'],
    [of('warning'), of('warning') === 1 ? 'warning' : 'warnings'],
    [of('unknown'), 'not decided'],
    [of('ok') + of('notice'), 'in order'],
  ];
  return parts.flatMap(([n, word]) => (n > 0 ? [`${count(n)} ${word}`] : [])).join(', ');
}

/** Rows in groups by a label, the group with the worst host first; hosts without that label come last. */
function groupsView(hosts: readonly FleetHost[], rows: readonly Row[], groupBy: string | undefined) {
  if (groupBy === undefined) return [{ title: undefined, about: '', rows }];
  const groups = new Map<string | undefined, Row[]>();
  for (const [at, row] of rows.entries()) {
    const value = hosts[at]?.labels[groupBy];
    const group = groups.get(value);
    if (group) group.push(row);
    else groups.set(value, [row]);
  }
  const without = groups.get(undefined);
  groups.delete(undefined);
  if (without) groups.set(undefined, without);
  return [...groups].map(([value, members]) => ({
    title: value ?? `no ${groupBy}`,
    about: `${plural(members.length, 'host')}: ${countsView(members)}`,
    rows: members,
  }));
}

/** Hosts by the value of each label that does not group them. */
function labelsView({ labels, hosts }: Fleet, groupBy: string | undefined) {
  return labels
    .filter((label) => label !== groupBy)
    .map((label) => {
      const values = new Map<string, { severity: Severity }[]>();
      for (const host of hosts) {
        const value = host.labels[label];
        if (value !== undefined) values.set(value, [...(values.get(value) ?? []), host.verdict]);
      }
      return {
        label,
        rows: [...values].map(([value, verdicts]) => ({
          value,
          hosts: count(verdicts.length),
          counts: countsView(verdicts),
        })),
      };
    })
    .filter(({ rows }) => rows.length > 0);
}

const written = (name: string, value: number | string) =>
  typeof value === 'string' ? value : /timeout/.test(name) ? `${count(value)}\u202fs` : count(value);

function settingsView({ settings, hosts }: Fleet) {
  return settings.map(({ name, usual, hosts: with_, known, others }) => ({
    name,
    usual: written(name, usual),
    many: `${count(with_)} of ${count(known)}`,
    others: others.map((other) => ({
      value: written(name, other.value),
      hosts: named(
        other.hosts.flatMap((at) => {
          const host = hosts[at];
          return host ? [nameOf(host)] : [];
        }),
        NAMES_IN_CELL,
      ),
    })),
  }));
}

/** What the first sentences are made of; each part is absent where there is no such host. */
function sentenceView({ hosts, totals }: Fleet) {
  const all = plural(totals.hosts, 'host');
  const part = (...severities: Severity[]) => {
    const some = hosts.filter(({ verdict }) => severities.includes(verdict.severity));
    if (some.length === 0) return undefined;
    return {
      count: count(some.length),
      one: some.length === 1,
      names: named(some.map(nameOf), NAMES),
    };
  };
  return {
    all,
    critical: part('critical'),
    warning: part('warning'),
    unknown: part('unknown'),
    fine: part('ok', 'notice'),
    allFine: totals.hosts > 0 && totals.bySeverity.ok + totals.bySeverity.notice === totals.hosts,
    none: totals.hosts === 0,
  };
}

function figuresView({ totals, unread, missing }: Fleet) {
  const { bySeverity } = totals;
  const notes = [
    plural(totals.snapshots, 'snapshot'),
    unread.length > 0 ? `${plural(unread.length, 'input')} not read` : '',
    missing.length > 0 ? `${plural(missing.length, 'expected host')} without one` : '',
  ];
  const part = (n: number) => (totals.hosts > 0 ? `${percent(n / totals.hosts)} of the hosts` : '');
  const fine = bySeverity.ok + bySeverity.notice;
  return [
    { label: 'Hosts', value: count(totals.hosts), note: notes.filter(Boolean).join('; ') },
    {
      label: 'Critical',
      value: count(bySeverity.critical),
      note: `${count(totals.dropping)} dropped packets while captured`,
    },
    { label: 'Warning', value: count(bySeverity.warning), note: part(bySeverity.warning) },
    {
      label: 'In order',
      value: count(fine),
      note: bySeverity.unknown > 0 ? `${count(bySeverity.unknown)} not decided: too little was captured` : part(fine),
    },
  ];
}

/** What the templates of a fleet are given. */
export function fleetView(fleet: Fleet, groupBy: string | undefined) {
  const { hosts, totals, tool, unread, missing } = fleet;
  const times = hosts.flatMap(({ trend }) => trend.map(({ capturedAt }) => Date.parse(capturedAt ?? '')));
  const known = times.filter((time) => !Number.isNaN(time)).sort((a, b) => a - b);
  const [first, last] = [known[0], known.at(-1)];
  const time = (ms: number | undefined) =>
    ms === undefined ? 'time not captured' : dateTime(new Date(ms).toISOString());
  const severity: Severity = hosts[0]?.verdict.severity ?? 'unknown';
  const rows = hosts.map((host) => rowView(host, last ?? Number.NaN, groupBy));
  const all = plural(totals.hosts, 'host');
  const anonymized = hosts.filter((host) => host.anonymized).length;
  return {
    title: 'Connection tracking of a fleet',
    hostname: all,
    about: plural(totals.snapshots, 'snapshot'),
    pseudonyms: anonymized === 0 ? undefined : { hosts: plural(anonymized, 'host') },
    first: time(first),
    last: time(last),
    capturedAt: time(last),
    tool: `${tool.name} ${tool.version}`,
    severity,
    tag: hosts.length > 0 ? countsView(rows) : 'nothing to report on',
    sentence: sentenceView(fleet),
    figures: figuresView(fleet),
    verdicts: totals.byVerdict.map(({ kind, severity: each, hosts: n }) => ({
      severity: each,
      severityWord: SEVERITY_WORDS[each],
      kindWord: KIND_WORDS[kind],
      hosts: count(n),
    })),
    groupBy,
    groups: groupsView(hosts, rows, groupBy),
    labels: labelsView(fleet, groupBy),
    settings: settingsView(fleet),
    unread: unread.map(({ input, reason }) => ({
      input,
      reason: reason.startsWith(`${input} `) ? `It ${reason.slice(input.length + 1)}` : reason,
    })),
    missing: missing.map(({ hostname, labels }) => ({ hostname, labels: Object.values(labels).join(' · ') })),
    notes: rows.flatMap(({ name, notes }) => notes.map((note) => ({ name, note }))),
  };
}
