import { defineFault, ruledOut } from '../../model/fault.ts';
import { probeEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import { isTogether } from '../../model/deaths.ts';
import type { BackendEvent, Service } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Confidence, Detection, Evidence } from '../../model/finding.ts';
import { countOf, firstFailureMs, sampleTimesOf, symptomsOf, unattributedOf, urlsOf } from '../../model/hop-symptoms.ts';
import { programFixData } from '../../model/program-commands.ts';
import { chanceOf, isAtEdge, isQueued, isWithin, recyclesOf, recycleSettingOf, type Recycle, type RecycleSetting } from '../../model/recycling.ts';
import type { Window } from '../../model/restarts.ts';
import { hasJournal, lastEnd } from '../../model/last-end.ts';
import { hasServedSince, servedAtMost, servedOf } from '../../model/served.ts';

const cutOff: readonly Symptom['class'][] = ['premature-close', 'reset', 'truncated', 'connect-reset'];
/** Of a server that is one process, which nobody stands in for while it starts anew. */
const refused: readonly Symptom['class'][] = ['connect-refused', 'connect-no-file'];
/** Other ends of a worker, each of which cuts its requests by itself. */
const otherEnds = new Set<BackendEvent['kind']>(['worker-signal', 'worker-exit', 'request-killed', 'out-of-memory']);
/** Of a server whose only worker is being replaced: what waits for the next one. */
const inVain: readonly Symptom['class'][] = ['read-timeout', 'connect-queue-full'];
/** Servers whose master holds the listening socket while workers come and go. */
const mastered = new Set<Service['kind']>(['gunicorn', 'uwsgi', 'php-fpm', 'puma', 'unicorn', 'apache']);
/** From the manager's line until the process is gone, with a time to finish that it may be given, and a second that logs are unsure of. */
const longestEndMs = 4000;
/** How likely failures and recycling may meet by chance, at most. */
const chances = { confirmed: 0.1, likely: 0.3, possible: 0.6 } as const;

