/**
 * Runs sos of Debian (4.0) in a network namespace, for real, with what later versions have besides: the plugin that lists the
 * table (4.3), dmesg -T, and the settings of each network namespace. Then keeps what tells of connection tracking.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Lab } from '../lab.ts';
import type { Source, Sources } from './facts.ts';
import { keepAfter, pack, STAND_INS, scratchFolder } from './host.ts';

const INSTALLED = '/usr/lib/python3/dist-packages/sos';

/** Why sos cannot run here; undefined if it can. */
export function whyNoSos(): string | undefined {
  return existsSync(INSTALLED) ? undefined : 'needs sosreport of Debian 12 (apt-get install sosreport)';
}

const CONNTRACK_PLUGIN = `
from os import environ
from sos.report.plugins import Plugin, DebianPlugin


class Conntrack(Plugin, DebianPlugin):
    plugin_name = 'conntrack'

    def setup(self):
        commands = ["conntrack -L -o extended", "conntrack -S"]
        limit = float(environ['TABLE_MIB'])
        self.add_cmd_output(commands, sizelimit=limit)
        for line in self.exec_cmd("ip netns")['output'].splitlines():
            prefix = "ip netns exec %s " % line.partition(' ')[0]
            self.add_cmd_output([prefix + each for each in commands])
`;

/** A copy of sos with these additions. */
function extended(folder: string): void {
  cpSync(INSTALLED, path.join(folder, 'sos'), { recursive: true });
  const plugin = (name: string) => path.join(folder, 'sos/report/plugins', name);
  writeFileSync(plugin('conntrack.py'), CONNTRACK_PLUGIN);
  const change = (name: string, old: string, replacement: string) => {
    const text = readFileSync(plugin(name), 'utf8');
    if (!text.includes(old)) throw new Error(`sos has no ${JSON.stringify(old)} in ${name}`);
    writeFileSync(plugin(name), text.replace(old, replacement));
  };
  change('kernel.py', '"dmesg",', '"dmesg", "dmesg -T",');
  const prefix = 'ns_cmd_prefix = cmd_prefix + namespace + " "\n';
  const settings = 'self.add_cmd_output(ns_cmd_prefix + "sysctl -a", subdir="namespaces/" + namespace)\n';
  change('networking.py', prefix, `${prefix}${' '.repeat(16)}${settings}`);
}

/**
 * Network namespaces that the report is to see under other names, and no others. Arguments: host name, namespaces as NAME=FILE
 * separated by blanks, folder of the extended sos, folder for the archive.
 */
const RUN = `${STAND_INS}
mkdir /mnt/netns || exit
for each in $2; do touch "/mnt/netns/\${each%%=*}" && mount --bind "\${each#*=}" "/mnt/netns/\${each%%=*}" || exit; done
mount --rbind /mnt/netns /run/netns || exit
PYTHONPATH=$3 exec /usr/bin/python3 -c 'import sys, sos; sos.SoS(sys.argv[1:]).execute()' report --batch --tmp-dir "$4" \\
  -o conntrack,date,host,kernel,memory,networking,processor`;

const KEPT = [
  /^(date|free|hostname|lib|lsmod|uname|uptime)$/,
  /^version\.txt$/,
  /^sos_commands\/(conntrack|date)\//,
  /^sos_commands\/kernel\/(dmesg|dmesg_-T|lsmod|sysctl_-a|uname_-a)$/,
  /^sos_commands\/memory\/free$/,
  /^sos_commands\/host\/(hostname|uptime)$/,
  /^sos_commands\/networking\/(ip_netns|namespaces\/.*sysctl_-a)$/,
  /^sos_reports\/manifest\.json$/,
  /^proc\/(cpuinfo|meminfo|net|self|slabinfo|swaps|vmstat)$/,
  /^proc\/[0-9]+\/net\/(nf_conntrack|nf_conntrack_expect|stat\/nf_conntrack)$/,
  /^proc\/sys\/kernel\/random\/boot_id$/,
  /^sys\/module\/nf_conntrack\/parameters\//,
  /^etc\/(modprobe\.d|modules-load\.d|sysctl\.conf|sysctl\.d)/,
  /^usr\/lib\/sysctl\.d\//,
];

