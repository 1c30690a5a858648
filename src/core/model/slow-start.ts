import type { Hop } from './facts/hop.ts';
import type { SystemdUnit } from './facts/system.ts';
import type { LostPeer } from './facts/lost-peer.ts';
import type { Confidence, Evidence } from './finding.ts';
import { longestRestartMs } from './absences.ts';
import { processEvidence, unitEvidence } from './evidence.ts';
import { restartLoop, type Window } from './restarts.ts';
import { unitBehind } from './unit-behind.ts';
import { lastWords, systemdWords } from './unit-words.ts';

/** A service that is being started and has not come so far as to listen. */
export interface SlowStart {
  readonly name: string;
  readonly unit: SystemdUnit;
  readonly startedMs?: number;
  readonly confidence: Confidence;
  readonly evidence: readonly [Evidence, ...Evidence[]];
}

/** What ends at once each time has, when it is looked at, always just started. */
const surelyUpMs = 1_000;

/** `undefined` where the service listens, does not run, or has run for so long that this is no start any more. */
export function slowStart(hop: Hop, hops: readonly Hop[], units: readonly SystemdUnit[], lost: readonly LostPeer[], window: Window): SlowStart | undefined {
  const { peer, service, master } = hop;
  if (!peer.local || peer.flags.down || peer.listeners.length > 0 || hop.program !== undefined) return undefined;
  const behind = unitBehind(hop, hops, units, lost);
  if (behind === undefined || restartLoop(behind.unit, hop.events, window, true) !== undefined) return undefined;
  const { unit } = behind;
  const beganMs = unit.journal.findLast(line => line.identifier === 'systemd' && /^Start(?:ing|ed) /.test(line.text))?.timeMs ?? Number.NEGATIVE_INFINITY;
  const sinceThen = { ...unit, journal: unit.journal.filter(line => line.timeMs >= beganMs) };
  const words = [...lastWords(sinceThen, 1), ...systemdWords(unit, text => text.startsWith('Starting ') || text.startsWith('Started '))];
  if (unit.activeState === 'activating') {
    const said = unit.journal.findLast(line => line.identifier === 'systemd' && line.text.startsWith('Starting '));
    return {
      name: unit.name,
      unit,
      ...(said === undefined ? {} : { startedMs: said.timeMs }),
      confidence: behind.how === 'likened' ? 'likely' : 'confirmed',
      evidence: [unitEvidence(unit), ...words],
    };
  }
  if (unit.activeState !== 'active' || service === undefined || master === undefined || service.listening.length > 0) return undefined;
  const { startMs: startedMs } = master;
  const ageMs = window.nowMs - startedMs;
  if (ageMs > longestRestartMs) return undefined;
  const isByHand = unit.mainPid === master.pid && unit.restarts === 0;
  return {
    name: service.name,
    unit,
    startedMs,
    confidence: isByHand && ageMs >= surelyUpMs ? 'likely' : 'possible',
    evidence: [processEvidence(master), unitEvidence(unit), ...words],
  };
}
