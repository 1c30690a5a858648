import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Control groups of a lab host: one group under every mounted hierarchy, cgroup v1 controllers, the named systemd
 * hierarchy and v2 alike. Without them all hosts share one group, and the systemd of one host sees (and may end)
 * the processes of the others.
 */
export interface Hierarchy {
  readonly mount: string;
  readonly version: 1 | 2;
  /** Controllers of a v1 hierarchy: `memory`, `cpu,cpuacct`, `name=systemd`. */
  readonly controllers: readonly string[];
}

export function mountedHierarchies(mountInfo = readFileSync('/proc/self/mountinfo', 'utf8')): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of mountInfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const mount = left.split(' ')[4];
    const [type, , options = ''] = right.split(' ');
    if (mount === undefined || found.has(mount)) continue;
    if (type === 'cgroup2') found.set(mount, { mount, version: 2, controllers: [] });
    if (type === 'cgroup') found.set(mount, { mount, version: 1, controllers: options.split(',').filter(option => option !== 'rw') });
  }
  return [...found.values()];
}

/** Makes the groups and returns their folders. */
export function createGroups(name: string): string[] {
  return mountedHierarchies().map(({ mount, version, controllers }) => {
    const group = join(mount, name);
    if (version === 2) enableControllers(mount);
    mkdirSync(group, { recursive: true });
    if (controllers.includes('cpuset')) {
      // A v1 cpuset starts empty and takes no process until it has processors and memory nodes.
      for (const file of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(join(group, file), readFileSync(join(mount, file), 'utf8'));
    }
    return group;
  });
}

function enableControllers(group: string): void {
  for (const controller of ['memory', 'pids', 'cpu', 'io']) {
    try {
      writeFileSync(join(group, 'cgroup.subtree_control'), `+${controller}`);
    } catch {
      // On a hybrid machine the controller belongs to v1.
    }
  }
}

/** Every process in the group and below it, by the machine's process ids. */
export function processesBelow(group: string): number[] {
  if (!existsSync(group)) return [];
  return walk(group).flatMap(folder => {
    try {
      return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  });
}

/** Removes the groups, deepest first. What still holds a process stays and is returned. */
export function removeGroups(name: string): string[] {
  const left: string[] = [];
  for (const { mount } of mountedHierarchies()) {
    for (const folder of walk(join(mount, name)).toReversed()) {
      try {
        rmdirSync(folder);
      } catch {
        left.push(folder);
      }
    }
  }
  return left;
}

/**
 * Puts processes under a memory limit from outside, as a container runtime or a provider does. On v1 in a group of
 * its own under the host's; on v2 at the unit's own group. A unit that restarts leaves a v1 limit behind: its new
 * main process is a child of pid 1.
 */
export function limitMemory(hostGroup: string, label: string, pids: readonly number[], bytes: number): void {
  const v1 = mountedHierarchies().find(hierarchy => hierarchy.controllers.includes('memory'));
  if (v1) {
    const group = join(v1.mount, hostGroup, label);
    mkdirSync(group, { recursive: true });
    for (const pid of pids) writeFileSync(join(group, 'cgroup.procs'), String(pid));
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(bytes));
    tryWrite(join(group, 'memory.swappiness'), '0');
    return;
  }
  const v2 = mountedHierarchies().find(hierarchy => hierarchy.version === 2);
  const own = v2 && walk(join(v2.mount, hostGroup)).find(folder => pids.some(pid => readProcs(folder).includes(pid)));
  if (own === undefined) throw new Error(`no control group holds the processes of ${label}`);
  writeFileSync(join(own, 'memory.max'), String(bytes));
  tryWrite(join(own, 'memory.swap.max'), '0');
}

function tryWrite(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch {
    // Not every kernel has the file.
  }
}

function readProcs(folder: string): number[] {
  return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
}

/** The folder and all below it, parents before children. */
function walk(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory());
  return [folder, ...below.flatMap(entry => walk(join(folder, entry.name)))];
}
