/** How long entries have been idle, and what lower timeouts would change. */
import type { Ages, Analysis, WhatIf } from '../../analysis/schema.ts';
import { barChart, histogram } from '../charts.ts';
import { bytes, count, duration, percent, plural, ratio } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { pageNote } from './sources.ts';
import { className } from './table.ts';

/** Classes that get a line of their own. */
const CLASSES = 10;

/** Bands of idleness that people think in. */
const BANDS = [
  { label: 'less than a minute', from: 0, to: 60 },
  { label: 'a minute to an hour', from: 60, to: 3600 },
  { label: 'an hour to a day', from: 3600, to: 86_400 },
  { label: 'a day or longer', from: 86_400, to: Number.POSITIVE_INFINITY },
];

/** Classes that get a histogram, if they are so large a share of the table. */
const HISTOGRAMS = 4;
const LEAST_SHARE = 0.01;

/** Where people look on an axis of time; those within a third of the end of the axis are left out. */
const TICKS = [0, 1, 10, 60, 600, 3600, 21_600, 86_400];

const WORDS: Record<number, string> = { 60: 'a minute', 3600: 'an hour', 86400: 'a day' };

function idleChart(ages: Ages) {
  const whole = ages.classes.reduce((sum, each) => sum + each.entries, 0);
  const known = ages.classes.reduce((sum, each) => sum + each.known, 0);
  if (whole === 0 || known === 0) return undefined;
  const text = (entries: number) => `${count(entries)} · ${percent(entries / whole)}`;
  const bars = BANDS.map(({ label, from, to }) => {
    const entries = ages.classes
      .flatMap((each) => each.histogram)
      .reduce((sum, bin) => (bin.fromSeconds >= from && bin.fromSeconds < to ? sum + bin.entries : sum), 0);
    return { label, value: entries, text: text(entries), strong: from >= 3600 };
  });
  if (known < whole) bars.push({ label: 'not known', value: whole - known, text: text(whole - known), strong: false });
  // The longest time that a good part of the table has been idle for is what there is to say.
  const telling = [...ages.idle].reverse().find((each) => each.share >= 0.05) ?? ages.idle[0];
  const title = telling
    ? telling.entries === 0
      ? `No entry is known to have been idle for ${WORDS[telling.seconds] ?? duration(telling.seconds)}`
      : `${percent(telling.share)} of the entries have been idle for ${WORDS[telling.seconds] ?? duration(telling.seconds)} or longer`
    : 'How long entries have been idle';
  return {
    title,
    svg: new Verbatim(barChart('idle', title, bars)),
    rows: bars.map((bar) => ({ label: bar.label, text: bar.text })),
  };
}

function histograms(ages: Ages) {
  const whole = ages.classes.reduce((sum, each) => sum + each.entries, 0);
  return ages.classes
    .filter(({ known }) => known > 0 && known >= LEAST_SHARE * whole)
    .slice(0, HISTOGRAMS)
    .map((each, index) => {
      const name = className(each.key);
      const end = each.histogram.at(-1)?.toSeconds ?? 1;
      const title =
        each.medianIdleSeconds === undefined
          ? `${name}: idle times`
          : `${name}: half have been idle for ${duration(each.medianIdleSeconds)} or longer`;
      const columns = each.histogram.map((bin) => ({
        from: bin.fromSeconds,
        to: bin.toSeconds,
        value: bin.entries,
        text: `${duration(bin.fromSeconds)} to ${duration(bin.toSeconds)}: ${plural(bin.entries, 'entry', 'entries')}`,
      }));
      const highest = Math.max(...columns.map(({ value }) => value));
      const timeout = each.timeoutSeconds ?? end;
      const ticks = [
        ...TICKS.filter((at) => 3 * at < timeout).map((at) => ({ at, label: duration(at) })),
        { at: end, label: duration(timeout) },
      ];
      const top = `highest: ${plural(highest, 'entry', 'entries')}`;
      return { title, svg: new Verbatim(histogram(`idle-${index}`, title, columns, top, ticks)) };
    });
}

function classRow(each: Ages['classes'][number]) {
  return {
    name: className(each.key),
    entries: count(each.entries),
    timeout: each.timeoutSeconds === undefined ? 'not known' : duration(each.timeoutSeconds),
    setting: each.setting && `nf_conntrack_${each.setting}`,
    isDefault: each.timeoutSeconds !== undefined && each.timeoutFile === undefined,
    known: each.entries > 0 ? percent(each.known / each.entries) : '',
    median: each.medianIdleSeconds === undefined ? '' : duration(each.medianIdleSeconds),
    arrivals: each.arrivalsPerSecond === undefined ? '' : ratio(each.arrivalsPerSecond),
    lifetime: each.lifetimeSeconds === undefined ? '' : duration(each.lifetimeSeconds),
  };
}

function notKnown(ages: Ages) {
  const sum = (reason: keyof Ages['classes'][number]['notKnown']) =>
    ages.classes.reduce((total, each) => total + each.notKnown[reason], 0);
  const said = (entries: number) => (entries > 0 ? plural(entries, 'entry', 'entries') : undefined);
  return {
    clamped: said(sum('clamped')),
    custom: said(sum('custom')),
    offloaded: said(sum('offloaded')),
    ambiguous: said(sum('ambiguous')),
    contradictions: said(ages.contradictions),
  };
}

function whatIfRow(change: WhatIf) {
  return {
    setting: change.setting,
    today: duration(change.todaySeconds),
    proposed: duration(change.proposedSeconds),
    asked: change.asked,
    governed: count(change.entriesGoverned),
    gone: count(change.gone),
    steady: count(change.steadyEntries),
    slab: change.steadySlabBytes === undefined ? 'not known' : bytes(change.steadySlabBytes),
    risk: new Verbatim(`what-if/${change.risk}`),
  };
}

function togetherView(set: Ages['together']) {
  return (
    set && {
      settings: set.settings.map(({ setting, seconds }) => `${setting} ${duration(seconds)}`).join(', '),
      gone: plural(set.gone, 'entry', 'entries'),
      steady: count(set.steadyEntries),
      slab: set.steadySlabBytes === undefined ? undefined : bytes(set.steadySlabBytes),
    }
  );
}

/** What the pages on ages are given; nothing where there is no table to date. */
export function agesView(analysis: Analysis) {
  const { ages } = analysis;
  if (!ages || ages.classes.length === 0) return undefined;
  const changes = ages.whatIf.filter((change) => change.asked || change.gone > 0);
  return {
    chart: idleChart(ages),
    histograms: histograms(ages),
    classes: ages.classes.slice(0, CLASSES).map(classRow),
    more:
      ages.classes.length > CLASSES
        ? plural(ages.classes.length - CLASSES, 'smaller class', 'smaller classes')
        : undefined,
    notKnown: notKnown(ages),
    whatIf: changes.length > 0 ? changes.map(whatIfRow) : undefined,
    pageInferred: changes.some(({ steadySlabBytes }) => steadySlabBytes !== undefined) && pageNote(analysis) !== '',
    together: togetherView(ages.together),
    asked: togetherView(ages.asked),
  };
}
