import type { CollectContext } from '../model/collector.ts';
import { valueOr } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { InWork } from '../model/facts/logs.ts';
import type { Topology } from '../model/facts/topology.ts';
import type { Facts } from '../model/facts.ts';
import { poolState, type PoolState } from '../model/pool-state.ts';
import { processorsUsed } from '../model/worker-capacity.ts';
import type { SizedNeed } from '../model/size-report.ts';

/** What a service had to do, with what conclusions hang on. */
export interface Need extends SizedNeed {
  readonly state?: PoolState;
  /** Nothing was in work while it was looked at, and nothing in the window either, as far as the log tells. */
  readonly isIdle: boolean;
  /** The peak of the log where it counts: by the backend's own time, and since its last start, as it had other limits before. */
  readonly loggedPeak: number;
  /** Processors that its workers kept busy. */
  readonly processorsUsed: number;
}

/** What a tick of the scheduler's clock is: a process that did nothing may still be charged one. */
const noiseMs = 10;

/** Reads off the samples, the access log and the backend's own log what was asked of a service in the window. */
export function needOf(service: Service, facts: Facts, context: CollectContext): Need {
  const load = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const state = poolState({ service, ...(load === undefined ? {} : { load }) });
  const log = loggedWork(service, facts);
  const counted = countedRequests(service, facts);
  const startedMs = startOf(service, facts);
  const saidFull = fullEvents(service, facts, Math.max(startedMs, context.sinceMs));
  const waited = load === undefined ? 0 : Math.max(0, ...load.queue.map((queued, index) => queued + (load.unread?.[index] ?? load.loops?.waiting[index] ?? 0)));
  const isQuiet = (load?.busyEver ?? 0) === 0 && waited === 0 && (load?.cpuMs ?? 0) <= noiseMs;
  const requests = log?.requests ?? counted ?? 0;
  return {
    ...(load === undefined ? {} : { busy: load.busyEver, waited, samples: load.queue.length, isFull: state?.isFull === true }),
    ...(log === undefined
      ? {}
      : {
          log: {
            requests: log.requests,
            peak: Math.ceil(log.peak * 10) / 10,
            peakAt: new Date(log.peakMs).toISOString(),
            slotMs: log.slotMs,
            meanMs: Math.round(log.busyMs / Math.max(1, log.requests)),
            by: log.by,
          },
        }),
    saidFull,
    ...(state === undefined ? {} : { state }),
    loggedPeak: log?.by === 'upstream' && log.peakMs + log.slotMs >= startedMs ? log.peak : 0,
    isIdle: isQuiet && requests === 0 && saidFull === 0,
    processorsUsed: load === undefined ? 0 : processorsUsed(load),
  };
}

type Logged = InWork & { readonly by: 'upstream' | 'request' };

/** The largest of its peers, as each stands for a listener of its own; a log without peers counts where all that is passed on goes to this service. */
function loggedWork(service: Service, facts: Facts): Logged | undefined {
  const topology = valueOr(facts.topology, undefined);
  const work = valueOr(facts['nginx-access-log'], undefined)?.inWork?.peers ?? [];
  const own = new Set((topology?.peers ?? []).filter(peer => peer.serviceId === service.id).map(peer => peer.id));
  const found = work.filter(one => (one.peer === undefined ? leadsOnlyTo(service, one.servers, topology) : own.has(one.peer)));
  return found.toSorted((a, b) => b.peak - a.peak)[0];
}

function leadsOnlyTo(service: Service, servers: readonly string[], topology: Topology | undefined): boolean {
  const routes = (topology?.routes ?? []).filter(route => servers.includes(route.serverId));
  const groups = new Set(routes.map(route => route.groupId));
  const peers = (topology?.peers ?? []).filter(peer => peer.groupIds.some(id => groups.has(id)));
  return routes.length > 0 && !groups.has(undefined) && peers.length > 0 && peers.every(peer => peer.serviceId === service.id);
}

/** Requests of the window whose format names the peer, or of all logs where this is the only service behind nginx. */
function countedRequests(service: Service, facts: Facts): number | undefined {
  const log = valueOr(facts['nginx-access-log'], undefined);
  const peers = valueOr(facts.topology, undefined)?.peers ?? [];
  const own = peers.filter(peer => peer.serviceId === service.id);
  if (log === undefined || own.length === 0) return undefined;
  const byPeer = log.byPeer.filter(one => own.some(peer => peer.id === one.key)).reduce((sum, one) => sum + one.total, 0);
  return byPeer === 0 && peers.every(peer => peer.serviceId === service.id) ? log.total : byPeer;
}

/** When its settings were read last, as far as its master and its log tell. */
function startOf(service: Service, facts: Facts): number {
  const said = valueOr(facts['backend-events'], []).findLast(event => event.serviceId === service.id && event.kind === 'started')?.timeMs ?? 0;
  const master = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  return Math.max(said, master?.startMs ?? 0);
}

function fullEvents(service: Service, facts: Facts, fromMs: number): number {
  return valueOr(facts['backend-events'], []).filter(event => event.serviceId === service.id && event.kind === 'pool-full' && event.timeMs >= fromMs).length;
}
