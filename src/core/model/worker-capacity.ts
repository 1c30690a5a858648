import type { BackendCommand, Service, ServiceLoad } from './facts/backend.ts';
import type { Facts } from './facts.ts';
import { valueOr } from './fact.ts';
import { memoryRooms, type MemoryRoom } from './memory-rooms.ts';
import { workerMemory, type WorkerMemory } from './worker-memory.ts';

/** How many workers a service needs, and how many the host has memory for. */
export interface WorkerCapacity {
  readonly running: number;
  /** What the failing traffic asks for, with a quarter in reserve. */
  readonly wanted: number;
  /** (available − reserve) / memory per worker, those that run included. */
  readonly affordable: number;
  readonly perWorkerBytes: number;
  readonly availableBytes: number;
  readonly reserveBytes: number;
  /** The memory that ends first: the host's, or what a limit leaves to the unit or its control group. */
  readonly limitedBy: MemoryRoom['kind'];
  /** `measured` by PSS, or by resident size, which counts shared pages to each worker. */
  readonly how: 'PSS' | 'RSS';
  /** What is counted: processes, or threads of the one process. */
  readonly unit: 'worker' | 'thread';
}

/** Beyond this the estimate is not worth much: go there in steps. */
const mostGrowth = 8;
/** What is kept above the most that was needed. */
export const headroom = 1.25;
/** Of the processors; the rest goes to nginx, to the kernel and to whatever the workers wait for. */
const busyShare = 0.6;
/** A worker that has just started is small. */
const leastPerWorkerBytes = 8 * 2 ** 20;
/** The stack that a thread may come to use, at the usual limits. */
const leastPerThreadBytes = 2 ** 20;

type Needed = Pick<Facts, 'resources' | 'service-load' | 'processes' | 'process-details' | 'systemd-units' | 'control-groups' | 'nginx-access-log'>;

/** `undefined` where the memory of the host or of its workers is not known. */
export function workerCapacity(service: Service, facts: Needed): WorkerCapacity | undefined {
  const load = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const memory = workerMemory(service, facts);
  if (load === undefined || memory === undefined) return undefined;
  return bound(service, facts, {
    perWorkerBytes: perWorkerBytes(memory),
    running: memory.running,
    wanted: wantedWorkers(load, facts),
    how: memory.how,
    unit: 'worker',
  });
}

/**
 * The same for threads of one process. What one of them needs is not measurable from outside: the process's memory shared out
 * among the threads that it has now is more than that.
 */
export function threadCapacity(service: Service, facts: Needed): WorkerCapacity | undefined {
  const load = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const memory = workerMemory(service, facts);
  const [process, another] = valueOr(facts.processes, []).filter(one => service.workerPids.includes(one.pid));
  if (load === undefined || memory === undefined || process === undefined || another !== undefined) return undefined;
  return bound(service, facts, {
    perWorkerBytes: perThreadBytes(memory, process.threads),
    running: load.workers,
    wanted: wantedWorkers(load, facts),
    how: memory.how,
    unit: 'thread',
  });
}

/** What one more worker may come to need: as much as the largest, and never as little as one that has just started. */
export function perWorkerBytes({ largestBytes }: WorkerMemory): number {
  return Math.max(largestBytes, leastPerWorkerBytes);
}

/** No less than one more thread needs. */
export function perThreadBytes({ usedBytes }: WorkerMemory, threads: number): number {
  return Math.max(leastPerThreadBytes, Math.round(usedBytes / Math.max(1, threads)));
}

/** Tomcat, and Puma in single mode, have one process with threads. */
export function isOfThreads(service: Service, command: BackendCommand | undefined): boolean {
  return service.kind === 'tomcat' || service.kind === 'java' || (service.kind === 'puma' && !(Number(command?.values['workers']?.value) > 0));
}

/** Requests that one worker process, or one thread where threads are counted, works on at once. */
export function requestsPerUnit(service: Service, command: BackendCommand | undefined, running: number): number {
  const values = command?.values ?? {};
  if (service.kind === 'apache') return values['mpm']?.value === 'prefork' ? 1 : positive(values['threadsperchild']?.value, 25);
  if (isOfThreads(service, command)) return 1;
  if (service.kind === 'puma') return positive(values['threads']?.value.split(':')[1], 1);
  return service.manager === 'threads' ? Math.max(1, Math.round((service.workersMax?.value ?? running) / Math.max(1, running))) : 1;
}

