import { defineFault } from '../../model/fault.ts';
import { symptomEvidence } from '../../model/evidence.ts';
import { mismatchDetection, mismatchesOf } from '../../model/spoken.ts';
import { answersAsAsked } from '../../model/probe.ts';

/** nginx begins a handshake with a server that speaks plain HTTP: it answers with a 400 or waits for the end of a line. */
export default defineFault({
  meta: {
    id: 'tls-to-plaintext',
    layer: 'protocol',
    title: 'nginx speaks TLS to a backend that speaks plain HTTP',
    explains: ['tls-wrong-version', 'tls-handshake', 'tls-other', 'reset', 'premature-close', 'read-timeout', 'probe-failed'],
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
      'tls-protocol-mismatch',
    ],
    messages: {
      answered: '{directive} at {place} begins a TLS handshake with {address}, which answers plain HTTP.',
      configured: '{directive} at {place} begins a TLS handshake with {address}, where {service} listens, which speaks plain HTTP.',
      message: 'What {address} sent in answer to a TLS handshake is no TLS.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      const found = mismatchesOf(hop).filter(({ wanted, spoken }) => wanted === 'TLS' && spoken.protocol === 'HTTP');
      for (const mismatch of found) yield mismatchDetection(hop, mismatch);
      if (found.length > 0 || hop.probes.some(probe => probe.outcome.state === 'answered' && probe.outcome.speaks !== 'http')) continue;
      const told = hop.symptoms.find(symptom => symptom.class === 'tls-wrong-version');
      const [first, ...rest] = told === undefined ? [] : symptomEvidence(told, 2);
      if (told === undefined || first === undefined) continue;
      const isRight = hop.probes.some(answersAsAsked) && !hop.routes.some(route => route.tls);
      yield {
        confidence: isRight && !told.ongoing ? 'likely' : 'possible',
        status: told.ongoing ? 'active' : 'past',
        subject: hop.subject,
        messageId: 'message',
        data: { address: hop.peer.id },
        evidence: [first, ...rest],
        symptoms: [told.id],
      };
    }
  },
});
