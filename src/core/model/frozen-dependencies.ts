import type { Hop } from './facts/hop.ts';
import type { Connections, Listener, ProcessInfo } from './facts/system.ts';
import { formatAddress } from './host.ts';
import { poolState } from './pool-state.ts';

/** A server of this host that no route leads to, with open connections, all of whose listening processes are stopped. */
export interface FrozenDependency {
  readonly address: string;
  readonly listener: Listener;
  readonly processes: readonly ProcessInfo[];
  /** Open connections at its end. */
  readonly connections: number;
}

interface Surroundings {
  readonly hops: readonly Hop[];
  readonly listeners: readonly Listener[];
  readonly processes: readonly ProcessInfo[];
  readonly connections: Connections;
}

/**
 * What a backend may wait for in vain: it stands idle with all hands full, or answers nobody, and a stopped server holds as many
 * connections as it has workers. Whose connections these are is not known.
 */
export function frozenDependencies(hop: Hop, { hops, listeners, processes, connections }: Surroundings): FrozenDependency[] {
  const pool = poolState(hop);
  const waits = pool === undefined ? hop.own?.outcome.state === 'no-answer' : pool.isFull && pool.workersDo === 'wait';
  if (!waits) return [];
  const asked = new Set(hops.flatMap(({ peer }) => peer.listeners.map(addressOf)));
  const byPid = new Map(processes.map(process => [process.pid, process]));
  return listeners.flatMap(listener => {
    const address = addressOf(listener);
    const own = listener.pids.flatMap(pid => byPid.get(pid) ?? []);
    if (listener.kind !== 'tcp' || asked.has(address) || own.length === 0 || !own.every(({ state }) => state === 'T' || state === 't')) return [];
    const count = connections.byLocal.filter(({ state, local }) => state === 'ESTAB' && isAt(local, listener)).reduce((sum, one) => sum + one.count, 0);
    return count >= Math.max(1, pool?.size ?? 1) ? [{ address, listener, processes: own, connections: count }] : [];
  });
}

function addressOf({ kind, host, port, path = '' }: Listener): string {
  return formatAddress(kind === 'unix' ? { kind, path } : { kind, host, port });
}

function isAt(local: string, { host, port }: Listener): boolean {
  if (['0.0.0.0', '::', '*'].includes(host)) return local.endsWith(`:${port}`);
  return local === formatAddress({ kind: 'tcp', host, port });
}
