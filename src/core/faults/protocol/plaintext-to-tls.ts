import { defineFault } from '../../model/fault.ts';
import { mismatchDetection, mismatchesOf } from '../../model/spoken.ts';

/** nginx sends plain HTTP to a port that speaks TLS: servers answer with a 400 of their own or close. */
export default defineFault({
  meta: {
    id: 'plaintext-to-tls',
    layer: 'protocol',
    title: 'nginx speaks plain HTTP to a backend that speaks TLS',
    explains: ['reset', 'premature-close', 'no-valid-header', 'protocol-error', 'read-timeout', 'probe-failed'],
    requires: ['hops'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window', 'invalid-response-header'],
    messages: {
      answered: '{directive} at {place} sends plain HTTP to {address}, which answers TLS handshakes.',
      configured: '{directive} at {place} sends plain HTTP to {address}, where {service} listens, which speaks TLS.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      for (const mismatch of mismatchesOf(hop)) if (mismatch.wanted === 'HTTP' && mismatch.spoken.protocol === 'TLS') yield mismatchDetection(hop, mismatch);
    }
  },
});
