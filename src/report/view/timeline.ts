/** Several snapshots of one host: whether the fix worked, what changed, what is growing. */
import type { Check, Interval, Point, Timeline } from '../../timeline/schema.ts';
import { MOST_PARTS, overTime, stacks } from '../charts.ts';
import { bytes, change, count, dateTime, duration, list, percent, plural, shortDateTime, zone } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { demandEnds } from './figures.ts';
import { glossaryView } from './glossary.ts';
import { textOf } from './quantity.ts';
import { className } from './table.ts';
import { KIND_WORDS, SEVERITY_WORDS } from './verdict.ts';

const FIX: Record<Timeline['fix']['verdict'], { severity: keyof typeof SEVERITY_WORDS; word: string }> = {
  fixed: { severity: 'ok', word: 'Fixed' },
  partly: { severity: 'warning', word: 'Partly fixed' },
  'not-applied': { severity: 'critical', word: 'Not applied' },
  worse: { severity: 'critical', word: 'Worse' },
  'too-early': { severity: 'unknown', word: 'Too early to tell' },
  'nothing-to-fix': { severity: 'ok', word: 'Nothing to fix' },
};

const CHECKED: Record<Check['what'], string> = {
  applied: 'In force',
  buckets: 'Hash table too',
  persisted: 'Kept over a reboot',
  effective: 'Losses',
};

const RESULT: Record<Check['result'], { word: string; severity: keyof typeof SEVERITY_WORDS }> = {
  yes: { word: 'Yes', severity: 'ok' },
  partly: { word: 'Partly', severity: 'warning' },
  no: { word: 'No', severity: 'critical' },
  'not known': { word: 'Not known', severity: 'unknown' },
};

const CHANGES = {
  new: 'New',
  worse: 'Worse',
  gone: 'Gone',
  better: 'Better',
  'not comparable': 'Cannot be compared',
  unchanged: 'Unchanged',
} as const;

/** By what snapshots are told to be of one host. */
const IDENTIFIED = {
  'machine id': 'one machine id and name',
  'host name': 'one host name',
  'boot id': 'one boot',
  nothing: 'nothing but itself',
} as const;

/** How a finding stands. */
const FOUND_WORDS = { ...SEVERITY_WORDS, ok: 'In order', unknown: 'Not assessed' };

/** Counters that are followed from snapshot to snapshot. */
const COUNTERS = ['drop', 'early_drop', 'insert_failed', 'chaintoolong', 'clash_resolve', 'invalid'];

const HOW = {
  counted: '',
  wrapped: 'one processor’s counter wrapped around',
  'since boot': 'since the boot in between',
  'since the namespace': 'since the namespace was made anew',
  'not known': '',
} as const;

/** Why it is not known what was counted. */
const WHY = {
  'not captured': 'the counters were not captured twice',
  'ran backwards': 'the counters ran backwards',
  'may have run over': 'the counters may have run over more than once',
  'absurd rate': 'more than any kernel counts',
  'another source': 'the counters are from another source',
  'another namespace': 'of another namespace',
} as const;

/** What the verdict on a fix lacks. */
const LACKS = {
  'one-snapshot': 'there is one snapshot only',
  before: 'the earlier snapshot lacks the figures that it takes',
  after: 'the later snapshot lacks the figures that it takes',
} as const;

/** More snapshots than this are thinned out in the stacked chart; the table has them all. */
const COLUMNS = 24;

/** The time of a snapshot, or its name where that is not known. */
function timeOf(point: Point): string {
  return point.capturedAt === undefined ? point.name : dateTime(point.capturedAt);
}

/** The same to the minute, for a table whose heading names the zone. */
function shortTimeOf(point: Point): string {
  return point.capturedAt === undefined ? point.name : shortDateTime(point.capturedAt);
}

/** A rate of losses as a number for an hour. */
function perHour(rate: unknown): string | undefined {
  if (typeof rate !== 'number') return undefined;
  return rate > 0 && rate < 1 ? 'under 1' : count(Math.round(rate));
}

