import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountedHierarchies, processesBelow, removeGroups } from './cgroups.ts';
import { runSync, sleep, sleepSync } from './process.ts';

/** Where the lab keeps what must be found again after a crash: one folder and one record a host, one lock file a slot. */
export const LAB_FOLDER = '/run/badhop-lab';

/** A host that runs, or ran until its owner died. The owner of a kept host is the host itself. */
export interface HostRecord {
  readonly name: string;
  readonly owner: number;
  /** Start time of the owner in clock ticks: process ids come back. */
  readonly ownerStart: string;
  /** False for a kept host, which is its own owner. */
  readonly byRunner: boolean;
}

export function recordPath(name: string): string {
  return join(LAB_FOLDER, `${name}.json`);
}

export function writeRecord(name: string, owner: number, byRunner: boolean): void {
  mkdirSync(LAB_FOLDER, { recursive: true });
  writeFileSync(recordPath(name), JSON.stringify({ owner, ownerStart: startTime(owner) ?? '', byRunner }));
}

/** Field 22 of /proc/PID/stat, counted behind the command's closing bracket; undefined for a dead process. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive(record: Omit<HostRecord, 'name'>): boolean {
  return startTime(record.owner) === record.ownerStart && record.ownerStart !== '';
}

export function records(): HostRecord[] {
  if (!existsSync(LAB_FOLDER)) return [];
  return readdirSync(LAB_FOLDER)
    .filter(file => file.endsWith('.json'))
    .flatMap(file => {
      const owner = readOwner(join(LAB_FOLDER, file));
      return owner ? [{ ...owner, name: file.slice(0, -'.json'.length) }] : [];
    });
}

function readOwner(path: string): Omit<HostRecord, 'name'> | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as HostRecord;
  } catch {
    return undefined;
  }
}

export function isHostName(name: string): boolean {
  return /^badhop-[a-z0-9]+-[a-z0-9]+$/.test(name);
}

/** Ends the processes of a host, unmounts and removes everything of it. Blocking, so that exit handlers can call it; safe to call twice. */
export function destroyHost(name: string): void {
  // The name becomes a control group whose processes are killed: never the root group.
  if (!isHostName(name)) throw new Error(`not the name of a lab host: ${name}`);
  const groups = mountedHierarchies().map(hierarchy => join(hierarchy.mount, name));
  for (let attempt = 0; attempt < 200; attempt++) {
    const pids = new Set(groups.flatMap(processesBelow));
    if (pids.size === 0) break;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended in between.
      }
    }
    sleepSync(5);
  }
  const folder = join(LAB_FOLDER, name);
  if (existsSync(folder)) {
    for (const mount of mountsBelow(folder)) runSync(['umount', '-l', mount]);
    if (mountsBelow(folder).length === 0) rmSync(folder, { recursive: true, force: true });
  }
  for (let attempt = 0; attempt < 50 && removeGroups(name).length > 0; attempt++) sleepSync(10);
  rmSync(recordPath(name), { force: true });
}

/** Mount points in and at the folder, deepest first. */
function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(mount => mount === folder || mount.startsWith(`${folder}/`))
    .toReversed();
}

/** Removes what dead runs left behind. Returns the names of the hosts that were removed. */
export function removeStaleHosts(): string[] {
  const stale = records().filter(record => !isAlive(record));
  for (const record of stale) destroyHost(record.name);
  if (existsSync(LAB_FOLDER)) {
    const known = new Set(records().map(record => record.name));
    for (const entry of readdirSync(LAB_FOLDER, { withFileTypes: true })) {
      // A folder without a record: its run died before or after writing it. Young ones may just be starting.
      const path = join(LAB_FOLDER, entry.name);
      if (entry.isDirectory() && entry.name !== 'slots' && !known.has(entry.name) && Date.now() - statSync(path).ctimeMs > 60_000) destroyHost(entry.name);
    }
  }
  return stale.map(record => record.name);
}

/**
 * Waits for one of `limit` places on this machine, shared by all processes that use the lab. A place whose holder
 * died is taken over.
 */
export async function takeSlot(limit: number): Promise<() => void> {
  const folder = join(LAB_FOLDER, 'slots');
  mkdirSync(folder, { recursive: true });
  const me = { owner: process.pid, ownerStart: startTime(process.pid) ?? '', byRunner: true };
  for (;;) {
    for (let index = 0; index < limit; index++) {
      const path = join(folder, String(index));
      try {
        writeFileSync(path, JSON.stringify(me), { flag: 'wx' });
        heldSlots.add(path);
        return () => releaseSlot(path);
      } catch {
        const holder = readOwner(path);
        if (holder && !isAlive(holder)) rmSync(path, { force: true });
      }
    }
    await sleep(100);
  }
}

const heldSlots = new Set<string>();

function releaseSlot(path: string): void {
  rmSync(path, { force: true });
  heldSlots.delete(path);
}

/** Gives back every place that this process holds, and those of dead ones. */
export function releaseSlots(): void {
  for (const path of heldSlots) releaseSlot(path);
  const folder = join(LAB_FOLDER, 'slots');
  for (const file of existsSync(folder) ? readdirSync(folder) : []) {
    const holder = readOwner(join(folder, file));
    if (holder && !isAlive(holder)) rmSync(join(folder, file), { force: true });
  }
}

/** Removes the lab's folder where nothing is left in it. */
export function removeEmptyLabFolder(): void {
  for (const folder of [join(LAB_FOLDER, 'slots'), LAB_FOLDER]) {
    try {
      rmdirSync(folder);
    } catch {
      // In use by another run.
    }
  }
}
