/** Fills a Snapshot from the texts of a bundle's files. Pure: which file came first, or from where, plays no part. */
import { parseInventory, parseManifest, parseNetns } from '../parsers/bundle-csv.ts';
import { parseConntrackS, parseProcCounters } from '../parsers/counters.ts';
import { kindOfMachine, type MachineKind, parseCpuinfo } from '../parsers/cpuinfo.ts';
import { parseDate, parseTimedatectl } from '../parsers/date.ts';
import { countExpectations } from '../parsers/expectations.ts';
import { parseFree } from '../parsers/free.ts';
import {
  parseCpuCount,
  parseFirstLine,
  parseKernelVersion,
  parseLsmod,
  parseModules,
  parseOsRelease,
  parseUname,
  parseUptime,
  parseUptimeCommand,
} from '../parsers/host.ts';
import { parseKernelLog } from '../parsers/kernel-log.ts';
import { parseMeminfo } from '../parsers/meminfo.ts';
import { parseCount, parseNumber } from '../parsers/number.ts';
import {
  pageBytesFromProcess,
  parseGetconf,
  parseGetconfA,
  parseKernelPageSize,
  parsePageConfig,
} from '../parsers/page-size.ts';
import type { Parsed } from '../parsers/parsed.ts';
import { parseCmdline, parseModprobeConf, parseModulesLoad, parseSysctlConf } from '../parsers/persisted.ts';
import { settingName, settingNameOfKey } from '../parsers/settings-names.ts';
import { NO_CACHE, noMemory, parseSlabinfo } from '../parsers/slabinfo.ts';
import { parseSysctlA } from '../parsers/sysctl-a.ts';
import { parseSysfsSlabValue } from '../parsers/sysfs-slab.ts';
import { refuse } from '../parsers/text.ts';
import { inferPageBytes } from './page-size.ts';
import type { Fact, Namespace, NamespaceRows, Origin, Problem, Reading, Snapshot, TableSummary } from './types.ts';

/** A file of the bundle, as far as it is kept. The table is not kept: its text is empty. */
export interface TextFile {
  text: string;
  /** Bytes that the bundle holds of it. */
  bytes: number;
  sha256?: string;
  /** Where it is from, if that is not its path. */
  origin?: Origin;
  /** Of several sources of one path the least is the best. */
  rank?: number;
  /** Whoever made it kept only some of its lines: that one is missing proves nothing. */
  isFiltered?: boolean;
}

/** What the files are read into; a Snapshot once {@link finish} has settled what depends on several files. */
interface Draft {
  snapshot: Snapshot;
  series: Map<number, Reading>;
  namespaces: Omit<Namespace, 'counters'>[];
  namespaceCounters: Map<string, NonNullable<Namespace['counters']>>;
  /** What commands printed that were run in a namespace, by its name. */
  named: Map<string, Pick<Namespace, 'counters' | 'count' | 'max' | 'rows'>>;
  manifest: Map<string, string>;
  processPages: { statm?: string; status?: string };
  machineKind?: Fact<MachineKind> | undefined;
  kernelConfig?: { text: string; path: string };
  take<T>(parsed: Parsed<T>): T | undefined;
}

