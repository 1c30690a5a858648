import { defineFault, ruledOut } from '../../model/fault.ts';
import { probeEvidence, settingEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { isTogether } from '../../model/deaths.ts';
import type { BackendEvent } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NginxAccessLog } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { sampleTimesOf } from '../../model/hop-symptoms.ts';
import type { Evidence } from '../../model/finding.ts';
import { formatAddress } from '../../model/host.ts';
import { keptFor, reuseOf } from '../../model/keepalive.ts';

/** Ends of processes, after which connections are gone for another reason. */
const ends = new Set<BackendEvent['kind']>(['worker-signal', 'worker-exit', 'worker-recycled', 'request-killed', 'out-of-memory', 'started', 'stopped']);
/** What nginx sends once and never again, as it may have been acted on. */
const sentOnce = new Set(['POST', 'LOCK', 'PATCH']);
/** A page that fails more often than this does not fail by the chance of a moment. */
const mostOften = 0.7;
/** Requests that follow each other faster than this part of the measured time leave hardly a used connection idle for so long. */
const quietShare = 0.2;

/** nginx sends a request over a kept connection in the moment in which the backend closes it. */
export default defineFault({
  meta: {
    id: 'keepalive-race',
    layer: 'protocol',
    title: 'The backend closes idle connections before nginx does',
    explains: ['reset', 'premature-close'],
    requires: ['hops', 'topology', 'idle-connections'],
    uses: ['nginx-instances', 'nginx-access-log'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      open: '{address} leaves an idle connection open for longer than the {measured} s for which it was watched, and nginx keeps such connections {kept}. Whether the backend closes first is not known; {count} {were} cut as they would be then, {methods}.',
      race: '{address} closes a connection that is idle for {measured} s, and nginx keeps such connections {kept}. A request that nginx sends over one in the moment in which it is closed is lost: {count} {were} cut, {methods}.',
    },
  },
  *detect({ hops, topology, 'idle-connections': measured, ...facts }) {
    for (const hop of hops) {
      const probe = measured.find(one => one.request.kind === 'idle' && formatAddress(one.request.address) === hop.peer.id);
      const idle = probe?.outcome.state === 'answered' ? probe.outcome.answer.idle : undefined;
      const reuse = reuseOf(hop.peer, topology, facts['nginx-instances']);
      if (probe === undefined || idle === undefined || reuse === undefined) continue;
      if (idle.ended === 'not-kept') {
        yield ruledOut(`${hop.peer.id} closes each connection after its answer, so none is kept that could be closed too early`);
        continue;
      }
      // Watched for less than nginx keeps it: the measurement's own gap says so too.
      const isOpen = idle.ended === 'open' && idle.ms < reuse.timeoutMs;
      if (idle.ms >= reuse.timeoutMs) {
        const span = idle.ended === 'open' ? `longer than ${(idle.ms / 1000).toFixed(1)} s` : `for ${(idle.ms / 1000).toFixed(1)} s`;
        yield ruledOut(`${hop.peer.id} leaves an idle connection open ${span}, and nginx keeps it ${keptFor(reuse)}`);
        continue;
      }
      const cut = hop.symptoms.filter(symptom => (symptom.class === 'reset' || symptom.class === 'premature-close') && symptom.count > 0);
      const symptoms = cut.filter(symptom => !endedThen(hop, symptom));
      if (symptoms.length === 0) {
        if (cut.length > 0) yield ruledOut(`processes of ${hop.service?.name ?? hop.peer.id} ended or were started as the requests were cut`);
        continue;
      }
      const access = valueOr(facts['nginx-access-log'], undefined);
      const isRetried = reuse.route.settings['next_upstream']?.args.includes('error') === true;
      // A GET has a second try on a connection of its own: where that fails too, the connection's age is not the reason.
      const lost = symptoms.flatMap(symptom => symptom.accessGroups).find(group => group.status === 502 && group.method === 'GET');
      if (isRetried && lost !== undefined) {
        yield ruledOut(`${lost.count} GET requests of ${hop.peer.id} failed, which nginx tries once more on a new connection`);
        continue;
      }
      const often = oftenFailing(symptoms, access);
      if (often !== undefined) {
        yield ruledOut(`${often} fails too often for a race that takes a moment`);
        continue;
      }
      const groups = symptoms.flatMap(symptom => symptom.errorGroups);
      const methods = new Set(groups.flatMap(group => group.method ?? []));
      const looksLikeIt = methods.size > 0 && ([...methods].some(method => sentOnce.has(method)) || hasHiddenRetry(symptoms)) && isQuiet(access, idle.ms);
      // Requests that are cut have many causes: where the time is not known, they must at least look like this one.
      if (isOpen && !looksLikeIt) continue;
      const [first, ...rest] = [
        probeEvidence(probe),
        ...configured(reuse.timeout ?? reuse.setting),
        ...symptoms.flatMap(symptom => symptomEvidence(symptom, 2)),
      ];
      const count = symptoms.reduce((sum, symptom) => sum + symptom.count, 0);
      yield {
        confidence: isOpen ? 'possible' : looksLikeIt ? 'confirmed' : 'likely',
        status: symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.subject,
        messageId: isOpen ? 'open' : 'race',
        data: {
          address: hop.peer.id,
          measured: (idle.ms / 1000).toFixed(1),
          kept: keptFor(reuse),
          count,
          were: count === 1 ? 'request was' : 'requests were',
          methods:
            methods.size === 0
              ? 'of which nginx repeats a GET and not a POST'
              : `by ${[...methods].toSorted().join(', ')}; nginx repeats a GET unseen, and never a POST`,
        },
        evidence: [first, ...rest],
        symptoms: symptoms.map(symptom => symptom.id),
        // Nothing to set is known where the time is not.
        ...(isOpen
          ? {}
          : {
              fixData: {
                groupId: reuse.group.id,
                idleMs: idle.ms,
                ...(Number.isFinite(reuse.timeoutMs) ? { keptMs: reuse.timeoutMs } : {}),
                ...(hop.service === undefined ? {} : { kind: hop.service.kind }),
              },
            }),
      };
    }
  },
});

