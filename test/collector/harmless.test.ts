/** What the collector does to the host that it runs on, whatever happens to it: nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  folder,
  has,
  missing,
  nobody,
  type Run,
  readBundle,
  type Start,
  script,
  start,
  survivors,
  test,
  toolFolder,
  until,
} from './harness.ts';

const shell = has('dash') ? 'dash' : 'sh';
const collect = [shell, script, '--samples', '1', '--interval', '0'];
const [, list = ''] = readFileSync(script, 'utf8').match(/^NEEDED='(.*)'$/m) ?? [];
const NEEDED = list.split(' ');
/** What the collector uses where it is there. */
const OPTIONAL = 'cksum conntrack df dmesg getconf id ionice journalctl mkfifo mktemp renice sha256sum tee'.split(' ');

/** Loaded modules, and every setting of connection tracking. */
function settings(): Record<string, string> {
  const files = ['/proc/modules', '/proc/sys/net/nf_conntrack_max'];
  for (const place of ['/proc/sys/net/netfilter', '/proc/sys/net/ipv4/netfilter']) {
    if (existsSync(place)) files.push(...readdirSync(place).map((name) => `${place}/${name}`));
  }
  const told: Record<string, string> = {};
  for (const file of files) {
    if (file.endsWith('_count') || !existsSync(file)) continue;
    try {
      told[file] = readFileSync(file, 'utf8');
    } catch {
      // A folder, or a setting that cannot be read.
    }
  }
  return told;
}

/**
 * Runs a command in a folder of its own, which is also TMPDIR, until all that came of it has ended. Afterwards everything is set as it was,
 * and the folder is empty or holds a whole bundle.
 */
async function harmless(
  command: string[],
  options: Partial<Start> & { signal?: NodeJS.Signals; afterMs?: number } = {},
): Promise<Run & { written: boolean; seconds: number }> {
  const cwd = folder();
  const before = settings();
  const began = Date.now();
  const { child, done, mark } = start(command, { ...options, cwd, env: { TMPDIR: cwd, ...options.env } });
  const timer = options.signal ? setTimeout(() => child.kill(options.signal), options.afterMs) : undefined;
  const result = await done;
  const seconds = (Date.now() - began) / 1000;
  clearTimeout(timer);
  await until(() => survivors(mark).length === 0, 'all its processes had ended', 10_000);
  const left = readdirSync(cwd);
  expect(left.filter((name) => !name.endsWith('.tar.gz'))).toEqual([]);
  expect(left.length).toBeLessThanOrEqual(1);
  for (const name of left) await readBundle(readFileSync(path.join(cwd, name)));
  expect(settings()).toEqual(before);
  return { ...result, written: left.length > 0, seconds };
}

/** The same numbers between 0 and 1 each time (Lehmer, modulo 2^31 − 1). */
function moments(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  });
}

/** Runs so many at a time. */
async function each<T>(items: T[], width: number, body: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) await body(item);
    }),
  );
}

it('compares something', () => {
  if (existsSync('/proc/sys/net/netfilter')) {
    expect(Object.keys(settings())).toContain('/proc/sys/net/netfilter/nf_conntrack_max');
  }
});

describe('killed at ten random moments', () => {
  it.each([
    ['SIGTERM', 143, 20031105],
    ['SIGKILL', null, 20261122],
  ] as const)(
    'by %s: no file but a whole bundle, no process, no setting changed',
    { timeout: 180_000 },
    async (signal, status, seed) => {
      const width = 5;
      let usual = 0;
      await each([1, 2, 3, 4, 5], width, async () => {
        const { seconds } = await harmless(collect);
        usual = Math.max(usual, seconds);
      });
      const ends: string[] = [];
      await each(moments(10, seed), width, async (moment) => {
        const result = await harmless(collect, { signal, afterMs: 1000 * usual * moment });
        ends.push(result.written ? 'written' : 'nothing');
        // One that had ended before is no less well.
        expect([status, 0]).toContain(result.status);
        expect(result.status === 0 && !result.written).toBe(false);
        expect(result.stderr).toBe('');
      });
      expect(ends.filter((end) => end === 'nothing').length).toBeGreaterThanOrEqual(5);
    },
  );
});

