import type { Evidence, Quantity } from '../schema.ts';
import { entriesOf, isSmall, severityOfPart, sum, sureness } from './part-of-table.ts';
import { type Measured, type Rule, seenRows } from './rule.ts';

type Table = NonNullable<Measured['table']>;
type TopList = Table['sources'];
type Tally = TopList['top'][number];

/** From this share of a part on, something is said of the whole part. */
const NEARLY_ALL = 0.9;
/** From this share of a part on, the part as a whole is said to look like something. */
const MOSTLY = 0.5;
/** Different services, or destinations, that no ordinary client needs at a time: as many ports as nmap's quick scan (-F) tries. */
const MANY = 100;

/** TCP that has been closed: what remains of short connections. */
const CLOSED = ['FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE'];

/** Networks that are not routed on the Internet: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 and loopback. */
const PRIVATE =
  /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe[89ab]|::)/;

const LOOPBACK = /^(?:127\.|::1$)/;

/** What holds much of the table. */
interface Holder {
  severity: 'warning' | 'notice';
  says: string;
  tally: Tally;
  inexact: boolean;
  values: Record<string, Quantity | undefined>;
  evidence: Evidence[];
  confidence: 'medium' | 'low';
}

/**
 * One source, one network of sources, or one destination holds much of the table.
 *
 * The table was counted by one property at a time. What two of them have in common is therefore a lower bound: of n entries of
 * which s have a source and u are UNREPLIED, at least s + u − n are both. Nothing is said that does not follow from such bounds.
 * Top lists that are not exact count too few rather than too many, so that the bounds hold for them too.
 */
export const concentration: Rule = {
  id: 'concentration',
  assess({ measured }) {
    const { table } = measured;
    if (!table) return { missing: ['the connection table'] };
    const [source, network, destination] = [table.sources.top[0], table.networks.top[0], table.destinations.top[0]];
    const share = (tally: Tally | undefined) => tally && tally.entries / table.entries;
    const holders = [sourceOf(measured), destinationOf(measured), networkOf(measured)].filter(
      (each) => each !== undefined,
    );
    const found = holders.find(({ severity }) => severity === 'warning') ?? holders[0];
    if (!found) {
      return {
        severity: 'ok',
        says: table.entries === 0 ? 'empty' : isSmall(table) ? 'few' : 'ok',
        values: {
          rows: table.entries,
          source: source?.key,
          sourceShare: share(source),
          destination: destination?.key,
          destinationShare: share(destination),
          network: network?.key,
          networkShare: share(network),
          clients: network !== undefined && severityOfPart(network.entries, measured) !== undefined,
        },
        evidence: [
          ...(source ? seenRows(`src=${source.key}`, source.entries, measured) : []),
          ...(destination ? seenRows(`dst=${destination.key}`, destination.entries, measured) : []),
        ],
        confidence: sureness(measured),
      };
    }
    const { severity, says, tally, inexact, values, evidence, confidence } = found;
    return {
      severity,
      says,
      values: { key: tally.key, entries: tally.entries, share: share(tally), rows: table.entries, inexact, ...values },
      evidence,
      confidence,
    };
  },
};

function sourceOf(measured: Measured): Holder | undefined {
  const { table } = measured;
  const tally = table?.sources.top[0];
  const severity = tally && severityOfPart(tally.entries, measured);
  if (!table || !severity) return undefined;
  const { service, services } = servicesOf(tally, table);
  const { unanswered, answered, closed } = ofSource(tally, service, table);
  const destination = shared(tally, table.destinations, table);
  const destinations = atLeast(tally, table.destinations);
  const mostly = (entries: number) => entries >= MOSTLY * tally.entries;

  const look = ((): [string, Holder['confidence']] => {
    if (LOOPBACK.test(tally.key)) return ['loopback', 'medium'];
    if (mostly(unanswered)) {
      if (services >= MANY) return ['sourceScan', destination ? 'medium' : 'low'];
      if (service && destinations >= MANY) return ['sourceSweep', 'medium'];
      return ['sourceUnanswered', 'low'];
    }
    if (service?.key === 'udp/53') return ['sourceDns', mostly(answered) ? 'medium' : 'low'];
    if (service && mostly(closed)) return ['sourceShort', 'low'];
    if (service) return ['sourceService', 'low'];
    if (services >= MANY && mostly(answered)) return ['sourceMany', 'low'];
    return ['source', 'low'];
  })();
  return {
    severity,
    says: look[0],
    confidence: look[1],
    tally,
    inexact: table.sources.maxError > 0,
    values: {
      unanswered,
      answered,
      closed,
      services,
      destinations,
      service: service?.key,
      destination: destination?.key,
      mayBeSilent: !mostly(answered),
    },
    evidence: [
      ...seenRows(`src=${tally.key}`, tally.entries, measured),
      ...seenRows('[UNREPLIED]', unreplied(table), measured),
      ...(service ? seenRows(`src=${tally.key} to ${service.key}`, service.entries, measured) : []),
      ...(destination ? seenRows(`dst=${destination.key}`, destination.entries, measured) : []),
    ],
  };
}

