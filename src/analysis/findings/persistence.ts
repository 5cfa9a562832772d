import type { Fact, PersistedSetting, Snapshot } from '../../snapshot/types.ts';
import {
  type Boot,
  type BootSetting,
  GLOBAL_SETTINGS,
  isAlike,
  isFirstNamespace,
  nextBoot,
  sysctlFiles,
} from '../boot.ts';
import type { NewLimits } from '../commands.ts';
import { commandsToKeep, type Kept } from '../keep.ts';
import { pointerBytes, releaseOf, settingNameOf } from '../kernel.ts';
import { KUBE_PROXY_TIMEOUTS, othersOf } from '../others.ts';
import { type Rule, seen } from './rule.ts';

/** How a setting fails to last. */
type Kind =
  /** kube-proxy sets it whenever it starts. */
  | 'kubeProxy'
  /** The line that should set it was there, and the setting was not yet. */
  | 'ignored'
  /** The next boot sets something else. */
  | 'differs'
  /** It is written where nothing reads it, or under a name that the kernel does not have. */
  | 'futile'
  /** Nothing sets it at boot. */
  | 'runtimeOnly'
  /** It is as persisted, but the line may come before the module. */
  | 'late';

interface Deviation {
  kind: Kind;
  setting: string;
  running: Fact<number>;
  boot: BootSetting;
  /** The line that it is about. */
  line?: PersistedSetting | undefined;
  why?: BootSetting['futile'][number]['why'] | undefined;
  /** What it is going to be, if that is known. */
  next?: number | undefined;
  /** What it should be from the next boot on. */
  wanted: number;
  severity: 'warning' | 'notice';
}

/** For each entry of its maximum kube-proxy wants at least a quarter of a bucket (pkg/proxy/conntrack/sysctls.go, SetMax()). */
const KUBE_PROXY_ENTRIES_PER_BUCKET = 4;

/** Settings that boot does not bring back. */
export const persistence: Rule = {
  id: 'persistence',
  assess({ snapshot, measured, recommended }) {
    const missing = [
      ...(snapshot.sysctls.max ? [] : ['nf_conntrack_max']),
      ...(sysctlFiles(snapshot).known ? [] : ['the persisted settings (sysctl.conf, sysctl.d)']),
    ];
    if (missing.length > 0) return { missing };
    const boot = nextBoot(snapshot);
    const compared = comparedSettings(snapshot, boot);
    const found = compared.flatMap(({ running, setting }) => deviationOf(snapshot, boot, setting, running));
    const deviations = withKubeProxy(snapshot, boot, found).sort(byWeight);
    const [worst] = deviations;
    const max = boot.settings.get('max');
    if (!worst) {
      if (!compared.some(({ setting }) => setting === 'max')) return { missing: unknownDefault(snapshot) };
      return {
        severity: 'ok',
        says: max?.winner ? 'ok' : 'defaults',
        values: {
          compared: compared.length,
          max: snapshot.sysctls.max?.value,
          place: max?.winner && placeOf(max.winner),
        },
        evidence: [
          ...seen('nf_conntrack_max', snapshot.sysctls.max),
          ...(max?.winner ? persistedLine(max.winner) : []),
          ...(boot.loadedBy ? persistedLine(boot.loadedBy) : []),
        ],
        confidence: isUncertain(snapshot, boot, max) ? 'medium' : 'high',
      };
    }
    return {
      severity: worst.severity,
      says: worst.kind,
      values: {
        ...valuesOf(worst, snapshot),
        entries: fallsBelow(worst, measured.usage.peak?.value),
        others: deviations.length > 1 ? deviations.slice(1).map(nameOf) : undefined,
      },
      evidence: [
        ...deviations.flatMap((each) => [
          ...seen(nameOf(each), each.running),
          ...each.boot.overridden.flatMap(persistedLine),
          ...(each.line ? persistedLine(each.line) : []),
        ]),
        ...(boot.sysctls === 'too early' && snapshot.host.modules
          ? [{ what: 'module', value: 'nf_conntrack', file: snapshot.host.modules.file }]
          : []),
      ],
      confidence: confidenceIn(worst, snapshot, boot),
      commands:
        worst.kind === 'kubeProxy'
          ? { apply: [], verify: ['ps -C kube-proxy -o args=', 'sysctl net.netfilter.nf_conntrack_max'], undo: [] }
          : commandsToKeep(snapshot, boot, withRecommended(deviations.flatMap(toKeep), snapshot, recommended)),
    };
  },
};

/** Settings whose running value and whose value at the next boot are both known, or that a line should set. */
function comparedSettings(snapshot: Snapshot, { settings }: Boot): { setting: string; running: Fact<number> }[] {
  const isOurs = (setting: string) => isFirstNamespace(snapshot) !== false || GLOBAL_SETTINGS.includes(setting);
  return [...settings.values()].flatMap(({ setting, value, futile }) => {
    const running = runningOf(snapshot, setting);
    const isKnown = value !== undefined || futile.length > 0;
    return running && isKnown && isOurs(setting) ? [{ setting, running }] : [];
  });
}