export default defineFault({
  meta: {
    id: 'worker-recycled',
    layer: 'backend',
    title: 'Workers that have served their number of requests are replaced, and requests are lost with them',
    explains: [...cutOff, ...refused, ...inVain, 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    uses: ['backend-configs', 'php-fpm-pools', 'nginx-access-log'],
    leadsTo: [
      'backend-down',
      'backend-crash-loop',
      'restart-window',
      'no-live-upstreams',
      'max-fails-amplification',
      'response-truncated',
      'retries-hide-failures',
      'request-specific-crash',
      'app-returned-5xx',
      'backend-slower-than-timeout',
      'accept-queue-overflow',
    ],
    messages: {
      queue:
        '{service} has one worker and replaces it after {limit} requests ({name}), {times} within the window, last at {last}. Until the next one has booted nobody takes requests: {urls} waited in vain.',
      set: '{service} replaces a worker after {limit} requests ({name}), {times} within the window, last at {last}. Requests failed in those seconds: {urls}.',
      counted:
        '{service} is one process that ends by itself after {limit} requests ({name}), and systemd has started it again {times}, the last time after an end {how}. Requests failed meanwhile: {urls}. When it ended, its journal tells, which was not to be read.',
      memory: '{manager} started {service} anew for its memory {times} within the window, last at {last}. Requests failed in those seconds: {urls}.',
      told: '{service} replaced workers {times} within the window, last at {last}, without a fault of theirs. Requests failed in those seconds: {urls}.',
    },
  },
  *detect({ hops, symptoms, ...facts }, window) {
    for (const hop of hops) {
      const { service } = hop;
      if (service === undefined || hop.peer.flags.down) continue;
      const cut = symptomsOf(hop, [...cutOff, ...refused]).filter(symptom => symptom.count > 0);
      const waiting = symptomsOf(hop, inVain).filter(symptom => symptom.count > 0);
      if (cut.length === 0 && waiting.length === 0) continue;
      const setting = recycleSettingOf(service, facts, hop.program);
      const recycles = recyclesOf(hop, setting, window.sinceMs);
      if (recycles.length === 0) {
        const counted = setting === undefined ? undefined : countedFinding(hop, setting, { symptoms, log: facts['nginx-access-log'], window });
        if (counted !== undefined) yield counted;
        else if (setting !== undefined && cut.some(symptom => symptom.ongoing))
          yield ruledOut(
            `no worker of ${service.name} is known to have been replaced within the window, though each may serve ${setting.requests} requests alone`,
          );
        continue;
      }
      const isByUnit = recycles[0]?.by === 'unit';
      const isWholeService = isByUnit || (hop.program?.instances === 1 && isForMemory(hop, recycles));
      const served = servedOf(hop, facts['nginx-access-log']);
      // One that ends in order after its limit has served requests before; one that cannot start ends as quietly.
      if (isByUnit && served !== undefined && served < Math.max(1, ((recycles.length - 1) * (setting?.requests ?? 0)) / 2)) {
        yield ruledOut(`${service.name} ended ${recycles.length} times and answered ${served} requests meanwhile, fewer than it may serve`);
        continue;
      }
      // The end of the only process cuts what it works on; afterwards it refuses what comes.
      const ends = isWholeService ? recycles.map(one => ({ ...one, toMs: Math.min(one.toMs, one.fromMs + longestEndMs) })) : recycles;
      const lost = cut.filter(symptom => isLost(symptom, refused.includes(symptom.class) ? recycles : ends, hop, window));
      const times = lost.flatMap(sampleTimesOf).filter(timeMs => !isAtEdge(timeMs, recycles, window) && !endedOtherwise(hop, recycles, timeMs));
      const queued = setting === undefined ? [] : waiting.filter(symptom => isQueued(symptom, recycles, hop));
      if (times.length === 0) {
        const chance = chanceOf([...new Set(queued.map(symptom => symptom.firstMs))], recycles, window);
        if (queued.length > 0 && setting !== undefined && chance <= chances.likely) yield queueFinding(hop, queued, recycles, setting);
        else if (cut.some(symptom => symptom.ongoing)) yield ruledOut(`requests to ${service.name} also failed while none of its workers was being replaced`);
        continue;
      }
      // That nobody listens while the one process starts anew is no matter of chance.
      const isWhole = isWholeService && lost.some(symptom => refused.includes(symptom.class));
      const confidence = confidenceOf(recycles, setting, isWhole ? 0 : chanceOf(times, recycles, window));
      if (confidence === undefined) continue;
      const all = [...lost, ...queued, ...unattributedOf(hop, symptoms, [502])];
      const near = recycles.filter(recycle => times.some(timeMs => isWithin(timeMs, recycle)));
      const last = near.at(-1) ?? recycles.at(-1);
      const [first, ...rest] = [
        ...near.slice(-2).map(recycle => recycle.evidence),
        ...settingEvidence(setting),
        ...lost.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3),
      ];
      if (first === undefined || last === undefined) continue;
      yield {
        confidence,
        status: all.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: setting !== undefined ? 'set' : isForMemory(hop, recycles) ? 'memory' : 'told',
        ...(isForMemory(hop, recycles) ? { title: 'The process manager ends the backend for its memory, and requests are lost with it' } : {}),
        data: {
          service: service.name,
          manager: hop.program?.manager ?? '',
          limit: setting?.requests ?? 0,
          name: setting?.name ?? '',
          times: recycles.length === 1 ? 'once' : `${recycles.length} times`,
          last: `${new Date(last.fromMs).toISOString().slice(0, 19)}Z`,
          urls: `${countOf(lost)} in all, ${urlsOf(lost)}`,
        },
        evidence: [first, ...rest],
        symptoms: all.map(symptom => symptom.id),
        fixData: {
          ...(hop.program !== undefined && isForMemory(hop, recycles) ? programFixData(hop.program) : {}),
          service: service.id,
          recycles: recycles.length,
          firstMs: recycles[0]?.fromMs ?? 0,
          lastMs: recycles.at(-1)?.fromMs ?? 0,
        },
      };
    }
  },
});

/** A process manager has a limit of its own, and says so. */
function isForMemory({ program }: Hop, recycles: readonly Recycle[]): boolean {
  return recycles.every(recycle => program?.lines.some(line => line.kind === 'memory' && line.text === recycle.evidence.text) === true);
}

/**
 * Where no line of the journal can be read: systemd has started the one process again after it had ended in order or nobody knows how, its
 * command limits its requests, and it has served as many.
 */
