import { valueOr, type Known } from './fact.ts';
import type { BackendConfigs, BackendEvent, PhpFpmPools, Service, Sourced } from './facts/backend.ts';
import type { Hop } from './facts/hop.ts';
import type { ManagedProgram, ProgramLine } from './facts/managed-program.ts';
import type { Symptom } from './facts/topology.ts';
import type { Evidence } from './finding.ts';
import { sampleTimesOf } from './hop-symptoms.ts';

/** The setting that makes a service replace its workers after some requests. */
export interface RecycleSetting {
  /** As it is written: `max_requests`, `--limit-max-requests`. */
  readonly name: string;
  readonly requests: number;
  readonly sourced: Sourced<string>;
  /** The random part that keeps workers from ending together, where it is set. */
  readonly jitter?: Sourced<string>;
}

/** The time in which one worker was replaced. */
export interface Recycle {
  readonly fromMs: number;
  readonly toMs: number;
  readonly pid?: number;
  readonly evidence: Evidence;
  /** `log`: the service's own line. `process`: a worker that began while its master ran on. `unit`: systemd or another manager started the whole service again. */
  readonly by: 'log' | 'process' | 'unit';
}

const options: Readonly<Partial<Record<Service['kind'], readonly (readonly [option: string, name: string, jitter?: string])[]>>> = {
  gunicorn: [['max-requests', 'max_requests', 'max-requests-jitter']],
  uwsgi: [['max-requests', 'max-requests', 'max-requests-delta']],
  uvicorn: [['limit-max-requests', '--limit-max-requests', 'limit-max-requests-jitter']],
};

/** Logs give whole seconds. */
const secondMs = 1000;
/** A worker whose end is told by no line of its own is gone this soon. */
const goneMs = 1000;
/** With one of these the end was no orderly one. */
const failures = new Set<BackendEvent['kind']>(['worker-exit', 'worker-signal', 'out-of-memory', 'boot-failed', 'request-killed']);
/** A server that tells when it listens does so within this time of its start; one that tells nothing is given less. */
const bootMs = 30_000;
const silentBootMs = 4000;
/** A worker that began this much after its master was not started with it. */
const laterMs = 5000;

/** How many requests a worker serves by the settings in force; undefined where that is not limited. */
export function recycleSettingOf(
  service: Service,
  facts: { readonly 'backend-configs': Known<BackendConfigs>; readonly 'php-fpm-pools': Known<PhpFpmPools> },
  program?: ManagedProgram,
): RecycleSetting | undefined {
  if (service.kind === 'php-fpm') {
    const pools = valueOr(facts['php-fpm-pools'], undefined)?.pools ?? [];
    const pool = pools.find(one => `php-fpm:${one.name}` === service.id && (one.masterPid === undefined || one.masterPid === service.masterPid));
    return settingOf('pm.max_requests', pool?.values['pm.max_requests'], undefined);
  }
  const commands = valueOr(facts['backend-configs'], undefined)?.commands ?? [];
  const command =
    commands.find(one => one.of.kind === 'process' && one.of.pid === service.masterPid) ??
    commands.find(one => one.of.kind === 'unit' && one.of.unit === service.unit && service.masterPid === undefined);
  for (const [option, name, jitter] of options[service.kind] ?? []) {
    const found = settingOf(name, command?.values[option], jitter === undefined ? undefined : command?.values[jitter]);
    if (found !== undefined) return found;
    // Between two starts no process shows its command line, and the manager's file still does.
    const managed = settingOf(name, command === undefined ? commandOption(program, option) : undefined, undefined);
    if (managed !== undefined) return managed;
  }
  return undefined;
}

function commandOption(program: ManagedProgram | undefined, option: string): Sourced<string> | undefined {
  const words = program?.command?.split(' ').filter(Boolean) ?? [];
  const at = words.findIndex(word => word === `--${option}` || word.startsWith(`--${option}=`));
  const value = words[at]?.split('=')[1] ?? words[at + 1];
  return at < 0 || program === undefined || value === undefined
    ? undefined
    : { value, source: `config:${program.home}`, text: `command=${program.command ?? ''}` };
}

function settingOf(name: string, sourced: Sourced<string> | undefined, jitter: Sourced<string> | undefined): RecycleSetting | undefined {
  const requests = /^\d{1,9}$/.test(sourced?.value.trim() ?? '') ? Number(sourced?.value) : 0;
  return requests === 0 || sourced === undefined ? undefined : { name, requests, sourced, ...(jitter === undefined ? {} : { jitter }) };
}

