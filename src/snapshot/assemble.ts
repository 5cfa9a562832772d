/** Fills a Snapshot from the texts of a bundle's files. Pure: which file came first, or from where, plays no part. */
import { parseInventory, parseManifest, parseNetns } from '../parsers/bundle-csv.ts';
import { parseConntrackS, parseProcCounters } from '../parsers/counters.ts';
import { countExpectations } from '../parsers/expectations.ts';
import {
  parseCpuCount,
  parseDate,
  parseFirstLine,
  parseKernelVersion,
  parseModules,
  parseOsRelease,
  parseUptime,
} from '../parsers/host.ts';
import { parseKernelLog } from '../parsers/kernel-log.ts';
import { parseMeminfo } from '../parsers/meminfo.ts';
import { parseCount, parseNumber } from '../parsers/number.ts';
import { pageBytesFromProcess, parseGetconf, parseKernelPageSize } from '../parsers/page-size.ts';
import type { Parsed } from '../parsers/parsed.ts';
import { parseCmdline, parseModprobeConf, parseModulesLoad, parseSysctlConf } from '../parsers/persisted.ts';
import { settingName } from '../parsers/settings-names.ts';
import { parseSlabinfo } from '../parsers/slabinfo.ts';
import { parseSysfsSlabValue } from '../parsers/sysfs-slab.ts';
import type { Fact, Namespace, Problem, Reading, Snapshot, TableSummary } from './types.ts';

/** A file of the bundle, as far as it is kept. The table is not kept: its text is empty. */
export interface TextFile {
  text: string;
  /** Bytes that the bundle holds of it. */
  bytes: number;
  sha256?: string;
}

/** What the files are read into; a Snapshot once {@link finish} has settled what depends on several files. */
interface Draft {
  snapshot: Snapshot;
  series: Map<number, Reading>;
  namespaces: Omit<Namespace, 'counters'>[];
  namespaceCounters: Map<string, NonNullable<Namespace['counters']>>;
  manifest: Map<string, string>;
  processPages: { statm?: string; status?: string };
  take<T>(parsed: Parsed<T>): T | undefined;
}

/** Which paths mean something, and what they are read into; a source that is preferred stands before its stand-ins. */
const ROUTES: { path: RegExp; read(draft: Draft, text: string, path: string, match: RegExpExecArray): void }[] = [
  {
    path: /^manifest\.csv$/,
    read(draft, text, path) {
      draft.manifest = draft.take(parseManifest(text, path)) ?? draft.manifest;
    },
  },
  {
    path: /^inventory\.csv$/,
    read(draft, text, path) {
      draft.snapshot.inventory = draft.take(parseInventory(text, path)) ?? [];
    },
  },
  {
    path: /^netns\.csv$/,
    read(draft, text, path) {
      draft.namespaces = draft.take(parseNetns(text, path)) ?? [];
    },
  },
  {
    path: /^netns\/(\d+)\/proc\/net\/stat\/nf_conntrack$/,
    read(draft, text, path, match) {
      const counters = draft.take(parseProcCounters(text, path));
      if (counters) draft.namespaceCounters.set(match[1] ?? '', counters);
    },
  },
  {
    path: /^(?:(?:series\/(\d+)|(after))\/)?proc\/(slabinfo|uptime|net\/stat\/(?:nf|ip)_conntrack|sys\/net\/[a-z0-9/]+\/(?:nf|ip)_conntrack_count)$/,
    read(draft, text, path, match) {
      readReading(draft, readingAt(draft, match[1], match[2]), text, path, match[3] ?? '');
    },
  },
  {
    path: /^commands\/conntrack-S$/,
    read(draft, text, path) {
      // /proc/net/stat is preferred: old versions of the command print the first CPU only.
      draft.snapshot.first.counters ??= draft.take(parseConntrackS(text, path));
    },
  },
  {
    path: /^proc\/sys\/net\/(?:netfilter|ipv4|core|nf_conntrack_max)\b.*$/,
    read(draft, text, path) {
      const name = settingName(path);
      if (name === undefined || name === 'count') return;
      const fact = draft.take(parseNumber(text, path));
      if (fact) preferSetting(draft, name, fact);
    },
  },
  {
    path: /^sys\/module\/(?:nf|ip)_conntrack\/parameters\/(\w+)$/,
    read(draft, text, path, match) {
      assign(draft.snapshot.moduleParameters, match[1] ?? '', draft.take(parseNumber(text, path)));
    },
  },
  {
    path: /^(sys\/(?:kernel\/)?slab\/nf_conntrack)\/(\w+)$/,
    read(draft, text, path, match) {
      const value = draft.take(parseSysfsSlabValue(text, path));
      if (!value) return;
      draft.snapshot.sysfsSlab ??= { folder: match[1] ?? '', values: {} };
      draft.snapshot.sysfsSlab.values[match[2] ?? ''] = value.value;
    },
  },
  {
    path: /^proc\/meminfo$/,
    read(draft, text, path) {
      draft.snapshot.meminfo = draft.take(parseMeminfo(text, path)) ?? {};
    },
  },
  {
    path: /^commands\/getconf-PAGESIZE$/,
    read(draft, text, path) {
      draft.snapshot.pageBytes = draft.take(parseGetconf(text, path)) ?? draft.snapshot.pageBytes;
    },
  },
  {
    path: /^proc\/self\/smaps$/,
    read(draft, text, path) {
      draft.snapshot.pageBytes ??= draft.take(parseKernelPageSize(text, path));
    },
  },
  {
    path: /^proc\/1\/(statm|status)$/,
    read(draft, text, _path, match) {
      draft.processPages[match[1] as 'statm' | 'status'] = text;
    },
  },
  hostFact(/^proc\/sys\/kernel\/hostname$/, 'hostname', parseFirstLine),
  hostFact(/^proc\/sys\/kernel\/random\/boot_id$/, 'bootId', parseFirstLine),
  hostFact(/^commands\/machine-id-sha256$/, 'machineIdSha256', parseFirstLine),
  hostFact(/^commands\/uname-m$/, 'machine', parseFirstLine),
  hostFact(/^commands\/uname-r$/, 'kernelRelease', parseKernelVersion),
  hostFact(/^proc\/version$/, 'kernelRelease', parseKernelVersion),
  hostFact(/^etc\/(?:os-release|redhat-release|debian_version)$/, 'osName', parseOsRelease),
  hostFact(/^commands\/cpu-count$/, 'cpus', parseCpuCount),
  hostFact(/^commands\/date-utc$/, 'capturedAt', parseDate),
  hostFact(/^proc\/modules$/, 'modules', parseModules),
  persisted(
    /^(?:etc\/sysctl\.conf|(?:etc|run|usr\/lib|usr\/local\/lib|lib)\/sysctl\.d\/[^/]+\.conf)$/,
    parseSysctlConf,
  ),
  persisted(/^etc\/modprobe\.(?:conf|d\/[^/]+)$/, parseModprobeConf),
  persisted(/^etc\/(?:modules|modules-load\.d\/[^/]+)$/, parseModulesLoad),
  persisted(/^proc\/cmdline$/, parseCmdline),
  {
    path: /^(?:commands\/(?:dmesg|journalctl-k)|var\/log\/(?:kern\.log|messages|syslog))$/,
    read(draft, text, path) {
      const lines = draft.take(parseKernelLog(text, path));
      if (!lines) return;
      draft.snapshot.logFiles.push(path);
      draft.snapshot.log.push(...lines);
    },
  },
  {
    path: /^commands\/wc-l-table$/,
    read(draft, text, path) {
      draft.snapshot.tableLines = draft.take(parseCount(text, path));
    },
  },
  {
    path: /^proc\/net\/(?:nf|ip)_conntrack_expect$/,
    read(draft, text, path) {
      draft.snapshot.expectations = draft.take(countExpectations(text, path));
    },
  },
];

