/**
 * A gateway on this machine's own kernel: three network namespaces, clients – gateway – servers, joined by veth pairs. The
 * gateway forwards, tracks and masquerades. Everything that passes is real packets; everything made here is removed again.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const TRAFFIC = fileURLToPath(new URL('traffic.mjs', import.meta.url));
const LIMITS = {
  max: '/proc/sys/net/netfilter/nf_conntrack_max',
  buckets: '/proc/sys/net/netfilter/nf_conntrack_buckets',
};
const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count';

/** Why this machine cannot make network namespaces and run these commands in them; undefined if it can. */
export function whyNoNamespaces(commands: string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root to make network namespaces';
  for (const command of commands) {
    try {
      execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    } catch {
      return `needs the command ${command}`;
    }
  }
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
  } catch {
    return 'may not make network namespaces';
  }
  return undefined;
}

/** Why this machine cannot run a lab; undefined if it can. */
export function whyNoLab(): string | undefined {
  return (
    whyNoNamespaces(['ip', 'mount', 'nft', 'sysctl', 'unshare']) ??
    (existsSync(LIMITS.max) ? undefined : 'the kernel has no connection tracking')
  );
}

/** What traffic.mjs is asked for, and what it says it made. */
export interface Flows {
  udpAnswered?: number;
  udpUnanswered?: number;
  tcpOpen?: number;
  tcpShort?: number;
  synOnly?: number;
}

/** What traffic.mjs makes all the time, and until when. */
export interface Load {
  /** New flows of each kind. */
  perSecond: Partial<
    Record<'udpAnswered' | 'udpUnanswered' | 'udpStream' | 'tcpShort' | 'tcpLong' | 'synOnly', number>
  >;
  /** So many answered UDP exchanges within one second, in each period. */
  burst?: { flows: number; firstSecond: number; everySeconds: number };
  /** The load stops growing then, but what is open stays open, and what was refused is tried again. Default: never. */
  arriveForSeconds?: number;
  /** UDP services that are asked, 80 at most. */
  destinations?: number;
  /** How long a long TCP connection stays open and a UDP stream goes on. Default: to the end. */
  lastSeconds?: number;
  /** How often an unanswered UDP exchange is tried again, after a second each. */
  retries?: number;
}

/** Notes the limits that all namespaces of this kernel share. Returns what puts them back, and may be called twice. */
export function keepLimits(): () => void {
  const saved = Object.values(LIMITS).map((file) => [file, readFileSync(file, 'utf8')] as const);
  return () => {
    for (const [file, value] of saved) {
      if (readFileSync(file, 'utf8') !== value) writeFileSync(file, value);
    }
  };
}

/** Sets such limits. Whoever does so has called {@link keepLimits} before. */
export function setLimits(limits: { max?: number; buckets?: number }): void {
  if (limits.buckets !== undefined) writeFileSync(LIMITS.buckets, String(limits.buckets));
  if (limits.max !== undefined) writeFileSync(LIMITS.max, String(limits.max));
}

/** Where the collector is, for those who run it by hand. */
const COLLECTOR = fileURLToPath(new URL('../../src/collector/collect.sh', import.meta.url));

/**
 * Runs the collector where it sees no log but the kernel's own, and of that one what came after a line of ours: the rest is
 * not of this gateway. Arguments: that line, host name, folder, and the collector with its options. A bundle keeps the
 * command line: it is to name no folder of this machine. With LAB_BOOT_ID set, stand-ins say when it is and which host.
 */
