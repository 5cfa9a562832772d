/** Hosts of a fleet, made of analyses. */
import type { Analysis } from '../../src/analysis/schema.ts';
import type { Paged } from '../../src/fleet/fleet.ts';
import { snapshotOf } from '../../src/fleet/snapshot.ts';
import { hostsOf, type Named } from '../../src/timeline/hosts.ts';

/** A snapshot of a host of that name, taken at noon so many days after the first of November. */
export function host(name: string, analysis: Analysis, { day = 0 }: { day?: number } = {}): Named {
  const { machineIdSha256: _, bootId: __, ...facts } = analysis.host;
  const { sha256: ___, ...bundle } = analysis.bundle;
  const capturedAt = new Date(Date.UTC(2026, 10, 1 + day, 12)).toISOString().replace('.000', '');
  return {
    name: `${name}-${day}.tar.gz`,
    analysis: {
      ...analysis,
      bundle,
      host: {
        ...facts,
        hostname: { value: name, file: 'proc/sys/kernel/hostname' },
        capturedAt: { value: capturedAt, file: 'commands/date-utc' },
      },
    },
  };
}

/** Such snapshots as hosts, each with a page. */
export function paged(inputs: readonly Named[]): Paged[] {
  const kept = inputs.map(({ name, analysis }) => ({ name, analysis: snapshotOf(analysis) }));
  return hostsOf(kept).map((each, at) => ({ host: each, page: `hosts/${at}.html` }));
}
