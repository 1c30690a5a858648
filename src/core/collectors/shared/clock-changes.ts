import type { Change } from '../../model/facts/changes.ts';
import type { SystemdUnit } from '../../model/facts/system.ts';

/** Where the lines of the journal show that the clock was set; the kernel's other clock stands still while the machine sleeps. */
export function clockChanges(units: readonly SystemdUnit[]): readonly Change[] {
  const found = new Map<number, Change>();
  for (const { name, journal } of units) {
    for (const { timeMs, clockSetMs } of journal) {
      if (clockSetMs === undefined) continue;
      const verb = clockSetMs > 0 ? `was set ${span(clockSetMs)} forward, or the machine slept` : `was set ${span(-clockSetMs)} back`;
      found.set(timeMs, { kind: 'clock', timeMs, subject: 'the clock', verb, source: `journal:${name}`, setMs: clockSetMs });
    }
  }
  return [...found.values()];
}

function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
