/**
 * Makes samples/fleet anew, on this machine's kernel: `npm run fleet:make`, as root. Hosts of two sites, one after the other on one kernel:
 * flows, limits, counters and log are the kernel's own; the time of each capture, the uptime, the boot id and the machine id are stand-ins
 * (see lab.ts).
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as tar from 'tar-stream';
import { afterAll, expect, test } from 'vitest';
import { analysisOf } from '../../src/commands/inputs.ts';
import type { Analysis } from '../../src/analysis/schema.ts';
import { type Flows, keepLimits, Lab, type Load, setLimits, whyNoLab } from './lab.ts';
import { packSmall } from './pack.ts';

const reason = whyNoLab();
if (reason !== undefined) throw new Error(`cannot make a fleet: ${reason}`);

const FOLDER = fileURLToPath(new URL('../../samples/fleet/', import.meta.url));
/** A flood and a hoard are told in a table of 1 000 rows or more. */
const MOST_BYTES = 30_000;
/** What the kernel itself sets on this machine. */
const KERNEL = { max: 262_144, buckets: 262_144 };

interface Scene {
  host: string;
  at: string;
  /** Days since the boot. */
  up: number;
  /** The host of the scene before lives on: these flows come on top of its own. */
  goesOn?: boolean;
  limits?: { max: number; buckets?: number };
  timeouts?: Record<string, number>;
  nat?: string;
  flows?: Flows;
  load?: Load['perSecond'];
  destinations?: number;
  /** How long the load runs before the capture. */
  seconds?: number;
  /** What is done after that. */
  last?: (lab: Lab) => Promise<void> | void;
  persisted?: (limits: { max: number; buckets: number }) => string[];
  args?: string[];
  /** Hosts that were cloned have the machine id of the first. */
  cloneOf?: string;
  verdict: Analysis['verdict']['kind'];
}

const lines = ({ max, buckets }: { max: number; buckets: number }) => [
  `net.netfilter.nf_conntrack_buckets = ${buckets}`,
  `net.netfilter.nf_conntrack_max = ${max}`,
];
const USUAL = { max: 65_536, buckets: 65_536 };
const calm: Flows = { tcpOpen: 90, tcpShort: 30, udpAnswered: 60, udpUnanswered: 5 };
const ESTABLISHED = 'tcp_timeout_established';

