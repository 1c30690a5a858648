import { linesOf, wordsOf } from './text.ts';

/** A mounted hierarchy of control groups. */
export interface CgroupMount {
  readonly version: 1 | 2;
  /** Of v1: `memory`, `cpu,cpuacct`, `name=systemd`. Empty for v2, which has all that no v1 hierarchy took. */
  readonly controllers: readonly string[];
  /** The group that is mounted there: another one than `/` in a container that has no namespace for control groups. */
  readonly root: string;
  readonly folder: string;
}

/**
 * The control group hierarchies in `/proc/PID/mountinfo` (proc_pid_mountinfo(5), Linux ≥ 2.6.26). Sample (hybrid, Debian 12):
 * ```
 * 241 240 0:32 / /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime shared:93 - cgroup cgroup rw,memory
 * 249 240 0:38 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:101 - cgroup2 cgroup rw
 * ```
 */
export function parseCgroupMounts(text: string): readonly CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of linesOf(text, 20_000)) {
    const dash = line.indexOf(' - ');
    if (dash < 0) continue;
    const [type, , options = ''] = wordsOf(line.slice(dash + 3), 3);
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    const [, , , root = '', folder = ''] = wordsOf(line.slice(0, dash), 5);
    if (!root.startsWith('/') || !folder.startsWith('/')) continue;
    const controllers = type === 'cgroup' ? options.split(',').filter(option => option !== 'rw' && option !== 'ro') : [];
    mounts.push({ version: type === 'cgroup' ? 1 : 2, controllers, root: unescapePath(root), folder: unescapePath(folder) });
  }
  return mounts;
}

/** Where a group's files are; `undefined` where the hierarchy is mounted from another group, below which it does not lie. */
export function folderOfGroup(mount: CgroupMount, group: string): string | undefined {
  if (!group.startsWith('/') || group.split('/').includes('..')) return undefined;
  const root = mount.root === '/' ? '' : mount.root;
  if (group !== root && !group.startsWith(`${root}/`)) return undefined;
  const below = group.slice(root.length);
  return below === '/' || below === '' ? mount.folder : `${mount.folder}${below}`;
}

/** The kernel writes blanks, tabs, line ends and backslashes as `\040`. */
function unescapePath(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
