/** Which snapshots are of one host, in the order in which they were taken. */
import type { Analysis } from '../analysis/schema.ts';

type Maybe<T> = { value: T } | undefined;

/** What of an analysis tells of which host, and of which moment, it is. */
export interface Identified {
  bundle: Pick<Analysis['bundle'], 'sha256' | 'netns'>;
  host: {
    hostname?: Maybe<string>;
    machineIdSha256?: Maybe<string>;
    bootId?: Maybe<string>;
    capturedAt?: Maybe<string>;
    uptimeSeconds?: Maybe<number>;
  };
}

/** A snapshot that was analysed, under the name that the user gave it. */
export interface Named<T extends Identified = Analysis> {
  name: string;
  analysis: T;
  /** When it was taken, in milliseconds since 1970: by its clock, or by that of a later snapshot of the same boot. */
  time?: number | undefined;
}

/** Snapshots of one host, the earliest first. */
export interface Host<T extends Identified = Analysis> {
  identifiedBy: 'machine id' | 'host name' | 'boot id' | 'nothing';
  snapshots: Named<T>[];
  /** What became of inputs that are not among them, and what was made of those that are. */
  notes: string[];
}

/** Linux 2.4.0, the first with connection tracking, is of that day: a clock that says less was never set. */
const EARLIEST = Date.UTC(2001, 0, 4);

/** A clock that differs by more from one of the same boot was wrong; NTP steps less than that, but for a clock that was never set. */
export const WRONG_CLOCK_MS = 600_000;

/** Without a battery a clock begins each boot where it was last saved: fake-hwclock does that once an hour. */
const SAVED_CLOCK_MS = 3_600_000;

/**
 * Groups snapshots by host and puts each group in order.
 *
 * A host is told by its machine id together with its name: machines that were cloned share an id. Without one it is told by its name, and
 * without that by its boot. The namespace does not tell hosts apart: it has another inode after each boot. But one host has one boot at a
 * time: where boots or namespaces of one name alternate, they are several tables (each OpenWrt is called OpenWrt), and are told apart.
 */
export function hostsOf<T extends Identified = Analysis>(inputs: readonly Named<T>[]): Host<T>[] {
  const hosts = new Map<string, Host<T>>();
  const seen = new Map<string, string>();
  const machines = machinesByName(inputs);
  for (const [at, input] of inputs.entries()) {
    const { identifiedBy, key, note } = identityOf(input, at, machines);
    const host: Host<T> = hosts.get(key) ?? { identifiedBy, snapshots: [], notes: [] };
    hosts.set(key, host);
    const captures = capturesOf(input.analysis).map((capture) => `${key} ${capture}`);
    const twin = captures.map((capture) => seen.get(capture)).find((name) => name !== undefined);
    if (twin !== undefined) {
      host.notes.push(`${input.name} is the same capture as ${twin}: left out`);
      continue;
    }
    host.snapshots.push({ ...input });
    for (const capture of captures) seen.set(capture, input.name);
    if (note) host.notes.push(note);
  }
  return [...hosts.values()].flatMap((host) => {
    setTimes(host.snapshots);
    return toldApart(host).map(inOrder);
  });
}

/** Keys of the machines that have a name, so that a capture without a machine id finds the one it is of. */
function machinesByName(inputs: readonly Named<Identified>[]): Map<string, Set<string>> {
  const machines = new Map<string, Set<string>>();
  for (const { analysis } of inputs) {
    const [name, key] = [analysis.host.hostname?.value, machineKey(analysis)];
    if (name !== undefined && key !== undefined) machines.set(name, (machines.get(name) ?? new Set()).add(key));
  }
  return machines;
}

function machineKey({ host }: Identified): string | undefined {
  const machine = host.machineIdSha256?.value;
  return machine === undefined ? undefined : `machine ${machine} ${host.hostname?.value ?? ''}`;
}

function identityOf(
  { name: input, analysis }: Named<Identified>,
  at: number,
  machines: ReadonlyMap<string, ReadonlySet<string>>,
): Pick<Host, 'identifiedBy'> & { key: string; note?: string } {
  const machine = machineKey(analysis);
  if (machine !== undefined) return { identifiedBy: 'machine id', key: machine };
  const name = analysis.host.hostname?.value;
  if (name !== undefined) {
    const [known, ...others] = machines.get(name) ?? [];
    if (known === undefined || others.length > 0) return { identifiedBy: 'host name', key: `name ${name}` };
    const note = `${input} has no machine id: taken to be of ${name} by its name alone`;
    return { identifiedBy: 'machine id', key: known, note };
  }
  const boot = analysis.host.bootId?.value;
  if (boot !== undefined) return { identifiedBy: 'boot id', key: `boot ${boot}` };
  return { identifiedBy: 'nothing', key: `input ${at}` };
}

