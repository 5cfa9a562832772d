/**
 * A gateway on this machine's own kernel: three network namespaces, clients – gateway – servers, joined by veth pairs. The
 * gateway forwards, tracks and masquerades. Everything that passes is real packets; everything made here is removed again.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const TRAFFIC = fileURLToPath(new URL('traffic.mjs', import.meta.url));
const MAX = '/proc/sys/net/netfilter/nf_conntrack_max';

/** Why this machine cannot run a lab; undefined if it can. */
export function whyNoLab(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root to make network namespaces';
  if (!existsSync(MAX)) return 'the kernel has no connection tracking';
  for (const tool of ['ip', 'nft', 'unshare']) {
    try {
      execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
    } catch {
      return `needs the command ${tool}`;
    }
  }
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
  } catch {
    return 'may not make network namespaces';
  }
  return undefined;
}

/** What traffic.mjs is asked for, and what it says it made. */
export interface Flows {
  udpAnswered?: number;
  udpUnanswered?: number;
  tcpOpen?: number;
  tcpShort?: number;
  synOnly?: number;
}

/** Where the collector is, for those who run it by hand. */
const COLLECTOR = fileURLToPath(new URL('../../src/collector/collect.sh', import.meta.url));

export class Lab {
  readonly #names: { clients: string; gateway: string; servers: string };
  readonly #processes: ChildProcess[] = [];
  readonly #savedMax = readFileSync(MAX, 'utf8').trim();

  /** @param name  short and of its own: interface names have 15 characters at most */
  constructor(name: string, options: { masquerade?: boolean } = {}) {
    this.#names = { clients: `${name}-c`, gateway: `${name}-g`, servers: `${name}-s` };
    try {
      this.#build(options.masquerade !== false);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #build(masquerade: boolean): void {
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
        chain nat { type nat hook postrouting priority 100; ${masquerade ? 'oifname "out" masquerade' : ''}; }
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

  /** A number that the gateway's kernel prints. */
  read(file: string): number {
    return Number(this.run('gateway', 'cat', file));
  }

  /** Runs the collector in the gateway, under a host name of its own. Returns what it prints. */
  collect(output: string, options: { hostname?: string; args?: string[] } = {}): string {
    // A bundle keeps the command line: it is to name no folder of this machine.
    const script = 'echo "$1" > /proc/sys/kernel/hostname; cd "$2"; shift 2; exec sh "$@"';
    const { dir, base } = path.parse(output);
    const args = [options.hostname ?? 'gateway.lab', dir, COLLECTOR, '--output', base, ...(options.args ?? [])];
    return this.run('gateway', 'unshare', '--uts', 'sh', '-c', script, 'sh', ...args);
  }

  async startServers(): Promise<void> {
    await this.#start('servers', 'server');
  }

  /** Makes flows and keeps them open until the lab is closed. Returns what was made. */
  async flows(
    wanted: Flows & { perSecond?: number; againEveryMs?: number },
  ): Promise<Required<Flows> & { refused: number }> {
    return JSON.parse(await this.#start('clients', 'client', JSON.stringify(wanted)));
  }

  /** Lets the clients that were started last send their unanswered UDP once more. */
  again(): void {
    this.#processes.at(-1)?.stdin?.write('again\n');
  }

  /** Sets the limit, which all namespaces of this kernel share, until the lab is closed. */
  setMax(max: number): void {
    writeFileSync(MAX, String(max));
  }

  /** Removes what was made and puts the limit back. */
  close(): void {
    for (const child of this.#processes) child.kill('SIGKILL');
    for (const namespace of Object.values(this.#names)) {
      if (existsSync(`/run/netns/${namespace}`)) ip('netns', 'del', namespace);
    }
    writeFileSync(MAX, this.#savedMax);
  }

  #join(a: string, addressA: string, b: string, addressB: string, nameAtB: string): void {
    ip('-n', a, 'link', 'add', 'name', 'uplink', 'type', 'veth', 'peer', 'name', nameAtB, 'netns', b);
    ip('-n', a, 'addr', 'add', addressA, 'dev', 'uplink');
    ip('-n', b, 'addr', 'add', addressB, 'dev', nameAtB);
    ip('-n', a, 'link', 'set', 'uplink', 'up');
    ip('-n', b, 'link', 'set', nameAtB, 'up');
  }

  async #start(where: 'clients' | 'servers', ...args: string[]): Promise<string> {
    const child = spawn(
      'ip',
      [
        'netns',
        'exec',
        this.#names[where],
        'sh',
        '-c',
        'ulimit -n "$(ulimit -H -n)"; exec "$@"',
        'sh',
        process.execPath,
        TRAFFIC,
        ...args,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    this.#processes.push(child);
    const [first] = await Promise.race([
      once(child.stdout as NonNullable<typeof child.stdout>, 'data'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`traffic.mjs ${args[0]} ended with ${code}`);
      }),
    ]);
    return String(first);
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
