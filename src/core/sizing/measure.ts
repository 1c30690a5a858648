import type { CollectContext } from '../model/collector.ts';
import { valueOr } from '../model/fact.ts';
import type { BackendCommand, Service, ServiceKind } from '../model/facts/backend.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import type { Facts } from '../model/facts.ts';
import { commandOf, headroom, isOfThreads, perThreadBytes, perWorkerBytes, processorsFor, requestsPerUnit, wantedWorkers } from '../model/worker-capacity.ts';
import { workerMemory, type WorkerMemory } from '../model/worker-memory.ts';
import { needOf, type Need } from './need.ts';

/** One pool with all that a judgement of it hangs on. Units are processes, or threads of the one process. */
export interface Pool {
  readonly service: Service;
  readonly command: BackendCommand | undefined;
  readonly workers: readonly ProcessInfo[];
  readonly unit: 'worker' | 'thread';
  /** Name of the setting, and how many of what it counts a unit has. */
  readonly setting: string;
  readonly factor: number;
  /** Requests that a unit works on at once; `undefined` for event loops, which have no such limit. */
  readonly perUnit: number | undefined;
  /** Most units as configured now; `undefined` where that is not known. */
  readonly limit: number | undefined;
  readonly limitSource: string;
  readonly running: number;
  readonly memory: WorkerMemory | undefined;
  /** What one unit more is counted with. */
  readonly bytesEach: number;
  /** Processors that its processes may use: those of the host, or what its control group leaves. */
  readonly cpus: number;
  readonly need: Need;
  /** More was asked than its limit, by proof and not by a rule of thumb. */
  readonly isShort: boolean;
  /** Units that it needs, with a quarter in reserve; at least one. */
  readonly needed: number;
}

const settings: Readonly<Partial<Record<ServiceKind, string>>> = {
  'php-fpm': 'pm.max_children',
  gunicorn: 'workers',
  uwsgi: 'processes',
  tomcat: 'maxThreads',
  java: 'server.tomcat.threads.max',
  node: 'processes',
  unicorn: 'worker_processes',
  uvicorn: 'workers',
  apache: 'MaxRequestWorkers',
};

/** Pools of this host that run, or that would start workers when they are asked. */
export function measurePools(facts: Facts, context: CollectContext): readonly Pool[] {
  return valueOr(facts.services, []).flatMap(service => {
    const isRunning = service.workerPids.length > 0 || service.masterPid !== undefined;
    return isRunning && (service.kind in settings || service.kind === 'puma') ? [measure(service, facts, context)] : [];
  });
}

function measure(service: Service, facts: Facts, context: CollectContext): Pool {
  const command = commandOf(service, facts) ?? workerCommand(service, facts);
  const workers = valueOr(facts.processes, []).filter(process => service.workerPids.includes(process.pid) && process.state !== 'Z');
  const memory = workerMemory(service, facts);
  const unit = isOfThreads(service, command) ? 'thread' : 'worker';
  const perUnit = service.manager === 'event-loop' ? undefined : requestsPerUnit(service, command, workers.length);
  const need = needOf(service, facts, context);
  const cpus = processorsFor(service, facts);
  const limit = limitOf(service, unit, perUnit, workers.length);
  const running = unit === 'thread' ? (workers[0]?.threads ?? 0) : workers.length;
  const isShort = isShortOf(need, limit, perUnit, cpus, workers.length);
  return {
    service,
    command,
    workers,
    unit,
    setting: service.kind === 'puma' ? (unit === 'thread' ? 'threads' : 'workers') : (settings[service.kind] ?? 'workers'),
    factor: service.kind === 'apache' ? (perUnit ?? 1) : 1,
    perUnit,
    limit,
    limitSource: service.workersMax?.source ?? 'workers running now',
    running,
    memory,
    bytesEach: memory === undefined ? 0 : unit === 'thread' ? perThreadBytes(memory, running) : perWorkerBytes(memory),
    cpus,
    need,
    isShort,
    needed: neededUnits(service, facts, { need, limit, perUnit, cpus, isShort }),
  };
}

/** Programs that PM2 or a supervisor starts are known by their own command line, not by the manager's. */
function workerCommand(service: Service, facts: Facts): BackendCommand | undefined {
  const commands = valueOr(facts['backend-configs'], undefined)?.commands ?? [];
  return commands.find(one => one.of.kind === 'process' && service.workerPids.includes(one.of.pid));
}

function limitOf(service: Service, unit: Pool['unit'], perUnit: number | undefined, running: number): number | undefined {
  const most = service.workersMax?.value;
  if (perUnit === undefined) return running > 0 ? running : undefined;
  if (unit === 'thread' || most !== undefined) return most === undefined || most < 1 ? undefined : Math.max(1, Math.round(most / perUnit));
  return service.manager === 'prefork' && running > 0 ? running : undefined;
}

function isShortOf(need: Need, limit: number | undefined, perUnit: number | undefined, cpus: number, running: number): boolean {
  if (perUnit === undefined) {
    // A loop is short of processes where all of them compute all the time, requests are in work in each, and processors are left.
    const isHeldUp = need.state?.isFull === true && (need.waited ?? 0) > 0;
    return isHeldUp || ((need.busy ?? 0) >= running && running > 0 && running < Math.floor(cpus) && need.processorsUsed >= running * 0.9);
  }
  const isFull = need.state?.isFull === true && need.state.waiting.least > 0;
  // Times in a log are often whole seconds: what ended in one second counts as if it had ended at its start, which at most doubles a short slot.
  const blur = need.log === undefined ? 1 : 1 + 1000 / need.log.slotMs;
  const isOver = limit !== undefined && need.loggedPeak > limit * perUnit * blur;
  return isFull || need.saidFull > 0 || isOver;
}

function neededUnits(
  service: Service,
  facts: Facts,
  { need, limit, perUnit, cpus, isShort }: Pick<Pool, 'need' | 'limit' | 'perUnit' | 'cpus' | 'isShort'>,
): number {
  if (perUnit === undefined) return isShort ? Math.max(Math.floor(cpus), 1) : Math.max(1, limit ?? 1);
  const load = valueOr(facts['service-load'], []).find(one => one.serviceId === service.id);
  const logged = need.loggedPeak;
  if (!isShort) return Math.max(1, Math.ceil((Math.max(need.busy ?? 0, logged) * headroom) / perUnit));
  const atOnce = (limit ?? 1) * perUnit;
  const full = load === undefined ? atOnce * 2 : wantedWorkers({ ...load, workers: Math.max(load.workers, atOnce) }, facts);
  // What the log counts as in work waited too: where requests failed, the share of those that were answered tells more.
  const byLog = Math.ceil(Math.min(logged, atOnce * 8) * headroom);
  const isFullNow = need.state?.isFull === true;
  const requests = isFullNow || need.saidFull > 0 ? Math.max(full, isFullNow ? 0 : byLog) : Math.max(byLog, atOnce + 1);
  const units = Math.ceil(requests / perUnit);
  // Workers that compute most of the time are of use as far as there are processors.
  return need.processorsUsed >= (limit ?? 1) * 0.6 ? Math.min(units, Math.max(1, Math.ceil(cpus))) : units;
}