/** Whether a file of this path, below the bundle's top folder, would be read. */
export function isKnownPath(path: string): boolean {
  return ROUTES.some((route) => route.path.test(path));
}

/**
 * Puts together what was read.
 *
 * @param files     texts by path; the table's path may be among them, with its size only
 * @param table     the table as summarised while it was read; the inventory knows whether the collector cut it
 * @param problems  what went wrong while reading; what the parsers find is added to it
 */
export function assembleSnapshot(
  files: ReadonlyMap<string, TextFile>,
  table: TableSummary | undefined,
  problems: Problem[],
): Snapshot {
  const draft: Draft = {
    snapshot: {
      bundle: { name: '', layout: 'tree' },
      host: {},
      meminfo: {},
      sysctls: {},
      moduleParameters: {},
      first: {},
      series: [],
      log: [],
      logFiles: [],
      persisted: [],
      namespaces: [],
      inventory: [],
      problems,
    },
    series: new Map(),
    namespaces: [],
    namespaceCounters: new Map(),
    manifest: new Map(),
    processPages: {},
    take(parsed) {
      problems.push(...parsed.problems);
      return parsed.value;
    },
  };
  // In the order of the routes, so that a preferred source is read before what only stands in for it.
  for (const route of ROUTES) {
    for (const path of [...files.keys()].sort()) {
      const match = route.path.exec(path);
      if (match) route.read(draft, files.get(path)?.text ?? '', path, match);
    }
  }
  return finish(draft, files, table);
}