/** When the service replaced workers within the window, by its log; where that is silent, by the start times of its workers and of its unit. */
export function recyclesOf(hop: Hop, setting: RecycleSetting | undefined, sinceMs: number): Recycle[] {
  const told = hop.events
    .filter(event => event.kind === 'worker-recycled' && event.timeMs >= sinceMs && (setting !== undefined || !isAnyEnd(event)))
    .map(fromLog);
  if (told.length > 0) return told;
  const whole = setting === undefined ? [] : [...unitRecycles(hop, sinceMs), ...programRecycles(hop, sinceMs)];
  return whole.length > 0 ? whole : processRecycles(hop, sinceMs);
}

/** uWSGI says the same of a worker that a reload of the whole ends. */
function isAnyEnd({ text }: BackendEvent): boolean {
  return text.includes('...The work of process ');
}

function fromLog(event: BackendEvent): Recycle {
  return {
    fromMs: event.timeMs,
    toMs: event.timeMs + (event.seconds === undefined ? goneMs : event.seconds * 1000) + (event.timeMs % secondMs === 0 ? secondMs : 0),
    ...(event.pid === undefined ? {} : { pid: event.pid }),
    evidence: { source: event.source, text: event.text },
    by: 'log',
  };
}

/** A server of one process ends as a whole, without an error, and systemd starts it again by itself. */
function unitRecycles(hop: Hop, sinceMs: number): Recycle[] {
  const events = hop.events.filter(event => event.timeMs >= sinceMs);
  const whole = events.flatMap((event, index): Recycle[] => {
    if (event.kind !== 'restarting') return [];
    const before = events.slice(0, index);
    const own = before.slice(before.findLastIndex(isUnitStart) + 1);
    const end = own.find(one => one.kind === 'stopped' || one.kind === 'ended');
    if (end === undefined || own.some(one => failures.has(one.kind))) return [];
    const after = events.slice(index + 1);
    const started = after.find(isUnitStart)?.timeMs ?? event.timeMs;
    const next = after.find(one => one.kind === 'ended')?.timeMs;
    return [
      { fromMs: end.timeMs - goneMs, toMs: listeningMs(hop, started, next), evidence: { source: event.source, text: `systemd: ${event.text}` }, by: 'unit' },
    ];
  });
  return [...whole, ...pendingRecycle(hop, events, whole.length > 0)];
}

/** It has ended in order and is away: systemd waits before it starts it again, or had not yet seen the end when it was asked for the unit. */
function pendingRecycle({ unit }: Hop, events: readonly BackendEvent[], hasEarlier: boolean): Recycle[] {
  const own = events.slice(
    Math.max(
      events.findLastIndex(isUnitStart),
      events.findLastIndex(event => event.kind === 'restarting'),
    ) + 1,
  );
  const end = own.find(one => one.kind === 'ended');
  if (end === undefined || unit === undefined || own.some(one => failures.has(one.kind))) return [];
  const isWaiting = unit.subState.includes('auto-restart') || (hasEarlier && unit.activeState === 'active');
  return isWaiting
    ? [{ fromMs: end.timeMs - 2 * goneMs, toMs: Number.POSITIVE_INFINITY, evidence: { source: end.source, text: `systemd: ${end.text}` }, by: 'unit' }]
    : [];
}

/** The same under another manager: the program ends by itself with status 0, and the manager starts it again. */
function programRecycles({ program }: Hop, sinceMs: number): Recycle[] {
  if (program === undefined || program.instances > 1) return [];
  return program.lines.flatMap((line, index): Recycle[] => {
    if (line.kind !== 'ended' || line.asked === true || line.status !== 0 || line.signal !== undefined || line.timeMs < sinceMs) return [];
    const after = program.lines.slice(index + 1);
    const started = after.find(one => one.kind === 'starting' || one.kind === 'running');
    if (started === undefined) return isStartedAgain(program) ? [programRecycle(line, Number.POSITIVE_INFINITY)] : [];
    const next = after.find(one => one.kind === 'ended')?.timeMs ?? Number.POSITIVE_INFINITY;
    return [programRecycle(line, Math.min(next, started.timeMs + silentBootMs + goneMs))];
  });
}

function programRecycle({ timeMs, source, text }: ProgramLine, toMs: number): Recycle {
  return { fromMs: timeMs - goneMs, toMs, evidence: { source, text }, by: 'unit' };
}

/** Whether the manager starts it again after its last end, as it says or has done before. */
function isStartedAgain({ state }: ManagedProgram): boolean {
  return state === 'waiting' || state === 'starting';
}

function isUnitStart(event: BackendEvent): boolean {
  return event.kind === 'started' && event.text.startsWith('Started ');
}

