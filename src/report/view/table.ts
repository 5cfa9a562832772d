/** What fills the table: by class, protocol, state, flag; the largest sources, destinations and services. */
import type { Analysis } from '../../analysis/schema.ts';
import { type Bar, barChart } from '../charts.ts';
import { bytes, capitalised, count, duration, list, percent, plural } from '../format.ts';
import { Verbatim } from '../inert.ts';
import { partView } from './part.ts';
import { namedService } from './services.ts';
import { LOOKED_FOR, whyAbsent } from './sources.ts';

type Table = NonNullable<Analysis['table']>;
type Tally = Table['byClass'][number];

const BARS = 8;
const TOP = 10;

/** A port that hardly any entry uses is rather one that somebody picked than the service that it is registered for. */
const LEAST_NAMED = 0.005;

const FLAGS: Record<string, { label: string; phrase: string }> = {
  UNREPLIED: { label: 'unreplied', phrase: 'without an answer' },
  ASSURED: { label: 'assured', phrase: 'that is assured' },
  'no flag': { label: 'answered', phrase: 'answered, not assured' },
  OFFLOAD: { label: 'offloaded', phrase: 'offloaded to the flow table' },
  HW_OFFLOAD: { label: 'offloaded to hardware', phrase: 'offloaded to hardware' },
};

/** Protocols that people write in capitals; another name stays as the kernel has it. */
function protocolName(protocol: string): string {
  return /^(tcp|udp|icmp|sctp|dccp|gre|esp|ah|udplite)$/.test(protocol)
    ? protocol.toUpperCase()
    : protocol === 'icmpv6'
      ? 'ICMPv6'
      : protocol;
}

function parsedClass(key: string) {
  const flag = Object.keys(FLAGS).find((name) => key === name || key.endsWith(` ${name}`));
  const rest = flag ? key.slice(0, -flag.length).trim() : key;
  const state = /\s([A-Z][A-Z_0-9]+)$/.exec(rest)?.[1];
  const protocol = state ? rest.slice(0, -state.length).trim() : rest;
  return { protocol, state, flag };
}

/** `tcp ESTABLISHED ASSURED` as a label: `TCP ESTABLISHED, assured`. */
export function className(key: string): string {
  const { protocol, state, flag } = parsedClass(key);
  const name = [protocolName(protocol), state].filter(Boolean).join(' ');
  return flag ? `${name}, ${FLAGS[flag]?.label}` : name;
}

/** The same within a sentence: `UDP without an answer`. */
function classPhrase(key: string): string {
  const { protocol, state, flag } = parsedClass(key);
  // A state says more than that it is assured.
  if (state && flag !== 'UNREPLIED') return `${protocolName(protocol)} in state ${state}`;
  const name = [protocolName(protocol), state && `in state ${state}`].filter(Boolean).join(' ');
  return flag ? `${name} ${FLAGS[flag]?.phrase}` : name;
}

const withShare = (entries: number, whole: number) =>
  whole > 0 ? `${count(entries)} · ${percent(entries / whole)}` : count(entries);

function sorted(tallies: readonly Tally[]): Tally[] {
  return [...tallies].sort((a, b) => b.entries - a.entries || (a.key < b.key ? -1 : 1));
}

function bars(tallies: readonly Tally[], whole: number, name: (key: string) => string): Bar[] {
  const all = sorted(tallies);
  const shown = all.length > BARS ? all.slice(0, BARS - 1) : all;
  const rest = all.slice(shown.length);
  const made = shown.map((tally, i) => ({
    label: name(tally.key),
    value: tally.entries,
    text: withShare(tally.entries, whole),
    strong: i === 0,
  }));
  if (rest.length === 0) return made;
  const others = rest.reduce((sum, tally) => sum + tally.entries, 0);
  return [...made, { label: `${rest.length} others`, value: others, text: withShare(others, whole), strong: false }];
}

function chart(
  id: string,
  tallies: readonly Tally[],
  whole: number,
  what: (key: string) => string,
  name: (key: string) => string,
  isSample: boolean,
) {
  const first = sorted(tallies)[0];
  if (!first || whole === 0) return undefined;
  const title = `${capitalised(what(first.key))} is ${isSample ? 'about ' : ''}${percent(first.entries / whole)} of the table`;
  const drawn = bars(tallies, whole, name);
  return {
    title,
    svg: new Verbatim(barChart(id, title, drawn)),
    rows: drawn.map((bar) => ({ label: bar.label, text: bar.text })),
  };
}