const COLLECT = `
mount -t tmpfs none /mnt && cat > /mnt/dmesg <<END && chmod +x /mnt/dmesg || exit
#!/bin/sh
log=\\$($(command -v dmesg)) && printf '%s\\n' "\\$log" | sed '\${1:+1,/$1/d}' | awk -v shift="\${LAB_BOOT_SECONDS:-0}" '
  match(\\$0, /^\\[ *[0-9.]+\\]/) { printf "[%12.6f]%s\\n", substr(\\$0, 2, RLENGTH - 2) + shift, substr(\\$0, RLENGTH + 1); next }
  { print }'
END
for logs in /var/log /run/log; do
  if [ -d $logs ]; then mount -t tmpfs none $logs || exit; fi
done
if [ -n "\${LAB_BOOT_ID-}" ]; then
  cat > /mnt/date <<END && chmod +x /mnt/date || exit
#!/bin/sh
exec $(command -v date) -d "@\\$((\\$($(command -v date) +%s) + $LAB_CLOCK_SECONDS))" "\\$@"
END
  echo "$LAB_BOOT_ID" > /mnt/boot_id && mount --bind /mnt/boot_id /proc/sys/kernel/random/boot_id || exit
  echo "$LAB_MACHINE_ID" > /mnt/machine-id && mount --bind /mnt/machine-id /etc/machine-id || exit
  mount -t tmpfs none /etc/sysctl.d && mount -t tmpfs none /sys/kernel/slab || exit
  if [ -n "$LAB_SYSCTLS" ]; then echo "$LAB_SYSCTLS" > /etc/sysctl.d/90-conntrack.conf; fi
fi
echo "$2" > /proc/sys/kernel/hostname
cd "$3" || exit
shift 3
PATH=/mnt:$PATH exec sh "$@"`;

/**
 * What stands in for the clock and the identity of a host: in samples only, and never for what was measured. Of SLUB's folder in sysfs, 30
 * files that say what /proc/slabinfo says, nothing is seen then: these samples are to be small.
 */
export interface StandIns {
  capturedAt: Date;
  uptimeSeconds: number;
  bootId: string;
  machineId: string;
  /** Lines of a file in /etc/sysctl.d; none: there is no such file. */
  sysctls?: string[];
}

export class Lab {
  readonly #names: { clients: string; gateway: string; servers: string };
  readonly #processes: ChildProcess[] = [];
  readonly #clients: ChildProcess[] = [];
  readonly #restore = keepLimits();
  #mark: string;

