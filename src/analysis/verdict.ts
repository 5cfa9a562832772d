/** Which failure it is, if it is one: what proves it, and why it is not what else it could be. */
import type { Findings } from './findings/index.ts';
import { entriesOf } from './findings/part-of-table.ts';
import type { Measured } from './findings/rule.ts';
import type { Evidence, Failure, Finding, Quantity, Recommendation, Verdict } from './schema.ts';
import { atLimit, droppedPackets, FILLING, NEAR, wasFullJustNow } from './usage.ts';

/** Without the size of RAM: less than this is little on any machine that forwards traffic. */
const LITTLE_BYTES = 64 * 1024 * 1024;
/** Less than this part of a table does not fill it: it is no argument for a cause, but one against it. */
const MINOR = 1 / 3;
/** Of fewer rows a share says little. */
const LEAST_ROWS = 100;
/** Proof that a first page has room for. */
const PROOF_LINES = 5;

const FAILURE: Record<Verdict['kind'], Failure> = {
  'limit-reached': 'limit',
  evicting: 'limit',
  'was-full': 'limit',
  'near-limit': 'limit',
  filling: 'limit',
  memory: 'memory',
  'long-chains': 'hash-chains',
  'nat-ports': 'nat-or-clash',
  clashes: 'nat-or-clash',
  'drops-now': 'nat-or-clash',
  'namespace-full': 'other-namespace',
  flood: 'attack',
  'one-source': 'attack',
  'idle-hoard': 'idle-hoard',
  unlimited: 'none',
  healthy: 'none',
  'cannot-tell': 'cannot-tell',
};

/** Which findings prove a verdict. */
const PROOF: Record<Verdict['kind'], string[]> = {
  'limit-reached': ['table-full', 'was-full'],
  evicting: ['early-drop', 'table-full'],
  'was-full': ['was-full', 'early-drop'],
  'near-limit': ['near-limit'],
  filling: ['near-limit'],
  memory: ['memory'],
  'long-chains': ['hash-chains'],
  'nat-ports': ['nat-ports'],
  clashes: ['clashes'],
  'drops-now': ['clashes', 'table-full'],
  'namespace-full': ['other-namespace'],
  flood: ['table-full', 'early-drop', 'near-limit', 'unreplied', 'closing-states', 'concentration'],
  'one-source': ['table-full', 'early-drop', 'near-limit', 'concentration'],
  'idle-hoard': ['table-full', 'early-drop', 'near-limit', 'idle-hoard'],
  unlimited: ['unlimited'],
  healthy: ['near-limit', 'table-full'],
  'cannot-tell': [],
};

/** The findings that may name the cause, where it is not the limit. */
const CAUSES: Partial<Record<Verdict['kind'], string[]>> = {
  flood: ['unreplied', 'closing-states'],
  'one-source': ['concentration'],
  'idle-hoard': ['idle-hoard'],
  'nat-ports': ['nat-ports'],
  clashes: ['clashes'],
};

/** The finding that names the cause of a verdict, where that is not the limit. */
export function causeOf(kind: Verdict['kind'], find: (id: string) => Finding | undefined): Finding | undefined {
  const candidates = (CAUSES[kind] ?? []).flatMap((id) => find(id) ?? []);
  return candidates.find(({ severity }) => severity === 'critical' || severity === 'warning') ?? candidates[0];
}

/** One source that is known to be, or may be, one machine; a NAT or proxy with many users behind it asks for a table as large as they need. */
const ONE_MACHINE = /^source(?!Many)/;

/**
 * Judges one snapshot. What was not captured never counts as good news: it is listed in `missing`.
 *
 * The order is that of certainty: what was seen to happen during the capture, what counters and logs prove of the past, what is near.
 * A table that is full, or nearly, is put down to what fills it where one cause holds so much of it that without it there would be room.
 */
