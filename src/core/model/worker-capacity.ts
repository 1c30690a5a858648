import type { Service, ServiceLoad } from './facts/backend.ts';
import type { Resources } from './facts/system.ts';
import type { Facts } from './facts.ts';
import { valueOr } from './fact.ts';

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
  /** What the memory limit is: the host's, or that of the unit. */
  readonly limitedBy: 'host' | 'unit';
  /** `measured` by PSS, or by resident size, which counts shared pages to each worker. */
  readonly how: 'PSS' | 'RSS';
  /** What is counted: processes, or threads of the one process. */
  readonly unit: 'worker' | 'thread';
}

/** At least this much stays free: for the page cache and for whatever else grows under load. */
const leastReserveBytes = 256 * 2 ** 20;
const reserveShare = 0.1;
/** Beyond this the estimate is not worth much: go there in steps. */
const mostGrowth = 8;
const headroom = 1.25;
/** A worker that has just started is small. */
const leastPerWorkerBytes = 8 * 2 ** 20;
/** The stack that a thread may come to use, at the usual limits. */
const leastPerThreadBytes = 2 ** 20;

type Needed = Pick<Facts, 'resources' | 'service-load' | 'processes' | 'systemd-units' | 'nginx-access-log'>;

/** `undefined` where the memory of the host or of its workers is not known. */
export function workerCapacity(service: Service, facts: Needed): WorkerCapacity | undefined {
  const memory = valueOr(facts.resources, undefined)?.memory;
  const load = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const workers = valueOr(facts.processes, []).filter(process => service.workerPids.includes(process.pid));
  const resident = workers.length === 0 ? undefined : Math.max(...workers.map(worker => worker.rssBytes));
  const measured = load?.pssPerWorkerBytes ?? resident;
  if (memory === undefined || load === undefined || measured === undefined) return undefined;
  const perWorkerBytes = Math.max(measured, leastPerWorkerBytes);
  const running = workers.length > 0 ? workers.length : load.workers;
  const how = load.pssPerWorkerBytes === undefined ? 'RSS' : 'PSS';
  return { ...bound(service, facts, memory, { perWorkerBytes, running, used: running * perWorkerBytes }), wanted: wantedOf(load, facts), how, unit: 'worker' };
}

/**
 * The same for threads of one process. What one of them needs is not measurable from outside: the process's memory shared out
 * among the threads that it has now is more than that.
 */
export function threadCapacity(service: Service, facts: Needed): WorkerCapacity | undefined {
  const memory = valueOr(facts.resources, undefined)?.memory;
  const load = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const [process, another] = valueOr(facts.processes, []).filter(one => service.workerPids.includes(one.pid));
  if (memory === undefined || load === undefined || process === undefined || another !== undefined) return undefined;
  const used = load.pssPerWorkerBytes ?? process.rssBytes;
  const perWorkerBytes = Math.max(leastPerThreadBytes, Math.round(used / Math.max(1, process.threads)));
  const how = load.pssPerWorkerBytes === undefined ? 'RSS' : 'PSS';
  return { ...bound(service, facts, memory, { perWorkerBytes, running: load.workers, used }), wanted: wantedOf(load, facts), how, unit: 'thread' };
}

type Bound = Pick<WorkerCapacity, 'running' | 'affordable' | 'perWorkerBytes' | 'availableBytes' | 'reserveBytes' | 'limitedBy'>;

function bound(
  service: Service,
  facts: Pick<Facts, 'systemd-units'>,
  memory: NonNullable<Resources['memory']>,
  { perWorkerBytes, running, used }: { readonly perWorkerBytes: number; readonly running: number; readonly used: number },
): Bound {
  const reserveBytes = Math.max(leastReserveBytes, Math.round(memory.totalBytes * reserveShare));
  const unitLimit = valueOr(facts['systemd-units'], []).find(unit => unit.name === service.unit)?.memoryMax;
  const inUnit = unitLimit === undefined ? Number.POSITIVE_INFINITY : Math.max(0, unitLimit * 0.9 - used);
  const onHost = Math.max(0, memory.availableBytes - reserveBytes);
  return {
    running,
    affordable: running + Math.floor(Math.min(onHost, inUnit) / perWorkerBytes),
    perWorkerBytes,
    availableBytes: memory.availableBytes,
    reserveBytes,
    limitedBy: inUnit < onHost ? 'unit' : 'host',
  };
}

function wantedOf({ workers, queue, unread }: ServiceLoad, facts: Pick<Facts, 'nginx-access-log'>): number {
  return wantedWorkers(workers, Math.max(...queue.map((count, index) => count + (unread?.[index] ?? 0))), facts);
}

/** The pool keeps up with what it answers; for all that comes, it takes as many times more workers. At least twice as many. */
function wantedWorkers(workers: number, queue: number, facts: Pick<Facts, 'nginx-access-log'>): number {
  const demand = demandRatio(facts) ?? (workers + queue) / workers;
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

/** `34 MiB`, `1.5 GiB`. */
export function inMebibytes(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes >= 1024 ? `${(mebibytes / 1024).toFixed(1)} GiB` : `${Math.round(mebibytes)} MiB`;
}