/** Which paths mean something, and what they are read into; a source that is preferred stands before its stand-ins. */
const ROUTES: {
  path: RegExp;
  read(draft: Draft, text: string, path: string, match: RegExpExecArray, file: TextFile): void;
}[] = [
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
    path: /^netns\/([^/]+)\/commands\/conntrack-S$/,
    read(draft, text, path, match) {
      namedNamespace(draft, match[1]).counters = draft.take(parseConntrackS(text, path));
    },
  },
  {
    path: /^netns\/([^/]+)\/commands\/sysctl-a$/,
    read(draft, text, path, match) {
      const namespace = namedNamespace(draft, match[1]);
      for (const { key, ...fact } of draft.take(parseSysctlA(text, path))?.settings ?? []) {
        const name = settingNameOfKey(key);
        if (name === 'count' && fact.value >= 0) namespace.count ??= fact;
        if (name === 'max') namespace.max ??= fact;
      }
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
      if (!draft.snapshot.first.counters) draft.snapshot.first.counters = draft.take(parseConntrackS(text, path));
      else addTo(draft.snapshot.otherCounters, parseConntrackS(text, path).value);
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
  hostFact(/^proc\/sys\/kernel\/hostname$/, 'hostname', parseFirstLine),
  hostFact(/^proc\/sys\/kernel\/random\/boot_id$/, 'bootId', parseFirstLine),
  {
    path: /^commands\/sysctl-a$/,
    read(draft, text, path) {
      const values = draft.take(parseSysctlA(text, path));
      if (!values) return;
      preferHost(draft, 'hostname', values.hostname);
      preferHost(draft, 'bootId', values.bootId);
      for (const setting of values.settings) {
        const name = settingNameOfKey(setting.key);
        if (name === 'count') preferCount(draft, setting);
        else if (name !== undefined) preferSetting(draft, name, setting);
      }
    },
  },
  {
    path: /^commands\/conntrack-C$/,
    read(draft, text, path) {
      if (!draft.snapshot.first.count) draft.snapshot.first.count = draft.take(parseCount(text, path));
      else addTo(draft.snapshot.otherCounts, parseCount(text, path).value);
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
    path: /^commands\/free(?:-([bkmgh]))?$/,
    read(draft, text, path, match) {
      if (draft.snapshot.meminfo.MemTotal) return;
      assign(draft.snapshot.meminfo, 'MemTotal', draft.take(parseFree(text, path, match[1])));
    },
  },
  pageSize(/^commands\/getconf-PAGESIZE$/, parseGetconf),
  pageSize(/^commands\/getconf-PAGE_SIZE$/, parseGetconf),
  pageSize(/^commands\/getconf-a$/, parseGetconfA),
  pageSize(/^proc\/self\/smaps$/, parseKernelPageSize),
  {
    path: /^proc\/1\/(statm|status)$/,
    read(draft, text, _path, match) {
      draft.processPages[match[1] as 'statm' | 'status'] = text;
    },
  },
  {
    path: /^boot\/config$/,
    read(draft, text, path) {
      draft.kernelConfig = { text, path };
    },
  },
  {
    path: /^commands\/uptime$/,
    read(draft, text, path) {
      draft.snapshot.first.uptimeSeconds ??= draft.take(parseUptimeCommand(text, path));
    },
  },
  hostFact(/^commands\/hostname$/, 'hostname', parseFirstLine),
  hostFact(/^commands\/machine-id-sha256$/, 'machineIdSha256', parseFirstLine),
  hostFact(/^commands\/uname-m$/, 'machine', parseFirstLine),
  hostFact(/^commands\/uname-r$/, 'kernelRelease', parseKernelVersion),
  hostFact(/^proc\/version$/, 'kernelRelease', parseKernelVersion),
  {
    path: /^commands\/uname(?:-a)?$/,
    read(draft, text, path) {
      const uname = draft.take(parseUname(text, path));
      preferHost(draft, 'hostname', uname?.hostname);
      preferHost(draft, 'kernelRelease', uname?.kernelRelease);
      preferHost(draft, 'machine', uname?.machine);
    },
  },
  hostFact(/^etc\/(?:os-release|redhat-release|debian_version)$/, 'osName', parseOsRelease),
  hostFact(/^commands\/cpu-count$/, 'cpus', parseCpuCount),
  {
    path: /^proc\/cpuinfo$/,
    read(draft, text, path) {
      const cpuinfo = draft.take(parseCpuinfo(text, path));
      draft.snapshot.host.cpus ??= cpuinfo?.cpus;
      draft.machineKind = cpuinfo?.kind;
    },
  },
  hostFact(/^commands\/date-utc$/, 'capturedAt', parseDate),
  hostFact(/^commands\/timedatectl$/, 'capturedAt', parseTimedatectl),
  hostFact(/^commands\/date$/, 'capturedAt', parseDate),
  hostFact(/^proc\/modules$/, 'modules', parseModules),
  hostFact(/^commands\/lsmod$/, 'modules', parseLsmod),
  persisted(
    /^(?:etc\/sysctl\.conf|(?:etc|run|usr\/lib|usr\/local\/lib|lib)\/sysctl\.d\/[^/]+\.conf)$/,
    parseSysctlConf,
  ),
  persisted(/^etc\/modprobe\.(?:conf|d\/[^/]+)$/, parseModprobeConf),
  persisted(/^etc\/(?:modules|modules-load\.d\/[^/]+)$/, parseModulesLoad),
  persisted(/^proc\/cmdline$/, parseCmdline),
  {
    path: /^(?:commands\/(?:dmesg|journalctl-k)|var\/log\/(?:kern\.log|messages|syslog))$/,
    read(draft, text, path, _match, { isFiltered }) {
      const lines = draft.take(parseKernelLog(text, path));
      if (!lines) return;
      draft.snapshot.log.push(...lines);
      if (!isFiltered || lines.some(({ kind }) => kind === 'table-full')) draft.snapshot.logFiles.push(path);
      else {
        draft.snapshot.problems.push({
          file: path,
          what: 'holds only the lines that some rule of its collector asks for',
          cost: 'That none of them says “table full” proves nothing.',
        });
      }
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
 * @param rows      how many rows the tables of other network namespaces have, by the namespace's name
 */
export function assembleSnapshot(
  files: ReadonlyMap<string, TextFile>,
  table: TableSummary | undefined,
  problems: Problem[],
  rows: ReadonlyMap<string, NamespaceRows> = new Map(),
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
      origins: {},
      otherTables: [],
      otherCounts: [],
      otherCounters: [],
      otherSettings: {},
      times: {},
      truncated: [],
      passedOver: [],
    },
    series: new Map(),
    namespaces: [],
    namespaceCounters: new Map(),
    named: new Map([...rows].map(([name, each]) => [name, { rows: each }])),
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
      const file = files.get(path);
      if (match && file) route.read(draft, file.text, path, match, file);
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
  checkMachine(draft);
  snapshot.pageBytes ??= inferredPage(draft);
  snapshot.series = [...draft.series.entries()].sort(([a], [b]) => a - b).map(([, reading]) => reading);
  snapshot.namespaces = namespacesOf(draft);
  snapshot.problems.push(...inventoryProblems(snapshot, files));
  if (table) {
    const cut = snapshot.inventory.find((item) => table.files.includes(item.path) && item.status === 'cut');
    snapshot.table = cut ? { ...table, cut: cut.reason, part: table.part ?? 'head' } : table;
  }
  return snapshot;
}

/** What commands printed in the namespace of this name. */
function namedNamespace({ named }: Draft, name = '') {
  const namespace = named.get(name) ?? {};
  named.set(name, namespace);
  return namespace;
}

/** The namespaces of the list, with what is known of each; and those that have a name only. */
function namespacesOf({ namespaces, namespaceCounters, named }: Draft): Namespace[] {
  const listed = namespaces.map(({ inode = '', ...namespace }) => {
    const name = namespace.names.find((each) => named.has(each)) ?? '';
    const { counters, ...others } = named.get(name) ?? {};
    named.delete(name);
    return { inode, ...namespace, ...others, counters: namespaceCounters.get(inode) ?? counters };
  });
  const others = [...named].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...listed, ...others.map(([name, known]) => ({ processes: [], names: [name], ...known }))];
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
  if (what === 'slabinfo') {
    reading.slab = draft.take(parseSlabinfo(text, path));
    // The readings of a series have the lines of conntrack only.
    if (reading === draft.snapshot.first && reading.slab?.caches.length === 0) {
      draft.take(refuse(path, NO_CACHE, noMemory));
      reading.slab = undefined;
    }
  } else if (what === 'uptime') reading.uptimeSeconds = draft.take(parseUptime(text, path));
  else if (what.startsWith('net/stat/')) reading.counters ??= draft.take(parseProcCounters(text, path));
  else {
    const count = draft.take(parseCount(text, path));
    if (!count) return;
    // One number under several names: the present one is preferred.
    const isPreferred = !reading.count?.file.includes('/netfilter/nf_');
    if (reading === draft.snapshot.first) addTo(draft.snapshot.otherCounts, isPreferred ? reading.count : count);
    if (isPreferred) reading.count = count;
  }
}

/** Keeps the count of `sysctl -a` where nothing told it before. */
function preferCount({ snapshot }: Draft, fact: Fact<number>): void {
  if (fact.value < 0) return;
  if (!snapshot.first.count) snapshot.first.count = fact;
  else snapshot.otherCounts.push(fact);
}

function addTo<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item);
}

/** Keeps the value under the kernel's present name where a kernel has several names for one setting; files before what `sysctl -a` says. */
function preferSetting(draft: Draft, name: string, fact: Fact<number>): void {
  const known = draft.snapshot.sysctls[name];
  if (known && known.value !== fact.value) {
    draft.snapshot.problems.push({
      file: fact.file,
      line: fact.line,
      what: `says ${fact.value} where ${known.file} says ${known.value}, though both name one setting`,
      cost: 'The setting was changed during the capture.',
      kind: 'names-differ',
      setting: fact.key?.replace(/^.*\./, ''),
    });
  }
  const rank = ({ file, key }: Fact<number>) => {
    const isPresent = key?.startsWith('net.netfilter.') ?? file.startsWith('proc/sys/net/netfilter/');
    return (key === undefined ? 0 : 2) + (isPresent ? 0 : 1);
  };
  const isPreferred = !known || rank(fact) < rank(known);
  if (isPreferred) draft.snapshot.sysctls[name] = fact;
  const other = isPreferred ? known : fact;
  const { otherSettings } = draft.snapshot;
  if (other) otherSettings[name] = [...(otherSettings[name] ?? []), other];
}

/** What the facts of a host are called where two sources differ. */
const FACT_NAMES = { hostname: 'host name', kernelRelease: 'kernel release', machine: 'machine', bootId: 'boot id' };

/** Takes a fact of the host unless a preferred source already told it, and then says where the two differ. */
function preferHost(draft: Draft, key: keyof typeof FACT_NAMES, fact: Fact<string> | undefined): void {
  const { host, problems } = draft.snapshot;
  const known = host[key];
  // A host is called by its first name, or by all of them.
  const isPartOf = (one: string, other: string) => `${other}.`.startsWith(`${one}.`);
  if (!known) host[key] = fact;
  else if (fact && !isPartOf(fact.value, known.value) && !isPartOf(known.value, fact.value)) {
    problems.push({
      file: fact.file,
      line: fact.line,
      what: `says that the ${FACT_NAMES[key]} is ${fact.value} where ${known.file} says ${known.value}`,
      cost: 'The report goes by the latter; the two files may be of different hosts or boots.',
      kind: 'facts-differ',
    });
  }
}

/** Whether cpuinfo is of such a machine as uname names. */
function checkMachine({ snapshot, machineKind }: Draft): void {
  const { machine } = snapshot.host;
  const kind = machine && kindOfMachine(machine.value);
  if (!machine || !machineKind || kind === undefined || kind === machineKind.value) return;
  snapshot.problems.push({
    file: machineKind.file,
    what: `is of a machine of the kind ${machineKind.value} where ${machine.file} says ${machine.value}`,
    cost: 'The report goes by the latter; the two files may be of different hosts.',
    kind: 'facts-differ',
  });
}

/** The page size that no file states; a configuration that says nothing of it is no fault where something else does. */
function inferredPage(draft: Draft): Fact<number> | undefined {
  const { snapshot, machineKind: kind, kernelConfig } = draft;
  const config = kernelConfig && parsePageConfig(kernelConfig.text, kernelConfig.path);
  const inferred = inferPageBytes({
    machine: snapshot.host.machine,
    kind,
    config: config?.value,
    slab: snapshot.first.slab,
    slabBytes: snapshot.meminfo.Slab,
  });
  if (config && !inferred.value) draft.take(config);
  return draft.take(inferred);
}

function assign(record: Record<string, Fact<number>>, key: string, fact: Fact<number> | undefined): void {
  if (fact) record[key] = fact;
}

/** A route of the page size, unless a preferred source already told it. */
function pageSize(path: RegExp, parse: (text: string, file: string) => Parsed<Fact<number>>): (typeof ROUTES)[number] {
  return {
    path,
    read(draft, text, file) {
      draft.snapshot.pageBytes ??= draft.take(parse(text, file));
    },
  };
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