export function verdictOf(measured: Measured, findings: Findings): Verdict {
  const missing = missingOf(measured);
  const tight = memoryIsTight(measured.memory, findings);
  const [kind, severity] = kindOf(measured, findings);
  const proof: Evidence[] = PROOF[kind].flatMap((id) => {
    const finding = findings.get(id);
    const says =
      kind === 'healthy' || kind === 'drops-now' || (finding && !['ok', 'unknown'].includes(finding.severity));
    return finding && says ? finding.evidence : [];
  });
  const once = proof.filter(
    (one, at) => proof.findIndex((other) => other.what === one.what && other.file === one.file) === at,
  );
  const runnerUp = runnerUpOf(kind, measured, findings, tight);
  return {
    kind,
    failure: FAILURE[kind],
    severity,
    ...(tight !== undefined && { memoryIsTheProblem: tight }),
    proof: once.slice(0, PROOF_LINES),
    ...(runnerUp && { runnerUp }),
    missing,
  };
}

function missingOf({ usage, drops }: Measured): string[] {
  return [
    ...(usage.entries && usage.entriesHow !== 'slab' ? [] : ['the number of entries']),
    ...(usage.max ? [] : ['nf_conntrack_max']),
    ...(drops.counters ? [] : ['the drop counters']),
    ...(drops.log.captured.length > 0 ? [] : ['the kernel log']),
  ];
}

function kindOf(measured: Measured, findings: Findings): [Verdict['kind'], Verdict['severity']] {
  const { usage, drops } = measured;
  const during = drops.duringCapture;
  const severityOf = (id: string) => findings.get(id)?.severity ?? 'unknown';
  const bad = (id: string) => severityOf(id) === 'critical' || severityOf(id) === 'warning';
  const memory = findings.get('memory');
  const memoryIsShort = memory?.severity === 'warning' && memory.says === 'now';

  const share = usage.peakShare;
  if (atLimit(usage)) {
    // early_drop counts entries that were evicted to make room: the packets that needed the room did pass.
    const evicts = during !== undefined && droppedPackets(during) === 0 && during.earlyDrop > 0;
    return [fillerOf(measured, findings) ?? (evicts ? 'evicting' : 'limit-reached'), 'critical'];
  }
  // Since 5.15 a hash chain longer than a random limit refuses entries, however much room the limit leaves.
  const chains = findings.get('hash-chains');
  if (chains?.says === 'refusing') return ['long-chains', 'critical'];
  // What was refused before somebody raised the buckets is past.
  if (chains?.says === 'refused' && chains.commands) return ['long-chains', 'warning'];
  const clashes = findings.get('clashes')?.says;
  if ((during?.drop ?? 0) > 0) {
    if (bad('nat-ports')) return ['nat-ports', severityOf('nat-ports')];
    if (clashes === 'now') return ['clashes', severityOf('clashes')];
    if (!wasFullJustNow(drops)) return ['drops-now', 'warning'];
  }
  if (bad('other-namespace')) return ['namespace-full', severityOf('other-namespace')];
  if (bad('was-full')) return ['was-full', 'warning'];
  if (bad('nat-ports')) return ['nat-ports', severityOf('nat-ports')];
  if (bad('clashes')) return ['clashes', severityOf('clashes')];
  if (usage.unlimited) return memoryIsShort ? ['memory', 'warning'] : ['unlimited', 'notice'];
  if (share === undefined) return ['cannot-tell', 'unknown'];
  // Objects of the slab are those of all namespaces, and free ones too: they prove room, but not the lack of it.
  if (usage.entriesHow === 'slab' && share >= FILLING) return ['cannot-tell', 'unknown'];
  if (share >= NEAR) return [fillerOf(measured, findings) ?? 'near-limit', 'warning'];
  if (memoryIsShort) return ['memory', 'warning'];
  if (share >= FILLING) return [fillerOf(measured, findings) ?? 'filling', 'notice'];
  if (findings.get('near-limit')?.says === 'mayFill') return ['filling', 'notice'];
  // Room in the table is not all: where something else fails, nobody is to read that all is well.
  return ['healthy', [...findings.values()].some(({ severity }) => severity === 'critical') ? 'notice' : 'ok'];
}

