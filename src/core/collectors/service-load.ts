import { ask, askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { Service, ServiceLoad } from '../model/facts/backend.ts';
import type { ExecResult } from '../model/host.ts';
import { parseProcStat } from '../parsers/proc-stat.ts';
import { parsePss } from '../parsers/proc-smaps.ts';
import { textOf } from './shared/answers.ts';
import { definedOf } from './shared/defined.ts';
import { dropsByAddress, listenerDrops } from './shared/listener-drops.ts';
import { fallbackRequests, momentOf, readFallback, readSample, sampleRequests } from './service-sample.ts';
import type { Sample, ServiceMoment } from './service-sample.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

const samples = 3;
const pauseMs = 150;
/** A full pool in which nothing was finished so far is looked at once more: slow requests and a standstill look alike for a moment. */
const secondLookMs = 700;
/** USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;
const maxPids = 300;
/** Reading smaps_rollup walks a process's page tables: a few workers tell enough. */
const maxMeasured = 5;

export default defineCollector({
  id: 'service-load',
  title: 'How busy the backends are, sampled several times',
  needs: ['services', 'listeners'],
  *collect(facts) {
    if (facts.services.state !== 'known') return facts.services;
    // nginx and HAProxy hold any number of idle connections; their queues are in the listeners.
    const services = facts.services.value.filter(service => service.listening.length > 0 && service.kind !== 'nginx' && service.kind !== 'haproxy');
    if (services.length === 0) return known([]);
    const pids = [...new Set(services.toSorted(byInterest).flatMap(service => service.workerPids))].slice(0, maxPids);

    const taken: SampleWithDrops[] = [];
    const loops: ReadonlyMap<number, boolean>[] = [];
    const loopPids = services
      .filter(hasLoops)
      .flatMap(service => service.workerPids)
      .slice(0, maxPids);
    const before = yield* statsOf(pids);
    for (let index = 0; index < samples; index++) {
      loops.push(yield* heldUpLoops(loopPids));
      const isLast = index + 1 === samples;
      taken.push(yield* takeSample(services, isLast ? 0 : pauseMs, isLast));
    }
    let sampledMs = pauseMs * (samples - 1);
    if (services.some(service => standsStill(service, taken))) {
      yield* ask({ kind: 'pause', ms: secondLookMs });
      loops.push(yield* heldUpLoops(loopPids));
      taken.push(yield* takeSample(services, 0, true));
      sampledMs += secondLookMs;
    }
    const after = yield* statsOf(pids);
    const waits = yield* waitsOf(pids);
    const pss = yield* pssOf(services);
    const listeners = facts.listeners.state === 'known' ? facts.listeners.value : [];
    const droppedBefore = new Map(
      listeners.flatMap(({ host, port, dropped: already }) => (already === undefined ? [] : [[`${host} ${port}`, already] as const])),
    );
    const problems = taken.some(sample => !sample.unixKnown) ? ['/proc/net/unix could not be read: how busy backends on unix sockets are is not known.'] : [];
    return known(
      services.map(service => {
        const moments = taken.map(sample => momentOf(service, sample));
        const states: Record<string, number> = {};
        const waiting: Record<string, number> = {};
        let cpuMs: number | undefined;
        for (const pid of service.workerPids) {
          const stat = after.get(pid);
          if (stat !== undefined) states[stat.state] = (states[stat.state] ?? 0) + 1;
          const first = before.get(pid);
          if (stat !== undefined && first !== undefined) cpuMs = (cpuMs ?? 0) + Math.max(0, stat.cpuMs - first.cpuMs);
          const wait = waits.get(pid);
          if (wait !== undefined) waiting[wait] = (waiting[wait] ?? 0) + 1;
        }
        const backlog = service.listening.length === 0 ? -1 : backlogOf(service, listeners);
        return {
          ...loadOf(service, moments, backlog),
          ...loopsOf(service, moments, loops),
          ...dropped(dropsOf(service, droppedBefore), dropsOf(service, taken.at(-1)?.drops ?? new Map())),
          states,
          ...definedOf({ pssPerWorkerBytes: pss.get(service.id), cpuMs }),
          sampledMs,
          finished: finishedIn(moments),
          ...(Object.keys(waiting).length === 0 ? {} : { waits: waiting }),
        };
      }),
      problems,
    );
  },
});

/** All workers busy in every sample, and none of their connections came to an end. */
function standsStill(service: Service, taken: readonly Sample[]): boolean {
  const moments = taken.map(sample => momentOf(service, sample));
  const load = loadOf(service, moments, -1);
  return load.workers > 0 && load.busyAlways >= load.workers && finishedIn(moments) === 0;
}

function finishedIn(moments: readonly ServiceMoment[]): number {
  const later = moments.at(-1)?.inodes ?? new Set();
  return [...(moments[0]?.inodes ?? [])].filter(inode => !later.has(inode)).length;
}

/** Counts busy workers from outside, with no worker's help: by the connections that they hold. */
export function loadOf(service: Service, moments: readonly ServiceMoment[], backlog: number): ServiceLoad {
  const queue = moments.map(moment => moment.queue);
  const base = { serviceId: service.id, queue, backlog };
  if (service.manager === 'prefork' || service.manager === 'dynamic' || service.kind === 'php-fpm') {
    const workers = service.workerPids.length;
    const busy = moments.map(moment => Math.min(moment.held, workers));
    return {
      ...base,
      workers,
      busyAlways: Math.min(...busy),
      busyEver: Math.max(...busy),
      how: `connections that its workers have accepted, each holding one worker, in ${moments.length} samples; nothing was asked of the backend`,
    };
  }
  const workers = service.workersMax?.value ?? service.workerPids.length;
  const busy = moments.map(moment => busyOfShared(moment, service, workers));
  const isSeen = moments.every(moment => moment.inFlight !== undefined);
  return {
    ...base,
    ...(service.manager === 'threads' && isSeen ? { unread: moments.map(moment => moment.unread) } : {}),
    workers,
    busyAlways: Math.min(...busy),
    busyEver: Math.max(...busy),
    how: isSeen
      ? `requests received and not yet answered on its connections, in ${moments.length} samples`
      : `its accept queue in ${moments.length} samples; which of its connections wait for an answer cannot be seen on a unix socket, so fewer are counted as busy than may be`,
  };
}

/** Threads and event loops keep idle connections: only requests in flight count, and a queue means that nobody is free to accept. */
function busyOfShared(moment: ServiceMoment, service: Service, workers: number): number {
  // Of idle connections there may be more than threads, and one of them may be about to be read.
  const isUnseen = moment.inFlight === undefined && moment.unread > 0;
  if (service.manager === 'threads' && moment.held >= workers && (moment.queue > 0 || isUnseen)) return workers;
  return Math.min(moment.inFlight ?? 0, workers);
}

interface SampleWithDrops extends Sample {
  /** By address. */
  readonly drops: ReadonlyMap<string, number>;
}

function dropRequests(services: readonly Service[]): readonly (typeof listenerDrops)[] {
  const isTcp = services.some(service => service.listening.some(address => address.kind === 'tcp'));
  return isTcp ? [listenerDrops] : [];
}

/** Dropped before the addresses of a service; undefined where that is not known of one of them. */
function dropsOf({ listening }: Service, byAddress: ReadonlyMap<string, number>): number | undefined {
  const addresses = new Set(listening.flatMap(address => (address.kind === 'tcp' ? [`${address.host} ${address.port}`] : [])));
  const all = [...addresses].map(address => byAddress.get(address) ?? Number.NaN).reduce((sum, drops) => sum + drops, 0);
  return addresses.size === 0 || Number.isNaN(all) ? undefined : all;
}

function dropped(before: number | undefined, after: number | undefined): Pick<ServiceLoad, 'drops'> {
  return before === undefined || after === undefined ? {} : { drops: { sinceOpened: after, meanwhile: Math.max(0, after - before) } };
}

/** Servers of Python: an application written for one request at a time holds up all others of its process. */
function hasLoops(service: Service): boolean {
  return service.manager === 'event-loop' && service.workersMax === undefined && (service.kind === 'uvicorn' || service.kind === 'gunicorn');
}

/** By process: whether it is at something else than waiting for events. One of which that cannot be seen is left out. */
function* heldUpLoops(pids: readonly number[]): Steps<ReadonlyMap<number, boolean>> {
  if (pids.length === 0) return new Map();
  const stats = yield* statsOf(pids);
  const waits = yield* waitsOf(pids);
  const found = new Map<number, boolean>();
  for (const pid of pids) {
    const state = stats.get(pid)?.state;
    const wait = waits.get(pid);
    if (state === 'R' || state === 'D') found.set(pid, true);
    else if (wait !== undefined) found.set(pid, !/epoll|ep_poll|poll_schedule|do_poll|do_select|io_cqring/.test(wait));
  }
  return found;
}

function loopsOf(service: Service, moments: readonly ServiceMoment[], loops: readonly ReadonlyMap<number, boolean>[]): Pick<ServiceLoad, 'loops'> {
  const pids = service.workerPids;
  if (!hasLoops(service) || pids.length === 0 || !loops.every(sample => pids.every(pid => sample.has(pid)))) return {};
  const heldUp = pids.filter(pid => loops.every(sample => sample.get(pid) === true)).length;
  return { loops: { heldUp, waiting: moments.map(moment => Math.max(0, (moment.inFlight ?? moment.unread) - pids.length)) } };
}

/**
 * `untilNextMs` passes while the sample is taken, so that a host on which that is slow is not looked at for longer; what was
 * dropped is asked beside it, because the report waits for the last sample.
 */
function* takeSample(services: readonly Service[], untilNextMs: number, withDrops: boolean): Steps<SampleWithDrops> {
  const sampled = sampleRequests(services);
  const asked = withDrops ? dropRequests(services) : [];
  const pause: readonly Request[] = untilNextMs === 0 ? [] : [{ kind: 'pause', ms: untilNextMs }];
  const answers: readonly Known<unknown>[] = yield [...sampled, ...asked, ...pause];
  const drops = dropsByAddress(asked.length === 0 ? undefined : (answers[sampled.length] as Known<ExecResult> | undefined));
  const sample = readSample(answers, services);
  if (sample.tcpKnown) return { ...sample, drops };
  const fallback: readonly Known<unknown>[] = yield fallbackRequests;
  return { ...sample, tcp: readFallback(fallback), tcpKnown: true, drops };
}

interface Stat {
  readonly state: string;
  readonly cpuMs: number;
}

function* statsOf(pids: readonly number[]): Steps<ReadonlyMap<number, Stat>> {
  const answers = yield* askAll(pids.map(pid => ({ kind: 'read', path: `/proc/${pid}/stat`, options: { limit: 4096 } }) as const));
  const stats = new Map<number, Stat>();
  for (const [index, pid] of pids.entries()) {
    const stat = parseProcStat(textOf(answers[index]) ?? '');
    if (stat !== undefined) stats.set(pid, { state: stat.state, cpuMs: stat.cpuTicks * TICK_MS });
  }
  return stats;
}

/** The kernel function each worker sleeps in; `0` is what the kernel says where this user may not know. */
function* waitsOf(pids: readonly number[]): Steps<ReadonlyMap<number, string>> {
  const answers = yield* askAll(pids.map(pid => ({ kind: 'read', path: `/proc/${pid}/wchan`, options: { limit: 256 } }) as const));
  const waits = new Map<number, string>();
  for (const [index, pid] of pids.entries()) {
    const wait = (textOf(answers[index]) ?? '').trim();
    if (wait !== '' && wait !== '0') waits.set(pid, wait);
  }
  return waits;
}

function* pssOf(services: readonly Service[]): Steps<ReadonlyMap<string, number>> {
  const wanted = services
    .filter(service => service.kind !== 'other')
    .flatMap(service => service.workerPids.slice(0, maxMeasured).map(pid => ({ id: service.id, pid })));
  const some = wanted.slice(0, 60);
  const answers = yield* askAll(some.map(({ pid }) => ({ kind: 'read', path: `/proc/${pid}/smaps_rollup`, options: { limit: 8192 } }) as const));
  const sums = new Map<string, { total: number; count: number }>();
  for (const [index, { id }] of some.entries()) {
    const pss = parsePss(textOf(answers[index]) ?? '');
    if (pss === undefined) continue;
    const sum = sums.get(id) ?? { total: 0, count: 0 };
    sums.set(id, { total: sum.total + pss, count: sum.count + 1 });
  }
  return new Map([...sums].map(([id, sum]) => [id, Math.round(sum.total / sum.count)]));
}

function backlogOf(
  service: Service,
  listeners: readonly { readonly kind: string; readonly host: string; readonly port: number; readonly path?: string; readonly backlog: number }[],
): number {
  const found = listeners.filter(listener =>
    service.listening.some(address =>
      address.kind === 'unix' ? listener.path === address.path : listener.kind === 'tcp' && listener.port === address.port && listener.host === address.host,
    ),
  );
  return Math.max(-1, ...found.map(listener => listener.backlog));
}

/** Backends that are known by name first, those that may be anything last. */
function byInterest(a: Service, b: Service): number {
  return Number(a.kind === 'other') - Number(b.kind === 'other');
}