function countedFinding(
  hop: Hop,
  setting: RecycleSetting,
  { symptoms, log, window }: { symptoms: readonly Symptom[]; log: Parameters<typeof servedOf>[1]; window: Window },
): Detection<'counted'> | undefined {
  const { service, unit, events } = hop;
  if (service === undefined || mastered.has(service.kind) || unit === undefined || hasJournal(unit, events)) return undefined;
  const lost = symptomsOf(hop, [...cutOff, ...refused]).filter(symptom => symptom.count > 0);
  const end = lastEnd(unit, events, window.sinceMs);
  if (end === 'failed' || lost.length === 0 || unit.restarts === 0) return undefined;
  const most = servedAtMost(hop, log);
  const hasServed = hasServedSince(hop, firstFailureMs(lost), log) !== false;
  if (!hasServed || (most !== undefined && most < setting.requests / 2)) return undefined;
  // How it ended is not known while it runs: then its lives must have been as long as the limit lets them be.
  const lives = most === undefined ? undefined : most / setting.requests;
  const isAsSet = lives !== undefined && (end === 'in-order' || (lives >= unit.restarts / 2 && lives <= 3 * (unit.restarts + 1)));
  const all = [...lost, ...unattributedOf(hop, symptoms, [502])];
  return {
    confidence: isAsSet ? 'likely' : 'possible',
    status: all.some(symptom => symptom.ongoing) ? 'active' : 'past',
    subject: hop.serviceSubject,
    messageId: 'counted',
    data: {
      service: service.name,
      limit: setting.requests,
      name: setting.name,
      times: unit.restarts === 1 ? 'once' : `${unit.restarts} times`,
      how: end === 'in-order' ? 'with status 0' : 'of which nothing is known',
      urls: `${countOf(lost)} in all, ${urlsOf(lost)}`,
    },
    evidence: [unitEvidence(unit), ...settingEvidence(setting), ...lost.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3)],
    symptoms: all.map(symptom => symptom.id),
    fixData: { service: service.id, recycles: unit.restarts },
  };
}

/** How long the next worker takes to boot is not known: that the requests waited for it follows from when they came. */
function queueFinding(hop: Hop, queued: readonly Symptom[], recycles: readonly Recycle[], setting: RecycleSetting): Detection<'queue'> {
  const last = recycles.at(-1);
  const [first, ...rest] = [
    ...recycles.slice(-2).map(recycle => recycle.evidence),
    ...settingEvidence(setting),
    ...(hop.own === undefined ? [] : [probeEvidence(hop.own)]),
    ...queued.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3),
  ];
  return {
    confidence: 'likely',
    status: queued.some(symptom => symptom.ongoing) ? 'active' : 'past',
    subject: hop.serviceSubject,
    messageId: 'queue',
    data: {
      service: hop.service?.name ?? hop.peer.id,
      limit: setting.requests,
      name: setting.name,
      times: recycles.length === 1 ? 'once' : `${recycles.length} times`,
      last: last === undefined ? '' : `${new Date(last.fromMs).toISOString().slice(0, 19)}Z`,
      urls: urlsOf(queued),
    },
    evidence: [first ?? { source: setting.sourced.source, text: setting.name }, ...rest],
    symptoms: queued.map(symptom => symptom.id),
    fixData: { service: hop.service?.id ?? '', recycles: recycles.length, firstMs: recycles[0]?.fromMs ?? 0, lastMs: last?.fromMs ?? 0 },
  };
}

/** Each of its requests that the samples show failed while a worker was being replaced, or by an end that others explain; at least one did. */
function isLost(symptom: Symptom, recycles: readonly Recycle[], hop: Hop, window: Window): boolean {
  // Where a master keeps the socket open meanwhile, a refused connection has another reason.
  if (refused.includes(symptom.class) && mastered.has(hop.service?.kind ?? 'other')) return false;
  const own = sampleTimesOf(symptom).filter(timeMs => !isAtEdge(timeMs, recycles, window) && !endedOtherwise(hop, recycles, timeMs));
  return own.length > 0 && own.every(timeMs => recycles.some(recycle => isWithin(timeMs, recycle)));
}

/** An error that nobody caught ends a process too: it speaks against a worker of which nothing says that it was to be replaced. */
function endedOtherwise(hop: Hop, recycles: readonly Recycle[], timeMs: number): boolean {
  const isTold = recycles.some(recycle => recycle.by !== 'process');
  const orderly = new Set(recycles.flatMap(recycle => (recycle.by === 'unit' ? [recycle.evidence.text] : [])));
  return hop.events.some(
    event => !orderly.has(event.text) && (otherEnds.has(event.kind) || (event.kind === 'app-error' && !isTold)) && isTogether(event.timeMs, timeMs),
  );
}

/** Workers that are merely young may have died of anything: only with a limit in force are they taken for replaced ones. */
function confidenceOf(recycles: readonly Recycle[], setting: RecycleSetting | undefined, chance: number): Confidence | undefined {
  const isTold = recycles.some(recycle => recycle.by !== 'process');
  if (!isTold && setting === undefined) return undefined;
  if (chance <= chances.confirmed) return isTold ? 'confirmed' : 'likely';
  return chance <= chances.likely ? 'likely' : chance <= chances.possible ? 'possible' : undefined;
}

function settingEvidence(setting: RecycleSetting | undefined): Evidence[] {
  if (setting === undefined) return [];
  const { source, text, value } = setting.sourced;
  return [{ source, text: text?.trim() ?? `${setting.name} = ${value}` }];
}
