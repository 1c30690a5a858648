import type { BackendEvent } from './facts/backend.ts';
import type { ManagedProgram, ProgramLine } from './facts/managed-program.ts';
import type { Evidence } from './finding.ts';
import type { Window } from './restarts.ts';

/** A program that its manager starts and that ends again and again. */
export interface ProgramLoop {
  readonly state: 'between-tries' | 'given-up' | 'running-again';
  /** Ends by itself, as far as the manager's log tells. */
  readonly ends: number;
  readonly endedMs?: number;
}

/** A program that lived longer than this has not died at its start. */
const shortLifeMs = 60_000;
/** What a program may need after its start until it listens. */
const bootMs = 10_000;
const fewestEnds = 3;
const fewestWhileAway = 2;

/** Whether the manager keeps starting the program, or gave up on it. `isAway`: nobody listens at its address now. */
export function programLoop(program: ManagedProgram, window: Window, isAway: boolean): ProgramLoop | undefined {
  const own = ownEnds(program);
  const row = lastRow(own);
  const endedMs = row.at(-1)?.timeMs;
  const common = endedMs === undefined ? {} : { endedMs };
  if (program.state === 'given-up') {
    const tries = program.lines.findLast(line => line.kind === 'gave-up')?.tries ?? row.length;
    return { state: 'given-up', ends: Math.max(tries, 1), ...common };
  }
  const recent = row.filter(line => line.timeMs >= window.sinceMs);
  if (program.state === 'waiting' && recent.length >= fewestWhileAway) return { state: 'between-tries', ends: recent.length, ...common };
  if (program.state !== 'running' && program.state !== 'starting' && program.state !== 'waiting') return undefined;
  // Instances that take each other's place are no loop of the whole while one of them serves.
  if (program.instances > 1 && !isAway) return undefined;
  if (recent.length < (isAway ? fewestWhileAway : fewestEnds) || endedMs === undefined || window.nowMs - endedMs >= shortLifeMs) return undefined;
  return { state: 'running-again', ends: recent.length, ...common };
}

/** Ends that nobody asked for. What is ended for its memory is ended by the manager. */
function ownEnds(program: ManagedProgram): readonly ProgramLine[] {
  const memory = program.lines.filter(line => line.kind === 'memory');
  const isForMemory = (end: ProgramLine): boolean => memory.some(line => line.instance === end.instance && Math.abs(line.timeMs - end.timeMs) <= 10_000);
  return program.lines.filter(line => (line.kind === 'ended' && line.asked !== true && !isForMemory(line)) || line.kind === 'spawn-failed');
}

/** Whether each of its ends within the window was one with status 0: a program that is meant to end after a while does so. */
export function endsInOrder(program: ManagedProgram, sinceMs: number): boolean {
  const own = ownEnds(program).filter(line => line.timeMs >= sinceMs);
  return own.length > 0 && own.every(line => line.kind === 'ended' && line.status === 0 && line.signal === undefined);
}

/** The last ends that lie close together. */
function lastRow(ends: readonly ProgramLine[]): readonly ProgramLine[] {
  let from = ends.length - 1;
  for (; from > 0; from--) if ((ends[from]?.timeMs ?? 0) - (ends[from - 1]?.timeMs ?? 0) >= shortLifeMs) break;
  return ends.slice(Math.max(0, from));
}

/** When a program that does not run ended last; for one in a loop, when the loop began. */
export function programEndMs(program: ManagedProgram): number | undefined {
  const isLoop = program.state === 'given-up' || program.state === 'waiting' || program.state === 'starting';
  if (isLoop) return lastRow(ownEnds(program))[0]?.timeMs;
  return program.lines.findLast(line => line.kind === 'ended')?.timeMs;
}

/** True where the manager leaves it ended. */
export function hasProgramEnded(program: ManagedProgram): boolean {
  return program.state === 'stopped' || program.state === 'exited';
}

