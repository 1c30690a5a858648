import { defineFault, ruledOut } from '../../model/fault.ts';
import { eventEvidence, settingEvidence, symptomEvidence } from '../../model/evidence.ts';
import { failedAt, isTogether } from '../../model/deaths.ts';
import type { BackendEvent, Service } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { symptomsOf, unattributedOf, urlsOf } from '../../model/hop-symptoms.ts';

const cutOff: readonly Symptom['class'][] = ['premature-close', 'reset', 'truncated'];
/** The watchdogs look about once a second, and a worker may get some seconds to end by itself. */
const slackMs = 6_000;

const watchdogs: Readonly<Partial<Record<Service['kind'], string>>> = {
  'php-fpm': 'request_terminate_timeout',
  gunicorn: '--timeout',
  uwsgi: 'harakiri',
  puma: 'worker_timeout',
  unicorn: 'timeout',
};

export default defineFault({
  meta: {
    id: 'worker-killed-by-timeout',
    layer: 'backend',
    title: "The backend's own watchdog kills workers that take too long",
    explains: [...cutOff, 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    leadsTo: [
      'backend-crashing',
      'no-live-upstreams',
      'max-fails-amplification',
      'response-truncated',
      'app-returned-5xx',
      'retries-hide-failures',
      'request-specific-crash',
    ],
    messages: {
      limit:
        '{service} killed workers {times} within the window because their requests took longer than its {watchdog} of {limit}: {urls}. nginx itself waits {proxy}.',
      line: '{service} killed workers {times} within the window because their requests took longer than its watchdog allows: {urls}.',
    },
  },
  *detect({ hops, symptoms }, { sinceMs }) {
    for (const hop of hops) {
      const cut = symptomsOf(hop, cutOff);
      if (cut.length === 0) continue;
      const kills = hop.events.filter(event => event.kind === 'request-killed' && event.timeMs >= sinceMs);
      const explained = cut.filter(symptom => kills.some(kill => failedSoonAfter(symptom, kill)));
      const last = kills.findLast(kill => explained.some(symptom => failedSoonAfter(symptom, kill)));
      if (last === undefined) {
        if (kills.length === 0 && (hop.service?.requestTimeoutMs?.value ?? 0) > 0 && cut.some(symptom => symptom.ongoing) && hop.events.length > 0)
          yield ruledOut(`the watchdog of ${hop.service?.name ?? hop.peer.id} has written nothing within the window`);
        continue;
      }
      const isSeen = explained.some(symptom =>
        symptom.errorGroups.some(group => group.samples.some(sample => kills.some(kill => isTogether(sample.timeMs, kill.timeMs, slackMs)))),
      );
      const all = [...explained, ...unattributedOf(hop, symptoms, [502]).filter(symptom => kills.some(kill => failedAt(symptom, kill.timeMs)))];
      const limit = limitOf(hop, kills);
      const proxyMs = proxyTimeout(hop);
      yield {
        confidence: isSeen ? 'confirmed' : 'likely',
        status: all.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: limit === undefined ? 'line' : 'limit',
        data: {
          service: hop.service?.name ?? hop.peer.id,
          times: kills.length === 1 ? 'once' : `${kills.length} times`,
          watchdog: watchdogs[hop.service?.kind ?? 'other'] ?? 'limit',
          limit: limit === undefined ? '' : `${limit.ms / 1000} s`,
          urls: urlsOf(explained),
          proxy: proxyMs === undefined ? 'longer' : `${proxyMs / 1000} s`,
        },
        evidence: [
          eventEvidence(last),
          ...(limit?.evidence ?? []),
          ...explained.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
          ...proxyEvidence(hop),
        ],
        symptoms: all.map(symptom => symptom.id),
        fixData: {
          kind: hop.service?.kind ?? 'other',
          ...(hop.unit === undefined ? {} : { unit: hop.unit.name }),
          ...(hop.service?.requestTimeoutMs === undefined ? {} : { limitMs: hop.service.requestTimeoutMs.value, source: hop.service.requestTimeoutMs.source }),
          ...(proxyMs === undefined ? {} : { proxyMs }),
          service: hop.service?.id ?? '',
        },
      };
    }
  },
});

/** The connection breaks when the worker is gone, which is up to some seconds after the watchdog's line. */
function failedSoonAfter(symptom: Symptom, kill: BackendEvent): boolean {
  return failedAt(symptom, kill.timeMs) || failedAt(symptom, kill.timeMs + slackMs / 2);
}

/** The limit by the settings; else by the durations that the watchdog's lines tell, where they lie close together. */
function limitOf(hop: Hop, kills: readonly BackendEvent[]): { readonly ms: number; readonly evidence: readonly Evidence[] } | undefined {
  const set = hop.service?.requestTimeoutMs;
  if (set !== undefined && set.value > 0)
    return { ms: set.value, evidence: [{ source: set.source, text: `${watchdogs[hop.service?.kind ?? 'other'] ?? 'limit'} = ${set.value / 1000} s` }] };
  const seconds = kills.flatMap(kill => kill.seconds ?? []).toSorted((a, b) => a - b);
  const [least] = seconds;
  const most = seconds.at(-1);
  return least === undefined || most === undefined || seconds.length < 2 || most > least * 1.3 + 1 ? undefined : { ms: Math.floor(least) * 1000, evidence: [] };
}

/** The shortest time that any route waits for this peer's answer. */
function proxyTimeout(hop: Hop): number | undefined {
  const times = hop.routes.flatMap(route => route.settings['read_timeout']?.ms ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

function proxyEvidence(hop: Hop): Evidence[] {
  const setting = hop.routes[0]?.settings['read_timeout'];
  return setting === undefined ? [] : [settingEvidence(setting)];
}