function runningOf({ sysctls, moduleParameters }: Snapshot, setting: string): Fact<number> | undefined {
  return sysctls[setting] ?? (setting === 'buckets' ? moduleParameters.hashsize : undefined);
}

function deviationOf(snapshot: Snapshot, boot: Boot, setting: string, running: Fact<number>): Deviation[] {
  const own = boot.settings.get(setting);
  if (!own) return [];
  const { winner, value, withoutSysctl } = own;
  const is = (other: number | undefined) => other !== undefined && isAlike(setting, running.value, other, snapshot);
  const deviation = (kind: Kind, next: number | undefined, more: Partial<Deviation> = {}): Deviation[] => [
    {
      kind,
      setting,
      running,
      boot: own,
      line: winner,
      next,
      wanted: running.value,
      severity: isLimit(setting) && falls(running.value, next) ? 'warning' : 'notice',
      ...more,
    },
  ];
  const comesTooEarly = winner?.kind === 'sysctl' && boot.sysctls === 'too early';
  if (winner && is(value)) return comesTooEarly && !is(withoutSysctl) ? deviation('late', withoutSysctl) : [];
  if (winner && comesTooEarly && value !== undefined && is(withoutSysctl)) {
    return deviation('ignored', value, { wanted: value, severity: isLimit(setting) ? 'warning' : 'notice' });
  }
  if (winner) return deviation('differs', value);
  const useless = own.futile.at(-1);
  if (useless && !(is(value) && is(useless.value))) {
    const { line, why, value: meant = running.value } = useless;
    // What somebody set by hand stays as it is; where nothing is in force but the default, the line says what was meant.
    const wanted = is(value) ? meant : running.value;
    return deviation('futile', value, { line, why, wanted, severity: isLimit(setting) ? 'warning' : 'notice' });
  }
  return value === undefined || is(value) ? [] : deviation('runtimeOnly', value);
}

function isLimit(setting: string): boolean {
  return setting === 'max' || setting === 'buckets';
}

/** Whether the next value is the smaller one; a maximum of 0 is none, and what is not known may be. */
function falls(running: number, next: number | undefined): boolean {
  const size = (limit: number) => (limit === 0 ? Number.POSITIVE_INFINITY : limit);
  return next === undefined || size(next) < size(running);
}

/** What kube-proxy sets is one thing: a limit that fits the number of CPUs, and two timeouts. */
function withKubeProxy(snapshot: Snapshot, boot: Boot, deviations: Deviation[]): Deviation[] {
  const { sysctls } = snapshot;
  const max = sysctls.max;
  const own = boot.settings.get('max');
  const isItsMax = max !== undefined && max.value === othersOf(snapshot).kubeProxy;
  const isItsTimeout = ([setting, seconds]: [string, number]) => sysctls[setting]?.value === seconds;
  if (!max || !own || !isItsMax || !Object.entries(KUBE_PROXY_TIMEOUTS).every(isItsTimeout)) return deviations;
  const isItsWork = ({ setting, running }: Deviation) =>
    setting === 'max' ||
    setting in KUBE_PROXY_TIMEOUTS ||
    (setting === 'buckets' && running.value === max.value / KUBE_PROXY_ENTRIES_PER_BUCKET);
  const isOverruled = own.winner !== undefined && own.value !== max.value;
  return [
    ...deviations.filter((each) => !isItsWork(each)),
    {
      kind: 'kubeProxy',
      setting: 'max',
      running: max,
      boot: own,
      line: isOverruled ? own.winner : undefined,
      next: max.value,
      wanted: max.value,
      severity: isOverruled ? 'warning' : 'notice',
    },
  ];
}

const KINDS: readonly Kind[] = ['kubeProxy', 'ignored', 'differs', 'futile', 'runtimeOnly', 'late'];

/** Warnings first; then the limit, the buckets and the rest; then by kind. */
function byWeight(a: Deviation, b: Deviation): number {
  const weight = ({ severity, setting, kind }: Deviation) =>
    (severity === 'warning' ? 0 : 100) +
    (setting === 'max' ? 0 : setting === 'buckets' ? 10 : 20) +
    KINDS.indexOf(kind);
  return weight(a) - weight(b) || (a.setting < b.setting ? -1 : 1);
}

/** The kernel's name for the setting. */
function nameOf({ setting, running }: Deviation): string {
  return setting === 'buckets' ? 'nf_conntrack_buckets' : settingNameOf(running);
}