/** What fills the table, if one thing does and there would be room without it. */
function fillerOf(measured: Measured, findings: Findings): 'flood' | 'one-source' | 'idle-hoard' | undefined {
  const causes = [
    ['flood', floodEntries(measured, findings)],
    ['idle-hoard', hoardEntries(measured, findings)],
    ['one-source', oneSourceEntries(measured, findings)],
  ] as const;
  return causes.find(([, entries]) => wouldHaveRoom(entries, measured))?.[0];
}

/** Without so many entries the table would be less than half full: then they are the cause, not the limit. */
function wouldHaveRoom(rows: number | undefined, measured: Measured): boolean {
  const fix = rows === undefined ? undefined : fixOf(rows, measured);
  return fix !== undefined && fix.leavesShare < 0.5;
}

/**
 * What the table would hold without some of its rows. They are a part of it, and its entries are what was counted: rows are fewer where
 * expired entries were still counted, or the table was cut.
 */
function fixOf(rows: number, { usage, table }: Measured): Recommendation['fix'] {
  const { max, peak } = usage;
  if (!max || !peak || !table || table.entries === 0) return undefined;
  const frees = Math.round((peak.value * rows) / table.entries);
  const leaves = Math.max(0, peak.value - frees);
  return { frees, leaves, leavesShare: leaves / max.value };
}

/** Entries that never saw an answer, where they are most of the table and not merely seen from one side; or else handshakes that were not completed. */
function floodEntries({ table }: Measured, findings: Findings): number | undefined {
  if (!table) return undefined;
  const says = (id: string) => (findings.get(id)?.severity === 'warning' ? findings.get(id)?.says : undefined);
  if (says('unreplied') === 'found') return entriesOf(table.byFlag, 'UNREPLIED');
  return says('closing-states') === 'synRecv' ? entriesOf(table.byState, 'tcp SYN_RECV') : undefined;
}

/** Established connections that a timeout which breaks no standard would have ended. */
function hoardEntries({ ages }: Measured, findings: Findings): number | undefined {
  if (findings.get('idle-hoard')?.severity !== 'warning') return undefined;
  return ages?.whatIf
    .filter(({ setting, risk }) => setting === 'tcp_timeout_established' && risk !== 'below-rfc-5382')
    .reduce<number | undefined>((most, { gone }) => Math.max(most ?? 0, gone), undefined);
}

function oneSourceEntries({ table }: Measured, findings: Findings): number | undefined {
  const finding = findings.get('concentration');
  return finding?.severity === 'warning' && ONE_MACHINE.test(finding.says) ? table?.sources.top[0]?.entries : undefined;
}

function looksLikeAttack(findings: Findings): boolean {
  const says = (id: string) => {
    const finding = findings.get(id);
    return finding && finding.severity !== 'ok' ? finding.says : '';
  };
  return (
    says('unreplied') === 'found' ||
    says('closing-states').startsWith('syn') ||
    /Scan|Sweep|Unanswered|Flood/.test(says('concentration'))
  );
}

/** What removing the cause of a verdict would free; undefined where the cause is not in the table. */
export function fixFor(kind: Verdict['kind'], measured: Measured, findings: Findings): Recommendation['fix'] {
  const rowsOf = { flood: floodEntries, 'idle-hoard': hoardEntries, 'one-source': oneSourceEntries };
  const rows = kind in rowsOf ? rowsOf[kind as keyof typeof rowsOf](measured, findings) : undefined;
  return rows === undefined ? undefined : fixOf(rows, measured);
}

