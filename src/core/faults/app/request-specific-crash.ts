import { defineFault } from '../../model/fault.ts';
import { eventEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { TrafficCount } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { countOf, symptomsOf } from '../../model/hop-symptoms.ts';

const cutOff: readonly Symptom['class'][] = ['premature-close', 'reset'];
/** Fewer failures may stand at one page by chance. */
const leastFailures = 4;
const leastOfOne = 0.9;
/** Of the requests for other pages, which must have been answered as well as failed for this one. */
const leastOthers = 8;

/**
 * The connection breaks for one page and for no other, while others are asked for as well: it is the request that ends the
 * worker. How the worker dies (a signal, a watchdog, no memory) stands above this where a log tells it.
 */
export default defineFault({
  meta: {
    id: 'request-specific-crash',
    layer: 'app',
    title: 'Requests for one page alone break the connection to the backend',
    explains: cutOff,
    requires: ['hops', 'nginx-access-log'],
    uses: ['topology', 'kernel-log'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'auth-backend-failed'],
    messages: {
      page: '{service} broke the connection {count} times, {own} of them for {page}, which is {share} % of the traffic; {others} requests for other pages went well. What is asked for there ends the request: {how}.',
    },
  },
  *detect({ hops, 'nginx-access-log': access, ...facts }) {
    for (const hop of hops) {
      const cut = symptomsOf(hop, cutOff).filter(symptom => symptom.count > 0);
      const count = countOf(cut);
      const [page, own] = mostFailing(cut);
      // In a burst of a restart all pages fail, and a peer that refuses connections fails for all of them too.
      if (page === undefined || count < leastFailures || own < count * leastOfOne || isAway(hop)) continue;
      const traffic = sameHop(access.byTemplate, hop, hops, valueOr(facts.topology, undefined)?.routes.length ?? 0);
      const asked = traffic.find(one => one.key === page);
      const rest = traffic.filter(one => one.key !== page);
      const others = rest.reduce((sum, one) => sum + one.total, 0);
      const failedOthers = rest.reduce((sum, one) => sum + one.failed, 0);
      if (asked === undefined || others < leastOthers || failedOthers > others * 0.02 || asked.failed < asked.total * 0.5) continue;
      if (asked.total > (asked.total + others) * 0.8) continue;
      const words = hop.events.filter(event => event.kind === 'app-error' || event.kind === 'worker-exit').slice(-1);
      const [first, ...more] = [...cut.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3), ...words.map(eventEvidence)];
      if (first === undefined) continue;
      yield {
        confidence: 'likely',
        status: cut.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: 'page',
        data: {
          service: hop.service?.name ?? hop.peer.id,
          count,
          own,
          page,
          share: Math.round((asked.total / (asked.total + others)) * 100),
          others: others - failedOthers,
          how:
            facts['kernel-log'].state === 'denied'
              ? "no log that this user may read says how, and the kernel's, where a kill for lack of memory or a crash would stand, is for root"
              : 'no log says how',
        },
        evidence: [
          first,
          ...more,
          { source: 'access log', text: `${page}: ${asked.failed} of ${asked.total} failed; other pages: ${failedOthers} of ${others}` },
        ],
        symptoms: cut.map(symptom => symptom.id),
      };
    }
  },
});

function mostFailing(cut: readonly Symptom[]): readonly [string | undefined, number] {
  const counts = new Map<string, number>();
  for (const group of cut.flatMap(symptom => symptom.errorGroups))
    if (group.urlTemplate !== undefined) counts.set(group.urlTemplate, (counts.get(group.urlTemplate) ?? 0) + group.count);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0] ?? [undefined, 0];
}

function isAway({ peer, symptoms }: Hop): boolean {
  return (peer.local && peer.listeners.length === 0) || symptoms.some(symptom => symptom.class.startsWith('connect-') || symptom.class === 'probe-failed');
}

/** Pages that this peer serves: all of them where it is the only one, else those below one of its own locations. */
function sameHop(traffic: readonly TrafficCount[], hop: Hop, hops: readonly Hop[], routes: number): readonly TrafficCount[] {
  if (hop.routes.length >= routes) return traffic;
  const own = hop.routes.flatMap(route => route.samplePath ?? []);
  const foreign = hops.filter(one => one !== hop).flatMap(one => one.routes.filter(route => !hop.routes.some(same => same.id === route.id)));
  const longest = (paths: readonly string[], url: string): number => Math.max(-1, ...paths.filter(path => url.startsWith(path)).map(path => path.length));
  return traffic.filter(
    ({ key }) =>
      longest(own, key) >
      longest(
        foreign.flatMap(route => route.samplePath ?? []),
        key,
      ),
  );
}
