import { defineFault } from '../../model/fault.ts';
import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { wrongHeaderIn } from '../../model/response-header.ts';
import { mismatchesOf } from '../../model/spoken.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Confidence, Evidence } from '../../model/finding.ts';
import type { ProbeResult } from '../../model/probe.ts';

const classes: ReadonlySet<Symptom['class']> = new Set<Symptom['class']>(['invalid-header', 'no-valid-header']);

interface Judged {
  readonly confidence: Confidence;
  readonly messageId: 'seen' | 'garbage' | 'owner' | 'logged' | 'unasked' | 'unread';
}

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
      const judged = seen?.what === undefined ? judgedByLog(hop, symptoms) : judgedByAnswer(hop, seen.what);
      const bytes: Evidence[] = seen === undefined ? [] : [probeEvidence(seen.probe), ...headOf(seen.probe)];
      const [first, ...rest] = [...bytes, ...logged];
      if (first === undefined) continue;
      yield {
        ...judged,
        status: seen !== undefined || symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.serviceSubject,
        data: { address: hop.peer.id, path: seen === undefined ? '' : pathOf(seen.probe), what: seen?.what ?? message },
        evidence: [first, ...rest],
        symptoms: [...symptoms, ...truncatedWith(hop, symptoms)].map(symptom => symptom.id),
      };
    }
  },
});

/** What babbles need not be the backend, where nobody can see who has the port. */
function judgedByAnswer({ peer: { listeners } }: Hop, what: string): Judged {
  if (what !== 'garbage') return { confidence: 'confirmed', messageId: 'seen' };
  const isOwnerless = listeners.length > 0 && listeners.every(listener => listener.pids.length === 0);
  return isOwnerless ? { confidence: 'possible', messageId: 'owner' } : { confidence: 'confirmed', messageId: 'garbage' };
}

/** nginx names the line that it refuses; what stands there is no guess. Where it read no header, the protocol may be another one. */
function judgedByLog({ probes }: Hop, symptoms: readonly Symptom[]): Judged {
  if (probes.some(probe => probe.outcome.state === 'answered')) return { confidence: 'likely', messageId: 'logged' };
  const isUnread = symptoms.every(symptom => symptom.class === 'no-valid-header');
  return isUnread ? { confidence: 'possible', messageId: 'unread' } : { confidence: 'likely', messageId: 'unasked' };
}

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