/** What two inputs share that are one capture: the archive, or the moment of a boot, where it was repacked or analysed before. */
function capturesOf({ bundle, host }: Identified): string[] {
  const { capturedAt, uptimeSeconds, bootId } = host;
  const moment = capturedAt && uptimeSeconds;
  return [
    ...(bundle.sha256 === undefined ? [] : [`archive ${bundle.sha256}`]),
    ...(moment ? [`moment ${[capturedAt.value, uptimeSeconds.value, bootId?.value, bundle.netns].join(' ')}`] : []),
  ];
}

/** The life of a table: within it uptime and counters run on. A container that was started anew keeps the boot id of its host. */
function lifeOf({ host, bundle }: Identified): string | undefined {
  return host.bootId && `${host.bootId.value} ${bundle.netns ?? ''}`;
}

/**
 * Gives each snapshot its time. Within one boot the uptime is what nobody sets, and the clock of its last snapshot is held to be right: one
 * that was wrong at boot is put right later, seldom the other way round.
 */
function setTimes(snapshots: readonly Named<Identified>[]): void {
  const begun = new Map<string, { uptime: number; start: number }>();
  for (const { analysis } of snapshots) {
    const [life, time, uptime] = [lifeOf(analysis), timeOf(analysis), analysis.host.uptimeSeconds?.value];
    if (life === undefined || time === undefined || uptime === undefined) continue;
    if (uptime >= (begun.get(life)?.uptime ?? 0)) begun.set(life, { uptime, start: time - 1000 * uptime });
  }
  for (const snapshot of snapshots) {
    const uptime = snapshot.analysis.host.uptimeSeconds?.value;
    const start = begun.get(lifeOf(snapshot.analysis) ?? '')?.start;
    snapshot.time = start === undefined || uptime === undefined ? timeOf(snapshot.analysis) : start + 1000 * uptime;
  }
}

/** Splits what alternates: a boot, or a namespace within one, does not come back. */
function toldApart<T extends Identified>(host: Host<T>): Host<T>[] {
  const lives = new Map<string, Named<T>[]>();
  for (const snapshot of host.snapshots) {
    const life = lifeOf(snapshot.analysis) ?? '';
    lives.set(life, [...(lives.get(life) ?? []), snapshot]);
  }
  const spans = [...lives]
    .map(([life, snapshots]) => ({ life, times: snapshots.flatMap(({ time }) => time ?? []) }))
    .filter(({ life, times }) => life !== '' && times.length > 0)
    .map(({ times }) => ({ first: Math.min(...times), last: Math.max(...times) }))
    .sort((a, b) => a.first - b.first);
  let end = Number.NEGATIVE_INFINITY;
  const alternates = spans.some(({ first, last }) => {
    const overlaps = first + SAVED_CLOCK_MS < end;
    end = Math.max(end, last);
    return overlaps;
  });
  if (!alternates) return [host];
  const name = host.snapshots[0]?.analysis.host.hostname?.value ?? 'one host';
  const note = `captures of ${name} alternate between boots or namespaces: several tables, told apart by boot and namespace`;
  return [...lives.values()].map((snapshots, at) => ({
    identifiedBy: 'boot id',
    snapshots,
    notes: at === 0 ? [note, ...host.notes] : [note],
  }));
}

function inOrder<T extends Identified>(host: Host<T>): Host<T> {
  const { snapshots } = host;
  const timed = snapshots.filter(({ time }) => time !== undefined).sort((a, b) => (a.time ?? 0) - (b.time ?? 0));
  const untimed = snapshots.filter(({ time }) => time === undefined);
  const notes = [...host.notes];
  for (const { name, analysis, time } of timed) {
    const said = Date.parse(analysis.host.capturedAt?.value ?? '');
    if (Math.abs((time ?? said) - said) > WRONG_CLOCK_MS) {
      notes.push(`the clock of ${name} was wrong: its time is taken from a later capture of the same boot`);
    }
  }
  if (timed.length === 0 && isOneLife(snapshots)) {
    // Within one boot the uptime tells the order as well as a clock.
    const uptimeOf = ({ analysis }: Named<T>) => analysis.host.uptimeSeconds?.value ?? 0;
    return { ...host, notes, snapshots: untimed.sort((a, b) => uptimeOf(a) - uptimeOf(b)) };
  }
  for (const { name, analysis } of snapshots.length > 1 ? untimed : []) {
    const why = analysis.host.capturedAt ? 'comes from a clock that was not set' : 'does not tell when it was captured';
    notes.push(`${name} ${why}: it was put last`);
  }
  return { ...host, notes, snapshots: [...timed, ...untimed] };
}

function isOneLife(snapshots: readonly Named<Identified>[]): boolean {
  const [life] = snapshots.map(({ analysis }) => lifeOf(analysis));
  return (
    life !== undefined &&
    snapshots.every(({ analysis }) => lifeOf(analysis) === life && analysis.host.uptimeSeconds !== undefined)
  );
}

/** When a snapshot was taken by its own clock, in milliseconds since 1970. */
export function timeOf({ host }: Pick<Identified, 'host'>): number | undefined {
  const time = Date.parse(host.capturedAt?.value ?? '');
  return time >= EARLIEST ? time : undefined;
}
