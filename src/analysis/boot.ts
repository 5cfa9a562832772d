/**
 * What the next boot will set: every conntrack setting with the line that decides it, those that it overrides, and those that
 * never take effect. The rules are those of
 * - sysctl.d(5), which systemd-sysctl.service follows, and sysctl(8), whose `sysctl --system` other systems run at boot;
 * - modprobe.d(5): options of one module are joined in the order of the files, then those of the kernel's command line (libkmod,
 *   kmod_config_new()), and of one parameter the last counts (kernel/params.c, parse_args());
 * - the kernel: a `hashsize` that was given makes the maximum eight times as many (nf_conntrack_init_start(), max_factor).
 *
 * A sysctl of conntrack exists only once the module is loaded, and a line for one that does not exist is skipped without a word:
 * systemd-sysctl.service runs right after systemd-modules-load.service, long before most firewalls load the module.
 */
import { kernelAtLeast } from '../parsers/host.ts';
import { settingNameOfKey } from '../parsers/settings-names.ts';
import type { InventoryItem, PersistedSetting, Snapshot } from '../snapshot/types.ts';
import {
  bucketsAreSetBy,
  defaultMax,
  isModule,
  isSince,
  MAX_PER_HASHSIZE,
  pointerBytes,
  releaseOf,
  roundedBuckets,
  settingNameOf,
  trackerOf,
} from './kernel.ts';
import { defaultTimeout } from './timeouts.ts';

/** Why a persisted line changes nothing. */
type Futile =
  /** A file of the same name in a folder of higher rank takes its place. */
  | 'masked'
  /** systemd reads /etc/sysctl.conf through a link in /etc/sysctl.d only; modprobe, only files that end in .conf. */
  | 'not read'
  /** This kernel has no setting of that name. */
  | 'no such setting'
  /** Buckets are read only until 4.9. */
  | 'read only'
  /** Options of modprobe.d reach a module, not what is built in. */
  | 'built in'
  /** The kernel would not take it for a number. */
  | 'no number';

/** One setting at the next boot. */
export interface BootSetting {
  /** Name without `nf_conntrack_` in front: `max`. */
  setting: string;
  /** What it will be, provided that the deciding line takes effect; absent: nothing sets it, and the default is not known. */
  value?: number | undefined;
  /** The line that decides; absent: the kernel does. */
  winner?: PersistedSetting | undefined;
  /** Lines that take effect too, but do not last; the first one to be applied first. */
  overridden: PersistedSetting[];
  /** Lines without effect, with the value that they are meant to set. */
  futile: { line: PersistedSetting; why: Futile; value?: number | undefined }[];
  /** What it will be where no sysctl line takes effect: by a parameter of the module, else the kernel's own default. */
  withoutSysctl?: number | undefined;
}

/** The next boot. */
export interface Boot {
  /** Who applies sysctl lines; absent: cannot be told, and the order of `sysctl --system` is assumed. */
  init?: 'systemd' | 'other' | undefined;
  /**
   * Whether the settings exist when the sysctl lines are applied. `too early`: conntrack is a module, and nothing that was captured
   * loads it first. Absent: cannot be told.
   */
  sysctls?: 'in time' | 'too early' | undefined;
  /** Whether conntrack is a module; absent: cannot be told. */
  isModule?: boolean | undefined;
  /** The line that loads the module early, or that applies the sysctl lines when it is loaded. */
  loadedBy?: PersistedSetting | undefined;
  /** Settings that are captured or persisted, by name. */
  settings: ReadonlyMap<string, BootSetting>;
}

/** Folders of sysctl.d(5), the one of highest rank first. */
const FOLDERS = ['etc/sysctl.d', 'run/sysctl.d', 'usr/local/lib/sysctl.d', 'usr/lib/sysctl.d', 'lib/sysctl.d'];
const SYSCTL_CONF = 'etc/sysctl.conf';

