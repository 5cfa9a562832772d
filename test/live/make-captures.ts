/**
 * Makes the bundles in test/fixtures/captures anew, on this machine's kernel: `npm run captures:make`, as root, on two
 * processors or more. In each, packets or entries are lost in a way that count and maximum do not tell. It runs in a process
 * namespace of its own, so that the bundles name no other process of the machine.
 */
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { keepLimits, Lab, setLimits, whyNoLab } from './lab.ts';

const reason = whyNoLab();
if (reason !== undefined) throw new Error(`cannot make captures: ${reason}`);

const FOLDER = fileURLToPath(new URL('../fixtures/captures/', import.meta.url));
mkdirSync(FOLDER, { recursive: true });
const MOST_BYTES = 60_000;

const restore = keepLimits();
const labs: Lab[] = [];
afterEach(() => {
  for (const lab of labs.splice(0)) lab.close();
  restore();
});

async function gateway(name: string, options: { nat?: string } = {}): Promise<Lab> {
  const lab = new Lab(name, options);
  labs.push(lab);
  await lab.startServers();
  return lab;
}

/** Captures a gateway, prints which of its counters rose, and returns by how much they did while the collector ran. */
function capture(lab: Lab, name: string, args: string[] = []): Record<string, number> {
  const output = `${FOLDER}${name}.tar.gz`;
  rmSync(output, { force: true });
  const before = lab.counters();
  const printed = lab.collect(output, { hostname: 'gw.example.net', args });
  const after = lab.counters();
  chmodSync(output, 0o644);
  const during = Object.fromEntries(Object.keys(after).map((key) => [key, Number(after[key]) - Number(before[key])]));
  const rose = Object.entries(after).filter(([, value]) => value > 0);
  const lines = rose.map(([key, value]) => `  ${key} ${value}, of them ${during[key]} while the collector ran`);
  process.stdout.write([printed, `Counters of ${name}`, ...lines, ''].join('\n'));
  expect(statSync(output).size).toBeLessThan(MOST_BYTES);
  return during;
}

test('evicting: full without a trace', async () => {
  // Eight buckets, which the kernel searches for a victim, hold sixteen links of entries: one is always found.
  setLimits({ max: 1536, buckets: 1536 });
  const lab = await gateway('gw');
  await lab.flows({ tcpOpen: 120, udpAnswered: 400, udpUnanswered: 1200 });
  await lab.load({ perSecond: { udpUnanswered: 90, udpAnswered: 30 } });
  await setTimeout(2000);
  const during = capture(lab, 'evicting');
  expect(during).toMatchObject({ drop: 0, insert_failed: 0 });
  expect(during.early_drop).toBeGreaterThan(100);
});

test('other-namespace: the limit of another namespace is what is full', async () => {
  setLimits({ max: 2000 });
  const lab = await gateway('gw');
  await lab.flows({ tcpOpen: 60, tcpShort: 30, udpAnswered: 80, udpUnanswered: 10 });
  const other = await gateway('web');
  other.inhabit();
  await other.flows({ tcpOpen: 1900, udpUnanswered: 300 });
  await other.load({ perSecond: { udpAnswered: 100 } });
  await setTimeout(1000);
  const during = capture(lab, 'other-namespace');
  expect(during).toMatchObject({ drop: 0, early_drop: 0 });
  expect(other.counters().drop).toBeGreaterThan(100);
});

test('chains: buckets too few for what the limit allows', async () => {
  setLimits({ max: 65_536, buckets: 512 });
  const lab = await gateway('gw');
  await lab.flows({ tcpOpen: 300, udpAnswered: 1000, udpUnanswered: 8500 });
  await lab.load({ perSecond: { udpUnanswered: 150, udpAnswered: 150 } });
  await setTimeout(2000);
  const during = capture(lab, 'chains', ['--max-entries', '1200']);
  expect(during).toMatchObject({ drop: 0, early_drop: 0 });
  expect(during.insert_failed).toBeGreaterThan(20);
});

test('clashes: packets that make the same entry, or take the same port, at once', async () => {
  setLimits({ max: 8192 });
  const lab = await gateway('gw');
  await lab.flows({ tcpOpen: 300, udpAnswered: 300 });
  await lab.race({ rounds: 500, everyMs: 20 });
  await setTimeout(4000);
  const during = capture(lab, 'clashes');
  expect(during.early_drop).toBe(0);
  expect(during.drop).toBe(during.insert_failed);
  expect(during.insert_failed).toBeGreaterThan(10);
});

test('nat-ports: more flows to one destination than ports to send them from', async () => {
  setLimits({ max: 65_536 });
  const lab = await gateway('gw', { nat: 'meta l4proto { tcp, udp } snat ip to 198.18.0.1:1024-1100' });
  await lab.flows({ tcpOpen: 300, udpAnswered: 600 });
  await lab.load({ perSecond: { udpAnswered: 40 }, destinations: 1 });
  await setTimeout(6000);
  const during = capture(lab, 'nat-ports');
  expect(during.early_drop).toBe(0);
  expect(during.drop).toBe(during.insert_failed);
  expect(during.drop).toBeGreaterThan(100);
});
