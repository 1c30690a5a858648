import type { Hop } from './facts/hop.ts';
import type { SystemdUnit } from './facts/system.ts';
import type { LostPeer } from './facts/lost-peer.ts';
import type { Confidence, Evidence } from './finding.ts';
import { longestRestartMs } from './absences.ts';
import { processEvidence, unitEvidence } from './evidence.ts';
import { restartLoop, type Window } from './restarts.ts';
import { unitBehind } from './unit-behind.ts';
import { lastWords, systemdWords } from './unit-words.ts';

/** A service that is being started and has not come so far as to listen, or to take what waits in its socket. */
export interface SlowStart {
  readonly name: string;
  readonly unit: SystemdUnit;
  readonly startedMs?: number;
  readonly confidence: Confidence;
  readonly evidence: readonly [Evidence, ...Evidence[]];
}

/** What ends at once each time has, when it is looked at, always just started. */
const surelyUpMs = 1_000;

/**
 * `undefined` where the service answers, does not run, or has run for so long that this is no start any more. `lastGoodMs`: when a request
 * through nginx succeeded last, by the access log.
 */
export function slowStart(
  hop: Hop,
  {
    hops,
    units,
    lost,
    lastGoodMs,
  }: { readonly hops: readonly Hop[]; readonly units: readonly SystemdUnit[]; readonly lost: readonly LostPeer[]; readonly lastGoodMs: number | undefined },
  window: Window,
): SlowStart | undefined {
  const { peer, service, master } = hop;
  if (!peer.local || peer.flags.down || hop.program !== undefined) return undefined;
  const behind = unitBehind(hop, hops, units, lost);
  if (peer.listeners.length > 0) return untakenStart(hop, behind?.unit, window, lastGoodMs);
  if (behind === undefined || restartLoop(behind.unit, hop.events, window, true) !== undefined) return undefined;
  const { unit } = behind;
  if (unit.activeState === 'activating') return activation(unit, behind.how === 'likened' ? 'likely' : 'confirmed');
  // A unit of this type is active only when its program has said that it is up.
  if (unit.activeState !== 'active' || unit.type === 'notify' || service === undefined || master === undefined || service.listening.length > 0)
    return undefined;
  const { startMs: startedMs } = master;
  const ageMs = window.nowMs - startedMs;
  if (ageMs > longestRestartMs) return undefined;
  const isByHand = unit.mainPid === master.pid && unit.restarts === 0;
  return {
    name: service.name,
    unit,
    startedMs,
    confidence: isByHand && ageMs >= surelyUpMs ? 'likely' : 'possible',
    evidence: [processEvidence(master), unitEvidence(unit), ...wordsOf(unit)],
  };
}

/** systemd holds the socket for it, or its master does: requests wait there, and none of its processes has taken one since it began. */
function untakenStart(
  { peer, service, workers, load, probes, events }: Hop,
  unit: SystemdUnit | undefined,
  window: Window,
  lastGoodMs: number | undefined,
): SlowStart | undefined {
  if (unit === undefined || probes.some(({ outcome }) => outcome.state === 'answered')) return undefined;
  if (restartLoop(unit, events, window, false) !== undefined) return undefined;
  const isUntaken = load !== undefined && load.busyEver === 0 && load.queue.length > 0 && Math.min(...load.queue) > 0;
  // Whoever may not see its processes sees the queue, and what systemd says of the unit.
  const isQueued = load === undefined && peer.listeners.some(({ queue }) => queue > 0);
  if (unit.activeState === 'activating' && (isUntaken || isQueued)) return activation(unit, 'confirmed');
  if (!isUntaken || service === undefined) return undefined;
  // One loop may be held up by its first request; of several processes none would take another.
  if (service.manager === undefined || service.manager === 'event-loop' || workers.length === 0) return undefined;
  if (workers.some(({ state, startMs }) => !'SR'.includes(state) || window.nowMs - startMs > longestRestartMs)) return undefined;
  const startedMs = Math.min(...workers.map(({ startMs }) => startMs));
  if (lastGoodMs === undefined || lastGoodMs > startedMs) return undefined;
  return { name: service.name, unit, startedMs, confidence: 'likely', evidence: [...namedFirst(workers), unitEvidence(unit), ...wordsOf(unit)] };
}

function namedFirst(workers: Hop['workers']): [Evidence, ...Evidence[]] {
  const [first = { source: 'processes', text: '' }, ...rest] = workers.slice(0, 3).map(processEvidence);
  return [first, ...rest];
}

function activation(unit: SystemdUnit, confidence: Confidence): SlowStart {
  const said = unit.journal.findLast(line => line.identifier === 'systemd' && line.text.startsWith('Starting '));
  return { name: unit.name, unit, ...(said === undefined ? {} : { startedMs: said.timeMs }), confidence, evidence: [unitEvidence(unit), ...wordsOf(unit)] };
}

/** What systemd said of the start, and what the program has said since. */
function wordsOf(unit: SystemdUnit): Evidence[] {
  const beganMs = unit.journal.findLast(line => line.identifier === 'systemd' && /^Start(?:ing|ed) /.test(line.text))?.timeMs ?? Number.NEGATIVE_INFINITY;
  const sinceThen = { ...unit, journal: unit.journal.filter(line => line.timeMs >= beganMs) };
  return [...lastWords(sinceThen, 1), ...systemdWords(unit, text => text.startsWith('Starting ') || text.startsWith('Started '))];
}
