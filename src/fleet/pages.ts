/** What the pages of hosts are called. */
import { createHash } from 'node:crypto';
import { DEVICE } from '../files.ts';
import type { Host } from '../timeline/hosts.ts';
import { newestOf } from './fleet.ts';
import type { Snapshot } from './snapshot.ts';

const LONGEST = 80;

/**
 * A name for each host: its own as far as a file may be called so anywhere. What had to be changed, or is there twice, gets a few digits
 * of what it was made from, so that it is called the same whatever other hosts there are.
 */
export function pageNames(hosts: readonly Host<Snapshot>[]): string[] {
  const plain = hosts.map((host) => newestOf(host).host.hostname?.value ?? 'host');
  const times = new Map<string, number>();
  for (const name of plain) times.set(name.toLowerCase(), (times.get(name.toLowerCase()) ?? 0) + 1);
  const taken = new Set<string>();
  return hosts.map((host, at) => {
    const name = plain[at] ?? '';
    const safe = name
      .replace(/[^\w.-]+/g, '_')
      .replace(/^[.-]+|[.]+$/g, '')
      .slice(0, LONGEST);
    const isItself = safe !== '' && safe === name && !DEVICE.test(safe) && times.get(name.toLowerCase()) === 1;
    const base = isItself ? safe : `${DEVICE.test(safe) || safe === '' ? `host-${safe}` : safe}-${digitsOf(host)}`;
    let unique = base;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${base}-${n}`;
    taken.add(unique.toLowerCase());
    return `${unique}.html`;
  });
}

function digitsOf(host: Host<Snapshot>): string {
  const { hostname, machineIdSha256, bootId } = newestOf(host).host;
  const identity = [hostname?.value, machineIdSha256?.value ?? bootId?.value ?? host.snapshots.at(-1)?.name];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 8);
}