/** What else it could have been, and the numbers that speak against it. */
function runnerUpOf(
  kind: Verdict['kind'],
  measured: Measured,
  findings: Findings,
  tight: boolean | undefined,
): Verdict['runnerUp'] {
  const { usage, drops, memory, table, ages } = measured;
  const chains = findings.get('hash-chains');
  const rival = (failure: Failure, says: string, values: Record<string, Quantity | undefined>) => ({
    failure,
    says,
    values: Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
  });
  // Where the table is nearly full, its limit is no small matter either.
  const hasRoom = usage.peakShare !== undefined && usage.peakShare < NEAR;
  const limit = {
    peak: usage.peak?.value,
    max: usage.max?.value,
    peakShare: usage.peakShare,
    quietLog:
      drops.log.captured.length > 0 &&
      drops.log.tableFullLines === 0 &&
      findings.get('other-namespace')?.says !== 'logged',
  };
  switch (FAILURE[kind]) {
    case 'limit': {
      if (!table || table.entries === 0) {
        return tight === false ? rival('memory', 'memory', memoryValues(measured)) : undefined;
      }
      // Of a handful of rows nothing speaks against anything.
      if (table.entries < LEAST_ROWS) return undefined;
      const idle = ages?.idle.find(({ seconds }) => seconds === 3600);
      const unrepliedShare = entriesOf(table.byFlag, 'UNREPLIED') / table.entries;
      const largest = table.sources.top[0];
      const sourceShare = largest && largest.entries / table.entries;
      // Of the two that could explain a full table, the one for which more speaks; but not what could indeed be the cause.
      if (idle && idle.share > unrepliedShare) {
        return idle.share < MINOR
          ? rival('idle-hoard', 'idle-hoard', { idleShare: idle.share, idleSeconds: idle.seconds })
          : undefined;
      }
      // What looks like one, and is not enough of the table to be the cause, is left to the findings.
      if (looksLikeAttack(findings) || unrepliedShare >= MINOR || (sourceShare ?? 0) >= MINOR) return undefined;
      return rival('attack', 'attack', { unrepliedShare, sourceShare, source: largest?.key });
    }
    case 'attack':
    case 'idle-hoard': {
      const fix = fixFor(kind, measured, findings);
      return (
        fix && rival('limit', 'limit-without', { rest: fix.leaves, restShare: fix.leavesShare, max: usage.max?.value })
      );
    }
    case 'none':
      if (kind === 'unlimited') return undefined;
      return chains?.severity === 'ok' && chains.says === 'ok'
        ? rival('hash-chains', 'hash-chains', { chain: chains.values.chain })
        : undefined;
    case 'memory':
      return hasRoom ? rival('limit', 'limit', limit) : undefined;
    case 'cannot-tell':
      return undefined;
    case 'other-namespace':
      // The limit it is: that of another table.
      return hasRoom ? rival('limit', 'own-table', limit) : undefined;
    default:
      // Chains, translation and other namespaces all refuse what a full table would refuse: the limit is what everybody thinks of first.
      if (hasRoom) return rival('limit', 'limit', limit);
      return tight === false && memory.slabBytes !== undefined
        ? rival('memory', 'memory', memoryValues(measured))
        : undefined;
  }
}

function memoryValues({ memory }: Measured): Record<string, Quantity | undefined> {
  return {
    heldBytes: memory.totalBytes,
    ramShare: memory.shareOfRam,
    atMaxBytes: memory.atMaxBytes,
    atMaxShare: memory.atMaxShareOfRam,
  };
}

/** Whether memory is short, or would be with the table full: by the finding, or where RAM was not captured, by how little it is on any machine. */
function memoryIsTight(memory: Measured['memory'], findings: Findings): boolean | undefined {
  const finding = findings.get('memory');
  if (finding && finding.severity !== 'unknown') return finding.severity === 'warning';
  const most = memory.atMaxBytes ?? memory.totalBytes;
  return most !== undefined && most < LITTLE_BYTES ? false : undefined;
}