/** Started is not yet listening: until the server says so itself, or for as long as one may take that says nothing. */
function listeningMs(hop: Hop, startedMs: number, nextEndMs = Number.POSITIVE_INFINITY): number {
  const own = hop.events.filter(
    event => event.kind === 'started' && !isUnitStart(event) && event.timeMs >= startedMs && event.timeMs < Math.min(nextEndMs, startedMs + bootMs),
  );
  return Math.min(nextEndMs, (own.at(-1)?.timeMs ?? startedMs + silentBootMs) + goneMs);
}

/** Workers younger than a master that was not started again. Where the number of workers follows the load, a young one says nothing. */
function processRecycles(hop: Hop, sinceMs: number): Recycle[] {
  const { master, service } = hop;
  if (master === undefined || service === undefined || service.manager === 'dynamic' || service.manager === 'ondemand') return [];
  return hop.workers
    .filter(worker => worker.ppid === master.pid && worker.startMs >= sinceMs && worker.startMs > master.startMs + laterMs)
    .map(worker => ({
      fromMs: worker.startMs - goneMs,
      toMs: worker.startMs,
      pid: worker.pid,
      evidence: {
        source: `proc:${worker.pid}`,
        text: `worker ${worker.pid} began at ${new Date(worker.startMs).toISOString()}, its master ${master.pid} at ${new Date(master.startMs).toISOString()}`,
      },
      by: 'process' as const,
    }))
    .toSorted((a, b) => a.fromMs - b.fromMs);
}

/** Whether the second of a line in nginx's log, which has no part of it, is one in which the worker was being replaced. */
export function isWithin(timeMs: number, { fromMs, toMs }: Recycle): boolean {
  const second = Math.floor(timeMs / secondMs) * secondMs;
  return second + secondMs > fromMs && second <= toMs;
}

/**
 * Whether the line may belong to a replacement that badhop could not read of: one from the second in which it began to look, whose own log may
 * have been read before, and one from the start of the window, of which the replacement lies before that start.
 */
export function isAtEdge(timeMs: number, recycles: readonly Recycle[], window: { readonly sinceMs: number; readonly nowMs: number }): boolean {
  if (timeMs > window.nowMs - secondMs) return true;
  const longest = Math.max(0, ...recycles.map(({ fromMs, toMs }) => toMs - fromMs).filter(ms => Number.isFinite(ms)));
  const first = recycles[0]?.fromMs ?? Number.NEGATIVE_INFINITY;
  return timeMs < first && timeMs < window.sinceMs + Math.min(longest, longestEdgeMs);
}

const longestEdgeMs = 15_000;
const aroundSeconds = 30;

/**
 * How likely it is that all these times fall into the recycling by chance: for each, the part of the seconds around it in which some worker was
 * being replaced.
 */
export function chanceOf(times: readonly number[], recycles: readonly Recycle[], window: { readonly sinceMs: number; readonly nowMs: number }): number {
  const seconds = [...new Set(times.map(timeMs => Math.floor(timeMs / secondMs)))];
  return seconds.reduce((chance, second) => {
    const from = Math.max(Math.floor(window.sinceMs / secondMs), second - aroundSeconds);
    const to = Math.min(Math.floor(window.nowMs / secondMs), second + aroundSeconds);
    let within = 0;
    for (let each = from; each <= to; each++) if (recycles.some(recycle => isWithin(each * secondMs, recycle))) within += 1;
    return to < from ? chance : (chance * within) / (to - from + 1);
  }, 1);
}

/** A program may need this long until it serves: imports, caches, connections. */
const longestBootMs = 60_000;

/**
 * Whether requests waited in vain because the only worker was being replaced: the first of them came as one was, all of them while the next
 * one may have been booting, and what nginx gave up on is answered at once now.
 */
export function isQueued(symptom: Symptom, recycles: readonly Recycle[], hop: Hop): boolean {
  const waitMs = symptom.class === 'read-timeout' ? waitOf(hop) : 0;
  if (waitMs === undefined || hop.service === undefined || hop.service.workerPids.length > 1) return false;
  const isQuick = hop.own?.outcome.state === 'answered' && (waitMs === 0 || hop.own.ms < waitMs / 2);
  if (!isQuick) return false;
  const came = sampleTimesOf(symptom).map(timeMs => timeMs - waitMs);
  return (
    recycles.some(recycle => isWithin(symptom.firstMs - waitMs, { ...recycle, fromMs: recycle.fromMs - secondMs })) &&
    came.every(timeMs => recycles.some(({ fromMs }) => timeMs >= fromMs - 2 * secondMs && timeMs <= fromMs + longestBootMs))
  );
}

/** The shortest time that any route waits for this peer's answer. */
function waitOf(hop: Hop): number | undefined {
  const times = hop.routes.flatMap(route => route.settings['read_timeout']?.ms ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
