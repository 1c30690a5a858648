import type { BackendCommand, ServiceKind } from '../model/facts/backend.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { Listener, ProcessInfo } from '../model/facts/system.ts';
import { groupBy } from '../model/group-by.ts';
import { pm2Script } from './service-programs.ts';

/** Processes that are one server: a master and what it started to do the work. */
export interface ProcessGroup {
  readonly kind: ServiceKind;
  readonly master: ProcessInfo;
  readonly workers: readonly ProcessInfo[];
  readonly command: BackendCommand | undefined;
}

interface Tree {
  readonly byPid: ReadonlyMap<number, ProcessInfo>;
  readonly children: ReadonlyMap<number, readonly ProcessInfo[]>;
  readonly commands: ReadonlyMap<number, BackendCommand>;
  readonly listening: ReadonlySet<number>;
  /** Programs of process managers, by the pids of their instances. */
  readonly programs: ReadonlyMap<number, ManagedProgram>;
}

/** Servers start their workers themselves: a few steps up are enough. */
const maxDepth = 6;

/**
 * Groups processes into servers by kind and descent. php-fpm is left to its pools. Processes that nobody knows make
 * a group where they listen; pid 1 holds sockets for others and never does.
 */
export function groupProcesses(
  processes: readonly ProcessInfo[],
  commands: readonly BackendCommand[],
  listeners: readonly Listener[],
  programs: ReadonlyMap<number, ManagedProgram> = new Map(),
): readonly ProcessGroup[] {
  const tree = treeOf(processes, commands, listeners, programs);
  const roots = new Map<number, ProcessInfo[]>();
  for (const process of processes) {
    if (process.pid === 1 || process.state === 'Z' || kindOf(process, tree) === 'php-fpm' || (process.argv[0] ?? '').startsWith('php-fpm: ')) continue;
    if (!isServer(process, tree)) continue;
    const root = rootOf(process, tree);
    const members = roots.get(root.pid) ?? [];
    if (process.pid !== root.pid) members.push(process);
    roots.set(root.pid, members);
  }
  return [...roots].flatMap(([pid, members]) => {
    const master = tree.byPid.get(pid);
    return master === undefined ? [] : groupsOf(master, members, tree);
  });
}

function treeOf(
  processes: readonly ProcessInfo[],
  commands: readonly BackendCommand[],
  listeners: readonly Listener[],
  programs: ReadonlyMap<number, ManagedProgram>,
): Tree {
  const children = new Map<number, ProcessInfo[]>();
  for (const process of processes) children.set(process.ppid, [...(children.get(process.ppid) ?? []), process]);
  const byCommand = new Map<number, BackendCommand>();
  for (const command of commands) if (command.of.kind === 'process') byCommand.set(command.of.pid, command);
  return {
    byPid: new Map(processes.map(process => [process.pid, process])),
    children,
    commands: byCommand,
    listening: new Set(listeners.flatMap(listener => listener.pids)),
    programs,
  };
}

function kindOf(process: ProcessInfo, tree: Tree): ServiceKind {
  return tree.commands.get(process.pid)?.service ?? 'other';
}

/** A server is known by name, or listens, or is a worker that a server of uvicorn's kind started anew. */
function isServer(process: ProcessInfo, tree: Tree): boolean {
  return kindOf(process, tree) !== 'other' || tree.listening.has(process.pid) || isSpawned(process, tree);
}

/** Python's multiprocessing starts workers with a command line of its own. */
function isSpawned(process: ProcessInfo, tree: Tree): boolean {
  const parent = tree.byPid.get(process.ppid);
  return parent !== undefined && kindOf(parent, tree) === 'uvicorn' && process.argv.some(arg => arg.includes('multiprocessing.spawn'));
}

/** Up to the highest ancestor of the same server. */
function rootOf(process: ProcessInfo, tree: Tree): ProcessInfo {
  let root = process;
  for (let depth = 0; depth < maxDepth; depth++) {
    const parent = tree.byPid.get(root.ppid);
    if (parent === undefined || parent.pid === 1 || !belongsTo(root, parent, tree)) break;
    root = parent;
  }
  return root;
}

function belongsTo(child: ProcessInfo, parent: ProcessInfo, tree: Tree): boolean {
  const kind = kindOf(child, tree);
  const parentKind = kindOf(parent, tree);
  if (isSpawned(child, tree)) return true;
  // supervisord starts what has nothing to do with each other, and listens for its own commands.
  if (tree.programs.get(child.pid)?.manager === 'supervisor') return false;
  if (kind !== parentKind)
    return kind === 'other' && parentKind !== 'php-fpm' && tree.listening.has(child.pid) && tree.listening.has(parent.pid) && child.unit === parent.unit;
  if (kind !== 'other') return child.unit === parent.unit;
  return tree.listening.has(child.pid) && tree.listening.has(parent.pid) && child.uid === parent.uid;
}

/** One group, or one for each app under PM2. */
function groupsOf(master: ProcessInfo, members: readonly ProcessInfo[], tree: Tree): readonly ProcessGroup[] {
  const kind = kindOf(master, tree);
  const command = tree.commands.get(master.pid);
  if (kind === 'node' && command?.app === 'PM2')
    return appsOf(
      members.filter(process => process.ppid === master.pid),
      tree,
    ).map(workers => ({ kind, master, workers, command: tree.commands.get(workers[0]?.pid ?? -1) }));
  const workers = workersOf(master, members, kind, tree);
  return [{ kind, master, workers: workers.length > 0 ? workers : [master], command: bestCommand(command, workers, tree) }];
}

/** The instances of each app of a PM2 daemon. What says of itself neither whose it is nor its script makes no app: the sockets of the daemon would seem its own. */
function appsOf(instances: readonly ProcessInfo[], tree: Tree): readonly (readonly ProcessInfo[])[] {
  const named = instances.filter(instance => tree.programs.has(instance.pid));
  const scripts = new Set(named.map(pm2Script));
  return [
    ...groupBy(instances, instance => {
      const script = pm2Script(instance);
      const program = tree.programs.get(instance.pid)?.id;
      const isNobodys = script === undefined ? named.length > 0 : scripts.has(script);
      return program ?? (isNobodys && !tree.listening.has(instance.pid) ? undefined : (script ?? ''));
    }).values(),
  ];
}

/** Descendants that do the work: titled workers where titles tell, else those without children of the same server. */
function workersOf(master: ProcessInfo, members: readonly ProcessInfo[], kind: ServiceKind, tree: Tree): readonly ProcessInfo[] {
  const titled = members.filter(process => tree.commands.get(process.pid)?.role === 'worker');
  if (titled.length > 0) return titled;
  if (kind === 'java' || kind === 'tomcat') return members.length > 0 ? members : [master];
  const parents = new Set(members.map(process => process.ppid));
  return members.filter(process => !parents.has(process.pid));
}

/** A master that has overwritten its command line may have workers that have not. */
function bestCommand(own: BackendCommand | undefined, workers: readonly ProcessInfo[], tree: Tree): BackendCommand | undefined {
  if (own !== undefined && (own.listen.length > 0 || Object.keys(own.values).length > 0)) return own;
  return workers.map(worker => tree.commands.get(worker.pid)).find(command => command !== undefined && command.listen.length > 0) ?? own;
}