  /**
   * @param name         short and of its own: namespaces are named after it
   * @param options.nat  what is done to all that leaves, as a statement of nft; nothing, if empty
   */
  constructor(name: string, options: { nat?: string } = {}) {
    this.#names = { clients: `${name}-c`, gateway: `${name}-g`, servers: `${name}-s` };
    this.#mark = this.#newMark();
    try {
      this.#build(options.nat ?? 'masquerade');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #build(nat: string): void {
    const { clients, gateway, servers } = this.#names;
    for (const namespace of [clients, gateway, servers]) {
      ip('netns', 'add', namespace);
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
    this.#join(clients, '10.19.0.2/24', gateway, '10.19.0.1/24', 'in');
    this.#join(servers, '198.18.0.2/24', gateway, '198.18.0.1/24', 'out');
    ip('-n', clients, 'route', 'add', 'default', 'via', '10.19.0.1');
    ip('-n', servers, 'route', 'add', 'default', 'via', '198.18.0.1');
    ip('-n', gateway, 'route', 'add', '10.20.0.0/16', 'via', '10.19.0.2');
    ip('-n', gateway, 'route', 'add', '203.0.113.0/24', 'via', '198.18.0.2');
    // Local routes let one namespace speak for thousands of addresses.
    ip('-n', clients, 'route', 'add', 'local', '10.20.0.0/16', 'dev', 'lo');
    ip('-n', servers, 'route', 'add', 'local', '203.0.113.0/24', 'dev', 'lo');
    this.run('gateway', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    this.run(
      'gateway',
      'nft',
      `table inet lab {
        chain forward { type filter hook forward priority 0; ct state invalid drop; }
        chain nat { type nat hook postrouting priority 100; ${nat && `oifname "out" ${nat}`}; }
      }`,
    );
    this.run(
      'servers',
      'nft',
      'table inet lab { chain input { type filter hook prerouting priority -300; ip daddr 203.0.113.250 drop; }; }',
    );
  }

  /** Runs a command in one of the namespaces and returns what it prints. */
  run(where: 'clients' | 'gateway' | 'servers', command: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.#names[where], command, ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Starts a command in one of the namespaces. It is ended when the lab is closed. */
  spawn(where: 'clients' | 'gateway' | 'servers', command: string[]): ChildProcessWithoutNullStreams {
    const child = spawn('ip', ['netns', 'exec', this.#names[where], ...command]);
    child.stderr.pipe(process.stderr);
    this.#processes.push(child);
    return child;
  }

  /** A number that the gateway's kernel prints. */
  read(file: string): number {
    return Number(this.run('gateway', 'cat', file));
  }

  /** Sets timeouts of the gateway's own: `{ udp_timeout: 10 }`. */
  setTimeouts(seconds: Record<string, number>): void {
    for (const [name, value] of Object.entries(seconds)) {
      this.run('gateway', 'sh', '-c', `echo ${value} > /proc/sys/net/netfilter/nf_conntrack_${name}`);
    }
  }

  /** The gateway's counters by the kernel's names of their columns, summed over the processors. */
  counters(): Record<string, number> {
    const [header = '', ...cpus] = this.run('gateway', 'cat', '/proc/net/stat/nf_conntrack').trim().split('\n');
    const rows = cpus.map((cpu) => cpu.split(/\s+/).map((hex) => Number.parseInt(hex, 16)));
    const sum = (column: number) => rows.reduce((total, row) => total + (row[column] ?? 0), 0);
    const totals = Object.fromEntries(header.split(/\s+/).map((name, column) => [name, sum(column)]));
    // Not a counter: each processor's line repeats the number of entries.
    delete totals.entries;
    return totals;
  }

  /** Follows the number of the gateway's entries, ten times a second. Returns what tells the most that there were. */
  watchCount(): () => number {
    const follow = this.spawn('gateway', ['sh', '-c', `while cat ${COUNT}; do sleep 0.1; done`]);
    let peak = 0;
    follow.stdout.on('data', (chunk) => {
      for (const line of String(chunk).split('\n')) peak = Math.max(peak, Number(line));
    });
    return () => peak;
  }

  /** Runs the collector in the gateway, under a host name of its own. Returns what it prints. */
  collect(output: string, options: { hostname?: string; args?: string[]; standIns?: StandIns } = {}): string {
    const { dir, base } = path.parse(output);
    const { standIns } = options;
    const args = [this.#mark, options.hostname ?? 'gateway.lab', dir, COLLECTOR, '--output', base];
    const [env, clock] = standIns ? standInsFor(standIns) : [[], []];
    const namespaces = ['--uts', '--mount', ...clock];
    return this.run(
      'gateway',
      'env',
      ...env,
      'unshare',
      ...namespaces,
      'sh',
      '-c',
      COLLECT,
      'sh',
      ...args,
      ...(options.args ?? []),
    );
  }

  /** Ends all clients and what they hold open, and lets the next capture see only what is logged from now on. */
  hush(): void {
    for (const child of this.#clients.splice(0)) child.kill('SIGKILL');
    this.#mark = this.#newMark();
  }

  /** Reading the table takes out what has expired: in a small one the kernel itself comes round once a minute at the most. */
  sweep(): void {
    this.run('gateway', 'cat', '/proc/net/nf_conntrack');
  }

  #newMark(): string {
    return markLog(`lab ${this.#names.gateway} of process ${process.pid} begins at ${Date.now()}`);
  }

  async startServers(): Promise<void> {
    await this.#start('servers', 'server');
  }

  /** Makes new flows all the time until the lab is closed. */
  async load(wanted: Load): Promise<void> {
    await this.#start('clients', 'load', JSON.stringify(wanted));
  }

  /** Makes flows and keeps them open until the lab is closed. Returns what was made. */
  async flows(
    wanted: Flows & { perSecond?: number; againEveryMs?: number },
  ): Promise<Required<Flows> & { refused: number }> {
    const { printed } = await this.#start('clients', 'client', JSON.stringify(wanted));
    return JSON.parse(printed);
  }

  /**
   * Sends from two processors at once, in so many rounds: by turns two packets of one flow, and two of different clients that
   * use the same port. Nothing waits for the end of it.
   */
  async race({ rounds, everyMs }: { rounds: number; everyMs: number }): Promise<void> {
    const common = { firstPort: 30_000, startMs: Number(process.hrtime.bigint()) / 1e6 + 1500, everyMs, rounds };
    await Promise.all(
      [
        { cpu: 0, sources: ['10.20.100.1', '10.20.100.2'] },
        { cpu: 1, sources: ['10.20.100.1', '10.20.100.3'] },
      ].map(async ({ cpu, sources }) => {
        const { pid } = await this.#start('clients', 'race', JSON.stringify({ ...common, sources }));
        execFileSync('taskset', ['-a', '-c', '-p', String(cpu), String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
      }),
    );
  }

  /** Has a process in the gateway: of namespaces without one the collector can see the name only. */
  inhabit(): void {
    this.#processes.push(spawn('ip', ['netns', 'exec', this.#names.gateway, 'sleep', 'infinity'], { stdio: 'ignore' }));
  }

  /** Lets the clients that were started last send their unanswered UDP once more. */
  again(): void {
    this.#processes.at(-1)?.stdin?.write('again\n');
  }

  /** Removes what was made and puts the limits back as they were when it began. */
  close(): void {
    for (const child of this.#processes) child.kill('SIGKILL');
    for (const namespace of Object.values(this.#names)) {
      if (existsSync(`/run/netns/${namespace}`)) ip('netns', 'del', namespace);
    }
    this.#restore();
  }

  #join(a: string, addressA: string, b: string, addressB: string, nameAtB: string): void {
    ip('-n', a, 'link', 'add', 'name', 'uplink', 'type', 'veth', 'peer', 'name', nameAtB, 'netns', b);
    ip('-n', a, 'addr', 'add', addressA, 'dev', 'uplink');
    ip('-n', b, 'addr', 'add', addressB, 'dev', nameAtB);
    ip('-n', a, 'link', 'set', 'uplink', 'up');
    ip('-n', b, 'link', 'set', nameAtB, 'up');
  }

  /** Starts traffic.mjs and waits for what it prints first. */
  async #start(where: 'clients' | 'servers', ...args: string[]): Promise<{ pid: number | undefined; printed: string }> {
    const limited = ['sh', '-c', 'ulimit -n "$(ulimit -H -n)"; exec "$@"', 'sh', process.execPath, TRAFFIC, ...args];
    const child = spawn('ip', ['netns', 'exec', this.#names[where], ...limited], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#processes.push(child);
    if (where === 'clients') this.#clients.push(child);
    const [first] = await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`traffic.mjs ${args[0]} ended with ${code}`);
      }),
    ]);
    return { pid: child.pid, printed: String(first) };
  }
}

/** Variables for COLLECT, and options of unshare: in a time namespace the uptime is another one, and goes on. */
function standInsFor({ capturedAt, uptimeSeconds, bootId, machineId, sysctls = [] }: StandIns): [string[], string[]] {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  const ahead = Math.round(uptimeSeconds - uptime);
  return [
    [
      // Whole seconds: the clock is to show that moment, not the one before it.
      `LAB_CLOCK_SECONDS=${Math.ceil((capturedAt.getTime() - Date.now()) / 1000)}`,
      `LAB_BOOT_SECONDS=${ahead}`,
      `LAB_BOOT_ID=${bootId}`,
      `LAB_MACHINE_ID=${machineId}`,
      `LAB_SYSCTLS=${sysctls.join('\n')}`,
    ],
    ['--time', '--boottime', String(ahead)],
  ];
}

/** Writes a line into the kernel's log. Returns it; nothing, where that is not allowed, as in most containers. */
export function markLog(line: string): string {
  try {
    // Without its newline the kernel shows it only when the next one comes.
    writeFileSync('/dev/kmsg', `${line}\n`);
    return line;
  } catch {
    return '';
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
