import { defineFault } from '../../model/fault.ts';
import { settingEvidence } from '../../model/evidence.ts';

/**
 * nginx gives up before the backend's own watchdog does: the user has a 504, and the worker goes on for nobody. It is advice, as
 * nothing fails by it until a page is slow. A backend without a limit has chosen to have none.
 */
export default defineFault({
  meta: {
    id: 'timeout-chain-inverted',
    layer: 'nginx',
    title: 'nginx gives up on a request before the backend does',
    explains: [],
    requires: ['hops'],
    leadsTo: [],
    advice: true,
    messages: {
      longer:
        'nginx waits {outer} s for {peer}, and {service} lets a request run for {inner} s. A page that takes longer than {outer} s ends in a 504, while its worker goes on for up to {rest} s with nobody to answer.',
    },
  },
  *detect({ hops }) {
    for (const hop of hops) {
      const inner = hop.service?.requestTimeoutMs;
      // With threads or an event loop the watchdog looks at the worker, not at the request.
      const isOfRequests = hop.service?.kind !== 'gunicorn' || hop.service.manager === 'prefork';
      if (inner === undefined || inner.value <= 0 || !isOfRequests || hop.peer.flags.down) continue;
      // The place that waits longest: others may have their own reason to be quick.
      const settings = hop.routes.flatMap(route => route.settings['read_timeout'] ?? []);
      const [outer] = settings.toSorted((a, b) => (b.ms ?? 0) - (a.ms ?? 0));
      if (outer?.ms === undefined || outer.ms <= 0 || inner.value <= outer.ms) continue;
      yield {
        confidence: 'confirmed',
        status: 'latent',
        subject: hop.subject,
        messageId: 'longer',
        data: {
          outer: outer.ms / 1000,
          inner: inner.value / 1000,
          rest: (inner.value - outer.ms) / 1000,
          peer: hop.peer.id,
          service: hop.service?.name ?? hop.peer.id,
        },
        evidence: [settingEvidence(outer), { source: inner.source, text: inner.text ?? `limit of one request: ${inner.value / 1000} s` }],
        symptoms: [],
      };
    }
  },
});
