import type { BackendEvent } from './facts/backend.ts';
import type { SystemdUnit } from './facts/system.ts';

/** `in-order`: the program ended by itself with status 0. `untold`: it was started again, and what would tell how it ended could not be read. */
export type LastEnd = 'failed' | 'in-order' | 'untold';

const failures = new Set<BackendEvent['kind']>(['worker-exit', 'worker-signal', 'out-of-memory', 'boot-failed']);

/**
 * How a unit ended before systemd started it again: by the state that systemd keeps, which anybody may read and which lasts until the next
 * start, and by the lines of the journal since then, which are for root. Lines that say nothing of it count as a failure.
 */
export function lastEnd(unit: SystemdUnit, events: readonly BackendEvent[], sinceMs: number): LastEnd {
  if (unit.result !== 'success' || unit.execMainStatus !== 0 || unit.execMainCode === 'killed' || unit.execMainCode === 'dumped') return 'failed';
  if (!isRestartedAnyway(unit)) return 'failed';
  const told = events.filter(event => event.timeMs >= sinceMs);
  if (told.some(event => failures.has(event.kind))) return 'failed';
  if (told.some(event => event.kind === 'ended')) return 'in-order';
  if (hasJournal(unit, events)) return 'failed';
  return unit.execMainCode === 'exited' ? 'in-order' : 'untold';
}

/** Whether any line of the unit's journal is at hand. One that systemd has started has such lines. */
export function hasJournal(unit: SystemdUnit, events: readonly BackendEvent[]): boolean {
  return unit.journal.length > 0 || events.some(event => event.source.startsWith('journal:'));
}

/** Whether systemd also starts it again after an end that is no failure. */
function isRestartedAnyway({ restartPolicy }: SystemdUnit): boolean {
  return restartPolicy === undefined || restartPolicy === 'always' || restartPolicy === 'on-success';
}