describe.concurrent('a host that is short of something', () => {
  const onDisk = (options: string) => [
    'unshare',
    '-m',
    'sh',
    '-c',
    'mount -t tmpfs -o "$0" none . && cd "$PWD" && { "$@"; status=$?; ls -A >&2; cat ./*.tar.gz 2>/dev/null; exit $status; }',
    options,
    ...collect,
  ];

  test(
    'of space or of inodes, sooner or later: refuses, or writes a whole bundle',
    missing('root', 'mounts'),
    async () => {
      const disks = [
        'size=3m',
        'size=4200k',
        ...[12, 40, 100, 160, 190, 220, 1000].map((n) => `size=32m,nr_inodes=${n}`),
      ];
      const ends: (number | null)[] = [];
      await each(disks, 5, async (disk) => {
        const { status, stdout, stderr } = await harmless(onDisk(disk));
        ends.push(status);
        if (status === 0) {
          expect(stderr, disk).toMatch(/^conntrack-.*\.tar\.gz\n$/);
          await readBundle(stdout.subarray(stdout.indexOf(Buffer.from([0x1f, 0x8b]))));
        } else {
          expect(status, disk).toBe(1);
          expect(stderr, disk).toMatch(/^collect\.sh: no space left in .*Nothing was written\. .*--stdout.*\n$/);
        }
      });
      expect(new Set(ends)).toEqual(new Set([0, 1]));
    },
    120_000,
  );

  const readOnly = (places: string, then: string) => [
    'unshare',
    '-m',
    'sh',
    '-c',
    `for place in ${places}; do if [ -d "$place" ]; then mount -t tmpfs -o ro none "$place" || exit; fi; done; ${then} && exec "$@"`,
    'sh',
  ];

  test('of a folder that may be written to: says which it tried', missing('root', 'mounts'), async () => {
    // The script is read before: it may be in a folder that is covered.
    const input = readFileSync(script, 'utf8');
    const stdout = [shell, '-s', '--', '--stdout', '--samples', '0'];
    const piped = await harmless([...readOnly('"$PWD" /tmp /var/tmp /run /dev/shm', 'cd /'), ...stdout], { input });
    expect(piped.stderr).toMatch(
      /^collect\.sh: no folder for temporary files .*\/dev\/shm\)\. Nothing was written\. .*\n$/,
    );
    expect(piped).toMatchObject({ status: 1, stdout: Buffer.alloc(0) });

    const here = await harmless([...readOnly('"$PWD"', 'cd "$PWD"'), shell, '-s', '--', '--samples', '0'], { input });
    expect(here.stderr).toMatch(/cannot be written to\. Nothing was written\. .*--output\.\n$/);
    expect(here).toMatchObject({ status: 1, stdout: Buffer.alloc(0) });
  });

  const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
  const withProc = (mount: string, command: string[]) => [
    'unshare',
    '-m',
    'sh',
    '-c',
    `mount ${mount} none /proc && cd / && cd - >/dev/null && exec "$@"`,
    'sh',
    ...command,
  ];
  for (const [name, around, slabinfo] of [
    ['of rights: nobody', asNobody, 'denied'],
    ['of rights: root without capabilities', ['setpriv', '--bounding-set=-all', '--inh-caps=-all'], undefined],
    ['of processes to see (hidepid)', withProc('-t proc -o hidepid=2', asNobody), 'denied'],
    ['of a /proc that can be read', withProc('-t tmpfs -o mode=700', asNobody), 'absent'],
  ] as const) {
    test(`${name}: takes what it may`, missing('root', 'mounts', 'setpriv'), async () => {
      const { status, stdout, stderr } = await harmless([...around, ...collect]);
      expect(stderr).toBe('');
      expect(status).toBe(0);
      if (slabinfo) expect(stdout.toString()).toContain(`proc/slabinfo: ${slabinfo}, `);
    });
  }
});

