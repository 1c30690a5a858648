import { defineFault } from '../../model/fault.ts';
import { eventEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { TimeBuckets } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { absenceOf, longestRestartMs } from '../../model/absences.ts';
import { countOf, sampleTimesOf, symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { answersAsAsked } from '../../model/probe.ts';
import { hasJournal } from '../../model/last-end.ts';
import { restartLoop, startsOf, type Window } from '../../model/restarts.ts';
import { slowStart, type SlowStart } from '../../model/slow-start.ts';
import { valueOr } from '../../model/fact.ts';
import type { Detection } from '../../model/finding.ts';

const explains: readonly Symptom['class'][] = [
  'connect-refused',
  'connect-no-file',
  'premature-close',
  'reset',
  'connect-reset',
  'truncated',
  'no-live-upstreams',
  'unattributed-5xx',
];
/** As long as nobody listens, or takes what waits. */
const whileStarting: readonly Symptom['class'][] = ['connect-refused', 'connect-no-file', 'no-live-upstreams', 'probe-failed'];
const whileWaiting: readonly Symptom['class'][] = [
  'read-timeout',
  'send-timeout',
  'connect-timeout',
  'connect-queue-full',
  'no-live-upstreams',
  'probe-failed',
];
const cutOff: ReadonlySet<Symptom['class']> = new Set(['premature-close', 'reset', 'connect-reset', 'truncated']);
/** A service that was away for longer was down, whatever started it in the end. */
const longestMs = longestRestartMs;
/** nginx keeps a peer marked as failed for ten seconds. */
const afterMs = 15_000;
const leastShare = 0.9;
/** Logs and systemd give whole seconds. */
const clockMs = 1_500;
/** Within it a unit and its program tell of one start. */
const sameMs = 5_000;
/** What the stop breaks off is logged before the start, in whole seconds that lie before it too. */
const cutAfterMs = 100;

export default defineFault({
  meta: {
    id: 'restart-window',
    layer: 'backend',
    title: 'Requests fail only while the backend is being restarted',
    explains: [...new Set([...explains, ...whileStarting, ...whileWaiting])],
    requires: ['hops', 'symptoms'],
    uses: ['systemd-units', 'lost-peers', 'nginx-access-log'],
    leadsTo: ['socket-missing', 'socket-stale', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      once: '{count} requests failed around {at}, when {service} was started anew. Before and after that it answered.',
      unproven:
        '{count} requests failed around {at}, when {service} was started anew. Whether it answers since then is not known: nobody was asked, and no request has succeeded.',
      starting: '{service} is being started{since}, and nobody listens on {address} yet{doing}.',
      held: '{service} is being started{since}: requests wait at {address}, and none of its processes has taken one yet{doing}.',
      several:
        '{count} requests failed in bursts that fall together with the {starts} starts of {service} within the window, last at {at}. Between them it answered.',
    },
  },
  *detect({ hops, symptoms, ...facts }, window) {
    const around = {
      hops,
      units: valueOr(facts['systemd-units'], []),
      lost: valueOr(facts['lost-peers'], []),
      lastGoodMs: valueOr(facts['nginx-access-log'], undefined)?.lastGoodMs,
    };
    for (const hop of hops) {
      const slow = slowStart(hop, around, window);
      if (slow !== undefined) yield* underWay(hop, symptoms, slow);
      if (slow !== undefined || hop.peer.listeners.length === 0 || hop.peer.flags.down) continue;
      // Refused while something listens: whatever it is, it did not end with the start.
      if (hop.probes.some(({ outcome }) => outcome.state === 'connect-failed' || outcome.state === 'connect-timeout')) continue;
      if (hop.unit !== undefined && restartLoop(hop.unit, hop.events, window, false) !== undefined) continue;
      if (absenceOf(hop, symptomsOf(hop, ['connect-refused', 'connect-no-file']), window.sinceMs) !== undefined) continue;
      const starts = startsOf(hop, window.sinceMs);
      const own = [...symptomsOf(hop, explains), ...unattributedOf(hop, symptoms, [502])].filter(
        symptom => symptom.count > 0 && isAround(symptom, hop, starts, window) && wasUnderWay(symptom, hop, starts),
      );
      const near = starts.filter(start => own.some(symptom => start.timeMs >= symptom.firstMs - afterMs && start.timeMs <= symptom.lastMs + longestMs));
      const last = near.at(-1);
      // Only a gap in which nobody listened is a restart's; workers that merely end are others' business.
      if (last === undefined || !own.some(symptom => symptom.class === 'connect-refused' || symptom.class === 'connect-no-file' || wasStopped(hop, symptom)))
        continue;
      const isUnproven = !window.probing && own.some(symptom => symptom.ongoing) && (around.lastGoodMs ?? 0) < last.timeMs;
      const isDone = isOver(hop, last.timeMs) || (near.every(start => last.timeMs - start.timeMs <= sameMs) && endedWith(hop, own, last.timeMs));
      // systemd started it again by itself: it had ended, and its journal alone tells of what.
      const isUntold = hop.unit !== undefined && hop.unit.restarts > 0 && !hasJournal(hop.unit, hop.events);
      yield {
        confidence: isUnproven || isUntold ? 'possible' : goesOnBeside(hop, own, last.timeMs) ? 'likely' : 'confirmed',
        // Requests that nginx still turns away by its marks are not refused by the service any more.
        status: !isDone && own.some(symptom => symptom.ongoing && symptom.class !== 'no-live-upstreams') ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: isUnproven ? 'unproven' : near.length === 1 ? 'once' : 'several',
        data: {
          count: countOf(own),
          starts: near.length,
          service: hop.service?.name ?? hop.peer.id,
          at: `${new Date(last.timeMs).toISOString().slice(0, 19)}Z`,
        },
        evidence: [
          last.event === undefined
            ? hop.unit === undefined
              ? { source: 'processes', text: `started at ${new Date(last.timeMs).toISOString()}` }
              : unitEvidence(hop.unit)
            : eventEvidence(last.event),
          ...hop.events
            .filter(event => event.kind === 'stopped' && event.timeMs <= last.timeMs)
            .slice(-1)
            .map(eventEvidence),
          ...own.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3),
        ],
        symptoms: own.map(symptom => symptom.id),
        fixData: {
          ...(hop.unit === undefined ? {} : { unit: hop.unit.name, type: hop.unit.type ?? '' }),
          ...(wasReload(hop, last.timeMs) ? { isReload: true } : {}),
        },
      };
    }
  },
});

/** php-fpm was told to reload, which is how it should be done, and cut off what its children worked on. */
function wasReload({ events, service }: Hop, startMs: number): boolean {
  const before = events.findLast(event => event.kind === 'stopped' && event.timeMs <= startMs);
  return service?.kind === 'php-fpm' && before?.text.includes('Reloading in progress') === true;
}

/** Requests are refused because the service is not up yet: it will be without anybody's help, or says what keeps it. */
function* underWay(
  hop: Hop,
  symptoms: readonly Symptom[],
  { name, unit, startedMs, confidence, evidence }: SlowStart,
): Generator<Detection<'starting' | 'held'>> {
  const isHeld = hop.peer.listeners.length > 0;
  const own = [...symptomsOf(hop, isHeld ? whileWaiting : whileStarting), ...unattributedOf(hop, symptoms, isHeld ? [502, 504] : [502])].filter(
    symptom => symptom.ongoing,
  );
  if (own.length === 0) return;
  const [first, ...rest] = evidence;
  yield {
    confidence,
    status: 'active',
    subject: hop.serviceSubject,
    title: isHeld ? 'The backend is being started and takes no request yet' : 'The backend is being started and does not listen yet',
    messageId: isHeld ? 'held' : 'starting',
    data: {
      service: name,
      address: hop.peer.id,
      since: startedMs === undefined ? '' : ` since ${new Date(startedMs).toISOString().slice(0, 19)}Z`,
      doing: unit.subState === 'start-pre' ? ': what its unit does before (ExecStartPre) is not done' : '',
    },
    evidence: [first, ...rest, ...own.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2)],
    symptoms: own.map(symptom => symptom.id),
    fixData: { unit: unit.name, isStarting: true },
  };
}

