import type { Service } from '../model/facts/backend.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { Listener, ProcessInfo } from '../model/facts/system.ts';
import { groupBy } from '../model/group-by.ts';
import { isBoundTo } from './service-listen.ts';

/** A server may be started by a shell that its manager started. */
const maxDepth = 4;

/** What stopped longer ago than this did so before the processes were listed. */
const justNowMs = 30_000;
const resting: ReadonlySet<ManagedProgram['state']> = new Set(['stopped', 'exited', 'given-up']);
/** What PM2 starts first; the app's script takes its place in the title when it runs (lib/ProcessContainer.js, ProcessContainerFork.js). */
const pm2Container = /\/ProcessContainer(?:Fork)?\.js$/;

/** The script of an instance under PM2; `undefined` while it does not say so yet, or no longer. */
export function pm2Script({ argv }: ProcessInfo): string | undefined {
  const script = argv.join(' ');
  return script === '' || pm2Container.test(script) ? undefined : script;
}

/**
 * Programs by the process ids of their instances. The pid files of PM2 are read after the processes: an instance that has just begun, or has ended
 * since, stands in none. Its script tells whose it is, or that only one app is without an instance.
 */
export function programsByPid(programs: readonly ManagedProgram[], processes: readonly ProcessInfo[], nowMs: number): ReadonlyMap<number, ManagedProgram> {
  const byPid = new Map(programs.flatMap(program => program.pids.map(pid => [pid, program] as const)));
  const byDaemon = groupBy(programs, ({ manager, managerPid }) => (manager === 'pm2' && managerPid !== undefined ? String(managerPid) : undefined));
  if (byDaemon.size === 0) return byPid;
  const children = groupBy(processes, process => (process.state === 'Z' ? undefined : String(process.ppid)));
  for (const [daemon, own] of byDaemon) {
    const strangers: (readonly ProcessInfo[])[] = [];
    for (const instances of groupBy(children.get(daemon) ?? [], pm2Script).values()) {
      const [program, ...others] = new Set(instances.flatMap(instance => byPid.get(instance.pid) ?? []));
      if (program === undefined) strangers.push(instances);
      else if (others.length === 0) for (const { pid } of instances) byPid.set(pid, program);
    }
    const without = own.filter(program => program.pids.length === 0);
    const awaited = without.filter(program => !resting.has(program.state));
    const [lost, ...more] = awaited.length > 0 ? awaited : without.filter(({ lines }) => nowMs - (lines.at(-1)?.timeMs ?? 0) <= justNowMs);
    const [stranger, ...rest] = strangers;
    if (lost !== undefined && more.length + rest.length === 0) for (const { pid } of stranger ?? []) byPid.set(pid, lost);
  }
  return byPid;
}

/** The program whose instances these processes are, or that started them. */
export function programOf(
  pids: readonly number[],
  byPid: ReadonlyMap<number, ProcessInfo>,
  programs: ReadonlyMap<number, ManagedProgram>,
): ManagedProgram | undefined {
  for (const pid of pids) {
    let at: number | undefined = pid;
    for (let depth = 0; depth < maxDepth && at !== undefined; depth++) {
      const program = programs.get(at);
      if (program !== undefined) return program;
      at = byPid.get(at)?.ppid;
    }
  }
  return undefined;
}

/** In cluster mode the daemon holds the sockets of all its apps, beside two of its own: where the app tells its address, that one is meant. */
export function ownOfManager(listeners: readonly Listener[], program: ManagedProgram | undefined): readonly Listener[] {
  if (program === undefined) return listeners;
  const outside = listeners.filter(listener => listener.kind !== 'unix' || listener.path?.startsWith(`${program.home}/`) !== true);
  const told = outside.filter(listener => program.addresses.some(address => isBoundTo(listener, address.value) || hasPort(listener, address.value)));
  return told.length > 0 ? told : outside;
}

function hasPort(listener: Listener, address: { readonly kind: string; readonly port?: number }): boolean {
  return listener.kind === 'tcp' && address.kind === 'tcp' && listener.port === address.port;
}

/** Programs that do not run and that tell where they would listen. */
export function stoppedProgramServices(programs: readonly ManagedProgram[], services: readonly Service[]): readonly Service[] {
  const taken = new Set(services.map(service => service.program));
  return programs.flatMap((program): Service[] => {
    if (taken.has(program.id) || program.addresses.length === 0) return [];
    return [
      {
        id: program.id,
        kind: program.kind ?? (program.manager === 'pm2' ? 'node' : 'other'),
        name: program.label,
        program: program.id,
        // One in a loop may be up for the moment.
        workerPids: program.pids,
        listening: [],
        configuredListen: program.addresses,
        configFiles: [],
        logFiles: program.logFiles,
      },
    ];
  });
}