function thin(root: string, mark: string): void {
  const names = execFileSync('find', ['.', '-mindepth', '1', '-depth', '-printf', '%P\\n'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const name of names.trim().split('\n')) {
    const file = path.join(root, name);
    if (!lstatSync(file).isDirectory()) {
      if (!KEPT.some((pattern) => pattern.test(name))) rmSync(file);
    } else if (readdirSync(file).length === 0) {
      rmdirSync(file);
    }
  }
  for (const name of ['dmesg', 'dmesg_-T']) keepAfter(path.join(root, 'sos_commands/kernel', name), mark);
  const file = path.join(root, 'sos_reports/manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const { report } = manifest.components;
  delete report.devices;
  manifest.cmdline = manifest.cmdline.replace(/--tmp-dir \S+ /, '');
  for (const plugin of Object.values<{ commands: Command[]; files: { files_copied: string[] }[] }>(report.plugins)) {
    const isThere = (member: string | null) => member !== null && existsSync(path.join(root, member));
    plugin.commands = plugin.commands.filter(({ filepath }) => isThere(filepath));
    for (const copied of plugin.files) copied.files_copied = copied.files_copied.filter(isThere);
    plugin.files = plugin.files.filter(({ files_copied }) => files_copied.length > 0);
  }
  writeFileSync(file, JSON.stringify(manifest, undefined, 4));
}

interface Command {
  exec: string;
  filepath: string | null;
  truncated?: boolean;
}

/** sos since 4.2 says that a command's output was cut: it is elsewhere, a link leads there, and the manifest says so. */
function sayTruncated(root: string): void {
  const member = 'conntrack/conntrack_-L_-o_extended';
  mkdirSync(path.join(root, 'sos_strings/conntrack'), { recursive: true });
  renameSync(path.join(root, 'sos_commands', member), path.join(root, 'sos_strings', `${member}.tailed`));
  symlinkSync(`../../sos_strings/${member}.tailed`, path.join(root, 'sos_commands', member));
  const file = path.join(root, 'sos_reports/manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  for (const plugin of Object.values<{ commands: Command[] }>(manifest.components.report.plugins)) {
    for (const command of plugin.commands) {
      command.truncated = command.filepath === `sos_commands/${member}`;
      if (command.truncated) command.filepath = `sos_strings/${member}.tailed`;
    }
  }
  writeFileSync(file, JSON.stringify(manifest, undefined, 4));
}

export interface SosOptions {
  hostname: string;
  /** A line of the kernel log that is older than all that is to be seen of it. */
  mark: string;
  /** Network namespaces that the host is to have, and the names that the lab gave them. */
  namespaces?: Record<string, string>;
  /** The last so many MiB of the table are kept. Default: 25, as sos has it. */
  tableMib?: number;
  /** The table is cut, and the archive says so as sos 4.2 and later do. */
  truncated?: boolean;
}

/** Runs sos in the gateway of a lab. Returns the folder that it would have packed, thinned. */
export function sosreport(lab: Lab, { hostname, mark, namespaces = {}, tableMib = 25, truncated }: SosOptions): string {
  const folder = scratchFolder();
  const from = path.join(folder, 'python');
  const to = path.join(folder, 'archive');
  for (const each of [from, to]) mkdirSync(each);
  extended(from);
  const named = Object.entries(namespaces).map(([name, inLab]) => `${name}=/run/netns/${inLab}`);
  const args = ['--uts', '--mount', 'env', `TABLE_MIB=${tableMib}`, 'sh', '-c', RUN, 'sh'];
  lab.run('gateway', 'unshare', ...args, hostname, named.join(' '), from, to);
  const archive = readdirSync(to).find((name) => name.endsWith('.tar.xz'));
  if (archive === undefined) throw new Error('sos has left no archive');
  execFileSync('tar', ['xJf', archive], { cwd: to });
  const root = path.join(to, path.basename(archive, '.tar.xz'));
  thin(root, mark);
  if (truncated) sayTruncated(root);
  return root;
}

/** Packs such a folder as sos does. Returns the name of the archive. */
export function packSos(root: string, to: string): string {
  const archive = `${path.basename(root)}.tar.xz`;
  pack(root, path.join(to, archive));
  return archive;
}

/** Where a sosreport says what. */
export function sosSources(root: string, namespaces: string[] = []): Sources {
  const at = (member: string): Source => ({ file: path.join(root, member), member });
  const net = `proc/${readlinkSync(path.join(root, 'proc/self'))}/net`;
  const cut = 'sos_strings/conntrack/conntrack_-L_-o_extended.tailed';
  const listed = existsSync(path.join(root, cut)) ? cut : 'sos_commands/conntrack/conntrack_-L_-o_extended';
  const inNamespace = (command: string) =>
    namespaces.map((name) => at(`sos_commands/conntrack/ip_netns_exec_${name}_conntrack_${command}`));
  return {
    hostname: at('sos_commands/host/hostname'),
    uname: at('sos_commands/kernel/uname_-a'),
    date: at('sos_commands/date/date'),
    sysctl: at('sos_commands/kernel/sysctl_-a'),
    slabinfo: at('proc/slabinfo'),
    tables: [at(listed), at(`${net}/nf_conntrack`), ...inNamespace('-L_-o_extended')],
    counters: [at('sos_commands/conntrack/conntrack_-S'), at(`${net}/stat/nf_conntrack`), ...inNamespace('-S')],
    log: at('sos_commands/kernel/dmesg'),
  };
}
