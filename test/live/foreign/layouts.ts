/**
 * Archives as other collectors write them, from what {@link capture} has captured: one function a layout. Each writes its
 * archive and says where in the capture is what the archive tells. Paths, titles and order are of supportutils 3.1 and 3.2, insights-core
 * 3, the log collector of amazon-eks-ami and the Rancher v2 log collector.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Facts, factsOf, type Source, type Sources } from './facts.ts';
import { pack, scratchFolder, write } from './host.ts';

/** A way to read the capture: files by their path, what a command printed by its name. */
function reader(capture: string) {
  const text = (name: string) => readFileSync(path.join(capture, name), 'utf8');
  return {
    file: (name: string) => text(name.slice(1)),
    command: (name: string) => text(`commands/${name}`),
    source: (name: string, member: string): Source => ({ file: path.join(capture, name), member }),
    names: (folder: string) => readdirSync(path.join(capture, folder)).map((name) => `${folder}/${name}`),
    date: (format: (date: Date) => string) => format(new Date(text('commands/date--utc'))),
    hostname: text('commands/hostname').trim(),
  };
}

const RULE = (title: string) => `#==[ ${title} ]`.padEnd(52, '=').concat('#\n');

/** What supportconfig prints for a command that it ran. */
const commandSection = (command: string, output: string) => `${RULE('Command')}# ${command}\n${output}\n`;

