import { defineFault, ruledOut } from '../../model/fault.ts';
import { eventEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { crashSignals, failedAt, isTogether, namesOfProcesses, unitOfRecord } from '../../model/deaths.ts';
import type { BackendEvent } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { KernelEvent, SystemdUnit } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { symptomsOf, unattributedOf, urlsOf } from '../../model/hop-symptoms.ts';
import { programFixData } from '../../model/program-commands.ts';
import { programLoop, programWords } from '../../model/program-state.ts';
import { restartLoop, type Window } from '../../model/restarts.ts';
import { watchdogOf } from '../../model/watchdog.ts';

const cutOff: readonly Symptom['class'][] = ['premature-close', 'reset', 'truncated'];
const SIGKILL = 9;

/** A process of the backend that died by a signal. */
interface Crash {
  readonly timeMs: number;
  readonly signal: number;
  readonly evidence: Evidence;
}

export default defineFault({
  meta: {
    id: 'backend-crashing',
    layer: 'backend',
    title: 'Workers of the backend die by a signal in the middle of requests',
    explains: [...cutOff, 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    uses: ['kernel-log', 'systemd-units'],
    leadsTo: [
      'backend-hung',
      'no-live-upstreams',
      'max-fails-amplification',
      'response-truncated',
      'app-returned-5xx',
      'retries-hide-failures',
      'request-specific-crash',
      'restart-window',
      'worker-recycled',
    ],
    messages: {
      crash: 'Workers of {service} died by {signal} {times} within the window, last at {last}. The requests that they worked on failed: {urls}.',
      exit: 'Processes of {service} ended by themselves {times} within the window, last at {last}, and {manager} started them anew. The requests that they worked on failed: {urls}.',
      killed:
        'Workers of {service} were killed by SIGKILL {times}, last at {last}, and the requests that they worked on failed: {urls}. {kernel}, and no watchdog of its own says that it did it: somebody or some other program sent the signal.',
    },
  },
  *detect(facts, window) {
    const records = facts['kernel-log'].state === 'known' ? facts['kernel-log'].value : undefined;
    const units = valueOr(facts['systemd-units'], []);
    for (const hop of facts.hops) {
      const cut = symptomsOf(hop, cutOff);
      if (cut.length === 0 || hop.peer.listeners.length === 0) continue;
      const isLoop = hop.unit !== undefined && restartLoop(hop.unit, hop.events, window, false) !== undefined;
      const events = hop.events.filter(event => event.timeMs >= window.sinceMs && event.kind === 'worker-signal' && watchdogOf(hop, event) === undefined);
      const own = events.filter(event => crashSignals.has(event.signal ?? 0) && !(isLoop && event.text.includes('Main process exited'))).map(toCrash);
      const kernel = valueOr(facts['kernel-log'], [])
        .filter(record => record.timeMs >= window.sinceMs && isOurs(record, hop, units, cut))
        .map(recordToCrash);
      const crashes = [...own, ...kernel.filter(one => !own.some(other => isTogether(one.timeMs, other.timeMs)))];
      const killed = events
        .filter(
          event =>
            event.signal === SIGKILL &&
            records?.some(record => record.kind === 'oom-kill' && mayBeOf(record, hop, units) && isTogether(record.timeMs, event.timeMs)) !== true &&
            !isStop(hop, event),
        )
        .map(toCrash);
      const isCrash = crashes.length > 0;
      const deaths = isCrash ? crashes : killed.length > 0 ? killed : exitsOf(hop, window);
      const isExit = !isCrash && killed.length === 0;
      const explained = cut.filter(symptom => deaths.some(death => failedAt(symptom, death.timeMs)));
      const last = deaths.toSorted((a, b) => a.timeMs - b.timeMs).at(-1);
      if (last === undefined || explained.length === 0) {
        if (hop.events.length > 0 && cut.some(symptom => symptom.ongoing))
          yield ruledOut(`the log of ${hop.service?.name ?? hop.peer.id} tells of no worker that died by a signal as requests failed`);
        continue;
      }
      const isSeen = explained.some(symptom =>
        symptom.errorGroups.some(group => group.samples.some(sample => deaths.some(death => isTogether(death.timeMs, sample.timeMs)))),
      );
      const all = [...explained, ...unattributedOf(hop, facts.symptoms, [502]).filter(symptom => deaths.some(death => failedAt(symptom, death.timeMs)))];
      const alsoKernel = kernel.filter(one => isTogether(one.timeMs, last.timeMs)).slice(-1);
      yield {
        confidence: isCrash || isExit ? (isSeen ? 'confirmed' : 'likely') : records === undefined ? 'possible' : 'likely',
        status: all.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: isCrash ? 'crash' : isExit ? 'exit' : 'killed',
        ...(isExit ? { title: 'Processes of the backend end by themselves in the middle of requests' } : {}),
        data: {
          service: hop.service?.name ?? hop.peer.id,
          signal: `signal ${last.signal} (${crashSignals.get(last.signal) ?? 'SIGKILL'})`,
          times: deaths.length === 1 ? 'once' : `${deaths.length} times`,
          last: `${new Date(last.timeMs).toISOString().slice(0, 19)}Z`,
          urls: urlsOf(explained),
          manager: hop.program?.manager ?? '',
          kernel:
            records === undefined
              ? 'Whether the kernel did it for lack of memory is not known, because its log could not be read'
              : 'The kernel log has no kill for lack of memory at that time',
        },
        evidence: [
          last.evidence,
          ...(isExit && hop.program !== undefined ? programWords(hop.program, 1) : []),
          ...alsoKernel.map(one => one.evidence).filter(one => one.text !== last.evidence.text),
          ...explained.flatMap(symptom => symptomEvidence(symptom, 2)).slice(-3),
        ],
        symptoms: all.map(symptom => symptom.id),
        fixData: {
          ...(isExit && hop.program !== undefined ? programFixData(hop.program) : {}),
          signal: last.signal,
          ...(hop.unit === undefined ? {} : { unit: hop.unit.name }),
          urls: urlsOf(explained),
        },
      };
    }
  },
});

/** Ends that a process manager tells of and that nobody asked for: an uncaught exception ends a program of one process with whatever it works on. */
function exitsOf(hop: Hop, window: Window): Crash[] {
  const { program } = hop;
  if (program === undefined || programLoop(program, window, false) !== undefined) return [];
  return hop.events.filter(event => event.kind === 'worker-exit' && event.timeMs >= window.sinceMs).map(toCrash);
}

function toCrash(event: BackendEvent): Crash {
  return { timeMs: event.timeMs, signal: event.signal ?? 0, evidence: eventEvidence(event) };
}

function recordToCrash(record: KernelEvent): Crash {
  return { timeMs: record.timeMs, signal: 11, evidence: { source: record.source, text: record.text } };
}

/** The kernel log is shared by every container of a machine: name and time must fit. */
function isOurs(record: KernelEvent, hop: Hop, units: readonly SystemdUnit[], cut: readonly Symptom[]): boolean {
  if (record.kind !== 'segfault' || record.comm === undefined || !mayBeOf(record, hop, units)) return false;
  if (!namesOfProcesses(hop, hop.unit).has(record.comm)) return false;
  const died = hop.events.some(event => (event.kind === 'worker-exit' || event.kind === 'worker-signal') && isTogether(event.timeMs, record.timeMs));
  return died || cut.some(symptom => symptom.errorGroups.some(group => group.samples.some(sample => isTogether(sample.timeMs, record.timeMs))));
}

function mayBeOf(record: KernelEvent, hop: Hop, units: readonly SystemdUnit[]): boolean {
  const named = unitOfRecord(record, units);
  return record.elsewhere !== true && (named === undefined || named === hop.unit?.name);
}

/** Part of a stop or a restart that somebody asked for. */
function isStop(hop: Hop, event: BackendEvent): boolean {
  // A process manager starts what died at once, and says which end was asked for.
  if (hop.program !== undefined) return hop.program.lines.some(line => line.kind === 'ended' && line.asked === true && isTogether(line.timeMs, event.timeMs));
  return hop.events.some(other => (other.kind === 'stopped' || other.kind === 'started') && isTogether(other.timeMs, event.timeMs));
}
