import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyse } from '../../src/analysis/analyse.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { readSnapshot } from '../../src/snapshot/read.ts';
import {
  type Bundle,
  fakeTree,
  folder,
  has,
  missing,
  nobody,
  type Run,
  readBundle,
  run,
  type Start,
  script,
  start,
  survivors,
  test,
  toolFolder,
  until,
  withFolders,
} from './harness.ts';

const shell = has('dash') ? 'dash' : 'sh';
const quick = ['--samples', '1', '--interval', '0'];

interface Host {
  args?: string[];
  /** Files of the host: those below proc, etc and var are mounted in place of the real folders. */
  files?: Record<string, string>;
  /** Programs that come first on the PATH. */
  tools?: Record<string, string>;
  around?: string[];
}

/** Runs the collector on a made-up host, and reads its bundle. */
async function collect(host: Host): Promise<Bundle & { result: Run; file: string }> {
  const cwd = folder();
  let command = [shell, script, ...quick, ...(host.args ?? [])];
  if (host.files) {
    const root = fakeTree(host.files);
    // What /usr/bin/awk is, for one, stands in /etc/alternatives.
    if (existsSync(path.join(root, 'etc')) && existsSync('/etc/alternatives')) {
      cpSync('/etc/alternatives', path.join(root, 'etc/alternatives'), { recursive: true, verbatimSymlinks: true });
    }
    const mounts = ['/proc', '/etc', '/var/log'].filter((place) => existsSync(path.join(root, place)));
    command = withFolders(Object.fromEntries(mounts.map((place) => [place, path.join(root, place)])), command);
  }
  const options: Start = { cwd };
  if (host.tools) options.env = { PATH: `${toolFolder(host.tools)}:${process.env.PATH}` };
  const { done, mark } = start([...(host.around ?? []), ...command], options);
  const result = await done;
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  // Below a made-up /proc the collector finds no process to stop; its watcher ends at its next look.
  await until(() => survivors(mark).length === 0, 'all its processes had ended', host.files ? 2000 : 0);
  const [name = '', ...others] = readdirSync(cwd);
  expect(others).toEqual([]);
  const file = path.join(cwd, name);
  return { ...(await readBundle(readFileSync(file))), result, file };
}

const uptime = { 'proc/uptime': '1234.56 2000.00\n' };
const mounts = missing('root', 'mounts');