/** Whether each request that the samples show was cut as a process of the backend ended or began. */
function endedThen(hop: Hop, symptom: Symptom): boolean {
  const events = hop.events.filter(event => ends.has(event.kind)).map(event => event.timeMs);
  const starts = [hop.master, ...hop.workers].flatMap(process => process?.startMs ?? []);
  const times = sampleTimesOf(symptom);
  return times.length > 0 && times.every(timeMs => [...events, ...starts].some(one => isTogether(one, timeMs)));
}

/** A page that fails in most cases. */
function oftenFailing(symptoms: readonly Symptom[], access: NginxAccessLog | undefined): string | undefined {
  const templates = new Set(symptoms.flatMap(symptom => symptom.errorGroups.flatMap(group => group.urlTemplate ?? [])));
  return access?.byTemplate.find(one => templates.has(one.key) && one.total > 3 && one.failed / one.total > mostOften)?.key;
}

/** Whether connections have time to grow old, by the mean gap between requests. */
function isQuiet(access: NginxAccessLog | undefined, idleMs: number): boolean {
  if (access === undefined || access.total === 0) return false;
  const { starts, widthMs } = access.buckets.all;
  const spanMs = (starts.at(-1) ?? 0) + widthMs - (starts[0] ?? 0);
  return spanMs / access.total >= idleMs * quietShare;
}

/** A try that failed and one that did not. */
function hasHiddenRetry(symptoms: readonly Symptom[]): boolean {
  return symptoms.some(symptom => symptom.accessGroups.some(group => group.tries > 1 && group.status < 500));
}

function configured(setting: Parameters<typeof settingEvidence>[0] | undefined): Evidence[] {
  return setting === undefined ? [] : [settingEvidence(setting)];
}