const isTimeout = (name: string) => /timeout/.test(name);
const written = (name: string, value: number) => (isTimeout(name) ? duration(value) : count(value));

/** Settings that changed between two snapshots, the first value and the last; what came back to what it was did not. */
function settingsBetween(intervals: readonly Interval[], from: number, to: number) {
  const changed = new Map<string, { before: number; after: number }>();
  for (const interval of intervals.filter((each) => each.from >= from && each.to <= to)) {
    for (const { name, before, after } of interval.settings) {
      changed.set(name, { before: changed.get(name)?.before ?? before, after });
    }
  }
  return [...changed].filter(([, { before, after }]) => before !== after);
}

/** What was changed, as the middle of a sentence. */
function changeOf(timeline: Timeline): string | undefined {
  const { before, after } = timeline.fix;
  const words = settingsBetween(timeline.intervals, before, after).flatMap(([name, step]) => {
    const to = `from ${written(name, step.before)} to ${written(name, step.after)}`;
    if (name === 'max') return [`the limit went ${to} entries`];
    if (name === 'buckets') return [`the hash table went ${to} buckets`];
    return isTimeout(name) ? [`${name} went ${to}`] : [];
  });
  return words.length > 0 ? list(words) : undefined;
}

/** What a fix that is only partly done lacks. */
function stillWrong(timeline: Timeline, after: Point): string | undefined {
  const lacks = timeline.fix.checks.flatMap(({ what, result }) => {
    if (result === 'yes' || result === 'not known') return [];
    if (what === 'persisted')
      return [result === 'no' ? 'the next boot takes it back' : 'it is not sure that a reboot keeps it'];
    if (what === 'buckets') return ['the hash table was left behind'];
    if (what === 'applied') return ['not all of it is in force'];
    return ['connections are still lost'];
  });
  if (after.verdict.severity === 'critical' || after.verdict.severity === 'warning') {
    lacks.push(`the verdict is “${kindWord(after)}”`);
  }
  return lacks.length > 0 ? list(lacks) : undefined;
}

function kindWord({ verdict }: Point): string {
  return KIND_WORDS[verdict.kind as keyof typeof KIND_WORDS] ?? verdict.kind;
}

function fixView(timeline: Timeline, before: Point, after: Point) {
  const { fix } = timeline;
  const losses = fix.checks.find(({ what }) => what === 'effective')?.values;
  const [was, is] = [losses?.wasPerHour, losses?.isPerHour];
  const since = timeline.points.slice(fix.before + 1, fix.after + 1);
  const most = Math.max(0, ...since.map(({ entries = 0 }) => entries));
  return {
    ...FIX[fix.verdict],
    template: new Verbatim(`fix/${fix.verdict}`),
    values: {
      beforeAt: timeOf(before),
      change: changeOf(timeline),
      wasPerHour: perHour(was),
      isPerHour: typeof is === 'number' && is > 0 ? perHour(is) : undefined,
      wasNone: was === 0,
      isMore: typeof was === 'number' && typeof is === 'number' && is > was,
      peakAfter: most > (before.max ?? Number.POSITIVE_INFINITY) ? count(most) : undefined,
      stillWrong: stillWrong(timeline, after),
      max: after.max !== undefined && after.max === before.max ? count(after.max) : undefined,
      wasKind: kindWord(before),
      nowKind: kindWord(after),
      compared: before !== after,
      same: before.verdict.kind === after.verdict.kind,
      lacks: fix.undecided && LACKS[fix.undecided],
      tested: fix.testedSeconds ? duration(fix.testedSeconds) : undefined,
      oldMax: before.max === undefined || before.unlimited ? undefined : count(before.max),
      afterAt: timeOf(after),
    },
    checks: fix.checks.map(({ what, result, says, values }) => ({
      what: CHECKED[what],
      ...RESULT[result],
      template: new Verbatim(`checks/${says}`),
      values: checkValues(values),
    })),
  };
}

