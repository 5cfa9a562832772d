/**
 * Makes the bundles in samples/ anew, on this machine's kernel: `npm run samples:make`, as root. It runs in a process
 * namespace of its own, so that the bundles name no other process of the machine. The bundle of the 2.4 machine is not among
 * them: samples/README.md says where its figures are from.
 */
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { type Flows, Lab, setLimits, whyNoLab } from './lab.ts';

const SCENES: { name: string; hostname: string; max: number; flows: Flows & { perSecond?: number } }[] = [
  {
    name: 'healthy',
    hostname: 'gw-north-1.example.net',
    max: 65_536,
    flows: { tcpOpen: 1400, tcpShort: 900, synOnly: 60, udpAnswered: 1500, udpUnanswered: 140 },
  },
  {
    name: 'nearly-full',
    hostname: 'gw-south-2.example.net',
    max: 8192,
    flows: { tcpOpen: 4100, tcpShort: 900, synOnly: 150, udpAnswered: 1700, udpUnanswered: 540 },
  },
  {
    name: 'full-with-drops',
    hostname: 'gw-west-3.example.net',
    max: 4096,
    flows: { tcpOpen: 2900, tcpShort: 500, synOnly: 60, udpAnswered: 500, udpUnanswered: 400, perSecond: 200 },
  },
];

const reason = whyNoLab();
if (reason !== undefined) throw new Error(`cannot make samples: ${reason}`);

test.each(SCENES)('$name', async ({ name, hostname, max, flows }) => {
  const lab = new Lab('smp');
  try {
    setLimits({ max });
    await lab.startServers();
    await lab.flows(flows);
    const output = fileURLToPath(new URL(`../../samples/${name}.tar.gz`, import.meta.url));
    rmSync(output, { force: true });
    process.stdout.write(lab.collect(output, { hostname }));
    chmodSync(output, 0o644);
  } finally {
    lab.close();
  }
});