const SCENES: Scene[] = [
  {
    host: 'gw-north-1',
    at: '2026-11-20T06:00:00Z',
    up: 40,
    limits: USUAL,
    flows: calm,
    persisted: lines,
    verdict: 'healthy',
  },
  {
    host: 'gw-north-1',
    at: '2026-11-22T06:00:00Z',
    up: 42,
    goesOn: true,
    limits: USUAL,
    flows: { tcpOpen: 30 },
    persisted: lines,
    verdict: 'healthy',
  },
  {
    host: 'gw-north-2',
    at: '2026-11-22T06:05:00Z',
    up: 12,
    limits: USUAL,
    flows: { ...calm, udpAnswered: 90 },
    persisted: lines,
    verdict: 'healthy',
  },
  ...(['healthy', 'filling', 'near-limit'] as const).map((verdict, day) => ({
    host: 'gw-north-3',
    at: `2026-11-${20 + day}T06:10:00Z`,
    up: 71 + day,
    goesOn: day > 0,
    limits: { max: 400, buckets: 512 },
    flows: day > 0 ? { tcpOpen: 41 } : { tcpOpen: 150, udpAnswered: 130, udpUnanswered: 10 },
    persisted: lines,
    verdict,
  })),
  {
    host: 'gw-north-4',
    at: '2026-11-22T06:15:00Z',
    up: 133,
    limits: { max: 300, buckets: 512 },
    flows: { tcpOpen: 270, udpAnswered: 20 },
    load: { tcpShort: 6, udpAnswered: 12 },
    seconds: 20,
    persisted: lines,
    verdict: 'limit-reached',
  },
  {
    host: 'gw-north-5',
    at: '2026-11-22T06:20:00Z',
    up: 5,
    limits: { max: 1100, buckets: 1536 },
    flows: { tcpOpen: 40, udpAnswered: 30, udpUnanswered: 1020 },
    load: { udpUnanswered: 60 },
    seconds: 12,
    persisted: lines,
    verdict: 'flood',
  },
  {
    host: 'vpn-north-1',
    at: '2026-11-22T06:25:00Z',
    up: 203,
    limits: { max: 1200, buckets: 1536 },
    // What is opened under this and then left alone has the timers that two idle days would have left it.
    timeouts: { [ESTABLISHED]: 432_000 - 172_800 },
    flows: { tcpOpen: 1080, udpAnswered: 20 },
    last: (lab) => lab.setTimeouts({ [ESTABLISHED]: 432_000 }),
    persisted: lines,
    verdict: 'idle-hoard',
  },
  {
    host: 'k8s-north-1',
    at: '2026-11-22T06:30:00Z',
    up: 18,
    limits: KERNEL,
    timeouts: { [ESTABLISHED]: 86_400, tcp_timeout_close_wait: 3600 },
    flows: { tcpOpen: 160, tcpShort: 60, udpAnswered: 80 },
    verdict: 'healthy',
  },
  {
    host: 'k8s-south-1',
    at: '2026-11-22T06:00:00Z',
    up: 18,
    limits: { max: 260, buckets: 512 },
    flows: { tcpOpen: 50, udpAnswered: 40 },
    last: async () => {
      const pod = await started('pod');
      pod.inhabit();
      await pod.flows({ tcpOpen: 250, udpAnswered: 20 });
      await pod.load({ perSecond: { udpAnswered: 30 } });
      await setTimeout(3000);
    },
    verdict: 'namespace-full',
  },
  {
    host: 'gw-south-1',
    at: '2026-11-22T06:05:00Z',
    up: 61,
    limits: { max: 65_536, buckets: 512 },
    flows: { tcpOpen: 200, udpAnswered: 1000, udpUnanswered: 9500 },
    load: { udpUnanswered: 150, udpAnswered: 100 },
    seconds: 5,
    args: ['--max-entries', '150'],
    verdict: 'long-chains',
  },
  {
    host: 'gw-south-2',
    at: '2026-11-22T06:10:00Z',
    up: 61,
    cloneOf: 'gw-south-1',
    limits: USUAL,
    timeouts: { [ESTABLISHED]: 7440 },
    flows: calm,
    // Set by hand, and kept nowhere.
    verdict: 'healthy',
  },
  {
    host: 'gw-south-3',
    at: '2026-11-22T06:15:00Z',
    up: 9,
    limits: USUAL,
    nat: 'meta l4proto { tcp, udp } snat ip to 198.18.0.1:1024-1100',
    flows: { tcpOpen: 60, udpAnswered: 60 },
    load: { udpAnswered: 25 },
    destinations: 1,
    seconds: 9,
    persisted: lines,
    verdict: 'clashes',
  },
  {
    host: 'gw-south-4',
    at: '2026-11-22T06:20:00Z',
    up: 27,
    limits: { max: 256, buckets: 512 },
    flows: { tcpOpen: 230, udpAnswered: 25 },
    load: { udpAnswered: 15 },
    seconds: 10,
    last: () => setLimits({ max: 1024, buckets: 1024 }),
    persisted: lines,
    verdict: 'was-full',
  },
  {
    host: 'gw-south-5',
    at: '2026-11-22T06:25:00Z',
    up: 300,
    limits: { max: 0, buckets: 65_536 },
    flows: calm,
    verdict: 'unlimited',
  },
  {
    host: 'gw-south-6',
    at: '2026-11-22T06:30:00Z',
    up: 88,
    limits: USUAL,
    flows: { ...calm, tcpOpen: 60 },
    persisted: lines,
    args: ['--no-table'],
    verdict: 'healthy',
  },
  // Its file is cut off below.
  {
    host: 'gw-south-7',
    at: '2026-11-22T06:35:00Z',
    up: 33,
    limits: USUAL,
    flows: calm,
    persisted: lines,
    verdict: 'healthy',
  },
];

