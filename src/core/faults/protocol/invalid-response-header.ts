import { defineFault } from '../../model/fault.ts';
import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { wrongHeaderIn } from '../../model/response-header.ts';
import { mismatchesOf } from '../../model/spoken.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import type { ProbeResult } from '../../model/probe.ts';

const classes: ReadonlySet<Symptom['class']> = new Set<Symptom['class']>(['invalid-header', 'no-valid-header']);

/** The backend speaks the right protocol, and wrongly: nginx refuses a header that breaks the rules of HTTP. */
export default defineFault({
  meta: {
    id: 'invalid-response-header',
    layer: 'protocol',
    title: 'The backend sends a header that is not valid HTTP',
    explains: ['invalid-header', 'no-valid-header'],
    requires: ['hops'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window', 'response-truncated'],
    messages: {
      seen: 'A GET for {path} from {address} is answered with {what}.',
      garbage: '{address} answers a GET for {path} with bytes that are no HTTP and no other protocol that badhop knows.',
      owner:
        '{address} answers a GET for {path} with bytes that are no HTTP and no other protocol that badhop knows. Whose socket it is cannot be seen: another program may have the port.',
      logged: 'nginx refuses headers from {address}: {what}. The pages that badhop may ask for itself have valid ones.',
      unasked: 'nginx refuses headers from {address}: {what}. badhop has no answer of its own from there to compare.',
      unread: '{address} answers nginx with what is no HTTP at all: {what}. It may speak another protocol, and badhop has no answer of its own from there.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      const symptoms = hop.symptoms.filter(symptom => classes.has(symptom.class));
      if (symptoms.length === 0 || mismatchesOf(hop).length > 0) continue;
      const seen = hop.probes.map(probe => ({ probe, what: wrongHeaderIn(probe) })).find(one => one.what !== undefined);
      const message = symptoms.flatMap(symptom => symptom.errorGroups.flatMap(group => group.samples))[0]?.message ?? '';
      const logged = symptoms.flatMap(symptom => symptomEvidence(symptom, 2));
      const isAnswered = hop.probes.some(probe => probe.outcome.state === 'answered');
      // What babbles need not be the backend, where nobody can see who has the port.
      const isOwnerless = seen?.what === 'garbage' && hop.peer.listeners.length > 0 && hop.peer.listeners.every(listener => listener.pids.length === 0);
      const isUnread = symptoms.every(symptom => symptom.class === 'no-valid-header');
      const bytes: Evidence[] = seen === undefined ? [] : [probeEvidence(seen.probe), ...headOf(seen.probe)];
      const [first, ...rest] = [...bytes, ...logged];
      if (first === undefined) continue;
      yield {
        // nginx names the line that it refuses; what stands there is no guess. Where it read no header, the protocol may be another one.
        confidence: isOwnerless ? 'possible' : seen !== undefined ? 'confirmed' : isAnswered || !isUnread ? 'likely' : 'possible',
        status: seen !== undefined || symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: isOwnerless
          ? 'owner'
          : seen !== undefined
            ? seen.what === 'garbage'
              ? 'garbage'
              : 'seen'
            : isAnswered
              ? 'logged'
              : isUnread
                ? 'unread'
                : 'unasked',
        data: { address: hop.peer.id, path: seen === undefined ? '' : pathOf(seen.probe), what: seen?.what ?? message },
        evidence: [first, ...rest],
        symptoms: [...symptoms, ...truncatedWith(hop, symptoms)].map(symptom => symptom.id),
      };
    }
  },
});

/** The offending bytes themselves, made visible. */
function headOf(probe: ProbeResult): Evidence[] {
  const head = probe.outcome.state === 'answered' ? probe.outcome.answer.head : undefined;
  return head === undefined ? [] : [{ source: probeEvidence(probe).source, text: JSON.stringify(head.slice(0, 300)) }];
}

/** Garbage that nginx took for HTTP/0.9 is logged twice: as no header, and as cut off. */
function truncatedWith(hop: Hop, symptoms: readonly Symptom[]): Symptom[] {
  return symptoms.some(symptom => symptom.class === 'no-valid-header') ? hop.symptoms.filter(symptom => symptom.class === 'truncated') : [];
}

function pathOf({ request }: ProbeResult): string {
  if (request.kind === 'http' || request.kind === 'tls') return request.path ?? '/';
  return request.kind === 'fastcgi' || request.kind === 'uwsgi' ? (request.params['REQUEST_URI'] ?? '/') : '/';
}
