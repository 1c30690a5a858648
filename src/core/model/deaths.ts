import type { BackendEvent } from './facts/backend.ts';
import type { Hop } from './facts/hop.ts';
import type { KernelEvent, SystemdUnit } from './facts/system.ts';
import type { Symptom } from './facts/topology.ts';
import { endOf } from './unit-behind.ts';

/** How far a death and what is told of it may lie apart: logs of whole seconds, and a master that looks once a second. */
const togetherMs = 3_000;

/** True where both are one event. */
export function isTogether(aMs: number, bMs: number, withinMs = togetherMs): boolean {
  return Math.abs(aMs - bMs) <= withinMs;
}

/** Signals by which a program ends itself through a bug, by their numbers. */
export const crashSignals: ReadonlyMap<number, string> = new Map([
  [4, 'SIGILL'],
  [5, 'SIGTRAP'],
  [6, 'SIGABRT'],
  [7, 'SIGBUS'],
  [8, 'SIGFPE'],
  [11, 'SIGSEGV'],
  [31, 'SIGSYS'],
]);

/** The kernel's names of the processes that serve a peer: of those that run, and of what its unit starts. Cut at 15 letters, as the kernel does. */
export function namesOfProcesses(hop: Hop, unit: SystemdUnit | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (const process of [...(hop.master === undefined ? [] : [hop.master]), ...hop.workers]) names.add(process.comm);
  if (unit !== undefined) for (const name of namesOfUnit(unit)) names.add(name);
  if (hop.service !== undefined && hop.service.kind !== 'other') names.add(hop.service.kind);
  // What Node calls its main thread since version 22.
  if (hop.service?.kind === 'node' || names.has('node')) names.add('node').add('MainThread');
  if (hop.service?.kind === 'tomcat') names.add('java');
  return names;
}

/** What the kernel may call the processes that the unit's command starts. */
export function namesOfUnit(unit: SystemdUnit): ReadonlySet<string> {
  const words = (unit.execStart ?? '').split(' ').slice(0, 12);
  return new Set(words.filter(word => word.startsWith('/')).map(word => word.slice(word.lastIndexOf('/') + 1, word.lastIndexOf('/') + 16)));
}

/** The unit that the control group of a kernel record names: by a part of its path, or by a last part that is a known unit's name without its ending. */
export function unitOfRecord(event: KernelEvent, units: readonly SystemdUnit[] = []): string | undefined {
  const parts = event.cgroup?.split('/') ?? [];
  const named = parts.findLast(part => part.endsWith('.service'));
  return named ?? units.find(unit => unit.name === `${parts.at(-1) ?? ''}.service`)?.name;
}

/** What the service's own log, or systemd, says of a process that died at that time. */
export function deathAt(hop: Hop, unit: SystemdUnit | undefined, timeMs: number, signal: number): BackendEvent | 'main process' | undefined {
  return hop.events.find(one => isDeath(one, signal) && isTogether(one.timeMs, timeMs)) ?? (mainDiedAt(unit, timeMs, signal) ? 'main process' : undefined);
}

/** Whether the event tells of a process that the signal ended. */
export function isDeath(event: BackendEvent, signal: number): boolean {
  return event.kind === 'worker-signal' ? event.signal === signal : event.kind === 'worker-exit' && namesSignal(event.text, signal);
}

/** Whether the signal, or the OOM killer by systemd's own word, ended the unit's main process at that time. */
export function mainDiedAt(unit: SystemdUnit | undefined, timeMs: number, signal: number): boolean {
  const ended = unit === undefined ? undefined : endOf(unit);
  const wasKilled = unit?.result === 'oom-kill' || (unit?.execMainCode === 'killed' && unit.execMainStatus === signal);
  return ended !== undefined && wasKilled && isTogether(ended, timeMs);
}

/** PM2 and others tell an end by a signal in the words of an ordinary end. */
function namesSignal(text: string, signal: number): boolean {
  return text.includes(`signal ${signal}`) || (signal === 9 && text.includes('SIGKILL'));
}

/** Whether requests of the symptom failed at that time, as far as its samples and its span tell. */
export function failedAt(symptom: Symptom, timeMs: number): boolean {
  const samples = symptom.errorGroups.flatMap(group => group.samples);
  if (samples.some(sample => isTogether(sample.timeMs, timeMs))) return true;
  return timeMs >= symptom.firstMs - togetherMs && timeMs <= symptom.lastMs + togetherMs;
}