/** Settings that belong to the whole machine; every other one each network namespace has for itself. */
export const GLOBAL_SETTINGS: readonly string[] = ['max', 'buckets', 'expect_max'];

/** Parameters of the module that a setting starts from (nf_conntrack_acct.c, nf_conntrack_timestamp.c). */
const PARAMETERS: Record<string, string> = { buckets: 'hashsize', max: 'hashsize', acct: 'acct', timestamp: 'tstamp' };

/** Settings that are no timeouts, and two timeouts that no what-if knows, as kernels from 3.10 on start with them. */
const DEFAULTS: Record<string, number> = {
  acct: 0,
  checksum: 1,
  log_invalid: 0,
  tcp_be_liberal: 0,
  tcp_ignore_invalid_rst: 0,
  tcp_loose: 1,
  tcp_max_retrans: 3,
  tcp_timeout_max_retrans: 300,
  tcp_timeout_unacknowledged: 300,
  timestamp: 0,
};

/** What the next boot sets. */
export function nextBoot(snapshot: Snapshot): Boot {
  const init = initOf(snapshot);
  const lines = linesOf(snapshot, init);
  const names = new Set([
    ...Object.keys(snapshot.sysctls).filter(isConntracks),
    ...lines.map(({ setting }) => setting),
  ]);
  if (snapshot.moduleParameters.hashsize) names.add('buckets');
  const settings = [...names].map((setting) => [setting, bootSetting(snapshot, setting, lines)] as const);
  return { init, ...timingOf(snapshot), settings: new Map(settings) };
}

/** The rate limit of the log is captured beside conntrack's settings; it is none of them. */
function isConntracks(setting: string): boolean {
  return !setting.startsWith('message_');
}

/** A persisted line and what becomes of it. */
interface Effect {
  line: PersistedSetting;
  setting: string;
  value?: number | undefined;
  futile?: Futile | undefined;
}

/** All lines that name a setting, in the order in which they are applied. */
function linesOf(snapshot: Snapshot, init: Boot['init']): Effect[] {
  return [...parameterLines(snapshot), ...sysctlLines(snapshot, init)];
}

function bootSetting(snapshot: Snapshot, setting: string, lines: Effect[]): BootSetting {
  const own = lines.filter((line) => line.setting === setting);
  const effective = own.filter(({ futile }) => futile === undefined);
  const last = effective.at(-1);
  const parameter = effective.findLast(({ line }) => line.kind !== 'sysctl');
  const withoutSysctl = parameter ? parameter.value : defaultOf(setting, snapshot);
  return {
    setting,
    value: last ? last.value : withoutSysctl,
    winner: last?.line,
    overridden: effective.slice(0, -1).map(({ line }) => line),
    futile: own.flatMap(({ line, futile, value }) => (futile === undefined ? [] : [{ line, why: futile, value }])),
    withoutSysctl,
  };
}

/**
 * Files of sysctl.d(5) in the order in which they are applied: by their names, in whichever folder they are; of one name only the
 * file in the folder of highest rank. Names are compared by their bytes, as strcmp() does in systemd (conf-files.c) and procps.
 */