function valuesOf(deviation: Deviation, snapshot: Snapshot) {
  const { setting, running, next, line, why, kind } = deviation;
  const isTimeout = setting.includes('timeout');
  const quantity = (name: string, value: number | undefined) => ({ [isTimeout ? `${name}Seconds` : name]: value });
  return {
    name: nameOf(deviation),
    isMax: setting === 'max',
    isBuckets: setting === 'buckets',
    isTimeout,
    ...quantity('now', running.value),
    ...quantity('next', next),
    nowUnlimited: setting === 'max' && running.value === 0,
    nextUnlimited: setting === 'max' && next === 0,
    place: line && placeOf(line),
    written: line?.value,
    key: line?.key,
    masked: why === 'masked',
    notRead: why === 'not read',
    noSuchSetting: why === 'no such setting',
    readOnly: why === 'read only',
    builtIn: why === 'built in',
    noNumber: why === 'no number',
    containers: kind === 'differs' || kind === 'runtimeOnly' ? hasContainers(snapshot) : undefined,
    ...(kind === 'kubeProxy' && {
      cpus: snapshot.host.cpus?.value,
      establishedSeconds: KUBE_PROXY_TIMEOUTS.tcp_timeout_established,
      closeWaitSeconds: KUBE_PROXY_TIMEOUTS.tcp_timeout_close_wait,
    }),
  };
}

/** The entries of the table, where the next limit has no room for them. */
function fallsBelow({ setting, next, kind }: Deviation, entries: number | undefined): number | undefined {
  const isSmaller = setting === 'max' && kind !== 'ignored' && next !== undefined && next > 0;
  return isSmaller && entries !== undefined && next < entries ? entries : undefined;
}

/** As grep prints it: `/etc/sysctl.d/90-conntrack.conf:3`. */
function placeOf({ file, line }: PersistedSetting): string {
  return `/${file}:${line}`;
}

function persistedLine({ file, line, kind, key, value }: PersistedSetting) {
  return [{ what: kind === 'module-load' ? 'module loaded at boot' : key, value: value ?? key, file, line }];
}

/** What is to be written; the line of a `late` one is there already. */
function toKeep({ kind, setting, wanted, running }: Deviation): Kept[] {
  return kind === 'late' || kind === 'kubeProxy' ? [] : [{ setting, value: wanted, running: running.value }];
}

/** What is recommended is to be kept in place of what is in force. */
function withRecommended(kept: Kept[], snapshot: Snapshot, recommended: NewLimits = {}): Kept[] {
  const limits = (['max', 'buckets'] as const).flatMap((setting) => {
    const [value, running] = [recommended[setting], runningOf(snapshot, setting)?.value];
    return value === undefined || running === undefined || value === running ? [] : [{ setting, value, running }];
  });
  return [...limits, ...kept.filter(({ setting }) => !limits.some((limit) => limit.setting === setting))];
}

/** Names that container runtimes give to network namespaces: CNI plugins `cni-…`, Docker twelve digits of a sandbox's id. */
function hasContainers({ namespaces }: Snapshot): boolean {
  return namespaces.some(({ names }) => names.some((name) => /^cni-|^[0-9a-f]{12}$|^ingress_sbox$/.test(name)));
}

/** What the kernel's own maximum follows from, as far as it was not captured. */
function unknownDefault(snapshot: Snapshot): string[] {
  const { host, meminfo } = snapshot;
  return [
    ...(releaseOf(snapshot) === undefined ? ['the kernel version'] : []),
    ...(meminfo.MemTotal ? [] : ['the size of RAM (MemTotal)']),
    ...(pointerBytes(host.machine?.value) === undefined ? ['the machine type (uname -m)'] : []),
  ];
}

/**
 * Whether something that was not captured may decide otherwise: an unreadable file; which program applies the lines; whether the
 * settings exist by then; a file in /etc that takes the place of one in /usr/lib, and is not in the bundle if it does not name conntrack.
 */
function isUncertain(snapshot: Snapshot, { init, sysctls }: Boot, setting: BootSetting | undefined): boolean {
  const winner = setting?.winner;
  const mayBeMasked = winner?.kind === 'sysctl' && !winner.file.startsWith('etc/');
  const inConf = [winner, ...(setting?.overridden ?? [])].some((line) => line?.file === 'etc/sysctl.conf');
  return (
    sysctlFiles(snapshot).unreadable.length > 0 ||
    mayBeMasked ||
    (winner?.kind === 'sysctl' && sysctls === undefined) ||
    (inConf && init === undefined)
  );
}

function confidenceIn({ kind, boot: setting }: Deviation, snapshot: Snapshot, boot: Boot): 'high' | 'medium' {
  // Start scripts, udev rules and other programs are not captured: only what is written down twice is certain.
  if (kind !== 'differs' && kind !== 'futile') return 'medium';
  return isUncertain(snapshot, boot, setting) || boot.sysctls === 'too early' ? 'medium' : 'high';
}
