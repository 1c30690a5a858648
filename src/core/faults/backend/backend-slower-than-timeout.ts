import { defineFault, ruledOut } from '../../model/fault.ts';
import { eventEvidence, probeEvidence, settingEvidence, symptomEvidence } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Setting } from '../../model/facts/nginx.ts';
import type { Route, Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { isStall, symptomsOf, unattributedOf, urlsOf } from '../../model/hop-symptoms.ts';
import { poolEvidence, poolState } from '../../model/pool-state.ts';
import type { ProbeResult } from '../../model/probe.ts';

const late: readonly Symptom['class'][] = ['read-timeout'];

/** The time that nginx waits for an answer from the peer, and where it is set. */
interface Limit {
  readonly ms: number;
  readonly setting: Setting;
  readonly route: Route;
}

export default defineFault({
  meta: {
    id: 'backend-slower-than-timeout',
    layer: 'backend',
    title: 'The backend answers later than nginx waits',
    explains: [...late, 'truncated', 'no-live-upstreams', 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'app-returned-5xx'],
    messages: {
      measured: '{service} answered {page} after {took} s, and nginx waits {limit} ({setting}). It gave up on {urls}.',
      unwatched:
        '{service} answered {page} after {took} s, and nginx waits {limit} ({setting}). It gave up on {urls}. Its workers could not be watched: whether that was work, or waiting for one of them, is not known.',
      logged: '{service} itself calls requests slow that nginx gave up on: nginx waits {limit} ({setting}), and gave up on {urls}.',
      stalled:
        '{service} begins its answers, and then nothing of the rest comes for {limit} ({setting}), after which nginx ends them: {urls}. Users see a status of success and a part of the page.',
      some: '{service} answers a direct question in {quick} ms, so it is neither away nor stuck, but nginx gave up waiting after {limit} ({setting}): {urls}.',
    },
  },
  *detect({ hops, symptoms }) {
    for (const hop of hops) {
      const stalls = symptomsOf(hop, ['truncated']).filter(symptom => symptom.count > 0 && isStall(symptom));
      const own = [...symptomsOf(hop, late).filter(symptom => symptom.count > 0), ...stalls];
      const isStalled = own.length === stalls.length;
      const limit = limitOf(hop, own);
      if (own.length === 0 || limit === undefined || (hop.peer.local && hop.peer.listeners.length === 0)) continue;
      const isOngoing = own.some(symptom => symptom.ongoing);
      const pool = poolState(hop);
      const slow = measured(hop, limit.ms);
      if (isOngoing && pool?.isFull === true && pool.waiting.least > 0) {
        yield ruledOut(`all workers of ${pool.service.name} are busy and connections wait: what is slow is the queue`);
        continue;
      }
      const quick = hop.own !== undefined && hop.own.outcome.state === 'answered' && hop.own.ms < limit.ms ? hop.own : undefined;
      const logged = hop.events.findLast(
        event =>
          event.kind === 'slow-request' && own.some(symptom => event.timeMs >= symptom.firstMs - limit.ms - 60_000 && event.timeMs <= symptom.lastMs + 60_000),
      );
      // One that does not answer at all is hung, or was when nginx gave up on it; one that begins its answers is not.
      if (isOngoing && !isStalled && slow === undefined && quick === undefined) continue;
      // A quick answer beside it did not wait for a worker either.
      const isUnwatched = slow !== undefined && quick === undefined && pool === undefined && hasWorkers(hop);
      const messageId = slow !== undefined ? (isUnwatched ? 'unwatched' : 'measured') : isStalled ? 'stalled' : logged !== undefined ? 'logged' : 'some';
      const all = [...own, ...symptomsOf(hop, ['no-live-upstreams']), ...unattributedOf(hop, symptoms, [504])];
      const evidence: Evidence[] = [
        ...(slow === undefined ? [] : [probeEvidence(slow)]),
        settingEvidence(limit.setting),
        ...(logged === undefined ? [] : [eventEvidence(logged)]),
        ...(quick === undefined ? [] : [probeEvidence(quick)]),
        ...own.flatMap(symptom => symptomEvidence(symptom, 2)),
        ...(pool === undefined ? [] : [poolEvidence(pool)]),
      ];
      const [first, ...rest] = evidence;
      if (first === undefined) continue;
      yield {
        confidence:
          slow !== undefined && pool?.isFullAtTimes !== true && !isUnwatched
            ? 'confirmed'
            : slow !== undefined || logged !== undefined || quick !== undefined || (isStalled && hop.peer.local)
              ? 'likely'
              : 'possible',
        status: isOngoing ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId,
        data: {
          service: hop.service?.name ?? hop.peer.id,
          limit: `${limit.ms / 1000} s`,
          setting: limit.setting.directive,
          urls: urlsOf(own),
          page: slow === undefined ? '' : pageOf(slow),
          took: slow === undefined ? 0 : (slow.ms / 1000).toFixed(1),
          quick: quick === undefined ? '?' : Math.round(quick.ms),
        },
        evidence: [first, ...rest],
        symptoms: all.map(symptom => symptom.id),
        fixData: {
          routeId: limit.route.id,
          directive: limit.setting.directive,
          limitMs: limit.ms,
          ...(slow === undefined ? {} : { tookMs: slow.ms }),
          ...(hop.unit === undefined ? {} : { unit: hop.unit.name }),
        },
      };
    }
  },
});

/** Whether requests may wait there for a free worker: a number of them is set, or nothing is known of the service. */
function hasWorkers({ service, peer }: Hop): boolean {
  if (service === undefined) return peer.local;
  return service.manager !== undefined && (service.manager !== 'event-loop' || service.workersMax !== undefined);
}

/** Of the route that takes the failing pages; else the shortest of the peer's. */
function limitOf(hop: Hop, own: readonly Symptom[]): Limit | undefined {
  const limits = hop.routes.flatMap((route): Limit[] => {
    const setting = route.settings['read_timeout'];
    const ms = setting?.ms;
    return setting === undefined || ms === undefined ? [] : [{ ms, setting, route }];
  });
  const pages = own.flatMap(symptom => symptom.errorGroups.flatMap(group => group.samples.flatMap(sample => sample.uri ?? [])));
  const fitting = limits
    .filter(limit => {
      const prefix = limit.route.location.split(' ').at(-1) ?? '';
      return prefix.startsWith('/') && prefix.length > 1 && pages.length > 0 && pages.every(page => page.startsWith(prefix));
    })
    .toSorted((a, b) => b.route.location.length - a.route.location.length);
  return fitting[0] ?? limits.toSorted((a, b) => a.ms - b.ms)[0];
}

/** A direct question that was answered, and later than nginx would have waited. */
function measured(hop: Hop, limitMs: number): ProbeResult | undefined {
  return hop.probes.filter(probe => probe.outcome.state === 'answered' && probe.ms - probe.connectMs >= limitMs).toSorted((a, b) => b.ms - a.ms)[0];
}

function pageOf({ request }: ProbeResult): string {
  if (request.kind === 'http' || request.kind === 'tls') return `GET ${request.path ?? '/'}`;
  return request.kind === 'fastcgi' || request.kind === 'uwsgi' ? `GET ${request.params['REQUEST_URI'] ?? '/'}` : 'a question';
}