/** Processors that its processes may use: those of the host, or what a control group around one of them leaves. */
export function processorsFor(service: Service, facts: Pick<Facts, 'host-identity' | 'control-groups'>): number {
  const ofHost = valueOr(facts['host-identity'], undefined)?.cpus ?? 1;
  const limits = valueOr(facts['control-groups'], []).flatMap(({ cpus, pids }) =>
    cpus !== undefined && service.workerPids.some(pid => pids.includes(pid)) ? [cpus] : [],
  );
  return Math.min(ofHost, ...limits);
}

/** Processors that its workers kept busy while they were sampled. */
export function processorsUsed({ cpuMs = 0, sampledMs = 0 }: ServiceLoad): number {
  return sampledMs > 0 ? cpuMs / sampledMs : 0;
}

/**
 * There are as many workers as processors, and they keep these busy: more of them would only share them. Where others take the
 * processors too, most of the workers wait for one.
 */
export function isBoundByProcessors(load: ServiceLoad | undefined, workers: number, processors: number): boolean {
  if (load === undefined || workers < processors) return false;
  const runnable = load.states?.['R'] ?? 0;
  return processorsUsed(load) >= processors * busyShare || (processorsUsed(load) > 0 && runnable >= workers * busyShare);
}

/** The command line of the process that runs a service. */
export function commandOf(service: Service, facts: Pick<Facts, 'backend-configs'>): BackendCommand | undefined {
  return valueOr(facts['backend-configs'], undefined)?.commands.find(one => one.of.kind === 'process' && one.of.pid === service.masterPid);
}

function bound(
  service: Service,
  facts: Needed,
  what: Pick<WorkerCapacity, 'running' | 'wanted' | 'perWorkerBytes' | 'how' | 'unit'>,
): WorkerCapacity | undefined {
  const workers = valueOr(facts.processes, []).filter(process => service.workerPids.includes(process.pid));
  const room = memoryRooms(facts)
    .filter(one => one.kind === 'host' || workers.some(worker => one.holds(worker)))
    .toSorted((a, b) => freeBytes(a) - freeBytes(b))[0];
  if (room === undefined) return undefined;
  const { availableBytes, reserveBytes, kind } = room;
  return { ...what, affordable: what.running + Math.floor(freeBytes(room) / what.perWorkerBytes), availableBytes, reserveBytes, limitedBy: kind };
}

function freeBytes({ availableBytes, reserveBytes }: MemoryRoom): number {
  return Math.max(0, availableBytes - reserveBytes);
}

/** Requests at once that would keep up with what comes, where a pool is full: it keeps up with what it answers. At least twice as many. */
export function wantedWorkers({ workers, queue, unread }: ServiceLoad, facts: Pick<Facts, 'nginx-access-log'>): number {
  const waiting = Math.max(0, ...queue.map((count, index) => count + (unread?.[index] ?? 0)));
  const demand = demandRatio(facts) ?? (workers + waiting) / Math.max(1, workers);
  return Math.ceil(workers * Math.min(mostGrowth, Math.max(2, demand * headroom)));
}

/** Requests to answered requests while some failed. */
function demandRatio(facts: Pick<Facts, 'nginx-access-log'>): number | undefined {
  const buckets = valueOr(facts['nginx-access-log'], undefined)?.buckets;
  if (buckets === undefined) return undefined;
  const failed = new Map(buckets.failed.starts.map((start, index) => [start, buckets.failed.counts[index] ?? 0]));
  let all = 0;
  let answered = 0;
  for (const [index, start] of buckets.all.starts.entries()) {
    const count = buckets.all.counts[index] ?? 0;
    const lost = failed.get(start) ?? 0;
    if (lost === 0) continue;
    all += count;
    answered += count - lost;
  }
  return all === 0 ? undefined : answered === 0 ? mostGrowth : all / answered;
}

function positive(text: string | undefined, fallback: number): number {
  return text !== undefined && /^[1-9]\d{0,5}$/.test(text) ? Number(text) : fallback;
}

/** `34 MiB`, `1.5 GiB`, `12 KiB`. */
export function inMebibytes(bytes: number): string {
  if (bytes > 0 && bytes < 2 ** 20) return `${Math.ceil(bytes / 1024)} KiB`;
  const mebibytes = bytes / 2 ** 20;
  return mebibytes >= 1024 ? `${(mebibytes / 1024).toFixed(1)} GiB` : `${Math.round(mebibytes)} MiB`;
}