/** It answers, and nginx asks it no more: what goes on after the start is no work of the restart. */
function isOver({ own, symptoms, groupSymptoms }: Hop, startMs: number): boolean {
  const answersNow = own !== undefined && answersAsAsked(own);
  return answersNow && [...symptoms, ...groupSymptoms].some(({ class: kind, ongoing, lastMs }) => kind === 'no-live-upstreams' && ongoing && lastMs > startMs);
}

/** It answers, and these requests fail no more, or none did once it was started: what the stop broke off, and what fails beside it for another reason. */
function endedWith({ own }: Hop, symptoms: readonly Symptom[], startMs: number): boolean {
  return own !== undefined && answersAsAsked(own) && symptoms.every(({ ongoing, lastMs }) => !ongoing || lastMs <= startMs + clockMs);
}

/** It answers, and nginx still does not get through to it: the start may be over, and something else hold. */
function goesOnBeside({ own }: Hop, symptoms: readonly Symptom[], startMs: number): boolean {
  const isCut = symptoms.some(
    ({ class: kind, ongoing, lastMs }) => (kind === 'connect-refused' || kind === 'connect-no-file') && ongoing && lastMs > startMs + clockMs,
  );
  return isCut && own !== undefined && answersAsAsked(own);
}

/** Nearly all of its requests failed shortly before a start or just after one. */
function isAround(symptom: Symptom, hop: Hop, starts: readonly { readonly timeMs: number }[], { nowMs }: Window): boolean {
  const buckets: TimeBuckets = symptom.buckets ?? {
    widthMs: Math.max(1, Math.min(nowMs, symptom.lastMs) - symptom.firstMs),
    starts: [symptom.firstMs],
    counts: [symptom.count],
  };
  let near = 0;
  let all = 0;
  for (const [index, from] of buckets.starts.entries()) {
    const count = buckets.counts[index] ?? 0;
    const to = Math.min(from + buckets.widthMs, symptom.lastMs);
    all += count;
    if (starts.some(start => to >= start.timeMs - longestMs && Math.max(from, symptom.firstMs) <= start.timeMs + afterMs)) near += count;
  }
  // Failures that begin after a start are its own only where something was stopped for it: a slow boot after a stop.
  return (
    all > 0 &&
    near >= all * leastShare &&
    starts.some(({ timeMs }) => timeMs >= symptom.firstMs + (wasReplaced(hop, timeMs) ? -afterMs : leadOf(symptom, timeMs)))
  );
}