function checkValues(values: Check['values']) {
  const name = typeof values.setting === 'string' ? values.setting : '';
  const number = (key: string) => {
    const value = values[key];
    return typeof value === 'number' ? written(name, value) : undefined;
  };
  return {
    setting: `nf_conntrack_${name}`,
    wanted: number('wanted'),
    was: number('was'),
    is: number('is'),
    counter: values.counter,
    tooShort: values.tooShort === true,
    wasPerHour: perHour(values.wasPerHour),
    isPerHour: perHour(values.isPerHour),
  };
}

/** A size of slabs, with a mark where it rests on a page size that is inferred. */
function sizeOf({ pageInferred }: Point, size: number | undefined): string | undefined {
  return size === undefined ? undefined : `${bytes(size)}${pageInferred ? ' (page size inferred)' : ''}`;
}

function figuresView(timeline: Timeline, before: Point, after: Point) {
  const losses = timeline.fix.checks.find(({ what }) => what === 'effective')?.values;
  const entries = ({ entries }: Point) => (entries === undefined ? undefined : count(entries));
  const share = (point: Point) => (point.share === undefined ? '' : `, ${percent(point.share)} of the limit`);
  const limit = ({ max, unlimited }: Point) => (unlimited ? 'none' : max === undefined ? undefined : count(max));
  const held = (point: Point) => sizeOf(point, point.memoryBytes);
  const figure = (label: string, was: string | undefined, is: string | undefined, then = '', now = '') => ({
    label,
    value: is ?? 'not captured',
    absent: is === undefined,
    note: [
      now.replace(/^, /, ''),
      before === after
        ? ''
        : was === undefined
          ? 'not captured before'
          : was === is
            ? 'as before'
            : `was ${was}${then}`,
    ]
      .filter(Boolean)
      .join('; '),
  });
  const lost = typeof losses?.counter === 'string' ? `by ${losses.counter}` : '';
  const noLosses =
    before === after
      ? { value: 'not known', absent: true, note: 'that takes two snapshots' }
      : { value: '0', absent: false, note: 'none was counted in either' };
  return [
    figure('Entries, at most', entries(before), entries(after), share(before), share(after)),
    figure('Limit', limit(before), limit(after)),
    losses
      ? figure('Losses an hour', perHour(losses.wasPerHour), perHour(losses.isPerHour), '', lost)
      : { label: 'Losses an hour', ...noLosses },
    figure('Memory held', held(before), held(after)),
  ];
}

function growthView({ growth }: Timeline) {
  const { perDay, daysToFull, refused, points, days } = growth;
  const falls = perDay !== undefined && perDay.high < 0;
  const size = (value: number) => count(Math.abs(Math.round(value)));
  const ends = perDay && (falls ? [perDay.high, perDay.low] : [perDay.low, perDay.high]);
  const signed = refused === 'no-trend' ? change : size;
  return {
    template: new Verbatim(`growth/${refused ?? (falls ? 'falls' : 'found')}`),
    values: {
      low: ends && signed(Math.round(ends[0] ?? 0)),
      high: ends && signed(Math.round(ends[1] ?? 0)),
      likely: perDay && size(perDay.likely),
      several: (growth.changed?.length ?? 0) > 1,
      changed: growth.changed && list(growth.changed.map((name) => (name === 'max' ? 'the limit' : name))),
      days: plural(points, 'day'),
      span: duration(days * 86_400),
      fullLow: daysToFull && duration(daysToFull.low * 86_400),
      fullHigh: daysToFull?.high === undefined ? undefined : duration(daysToFull.high * 86_400),
    },
  };
}

/** Moments that explain a bend: reboots, and changes of what the table may hold. */
function momentsOf({ points, intervals }: Timeline, x: (point: Point) => number) {
  return intervals.flatMap(({ to, rebooted, settings }) => {
    const point = points[to];
    if (!point) return [];
    const names = settings.map(({ name }) => name).filter((name) => !name.startsWith('module parameter'));
    const text = [
      rebooted ? 'reboot' : '',
      names.includes('max') ? 'new limit' : names.length > 0 ? plural(names.length, 'setting') : '',
    ];
    return text.some(Boolean) ? [{ x: x(point), text: text.filter(Boolean).join(', ') }] : [];
  });
}