/** A network that its largest source does not explain. That the clients behind a gateway share one private network is no finding. */
function networkOf(measured: Measured): Holder | undefined {
  const { table } = measured;
  const tally = table?.networks.top[0];
  const severity = tally && severityOfPart(tally.entries, measured);
  if (!table || !severity) return undefined;
  const source = table.sources.top[0];
  const one = source !== undefined && severityOfPart(source.entries, measured) !== undefined;
  if (one && source.entries >= MOSTLY * tally.entries) return undefined;
  const unanswered = bothOf(tally, unreplied(table), table);
  const silent = unanswered >= MOSTLY * tally.entries;
  if (!silent && PRIVATE.test(tally.key)) return undefined;
  return {
    severity: silent ? severity : 'notice',
    says: silent ? 'networkUnanswered' : 'network',
    confidence: 'low',
    tally,
    inexact: table.networks.maxError > 0,
    values: { unanswered, sources: sourcesOf(tally, measured) },
    evidence: [
      ...seenRows(`src in ${tally.key}`, tally.entries, measured),
      ...seenRows('[UNREPLIED]', unreplied(table), measured),
    ],
  };
}

function destinationOf(measured: Measured): Holder | undefined {
  const { table } = measured;
  const tally = table?.destinations.top[0];
  const severity = tally && severityOfPart(tally.entries, measured);
  if (!table || !severity) return undefined;
  const unanswered = bothOf(tally, unreplied(table), table);
  const synRecv = entriesOf(table.byState, 'tcp SYN_RECV');
  const halfOpen = bothOf(tally, synRecv, table);
  const service = shared(tally, table.services, table);
  const [says, confidence] = LOOPBACK.test(tally.key)
    ? (['loopback', 'medium'] as const)
    : halfOpen >= MOSTLY * tally.entries
      ? (['destinationSynFlood', 'medium'] as const)
      : unanswered >= MOSTLY * tally.entries
        ? (['destinationUnanswered', 'low'] as const)
        : (['destination', 'low'] as const);
  return {
    // A busy server is no fault; one that is flooded, or down, may be.
    severity: says === 'destination' ? 'notice' : severity,
    says,
    confidence,
    tally,
    inexact: table.destinations.maxError > 0,
    values: { unanswered, halfOpen, service: service?.key, sources: sourcesOf(tally, measured) },
    evidence: [
      ...seenRows(`dst=${tally.key}`, tally.entries, measured),
      ...(synRecv > 0 ? seenRows('tcp SYN_RECV', synRecv, measured) : []),
      ...seenRows('[UNREPLIED]', unreplied(table), measured),
      ...(service ? seenRows(service.key, service.entries, measured) : []),
    ],
  };
}

/** How many sources the entries of a network or a destination have at least; undefined where one source is worth a finding itself. */
function sourcesOf(tally: Tally, measured: Measured): number | undefined {
  const { table } = measured;
  const [most] = table?.sources.top ?? [];
  if (!table || !most || severityOfPart(most.entries, measured)) return undefined;
  return atLeast(tally, table.sources);
}

function unreplied(table: Table): number {
  return entriesOf(table.byFlag, 'UNREPLIED');
}

/** How many entries of one kind are of another kind too, at least, among all that can be either. */
function bothOf({ entries }: Tally, others: number, all: { entries: number }): number {
  return Math.max(0, entries + others - all.entries);
}

/**
 * What is certain of a source's entries: how many never saw an answer, how many did, and how many are closed TCP, at least. Where they are for
 * one service, only the entries of its protocol can be meant, which makes the bounds closer.
 */
function ofSource(source: Tally, service: Tally | undefined, table: Table) {
  const closed = sum(CLOSED.map((state) => entriesOf(table.byState, `tcp ${state}`)));
  const protocol = service?.key.split('/')[0];
  const within = {
    entries: entriesOf(table.byProtocol, protocol ?? ''),
    unreplied: sum(
      table.byClass
        .filter(({ key }) => key.startsWith(`${protocol} `) && key.endsWith(' UNREPLIED'))
        .map(({ entries }) => entries),
    ),
  };
  const bounds = [
    { own: source, unreplied: unreplied(table), all: table },
    ...(service ? [{ own: service, unreplied: within.unreplied, all: within }] : []),
  ];
  const best = (bound: (each: (typeof bounds)[number]) => number) => Math.max(0, ...bounds.map(bound));
  return {
    unanswered: best((each) => bothOf(each.own, each.unreplied, each.all)),
    answered: best((each) => each.own.entries - each.unreplied),
    closed: best((each) => bothOf(each.own, closed, each.all)),
  };
}

/** What nearly all entries of one kind have in common, if they have it for certain. */
function shared(tally: Tally, { top }: TopList, table: Table): Tally | undefined {
  const [most] = top;
  return most && bothOf(tally, most.entries, table) >= NEARLY_ALL * tally.entries ? most : undefined;
}

/** How many different keys of a list the entries of one kind need at least, when none has more than the largest. */
function atLeast({ entries }: Tally, { top, maxError }: TopList): number {
  const most = (top[0]?.entries ?? 0) + maxError;
  return most > 0 ? Math.ceil(entries / most) : 0;
}

/**
 * The service that nearly all entries of a source are for, and how many services they are for at least: those pairs of the source that are
 * listed, and for the rest as many as it takes when each has no more entries than the smallest pair listed.
 */
function servicesOf(source: Tally, { pairs: { top, maxError } }: Table): { service?: Tally; services: number } {
  const own = top.filter(({ key }) => key.startsWith(`${source.key} `));
  const rest = source.entries - sum(own.map(({ entries }) => entries + maxError));
  const smallest = (top.at(-1)?.entries ?? 0) + maxError;
  const services = own.length + (rest > 0 && smallest > 0 ? Math.ceil(rest / smallest) : 0);
  const most = own[0];
  if (!most || most.entries < NEARLY_ALL * source.entries) return { services };
  return { service: { key: most.key.slice(source.key.length + 1), entries: most.entries }, services };
}
