/** Snapshots of one gateway at different moments, analysed from the text of real files. */
import { analyse } from '../../src/analysis/analyse.ts';
import type { TableSummary } from '../../src/snapshot/types.ts';
import { hostsOf, type Named } from '../../src/timeline/hosts.ts';
import type { Timeline } from '../../src/timeline/schema.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { gateway } from '../analysis/snapshot-of.ts';

export const SYSCTL = 'proc/sys/net/netfilter/nf_conntrack_';
const BOOT_A = '11111111-1111-4111-8111-111111111111';
export const BOOT_B = '22222222-2222-4222-8222-222222222222';
const MACHINE = 'a'.repeat(64);

const HEADER =
  'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error expect_new expect_create expect_delete search_restart';
const COLUMNS = HEADER.split(/ +/);

/** `/proc/net/stat/nf_conntrack` with a line for each processor. */
export function statText(...cpus: Record<string, number>[]): string {
  const line = (values: Record<string, number>) =>
    COLUMNS.map((name) => (values[name] ?? 0).toString(16).padStart(8, '0')).join(' ');
  return [HEADER, ...cpus.map(line)].join('\n');
}

export interface Moment {
  /** `2026-11-20T12:00:00Z`; null: not captured. */
  at?: string | null;
  uptime?: number | null;
  boot?: string | null;
  netns?: string | null;
  machine?: string | null;
  hostname?: string | null;
  count?: number;
  max?: number;
  buckets?: number;
  /** Counters, of each processor. */
  cpus?: Record<string, number>[];
  /** Counters at the end of the capture, so many seconds later. */
  end?: { seconds: number; cpus: Record<string, number>[] };
  files?: Record<string, string | number>;
  table?: TableSummary | undefined;
  sha256?: string;
}

/** A gateway at a moment; noon of a Friday, a day after its boot, unless told otherwise. */
export function capture(moment: Moment, name = moment.at ?? 'undated'): Named {
  const { at = '2026-11-20T12:00:00Z', uptime = 86_400, boot = BOOT_A, netns = '4026531840' } = moment;
  const { machine = MACHINE, hostname = 'gw', count = 1000, max = 65_536, buckets = 65_536, cpus, end } = moment;
  const manifest = [
    'key,value',
    'format_version,1',
    ...(hostname === null ? [] : [`hostname,${hostname}`]),
    ...(netns === null ? [] : [`netns,${netns}`]),
  ];
  const snapshot = gateway(
    {
      'manifest.csv': manifest.join('\n'),
      'commands/cpu-count': 4,
      // So little that the kernel’s own default is below what these tests are about.
      'proc/meminfo': `MemTotal: ${2 ** 19} kB`,
      [`${SYSCTL}max`]: max,
      [`${SYSCTL}buckets`]: buckets,
      [`${SYSCTL}count`]: count,
      ...(at !== null && { 'commands/date-utc': at }),
      ...(uptime !== null && { 'proc/uptime': `${uptime.toFixed(2)} 1.00` }),
      ...(boot !== null && { 'proc/sys/kernel/random/boot_id': boot }),
      ...(machine !== null && { 'commands/machine-id-sha256': machine }),
      ...(cpus && { 'proc/net/stat/nf_conntrack': statText(...cpus) }),
      ...(end && {
        'after/proc/uptime': `${((uptime ?? 0) + end.seconds).toFixed(2)} 1.00`,
        'after/proc/net/stat/nf_conntrack': statText(...end.cpus),
      }),
      ...moment.files,
    },
    moment.table,
  );
  if (moment.sha256 !== undefined) snapshot.bundle.sha256 = moment.sha256;
  return { name, analysis: analyse(snapshot, '0') };
}

/** The time so many seconds after noon of a Friday. */
export function later(seconds: number): { at: string; uptime: number } {
  const time = new Date(Date.UTC(2026, 10, 20, 12) + 1000 * seconds);
  return { at: time.toISOString().replace('.000Z', 'Z'), uptime: 86_400 + seconds };
}

/** The timeline of captures that are all of one host. */
export function timeline(...captures: (Named | Moment)[]): Timeline {
  const hosts = hostsOf(captures.map((each) => ('analysis' in each ? each : capture(each))));
  const [host] = hosts;
  if (!host || hosts.length > 1) throw new Error(`${hosts.length} hosts`);
  return timelineOf(host, '0');
}