function chartsView(timeline: Timeline) {
  const timed = timeline.points.filter(({ capturedAt }) => capturedAt !== undefined);
  const [first, last] = [timed[0], timed.at(-1)];
  if (timed.length < 3 || !first || !last) return [];
  const x = ({ capturedAt = '' }: Point) => Date.parse(capturedAt);
  const texts = { left: timeOf(first), right: timeOf(last) };
  const usage = timed.filter(({ entries }) => entries !== undefined);
  const fullest = usage.reduce((most, point) => ((point.share ?? 0) > (most.share ?? 0) ? point : most), first);
  const moments = momentsOf(timeline, x);
  const charts: { title: string; svg: Verbatim; rows: { label: string; text: string }[] }[] = [];
  if (usage.length >= 3) {
    const title =
      fullest.share === undefined
        ? `The table held up to ${count(Math.max(...usage.map(({ entries = 0 }) => entries)))} entries`
        : `At its fullest the table held ${percent(fullest.share)} of the limit, on ${timeOf(fullest)}`;
    const rows = usage.map((point) => ({
      label: timeOf(point),
      text: `${count(point.entries ?? 0)}${point.max === undefined ? '' : ` of ${count(point.max)}`}`,
    }));
    charts.push({
      title,
      rows,
      svg: new Verbatim(
        overTime(
          'usage-over-time',
          title,
          rows.map(({ label, text }) => `${label}: ${text}`).join('; '),
          usage.map((point) => ({ x: x(point), y: point.entries ?? 0 })),
          usage.flatMap((point) => (point.max === undefined || point.unlimited ? [] : [{ x: x(point), y: point.max }])),
          moments,
          {
            top: `entries, the most in each snapshot: up to ${count(Math.max(...usage.map(({ entries = 0 }) => entries)))}`,
            limit: last.max === undefined ? undefined : `limit, now ${count(last.max)}`,
            ...texts,
          },
        ),
      ),
    });
  }
  const held = timed.filter(({ slabBytes }) => slabBytes !== undefined);
  if (held.length >= 3) {
    const most = Math.max(...held.map(({ slabBytes = 0 }) => slabBytes));
    const title = `The slabs of connection tracking held up to ${bytes(most)}`;
    const rows = held.map((point) => ({ label: timeOf(point), text: sizeOf(point, point.slabBytes) ?? '' }));
    charts.push({
      title,
      rows,
      svg: new Verbatim(
        overTime(
          'slabs-over-time',
          title,
          rows.map(({ label, text }) => `${label}: ${text}`).join('; '),
          held.map((point) => ({ x: x(point), y: point.slabBytes ?? 0 })),
          [],
          moments,
          { top: 'memory that the slabs hold', ...texts },
        ),
      ),
    });
  }
  return [...charts, ...dropChart(timeline), ...classChart(timed, texts)];
}

/** Packets that were dropped from snapshot to snapshot; where a counter began anew, since then. */
function dropChart({ points, intervals }: Timeline) {
  const known = intervals.flatMap(({ to, deltas }) => {
    const delta = deltas.find(({ name }) => name === 'drop')?.delta;
    const point = points[to];
    return delta === undefined || !point ? [] : [{ label: timeOf(point), delta }];
  });
  const most = Math.max(0, ...known.map(({ delta }) => delta));
  const [first, last] = [known[0], known.at(-1)];
  if (known.length < 2 || most === 0 || !first || !last) return [];
  const worst = known.find(({ delta }) => delta === most);
  const title = `Most packets were dropped up to ${worst?.label}: ${count(most)}`;
  const rows = known.map(({ label, delta }) => ({ label: `until ${label}`, text: count(delta) }));
  const svg = stacks(
    'drops-over-time',
    title,
    rows.map(({ label, text }) => `${label}: ${text}`).join('; '),
    known.map(({ label, delta }) => ({ label, values: [delta] })),
    [],
    { top: 'packets dropped since the snapshot before', left: `until ${first.label}`, right: `until ${last.label}` },
  );
  return [{ title, rows, svg: new Verbatim(svg) }];
}

