import type { Service } from '../../model/facts/backend.ts';
import type { Change } from '../../model/facts/changes.ts';
import type { ManagedProgram } from '../../model/facts/managed-program.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';
import type { ProcessInfo, SystemdUnit } from '../../model/facts/system.ts';
import { programEvents } from '../../model/program-state.ts';

const sameMomentMs = 3000;

/** When units were started and stopped by somebody; what systemd itself restarts after a crash is no change. */
export function unitChanges(units: readonly SystemdUnit[], services: readonly Service[]): readonly Change[] {
  return units.flatMap(unit => {
    if (unit.type === 'oneshot') return [];
    const ids = services.filter(service => service.unit === unit.name).map(service => service.id);
    const make = (kind: 'unit-start' | 'unit-stop', timeMs: number, verb: string): Change => ({
      kind,
      timeMs,
      subject: unit.name,
      verb,
      source: `journal:${unit.name}`,
      ...(ids.length === 0 ? {} : { serviceIds: ids }),
    });
    const told = fromJournal(unit, make);
    if (told.length > 0 || unit.restarts > 0) return told;
    if (unit.activeState === 'active' && unit.activeEnterMs !== undefined) return [make('unit-start', unit.activeEnterMs, 'started')];
    if (unit.activeState === 'inactive' && unit.inactiveEnterMs !== undefined) return [make('unit-stop', unit.inactiveEnterMs, 'stopped')];
    return [];
  });
}

/** The same of programs of process managers: what these start again by themselves, after an end or for its memory, is no change. */
export function programChanges(programs: readonly ManagedProgram[], services: readonly Service[]): readonly Change[] {
  return programs.flatMap(program => {
    const ids = services.filter(service => service.program === program.id).map(service => service.id);
    const changes: Change[] = [];
    let isByItself = false;
    for (const { kind, timeMs, source } of programEvents(program, program.id)) {
      const common = { timeMs, subject: program.label, source, ...(ids.length === 0 ? {} : { serviceIds: ids }) };
      if (kind === 'worker-recycled' || kind === 'worker-exit' || kind === 'worker-signal') isByItself = true;
      else if (kind === 'stopped' && !isByItself) changes.push({ ...common, kind: 'unit-stop', verb: 'stopped' });
      else if (kind === 'started') {
        if (!isByItself) changes.push({ ...common, kind: 'unit-start', verb: 'started' });
        isByItself = false;
      }
    }
    return changes;
  });
}

function fromJournal(unit: SystemdUnit, make: (kind: 'unit-start' | 'unit-stop', timeMs: number, verb: string) => Change): readonly Change[] {
  const changes: Change[] = [];
  let isByItself = false;
  for (const { identifier, text, timeMs } of unit.journal) {
    if (identifier !== 'systemd') continue;
    if (text.includes('Scheduled restart job')) isByItself = true;
    else if (text.startsWith('Stopped ') && !isByItself) changes.push(make('unit-stop', timeMs, 'stopped'));
    else if (text.startsWith('Reloaded ')) changes.push(make('unit-start', timeMs, 'was reloaded'));
    else if (text.startsWith('Started ')) {
      if (!isByItself) changes.push(make('unit-start', timeMs, 'started'));
      isByItself = false;
    }
  }
  return changes;
}

/** When services that neither a unit nor a process manager runs were started last: by a container's engine, by a script, by hand. */
export function processStarts(services: readonly Service[], processes: readonly ProcessInfo[]): readonly Change[] {
  const byPid = new Map(processes.map(process => [process.pid, process]));
  return services.flatMap(({ id, name, kind, unit, program, masterPid }) => {
    const process = masterPid === undefined || unit !== undefined || program !== undefined || kind === 'nginx' ? undefined : byPid.get(masterPid);
    if (process === undefined || process.startMs <= 0) return [];
    const start = { kind: 'unit-start', timeMs: process.startMs, subject: name, verb: 'started', source: `process ${process.pid}`, serviceIds: [id] } as const;
    return [start];
  });
}

/**
 * Workers that are all of one age and younger than their master came with a reload; a single one may have replaced one that died.
 * A reload that the unit's own changes tell of is not told twice.
 */
export function reloadChanges(instances: readonly NginxInstance[], told: readonly Change[]): readonly Change[] {
  return instances.flatMap(({ id, startMs, workers, unit }) => {
    const starts = workers.filter(worker => !worker.shuttingDown).map(worker => worker.startMs);
    const [first, last] = [Math.min(...starts), Math.max(...starts)];
    if (starts.length < 2 || startMs === undefined || first - startMs <= sameMomentMs || last - first > sameMomentMs) return [];
    if (told.some(change => change.subject === unit && Math.abs(change.timeMs - first) <= sameMomentMs)) return [];
    return [{ kind: 'nginx-reload', timeMs: first, subject: id, verb: 'was reloaded', source: `processes of ${id}` }];
  });
}