describe('each tool that it can do without', () => {
  const pathTo = (tools: string[]) => toolFolder(Object.fromEntries(tools.map((tool) => [tool, true])));

  it('is missing in turn', { timeout: 180_000 }, async () => {
    const real = spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).stdout.trim();
    await each(OPTIONAL, 5, async (tool) => {
      const others = pathTo([...NEEDED, ...OPTIONAL].filter((name) => name !== tool));
      const result = await harmless([real, ...collect.slice(1)], { env: { PATH: others } });
      expect(result.stderr, tool).toBe('');
      expect(result, tool).toMatchObject({ status: 0, written: true });
    });
  });
});

describe('every system call of a run', () => {
  test(
    'loads no module, changes no setting, opens no connection, writes below its own folder only',
    missing('root', 'strace', 'unshare'),
    async () => {
      const logs = folder();
      const cwd = folder();
      const calls =
        'execve,chdir,openat,open,creat,socket,init_module,finit_module,delete_module,mount,umount2,setns,unshare,' +
        'mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,chmod,fchmodat,' +
        'truncate,utimensat,sethostname,kexec_load,bpf,ptrace,reboot';
      const { done, mark } = start(
        ['strace', '-ff', '-qq', '-y', '-o', path.join(logs, 'calls'), '-e', `trace=${calls}`, ...collect],
        {
          cwd,
        },
      );
      const result = await done;
      expect(result).toMatchObject({ status: 0, stderr: '' });
      await until(() => survivors(mark).length === 0, 'all its processes had ended', 5000);
      // A file for each process: no call is interrupted by another one.
      const lines = readdirSync(logs)
        .flatMap((name) => {
          const pid = path.extname(name).slice(1);
          return readFileSync(path.join(logs, name), 'latin1')
            .split('\n')
            .map((line) => `${pid} ${line}`);
        })
        .filter((line) => line.includes('(') && !/ = -1 E/.test(line));
      const of = (call: RegExp) => lines.filter((line) => call.test(line.replace(/^\d+ /, '')));

      expect(of(/^execve\(/).length).toBeGreaterThan(100);
      const programs = new Set(
        of(/^execve\(/).map((line) => path.basename(/execve\("([^"]+)"/.exec(line)?.[1] ?? line)),
      );
      for (const program of programs) expect([shell, ...NEEDED, ...OPTIONAL]).toContain(program);

      const forbidden =
        /^(?:init_module|finit_module|delete_module|u?mount2?|setns|unshare|truncate|sethostname|kexec_load|bpf|ptrace|reboot)\(/;
      expect(of(forbidden)).toEqual([]);
      // Programs may look users up with a local service; conntrack alone talks to the kernel.
      const sockets = of(/^socket\(/).filter((line) => !line.includes('AF_UNIX'));
      const talkers = new Set(sockets.map((line) => line.split(' ')[0]));
      for (const pid of talkers)
        expect(
          of(/^execve\(/)
            .filter((line) => line.startsWith(`${pid} `))
            .at(-1),
        ).toContain('conntrack');
      expect(sockets.filter((line) => !line.includes('AF_NETLINK'))).toEqual([]);

      const written = of(/^(?:open|openat|creat)\(.*(?:O_WRONLY|O_RDWR|O_CREAT|^creat)/);
      const changed = of(/^(?:mkdir|mknod|rename|unlink|link|symlink|chmod|fchmod|utimens)/);
      expect(written.length).toBeGreaterThan(50);
      expect(changed.length).toBeGreaterThan(10);
      // "mkdir -p" goes to where it makes a folder.
      const gone = new Set(of(/^chdir\("[^"]*\.conntrack-report\./).map((line) => line.split(' ')[0]));
      const places = (line: string) => {
        const opened = / = \d+<([^>]*)>$/.exec(line)?.[1];
        if (opened) return [opened];
        if (/ mkdir\("[^/]/.test(line) && gone.has(line.split(' ')[0])) return [];
        return [...line.matchAll(/(?:<([^>]*)>, )?"([^"]*)"/g)].map(([, from = '', name = '']) =>
          path.resolve(from, name),
        );
      };
      const bundle = path.join(realpathSync(cwd), readdirSync(cwd)[0] ?? '');
      const elsewhere = [...written, ...changed].filter((line) =>
        places(line).some((place) => !place.includes('/.conntrack-report.') && !['/dev/null', bundle].includes(place)),
      );
      expect(elsewhere).toEqual([]);
    },
    120_000,
  );
});
