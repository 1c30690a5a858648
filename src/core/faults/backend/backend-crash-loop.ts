import { defineFault } from '../../model/fault.ts';
import type { Detection, Evidence } from '../../model/finding.ts';
import { listenerEvidence, probeEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import { valueOr, type Known } from '../../model/fact.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NginxAccessLog } from '../../model/facts/logs.ts';
import type { LostPeer } from '../../model/facts/lost-peer.ts';
import type { SocketUnit, SystemdUnit } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';

import { firstFailureMs, symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { programBehind, type ProgramBehind } from '../../model/program-behind.ts';
import { programFixData } from '../../model/program-commands.ts';
import { hasJournal, lastEnd } from '../../model/last-end.ts';
import { endsInOrder, programEndText, programEvidence, programLoop, programWords, type ProgramLoop } from '../../model/program-state.ts';
import { hasServedSince } from '../../model/served.ts';
import { unitWithoutPort } from '../../model/taken-port.ts';
import { restartLoop, type RestartLoop, type Window } from '../../model/restarts.ts';
import { unitBehind } from '../../model/unit-behind.ts';
import { lastWords, repeatedWords, systemdWords } from '../../model/unit-words.ts';

const explains: readonly Symptom['class'][] = [
  'connect-refused',
  'connect-no-file',
  'premature-close',
  'reset',
  'connect-reset',
  'probe-failed',
  'no-live-upstreams',
  'unattributed-5xx',
];
/** What shows that a program answers which is none of those that nginx can speak to there. */
const saysStranger: readonly Symptom['class'][] = ['no-valid-header', 'protocol-error'];
/** A failure so long before a start is hardly of the end that led to it. */
const aStartMs = 10_000;
/** A loop whose last end is older than this and after which nothing fails has come to its end. */
const goesOnMs = 60_000;

export default defineFault({
  meta: {
    id: 'backend-crash-loop',
    layer: 'backend',
    title: 'The backend starts and dies again and again',
    explains,
    requires: ['hops', 'symptoms'],
    uses: ['systemd-units', 'managed-programs', 'lost-peers', 'nginx-access-log'],
    leadsTo: [
      'backend-down',
      'socket-missing',
      'socket-stale',
      'no-live-upstreams',
      'app-returned-5xx',
      'max-fails-amplification',
      'restart-window',
      'retries-hide-failures',
      'invalid-response-header',
      'protocol-mismatch',
    ],
    messages: {
      'between-tries':
        '{unit} {ended} each time it is started. systemd has restarted it {restarts} times and will try again; between the tries nobody listens on {address}.',
      'given-up': '{unit} {ended} each time it was started, until systemd gave up after {restarts} restarts. Nobody listens on {address}.',
      'running-again': '{unit} {ended} and was restarted {restarts} times, the last time a moment ago. Requests to {address} fail whenever it is away.',
      orderly:
        '{unit} ended by itself with status 0, which is no failure, and systemd starts it again each time: {restarts} times so far. Requests to {address} fail whenever it is away. Whether it ends so after a number of requests or a time, {teller}.',
      untold:
        '{unit} was restarted by systemd {restarts} times, the last time a moment ago. Requests to {address} fail whenever it is away. How it ended is in its journal, which was not to be read.',
      'by-socket':
        '{unit}, which {socket} starts when a connection comes, {ended} each time: {restarts} times in the window. {fate} Requests to {address} fail.',
      'program-between-tries':
        '{program} {ended} each time {manager} starts it: {ends} times within the window. Between the tries nobody listens on {address}.',
      'program-given-up':
        '{program} {ended} each time {manager} started it, until {manager} gave up after {ends} tries: it is {word}. Nobody listens on {address}.',
      'program-running-again':
        '{program} {ended} and was started again by {manager} {ends} times within the window. Requests to {address} fail whenever it is away.',
      'program-orderly':
        '{program} ended by itself with status 0 {ends} times within the window, which is no failure, and {manager} starts it again each time. Requests to {address} fail whenever it is away. Whether it is meant to end so, its code or its settings tell.',
      'port-taken':
        '{unit} {ended} each time it is started, because {taker} has the port of {address}: nginx reaches that one, which does not answer as the route expects.',
      repeats: '{unit} counts as running, but nobody listens on {address}, and process after process of it ends with the same error.',
    },
  },
  *detect(facts, window) {
    const { hops, symptoms } = facts;
    const units = valueOr(facts['systemd-units'], []);
    const lost = valueOr(facts['lost-peers'], []);
    for (const hop of hops) {
      if (hop.peer.flags.down || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      const ofManager = programLoopAt(hop, lost, window);
      if (ofManager !== undefined) {
        const { behind: found, loop } = ofManager;
        const { program, how } = found;
        const own = [...symptomsOf(hop, explains), ...unattributedOf(hop, symptoms, [502])];
        const [first, ...rest] = [...programEvidence(program), ...programWords(program), ...failure(hop), ...found.evidence];
        if (own.length === 0 || first === undefined) continue;
        const isAway = hop.peer.listeners.length === 0;
        const isRecent = loop.endedMs !== undefined && window.nowMs - loop.endedMs < goesOnMs;
        const isOrderly =
          loop.state !== 'given-up' && endsInOrder(program, window.sinceMs) && hasServedSince(hop, firstFailureMs(own), facts['nginx-access-log']) !== false;
        yield {
          confidence: how === 'likened' || isOrderly ? 'likely' : 'confirmed',
          status: isAway || own.some(symptom => symptom.ongoing) || isRecent ? 'active' : 'past',
          subject: {
            kind: 'service',
            id: program.id,
            name: program.label,
            peers: [...new Set([hop, ...hops.filter(other => other.program?.id === program.id)].map(other => other.peer.id))],
          },
          messageId: isOrderly ? 'program-orderly' : `program-${loop.state}`,
          data: {
            program: program.label,
            manager: program.manager,
            word: program.word,
            ends: loop.ends,
            ended: programEndText(program),
            address: hop.peer.id,
          },
          evidence: [first, ...rest],
          symptoms: own.map(symptom => symptom.id),
          fixData: programFixData(program),
        };
        continue;
      }
      yield* portTaken(hop, units, window);
      const behind = unitBehind(hop, hops, units, lost);
      if (behind === undefined) continue;
      const { unit, how } = behind;
      const isAway = hop.peer.listeners.length === 0;
      const loop = restartLoop(unit, hop.events, window, isAway);
      const repeated = loop === undefined && isAway && unit.activeState === 'active' ? repeatedWords(unit, window.sinceMs) : [];
      const own = [...symptomsOf(hop, explains), ...unattributedOf(hop, symptoms, [502])];
      if ((loop === undefined && repeated.length === 0) || own.length === 0) continue;
      const isRecent = loop?.endedMs !== undefined && window.nowMs - loop.endedMs < goesOnMs;
      const isActive = isAway || own.some(symptom => symptom.ongoing) || isRecent;
      const doubt = loop === undefined ? undefined : doubtOf({ unit, loop, hop, own, window, log: facts['nginx-access-log'] });
      yield {
        confidence: doubt?.confidence ?? (how === 'likened' || loop === undefined || loop.restarts === 0 ? 'likely' : 'confirmed'),
        status: isActive ? 'active' : 'past',
        subject: { kind: 'unit', id: `unit:${unit.name}`, name: unit.name, peers: peersOf(unit, hop, hops) },
        messageId: doubt?.messageId ?? loop?.state ?? 'repeats',
        data: {
          teller: hasJournal(unit, hop.events) ? 'its code or its settings tell' : 'its journal tells, which was not to be read',
          unit: unit.name,
          restarts: loop?.restarts ?? 0,
          ended: endText(unit),
          address: hop.peer.id,
          ...socketText(loop?.socket),
        },
        evidence: [
          unitEvidence(unit),
          ...(repeated.length > 0 ? repeated : lastWords(unit)),
          ...systemdWords(unit, saysLoop, 2),
          ...failure(hop),
          ...behind.evidence,
        ],
        symptoms: own.map(symptom => symptom.id),
        fixData: {
          unit: unit.name,
          ...(loop?.socket === undefined ? {} : { socket: loop.socket.name }),
          ...(unit.user === undefined ? {} : { user: unit.user }),
        },
      };
    }
  },
});

interface Doubt {
  readonly confidence: 'likely' | 'possible';
  readonly messageId: 'orderly' | 'untold';
}

interface Seen {
  readonly unit: SystemdUnit;
  readonly loop: RestartLoop;
  readonly hop: Hop;
  readonly own: readonly Symptom[];
  readonly window: Window;
  readonly log: Known<NginxAccessLog>;
}

/** A program that is meant to end after some requests is restarted like one that dies. It ends in order, and has served meanwhile. */
function doubtOf({ unit, loop, hop, own, window, log }: Seen): Doubt | undefined {
  if (loop.state !== 'between-tries' && loop.state !== 'running-again') return undefined;
  const end = lastEnd(unit, hop.events, window.sinceMs);
  // That it ended more than once of late only its journal tells, or failures from before its last start.
  const isOften = loop.state === 'between-tries' || hop.peer.listeners.length === 0 || firstFailureMs(own) < (unit.activeEnterMs ?? 0) - aStartMs;
  if (end === 'failed') return hasJournal(unit, hop.events) || isOften ? undefined : { confidence: 'possible', messageId: 'untold' };
  if (end === 'untold') return { confidence: isOften ? 'likely' : 'possible', messageId: 'untold' };
  const hasServed = hasServedSince(hop, firstFailureMs(own), log);
  if (hasJournal(unit, hop.events)) return hasServed === false ? undefined : { confidence: 'likely', messageId: 'orderly' };
  return { confidence: hasServed === false ? 'likely' : 'possible', messageId: 'orderly' };
}

/** The program that is meant cannot listen, as a stranger came first. Where that one answers as it should, it is the right one. */
function* portTaken(hop: Hop, units: readonly SystemdUnit[], window: Window): Generator<Detection<'port-taken'>> {
  const symptoms = symptomsOf(hop, saysStranger).filter(symptom => symptom.ongoing);
  const taken = symptoms.length === 0 ? undefined : unitWithoutPort(hop, units, window.sinceMs);
  const loop = taken === undefined ? undefined : restartLoop(taken.unit, [], window, true);
  const [taker] = hop.peer.listeners;
  if (taken === undefined || loop === undefined || taker === undefined) return;
  const { unit, said } = taken;
  yield {
    confidence: 'confirmed',
    status: 'active',
    subject: { kind: 'unit', id: `unit:${unit.name}`, name: unit.name, peers: [hop.peer.id] },
    messageId: 'port-taken',
    data: { unit: unit.name, ended: endText(unit), taker: hop.serviceSubject.name, address: hop.peer.id },
    evidence: [said, unitEvidence(unit), listenerEvidence(taker), ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1))],
    symptoms: [...symptoms, ...symptomsOf(hop, ['probe-failed', 'truncated'])].map(symptom => symptom.id),
    fixData: { unit: unit.name, ...(unit.user === undefined ? {} : { user: unit.user }) },
  };
}

function programLoopAt(hop: Hop, lost: readonly LostPeer[], window: Window): { readonly behind: ProgramBehind; readonly loop: ProgramLoop } | undefined {
  const behind = programBehind(hop, lost);
  const loop = behind === undefined ? undefined : programLoop(behind.program, window, hop.peer.listeners.length === 0);
  return behind === undefined || loop === undefined ? undefined : { behind, loop };
}

function socketText(socket: SocketUnit | undefined): Record<string, string> {
  if (socket === undefined) return {};
  const isClosed = socket.activeState !== 'active';
  return {
    socket: socket.name,
    fate: isClosed
      ? `systemd has closed the socket (result ${socket.result}), and nothing opens it again.`
      : 'The socket takes connections that nobody answers.',
  };
}

function endText(unit: SystemdUnit): string {
  if (unit.execMainCode === 'killed' || unit.execMainCode === 'dumped') return `dies by signal ${unit.execMainStatus}`;
  return unit.execMainCode === 'exited' ? `ends with status ${unit.execMainStatus}` : 'ends';
}

function failure(hop: Hop): Evidence[] {
  const probe = hop.probes.find(one => one.outcome.state === 'connect-failed');
  return [
    ...(probe === undefined ? [] : [probeEvidence(probe)]),
    ...hop.symptoms.filter(symptom => symptom.count > 0).flatMap(symptom => symptomEvidence(symptom, 1)),
  ].slice(0, 2);
}

function peersOf(unit: SystemdUnit, hop: Hop, hops: readonly Hop[]): string[] {
  return [...new Set([hop, ...hops.filter(other => other.unit?.name === unit.name)].map(other => other.peer.id))];
}

function saysLoop(text: string): boolean {
  return text.includes(': Scheduled restart job') || text.includes('repeated too quickly') || text.includes(': Main process exited');
}