function topView(
  heading: string,
  topList: Table['sources'],
  whole: number,
  name: (key: string) => string = (key) => key,
) {
  if (topList.top.length === 0) return [];
  const rows = topList.top.slice(0, TOP).map((tally) => ({
    key: tally.entries >= LEAST_NAMED * whole ? name(tally.key) : tally.key,
    entries: count(tally.entries),
    share: whole ? percent(tally.entries / whole) : '',
  }));
  const distinct =
    topList.distinctError > 0
      ? `about ${count(roundedTo(topList.distinct, topList.distinctError))} in all`
      : `${count(topList.distinct)} in all`;
  return [{ heading, distinct, rows }];
}

/** What is not exact in the lists of the largest, if anything is. */
function boundView({ sources, destinations, networks, pairs, natTargets }: Table, whole: number) {
  const bounded = [sources, destinations, networks, pairs, natTargets].filter(
    (list) => !list.exact || list.distinctError > 0,
  );
  if (bounded.length === 0) return undefined;
  const most = Math.max(...bounded.map((list) => list.maxError));
  return {
    limit: count(sources.exactUpTo),
    most: count(most),
    share: atMost(most / whole),
    // Two standard errors: nineteen estimates in twenty are no further off.
    distinct: percent(2 * Math.max(...bounded.map((list) => list.distinctError))),
  };
}

/** An estimate without the digits that mean nothing. */
function roundedTo(value: number, relativeError: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value * relativeError)));
  return Math.round(value / step) * step;
}

/** A share that is an upper bound: rounded up, to what a reader can picture. */
function atMost(share: number): string {
  const steps = [0.0001, 0.001, 0.01];
  const step = steps.find((each) => share <= each);
  return step === undefined ? percent(share) : percent(step);
}

/** How long the kernel keeps the largest class after its last packet, if the setting was captured. */
function reading(analysis: Analysis, table: Table) {
  const first = sorted(table.byClass)[0];
  if (!first || table.entries === 0) return undefined;
  const { protocol, state, flag } = parsedClass(first.key);
  const known: Record<string, [string, string]> = {
    'tcp ESTABLISHED': ['prose/class-established', 'tcp_timeout_established'],
    'tcp TIME_WAIT': ['prose/class-time-wait', 'tcp_timeout_time_wait'],
    'tcp SYN_SENT': ['prose/class-syn-sent', 'tcp_timeout_syn_sent'],
    'udp UNREPLIED': ['prose/class-udp-unreplied', 'udp_timeout'],
    'udp ASSURED': ['prose/class-udp-assured', 'udp_timeout_stream'],
  };
  const found = known[`${protocol} ${state ?? flag ?? ''}`];
  if (!found) return undefined;
  const setting = analysis.settings.find((s) => s.name === found[1]);
  return {
    template: new Verbatim(found[0]),
    values: {
      share: percent(first.entries / table.entries),
      entries: count(first.entries),
      timeout: setting && duration(setting.value),
      setting: found[1],
    },
  };
}

function differs(analysis: Analysis, table: Table) {
  const { entries, entriesHow } = analysis.usage;
  if (!entries || (entriesHow !== 'count' && entriesHow !== 'counters') || entries.value === table.entries)
    return undefined;
  return {
    counted: count(entries.value),
    fewer: table.entries < entries.value,
    partial: table.cut !== undefined || table.families.length < 2,
    by: count(Math.abs(entries.value - table.entries)),
  };
}

