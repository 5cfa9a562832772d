/**
 * Makes samples/week anew, on this machine's kernel: `npm run week:make`, as root. A week of one gateway, lived through in some minutes:
 * flows, limits, counters and log are the kernel's own; the time of each capture, the uptime and the boot id are stand-ins (see lab.ts).
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { analysisOf } from '../one-analysis.ts';
import { keepLimits, Lab, type Load, setLimits, whyNoLab } from './lab.ts';
import { packSmall } from './pack.ts';

const reason = whyNoLab();
if (reason !== undefined) throw new Error(`cannot make a week: ${reason}`);

const FOLDER = fileURLToPath(new URL('../../samples/week/', import.meta.url));
const MOST_BYTES = 20_000;
const MACHINE_ID = '7d0f3f0c5e5b4c4e9a52b1f7c0d81e4a';
const [BOOT_A, BOOT_B] = ['0b7e4b9e-93a1-4f0c-8b2c-5a0f6d1c7e92', 'c41d2a86-7f35-4e6b-b0a9-1e8f52d4a3b7'];

/** Of a small branch office, so that a load is level within seconds. */
const TIMEOUTS = {
  udp_timeout: 10,
  udp_timeout_stream: 12,
  ...Object.fromEntries(
    ['fin_wait', 'close_wait', 'last_ack', 'time_wait', 'close'].map((state) => [`tcp_timeout_${state}`, 10]),
  ),
};
const LEVEL_SECONDS = 14;

const OLD = { max: 256, buckets: 1024 };
const lines = ({ max, buckets }: typeof OLD) => [
  `net.netfilter.nf_conntrack_buckets = ${buckets}`,
  `net.netfilter.nf_conntrack_max = ${max}`,
];

interface Scene {
  at: string;
  booted: string;
  bootId: string;
  tcpOpen: number;
  perSecond: Load['perSecond'];
  /** The limit is too low for it, and it goes on until many packets were dropped. */
  overload?: boolean;
  sysctls: string[];
  args?: string[];
}

const restore = keepLimits();
let lab: Lab | undefined;
afterAll(() => {
  lab?.close();
  restore();
});

async function boot(): Promise<Lab> {
  lab?.close();
  const booted = new Lab('week');
  lab = booted;
  booted.setTimeouts(TIMEOUTS);
  await booted.startServers();
  return booted;
}

/** Runs the load of a moment, captures it, and leaves the table to empty itself. */
async function live(gateway: Lab, { at, booted, bootId, tcpOpen, perSecond, overload, ...rest }: Scene) {
  gateway.hush();
  await setTimeout(LEVEL_SECONDS * 1000);
  gateway.sweep();
  await gateway.flows({ tcpOpen });
  await gateway.load({ perSecond });
  await setTimeout(1000 * (overload ? 60 : LEVEL_SECONDS));
  if (!overload) gateway.sweep();
  const file = `${FOLDER}gw-east-4-${at.replace(/[-:]/g, '').slice(0, 13)}.tar.gz`;
  rmSync(file, { force: true });
  const capturedAt = new Date(at);
  const uptimeSeconds = (capturedAt.getTime() - Date.parse(booted)) / 1000;
  gateway.collect(file, {
    hostname: 'gw-east-4.example.net',
    args: ['--samples', '3', ...(rest.args ?? [])],
    standIns: { capturedAt, uptimeSeconds, bootId, machineId: MACHINE_ID, sysctls: rest.sysctls },
  });
  chmodSync(file, 0o644);
  const bytes = await packSmall(file);
  const { usage, verdict, drops } = await analysisOf(file);
  process.stdout.write(
    `${file}: ${bytes} bytes, ${usage.peak?.value} of ${usage.max?.value}, ${verdict.kind}, drop ${drops.counters?.totals.drop}, early_drop ${drops.counters?.totals.early_drop}\n`,
  );
  expect(bytes).toBeLessThan(MOST_BYTES);
  return file;
}

test('a week', async () => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const busy = { perSecond: { udpAnswered: 42, udpUnanswered: 3 }, overload: true };

  // The limit is too low, and on Sunday somebody raises it by hand.
  const before = { booted: '2026-10-23T04:12:20Z', bootId: BOOT_A, sysctls: lines(OLD) };
  setLimits(OLD);
  let gateway = await boot();
  await live(gateway, { ...before, at: '2026-11-15T15:00:00Z', tcpOpen: 25, ...busy });
  setLimits({ max: 400 });
  await live(gateway, { ...before, at: '2026-11-15T20:30:00Z', tcpOpen: 90, perSecond: { udpAnswered: 18 } });

  // A reboot at night takes it back.
  const since = { booted: '2026-11-16T02:10:41Z', bootId: BOOT_B };
  setLimits(OLD);
  gateway = await boot();
  const night = { perSecond: { udpAnswered: 4 }, args: ['--no-table'] };
  await live(gateway, { ...since, ...night, at: '2026-11-16T03:00:00Z', tcpOpen: 40, sysctls: lines(OLD) });
  const full = await live(gateway, {
    ...since,
    at: '2026-11-16T09:30:00Z',
    ...busy,
    tcpOpen: 25,
    sysctls: lines(OLD),
  });

  // What the report says is set, and kept.
  const { action, constraint, max = 0, buckets = 0 } = (await analysisOf(full)).recommendation;
  expect({ action, constraint }).toEqual({ action: 'raise', constraint: 'demand' });
  setLimits({ max, buckets });
  const fixed = { ...since, sysctls: lines({ max, buckets }) };
  const growing = [90, 130, 170, 210, 250, 180, 220];
  for (const [day, tcpOpen] of growing.entries()) {
    if (day === 3) await live(gateway, { ...fixed, ...night, at: '2026-11-19T03:00:00Z', tcpOpen: 60 });
    await live(gateway, {
      ...fixed,
      at: `2026-11-${16 + day}T15:00:00Z`,
      tcpOpen,
      perSecond: { udpAnswered: 8, udpUnanswered: 1 },
    });
  }
});
