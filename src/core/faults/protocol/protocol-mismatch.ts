import { defineFault, ruledOut } from '../../model/fault.ts';
import { symptomEvidence } from '../../model/evidence.ts';
import { mismatchDetection, mismatchesOf, protocolOf, type Mismatch } from '../../model/spoken.ts';
import { answersAsAsked } from '../../model/probe.ts';
import type { Hop } from '../../model/facts/hop.ts';

/** Classes that a foreign protocol shows in, and a crash too. */
const suspicious: ReadonlySet<string> = new Set(['reset', 'premature-close', 'protocol-error', 'no-valid-header']);

/** The peer is asked in one protocol and answers in another. Who asks TLS of HTTP, or the reverse, has a fault of its own. */
export default defineFault({
  meta: {
    id: 'protocol-mismatch',
    layer: 'protocol',
    title: 'nginx speaks another protocol than its backend',
    explains: ['reset', 'premature-close', 'protocol-error', 'no-valid-header', 'invalid-header', 'read-timeout', 'truncated', 'probe-failed'],
    requires: ['hops'],
    leadsTo: [
      'no-live-upstreams',
      'max-fails-amplification',
      'retries-hide-failures',
      'restart-window',
      'backend-hung',
      'backend-slower-than-timeout',
      'worker-pool-exhausted',
      'accept-queue-overflow',
      'worker-killed-by-timeout',
      'request-header-too-big-for-backend',
      'invalid-response-header',
    ],
    messages: {
      answered: '{directive} at {place} speaks {wanted} to {address}, and what listens there answers in {spoken}.',
      configured: '{directive} at {place} speaks {wanted} to {address}, where {service} listens, which speaks {spoken}.',
      http: 'A server of HTTP answered nginx at {address}, which speaks FastCGI there: 72 is the "H" of "HTTP".',
      past: 'Until {until} nginx spoke {scheme} to {address}, which answers in {spoken}. The configuration is right now.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      const mismatches = mismatchesOf(hop).filter(isForeign);
      for (const mismatch of mismatches) yield mismatchDetection(hop, mismatch);
      if (mismatches.length > 0) continue;
      const told = byMessage(hop);
      const own = hop.probes.find(answersAsAsked);
      if (told === undefined) {
        const symptom = hop.symptoms.find(one => suspicious.has(one.class));
        const [route] = hop.routes;
        if (symptom !== undefined && own !== undefined && route !== undefined && own.request.kind !== 'connect') {
          yield ruledOut(`${hop.peer.id} answers in ${protocolOf(route)}, as nginx asks it`);
        }
        continue;
      }
      const [first, ...rest] = symptomEvidence(told, 2);
      if (first === undefined || (own !== undefined && told.ongoing)) continue;
      yield {
        confidence: own === undefined ? 'possible' : 'likely',
        status: told.ongoing ? 'active' : 'past',
        subject: hop.subject,
        messageId: own === undefined ? 'http' : 'past',
        data: { address: hop.peer.id, until: new Date(told.lastMs).toISOString(), scheme: 'FastCGI', spoken: hop.routes.map(protocolOf)[0] ?? 'HTTP' },
        evidence: [first, ...rest],
        symptoms: [told.id],
      };
    }
  },
});

function isForeign({ wanted, spoken }: Mismatch): boolean {
  const pair = `${wanted} ${spoken.protocol}`;
  return !['HTTP TLS', 'TLS HTTP', 'HTTP HTTP/2', 'HTTP/2 HTTP', 'HTTP/2 TLS'].includes(pair);
}

/** What only an HTTP answer to a FastCGI question makes nginx say. */
function byMessage(hop: Hop): Hop['symptoms'][number] | undefined {
  return hop.symptoms.find(symptom =>
    symptom.errorGroups.some(group => group.samples.some(sample => sample.message.includes('unsupported FastCGI protocol version: 72'))),
  );
}