/** What the pages on the contents of the table are given. */
export function tableView(analysis: Analysis) {
  const { table } = analysis;
  if (!table) return { known: false as const, why: whyAbsent(analysis, LOOKED_FOR.table) };
  const whole = table.entries;
  const part = partView(analysis);
  const nat = table.nat.source + table.nat.destination + table.nat.both;
  const flags = sorted(table.byFlag).map((t) => `${t.key} ${withShare(t.entries, whole)}`);
  const facts = [
    { what: part.tail ? 'Rows understood, of the end of the table' : 'Rows understood', value: count(whole) },
    {
      what: 'Address families captured',
      value:
        (list(table.families.map((f) => (f === 'ipv4' ? 'IPv4' : 'IPv6'))) || 'none') +
        (part.missingFamily ? `; ${part.missingFamily.family} was not captured` : ''),
    },
    ...(table.byFamily.length > 1
      ? [
          {
            what: 'Rows by family',
            value: sorted(table.byFamily)
              .map((t) => `${t.key} ${withShare(t.entries, whole)}`)
              .join(', '),
          },
        ]
      : []),
    ...(flags.length ? [{ what: 'Rows by flag', value: flags.join(', ') }] : []),
    {
      what: 'Rewritten by NAT',
      value:
        nat === 0
          ? 'none of the rows'
          : `${withShare(nat, whole)} (source ${count(table.nat.source)}, destination ${count(table.nat.destination)}, both ${count(table.nat.both)})`,
    },
    {
      what: 'Rows with packet and byte counters',
      value:
        table.accounted === 0
          ? 'none (accounting is off, or was when they were made)'
          : withShare(table.accounted, whole),
    },
    ...(table.byZone.length > 1
      ? [
          {
            what: 'Zones',
            value: sorted(table.byZone)
              .slice(0, 5)
              .map((t) => `${t.key}: ${count(t.entries)}`)
              .join(', '),
          },
        ]
      : []),
    ...(table.byMark.length > 1
      ? [
          {
            what: 'Marks',
            value: sorted(table.byMark)
              .slice(0, 5)
              .map((t) => `${t.key}: ${count(t.entries)}`)
              .join(', '),
          },
        ]
      : []),
    ...(table.entries > 0
      ? [
          {
            what: 'Concentration of sources',
            value: `the largest ${percent(table.sources.concentration.top1 / whole)}, the 10 largest ${percent(table.sources.concentration.top10 / whole)}, the 100 largest ${percent(table.sources.concentration.top100 / whole)} of the entries`,
          },
        ]
      : []),
    ...(table.accounted > 0
      ? [
          {
            what: 'Traffic of these entries',
            value: `original ${plural(table.traffic.original.packets, 'packet')}, ${bytes(table.traffic.original.bytes)}; reply ${plural(table.traffic.reply.packets, 'packet')}, ${bytes(table.traffic.reply.bytes)}`,
          },
        ]
      : []),
    ...(table.duplicates.rows > 0
      ? [
          {
            what: 'Rows that repeat an entry',
            value: `${count(table.duplicates.rows)} (the table changed while it was read)`,
          },
        ]
      : []),
    ...(table.expectations > 0
      ? [{ what: 'Expectation rows, not counted as entries', value: count(table.expectations) }]
      : []),
    ...(table.malformed.count > 0 ? [{ what: 'Rows not understood', value: count(table.malformed.count) }] : []),
  ];
  return {
    known: true as const,
    why: '',
    source: table.files.join('; '),
    rows: count(whole),
    empty: whole === 0,
    cut: part.tail ? undefined : table.cut,
    tail: part.tail,
    missingFamily: part.missingFamily,
    share: part.tail ? 'Share, sampled' : 'Share',
    differs: part.tail ? undefined : differs(analysis, table),
    charts: [
      chart('classes', table.byClass, whole, classPhrase, className, part.tail !== undefined),
      chart('protocols', table.byProtocol, whole, protocolName, protocolName, part.tail !== undefined),
    ].filter((c) => c !== undefined),
    reading: reading(analysis, table),
    facts,
    bound: boundView(table, whole),
    tops: [
      ...topView('Largest sources', table.sources, whole),
      ...topView('Largest destinations', table.destinations, whole),
      ...topView('Largest services', table.services, whole, namedService),
      ...topView('Largest source networks', table.networks, whole),
      ...topView('Largest source and service', table.pairs, whole),
      ...topView('NAT: largest targets', table.natTargets, whole),
      ...topView('NAT: addresses translated to', table.natAddresses, whole),
    ],
    malformed: table.malformed.examples.slice(0, 5).map((e) => ({ text: e.text, source: `${e.file}, line ${e.line}` })),
  };
}