function finish(draft: Draft, files: ReadonlyMap<string, TextFile>, table: TableSummary | undefined): Snapshot {
  const { snapshot, manifest } = draft;
  const number = (key: string) => (/^\d+$/.test(manifest.get(key) ?? '') ? Number(manifest.get(key)) : undefined);
  if (manifest.size > 0) {
    snapshot.bundle = {
      ...snapshot.bundle,
      layout: 'bundle',
      formatVersion: number('format_version'),
      collectorVersion: manifest.get('collector_version'),
      commandLine: manifest.get('command_line'),
      userId: number('user_id'),
      netns: manifest.get('netns') || undefined,
      anonymized: anonymization(manifest),
    };
    const hostname = manifest.get('hostname');
    if (hostname) snapshot.host.hostname ??= { value: hostname, file: 'manifest.csv' };
    const capturedAt = manifest.get('captured_at');
    if (capturedAt) snapshot.host.capturedAt ??= { value: capturedAt, file: 'manifest.csv' };
  }
  const { statm, status } = draft.processPages;
  if (!snapshot.pageBytes && statm !== undefined && status !== undefined) {
    snapshot.pageBytes = draft.take(pageBytesFromProcess(statm, status, ['proc/1/statm', 'proc/1/status']));
  }
  snapshot.series = [...draft.series.entries()].sort(([a], [b]) => a - b).map(([, reading]) => reading);
  snapshot.namespaces = draft.namespaces.map((namespace) => ({
    ...namespace,
    counters: draft.namespaceCounters.get(namespace.inode),
  }));
  snapshot.problems.push(...inventoryProblems(snapshot, files));
  if (table) {
    const cut = snapshot.inventory.find((item) => table.files.includes(item.path) && item.status === 'cut');
    snapshot.table = cut ? { ...table, cut: cut.reason } : table;
  }
  return snapshot;
}

function anonymization(manifest: ReadonlyMap<string, string>): Snapshot['bundle']['anonymized'] {
  const scheme = manifest.get('anonymized');
  return scheme ? { scheme, keyId: manifest.get('anonymized_key_id') || 'not known' } : undefined;
}

/** Files that the collector says it captured, and that are missing from the bundle or differ from what it wrote. */
function inventoryProblems(snapshot: Snapshot, files: ReadonlyMap<string, TextFile>): Problem[] {
  const problems: Problem[] = [];
  for (const { path, status, bytes, digest } of snapshot.inventory) {
    if (status !== 'captured' && status !== 'cut') continue;
    const file = files.get(path);
    const expected = digest?.startsWith('sha256:') ? digest.slice('sha256:'.length) : undefined;
    if (!file) {
      if (isKnownPath(path)) {
        problems.push({ file: path, what: 'is listed in inventory.csv but not in the bundle', cost: 'It is missing.' });
      }
    } else if (
      (bytes !== undefined && file.bytes !== bytes) ||
      (expected !== undefined && file.sha256 !== undefined && expected !== file.sha256)
    ) {
      problems.push({
        file: path,
        what: 'differs from what inventory.csv says was captured: it was changed or damaged afterwards',
        cost: 'It was read as it is; do not rely on it.',
        kind: 'digest',
      });
    }
  }
  return problems;
}

function readingAt(draft: Draft, series: string | undefined, after: string | undefined): Reading {
  if (after !== undefined) {
    draft.snapshot.last ??= {};
    return draft.snapshot.last;
  }
  if (series === undefined) return draft.snapshot.first;
  const number = Number(series);
  const reading = draft.series.get(number) ?? {};
  draft.series.set(number, reading);
  return reading;
}

function readReading(draft: Draft, reading: Reading, text: string, path: string, what: string): void {
  if (what === 'slabinfo') reading.slab = draft.take(parseSlabinfo(text, path));
  else if (what === 'uptime') reading.uptimeSeconds = draft.take(parseUptime(text, path));
  else if (what.startsWith('net/stat/')) reading.counters ??= draft.take(parseProcCounters(text, path));
  else {
    const count = draft.take(parseCount(text, path));
    // One number under several names: the present one is preferred.
    if (count && !reading.count?.file.includes('/netfilter/nf_')) reading.count = count;
  }
}

/** Keeps the value under the kernel's present name where a kernel has several names for one setting. */
function preferSetting(draft: Draft, name: string, fact: Fact<number>): void {
  const known = draft.snapshot.sysctls[name];
  if (known && known.value !== fact.value) {
    draft.snapshot.problems.push({
      file: fact.file,
      what: `says ${fact.value} where ${known.file} says ${known.value}, though both name one setting`,
      cost: 'The setting was changed during the capture.',
      kind: 'names-differ',
    });
  }
  const present = (path: string) => path.startsWith('proc/sys/net/netfilter/');
  if (!known || (present(fact.file) && !present(known.file))) draft.snapshot.sysctls[name] = fact;
}

function assign(record: Record<string, Fact<number>>, key: string, fact: Fact<number> | undefined): void {
  if (fact) record[key] = fact;
}

/** A route that fills one field of the host, unless a preferred source already did. */
function hostFact<K extends keyof Snapshot['host']>(
  path: RegExp,
  key: K,
  parse: (text: string, file: string) => Parsed<NonNullable<Snapshot['host'][K]>>,
): (typeof ROUTES)[number] {
  return {
    path,
    read(draft, text, file) {
      draft.snapshot.host[key] ??= draft.take(parse(text, file));
    },
  };
}

function persisted(
  path: RegExp,
  parse: (text: string, file: string) => Parsed<Snapshot['persisted']>,
): (typeof ROUTES)[number] {
  return {
    path,
    read(draft, text, file) {
      draft.snapshot.persisted.push(...(draft.take(parse(text, file)) ?? []));
    },
  };
}
