/**
 * Makes the archives in test/fixtures/foreign anew, as other collectors write them: `npm run foreign:make`, as root. sos runs
 * here; the others are written in their documented layouts from what this kernel printed. It runs in a process namespace of
 * its own, so that the archives name no other process of the machine.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, test } from 'vitest';
import { type Facts, factsOf } from './foreign/facts.ts';
import { capture, pack, removeScratch, scratchFolder } from './foreign/host.ts';
import { eks, insights, loose, procTree, rancher, supportconfig } from './foreign/layouts.ts';
import { packSos, sosreport, sosSources, whyNoSos } from './foreign/sos.ts';
import { keepLimits, Lab, markLog, setLimits, whyNoLab } from './lab.ts';

const reason = whyNoLab() ?? whyNoSos();
if (reason !== undefined) throw new Error(`cannot make archives of other collectors: ${reason}`);

/** The kernel logs ten lines of dropped packets in five seconds: those of the test before are to be over. */
const LOG_PAUSE_MS = 6000;

const FOLDER = fileURLToPath(new URL('../fixtures/foreign/', import.meta.url));

const restore = keepLimits();
const labs: Lab[] = [];
afterEach(() => {
  for (const lab of labs.splice(0)) lab.close();
  restore();
  removeScratch();
});

async function gateway(name: string): Promise<Lab> {
  const lab = new Lab(name);
  labs.push(lab);
  await lab.startServers();
  return lab;
}

/** Sends from IPv6, too: datagrams that nobody answers, and connections that are refused. */
const IPV6_TRAFFIC = `
const udp = require('dgram').createSocket('udp6');
for (let n = 0; n < 24; n++) udp.send('hello', 5000 + n, '2001:db8:2::2');
for (let n = 0; n < 8; n++) require('net').connect(6000 + n, '2001:db8:2::2').on('error', () => {});
setTimeout(() => process.exit(), 500);`;