/**
 * How long before a start the failures must have begun by the log, which gives whole seconds: of those that go on long after it, in a second
 * before, or they may have begun with what else was done then.
 */
function leadOf({ ongoing, lastMs }: Symptom, startMs: number): number {
  return ongoing && lastMs > startMs + clockMs ? 1000 : 0;
}

/** What breaks off was under way when the service was stopped: afterwards, or with the watchdog's own line, it is no restart's. */
function wasUnderWay({ class: kind, errorGroups, firstMs, lastMs }: Symptom, hop: Hop, starts: readonly { readonly timeMs: number }[]): boolean {
  if (!cutOff.has(kind)) return true;
  // It still breaks off what it is asked: that did not end with the start.
  if (hop.own?.outcome.state === 'closed') return false;
  if (hop.events.some(event => event.kind === 'request-killed' && event.timeMs >= firstMs - afterMs && event.timeMs <= lastMs + afterMs)) return false;
  const times = [...sampleTimesOf({ errorGroups }), lastMs];
  return times.every(timeMs => starts.some(start => timeMs <= start.timeMs + cutAfterMs && timeMs >= start.timeMs - longestMs));
}

function wasReplaced(hop: Hop, startMs: number): boolean {
  return hop.events.some(event => event.kind === 'stopped' && event.timeMs <= startMs + clockMs && event.timeMs >= startMs - longestMs);
}

function wasStopped(hop: Hop, symptom: Symptom): boolean {
  return hop.events.some(event => event.kind === 'stopped' && event.timeMs >= symptom.firstMs - afterMs && event.timeMs <= symptom.lastMs + afterMs);
}
