import type { BackendEvent } from './facts/backend.ts';
import type { Hop } from './facts/hop.ts';
import type { SocketUnit, SystemdUnit } from './facts/system.ts';
import { hasJournal } from './last-end.ts';

/** A unit that starts and ends again and again. */
export interface RestartLoop {
  /** `by-socket`: connections to a socket of systemd's start it, and it ends each time. */
  readonly state: 'between-tries' | 'given-up' | 'running-again' | 'by-socket';
  /** Tries that systemd made by itself since the last start by hand; those within the window, where connections make it try. */
  readonly restarts: number;
  /** Present with `by-socket`. */
  readonly socket?: SocketUnit;
  /** Time of its last end. */
  readonly endedMs?: number;
}

/** The span of time that is looked at, in milliseconds since the epoch. */
export interface Window {
  readonly sinceMs: number;
  readonly nowMs: number;
}

/** A service that lived longer than this has not died at its start. */
const shortLifeMs = 60_000;
/** A start is told by systemd, by the server and by its workers within this time. */
const sameStartMs = 10_000;
/** Fewer restarts than this are an accident, not a loop; where it is away again right after them, two tell. */
const fewestRestarts = 3;
const fewestWhileAway = 2;

/**
 * Whether systemd keeps starting the unit, or gave up on it after repeated starts, judged by its state and by the journal. `isAway`: nobody
 * listens now. `events`: what the service's whole journal of the window tells, of which the unit keeps the last lines alone.
 */
export function restartLoop(unit: SystemdUnit, events: readonly BackendEvent[], window: Window, isAway: boolean): RestartLoop | undefined {
  const endedMs = unit.execMainExitMs ?? unit.inactiveEnterMs;
  const common = { restarts: unit.restarts, ...(endedMs === undefined ? {} : { endedMs }) };
  const failed = unit.activeState === 'failed';
  const starter = unit.sockets?.[0];
  if (starter !== undefined && unit.activeState !== 'active' && unit.restarts === 0) {
    const ends = unit.journal.filter(line => line.timeMs >= window.sinceMs && line.identifier === 'systemd' && saysFailedEnd(line.text)).length;
    const told = events.filter(event => event.timeMs >= window.sinceMs && event.kind === 'worker-exit' && saysFailedEnd(event.text)).length;
    const tries = Math.max(ends, told);
    if (tries >= fewestWhileAway) return { state: 'by-socket', socket: starter, ...common, restarts: tries };
  }
  if (unit.subState.includes('auto-restart')) return { state: 'between-tries', ...common };
  if (unit.activeState === 'activating' && unit.restarts > 0) return { state: 'between-tries', ...common };
  // After a start that was refused for its number systemd keeps the result of the last real end.
  if (failed && (unit.result === 'start-limit-hit' || unit.restarts >= fewestRestarts || lastStartRefused(unit))) return { state: 'given-up', ...common };
  const fewest = isAway ? fewestWhileAway : fewestRestarts;
  if (unit.activeState !== 'active' || unit.restarts < fewest) return undefined;
  const starts = startsIn(unit, events, window.sinceMs).slice(-unit.restarts);
  const upMs = unit.activeEnterMs === undefined ? Number.POSITIVE_INFINITY : window.nowMs - unit.activeEnterMs;
  const isYoung = upMs < shortLifeMs;
  // Whoever may not read the journal sees no starts in it.
  const isBlind = !hasJournal(unit, events);
  const isLoop = starts.length >= fewest ? isYoung || isQuick(starts) : (isAway || isBlind) && isYoung;
  return isLoop ? { state: 'running-again', ...common } : undefined;
}

/**
 * When a unit that is restarted again and again ended first, by the counter in systemd's lines; where the first of them are no
 * longer there, by the pace of the others. A unit in a loop has always just ended, so that its last end tells nothing.
 */
export function loopBeganMs(unit: SystemdUnit): number | undefined {
  if (unit.restarts === 0) return unit.execMainExitMs ?? unit.inactiveEnterMs;
  const tries = unit.journal.flatMap(({ identifier, text, timeMs }) => {
    const count = identifier === 'systemd' ? /: Scheduled restart job, restart counter is at (\d{1,9})\./.exec(text)?.[1] : undefined;
    return count === undefined ? [] : [{ count: Number(count), timeMs }];
  });
  const from = tries.findLastIndex((one, index) => one.count <= (tries[index - 1]?.count ?? Number.POSITIVE_INFINITY));
  const own = tries.slice(Math.max(0, from));
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  if (first.count === 1) return first.timeMs;
  return last.count > first.count ? first.timeMs - ((last.timeMs - first.timeMs) / (last.count - first.count)) * (first.count - 1) : undefined;
}

/** systemd's line for a main process that ended badly, as it is in every version. */
function saysFailedEnd(text: string): boolean {
  return text.includes(': Main process exited, code=') && !text.endsWith('status=0/SUCCESS') && !text.endsWith('status=15/TERM');
}

/** When systemd started it within the window. */
function startsIn(unit: SystemdUnit, events: readonly BackendEvent[], sinceMs: number): number[] {
  const scheduled = unit.journal
    .filter(line => line.timeMs >= sinceMs && line.identifier === 'systemd' && line.text.includes(': Scheduled restart job, '))
    .map(line => line.timeMs);
  const started = events.filter(event => event.kind === 'started' && event.timeMs >= sinceMs && event.text.startsWith('Started ')).map(event => event.timeMs);
  return scheduled.length > started.length ? scheduled : started;
}

function isQuick(times: readonly number[]): boolean {
  const first = times[0];
  const last = times.at(-1);
  return first !== undefined && last !== undefined && (last - first) / (times.length - 1) < shortLifeMs;
}

function lastStartRefused(unit: SystemdUnit): boolean {
  const refused = unit.journal.findLastIndex(line => line.identifier === 'systemd' && line.text.includes('Start request repeated too quickly'));
  const started = unit.journal.findLastIndex(line => line.identifier === 'systemd' && line.text.startsWith('Started '));
  return refused !== -1 && refused > started;
}

/** A start of the service within the window, with the line that tells it. */
export interface Start {
  readonly timeMs: number;
  readonly event?: BackendEvent;
}

/** When the service was started as a whole, by systemd's lines, its own, or the start of its main process, in time order. */
export function startsOf(hop: Hop, sinceMs: number): Start[] {
  const told: Start[] = hop.events.filter(event => event.kind === 'started' && event.timeMs >= sinceMs).map(event => ({ timeMs: event.timeMs, event }));
  const seen: Start[] = [hop.unit?.activeEnterMs, hop.master?.startMs].flatMap(timeMs => (timeMs !== undefined && timeMs >= sinceMs ? [{ timeMs }] : []));
  const stops = hop.events.filter(event => event.kind === 'stopped').map(event => event.timeMs);
  const starts: Start[] = [];
  for (const start of [...told, ...seen].toSorted((a, b) => a.timeMs - b.timeMs)) {
    const before = starts.at(-1);
    // A service that was stopped in between was started twice, however soon.
    const isAnother = before !== undefined && stops.some(timeMs => timeMs > before.timeMs && timeMs < start.timeMs);
    if (before === undefined || isAnother || start.timeMs - before.timeMs > sameStartMs) starts.push(start);
    else if (before.event === undefined && start.event !== undefined) starts[starts.length - 1] = start;
  }
  return starts;
}
