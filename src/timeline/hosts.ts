/** Which snapshots are of one host, in the order in which they were taken. */
import type { Analysis } from '../analysis/schema.ts';

type Maybe<T> = { value: T } | undefined;

/** What of an analysis tells of which host, and of which moment, it is. */
export interface Identified {
  bundle: Pick<Analysis['bundle'], 'sha256'>;
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
}

/** Snapshots of one host, the earliest first. */
export interface Host<T extends Identified = Analysis> {
  identifiedBy: 'machine id' | 'host name' | 'boot id' | 'nothing';
  snapshots: Named<T>[];
  /** What became of inputs that are not among them. */
  notes: string[];
}

/**
 * Groups snapshots by host and puts each group in order.
 *
 * A host is told by its machine id together with its name: machines that were cloned share an id. Without one it is told by its name, and
 * without that by its boot. The namespace does not tell hosts apart: it has another inode after each boot.
 */
export function hostsOf<T extends Identified = Analysis>(inputs: readonly Named<T>[]): Host<T>[] {
  const hosts = new Map<string, Host<T>>();
  const seen = new Map<string, string>();
  for (const [at, input] of inputs.entries()) {
    const { identifiedBy, key } = identityOf(input, at);
    const host: Host<T> = hosts.get(key) ?? { identifiedBy, snapshots: [], notes: [] };
    hosts.set(key, host);
    const captures = capturesOf(input.analysis).map((capture) => `${key} ${capture}`);
    const twin = captures.map((capture) => seen.get(capture)).find((name) => name !== undefined);
    if (twin !== undefined) {
      host.notes.push(`${input.name} is the same capture as ${twin}: left out`);
      continue;
    }
    host.snapshots.push(input);
    for (const capture of captures) seen.set(capture, input.name);
  }
  for (const host of hosts.values()) order(host);
  return [...hosts.values()];
}

function identityOf(
  { analysis: { host } }: Named<Identified>,
  at: number,
): Pick<Host, 'identifiedBy'> & { key: string } {
  const name = host.hostname?.value;
  const machine = host.machineIdSha256?.value;
  if (machine !== undefined) return { identifiedBy: 'machine id', key: `machine ${machine} ${name ?? ''}` };
  if (name !== undefined) return { identifiedBy: 'host name', key: `name ${name}` };
  const boot = host.bootId?.value;
  if (boot !== undefined) return { identifiedBy: 'boot id', key: `boot ${boot}` };
  return { identifiedBy: 'nothing', key: `input ${at}` };
}

/** What two inputs share that are one capture: the archive, or the moment of a boot, where it was repacked or analysed before. */
function capturesOf({ bundle, host }: Identified): string[] {
  const { capturedAt, uptimeSeconds, bootId } = host;
  return [
    ...(bundle.sha256 === undefined ? [] : [`archive ${bundle.sha256}`]),
    ...(capturedAt && uptimeSeconds
      ? [`moment ${capturedAt.value} ${uptimeSeconds.value} ${bootId?.value ?? ''}`]
      : []),
  ];
}

function order<T extends Identified>(host: Host<T>): void {
  const timed = host.snapshots.filter(({ analysis }) => timeOf(analysis) !== undefined);
  const untimed = host.snapshots.filter(({ analysis }) => timeOf(analysis) === undefined);
  timed.sort((a, b) => (timeOf(a.analysis) ?? 0) - (timeOf(b.analysis) ?? 0));
  if (untimed.length > 0 && host.snapshots.length > 1) {
    // Within one boot the uptime tells the order as well as a clock.
    const oneBoot = new Set(host.snapshots.map(({ analysis }) => analysis.host.bootId?.value)).size === 1;
    const uptimes = host.snapshots.map(({ analysis }) => analysis.host.uptimeSeconds?.value);
    if (oneBoot && host.snapshots[0]?.analysis.host.bootId && uptimes.every((uptime) => uptime !== undefined)) {
      host.snapshots.sort(
        (a, b) => (a.analysis.host.uptimeSeconds?.value ?? 0) - (b.analysis.host.uptimeSeconds?.value ?? 0),
      );
      return;
    }
    for (const { name } of untimed) host.notes.push(`${name} does not tell when it was captured: it was put last`);
  }
  host.snapshots = [...timed, ...untimed];
}

/** When a snapshot was taken, in milliseconds since 1970. */
export function timeOf({ host }: Pick<Identified, 'host'>): number | undefined {
  const time = Date.parse(host.capturedAt?.value ?? '');
  return Number.isNaN(time) ? undefined : time;
}