const restore = keepLimits();
const labs: Lab[] = [];
function end(): void {
  for (const lab of labs.splice(0)) lab.close();
  restore();
}
afterAll(end);

async function started(name: string, nat?: string): Promise<Lab> {
  const lab = new Lab(name, nat === undefined ? {} : { nat });
  labs.push(lab);
  await lab.startServers();
  return lab;
}

/** As the kernel and systemd write such ids, and the same each time. */
const idOf = (text: string) => createHash('md5').update(text).digest('hex');
const uuidOf = (text: string) => idOf(text).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5');

const fileOf = ({ host, at }: Pick<Scene, 'host' | 'at'>) =>
  `${FOLDER}${host}-${at.slice(0, 10).replace(/-/g, '')}.tar.gz`;

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });

test.each(SCENES)('$host, $at', async (scene) => {
  const { host, at, up, limits = KERNEL, timeouts = {}, flows = {}, load, seconds = 1, verdict } = scene;
  if (!scene.goesOn) end();
  setLimits(limits);
  const lab = (scene.goesOn && labs[0]) || (await started('gw', scene.nat));
  lab.setTimeouts(timeouts);
  await lab.flows(flows);
  if (load) await lab.load({ perSecond: load, ...(scene.destinations && { destinations: scene.destinations }) });
  await setTimeout(1000 * seconds);
  await scene.last?.(lab);
  const [max, buckets] = ['max', 'buckets'].map((name) => lab.read(`/proc/sys/net/netfilter/nf_conntrack_${name}`));
  const file = fileOf(scene);
  lab.collect(file, {
    hostname: `${host}.example.net`,
    args: ['--samples', '3', ...(scene.args ?? [])],
    standIns: {
      capturedAt: new Date(at),
      uptimeSeconds: 86_400 * up + 4321.5,
      bootId: uuidOf(`boot of ${host}`),
      machineId: idOf(`machine of ${scene.cloneOf ?? host}`),
      sysctls: scene.persisted?.({ max: max ?? 0, buckets: buckets ?? 0 }) ?? [],
    },
  });
  const bytes = await packSmall(file);
  const analysis = await analysisOf(file);
  const { usage, drops } = analysis;
  process.stdout.write(
    `${path.basename(file)}: ${bytes} bytes, ${usage.peak?.value} of ${usage.max?.value}, ${analysis.verdict.kind}, drop ${drops.counters?.totals.drop}\n`,
  );
  expect.soft(bytes).toBeLessThan(MOST_BYTES);
  expect.soft(analysis.verdict.kind).toBe(verdict);
});

test('what else lies in such a folder', async () => {
  // A transfer that broke off, a backup of something else, and the labels.
  const broken = `${FOLDER}gw-south-7-20261122.tar.gz`;
  const whole = readFileSync(broken);
  writeFileSync(broken, whole.subarray(0, Math.floor(whole.length / 3)));
  const pack = tar.pack();
  pack.entry(
    { name: 'backup/notes.txt', mtime: new Date('2026-11-22T06:00:00Z') },
    'The firewall rules are elsewhere.\n',
  );
  pack.finalize();
  const blocks: Uint8Array[] = [];
  for await (const block of pack) blocks.push(block as Uint8Array);
  writeFileSync(`${FOLDER}backup.tar.gz`, gzipSync(Buffer.concat(blocks)));
  const labels = [...new Set(SCENES.map(({ host }) => host))].sort().map((host) => {
    const isNorth = host.includes('north');
    const role = host.startsWith('k8s')
      ? 'Kubernetes node'
      : host.startsWith('vpn')
        ? 'VPN gateway'
        : 'internet gateway';
    return `${host}.example.net,${isNorth ? 'north' : 'south'},${isNorth ? 'Alder Foods' : '"Birch Logistics, Ltd."'},${role}`;
  });
  writeFileSync(`${FOLDER}hosts.csv`, `${['hostname,site,customer,role', ...labels].join('\n')}\n`);
  execFileSync('chmod', ['-R', 'u=rwX,go=rX', FOLDER]);
});