/** How it ended last: `ends with status 1`, `dies by SIGSEGV`, `cannot be started`. */
export function programEndText(program: ManagedProgram): string {
  const last = ownEnds(program).at(-1);
  if (last?.kind === 'spawn-failed') return 'cannot be started';
  if (last?.signal !== undefined) return `dies by SIG${last.signal}`;
  return last?.status === undefined ? 'ends' : `ends with status ${last.status}`;
}

/** What proves the state: the manager's answer, else its last lines that tell it. Never empty for a program that has lines. */
export function programEvidence(program: ManagedProgram, most = 2): Evidence[] {
  const telling: ReadonlySet<ProgramLine['kind']> = new Set(['ended', 'gave-up', 'stop-asked', 'spawn-failed', 'waiting']);
  const lines = program.lines.filter(line => telling.has(line.kind)).slice(-most);
  return [...(program.told === undefined ? [] : [program.told]), ...lines.map(({ source, text }) => ({ source, text }))];
}

/** What a program prints when it gives up. */
const errorLine = /\b(?:[A-Z]\w*(?:Error|Exception)\b|(?:error|fatal|panic|failed|cannot|could not|refused|denied|no such)\b)/i;

/** Its own last words: lines that name an error where there are any, else its last lines. */
export function programWords(program: ManagedProgram, most = 2): Evidence[] {
  const telling = program.words.filter(one => !/^\s/.test(one.text) && errorLine.test(one.text.slice(0, 400)));
  const chosen = (telling.length > 0 ? telling : program.words).slice(-most);
  // A loop says the same each time: once is enough.
  return chosen.filter((one, index) => chosen.findIndex(other => other.text === one.text) === index);
}

const signalNumbers: Readonly<Record<string, number>> = {
  HUP: 1,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  SYS: 31,
};

/**
 * The manager's lines as events of the service. `started` and `stopped` tell of the whole: of several instances the first
 * that comes and the last that goes.
 */
export function programEvents(program: ManagedProgram, serviceId: string): readonly BackendEvent[] {
  const up = instancesAtFirst(program);
  const isWhole = new Set(program.lines.map(line => line.instance)).size >= program.instances;
  return program.lines.flatMap((line): BackendEvent[] => {
    const make = (kind: BackendEvent['kind'], more: Partial<BackendEvent> = {}): BackendEvent[] => [
      { serviceId, kind, timeMs: line.timeMs, text: line.text, source: line.source, ...more },
    ];
    const before = up.size;
    if (line.kind === 'starting' || line.kind === 'running') {
      up.add(line.instance);
      return before === 0 && isWhole ? make('started', line.pid === undefined ? {} : { pid: line.pid }) : [];
    }
    if (line.kind === 'memory') return make('worker-recycled', { seconds: gapSeconds(program, line) });
    if (line.kind === 'spawn-failed') return make('boot-failed');
    if (line.kind !== 'ended') return [];
    up.delete(line.instance);
    if (line.asked === true) return up.size === 0 && before > 0 && isWhole ? make('stopped') : [];
    const signal = line.signal === undefined ? undefined : signalNumbers[line.signal];
    return signal === undefined ? make('worker-exit') : make('worker-signal', { signal });
  });
}

/** From the end for its memory until it may serve again, which no manager knows: online is not yet listening. */
function gapSeconds(program: ManagedProgram, memory: ProgramLine): number {
  const later = program.lines.filter(line => line.instance === memory.instance && line.timeMs >= memory.timeMs && line !== memory);
  const online = later.find(line => line.kind === 'running')?.timeMs ?? memory.timeMs;
  const next = later.find(line => line.kind === 'memory')?.timeMs ?? Number.POSITIVE_INFINITY;
  return Math.ceil((Math.min(online + bootMs, next) - memory.timeMs) / 1000);
}

/** Those that were up before the first line: what is told of them first is no start. */
function instancesAtFirst(program: ManagedProgram): Set<string> {
  const first = new Map<string, ProgramLine['kind']>();
  for (const line of program.lines) if (!first.has(line.instance)) first.set(line.instance, line.kind);
  return new Set([...first].flatMap(([instance, kind]) => (kind === 'starting' || kind === 'running' ? [] : [instance])));
}
