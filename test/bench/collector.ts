/**
 * `npm run bench:collector`, as root: what a capture of 500 000 entries costs the gateway that it is made on, on this machine's kernel.
 * How long UDP takes through the gateway with and without it, its CPU and its memory, beside `cat /proc/net/nf_conntrack | gzip` at the
 * same priority. Both write to an ext4 of their own, as a gateway has it: on one without a journal the kernel looks at each file that was
 * deleted in the last minutes before it makes another (recently_deleted() in fs/ext4/ialloc.c), which holds packets up for a millisecond
 * where there were thousands, whoever asks. Takes two minutes, and two idle cores to mean anything. Sets and restores nf_conntrack_max,
 * which all namespaces share.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { Lab, setLimits, whyNoLab } from '../live/lab.ts';

const ENTRIES = 500_000;
/** With one client all rows would be nearly the same, and pack as no real table does. */
const CLIENTS = 2_000;
const ROUNDS = 5;
/** What is asked of the collector: times the CPU of the yardstick, and MiB more than it. */
const MOST_CPU = 1.3;
const MOST_MEMORY = 16;

const MAKE_ENTRIES = fileURLToPath(new URL('../live/entries.mjs', import.meta.url));
const ROUND_TRIP = fileURLToPath(new URL('round-trip.mjs', import.meta.url));
const COLLECTOR = fileURLToPath(new URL('../../src/collector/collect.sh', import.meta.url));
/** One that entries.mjs sends nothing to. */
const SERVER = ['203.0.113.20', '53'];
/** Client and server stand for other machines, which wait for no CPU of this one. */
const ELSEWHERE = ['chrt', '--fifo', '10', process.execPath, ROUND_TRIP];

const YARDSTICK = ['nice', '-n', '19', 'sh', '-c', 'cat /proc/net/nf_conntrack | gzip > "$0"'];
/** One reading of the counters, so that it is the table that takes its time. */
const CAPTURE = ['sh', COLLECTOR, '--samples', '1', '--output'];

/** Of the disk that both write to. */
const DISK_BYTES = 512 * 1024 * 1024;

interface Cost {
  wallSeconds: number;
  cpuSeconds: number;
  peakMiB: number;
}

interface RoundTrips {
  answers: number;
  lost: number;
  p50Ms: number;
  p99Ms: number;
}

const reason = whyNoLab();
if (reason !== undefined) throw new Error(`cannot make a gateway: ${reason}`);

const say = (line: string) => process.stdout.write(`${line}\n`);
const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
const spread = (numbers: number[]) =>
  `${median(numbers).toFixed(2)} (${Math.min(...numbers).toFixed(2)} – ${Math.max(...numbers).toFixed(2)})`;

