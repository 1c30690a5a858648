import type { Hop } from './facts/hop.ts';
import type { Connections, Listener, ProcessInfo, StoppedServer } from './facts/system.ts';
import { formatAddress } from './host.ts';
import { poolState } from './pool-state.ts';
import { isStopped } from './process-states.ts';

/** A server of this host that no route leads to, with open connections, all of whose listening processes are stopped. */
export interface FrozenDependency {
  readonly address: string;
  readonly listener: Listener;
  readonly processes: readonly ProcessInfo[];
  /** Open connections of the backend, or at the server's end where it could not be seen whose they are. */
  readonly connections: number;
  /** The connections are those of the backend's workers. */
  readonly isSeen: boolean;
}

interface Surroundings {
  readonly hops: readonly Hop[];
  readonly listeners: readonly Listener[];
  readonly processes: readonly ProcessInfo[];
  readonly connections: Connections;
  /** Undefined where it is not known. */
  readonly stopped: readonly StoppedServer[] | undefined;
}

/**
 * What a backend may wait for in vain: it stands idle with all hands full, or answers nobody, and its workers hold as many connections
 * to a stopped server as they can work on requests. Where it could not be seen whose connections that server holds, their number must do.
 */
export function frozenDependencies(hop: Hop, { hops, listeners, processes, connections, stopped }: Surroundings): FrozenDependency[] {
  const pool = poolState(hop);
  const waits = pool === undefined ? hop.own?.outcome.state === 'no-answer' : pool.isFull && pool.workersDo === 'wait';
  if (!waits) return [];
  const asked = new Set(hops.flatMap(({ peer }) => peer.listeners.map(addressOf)));
  const byPid = new Map(processes.map(process => [process.pid, process]));
  const workers = new Set(hop.service?.workerPids);
  const enough = Math.max(1, pool?.size ?? 1);
  return listeners.flatMap((listener): FrozenDependency[] => {
    const address = addressOf(listener);
    const own = listener.pids.flatMap(pid => byPid.get(pid) ?? []);
    if (listener.kind !== 'tcp' || asked.has(address) || own.length === 0 || !own.every(({ state }) => isStopped(state))) return [];
    const server = stopped?.find(one => one.address === address);
    const held = server?.clients.reduce((sum, client) => sum + (workers.has(client.pid) ? client.connections : 0), 0) ?? 0;
    if (held >= enough) return [{ address, listener, processes: own, connections: held, isSeen: true }];
    if (server?.unseen === 0) return [];
    const count = connections.byLocal.filter(({ state, local }) => state === 'ESTAB' && isAt(local, listener)).reduce((sum, one) => sum + one.count, 0);
    return count >= enough ? [{ address, listener, processes: own, connections: count, isSeen: false }] : [];
  });
}

function addressOf({ kind, host, port, path = '' }: Listener): string {
  return formatAddress(kind === 'unix' ? { kind, path } : { kind, host, port });
}

function isAt(local: string, { host, port }: Listener): boolean {
  if (['0.0.0.0', '::', '*'].includes(host)) return local.endsWith(`:${port}`);
  return local === formatAddress({ kind: 'tcp', host, port });
}