export function orderSysctlFiles(files: readonly string[]): { applied: string[]; masked: string[] } {
  const ranked = files
    .map((file) => ({ file, name: file.slice(file.lastIndexOf('/') + 1), rank: FOLDERS.indexOf(folderOf(file)) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => (a.name === b.name ? a.rank - b.rank : a.name < b.name ? -1 : 1));
  const isFirst = (index: number) => ranked[index]?.name !== ranked[index - 1]?.name;
  return {
    applied: ranked.filter((_, index) => isFirst(index)).map(({ file }) => file),
    masked: ranked.filter((_, index) => !isFirst(index)).map(({ file }) => file),
  };
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

function sysctlLines(snapshot: Snapshot, init: Boot['init']): Effect[] {
  const lines = snapshot.persisted.filter(({ kind }) => kind === 'sysctl');
  const files = [...new Set(lines.map(({ file }) => file))];
  const { applied, masked } = orderSysctlFiles(files);
  const of = (file: string) => lines.filter((line) => line.file === file);
  const isRead = sysctlConfIsRead(snapshot, init);
  const link = applied.find((file) => isSame(of(file), of(SYSCTL_CONF)));
  // systemd reads it where the link stands; `sysctl --system` reads it last, whether or not it read the link.
  const conf = isRead ? of(SYSCTL_CONF) : [];
  const unread = isRead || link !== undefined ? [] : of(SYSCTL_CONF);
  return [
    ...masked.flatMap(of).flatMap((line) => effectOf(line, snapshot, 'masked')),
    ...unread.flatMap((line) => effectOf(line, snapshot, 'not read')),
    ...[...applied.flatMap(of), ...conf].flatMap((line) => effectOf(line, snapshot)),
  ];
}

/** Whether /etc/sysctl.conf is read under its own name. systemd stopped doing so with version 207, of 2013, the year of 3.10. */
function sysctlConfIsRead(snapshot: Snapshot, init: Boot['init']): boolean {
  return init !== 'systemd' || isSince(snapshot, 3, 10) === false;
}

/** One file under two names: the collector captures both. */
function isSame(link: PersistedSetting[], target: PersistedSetting[]): boolean {
  const text = (lines: PersistedSetting[]) => lines.map(({ line, key, value }) => `${line} ${key}=${value}`).join('\n');
  return target.length > 0 && text(link) === text(target);
}

function effectOf(line: PersistedSetting, snapshot: Snapshot, futile?: Futile): Effect[] {
  const setting = settingNameOfKey(line.key);
  if (setting === undefined) return [];
  const number = numberOf(line.value);
  const value = setting === 'buckets' && number !== undefined ? roundedBuckets(number, snapshot) : number;
  const why =
    futile ??
    (!keyExists(line.key, snapshot)
      ? 'no such setting'
      : setting === 'buckets' && bucketsAreSetBy(snapshot) !== 'sysctl'
        ? 'read only'
        : number === undefined
          ? 'no number'
          : undefined);
  return [{ line, setting, value, futile: why }];
}

function parameterLines(snapshot: Snapshot): Effect[] {
  const { persisted } = snapshot;
  const builtIn = isModule(snapshot) === false;
  const options = persisted.filter(({ kind }) => kind === 'module-option').sort(byModprobeOrder);
  const parameters = persisted.filter(({ kind }) => kind === 'kernel-parameter');
  return [...options, ...parameters].flatMap((line) =>
    Object.entries(PARAMETERS).flatMap(([setting, parameter]) => {
      if (line.key !== `${trackerOf(snapshot)} ${parameter}`) return [];
      const given = parameter === 'hashsize' ? numberOf(line.value) : switchOf(line.value);
      const buckets = given === undefined ? undefined : roundedBuckets(given, snapshot);
      const value =
        parameter !== 'hashsize'
          ? given
          : setting === 'buckets'
            ? buckets
            : buckets === undefined
              ? undefined
              : MAX_PER_HASHSIZE * buckets;
      const futile: Futile | undefined =
        line.kind === 'module-option' && builtIn
          ? 'built in'
          : line.kind === 'module-option' && !isReadByModprobe(line.file, snapshot)
            ? 'not read'
            : value === undefined
              ? 'no number'
              : undefined;
      return [{ line, setting, value, futile }];
    }),
  );
}

function byModprobeOrder(a: PersistedSetting, b: PersistedSetting): number {
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1;
}

/** libkmod, in use since the kernels of 2012, reads *.conf only; module-init-tools before it read every file. */
function isReadByModprobe(file: string, snapshot: Snapshot): boolean {
  if (!file.startsWith('etc/modprobe.d/') || file.endsWith('.conf')) return true;
  return isSince(snapshot, 3, 2) === false;
}

/**
 * Whether a key of sysctl.conf(5) exists on this kernel: by the inventory, which has a line for every setting that was there; else
 * by version: `ip_conntrack` names are gone since 4.9, `nf_conntrack` names came with its module.
 */
function keyExists(key: string, snapshot: Snapshot): boolean {
  const path = `proc/sys/${key.replaceAll('.', '/')}`;
  const old = key.includes('.ip_conntrack_');
  const { inventory, sysctls } = snapshot;
  // Absent in every namespace but the first, while boot sets it in the first.
  const isAlias = key === 'net.nf_conntrack_max';
  if (!isAlias && inventory.some((item) => item.path === sysctls.max?.file)) {
    return inventory.some((item) => item.path === path && item.status !== 'absent');
  }
  if (!old) return trackerOf(snapshot) === 'nf_conntrack';
  return isSince(snapshot, 4, 9) !== true;
}

/** A number as the kernel reads it from a sysctl: whatever follows a blank is ignored (proc_dointvec()). */
function numberOf(text: string | undefined): number | undefined {
  const digits = /^(0x[0-9a-f]{1,13}|\d{1,15})(?:\s|$)/i.exec(text?.trim() ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A module's switch: given without a value, it is on (kernel/params.c, param_set_bool()). */
function switchOf(text: string | undefined): number | undefined {
  if (text === undefined || /^(?:[yY1]|on)/.test(text)) return 1;
  return /^(?:[nN0]|of)/.test(text) ? 0 : undefined;
}

/** What a kernel starts with when nothing is set, where that is known. */
function defaultOf(setting: string, snapshot: Snapshot): number | undefined {
  const release = releaseOf(snapshot);
  if (release === undefined) return undefined;
  if (setting === 'max' || setting === 'buckets') return defaultLimits(release, snapshot)?.[setting];
  if (setting === 'events') {
    // 2, automatic, in the tree of 5.19; 1 in those up to 5.15 (nf_conntrack_ecache.c).
    return kernelAtLeast(release, 5, 19) ? 2 : kernelAtLeast(release, 5, 16) === false ? 1 : undefined;
  }
  return defaultTimeout(setting, release) ?? (kernelAtLeast(release, 3, 10) ? DEFAULTS[setting] : undefined);
}

interface Limits {
  max: number;
  buckets: number;
}

/** Versions of which each brought a new default (nf_conntrack_init_start()). */
const GENERATIONS = ['2.6.24', '4.2', '5.15'];

/**
 * The default of this version; or of a later one, where just that is in force: distributions backport, and a 3.10 of RHEL 7 has the
 * default of 4.2.
 */
function defaultLimits(release: string, snapshot: Snapshot): Limits | undefined {
  const own = limitsOf(release, snapshot);
  const { max, buckets } = snapshot.sysctls;
  const isInForce = (limits: Limits | undefined) =>
    limits?.max === max?.value && (buckets === undefined || limits?.buckets === buckets.value);
  if (own === undefined || isInForce(own) || kernelAtLeast(release, 2, 6, 24) !== true) return own;
  const later = GENERATIONS.filter((version) => {
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    return kernelAtLeast(release, major, minor, patch) === false;
  });
  return later.map((version) => limitsOf(version, snapshot)).find(isInForce) ?? own;
}

function limitsOf(release: string, snapshot: Snapshot): Limits | undefined {
  const ram = snapshot.meminfo.MemTotal?.value;
  const pointer = pointerBytes(snapshot.host.machine?.value);
  if (ram === undefined || pointer === undefined) return undefined;
  // Entries for each bucket by default (nf_conntrack_init_start(), max_factor; in 2.4 ip_conntrack_init()).
  const factor = kernelAtLeast(release, 2, 6, 24) === false ? 8 : kernelAtLeast(release, 5, 15) === false ? 4 : 1;
  const buckets = roundedBuckets(defaultMax(release, ram, pointer) / factor, snapshot);
  return { max: factor * buckets, buckets };
}

/**
 * Machines up to 1 GiB get a default in proportion to their memory, as counted before the kernel itself took some of it: MemTotal
 * is up to some per cent less.
 */
const SMALL_RAM = 2 ** 30;
const RAM_TOLERANCE = 0.05;

/** Whether a running value is what the next boot would give. */
export function isAlike(setting: string, running: number, other: number, snapshot: Snapshot): boolean {
  if (running === other) return true;
  const ram = snapshot.meminfo.MemTotal?.value;
  const isComputed = (setting === 'max' || setting === 'buckets') && other === defaultOf(setting, snapshot);
  if (!isComputed || ram === undefined || ram > SMALL_RAM) return false;
  return Math.abs(running - other) <= RAM_TOLERANCE * other;
}

function timingOf(snapshot: Snapshot): Pick<Boot, 'sysctls' | 'isModule' | 'loadedBy'> {
  const loadable = isModule(snapshot);
  if (loadable === undefined) return {};
  if (!loadable) return { sysctls: 'in time', isModule: false };
  const loadedBy = snapshot.persisted.find((line) => loads(line) || reapplies(line));
  return { sysctls: loadedBy ? 'in time' : 'too early', isModule: true, loadedBy };
}

/** Every module of conntrack's family brings nf_conntrack with it. modules-load.d(5) takes *.conf only. */
function loads({ kind, file, key, value }: PersistedSetting): boolean {
  if (kind === 'kernel-parameter')
    return /^(?:rd\.)?modules[-_]load$/.test(key) && /(?:^|,)nf_conntrack/.test(value ?? '');
  return kind === 'module-load' && (file === 'etc/modules' || file.endsWith('.conf'));
}

/** The old way of modprobe.d: `install nf_conntrack … && sysctl …` applies the lines each time that the module is loaded. */
function reapplies({ kind, key, value }: PersistedSetting): boolean {
  return kind === 'module-option' && /^(?:nf|ip)_conntrack install$/.test(key) && (value ?? '').includes('sysctl');
}

/** systemd always brings journalctl; the collector says so where a host has none. */
function initOf(snapshot: Snapshot): Boot['init'] {
  const { inventory, logFiles } = snapshot;
  // The first release of systemd needs 2.6.36.
  if (isSince(snapshot, 2, 6, 36) === false) return 'other';
  const journal = inventory.find(({ path }) => path === 'commands/journalctl-k');
  if (journal?.status === 'absent') return journal.reason.includes('no systemd journal') ? 'other' : undefined;
  return journal || logFiles.includes('commands/journalctl-k') ? 'systemd' : undefined;
}

/**
 * Whether the capture is of the first network namespace, whose settings boot sets: only there `net.nf_conntrack_max` exists
 * (nf_conntrack_standalone.c, nf_ct_netfilter_table).
 */
export function isFirstNamespace({ inventory, sysctls }: Snapshot): boolean | undefined {
  const alias = inventory.find(({ path }) => path === 'proc/sys/net/nf_conntrack_max');
  if (!alias || !sysctls.max || !settingNameOf(sysctls.max).startsWith('nf_conntrack')) return undefined;
  return alias.status !== 'absent';
}

/** Whether the files that sysctl lines are in were looked at, and which of them could not be read. */
export function sysctlFiles({ inventory, persisted }: Snapshot): { known: boolean; unreadable: InventoryItem[] } {
  const folders = /^(?:etc|run|usr\/local\/lib|usr\/lib|lib)\/sysctl\.(?:conf|d\/)/;
  const items = inventory.filter(({ path }) => folders.test(path));
  const unreadable = items.filter(({ status }) => status === 'denied' || status === 'failed');
  const hasLines = persisted.some(({ kind }) => kind === 'sysctl');
  // In a plain tree nobody says whether a file without lines was there: only lines prove that somebody looked.
  return { known: hasLines || items.length > unreadable.length, unreadable };
}