/** User and system time of all children that have ended, theirs included, in seconds (proc(5), stat, fields 16 and 17; 100 ticks a second). */
function childSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Has an ext4 that is a file used as a disk. */
async function onDisk(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-report-bench-'));
  const image = path.join(folder, 'image');
  const disk = path.join(folder, 'disk');
  try {
    writeFileSync(image, '');
    truncateSync(image, DISK_BYTES);
    mkdirSync(disk);
    execFileSync('mkfs.ext4', ['-q', '-F', image]);
    execFileSync('mount', ['-o', 'loop', image, disk]);
    try {
      await use(disk);
    } finally {
      execFileSync('umount', [disk]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a process and all that came of it hold at the moment, in MiB; of what several share, each has its part (Pss). */
function memoryOf(pid: number): number {
  const read = (file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return '';
    }
  };
  const children = read(`task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  const own = Number(/^Pss:\s+(\d+)/m.exec(read('smaps_rollup'))?.[1] ?? 0) / 1024;
  return children.reduce((sum, child) => sum + memoryOf(child), own);
}

/**
 * Runs a command to its end. In a PID namespace of its own what loses its parent is still waited for, and so counted; whether its memory
 * is watched as well, which takes some of a CPU.
 */
async function costOf(lab: Lab, command: string[], { memory = false } = {}): Promise<Cost> {
  const before = childSeconds();
  const start = process.hrtime.bigint();
  const whole = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c', '"$@"; exit $?', 'sh', ...command];
  const child = lab.spawn('gateway', whole);
  let peakMiB = 0;
  const watch = memory
    ? setInterval(() => {
        peakMiB = Math.max(peakMiB, memoryOf(child.pid ?? 0));
      }, 10)
    : undefined;
  const [code] = await once(child, 'exit');
  clearInterval(watch);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`);
  const wallSeconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { wallSeconds, cpuSeconds: childSeconds() - before, peakMiB };
}

/** Asks a server through the gateway all the time. Returns what tells how that went since it was called last. */
function askAllTheTime(lab: Lab): () => Promise<RoundTrips> {
  const child = lab.spawn('clients', [...ELSEWHERE, 'ask', ...SERVER]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    child.stdin.write('\n');
    return JSON.parse((await lines.next()).value);
  };
}

test('a capture of a large table, and its gateway', { timeout: 600_000 }, () => onDisk(measure));

async function measure(folder: string): Promise<void> {
  const bundle = path.join(folder, 'bundle.tar.gz');
  const packed = path.join(folder, 'table.gz');
  const lab = new Lab('bnc');
  try {
    lab.setTimeouts({ udp_timeout: 3600 });
    setLimits({ max: 2 * ENTRIES });
    lab.spawn('servers', [...ELSEWHERE, 'answer', ...SERVER]);
    lab.run('clients', process.execPath, MAKE_ENTRIES, '0', String(ENTRIES), String(CLIENTS));
    const count = lab.read('/proc/sys/net/netfilter/nf_conntrack_count');
    say(`${count} entries; median (least – most) of ${ROUNDS} rounds; load ${loadavg()[0]?.toFixed(1)} before`);

    const capture = (options?: { memory: boolean }) => costOf(lab, [...CAPTURE, bundle], options);
    const yardstick = (options?: { memory: boolean }) => costOf(lab, [...YARDSTICK, packed], options);
    const pairs: [Cost, Cost][] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const pair = [await capture(), await yardstick()] as const;
      pairs.push([...pair]);
    }
    const cpu = pairs.map(([ours, theirs]) => ours.cpuSeconds / theirs.cpuSeconds);
    const seconds = (which: 0 | 1, what: 'cpuSeconds' | 'wallSeconds') =>
      spread(pairs.map((pair) => pair[which][what]));
    say(`  CPU ÷ that of cat | gzip: ${spread(cpu)} (asked: at most ${MOST_CPU})`);
    say(`    ${seconds(0, 'cpuSeconds')} s and ${seconds(1, 'cpuSeconds')} s of CPU,`);
    say(`    ${seconds(0, 'wallSeconds')} s and ${seconds(1, 'wallSeconds')} s by the clock`);

    const [ours, theirs] = [await capture({ memory: true }), await yardstick({ memory: true })];
    say(
      `  memory − that of cat | gzip: ${(ours.peakMiB - theirs.peakMiB).toFixed(1)} MiB (asked: at most ${MOST_MEMORY} MiB)`,
    );
    say(`    ${ours.peakMiB.toFixed(1)} MiB and ${theirs.peakMiB.toFixed(1)} MiB`);

    const answers = askAllTheTime(lab);
    await setTimeout(1000);
    const rounds: { without: RoundTrips; during: RoundTrips }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await answers();
      const start = performance.now();
      // Without the namespaces that costOf makes: making them and taking them down delays packets, too.
      await once(lab.spawn('gateway', [...CAPTURE, bundle]), 'exit');
      const milliseconds = performance.now() - start;
      const during = await answers();
      await setTimeout(milliseconds);
      rounds.push({ during, without: await answers() });
    }
    const of = (what: 'p50Ms' | 'p99Ms') => rounds.map(({ during, without }) => during[what] / without[what]);
    const times = (when: 'during' | 'without', what: 'p50Ms' | 'p99Ms') =>
      spread(rounds.map((round) => round[when][what]));
    const lost = (when: 'during' | 'without') => rounds.reduce((sum, round) => sum + round[when].lost, 0);
    say(`  UDP round trip, 99th percentile, with ÷ without a capture: ${spread(of('p99Ms'))} (asked: near 1)`);
    say(
      `    ${times('during', 'p99Ms')} ms and ${times('without', 'p99Ms')} ms; lost ${lost('during')} and ${lost('without')}`,
    );
    say(
      `    median: ${spread(of('p50Ms'))}, ${times('during', 'p50Ms')} ms and ${times('without', 'p50Ms')} ms; load ${loadavg()[0]?.toFixed(1)} after`,
    );
  } finally {
    lab.close();
  }
}
