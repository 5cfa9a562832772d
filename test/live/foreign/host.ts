/** The host that the collectors see: what stands in for this machine's own identity and settings, and what it prints. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Lab } from '../lab.ts';

/** Shell that takes the place of this machine's boot id and saved settings, in a mount namespace; $1 is the host name. */
export const STAND_INS = `
mount -t tmpfs none /mnt || exit
for each in /etc/sysctl.d /usr/lib/sysctl.d /etc/modprobe.d /etc/modules-load.d; do mount -t tmpfs none "$each" || exit; done
echo net.netfilter.nf_conntrack_max=65536 > /etc/sysctl.d/90-conntrack.conf
echo net.ipv4.ip_forward=1 > /usr/lib/sysctl.d/50-router.conf
echo options nf_conntrack hashsize=16384 > /etc/modprobe.d/conntrack.conf
printf '# Set in sysctl.d.\\n' > /mnt/none && mount --bind /mnt/none /etc/sysctl.conf && mount --bind /mnt/none /etc/modules || exit
echo 4d1f0f70-5e3c-4c53-9d0e-6f7c1f0b8a21 > /mnt/boot_id && mount --bind /mnt/boot_id /proc/sys/kernel/random/boot_id || exit
echo "$1" > /proc/sys/kernel/hostname`;

/** Copies files to where they are below $2, and keeps what commands print in $2/commands. */
const CAPTURE = `${STAND_INS}
cd "$2" && mkdir commands || exit
for each in /proc/slabinfo /proc/meminfo /proc/vmstat /proc/cpuinfo /proc/uptime /proc/version \\
  /proc/sys/kernel/hostname /proc/sys/kernel/osrelease /proc/sys/kernel/tainted /proc/sys/net/ipv4/ip_forward \\
  /proc/sys/net/netfilter/nf_conntrack_* /sys/module/nf_conntrack/parameters/* /etc/sysctl.conf /etc/sysctl.d/*.conf \\
  /usr/lib/sysctl.d/*.conf /etc/modprobe.d/*.conf /proc/net/stat/nf_conntrack /proc/net/nf_conntrack /proc/net/nf_conntrack_expect
do
  mkdir -p ".\${each%/*}" && cat "$each" > ".$each" || exit
done
capture() { name=$1; shift; "$@" > "commands/$name" 2>&1; }
capture date date
capture date--utc date --utc
capture hostname hostname
capture uname-a uname -a
capture uptime uptime
capture free-k free -k
capture free-h free -h
capture lsmod lsmod
capture getconf-a getconf -a
capture getconf-PAGE_SIZE getconf PAGE_SIZE
capture dmesg dmesg
capture dmesg-T dmesg -T
sysctl -a > commands/sysctl-a 2> /dev/null
conntrack -S > commands/conntrack-S
conntrack -L > commands/conntrack-L 2> /dev/null
conntrack -L -f ipv6 > commands/conntrack-L-ipv6 2> /dev/null`;

const scratch: string[] = [];

/** An empty folder that {@link removeScratch} removes. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'foreign-'));
  scratch.push(folder);
  return folder;
}

export function removeScratch(): void {
  for (const folder of scratch.splice(0)) rmSync(folder, { recursive: true });
}

/** Files and output of commands in the gateway of a lab; of the log, what follows the line that holds `mark`. */
export function capture(lab: Lab, hostname: string, mark: string): string {
  const folder = scratchFolder();
  lab.run('gateway', 'unshare', '--uts', '--mount', 'sh', '-c', CAPTURE, 'sh', hostname, folder);
  for (const name of ['dmesg', 'dmesg-T']) keepAfter(path.join(folder, 'commands', name), mark);
  return folder;
}

/** Leaves in a log what follows the line that holds `mark`: the rest is not of this gateway. */
export function keepAfter(file: string, mark: string): void {
  const text = readFileSync(file, 'utf8');
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`${file} has no line ${mark}`);
  writeFileSync(file, text.slice(text.indexOf('\n', at) + 1));
}

/** Writes a file, and the folders that lead to it. */
export function write(root: string, member: string, text: string): void {
  const file = path.join(root, member);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Packs a folder below its own name; its contents as `./…`, if `bare`. */
export function pack(root: string, archive: string, { bare = false } = {}): void {
  const program = archive.endsWith('gz') ? 'gzip -9n' : 'xz -9e';
  const args = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '-I', program, '-cf', archive];
  execFileSync('tar', bare ? [...args, '-C', root, '.'] : [...args, '-C', path.dirname(root), path.basename(root)]);
}
