import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './process.ts';
import { LAB_FOLDER } from './state.ts';

export interface RootOptions {
  readonly hostname: string;
  /** A zone of the tz database, for the whole host. */
  readonly timezone: string;
  /** Programs or files that this host does not have, by absolute path. */
  readonly hide: readonly string[];
  /** Size of the writable layer; filling it gives a real ENOSPC. */
  readonly diskBytes: number;
}

// Units that a scenario does not need, or that would fight with the machine: they are masked in the overlay alone.
const MASKED = [
  'getty.target',
  'console-getty.service',
  'systemd-logind.service',
  'systemd-firstboot.service',
  'systemd-timesyncd.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-sysusers.service',
  'systemd-binfmt.service',
  'systemd-resolved.service',
  'systemd-networkd.service',
  'systemd-journal-flush.service',
  'e2scrub_reap.service',
  'dev-hugepages.mount',
];

// Runs in a chroot: a write from outside through an absolute symbolic link would land on the machine itself.
const PREPARE = `
set -eu
hostname=$1 timezone=$2 units=$3; shift 3
for target in multi-user timers sysinit graphical getty sockets paths default; do
  rm -rf "/etc/systemd/system/$target.target.wants"
done
mkdir -p /etc/systemd/system/multi-user.target.wants /etc/systemd/system/timers.target.wants
for unit in $units; do ln -sfn /dev/null "/etc/systemd/system/$unit"; done
# They look for disks, terminals and the like at each start and reload, and find none.
cd /lib/systemd/system-generators
for generator in systemd-*; do case $generator in *-sysv-*) ;; *) set -- "$@" "$PWD/$generator" ;; esac; done
ln -sfn multi-user.target /etc/systemd/system/default.target
rm -f /etc/machine-id /etc/hostname /etc/hosts /etc/localtime
tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id
printf '%s\\n' "$hostname" > /etc/hostname
printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\t%s\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' "$hostname" > /etc/hosts
ln -s "/usr/share/zoneinfo/$timezone" /etc/localtime
printf '%s\\n' "$timezone" > /etc/timezone
rm -rf /var/log/journal
find /var/log -xdev -type f -exec rm -f {} +
rm -f /etc/nginx/sites-enabled/*
mkdir -p /etc/systemd/journald.conf.d
# Volatile: nothing to flush at boot. No rate limit: a scenario may log as much as it likes.
printf '[Journal]\\nStorage=volatile\\nRateLimitIntervalSec=0\\n' > /etc/systemd/journald.conf.d/lab.conf
rm -f "$@"
`;

/**
 * Mounts a writable copy of the machine's root and prepares it. The writable layer lies on a tmpfs: it may lie
 * neither on another overlay nor below its own lower layer.
 */
export async function mountRoot(name: string, options: RootOptions): Promise<string> {
  const folder = join(LAB_FOLDER, name);
  const root = join(folder, 'root');
  mkdirSync(folder, { recursive: true });
  await mustRun(['mount', '-t', 'tmpfs', '-o', `size=${options.diskBytes},mode=755`, 'badhop-lab', folder]);
  for (const part of ['upper', 'work', 'root']) mkdirSync(join(folder, part), { mode: 0o755 });
  await mustRun(['mount', '-t', 'overlay', '-o', `lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work`, 'overlay', root]);
  await mustRun(['chroot', root, '/bin/sh', '-c', PREPARE, 'prepare', options.hostname, options.timezone, MASKED.join(' '), ...options.hide], true);
  return root;
}

async function mustRun(argv: readonly string[], needsProc = false): Promise<void> {
  // A chroot has no /proc of its own: the preparation gets one, in a mount namespace that ends with it.
  const wrapped = needsProc ? ['unshare', '--mount', 'sh', '-c', 'mount -t proc proc "$1/proc"; shift; exec "$@"', 'sh', argv[1] ?? '', ...argv] : argv;
  const outcome = await run(wrapped, { timeoutMs: 20_000 });
  if (outcome.code !== 0) throw new Error(`${argv.slice(0, 3).join(' ')} failed: ${outcome.stderr.trim()}`);
}

/** True where the path lies on the root file system, which is the lower layer: then it is visible inside as it is. */
export function isInLowerLayer(path: string): boolean {
  return statSync(path).dev === statSync('/').dev;
}