function classChart(timed: readonly Point[], texts: { left: string; right: string }) {
  const shown = timed.filter(({ classes }) => classes.length > 0);
  if (shown.length < 3) return [];
  const step = Math.ceil(shown.length / COLUMNS);
  const columns = shown.filter((_, at) => (shown.length - 1 - at) % step === 0);
  const sums = new Map<string, number>();
  for (const { classes } of columns)
    for (const { key, entries } of classes) sums.set(key, (sums.get(key) ?? 0) + entries);
  const keys = [...sums]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST_PARTS - 1)
    .map(([key]) => key);
  const values = (point: Point) => {
    const own = new Map(point.classes.map(({ key, entries }) => [key, entries]));
    const named = keys.map((key) => own.get(key) ?? 0);
    const all = point.classes.reduce((sum, { entries }) => sum + entries, 0);
    return [...named, all - named.reduce((sum, value) => sum + value, 0)];
  };
  const [largest = ''] = keys;
  const whole = columns.flatMap(({ classes }) => classes).reduce((sum, { entries }) => sum + entries, 0);
  const title = `${className(largest)}: ${percent((sums.get(largest) ?? 0) / Math.max(1, whole))} of the rows of all snapshots`;
  const rows = columns.map((point) => ({
    label: timeOf(point),
    text: list(keys.map((key, i) => `${className(key)} ${count(values(point)[i] ?? 0)}`)),
  }));
  const most = Math.max(...columns.map((point) => values(point).reduce((sum, value) => sum + value, 0)));
  const svg = stacks(
    'classes-over-time',
    title,
    rows.map(({ label, text }) => `${label}: ${text}`).join('; '),
    columns.map((point) => ({ label: timeOf(point), values: values(point) })),
    [...keys.map(className), 'others'],
    { top: `rows of the table, at most ${count(most)}`, ...texts },
  );
  return [{ title, rows, svg: new Verbatim(svg) }];
}

function countersView({ intervals, points }: Timeline) {
  const rows = intervals.flatMap((interval) => {
    const to = points[interval.to];
    const deltas = COUNTERS.flatMap((name) => interval.deltas.filter((delta) => delta.name === name));
    return to && deltas.length > 0
      ? [
          {
            time: shortTimeOf(to),
            length: interval.seconds === undefined ? '' : duration(interval.seconds),
            rebooted: interval.rebooted === true,
            notes: [...new Set(deltas.map(({ how, why }) => (why ? WHY[why] : HOW[how])).filter(Boolean))].join('; '),
            cells: deltas.map(({ name, delta, perSecond }) => ({
              name,
              text: delta === undefined ? 'not known' : count(delta),
              rate: perSecond === undefined || !delta ? '' : `${perHour(3600 * perSecond)} / h`,
            })),
          },
        ]
      : [];
  });
  return { rows, names: rows[0]?.cells.map(({ name }) => name) ?? [] };
}

function fillersView({ fillers }: Timeline) {
  const rows = (kind: 'class' | 'source') =>
    fillers
      .filter((filler) => filler.kind === kind)
      .map(({ key, before, after }) => ({
        key: kind === 'class' ? className(key) : key,
        before: before === undefined ? 'not among the largest' : count(before),
        after: after === undefined ? 'not among the largest' : count(after),
      }));
  return { classes: rows('class'), sources: rows('source') };
}