function ipv6Flows(lab: Lab): void {
  const address = (where: 'clients' | 'gateway' | 'servers', prefix: string, device: string) =>
    lab.run(where, 'ip', 'addr', 'add', prefix, 'dev', device, 'nodad');
  address('clients', '2001:db8:1::2/64', 'uplink');
  address('gateway', '2001:db8:1::1/64', 'in');
  address('gateway', '2001:db8:2::1/64', 'out');
  address('servers', '2001:db8:2::2/64', 'uplink');
  lab.run('clients', 'ip', '-6', 'route', 'add', 'default', 'via', '2001:db8:1::1');
  lab.run('servers', 'ip', '-6', 'route', 'add', 'default', 'via', '2001:db8:2::1');
  lab.run('gateway', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
  lab.run('clients', process.execPath, '-e', IPV6_TRAFFIC);
}

/** An empty folder for one archive. */
function folderFor(name: string): string {
  const folder = path.join(FOLDER, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

function expectations(folder: string, facts: Facts | object): void {
  writeFileSync(path.join(folder, 'expected.json'), `${JSON.stringify(facts, undefined, 2)}\n`);
}

test('sos-whole: full, with drops', async () => {
  setLimits({ max: 640 });
  const lab = await gateway('fx');
  await setTimeout(LOG_PAUSE_MS);
  const mark = markLog(`foreign begins at ${Date.now()}`);
  ipv6Flows(lab);
  await lab.flows({
    tcpOpen: 220,
    tcpShort: 60,
    synOnly: 20,
    udpAnswered: 240,
    udpUnanswered: 160,
    againEveryMs: 4000,
  });
  const root = sosreport(lab, { hostname: 'gw-sos.example.net', mark });
  const folder = folderFor('sos-whole');
  expectations(folder, factsOf('sos', packSos(root, folder), sosSources(root)));
});

test('sos-truncated: the last 64 KiB of the table', async () => {
  setLimits({ max: 65_536 });
  const lab = await gateway('fx');
  const mark = markLog(`foreign begins at ${Date.now()}`);
  await lab.flows({ tcpOpen: 300, tcpShort: 100, synOnly: 20, udpAnswered: 600, udpUnanswered: 100 });
  const root = sosreport(lab, { hostname: 'gw-cut.example.net', mark, tableMib: 1 / 16, truncated: true });
  const folder = folderFor('sos-truncated');
  expectations(folder, factsOf('sos', packSos(root, folder), sosSources(root)));
});

test('sos-netns: several network namespaces', async () => {
  setLimits({ max: 400 });
  const lab = await gateway('fx');
  await lab.flows({ tcpOpen: 40, udpAnswered: 30, udpUnanswered: 6 });
  const router = await gateway('fxr');
  const tenant = await gateway('fxt');
  const mark = markLog(`foreign begins at ${Date.now()}`);
  await router.flows({ tcpOpen: 250, tcpShort: 30, udpAnswered: 160, udpUnanswered: 30 });
  await tenant.flows({ tcpOpen: 10, udpAnswered: 12 });
  const namespaces = { 'qrouter-web': 'fxr-g', 'tenant-b': 'fxt-g' };
  const root = sosreport(lab, { hostname: 'gw-netns.example.net', mark, namespaces });
  const folder = folderFor('sos-netns');
  expectations(folder, factsOf('sos', packSos(root, folder), sosSources(root, Object.keys(namespaces))));
});

/** A small gateway that is full, with IPv6, and the line of the log that it begins with. */
async function fullGateway(): Promise<{ lab: Lab; mark: string }> {
  setLimits({ max: 300 });
  const lab = await gateway('fx');
  await setTimeout(LOG_PAUSE_MS);
  const mark = markLog(`foreign begins at ${Date.now()}`);
  ipv6Flows(lab);
  await lab.flows({ tcpOpen: 100, tcpShort: 30, synOnly: 10, udpAnswered: 120, udpUnanswered: 80, againEveryMs: 4000 });
  return { lab, mark };
}

test.each([
  { name: 'supportconfig', hostname: 'gw-scc', layout: supportconfig },
  { name: 'eks', hostname: 'ip-10-0-12-34.example.net', layout: eks },
  { name: 'rancher', hostname: 'gw-rancher', layout: rancher },
  { name: 'insights', hostname: 'gw-insights.example.net', layout: insights },
  {
    name: 'insights-old',
    hostname: 'gw-old.example.net',
    layout: (from: string, to: string) => insights(from, to, { old: true }),
  },
  { name: 'proc-tree', hostname: 'gw-proc.example.net', layout: procTree },
  { name: 'loose', hostname: 'gw-loose.example.net', layout: loose },
])('$name', async ({ name, hostname, layout }) => {
  const { lab, mark } = await fullGateway();
  const folder = folderFor(name);
  expectations(folder, layout(capture(lab, hostname, mark), folder));
});

test('sos-collect: two nodes in one archive', async () => {
  const { lab, mark } = await fullGateway();
  const quiet = await gateway('fxq');
  await quiet.flows({ tcpOpen: 20, udpAnswered: 20 });
  const name = 'sos-collector-nodes-2026-11-25-vhqkz';
  const root = path.join(scratchFolder(), name);
  mkdirSync(path.join(root, 'sos_logs'), { recursive: true });
  const hosts = [
    { hostname: 'node-1.example.net', node: lab, since: mark },
    { hostname: 'node-2.example.net', node: quiet, since: markLog(`foreign goes on at ${Date.now()}`) },
  ].map(({ hostname, node, since }) => {
    const report = sosreport(node, { hostname, mark: since });
    return factsOf('sos', packSos(report, root), sosSources(report));
  });
  writeFileSync(path.join(root, 'sos_logs/sos.log'), '');
  const folder = folderFor('sos-collect');
  pack(root, path.join(folder, `${name}.tar.xz`));
  expectations(folder, { layout: 'sos-collect', archive: `${name}.tar.xz`, hosts });
});
