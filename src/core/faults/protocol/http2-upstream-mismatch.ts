import { defineFault } from '../../model/fault.ts';
import { mismatchDetection, mismatchesOf } from '../../model/spoken.ts';
import type { Mismatch } from '../../model/spoken.ts';

/** `HTT` read as the length of a frame: the first bytes of an answer of HTTP/1. */
const httpAsFrame = 'too large http2 frame: 4740180';

/** grpc_pass (HTTP/2) to a server of HTTP/1, or proxy_pass (HTTP/1) to a server of HTTP/2 alone. */
export default defineFault({
  meta: {
    id: 'http2-upstream-mismatch',
    layer: 'protocol',
    title: 'nginx and its backend speak different versions of HTTP',
    explains: ['protocol-error', 'no-valid-header', 'invalid-header', 'reset', 'premature-close', 'probe-failed', 'truncated'],
    requires: ['hops'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures', 'restart-window', 'invalid-response-header'],
    messages: {
      answered: '{directive} at {place} speaks {wanted} to {address}, and what listens there answers in {spoken}.',
      configured: '{directive} at {place} speaks {wanted} to {address}, where {service} listens, which speaks {spoken}.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      for (const mismatch of mismatchesOf(hop)) {
        const { wanted, spoken } = mismatch;
        if (wanted === 'HTTP' && spoken.protocol === 'HTTP/2') yield mismatchDetection(hop, mismatch);
        if (wanted !== 'HTTP/2' || spoken.protocol !== 'HTTP') continue;
        const found = mismatchDetection(hop, mismatch);
        // A server may answer in both versions: only nginx's own complaint says that it got the old one.
        yield isCertain(mismatch) ? found : { ...found, confidence: 'possible' };
      }
    }
  },
});

function isCertain({ symptoms, spoken }: Mismatch): boolean {
  return (
    spoken.how === 'answered' && symptoms.some(symptom => symptom.errorGroups.some(group => group.samples.some(sample => sample.message.includes(httpAsFrame))))
  );
}
