/** What was captured and what was not, the settings, and the list of facts with their sources. */
import type { Analysis } from '../../analysis/schema.ts';
import { bytes, count, duration, percent, plural } from '../format.ts';
import { reasonOf, type Status, sourceOf, sourcesOf } from './sources.ts';

type Namespace = Analysis['namespaces'][number];

const STATUS: Record<Exclude<Status, 'captured'>, string> = {
  denied: 'No permission',
  failed: 'Failed',
  cut: 'Cut short',
  absent: 'Not there',
};

function folderOf(path: string): string {
  const parts = path.split('/');
  // The readings of a series differ only in their number.
  if (parts[0] === 'series' || parts[0] === 'netns') return `${parts[0]}/`;
  return parts.length > 1 ? `${parts.slice(0, -1).join('/')}/` : 'top folder';
}

function grouped<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return [...groups];
}

/** How many names stand in one cell before the rest is only counted. */
const NAMES = 60;

function names(all: readonly string[], most = NAMES): string {
  const shown = all.slice(0, most).join(', ');
  return all.length > most ? `${shown} and ${count(all.length - most)} more` : shown;
}

/** Files of one folder: `…/nf_conntrack_` is said once, not before each of dozens of names. */
function filesOf(folder: string, all: readonly string[]) {
  const prefix = /^[in][pf]_conntrack_/.exec(all[0] ?? '')?.[0];
  if (!prefix || all.length < 4 || !all.every((name) => name.startsWith(prefix))) return { folder, names: names(all) };
  return { folder: `${folder}${prefix}…`, names: names(all.map((name) => name.slice(prefix.length))) };
}

/** What the pages on the capture itself are given. */
export function captureView(analysis: Analysis) {
  const { inventory, problems } = analysis;
  const captured = inventory.filter((item) => item.status === 'captured');
  // What other kernels or distributions have, and nobody misses on this host; collect.sh says so in these words.
  const needless = inventory.filter((item) => item.status === 'absent' && item.reason.startsWith('not needed'));
  const missing = inventory.filter((item) => item.status !== 'captured' && !needless.includes(item));
  const order: Exclude<Status, 'captured'>[] = ['denied', 'failed', 'cut', 'absent'];
  const seconds = inventory.reduce((end, item) => Math.max(end, (item.startSeconds ?? 0) + (item.seconds ?? 0)), 0);
  return {
    summary: {
      looked: count(inventory.length - needless.length),
      captured: count(captured.length),
      notCaptured: count(missing.length),
      needless: needless.length > 0 ? plural(needless.length, 'more thing') : undefined,
      bytes: bytes(captured.reduce((sum, item) => sum + (item.bytes ?? 0), 0)),
      seconds: seconds > 0 ? duration(seconds) : undefined,
      known: inventory.length > 0,
    },
    groups: grouped(captured, (item) => folderOf(item.path)).map(([folder, items]) => ({
      files: count(items.length),
      bytes: bytes(items.reduce((sum, item) => sum + (item.bytes ?? 0), 0)),
      ...(folder === 'series/' || folder === 'netns/'
        ? { folder, names: `${plural(items.length, 'file')} in folders below it` }
        : filesOf(
            folder,
            items.map((item) => item.path.slice(item.path.lastIndexOf('/') + 1)),
          )),
    })),
    missing: order.flatMap((status) =>
      grouped(
        missing.filter((item) => item.status === status),
        reasonOf,
      ).map(([reason, items]) => ({
        status: STATUS[status],
        reason,
        paths: names(items.map((item) => item.path)),
        denied: status === 'denied' || status === 'failed',
      })),
    ),
    problems: problems.map((p) => ({ source: sourceOf(p), what: p.what, cost: p.cost })),
  };
}

/** What the table of running and persisted settings is given. */
export function settingsView(analysis: Analysis) {
  const all = analysis.settings.map((s) => ({
    name: s.name,
    value: /timeout/.test(s.name) ? `${count(s.value)}\u202fs` : count(s.value),
    spoken: /timeout/.test(s.name) && s.value >= 120 ? duration(s.value) : '',
    source: sourceOf(s),
    timeout: /timeout/.test(s.name),
    persisted: s.persisted.map((p) => ({
      value: p.value ?? 'no value',
      source: `${p.file}, line ${p.line}`,
      differs: p.value !== undefined && Number(p.value) !== s.value,
    })),
  }));
  // A file of one setting bears its name; a list of them has lines.
  const one = analysis.settings.filter(({ line }) => line === undefined);
  const lists = analysis.settings.filter(({ line }) => line !== undefined);
  const unique = (places: string[]) => [...new Set(places)].join(', ');
  return {
    known: all.length > 0,
    limits: all.filter((s) => !s.timeout),
    timeouts: all.filter((s) => s.timeout),
    folders: unique(one.map(({ file }) => file.slice(0, file.lastIndexOf('/') + 1))),
    lists: unique(lists.map(({ file }) => file)),
  };
}

/** Names that tell a namespace apart; a host's own has hundreds of processes. */
const PROCESSES = 8;

/** What the table of other namespaces is given. */
export function namespacesView(analysis: Analysis) {
  const cell = (value: number | undefined) => (value === undefined ? 'not captured' : count(value));
  const unsaid = (n: Namespace) => (n.pids === undefined ? '' : plural(n.pids, 'process', 'processes'));
  return analysis.namespaces.map((n) => ({
    inode: n.inode ?? n.names[0] ?? '',
    names: names([...(n.inode === undefined ? n.names.slice(1) : n.names), ...n.processes], PROCESSES) || unsaid(n),
    entries: n.entries
      ? count(n.entries.value) +
        (n.max && n.max.value > 0 ? ` (${percent(n.entries.value / n.max.value)} of ${count(n.max.value)})` : '')
      : 'not captured',
    rows: n.rows ? count(n.rows.value) + (n.rows.how === 'lines' ? ' lines' : '') : '',
    drop: cell(n.drop),
    earlyDrop: cell(n.earlyDrop),
    source: sourcesOf(n.entries, n.max, n.rows),
  }));
}

/** Whether tables of namespaces were read, and whether the lines of some were only counted. */
export function namespaceRowsView({ namespaces }: Analysis) {
  const counted = namespaces.filter(({ rows }) => rows?.how === 'lines').length;
  return {
    any: namespaces.some(({ rows }) => rows !== undefined),
    lines: counted > 0 ? plural(counted, 'namespace') : undefined,
  };
}
