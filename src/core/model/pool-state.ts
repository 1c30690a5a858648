import type { Evidence } from './finding.ts';
import type { Service, ServiceLoad } from './facts/backend.ts';
import type { Hop } from './facts/hop.ts';
import { isStopped } from './process-states.ts';

/** What the workers of a service are doing, as far as it can be seen from outside. */
export type WorkersDo = 'stopped' | 'locked' | 'compute' | 'wait';

/** How full the workers of a service and the queue in front of them are. */
export interface PoolState {
  readonly service: Service;
  readonly load: ServiceLoad;
  /** Requests that it can work on at once. */
  readonly size: number;
  /** Every worker held a request in every sample. */
  readonly isFull: boolean;
  /** All workers held one in some look, and others waited in some: what is slow may be the queue. */
  readonly isFullAtTimes: boolean;
  /** Fewest and most connections that waited for a worker, over the samples: not accepted, or accepted and read by no thread. */
  readonly waiting: { readonly least: number; readonly most: number };
  /** The accept queue was full in at least one sample. */
  readonly isQueueFull: boolean;
  readonly workersDo: WorkersDo;
}

/** Sleeps in which a process waits for another one to give something back. */
const lockWaits = ['futex', 'locks_', 'flock', 'fcntl_setlk', 'semtimedop', 'do_semop'];

/** `undefined` where the service has no fixed number of workers, or was not sampled. */
export function poolState({ service, load }: Pick<Hop, 'service' | 'load'>): PoolState | undefined {
  if (service === undefined || load === undefined || load.workers < 1 || load.queue.length === 0) return undefined;
  const { manager } = service;
  if (manager === undefined) return undefined;
  // Without a limit of its own, an event loop is never full, unless code holds it up; and a thread pool's size is not known.
  const isLoop = manager === 'event-loop' && service.workersMax === undefined;
  if (isLoop && load.loops === undefined) return undefined;
  if (manager === 'threads' && service.workersMax === undefined) return undefined;
  const waited = load.queue.map((queued, index) => queued + (load.unread?.[index] ?? load.loops?.waiting[index] ?? 0));
  const least = Math.min(...waited);
  const most = Math.max(...waited);
  const grows = manager === 'dynamic' || manager === 'ondemand';
  const limit = service.workersMax?.value ?? load.workers;
  // A pool that may still start workers is full at its limit; one that does not start them although requests wait is full too.
  const isBusy = isLoop ? areLoopsHeldUp(load) && least > 0 : isAlwaysBusy(load, least);
  const isFull = isBusy && (!grows || load.workers >= limit || least > 0);
  return {
    service,
    load,
    size: load.workers,
    isFull,
    isFullAtTimes: most > 0 && (isLoop ? (load.loops?.heldUp ?? 0) : load.busyEver) >= load.workers,
    waiting: { least, most },
    isQueueFull: load.backlog >= 0 && Math.max(...load.queue) >= Math.max(1, load.backlog),
    workersDo: workersDo(load),
  };
}

/**
 * Between two requests a worker holds none for a moment, and one look of several may fall into it. While others wait all the
 * time, it is free for that moment only: longer on a host whose processors are short, where as many wait as there are workers.
 */
function isAlwaysBusy({ busyAlways, busyEver, workers }: ServiceLoad, leastWaiting: number): boolean {
  if (busyAlways >= workers) return true;
  if (leastWaiting === 0 || busyEver < workers) return false;
  return leastWaiting >= workers || busyAlways >= workers - Math.max(1, Math.floor(workers / 4));
}

/** Something is finished now and then, so no loop stands still for good; and none was seen waiting for events. */
function areLoopsHeldUp({ loops, workers, finished }: ServiceLoad): boolean {
  return loops !== undefined && loops.heldUp >= workers && (finished ?? 0) > 0;
}

function workersDo(load: ServiceLoad): WorkersDo {
  const states = Object.entries(load.states ?? {});
  const total = sum(states);
  const frozen = sum(states.filter(([state]) => isStopped(state) || state === 'D'));
  if (total > 0 && frozen === total) return 'stopped';
  if (load.cpuMs !== undefined && load.sampledMs !== undefined && load.sampledMs > 0 && load.cpuMs >= load.sampledMs * 0.5) return 'compute';
  const waits = Object.entries(load.waits ?? {});
  const locked = sum(waits.filter(([name]) => lockWaits.some(part => name.includes(part))));
  // A server with threads always has some that sleep on a lock: there only the rest of the signs count.
  if (total > 0 && locked === total && (load.finished ?? 1) === 0 && (load.cpuMs ?? 0) === 0) return 'locked';
  return 'wait';
}

/** The samples in one line, as evidence. */
export function poolEvidence({ service, load, size }: PoolState): Evidence {
  const limit = load.backlog < 0 ? '' : ` of ${load.backlog}`;
  if (load.loops !== undefined && service.workersMax === undefined)
    return {
      source: `sampled:${service.name}`,
      text: `${load.loops.heldUp} of ${size} processes waited for no event in ${load.queue.length} samples${timeText(load)}: code holds their loops up; accept queue ${load.queue.join(', ')}${limit}, and ${load.loops.waiting.join(', ')} requests beside those in work; ${load.finished ?? 0} connections finished meanwhile`,
    };
  const busy = load.busyAlways === load.busyEver ? `${load.busyAlways}` : `${load.busyAlways} to ${load.busyEver}`;
  const unread = load.unread === undefined || Math.max(...load.unread) === 0 ? '' : `, and ${load.unread.join(', ')} accepted that no thread has read`;
  const finished = load.finished === undefined ? '' : `; ${load.finished} connections finished meanwhile`;
  return {
    source: `sampled:${service.name}`,
    text: `${busy} of ${size} workers busy in ${load.queue.length} samples${timeText(load)}; accept queue ${load.queue.join(', ')}${limit}${unread}${finished}`,
  };
}

function timeText({ sampledMs }: ServiceLoad): string {
  return sampledMs === undefined ? '' : ` over ${sampledMs} ms`;
}

function sum(counts: readonly (readonly [string, number])[]): number {
  return counts.reduce((total, [, count]) => total + count, 0);
}
