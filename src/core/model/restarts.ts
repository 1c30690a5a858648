import type { SystemdUnit } from './facts/system.ts';

/** A unit that starts and ends again and again. */
export interface RestartLoop {
  readonly state: 'between-tries' | 'given-up' | 'running-again';
  /** Tries that systemd made by itself since the last start by hand. */
  readonly restarts: number;
  /** Time of its last end. */
  readonly endedMs?: number;
}

/** A service that lived longer than this has not died at its start. */
const shortLifeMs = 60_000;
/** Fewer restarts than this are an accident, not a loop. */
const fewestRestarts = 3;

/** Whether systemd keeps starting the unit, or gave up on it after repeated starts, judged by its state and by the window's journal. */
export function restartLoop(unit: SystemdUnit, sinceMs: number, nowMs: number): RestartLoop | undefined {
  const endedMs = unit.execMainExitMs ?? unit.inactiveEnterMs;
  const common = { restarts: unit.restarts, ...(endedMs === undefined ? {} : { endedMs }) };
  const failed = unit.activeState === 'failed';
  if (unit.subState.includes('auto-restart') && unit.restarts > 0) return { state: 'between-tries', ...common };
  if (unit.activeState === 'activating' && unit.restarts > 0) return { state: 'between-tries', ...common };
  // After a start that was refused for its number systemd keeps the result of the last real end.
  if (failed && (unit.result === 'start-limit-hit' || unit.restarts >= fewestRestarts || lastStartRefused(unit))) return { state: 'given-up', ...common };
  if (unit.activeState !== 'active' || unit.restarts < fewestRestarts) return undefined;
  const scheduled = unit.journal
    .filter(line => line.timeMs >= sinceMs && line.identifier === 'systemd' && line.text.includes(': Scheduled restart job, '))
    .map(line => line.timeMs);
  const upMs = unit.activeEnterMs === undefined ? Number.POSITIVE_INFINITY : nowMs - unit.activeEnterMs;
  return scheduled.length >= fewestRestarts && (upMs < shortLifeMs || isQuick(scheduled)) ? { state: 'running-again', ...common } : undefined;
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