describe('options', () => {
  it.each([
    [['--frobnicate'], "there is no option '--frobnicate'"],
    [['-h'], "there is no option '-h'"],
    [['--max-entries', '0'], '--max-entries needs a whole number from 1 to 20000000'],
    [['--max-entries=1e6'], '--max-entries needs a whole number'],
    [['--samples', '-1'], '--samples needs a whole number'],
    [['--samples', '99999999999999999999'], '--samples needs a whole number'],
    [['--interval', '010'], '--interval needs a whole number'],
    [['--interval'], '--interval needs a value'],
    [['--output='], '--output needs a file or a folder'],
    [['--stdout', '--output', 'x'], 'use either --stdout or --output'],
  ])('refuses %j', async (args, message) => {
    const cwd = folder();
    const result = await run([shell, script, ...args], { cwd });
    expect(result).toMatchObject({ status: 2, stdout: Buffer.alloc(0) });
    expect(result.stderr).toContain(`collect.sh: ${message}`);
    expect(result.stderr).toContain('sh collect.sh --help');
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('prints help and version and does nothing else', async () => {
    const cwd = folder();
    const help = await run([shell, script, '--help'], { cwd });
    expect(help).toMatchObject({ status: 0, stderr: '' });
    for (const option of [
      'output',
      'stdout',
      'no-table',
      'anonymize',
      'key-file',
      'max-entries',
      'samples',
      'interval',
      'version',
    ]) {
      expect(help.stdout.toString()).toContain(`--${option}`);
    }
    const printed = await run([shell, script, '--version'], { cwd });
    expect(printed.stdout.toString()).toMatch(/^collect\.sh \d+\.\d+\.\d+\n$/);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe.concurrent('the output', () => {
  it('goes to the named file, or into the named folder', async () => {
    const cwd = folder();
    mkdirSync(path.join(cwd, 'a folder'));
    const named = await run([shell, script, ...quick, '--no-table', '--output', "it's this.tar.gz"], { cwd });
    expect(named).toMatchObject({ status: 0, stderr: '' });
    const bundle = await readBundle(readFileSync(path.join(cwd, "it's this.tar.gz")));
    expect(bundle.manifest.command_line).toContain("it's this.tar.gz");
    const inside = await run([shell, script, ...quick, '--no-table', '--output=a folder'], { cwd });
    expect(inside).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(path.join(cwd, 'a folder'))).toEqual([expect.stringMatching(/^conntrack-.*Z\.tar\.gz$/)]);
    expect(readdirSync(cwd).sort()).toEqual(['a folder', "it's this.tar.gz"]);
  });

  it('is refused where it cannot go, with the reason', async () => {
    const cwd = folder();
    const absent = await run([shell, script, '--output', 'no/where.tar.gz'], { cwd });
    expect(absent.status).toBe(1);
    expect(absent.stderr).toMatch(/there is no folder .*no\. Nothing was written\. Make it, or choose another/);
    const device = await run([shell, script, '--output', '/dev/null'], { cwd });
    expect(device.status).toBe(1);
    expect(device.stderr).toContain('/dev/null is not a regular file. Nothing was written. Use --stdout');
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('is refused in a folder that belongs to somebody else', missing('root'), async () => {
    const cwd = folder();
    chmodSync(cwd, 0o755);
    const result = await run([shell, script], { cwd, uid: nobody });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/cannot be written to\. Nothing was written\. Go to a folder of yours/);
  });

  it('stops with an error when the reader of --stdout goes away', async () => {
    const cwd = folder();
    const command = `{ ${shell} "$0" --stdout --no-table --samples 1; echo "status $?" >&2; } | true`;
    const result = await run(['sh', '-c', command, script], { cwd, env: { TMPDIR: cwd } });
    expect(result.stderr).toContain('standard output was closed');
    expect(result.stderr).toContain('status 1\n');
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('has a safe name whatever the host is called', async () => {
    const uname = '#!/bin/sh\ncase $1 in -n) echo "../we ird\\"h;ost" ;; *) echo Linux ;; esac\n';
    const bundle = await collect({ args: ['--no-table'], tools: { uname } });
    expect(bundle.top).toMatch(/^conntrack-we-ird-h-ost-\d{8}T\d{6}Z$/);
  });
});

describe.concurrent('hosts with few tools', () => {
  test('runs with nothing but busybox', missing('busybox'), async () => {
    const cwd = folder();
    const tools = folder();
    spawnSync('busybox', ['--install', '-s', tools]);
    const { done, mark } = start([path.join(tools, 'sh'), script, ...quick], { cwd, env: { PATH: tools } });
    expect(await done).toMatchObject({ status: 0, stderr: '' });
    await until(() => survivors(mark).length === 0, 'all its processes had ended', 2000);
    expect(readdirSync(cwd)).toHaveLength(1);
    const bundle = await readBundle(readFileSync(path.join(cwd, readdirSync(cwd)[0] ?? '')));
    expect(bundle.line('proc/meminfo').status).toBe('captured');
    expect(bundle.text('commands/cpu-count')).toMatch(/^\d+\n$/);
  });

  const [, list = ''] = readFileSync(script, 'utf8').match(/^NEEDED='(.*)'$/m) ?? [];
  const needed = list.split(' ');

  it('says which tool is missing', async () => {
    const cwd = folder();
    const tools = toolFolder(Object.fromEntries(needed.filter((tool) => tool !== 'gzip').map((tool) => [tool, true])));
    const real = spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).stdout.trim();
    const result = await run([real, script], { cwd, env: { PATH: tools } });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('gzip is not installed, or not on the PATH. Nothing was written.');
  });

  it.each([
    ['no more than the script says it needs', [], /^$/],
    ['cksum for want of sha256sum', ['cksum', 'mkfifo', 'tee', 'mktemp', 'id'], /^cksum:\d+$/],
  ])('runs with %s', async (_, more, digest) => {
    const cwd = folder();
    const tools = toolFolder(Object.fromEntries([...needed, ...more].map((tool) => [tool, true])));
    const real = spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }).stdout.trim();
    const result = await run([real, script, ...quick], { cwd, env: { PATH: tools } });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const bundle = await readBundle(readFileSync(path.join(cwd, readdirSync(cwd)[0] ?? '')));
    expect(bundle.line('proc/meminfo').digest).toMatch(digest);
    expect(bundle.manifest.user_id).toBe(String(process.getuid?.()));
    expect(bundle.line('commands/getconf-PAGESIZE')).toMatchObject({
      status: 'absent',
      reason: 'getconf is not installed',
    });
    expect(bundle.text('proc/self/smaps')).toMatch(/^KernelPageSize: +\d+ kB\n$/);
  });
});

describe.concurrent('the table', () => {
  const row = (i: number) =>
    `ipv4     2 udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=${i} dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=${i} mark=0 zone=0 use=2\n`;
  const rows = (n: number) => Array.from({ length: n }, (_, i) => row(i)).join('');
  const counted = (n: number) => ({ ...uptime, 'proc/sys/net/netfilter/nf_conntrack_count': `${n}\n` });

  test('is cut after --max-entries, and says so', mounts, async () => {
    const files = { ...counted(50), 'proc/net/nf_conntrack': rows(50) };
    const bundle = await collect({ args: ['--max-entries', '10'], files });
    expect(bundle.text('proc/net/nf_conntrack')).toBe(rows(10));
    expect(bundle.line('proc/net/nf_conntrack')).toMatchObject({
      status: 'cut',
      reason: 'the first 10 of about 50 entries, as --max-entries says',
    });
    expect(bundle.result.stdout.toString()).toContain('proc/net/nf_conntrack: cut, the first 10 of about 50 entries');
  });

  /** What a report of a bundle says of a table that is not whole, or that contradicts its count. */
  async function saidOfTable(file: string): Promise<string> {
    const report = renderMarkdown(analyse(await readSnapshot(file), '0')).replaceAll('\\', '');
    return report
      .split('\n')
      .filter((line) => /Not whole|The table has/.test(line))
      .join('\n');
  }

  // How the table comes while the collector reads it, of 50 entries that were counted before.
  for (const [name, most, table, says] of [
    [
      'has more than --max-entries',
      10,
      rows(50),
      '**Not whole:** the first 10 of about 50 entries, as --max-entries says.',
    ],
    [
      'grows beyond --max-entries',
      60,
      rows(70),
      '**Not whole:** the first 60 of about 50 entries, as --max-entries says.',
    ],
    ['grows far beyond it', 60, rows(9000), '**Not whole:** the first 60 of about 50 entries, as --max-entries says.'],
    [
      'cannot be read to its end',
      100,
      rows(3),
      '**Not whole:** reading stopped after 3 entries: cat: /proc/net/nf_conntrack: Interrupted.',
    ],
    ['changes', 2000, rows(1000), 'The table has 950 more rows than the kernel had counted entries (50)'],
  ] as const) {
    test(`that ${name} while it is read: the report says so`, mounts, async () => {
      const place = path.join(fakeTree({ table }), 'table');
      const fails = table === rows(3) ? 'echo "cat: $1: Interrupted" >&2; exit 1' : 'exit';
      const cat = `#!/bin/sh\ncase "$1" in /proc/net/nf_conntrack) /bin/cat '${place}'; ${fails} ;; esac\nexec /bin/cat "$@"\n`;
      const files = { ...counted(50), 'proc/net/nf_conntrack': '' };
      const bundle = await collect({ args: ['--max-entries', `${most}`], files, tools: { cat } });
      expect(bundle.text('proc/net/nf_conntrack')).toBe(`${table.split('\n').slice(0, most).join('\n').trimEnd()}\n`);
      expect(await saidOfTable(bundle.file)).toContain(says);
    });
  }

  test('is whole when it has just as many entries', mounts, async () => {
    const files = { ...counted(50), 'proc/net/nf_conntrack': rows(50) };
    const bundle = await collect({ args: ['--max-entries', '50'], files });
    expect(bundle.line('proc/net/nf_conntrack').status).toBe('captured');
  });

  test('of Linux 2.4 is read from ip_conntrack', mounts, async () => {
    const table =
      'udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=1 use=1 \n';
    const slabinfo = 'slabinfo - version: 1.1 (SMP)\nip_conntrack 6537 16620 384 984 1662 1 : 496 124\n';
    const files = {
      ...uptime,
      'proc/slabinfo': slabinfo,
      'proc/net/ip_conntrack': `${table}EXPECTING: - use=1 proto=6 src=10.0.0.1 dst=10.0.0.2 sport=0 dport=20 \n`,
      'proc/sys/net/ipv4/ip_conntrack_max': '65528\n',
    };
    const bundle = await collect({ files });
    expect(bundle.text('proc/net/ip_conntrack')).toBe(files['proc/net/ip_conntrack']);
    expect(bundle.text('commands/wc-l-table')).toBe('1\n');
    const discreet = await collect({ files, args: ['--no-table'] });
    expect(discreet.text('commands/wc-l-table')).toBe('1\n');
    expect(discreet.names).not.toContain('proc/net/ip_conntrack');
    expect(bundle.text('proc/sys/net/ipv4/ip_conntrack_max')).toBe('65528\n');
    expect(bundle.text('series/01/proc/slabinfo')).toBe(slabinfo);
    expect(bundle.line('proc/sys/net/netfilter/nf_conntrack_count').status).toBe('absent');
  });

  const loaded = { 'proc/modules': 'nf_conntrack_netlink 57344 0 - Live 0x0000000000000000\n' };
  const fake = (body: string) => ({ conntrack: `#!/bin/sh\n${body}\n` });
  const listing = `case "$*" in *ipv4) printf '${rows(3).replaceAll('\n', '\\n')}' ;; *ipv6) echo 'ipv6 10 six' ;; *) echo stats ;; esac`;

  test('comes from conntrack -L, per family, where there is no file', mounts, async () => {
    const bundle = await collect({ files: { ...counted(4), ...loaded }, tools: fake(listing) });
    expect(bundle.text('commands/conntrack-L-ipv4')).toBe(rows(3));
    expect(bundle.text('commands/conntrack-L-ipv6')).toBe('ipv6 10 six\n');
    expect(bundle.text('commands/conntrack-S')).toBe('stats\n');
    expect(bundle.result.stdout.toString()).toMatch(/table +4 entries/);
    const order = bundle.names.filter((name) => /conntrack-L|series\/01\/proc\/uptime|after\/proc\/uptime/.test(name));
    expect(order).toEqual([
      'series/01/proc/uptime',
      'commands/conntrack-L-ipv4',
      'commands/conntrack-L-ipv6',
      'after/proc/uptime',
    ]);
  });

  test('comes from conntrack -L when it is large and the kernel reads its file slowly', mounts, async () => {
    const files = { ...counted(60_000), ...loaded, 'proc/net/nf_conntrack': rows(1) };
    for (const [release, expected] of [
      ['6.15.9-gw', 'commands/conntrack-L-ipv4'],
      ['2.6.32-754.el6', 'commands/conntrack-L-ipv4'],
      ['6.16.0', 'proc/net/nf_conntrack'],
    ] as const) {
      const bundle = await collect({ files, tools: { ...fake(listing), uname: `#!/bin/sh\necho ${release}\n` } });
      expect(bundle.line(expected).status, release).toBe('captured');
    }
  });

  test('leaves conntrack alone where that would load a module', mounts, async () => {
    const trace = path.join(folder(), 'it ran');
    // A list without it is the host's word that it is not built in either.
    const tools = {
      ...fake(`echo ran > '${trace}'`),
      grep: `#!/bin/sh\ncase "$*" in *modules.builtin) exit 1 ;; esac\nexec /bin/grep "$@"\n`,
    };
    const files = { ...counted(4), 'proc/modules': 'nf_conntrack 200704 1 - Live 0x0\n' };
    const bundle = await collect({ files, tools });
    expect(existsSync(trace)).toBe(false);
    expect(bundle.line('commands/conntrack-S').reason).toContain('would load the kernel module nf_conntrack_netlink');
    expect(bundle.line('proc/net/nf_conntrack').reason).toContain('would load the kernel module nf_conntrack_netlink');
  });

  // Time passes faster for the collector: its watcher works in a folder beside the file that holds the limit.
  const hurry = `#!/bin/sh
    limit=0
    { read -r step limit < ../deadline; } 2>/dev/null
    if [ "$limit" -ge 300 ]; then exec /bin/sleep 0.01; fi
    exec /bin/sleep 0.1\n`;

  test('gives up a conntrack that hangs', mounts ?? missing('/bin/sleep'), async () => {
    const cwd = folder();
    const tools = toolFolder({
      ...fake('exec /bin/sleep 1000'),
      sleep: hurry,
      grep: `#!/bin/sh\ncase "$*" in *conntrack_netlink*) exit 0 ;; esac\nexec /bin/grep "$@"\n`,
    });
    const options = { cwd, env: { PATH: `${tools}:${process.env.PATH}` } };
    const { done, mark } = start([shell, script, ...quick], options);
    const result = await done;
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const bundle = await readBundle(readFileSync(path.join(cwd, readdirSync(cwd)[0] ?? '')));
    expect(bundle.line('commands/conntrack-S')).toMatchObject({ status: 'failed' });
    expect(bundle.line('commands/conntrack-S').reason).toContain('no result within 30 seconds');
    expect(bundle.line('after/proc/uptime').status).toBe('captured');
    // What was killed may take a moment to be gone.
    await until(() => survivors(mark).length === 0, 'all its processes had ended', 2000);
  });

  test('keeps what it had when its time is up', missing('/bin/sleep') ?? mounts, async () => {
    const cwd = folder();
    const slow = `case "$1" in /proc/net/nf_conntrack) printf '${rows(3).replaceAll('\n', '\\n')}'; exec /bin/sleep 1000 ;; esac; exec /bin/cat "$@"`;
    const tools = toolFolder({ cat: `#!/bin/sh\n${slow}\n`, sleep: hurry });
    const { done, mark } = start([shell, script, ...quick], { cwd, env: { PATH: `${tools}:${process.env.PATH}` } });
    const result = await done;
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const bundle = await readBundle(readFileSync(path.join(cwd, readdirSync(cwd)[0] ?? '')));
    expect(bundle.text('proc/net/nf_conntrack')).toBe(rows(3));
    expect(bundle.line('proc/net/nf_conntrack').status).toBe('cut');
    expect(bundle.line('proc/net/nf_conntrack').reason).toMatch(
      /^stopped after 300 seconds, with 3 of about \d+ entries$/,
    );
    const said = await saidOfTable(path.join(cwd, readdirSync(cwd)[0] ?? ''));
    expect(said).toMatch(/^\*\*Not whole:\*\* stopped after 300 seconds, with 3 of about \d+ entries\. /m);
    await until(() => survivors(mark).length === 0, 'all its processes had ended', 2000);
  });
});

describe.concurrent('what is private stays on the host', () => {
  test('settings: only lines that name conntrack, at their own line numbers', mounts, async () => {
    const files = {
      'etc/sysctl.conf': 'kernel.secret = hunter2\n',
      'etc/sysctl.d/90-fw.conf': '# secret\nnet.netfilter.nf_conntrack_max = 262144\nkernel.x = secret\n',
      'etc/sysctl.d/with blank.conf': 'net.netfilter.nf_conntrack_max = 1\n',
      'etc/sysctl.d/with\ttab\nand "more.conf': 'net.netfilter.nf_conntrack_max = 1\n',
      'etc/modprobe.d/fw.conf': '\noptions nf_conntrack hashsize=65536\n',
      'etc/modules': 'NF_CONNTRACK\n',
      'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
    };
    const bundle = await collect({ args: ['--no-table'], files });
    expect(bundle.text('etc/sysctl.d/90-fw.conf')).toBe('\nnet.netfilter.nf_conntrack_max = 262144\n\n');
    expect(bundle.text('etc/modprobe.d/fw.conf')).toBe('\noptions nf_conntrack hashsize=65536\n');
    expect(bundle.text('etc/modules')).toBe('NF_CONNTRACK\n');
    expect(bundle.files.has('etc/sysctl.conf')).toBe(false);
    expect(bundle.line('etc/sysctl.conf').reason).toBe('not needed: no line in it names conntrack');
    expect(bundle.line('etc/sysctl.d/with blank.conf').status).toBe('failed');
    expect(bundle.line('etc/sysctl.d/with?tab?and ?more.conf').status).toBe('failed');
    const hash = createHash('sha256').update('conntrack-report:0123456789abcdef0123456789abcdef').digest('hex');
    expect(bundle.text('commands/machine-id-sha256')).toBe(`${hash}\n`);
    const everything = Buffer.concat([...bundle.files.values()]).toString();
    expect(everything).not.toMatch(/secret|hunter2|0123456789abcdef0123456789abcdef/);
  });

  test('kernel log: only lines that concern conntrack, and rate limits', mounts, async () => {
    const ours = [
      '[    1.000000] nf_conntrack: nf_conntrack: table full, dropping packet',
      '[    2.000000] net_ratelimit: 12 callbacks suppressed',
      '[    3.000000] printk: 7 messages suppressed.',
    ];
    const lines = ['[    0.500000] secret', ...ours, '[    4.000000] usb secret'].join('\n');
    const files = { 'var/log/kern.log': `Nov 22 14:03:05 gw kernel: ${lines}\n`, 'var/log/syslog': 'secret\n' };
    const tools = {
      dmesg: `#!/bin/sh\ncat <<'END'\n${lines}\nEND\n`,
      journalctl: '#!/bin/sh\necho Permission denied >&2; exit 1\n',
    };
    const bundle = await collect({ args: ['--no-table'], files, tools });
    expect(bundle.text('commands/dmesg')).toBe(`${ours.join('\n')}\n`);
    expect(bundle.text('var/log/kern.log')).toBe(`${ours.join('\n')}\n`);
    expect(bundle.text('var/log/syslog')).toBe('');
    expect(bundle.line('commands/journalctl-k')).toMatchObject({ status: 'denied' });
    expect(Buffer.concat([...bundle.files.values()]).toString()).not.toContain('secret');
  });

  test('kernel command line: only words that name conntrack', mounts, async () => {
    const files = {
      ...uptime,
      'proc/cmdline': 'root=/dev/secret nf_conntrack.hashsize=65536 quiet ip_conntrack.hashsize=1\n',
    };
    const bundle = await collect({ files });
    expect(bundle.text('proc/cmdline')).toBe('nf_conntrack.hashsize=65536 ip_conntrack.hashsize=1\n');
  });
});

describe.concurrent('other network namespaces', () => {
  test('are listed with their processes, names and counters', missing('root', 'table', 'netns', 'ip'), async () => {
    const busy = `collect-busy-${process.pid}`;
    const idle = `collect-idle-${process.pid}`;
    const inode = (name: string) =>
      spawnSync('stat', ['-L', '-c', '%i', `/run/netns/${name}`], { encoding: 'utf8' }).stdout.trim();
    for (const name of [busy, idle]) spawnSync('ip', ['netns', 'add', name]);
    const holder = spawn('ip', ['netns', 'exec', busy, 'sleep', '30']);
    try {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const bundle = await collect({ args: ['--no-table'] });
      const rows = bundle.text('netns.csv').split('\n');
      expect(rows).toContain(`${inode(busy)},1,sleep,${busy}`);
      expect(rows).toContain(`${inode(idle)},0,,${idle}`);
      expect(bundle.text(`netns/${inode(busy)}/proc/net/stat/nf_conntrack`)).toMatch(/^entries /);
      expect(bundle.line(`netns/${inode(idle)}/proc/net/stat/nf_conntrack`)).toMatchObject({ status: 'absent' });
    } finally {
      holder.kill();
      for (const name of [busy, idle]) spawnSync('ip', ['netns', 'del', name]);
    }
  });
});

describe.concurrent('the disk', () => {
  test('is not filled by a table too large for it', mounts, async () => {
    const cwd = folder();
    const proc = fakeTree({
      uptime: '9.99 1.00\n',
      'sys/net/netfilter/nf_conntrack_count': '1000000\n',
      'net/nf_conntrack': 'row\n',
    });
    const steps =
      'mount -t tmpfs -o size=16m none "$0" && cd "$0" && mount --bind "$1" /proc && shift && "$@" && cat *.tar.gz';
    const result = await run(
      ['unshare', '-m', 'sh', '-c', steps, cwd, proc, shell, script, ...quick, '--output', 'x.tar.gz'],
      { cwd },
    );
    expect(result.stderr).toBe('');
    const said = result.stdout.toString('latin1');
    expect(said).toMatch(/proc\/net\/nf_conntrack: absent, not enough space for 1000000 entries: \d+ KiB free in /);
    const bundle = await readBundle(result.stdout.subarray(result.stdout.indexOf(Buffer.from([0x1f, 0x8b]))));
    expect(bundle.line('after/proc/sys/net/netfilter/nf_conntrack_count').status).toBe('captured');
  });

  it('holds no trace of an earlier name', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'old.tar.gz'), 'old');
    const result = await run([shell, script, ...quick, '--no-table', '--output', 'old.tar.gz'], { cwd });
    expect(result.status).toBe(0);
    expect((await readBundle(readFileSync(path.join(cwd, 'old.tar.gz')))).manifest.format_version).toBe('1');
    expect(readdirSync(cwd)).toEqual(['old.tar.gz']);
  });
});
