/** Which snapshots are of one host, in the order in which they were taken. */
import type { Analysis } from '../analysis/schema.ts';

/** A snapshot that was analysed, under the name that the user gave it. */
export interface Named {
  name: string;
  analysis: Analysis;
}

/** Snapshots of one host, the earliest first. */
export interface Host {
  identifiedBy: 'machine id' | 'host name' | 'boot id' | 'nothing';
  snapshots: Named[];
  /** What became of inputs that are not among them. */
  notes: string[];
}

/**
 * Groups snapshots by host and puts each group in order.
 *
 * A host is told by its machine id together with its name: machines that were cloned share an id. Without one it is told by its name, and
 * without that by its boot. The namespace does not tell hosts apart: it has another inode after each boot.
 */
export function hostsOf(inputs: readonly Named[]): Host[] {
  const hosts = new Map<string, Host>();
  for (const [at, input] of inputs.entries()) {
    const { identifiedBy, key } = identityOf(input, at);
    const host = hosts.get(key) ?? { identifiedBy, snapshots: [], notes: [] };
    hosts.set(key, host);
    const twin = host.snapshots.find(({ analysis }) => isSame(analysis, input.analysis));
    if (twin) host.notes.push(`${input.name} is the same capture as ${twin.name}: left out`);
    else host.snapshots.push(input);
  }
  for (const host of hosts.values()) order(host);
  return [...hosts.values()];
}

function identityOf({ analysis: { host } }: Named, at: number): Pick<Host, 'identifiedBy'> & { key: string } {
  const name = host.hostname?.value;
  const machine = host.machineIdSha256?.value;
  if (machine !== undefined) return { identifiedBy: 'machine id', key: `machine ${machine} ${name ?? ''}` };
  if (name !== undefined) return { identifiedBy: 'host name', key: `name ${name}` };
  const boot = host.bootId?.value;
  if (boot !== undefined) return { identifiedBy: 'boot id', key: `boot ${boot}` };
  return { identifiedBy: 'nothing', key: `input ${at}` };
}

/** The same archive, or the same moment of the same boot: one that was repacked, or analysed before. */
function isSame(a: Analysis, b: Analysis): boolean {
  if (a.bundle.sha256 !== undefined && a.bundle.sha256 === b.bundle.sha256) return true;
  const moment = ({ host }: Analysis) =>
    host.capturedAt && host.uptimeSeconds
      ? `${host.capturedAt.value} ${host.uptimeSeconds.value} ${host.bootId?.value ?? ''}`
      : undefined;
  return moment(a) !== undefined && moment(a) === moment(b);
}

function order(host: Host): void {
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
export function timeOf({ host }: Analysis): number | undefined {
  const time = Date.parse(host.capturedAt?.value ?? '');
  return Number.isNaN(time) ? undefined : time;
}