/** What it prints for a file: without comments and blank lines. */
function fileSection(file: string, text: string | undefined): string {
  if (text === undefined) return `${RULE('Configuration File')}# ${file} - File not found\n\n`;
  const kept = text.split('\n').filter((line) => !/^\s*([#;]|$)/.test(line));
  return `${RULE('Configuration File')}# ${file}\n${kept.map((line) => `${line}\n`).join('')}\n\n`;
}

/** The lines that hold `words`. */
const linesWith = (words: string, text: string) =>
  text
    .split('\n')
    .filter((line) => line.includes(words))
    .map((line) => `${line}\n`)
    .join('');

/** Lines of dmesg -T as journalctl --output=short-iso prints them. */
function journal(dmesg: string, hostname: string): string {
  return dmesg.replace(/^\[(.*?)\] /gm, (_, time: string) => {
    const iso = new Date(`${time} UTC`).toISOString().slice(0, 19);
    return `${iso}+0000 ${hostname} kernel: `;
  });
}

export function supportconfig(capture: string, to: string): Facts {
  const { file, command, source, names, date, hostname } = reader(capture);
  const time = date((at) => at.toISOString().replace(/\D/g, '')).slice(2, 12);
  const name = `scc_${hostname}_${time.slice(0, 6)}_${time.slice(6)}`;
  const root = path.join(scratchFolder(), name);
  const captured = (each: string) => fileSection(each, file(each));
  const missing = (each: string) => fileSection(each, undefined);

  write(root, 'supportconfig.txt', `  Data Directory:    /var/log/${name}\n`);
  write(
    root,
    'basic-environment.txt',
    commandSection('/bin/date', command('date')) +
      commandSection('/bin/uname -a', command('uname-a')) +
      fileSection('/etc/os-release', 'NAME="SLES"\nVERSION="15-SP5"\nID="sles"\n'),
  );
  write(
    root,
    'basic-health-check.txt',
    commandSection('/usr/bin/uptime', command('uptime')) +
      commandSection('/usr/bin/free -k', command('free-k')) +
      captured('/proc/sys/kernel/tainted') +
      'Kernel Status -- Not Tainted\n\n',
  );
  write(
    root,
    'memory.txt',
    commandSection('/usr/bin/free -k', command('free-k')) +
      ['/proc/meminfo', '/proc/vmstat'].map(captured).join('') +
      commandSection('/sbin/sysctl -a 2>/dev/null | grep ^vm', linesWith('vm.', command('sysctl-a'))) +
      captured('/proc/slabinfo'),
  );
  write(
    root,
    'env.txt',
    captured('/etc/sysctl.conf') +
      ['/boot/sysctl.conf-*', '/lib/sysctl.d/*.conf'].map(missing).join('') +
      captured('/usr/lib/sysctl.d/50-router.conf') +
      missing('/usr/local/lib/sysctl.d/*.conf') +
      captured('/etc/sysctl.d/90-conntrack.conf') +
      missing('/run/sysctl.d/*.conf') +
      commandSection('/sbin/sysctl -a', command('sysctl-a')) +
      commandSection('/usr/bin/getconf -a', command('getconf-a')),
  );
  const settings = names('proc/sys/net/netfilter').map((each) => `/${each}`);
  write(
    root,
    'proc.txt',
    ['/proc/net/nf_conntrack', '/proc/net/nf_conntrack_expect', ...settings].map(captured).join(''),
  );
  write(root, 'hardware.txt', captured('/proc/cpuinfo'));
  const parameters = names('sys/module/nf_conntrack/parameters').map((each) => `/${each}=${file(`/${each}`)}`);
  write(
    root,
    'modules.txt',
    commandSection('/sbin/lsmod | sort', command('lsmod')) +
      `# Known Module Parameter Values\n${parameters.join('')}\n` +
      missing('/lib/modules/*/modules.dep') +
      captured('/etc/modprobe.d/conntrack.conf'),
  );
  write(
    root,
    'boot.txt',
    commandSection('/bin/uname -a', command('uname-a')) + commandSection('/bin/dmesg -T', command('dmesg-T')),
  );
  write(
    root,
    'messages.txt',
    commandSection(
      '/usr/bin/journalctl --no-pager --output=short-iso --lines 200000',
      journal(command('dmesg-T'), hostname),
    ),
  );
  write(
    root,
    'network.txt',
    `${RULE('Verification')}# RPM Not Installed: wicked\n\n` +
      captured('/proc/sys/net/ipv4/ip_forward') +
      missing('/etc/HOSTNAME') +
      commandSection('/bin/hostname', command('hostname')),
  );
  pack(root, path.join(to, `${name}.txz`));
  return factsOf('supportconfig', `${name}.txz`, {
    hostname: source('commands/hostname', 'network.txt'),
    uname: source('commands/uname-a', 'basic-environment.txt'),
    date: source('commands/date', 'basic-environment.txt'),
    sysctl: source('commands/sysctl-a', 'env.txt'),
    pageBytes: source('commands/getconf-PAGE_SIZE', 'env.txt'),
    slabinfo: { file: path.join(root, 'memory.txt'), member: 'memory.txt' },
    tables: [source('proc/net/nf_conntrack', 'proc.txt')],
    log: source('commands/dmesg-T', 'boot.txt'),
  });
}

/** The old layout has no folder `data`, and its root holds what that holds now. */
export function insights(capture: string, to: string, { old = false } = {}): Facts {
  const { file, command, source, date, hostname } = reader(capture);
  const name = `insights-${hostname}-${date((at) => at.toISOString().replace(/\D/g, '')).slice(0, 14)}`;
  const root = path.join(scratchFolder(), name);
  const data = (member: string) => (old ? member : `data/${member}`);
  const commands: Record<string, string> = {
    date: 'date',
    'date_--utc': 'date--utc',
    getconf_PAGE_SIZE: 'getconf-PAGE_SIZE',
    hostname: 'hostname',
    'sysctl_-a': 'sysctl-a',
    'uname_-a': 'uname-a',
    uptime: 'uptime',
  };
  const ofCommand = (member: string) => data(`insights_commands/${member}`);
  if (!old) write(root, 'insights_archive.txt', '');
  for (const [member, from] of Object.entries(commands)) write(root, ofCommand(member), command(from));
  for (const each of [
    '/proc/slabinfo',
    '/proc/meminfo',
    '/proc/cpuinfo',
    '/etc/sysctl.conf',
    '/etc/sysctl.d/90-conntrack.conf',
  ]) {
    write(root, data(each.slice(1)), file(each));
  }
  // Only lines that some rule asks for are sent.
  write(
    root,
    ofCommand('dmesg'),
    `${command('dmesg')
      .match(/^.*callbacks suppressed$/gm)
      ?.join('\n')}\n`,
  );
  pack(root, path.join(to, `${name}.tar.gz`));
  return factsOf(old ? 'insights-old' : 'insights', `${name}.tar.gz`, {
    hostname: source('commands/hostname', ofCommand('hostname')),
    uname: source('commands/uname-a', ofCommand('uname_-a')),
    date: source('commands/date--utc', ofCommand('date_--utc')),
    sysctl: source('commands/sysctl-a', ofCommand('sysctl_-a')),
    pageBytes: source('commands/getconf-PAGE_SIZE', ofCommand('getconf_PAGE_SIZE')),
    slabinfo: source('proc/slabinfo', data('proc/slabinfo')),
  });
}

export function eks(capture: string, to: string): Facts {
  const { command, source, date } = reader(capture);
  const instance = 'i-0123456789abcdef0';
  const minute = date((at) => at.toISOString().slice(0, 16));
  const name = `eks_${instance}_${minute.replace('T', '_').replace(':', '')}-UTC_0.7.8`;
  const root = path.join(scratchFolder(), name);
  const banner = (what: string, after = '') => `*** Output of conntrack ${what} ***${after}\n`;
  const table = banner('-S', ' ') + command('conntrack-S') + banner('-L') + command('conntrack-L');
  write(root, 'networking/conntrack.txt', table);
  write(root, 'networking/conntrack6.txt', banner('-L -f ipv6') + command('conntrack-L-ipv6'));
  write(root, 'sysctls/sysctl_all.txt', command('sysctl-a'));
  write(root, 'kernel/uname.txt', command('uname-a'));
  write(root, 'kernel/dmesg.current', command('dmesg'));
  write(root, 'kernel/dmesg.human.current', command('dmesg-T'));
  write(root, 'system/instance-id.txt', `${instance}\n`);
  pack(root, path.join(to, `${name}.tar.gz`), { bare: true });
  return {
    ...factsOf('eks', `${name}.tar.gz`, {
      hostname: source('commands/hostname', 'kernel/uname.txt'),
      uname: source('commands/uname-a', 'kernel/uname.txt'),
      date: { iso: `${minute}:00Z`, member: '(name of the archive)' },
      sysctl: source('commands/sysctl-a', 'sysctls/sysctl_all.txt'),
      tables: [
        source('commands/conntrack-L', 'networking/conntrack.txt'),
        source('commands/conntrack-L-ipv6', 'networking/conntrack6.txt'),
      ],
      counters: [source('commands/conntrack-S', 'networking/conntrack.txt')],
      log: source('commands/dmesg', 'kernel/dmesg.current'),
    }),
    instanceId: instance,
  };
}

export function rancher(capture: string, to: string): Facts {
  const { command, file, source, date, hostname } = reader(capture);
  const time = date((at) => at.toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '_'));
  const name = `${hostname}-${time}`;
  const root = path.join(scratchFolder(), name);
  const commands: Record<string, string> = {
    conntrack: 'conntrack-S',
    date: 'date',
    dmesg: 'dmesg-T',
    freeh: 'free-h',
    hostname: 'hostname',
    lsmod: 'lsmod',
    sysctla: 'sysctl-a',
    uname: 'uname-a',
    uptime: 'uptime',
  };
  for (const [member, from] of Object.entries(commands)) write(root, `systeminfo/${member}`, command(from));
  write(root, 'systeminfo/cpuinfo', file('/proc/cpuinfo'));
  pack(root, path.join(to, `${name}.tar.gz`));
  return factsOf('rancher', `${name}.tar.gz`, {
    hostname: source('commands/hostname', 'systeminfo/hostname'),
    uname: source('commands/uname-a', 'systeminfo/uname'),
    date: source('commands/date', 'systeminfo/date'),
    sysctl: source('commands/sysctl-a', 'systeminfo/sysctla'),
    counters: [source('commands/conntrack-S', 'systeminfo/conntrack')],
    log: source('commands/dmesg-T', 'systeminfo/dmesg'),
  });
}

/** Copies of /proc and /sys, below the root of the archive. */
export function procTree(capture: string, to: string): Facts {
  const { source } = reader(capture);
  const root = scratchFolder();
  for (const each of ['proc', 'sys']) cpSync(path.join(capture, each), path.join(root, each), { recursive: true });
  pack(root, path.join(to, 'proc-tree.tar.gz'), { bare: true });
  const at = (member: string) => source(member, member);
  const setting = (name: string) => at(`proc/sys/net/netfilter/nf_conntrack_${name}`);
  return factsOf('proc-tree', 'proc-tree.tar.gz', {
    hostname: at('proc/sys/kernel/hostname'),
    uname: at('proc/version'),
    uptime: at('proc/uptime'),
    count: setting('count'),
    max: setting('max'),
    buckets: setting('buckets'),
    slabinfo: at('proc/slabinfo'),
    tables: [at('proc/net/nf_conntrack')],
    counters: [at('proc/net/stat/nf_conntrack')],
  });
}

/** Files that somebody has copied into a folder, under names of their own. */
export function loose(capture: string, to: string): Facts {
  const { source } = reader(capture);
  const files: Record<string, string> = {
    'dmesg.txt': 'commands/dmesg',
    'getconf-PAGESIZE.txt': 'commands/getconf-PAGE_SIZE',
    meminfo: 'proc/meminfo',
    nf_conntrack: 'proc/net/nf_conntrack',
    slabinfo: 'proc/slabinfo',
    'sysctl-a.txt': 'commands/sysctl-a',
    'uname.txt': 'commands/uname-a',
  };
  mkdirSync(path.join(to, 'files'));
  for (const [member, from] of Object.entries(files)) cpSync(path.join(capture, from), path.join(to, 'files', member));
  const at = (member: string) => source(files[member] as string, member);
  const sources: Sources = {
    hostname: source('commands/hostname', 'uname.txt'),
    uname: at('uname.txt'),
    sysctl: at('sysctl-a.txt'),
    pageBytes: at('getconf-PAGESIZE.txt'),
    slabinfo: at('slabinfo'),
    tables: [at('nf_conntrack')],
    log: at('dmesg.txt'),
  };
  return factsOf('loose', 'files', sources);
}
