/** The commands that make settings last, whatever else is in the files that boot reads. */
import type { PersistedSetting, Snapshot } from '../snapshot/types.ts';
import { type Boot, nextBoot } from './boot.ts';
import { bucketsAreSetBy, isSince, keyOf, trackerOf } from './kernel.ts';
import type { Commands } from './schema.ts';

/** A value that a setting is to have from the next boot on. */
export interface Kept {
  setting: string;
  value: number;
  /** What it is now. */
  running: number;
}

/** Names for a new file in /etc/sysctl.d, each to be applied after the one before. */
const FILES = ['90-conntrack.conf', '99-zz-conntrack.conf', 'zz-conntrack.conf', 'zzz-conntrack.conf'];

/** Read after other files that set options of the module: of one option the last counts (modprobe.d(5)). */
export const HASHSIZE_FILE = '/etc/modprobe.d/zz-nf_conntrack.conf';

/** Commands that write values where the next boot finds them, and set at once those that are not in force yet. */
export function commandsToKeep(snapshot: Snapshot, boot: Boot, kept: readonly Kept[]): Commands {
  const commands: Commands = { apply: [], verify: [], undo: [] };
  const tracker = trackerOf(snapshot);
  const how = bucketsAreSetBy(snapshot);
  const keyFor = (setting: string) => keyOf(snapshot.sysctls[setting]) ?? `net.netfilter.${tracker}_${setting}`;
  const buckets = how === 'sysctl' ? undefined : kept.find(({ setting }) => setting === 'buckets');
  // Buckets first: a larger table must not meet short chains.
  const bySysctl = kept
    .filter((each) => each !== buckets)
    .sort((a, b) => Number(b.setting === 'buckets') - Number(a.setting === 'buckets'));
  const max = snapshot.sysctls.max?.value;
  // A hashsize makes the maximum eight times as many, unless a sysctl line follows it.
  if (buckets && max !== undefined && boot.settings.get('max')?.winner?.kind !== 'sysctl') {
    if (!kept.some(({ setting }) => setting === 'max')) bySysctl.push({ setting: 'max', value: max, running: max });
  }
  const lines = bySysctl.map(({ setting, value }) => `${keyFor(setting)} = ${value}`);
  const rivals = bySysctl.flatMap(({ setting }) => rivalsOf(boot, setting));
  if (lines.length > 0 && tracker === 'ip_conntrack') append(commands, '/etc/sysctl.conf', lines);
  if (lines.length > 0 && tracker === 'nf_conntrack') {
    // Read last by all but systemd: a line in it would win over any file in sysctl.d.
    const inConf = boot.init === 'systemd' ? [] : rivals.filter(({ file }) => file === 'etc/sysctl.conf');
    if (inConf.length > 0) silence(commands, inConf);
    create(commands, `/etc/sysctl.d/${nameAfter(rivals, snapshot)}`, lines);
  }
  // What is built in takes it from the kernel's command line, which every boot loader keeps elsewhere.
  if (buckets && boot.isModule !== false) {
    const option = `options ${tracker} hashsize=${buckets.value}`;
    if (tracker === 'nf_conntrack') create(commands, HASHSIZE_FILE, [option]);
    else append(commands, isLinux24(snapshot) ? '/etc/modules.conf' : '/etc/modprobe.conf', [option]);
  }
  if (boot.sysctls === 'too early' && tracker === 'nf_conntrack') {
    create(commands, '/etc/modules-load.d/nf_conntrack.conf', ['nf_conntrack']);
  }
  const undone: string[] = [];
  for (const { setting, value, running } of bySysctl.filter((each) => each.value !== each.running)) {
    commands.apply.push(`sysctl -w ${keyFor(setting)}=${value}`);
    undone.unshift(`sysctl -w ${keyFor(setting)}=${running}`);
  }
  commands.undo.push(...undone);
  const folders = tracker === 'ip_conntrack' ? '/etc/sysctl.conf /etc/mod*.conf' : '/etc/sysctl.* /etc/mod*';
  commands.verify.push(`grep -rn conntrack ${folders}`);
  const keys = kept.flatMap(({ setting }) => keyOf(snapshot.sysctls[setting]) ?? []);
  if (keys.length > 0) commands.verify.push(`sysctl ${keys.join(' ')}   # again after the next boot`);
  return commands;
}

/** Lines that take effect and name the same setting. */
function rivalsOf({ settings }: Boot, setting: string): PersistedSetting[] {
  const { winner, overridden = [] } = settings.get(setting) ?? {};
  return [...overridden, ...(winner ? [winner] : [])].filter(({ kind }) => kind === 'sysctl');
}

/** A new file in /etc/sysctl.d that is applied after every line that sets one of these. */
export function fileAfterRivals(snapshot: Snapshot, settings: readonly string[]): string {
  const boot = nextBoot(snapshot);
  return `/etc/sysctl.d/${nameAfter(
    settings.flatMap((setting) => rivalsOf(boot, setting)),
    snapshot,
  )}`;
}

/** A name that is applied after all rivals, and that no file of this host has. */
function nameAfter(rivals: PersistedSetting[], { persisted, inventory }: Snapshot): string {
  const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  const taken = new Set([...persisted.map(({ file }) => file), ...inventory.map(({ path }) => path)].map(nameOf));
  const last = rivals
    .filter(({ file }) => file !== 'etc/sysctl.conf')
    .map(({ file }) => nameOf(file))
    .sort()
    .at(-1);
  const free = FILES.find((name) => !taken.has(name) && (last === undefined || name > last));
  return free ?? `${(last ?? '').replace(/\.conf$/, '')}-conntrack.conf`;
}

function create({ apply, undo }: Commands, file: string, lines: readonly string[]): void {
  apply.push(`printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} > ${file}`);
  undo.push(`rm ${file}`);
}

function append({ apply, undo }: Commands, file: string, lines: readonly string[]): void {
  apply.push(`cp -p ${file} ${file}.before`);
  apply.push(`printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >> ${file}`);
  undo.push(`mv ${file}.before ${file}`);
}

/** Makes comments of lines, if they still are what was captured; what they were stays beside the file. */
function silence({ apply, undo }: Commands, lines: readonly PersistedSetting[]): void {
  const script = lines.map(({ line }) => `${line}{/conntrack/s/^/# /;}`).join(';');
  apply.push(`sed -i.before '${script}' /etc/sysctl.conf`);
  undo.push('mv /etc/sysctl.conf.before /etc/sysctl.conf');
}

function isLinux24(snapshot: Snapshot): boolean {
  return isSince(snapshot, 2, 5) === false;
}
