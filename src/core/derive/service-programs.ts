import type { Service } from '../model/facts/backend.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { Listener, ProcessInfo } from '../model/facts/system.ts';
import { isBoundTo } from './service-listen.ts';

/** A server may be started by a shell that its manager started. */
const maxDepth = 4;

/** Programs by the process ids of their instances. */
export function programsByPid(programs: readonly ManagedProgram[]): ReadonlyMap<number, ManagedProgram> {
  return new Map(programs.flatMap(program => program.pids.map(pid => [pid, program] as const)));
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