function recommendationView({ recommendation, points }: Timeline) {
  const { action, max, buckets, demand, totalBytes, shareOfRam, commands, from } = recommendation;
  const point = points[from];
  const last = points.at(-1);
  return {
    template: new Verbatim(`recommendations/${action}`),
    values: {
      max: max === undefined ? undefined : count(max),
      maxToday: last?.max === undefined ? undefined : count(last.max),
      buckets: buckets === undefined ? undefined : count(buckets),
      bucketsToday: last?.buckets === undefined ? undefined : count(last.buckets),
      changesBuckets: buckets !== undefined && last?.buckets !== undefined && buckets > last.buckets,
      boundByMemory: false,
      budget: undefined,
      frees: undefined,
      leaves: undefined,
      leavesShare: undefined,
    },
    demand: demand && (demandEnds(demand) ?? `${demand.isLowerBound ? 'at least ' : ''}${count(demand.low)}`),
    at: point && timeOf(point),
    full: totalBytes === undefined ? undefined : bytes(totalBytes),
    fullShare: shareOfRam === undefined ? undefined : percent(shareOfRam),
    pageInferred: point?.pageInferred,
    commands: commands.apply.length > 0 ? new Verbatim(commands.apply.join('\n')) : undefined,
  };
}

/** What the templates of a comparison are given. */
export function timelineView(timeline: Timeline) {
  const { host, points, fix, tool, notes, findings } = timeline;
  const [before, after] = [points[fix.before] as Point, points[fix.after] as Point];
  const [first, last] = [points[0] as Point, points.at(-1) as Point];
  const fixed = fixView(timeline, before, after);
  return {
    title: points.length > 2 ? 'Connection tracking over time' : 'Connection tracking, before and after',
    hostname: host.hostname ?? 'host name not captured',
    about: [
      host.osName,
      last.kernelRelease && `Linux ${last.kernelRelease}`,
      host.cpus && plural(host.cpus, 'CPU'),
      host.memTotalBytes && `${bytes(host.memTotalBytes)}\u00a0RAM`,
    ]
      .filter(Boolean)
      .join(' · '),
    pseudonyms: host.anonymized,
    span: first === last ? timeOf(last) : `${shortTimeOf(first)} – ${shortTimeOf(last)} ${zone()}`,
    zone: zone(),
    first: timeOf(first),
    last: timeOf(last),
    capturedAt: timeOf(last),
    snapshots: plural(points.length, 'snapshot'),
    identifiedBy: IDENTIFIED[host.identifiedBy],
    tool: `${tool.name} ${tool.version}`,
    fix: fixed,
    figures: figuresView(timeline, before, after),
    compared: { before: timeOf(before), after: timeOf(after) },
    growth: growthView(timeline),
    charts: chartsView(timeline),
    settings: settingsBetween(timeline.intervals, fix.before, fix.after).map(([name, step]) => ({
      name,
      before: written(name, step.before),
      after: written(name, step.after),
    })),
    counters: countersView(timeline),
    findings: (Object.keys(CHANGES) as (keyof typeof CHANGES)[]).flatMap((kind) => {
      const ids = findings.filter(({ change: each }) => each === kind);
      return ids.length === 0
        ? []
        : [
            {
              change: CHANGES[kind],
              rows: ids.map(({ id, before: was, after: is }) => ({
                id,
                title: textOf({ id }, 'title'),
                before: was ? FOUND_WORDS[was] : '',
                after: is ? FOUND_WORDS[is] : '',
                severity: is ?? 'unknown',
              })),
              few: kind !== 'unchanged' && kind !== 'not comparable',
            },
          ];
    }),
    fillers: fillersView(timeline),
    recommendation: recommendationView(timeline),
    points: points.map((point) => ({
      time: shortTimeOf(point),
      name: point.name,
      entries: point.entries === undefined ? '' : count(point.entries),
      max: point.unlimited ? 'none' : point.max === undefined ? '' : count(point.max),
      share: point.share === undefined ? '' : percent(point.share),
      slab: sizeOf(point, point.slabBytes) ?? '',
      drop: point.counters?.drop === undefined ? '' : count(point.counters.drop),
      severity: point.verdict.severity,
      verdict: kindWord(point),
      uptime: point.uptimeSeconds === undefined ? '' : duration(point.uptimeSeconds),
    })),
    notes,
    glossary: glossaryView(),
  };
}
